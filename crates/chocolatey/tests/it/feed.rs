use fleetmend_chocolatey::XmlError;
use fleetmend_chocolatey::odata::{FeedError, parse_feed};
use proptest::prelude::*;

/// As the Chocolatey community repository writes an entry: no `d:Id`.
const GALLERY: &str = include_str!("../data/gallery_entry.xml");
const NUGET: &str = include_str!("../data/nuget_feed.xml");

#[test]
fn an_entry_of_the_gallery_has_its_id_in_the_title() {
    let page = parse_feed(GALLERY.as_bytes()).unwrap();
    let [entry] = &page.entries[..] else {
        panic!("{page:?}")
    };
    assert_eq!(
        (entry.id.as_str(), entry.version.as_str()),
        ("zelph", "1.0.1.1")
    );
    assert_eq!(entry.title.as_deref(), Some("zelph"));
    assert_eq!(entry.authors.as_deref(), Some("Stefan Zipproth"));
    assert_eq!(entry.project_url.as_deref(), Some("https://zelph.org/"));
    assert_eq!(entry.tags, ["zelph", "semantic-network", "cpp"]);
    assert_eq!(entry.dependencies.len(), 1);
    assert_eq!(entry.dependencies[0].id, "vcredist140");
    assert_eq!(entry.dependencies[0].range.as_deref(), Some("14.0.0"));
    let hash = entry.package_hash.as_ref().unwrap();
    assert_eq!(hash.algorithm, "sha512");
    assert!(hash.hex.starts_with("73a28f58df431c375d04"), "{}", hash.hex);
    assert_eq!(entry.package_size, Some(3760));
    assert!(entry.is_latest && entry.is_absolute_latest && !entry.is_prerelease && entry.listed);
    assert!(
        entry
            .content_url
            .as_deref()
            .unwrap()
            .ends_with("/package/zelph/1.0.1.1")
    );
    assert_eq!(
        page.base.as_deref(),
        Some("https://gallery.example/api/v2/")
    );
}

#[test]
fn a_feed_keeps_good_entries_and_says_why_others_are_skipped() {
    let page = parse_feed(NUGET.as_bytes()).unwrap();
    let ids: Vec<_> = page
        .entries
        .iter()
        .map(|it| (it.id.as_str(), it.listed, it.is_prerelease))
        .collect();
    assert_eq!(ids, [("Good", true, false), ("Unlisted", false, true)]);
    assert_eq!(
        page.next.as_deref(),
        Some("https://nuget.example/Packages?$skiptoken='Good','1.0'&x=1")
    );
    let skipped: Vec<_> = page
        .skipped
        .iter()
        .map(|it| (it.entry.as_str(), it.reason.as_str()))
        .collect();
    assert_eq!(
        skipped,
        [
            ("NoVersion", "it has no d:Version"),
            (
                "BadVersion",
                "\"one\" is not a package version: it must be numbers divided by dots"
            ),
            ("urn:x", "it has neither d:Id nor a title"),
            ("../evil", "\"../evil\" is not a package id"),
            (
                "BadHash",
                "PackageHash is not the Base64 text of a sha512 digest"
            ),
        ]
    );
}

#[test]
fn what_is_no_feed_is_named() {
    for (text, reason) in [
        ("  ", "the document is empty"),
        (
            "<!DOCTYPE html><html><body>Log in</body></html>",
            "an HTML page, not XML",
        ),
        ("<HTML><head>", "an HTML page, not XML"),
        (
            "<?xml version=\"1.0\"?><html xmlns=\"x\"></html>",
            "an HTML page, not XML",
        ),
        ("{\"error\": 1}", "it is not XML: it begins with"),
        (
            "<?xml version=\"1.0\"?><!DOCTYPE feed [<!ENTITY a \"b\">]><feed>&a;</feed>",
            "(DTD), which is refused",
        ),
        (
            "<feed><entry><title>&a;</title></entry></feed>",
            "the entity &a;",
        ),
        ("<service/>", "root element is <service>"),
        (
            "<m:error xmlns:m=\"x\"><m:message>Not found.</m:message></m:error>",
            "answered with an error: Not found.",
        ),
        ("<feed><entry>", "ends in the middle, inside <entry>"),
        ("<feed><entry><tit", "ends in the middle, inside <entry>"),
        ("<feed></entry>", "not well-formed"),
        ("<feed/><feed/>", "more than one root"),
        ("<feed/>x", "outside of the root"),
    ] {
        let error = parse_feed(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn a_page_cut_off_anywhere_is_never_taken_for_a_whole_one() {
    for end in 0..NUGET.trim_end().len() {
        assert!(
            parse_feed(&NUGET.as_bytes()[..end]).is_err(),
            "cut at {end}"
        );
    }
}

#[test]
fn endless_depth_and_size_are_refused() {
    let deep = format!("<feed>{}", "<a>".repeat(100_000));
    assert_eq!(
        parse_feed(deep.as_bytes()),
        Err(FeedError::Xml(XmlError::TooDeep))
    );
    let long = format!(
        "<feed><entry><title>{}</title></entry></feed>",
        "a".repeat(2 << 20)
    );
    assert!(matches!(
        parse_feed(long.as_bytes()),
        Err(FeedError::Xml(XmlError::TextTooLong { .. }))
    ));
    let large = vec![b' '; 33 << 20];
    assert!(matches!(
        parse_feed(&large),
        Err(FeedError::Xml(XmlError::TooLarge { .. }))
    ));
    let many = format!("<feed>{}</feed>", "<entry/>".repeat(20_001));
    assert_eq!(parse_feed(many.as_bytes()), Err(FeedError::TooManyEntries));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse_feed(&bytes);
    }

    #[test]
    fn a_damaged_feed_is_read_without_panic(at in 0..NUGET.len(), byte in any::<u8>()) {
        let mut bytes = NUGET.as_bytes().to_vec();
        bytes[at] = byte;
        let _ = parse_feed(&bytes);
    }
}
