//! A request's query string.

/// Name and value of each part, decoded. Of a name that comes twice the last one counts.
pub(super) struct Query<'a> {
    /// Name, value, and the part as it was written.
    parts: Vec<(String, String, &'a str)>,
}

impl<'a> Query<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        let parts = text.split('&').filter(|part| !part.is_empty());
        Self {
            parts: parts
                .map(|part| {
                    let (name, value) = part.split_once('=').unwrap_or((part, ""));
                    (decode(name), decode(value), part)
                })
                .collect(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parts
            .iter()
            .rev()
            .find(|part| part.0 == name)
            .map(|part| part.1.as_str())
    }

    /// A text, whose quotes are not part of it.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = self.get(name)?.trim();
        let inner = value
            .strip_prefix('\'')
            .and_then(|it| it.strip_suffix('\''))
            .unwrap_or(value);
        Some(inner.replace("''", "'"))
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|it| it.trim().eq_ignore_ascii_case("true"))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<usize>, String> {
        let Some(text) = self.get(name).filter(|it| !it.is_empty()) else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|_| format!("{name} must be a whole number"))
    }

    /// All parts as they were written, without those of these names.
    pub(super) fn without(&self, names: &[&str]) -> String {
        let kept = self
            .parts
            .iter()
            .filter(|part| !names.contains(&part.0.as_str()));
        kept.map(|part| part.2).collect::<Vec<_>>().join("&")
    }
}

/// Percent-encoding and `+`; what is no encoding stays as it is.
fn decode(text: &str) -> String {
    decode_path(&text.replace('+', " "))
}

/// Percent-encoding; what is no encoding stays as it is.
pub(super) fn decode_path(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        let decoded = hex
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(decoded) = decoded {
            out.push(decoded);
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A text as part of a query.
pub(super) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
