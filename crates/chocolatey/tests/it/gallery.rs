//! The feed of one's own: real clients' requests, each with what the client must read from the
//! answer.

use fleetmend_chocolatey::dependency::{Dependency, Range};
use fleetmend_chocolatey::gallery::{
    Document, Gallery, Item, Request, metadata, named_version, service,
};
use fleetmend_chocolatey::nuspec::Nuspec;
use fleetmend_chocolatey::odata::{FeedPage, parse_feed};
use fleetmend_versions::nuget::Version;
use proptest::prelude::*;

const BASE: &str = "https://patch.example.org:8443/feed/v2/";
const NOW: &str = "2026-01-02T03:04:05";

pub fn item(id: &str, version: &str) -> Item {
    Item {
        nuspec: Nuspec {
            id: id.to_owned(),
            version: version.to_owned(),
            normalised: Version::parse_any(version).unwrap(),
            title: Some(format!("{id} & <co>")),
            authors: Some("A. Author".to_owned()),
            owners: Some("O. Owner".to_owned()),
            summary: Some("In short".to_owned()),
            description: Some(format!("What {id} does")),
            project_url: Some("https://example.org/?a=1&b=2".to_owned()),
            icon_url: Some("https://example.org/icon.png".to_owned()),
            license_url: Some("https://example.org/licence".to_owned()),
            project_source_url: Some("https://git.example.org/it".to_owned()),
            package_source_url: Some("https://git.example.org/package".to_owned()),
            docs_url: Some("https://docs.example.org".to_owned()),
            mailing_list_url: Some("https://list.example.org".to_owned()),
            bug_tracker_url: Some("https://bugs.example.org:8080/".to_owned()),
            copyright: Some("(c) A. Author".to_owned()),
            requires_license_acceptance: true,
            release_notes: Some("# News".to_owned()),
            tags: vec!["tool".to_owned(), id.to_owned()],
            dependencies: vec![Dependency {
                id: "base".to_owned(),
                range: Some("[1.0,2.0)".to_owned()),
                target_framework: None,
            }],
        },
        size: 1261,
        sha512: format!("{}==", "A".repeat(86)),
        created: "2024-01-01T00:00:00".to_owned(),
        listed: true,
    }
}

/// The packages that the recorded clients asked a feed for.
pub fn gallery() -> Gallery {
    let mut gallery = Gallery::default();
    for (id, version) in [
        ("acme", "1.1.0"),
        ("acme", "2.0.0-beta1"),
        ("acme", "1.0.0"),
        ("acme", "1.2.0"),
        ("acme.lib", "1.5.0.20240101"),
        ("acme.lib", "1.0.0"),
        ("7zip", "24.9.0"),
        ("7zip", "23.1.0"),
    ] {
        gallery.insert(item(id, version));
    }
    gallery
}

pub fn ask(gallery: &Gallery, request: &str) -> Result<Document, String> {
    let (path, query) = request.split_once('?').unwrap_or((request, ""));
    let request = Request::parse(path, query).map_err(|error| error.to_string())?;
    let request = request.ok_or("there is nothing there")?;
    gallery
        .answer(&request, BASE, NOW)
        .map_err(|error| error.to_string())
}

pub fn read(gallery: &Gallery, request: &str) -> FeedPage {
    match ask(gallery, request) {
        Ok(Document::Atom(xml)) => {
            let page = parse_feed(xml.as_bytes()).unwrap_or_else(|it| panic!("{request}: {it}"));
            assert!(page.skipped.is_empty(), "{request}: {:?}", page.skipped);
            page
        }
        other => panic!("{request}: {other:?}"),
    }
}

pub fn shown(page: &FeedPage) -> String {
    let entries = page.entries.iter();
    entries
        .map(|it| format!("{} {}", it.id, it.version))
        .collect::<Vec<_>>()
        .join(", ")
}

