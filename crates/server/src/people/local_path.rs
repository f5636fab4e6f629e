//! Paths of this console that come back from a form or a link, to go to afterwards.

/// The path if it leads to a page of this console, `otherwise` if it could lead anywhere else
/// (`//host`, `/\host`, `https:…`).
pub(crate) fn or<'a>(path: &'a str, otherwise: &'a str) -> &'a str {
    let mut bytes = path.bytes();
    let starts_well = bytes.next() == Some(b'/') && !matches!(bytes.next(), Some(b'/' | b'\\'));
    let is_plain = path.len() <= 2000 && path.bytes().all(|b| (0x21..0x7f).contains(&b));
    if starts_well && is_plain {
        path
    } else {
        otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::or;

    #[test]
    fn only_paths_of_this_console_are_followed() {
        for path in ["/", "/devices?hostname=a%20b", "/deployments/12"] {
            assert_eq!(or(path, "/x"), path);
        }
        for path in [
            "",
            "devices",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "/a\r\nSet-Cookie: b",
            "/a b",
            "javascript:alert(1)",
        ] {
            assert_eq!(or(path, "/x"), "/x", "{path:?}");
        }
    }
}
