use fleetmend_chocolatey::nuspec::parse_nuspec;
use proptest::prelude::*;

#[test]
fn a_manifest_is_read_with_its_dependencies() {
    let text = "\u{FEFF}<?xml version=\"1.0\"?>
        <package xmlns=\"http://schemas.microsoft.com/packaging/2015/06/nuspec.xsd\"><metadata>
        <id>7zip</id><version>24.09</version><title> 7-Zip </title><authors>Igor &amp; Co</authors>
        <tags>zip  archive</tags><description><![CDATA[<b>]]></description>
        <dependencies><dependency id=\"7zip.install\" version=\"[24.9.0]\"/>
        <group targetFramework=\"net45\"><dependency id=\"x\"/></group><dependency id=\"y\"/>
        </dependencies></metadata></package>";
    let found = parse_nuspec(text.as_bytes()).unwrap();
    assert_eq!(
        (found.id.as_str(), found.version.as_str()),
        ("7zip", "24.09")
    );
    assert_eq!(found.normalised.to_string(), "24.9.0");
    assert_eq!(found.title.as_deref(), Some("7-Zip"));
    assert_eq!(found.authors.as_deref(), Some("Igor & Co"));
    assert_eq!(found.description.as_deref(), Some("<b>"));
    assert_eq!(found.tags, ["zip", "archive"]);
    let dependencies: Vec<_> = found
        .dependencies
        .iter()
        .map(|it| {
            (
                it.id.as_str(),
                it.range.as_deref(),
                it.target_framework.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        dependencies,
        [
            ("7zip.install", Some("[24.9.0]"), None),
            ("x", None, Some("net45")),
            ("y", None, None)
        ]
    );
}

#[test]
fn what_cannot_be_used_is_refused_with_the_reason() {
    for (text, reason) in [
        ("", "the document is empty"),
        ("{}", "it is not XML: it begins with \"{}\""),
        ("<feed/>", "root element is <feed>"),
        (
            "<package><metadata><version>1.0</version></metadata></package>",
            "has no <id>",
        ),
        (
            "<package><metadata><id>a</id></metadata></package>",
            "has no <version>",
        ),
        (
            "<package><metadata><id>../a</id><version>1</version></metadata></package>",
            "not a package id",
        ),
        (
            "<package><metadata><id>a</id><version>x</version></metadata></package>",
            "not a package version",
        ),
        (
            "<package><metadata><id>a</id>",
            "ends in the middle, inside <metadata>",
        ),
        ("<!DOCTYPE package><package/>", "DTD"),
    ] {
        let error = parse_nuspec(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse_nuspec(&bytes);
    }

    #[test]
    fn any_document_is_read_without_panic(text in "(<(package|metadata|id|version|/id|/metadata|dependency id=\"a\"|!DOCTYPE x|!\\[CDATA\\[)>|a|&amp;|&x;|/>){0,20}") {
        let _ = parse_nuspec(text.as_bytes());
    }
}