#[test]
fn filters_of_every_form_hold_for_what_they_say() {
    let seven = "7zip 23.1.0, 7zip 24.9.0";
    for (filter, expected) in [
        ("Id eq '7ZIP'", seven),
        ("Id eq '7zip' and Version eq '24.09.0'", "7zip 24.9.0"),
        ("Id eq '7zip' and Version gt '23.1'", "7zip 24.9.0"),
        ("not (IsPrerelease eq false)", "acme 2.0.0-beta1"),
        ("not not IsPrerelease", "acme 2.0.0-beta1"),
        ("toupper(Id) eq '7ZIP'", seven),
        ("endswith(Id, 'zip')", seven),
        ("substringof('ZIP', Title)", seven),
        (
            "IsPrerelease or Id eq '7zip' and IsLatestVersion",
            "7zip 24.9.0, acme 2.0.0-beta1",
        ),
        ("PackageSize lt 10L", ""),
        ("Id eq '7zip' and PackageSize ge 1261", seven),
        (
            "Id eq '7zip' and Published gt datetime'2023-12-31T23:59:59'",
            seven,
        ),
        ("Published lt datetime'2023-12-31T23:59:59'", ""),
        ("Summary eq null", ""),
        ("Id eq '7zip' and Summary ne null", seven),
        ("Id eq 'it''s'", ""),
    ] {
        let query = filter.replace(' ', "%20");
        let page = read(&gallery(), &format!("Packages()?$filter={query}"));
        assert_eq!(shown(&page), expected, "{filter}");
    }
}

#[test]
fn what_is_not_understood_is_an_error_and_no_empty_answer() {
    let deep = format!("$filter={}IsPrerelease{}", "(".repeat(100), ")".repeat(100));
    for (query, why) in [
        ("$filter=Colour%20eq%20'red'", "'Colour' is not a property"),
        ("$filter=indexof(Id,'a')%20eq%200", "'indexof' is not known"),
        ("$filter=Id%20eq", "ends too early"),
        ("$filter=(Id%20eq%20'a'", "')' is missing"),
        ("$filter=Id%20eq%20'a", "no closing quote"),
        ("$filter=IsPrerelease%20IsPrerelease", "not expected"),
        (&deep, "nested too deeply"),
        ("$orderby=Colour", "$orderby"),
        ("$orderby=Id%20sideways", "'asc' or 'desc'"),
        ("$top=many", "$top"),
        ("$skip=-1", "$skip"),
        ("$skiptoken=1", "$skiptoken"),
        ("$inlinecount=some", "$inlinecount"),
    ] {
        let error = ask(&gallery(), &format!("Packages()?{query}")).unwrap_err();
        assert!(error.contains(why), "{query}: {error}");
    }
    let long = "x".repeat(40_000);
    assert!(ask(&gallery(), &format!("Packages()?$filter={long}")).is_err());
    assert!(ask(&gallery(), "FindPackagesById()").is_err());
    assert!(ask(&gallery(), "Packages(Id='a')").is_err());
    assert!(ask(&gallery(), "GetUpdates()?packageIds='a|b'&versions='1'").is_err());
    for nothing in [
        "Nothing",
        "package",
        "package/a/1/2",
        "Packages(",
        "Packages()/Id",
        "Packages(Id='acme',Version='1.0.0')/Tags",
        "Search()/Id",
        "api/v3/index.json",
    ] {
        assert_eq!(
            ask(&gallery(), nothing).unwrap_err(),
            "there is nothing there",
            "{nothing}"
        );
    }
    for missing in [
        "Packages(Id='acme',Version='9')",
        "Packages(Id='x',Version='not one')",
    ] {
        assert_eq!(ask(&gallery(), missing), Ok(Document::Missing), "{missing}");
    }
}

