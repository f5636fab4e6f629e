//! The part of a package that names the kinds of its files by their endings. Clients of the first
//! generation do not see files whose ending is not named there.
//!
//! Source: ECMA-376, part 2 (Open Packaging Conventions), section 10.1.2.2.

use std::fmt::Write as _;

/// The entry's name.
pub(super) const NAME: &str = "[Content_Types].xml";
/// The kind of what is no more than bytes.
const BYTES: &str = "application/octet";
/// Behind all that is named.
const END: &str = "</Types>";

/// The part with these endings named as well; nothing where it has no end to put them before.
pub(super) fn with_endings(part: &str, endings: &[String]) -> Option<String> {
    let at = part.rfind(END)?;
    let known = part.to_lowercase();
    let mut added = String::new();
    for ending in endings {
        let ending = ending.to_lowercase();
        let is_named = known.contains(&format!("extension=\"{ending}\""))
            || added.contains(&format!("\"{ending}\""));
        if !is_named {
            let _ = write!(
                added,
                "<Default Extension=\"{ending}\" ContentType=\"{BYTES}\" />"
            );
        }
    }
    Some(format!("{}{added}{}", &part[..at], &part[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_named_once() {
        let part = "<Types xmlns=\"x\"><Default Extension=\"EXE\" ContentType=\"y\" /></Types>";
        let endings = ["exe", "ignore", "Ignore"].map(str::to_owned);
        assert_eq!(
            with_endings(part, &endings).unwrap(),
            "<Types xmlns=\"x\"><Default Extension=\"EXE\" ContentType=\"y\" />\
             <Default Extension=\"ignore\" ContentType=\"application/octet\" /></Types>"
        );
        assert_eq!(with_endings("<Types />", &endings), None);
    }
}
