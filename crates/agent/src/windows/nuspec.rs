//! Id and version of a package's nuspec, read tolerantly: what Chocolatey accepted is there to be
//! read, and a nuspec that says neither is passed over.

use fleetmend_model::inventory::ChocolateyRecord;

/// The longest id or version that is taken.
const MAX_WORD: usize = 200;

/// Reads a nuspec's `<id>` and `<version>`; `None` where one of them is missing or impossible.
pub(crate) fn parse(document: &str) -> Option<ChocolateyRecord> {
    let document = without_comments(document);
    // From the opening tag on: a `<version>` elsewhere is not the package's.
    let (_, metadata) = document.split_once("<metadata")?;
    Some(ChocolateyRecord {
        id: element(metadata, "id")?,
        version: element(metadata, "version")?,
        pinned: false,
    })
}

fn without_comments(document: &str) -> String {
    let mut text = String::with_capacity(document.len());
    let mut rest = document;
    while let Some((before, comment)) = rest.split_once("<!--") {
        text.push_str(before);
        rest = comment.split_once("-->").map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text
}

/// The text of the first element of this name.
fn element(text: &str, name: &str) -> Option<String> {
    let mut rest = text;
    loop {
        let (_, tag) = rest.split_once('<')?;
        rest = tag;
        let Some(after) = tag.strip_prefix(name) else {
            continue;
        };
        if !after.starts_with(|c: char| c == '>' || c.is_ascii_whitespace()) {
            continue;
        }
        let (_, content) = after.split_once('>')?;
        let word = content.split_once('<')?.0.trim();
        let is_word = !word.is_empty()
            && word.len() <= MAX_WORD
            && word
                .chars()
                .all(|c| c.is_alphanumeric() || "._-+".contains(c));
        return is_word.then(|| word.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn id_and_version_are_read_from_the_metadata() {
        for (document, expected) in [
            (
                "<?xml version=\"1.0\"?><package><metadata><id>7zip.install</id>\
                 <version>24.9.0</version></metadata></package>",
                Some(("7zip.install", "24.9.0")),
            ),
            (
                "<package>\n <!-- <metadata><id>no</id> -->\n <metadata minClientVersion=\"2.5\">\n\
                 <idea>x</idea><id>\n  git\n</id>\n<!-- <version>0</version> -->\
                 <version >2.47.0-beta+1</version></metadata></package>",
                Some(("git", "2.47.0-beta+1")),
            ),
            ("<package><metadata><id>a</id></metadata></package>", None),
            ("<package><id>a</id><version>1</version></package>", None),
            (
                "<metadata><id>a b</id><version>1</version></metadata>",
                None,
            ),
            ("<metadata><id></id><version>1</version></metadata>", None),
            ("<metadata><id>a", None),
            ("<!-- ", None),
            ("", None),
        ] {
            let read = parse(document);
            let read = read
                .as_ref()
                .map(|it| (it.id.as_str(), it.version.as_str()));
            assert_eq!(read, expected, "{document}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(<metadata|<id|<version|>|</|<!--|-->|[a-z. é]){0,40}") {
            let _ = parse(&text);
        }
    }
}