#[test]
fn a_version_to_hide_is_named_as_the_clients_do() {
    for (path, expected) in [
        ("/acme/1.0.0", Some(("acme", "1.0.0"))),
        ("/package/acme/1.0.0%2Bb", Some(("acme", "1.0.0+b"))),
        ("/package/1.0.0", Some(("package", "1.0.0"))),
        ("/acme", None),
        ("/acme/", None),
        ("/other/acme/1.0.0", None),
        ("", None),
    ] {
        let found = named_version(path);
        let found = found.as_ref().map(|it| (it.0.as_str(), it.1.as_str()));
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn an_entry_says_everything_that_clients_show_or_check() {
    let page = read(&gallery(), "Packages(Id='ACME',Version='1.2')");
    let entry = &page.entries[0];
    assert_eq!(page.base.as_deref(), Some(BASE));
    assert_eq!(entry.title.as_deref(), Some("acme & <co>"));
    assert_eq!(entry.authors.as_deref(), Some("A. Author"));
    assert_eq!(
        entry.project_url.as_deref(),
        Some("https://example.org/?a=1&b=2")
    );
    let Ok(Document::Atom(xml)) = ask(&gallery(), "Packages(Id='acme',Version='1.2')") else {
        panic!("no entry");
    };
    // What `choco info` prints, and what `choco search` chooses by.
    for part in [
        "<title type=\"text\">acme</title><summary type=\"text\">In short</summary>",
        "<author><name>A. Author</name></author>",
        "<d:Owners>O. Owner</d:Owners>",
        "<d:LicenseUrl>https://example.org/licence</d:LicenseUrl>",
        "<d:ProjectSourceUrl>https://git.example.org/it</d:ProjectSourceUrl>",
        "<d:PackageSourceUrl>https://git.example.org/package</d:PackageSourceUrl>",
        "<d:DocsUrl>https://docs.example.org</d:DocsUrl>",
        "<d:MailingListUrl>https://list.example.org</d:MailingListUrl>",
        "<d:BugTrackerUrl>https://bugs.example.org:8080/</d:BugTrackerUrl>",
        "<d:ReleaseNotes># News</d:ReleaseNotes>",
        "<d:Tags xml:space=\"preserve\"> tool acme </d:Tags>",
        "<d:IsApproved m:type=\"Edm.Boolean\">true</d:IsApproved>",
        "<d:PackageApprovedDate m:type=\"Edm.DateTime\">2024-01-01T00:00:00</d:PackageApprovedDate>",
        "<d:PackageTestResultStatus>Unknown</d:PackageTestResultStatus>",
        "<d:RequireLicenseAcceptance m:type=\"Edm.Boolean\">true</d:RequireLicenseAcceptance>",
    ] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
    assert_eq!(
        entry.content_url.as_deref(),
        Some(format!("{BASE}package/acme/1.2.0").as_str())
    );
    assert_eq!(entry.package_hash.as_ref().unwrap().algorithm, "sha512");
    assert_eq!(entry.package_size, Some(1261));
    assert_eq!(entry.published.as_deref(), Some("2024-01-01T00:00:00"));
    assert_eq!(
        entry.dependencies,
        item("acme", "1.2.0").nuspec.dependencies
    );
    assert!(entry.is_latest && !entry.is_absolute_latest && entry.listed);
}

#[test]
fn versions_that_lists_do_not_show_are_found_by_those_who_name_them_alone() {
    let mut gallery = gallery();
    gallery.insert(Item {
        listed: false,
        ..item("acme", "1.2.0")
    });
    assert_eq!(
        shown(&read(
            &gallery,
            "Search()?searchTerm='acme'&$filter=IsLatestVersion"
        )),
        "acme 1.1.0, acme.lib 1.5.0.20240101"
    );
    let page = read(&gallery, "FindPackagesById()?id='acme'");
    let hidden: Vec<_> = page.entries.iter().filter(|it| !it.listed).collect();
    assert_eq!(hidden.len(), 1);
    assert_eq!(
        (hidden[0].version.as_str(), hidden[0].published.as_deref()),
        ("1.2.0", Some("1900-01-01T00:00:00"))
    );
    assert!(gallery.get("Acme", Some("1.2")).is_some());
    assert_eq!(gallery.get("Acme", None).unwrap().nuspec.version, "1.1.0");
}

#[test]
fn no_client_gets_a_version_that_it_cannot_read() {
    let mut gallery = gallery();
    for version in ["0", "2.0.0-rc.1", "3.0.0+build", "3.1-1", "3.2.0_1"] {
        gallery.insert(item("acme", version));
    }
    let old = "Packages()?$filter=Id%20eq%20'acme'%20and%20IsAbsoluteLatestVersion";
    assert_eq!(shown(&read(&gallery, old)), "acme 3.2.0_1");
    assert_eq!(
        shown(&read(&gallery, &format!("{old}&semVerLevel=2.0.0"))),
        "acme 3.1-1"
    );
    let fixed = read(&gallery, "Packages(Id='acme',Version='3.2.0_1')");
    assert_eq!(shown(&fixed), "acme 3.2.0_1");
    for (filter, expected) in [
        ("Version%20eq%20'3.2_1'", "acme 3.2.0_1"),
        ("'3.2'%20lt%20Version", "acme 3.2.0_1"),
        ("'3.2_1'%20lt%20Version", ""),
    ] {
        let found = read(
            &gallery,
            &format!("Packages()?$filter=Id%20eq%20'acme'%20and%20{filter}"),
        );
        assert_eq!(shown(&found), expected, "{filter}");
    }
    let all = shown(&read(&gallery, "FindPackagesById()?id='acme'"));
    for version in ["2.0.0-rc.1", "3.0.0+build", "3.1-1"] {
        assert!(!all.contains(version), "{all}");
    }
    assert!(all.starts_with("acme 0.0.0, acme 1.0.0"), "{all}");
}

#[test]
fn an_address_that_clients_could_not_read_is_left_out() {
    for (url, is_shown) in [
        ("https://example.org/a?b=c#d", true),
        ("http://localhost:8080", true),
        ("https://bücher.example/", true),
        ("http://", false),
        ("https:///path", false),
        ("https://exa mple.org", false),
        ("https://example..org", false),
        ("https://user@example.org", false),
        ("https://example.org:port/", false),
        ("https://example.org:99999/", false),
        ("ftp://example.org", false),
        ("javascript:alert(1)", false),
        ("somewhere", false),
    ] {
        let mut gallery = Gallery::default();
        let mut it = item("acme", "1.0");
        it.nuspec.icon_url = Some(url.to_owned());
        gallery.insert(it);
        let Ok(Document::Atom(xml)) = ask(&gallery, "Packages()") else {
            panic!("no feed");
        };
        assert_eq!(xml.contains("<d:IconUrl>"), is_shown, "{url}");
    }
}

#[test]
fn a_version_that_is_taken_out_leaves_the_next_one_as_the_latest() {
    let mut gallery = gallery();
    let version = |text| Version::parse(text).unwrap();
    assert!(gallery.remove("ACME", &version("1.2.0.0")));
    assert!(!gallery.remove("acme", &version("1.2.0")));
    assert!(!gallery.remove("nosuch", &version("1.2.0")));
    assert_eq!(
        shown(&read(
            &gallery,
            "Packages()?$filter=Id%20eq%20'acme'%20and%20IsLatestVersion"
        )),
        "acme 1.1.0"
    );
    assert_eq!(gallery.len(), 7);
    for (id, text) in [("acme.lib", "1.0.0"), ("acme.lib", "1.5.0.20240101")] {
        assert!(gallery.remove(id, &version(text)));
    }
    assert_eq!(shown(&read(&gallery, "Search()?searchTerm='acme.lib'")), "");
}

#[test]
fn counts_count_what_the_list_would_have() {
    let gallery = gallery();
    for (request, expected) in [
        ("Packages/$count", 8),
        ("Packages()/$count?$filter=IsLatestVersion", 3),
        (
            "Search()/$count?searchTerm='acme'&includePrerelease=true",
            6,
        ),
        ("FindPackagesById()/$count?id='7zip'", 2),
    ] {
        assert_eq!(
            ask(&gallery, request),
            Ok(Document::Count(expected)),
            "{request}"
        );
    }
    let Ok(Document::Atom(xml)) = ask(&gallery, "Packages()?$inlinecount=allpages&$top=1") else {
        panic!("no feed");
    };
    assert!(xml.contains("<m:count>8</m:count>"), "{xml}");
}

#[test]
fn metadata_and_service_document_name_what_entries_have() {
    let metadata = metadata();
    let Ok(Document::Atom(entry)) = ask(&gallery(), "Packages(Id='acme',Version='1.0.0')") else {
        panic!("no entry");
    };
    let mut names = 0;
    for part in metadata.split("<Property Name=\"").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(
            entry.contains(&format!("<d:{name}")),
            "no {name} in the entry"
        );
        names += 1;
    }
    assert_eq!(names, entry.matches("<d:").count(), "the entry has others");
    for function in ["Search", "FindPackagesById", "GetUpdates"] {
        assert!(metadata.contains(&format!("<FunctionImport Name=\"{function}\"")));
    }
    assert!(service(BASE).contains("<collection href=\"Packages\">"));
}

#[test]
fn version_ranges_hold_what_nuget_says() {
    for (range, inside, outside) in [
        ("", &["0.1", "9"][..], &[][..]),
        ("1.0", &["1.0", "1.0.1", "2"], &["0.9", "1.0-beta"]),
        ("(1.0,)", &["1.0.1"], &["1.0"]),
        ("[1.0]", &["1.0", "1.0.0.0"], &["1.0.1"]),
        ("(,1.0]", &["1.0", "0.1"], &["1.0.1"]),
        ("[1.0, 2.0)", &["1.0", "1.9", "2.0-beta"], &["2.0"]),
        ("(1.0,2.0)", &["1.5"], &["1.0", "2.0"]),
    ] {
        let parsed = Range::parse(range).unwrap();
        let has = |text: &&str| parsed.has(&Version::parse(text).unwrap());
        assert!(inside.iter().all(has), "{range}");
        assert!(!outside.iter().any(has), "{range}");
    }
    for bad in [
        "(1.0)",
        "[1.0",
        "[1,2,3]",
        "[",
        "[]",
        "x",
        "[a,b]",
        "(,)",
        "[,]",
        "[2.0,1.0]",
        "[1.0,1.0)",
        "(1.0,1.0]",
        "[1.0,1.0-beta]",
        "1.0 or newer",
    ] {
        assert!(Range::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_range_whose_lowest_version_floats_begins_where_nuget_says() {
    for (range, inside, outside) in [
        ("*", &["0.0", "9"][..], &["0.0-beta"][..]),
        ("*-*", &["0.0-beta", "9"], &[]),
        ("1.*", &["1.0", "2.0"], &["0.9", "1.0-beta"]),
        ("1.2.*", &["1.2"], &["1.1.9"]),
        ("1.0-*", &["1.0-beta", "1.0"], &["0.9"]),
        ("1.0-beta*", &["1.0-beta", "1.0-gamma"], &["1.0-alpha"]),
        ("1.0-beta.*", &["1.0-beta.0", "1.0-beta.1"], &["1.0-beta"]),
        ("1.*-*", &["1.0-beta", "2.0"], &["0.9"]),
        ("[1.*,2.0)", &["1.0", "1.9"], &["2.0"]),
    ] {
        let parsed = Range::parse(range).unwrap_or_else(|it| panic!("{range}: {it}"));
        let has = |text: &&str| parsed.has(&Version::parse(text).unwrap());
        assert!(inside.iter().all(has), "{range}");
        assert!(!outside.iter().any(has), "{range}");
    }
    for bad in [
        "foo*",
        "**",
        "1.*.0",
        "[1.0,2.*]",
        "[1.*]",
        "1.*.*",
        "*.1",
        "1.*-a*b*",
        "1.0.0.0.*",
        "1.0+*",
        "[3.*,2.0]",
        "*-beta",
    ] {
        assert!(Range::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_dependency_that_would_make_clients_give_up_a_list_is_told_from_one_that_they_read() {
    for (id, range, framework, why) in [
        ("base", Some("[1.0,2.0)"), Some("net45"), ""),
        (
            "Acme.Tool-x",
            None,
            Some(".NETFramework,Version=v4.5,Profile=Client"),
            "",
        ),
        ("base", Some("1.*"), Some("net6.0-windows7.0"), ""),
        ("base", None, Some(""), ""),
        ("a:[bad", None, None, "is no package id"),
        ("a|b", None, None, "is no package id"),
        ("", None, None, "is no package id"),
        ("base", Some("(,)"), None, "cannot read the range '(,)' of"),
        ("base", Some("1.0|b:[bad"), None, "cannot read the range"),
        (
            "base",
            None,
            Some("net45|b:[bad"),
            "cannot read the framework",
        ),
        ("base", None, Some("net45:"), "cannot read the framework"),
        ("base", None, Some(","), "cannot read the framework"),
        (
            "base",
            None,
            Some(".NETFramework,Version=x"),
            "cannot read the framework",
        ),
        (
            "base",
            None,
            Some("portable-net45+a-b"),
            "cannot read the framework",
        ),
    ] {
        let dependency = Dependency {
            id: id.to_owned(),
            range: range.map(str::to_owned),
            target_framework: framework.map(str::to_owned),
        };
        let said = dependency.check().err().map(|it| it.to_string());
        let said = said.unwrap_or_default();
        assert!(
            said.contains(why) && said.is_empty() == why.is_empty(),
            "{dependency:?}: {said}"
        );
    }
}

proptest! {
    #[test]
    fn following_the_pages_gives_every_entry_once(
        count in 0..350_usize,
        top in proptest::option::of(0..400_usize),
        skip in 0..5_usize,
        descending in any::<bool>(),
    ) {
        let mut gallery = Gallery::default();
        for number in 0..count {
            gallery.insert(item(&format!("p{:03}", number / 3), &format!("1.{}.0", number % 3)));
        }
        let order = if descending { "&$orderby=Version%20desc" } else { "" };
        let top_option = top.map_or(String::new(), |top| format!("&$top={top}"));
        let mut next = Some(format!("Packages()?$skip={skip}{order}{top_option}"));
        let mut found = Vec::new();
        while let Some(request) = next {
            let page = read(&gallery, &request);
            found.extend(page.entries.iter().map(|it| format!("{} {}", it.id, it.version)));
            next = page.next.map(|next| next.strip_prefix(BASE).unwrap().to_owned());
        }
        let expected = count.saturating_sub(skip).min(top.unwrap_or(usize::MAX));
        prop_assert_eq!(found.len(), expected);
        found.sort();
        found.dedup();
        prop_assert_eq!(found.len(), expected);
    }

    #[test]
    fn no_request_and_no_text_of_a_package_makes_a_document_that_cannot_be_read(
        path in "[ -~]{0,40}",
        query in "[ -~]{0,80}",
        text in any::<String>(),
    ) {
        let mut gallery = gallery();
        let mut odd = item("odd", "1.0");
        odd.nuspec.title = Some(text.clone());
        odd.nuspec.description = Some(text.clone());
        odd.nuspec.tags = vec![text];
        gallery.insert(odd);
        let _ = ask(&gallery, &format!("{path}?{query}"));
        let _ = ask(&gallery, &format!("Packages()?$filter={query}"));
        prop_assert_eq!(read(&gallery, "Packages()").entries.len(), 9);
    }
}
