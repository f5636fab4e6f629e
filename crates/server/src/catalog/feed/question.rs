//! What a feed is asked.

use std::fmt::Write as _;

/// The latest versions by id; from an id on, that one included, where one is given.
pub fn ordered(location: &str, from: Option<&str>) -> String {
    let base = location.trim_end_matches('/');
    match from {
        None => format!("{base}/Packages()?$filter=IsLatestVersion&$orderby=Id"),
        // Ids hold letters, digits, '.', '-' and '_' alone; letters may be of any script.
        Some(id) => format!(
            "{base}/Packages()?$filter=IsLatestVersion%20and%20Id%20ge%20'{}'&$orderby=Id",
            encoded(id)
        ),
    }
}

/// The latest versions, in the feed's own order.
pub fn plain(location: &str) -> String {
    let base = location.trim_end_matches('/');
    format!("{base}/Packages()?$filter=IsLatestVersion")
}

/// How many the latest versions are.
pub fn count(location: &str) -> String {
    let base = location.trim_end_matches('/');
    format!("{base}/Packages()/$count?$filter=IsLatestVersion")
}

fn encoded(id: &str) -> String {
    id.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::ordered;

    #[test]
    fn a_question_is_put_for_the_ids_from_one_on() {
        let location = "https://feed.example/api/v2/";
        assert_eq!(
            ordered(location, None),
            "https://feed.example/api/v2/Packages()?$filter=IsLatestVersion&$orderby=Id"
        );
        assert_eq!(
            ordered(location, Some("7zip.install")),
            "https://feed.example/api/v2/Packages()?$filter=IsLatestVersion%20and%20Id%20ge%20\
             '7zip.install'&$orderby=Id"
        );
        assert!(ordered(location, Some("Über-app")).contains("'%C3%9Cber-app'"));
    }
}
