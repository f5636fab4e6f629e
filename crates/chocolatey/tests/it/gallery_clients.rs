//! Requests that real clients make, each with what the client must read from the answer.
//!
//! The forms were recorded from choco 1.4.6, choco 2.7.3 and NuGet.exe, or stand in their sources:
//! `NugetList.cs` of Chocolatey, `V2FeedQueryBuilder.cs` of Chocolatey's NuGet.Client,
//! `DataServicePackageRepository.cs` of Chocolatey's NuGet.Core.

use fleetmend_chocolatey::gallery::{Document, Gallery};

use crate::gallery::{ask, gallery, item, read, shown};

#[test]
fn what_choco_1_choco_2_and_nuget_ask_for_is_answered_with_what_they_read() {
    let all_acme = "acme 1.0.0, acme 1.1.0, acme 1.2.0, acme 2.0.0-beta1";
    let latest = "acme 1.2.0, acme.lib 1.5.0.20240101";
    let newest_first =
        "acme 1.2.0, acme 1.1.0, acme 1.0.0, acme.lib 1.5.0.20240101, acme.lib 1.0.0";
    let search = "targetFramework=''&includePrerelease=false&$skip=0&$top=30";
    let search1 = "$skip=0&$top=30&searchTerm='acme'&targetFramework=''&includePrerelease=false";
    for (request, expected) in [
        // choco 2.7.3
        (format!("Search()?$filter=IsLatestVersion&$orderby=Id&searchTerm='acme'&{search}&semVerLevel=2.0.0"), latest),
        ("Packages()?$filter=(tolower(Id)%20eq%20'acme')%20and%20IsLatestVersion&semVerLevel=2.0.0".into(), "acme 1.2.0"),
        ("Packages()?$filter=(tolower(Id)%20eq%20'acme')%20and%20IsAbsoluteLatestVersion&semVerLevel=2.0.0".into(), "acme 2.0.0-beta1"),
        ("Packages()?$filter=(tolower(Id)%20eq%20'nosuch')%20and%20IsLatestVersion&semVerLevel=2.0.0".into(), ""),
        ("FindPackagesById()?id='acme'&semVerLevel=2.0.0".into(), all_acme),
        (format!("Search()?$filter=IsLatestVersion&$orderby=Id,Version%20desc&searchTerm='acme'&{search}&semVerLevel=2.0.0"), latest),
        ("Search()?$filter=IsAbsoluteLatestVersion&$orderby=Id&searchTerm='acme'&targetFramework=''&includePrerelease=true&$skip=0&$top=30&semVerLevel=2.0.0".into(), "acme 2.0.0-beta1, acme.lib 1.5.0.20240101"),
        ("Search()?$filter=IsLatestVersion&$orderby=Id&searchTerm='acme'&targetFramework=''&includePrerelease=false&$skip=2&$top=2&semVerLevel=2.0.0".into(), ""),
        (format!("Search()?$filter=(substringof('acme',tolower(Id)))%20and%20IsLatestVersion&$orderby=Id&searchTerm='acme'&{search}&semVerLevel=2.0.0"), latest),
        (format!("Search()?$filter=(startswith(tolower(Id),'acme'))%20and%20IsLatestVersion&$orderby=Id&searchTerm='acme'&{search}&semVerLevel=2.0.0"), latest),
        ("Packages()?$filter=((((Id%20ne%20null)%20and%20substringof('acme',tolower(Id)))%20or%20((Description%20ne%20null)%20and%20substringof('acme',tolower(Description))))%20or%20((Tags%20ne%20null)%20and%20substringof('%20acme%20',tolower(Tags))))%20and%20IsLatestVersion&$orderby=Id&$skip=0&$top=30&semVerLevel=2.0.0".into(), latest),
        ("Packages(Id='acme',Version='1.0.0')".into(), "acme 1.0.0"),
        ("Packages()?$filter=(tolower(Id)%20eq%20'7zip')%20and%20IsLatestVersion&semVerLevel=2.0.0".into(), "7zip 24.9.0"),
        ("Packages()?$filter=(tolower(Id)%20eq%20'acme.lib')%20and%20IsLatestVersion&semVerLevel=2.0.0".into(), "acme.lib 1.5.0.20240101"),
        ("FindPackagesById()?id='acme.lib'&semVerLevel=2.0.0".into(), "acme.lib 1.0.0, acme.lib 1.5.0.20240101"),
        ("FindPackagesById()?id='nosuch'&semVerLevel=2.0.0".into(), ""),
        (format!("Search()?$filter=IsLatestVersion&$orderby=DownloadCount%20desc,Id&searchTerm='acme'&{search}&semVerLevel=2.0.0"), latest),
        (format!("Search()?$filter=IsLatestVersion&$orderby=DownloadCount%20desc,Id,Version%20desc&searchTerm='acme'&{search}&semVerLevel=2.0.0"), latest),
        (format!("Search()?$filter=(substringof('tool',Tags))%20and%20IsLatestVersion&$orderby=Id&searchTerm='tool'&{search}&semVerLevel=2.0.0"), "7zip 24.9.0, acme 1.2.0, acme.lib 1.5.0.20240101"),
        (format!("Search()?$filter=((startswith(tolower(Id),'acme'))%20and%20substringof('acme',Tags))%20and%20IsLatestVersion&$orderby=Id&searchTerm='acme'&{search}&semVerLevel=2.0.0"), latest),
        ("Search()?$filter=IsLatestVersion&$orderby=Id&searchTerm=''&targetFramework=''&includePrerelease=false&$skip=1&$top=1&semVerLevel=2.0.0".into(), "acme 1.2.0"),
        ("Packages?semVerLevel=2.0.0".into(), "7zip 23.1.0, 7zip 24.9.0, acme 1.0.0, acme 1.1.0, acme 1.2.0, acme 2.0.0-beta1, acme.lib 1.0.0, acme.lib 1.5.0.20240101"),
        // choco 1.4.6
        ("Packages()?$filter=(tolower(Id)%20eq%20%27acme%27)%20and%20IsLatestVersion".into(), "acme 1.2.0"),
        (format!("Search()?$filter=IsLatestVersion&{search1}"), latest),
        (format!("Search()?$filter=IsLatestVersion&$orderby=Id&{search1}"), latest),
        (format!("Search()?$orderby=Id,Version%20desc&{search1}"), newest_first),
        ("Search()?$filter=IsAbsoluteLatestVersion&$skip=0&$top=30&searchTerm='acme'&targetFramework=''&includePrerelease=true".into(), "acme 2.0.0-beta1, acme.lib 1.5.0.20240101"),
        (format!("Search()?$filter=substringof('acme',tolower(Id))%20and%20IsLatestVersion&{search1}"), latest),
        (format!("Search()?$filter=startswith(tolower(Id),'acme')%20and%20IsLatestVersion&{search1}"), latest),
        ("Packages()?$filter=tolower(Id)%20eq%20'acme'&$skip=0&$top=30".into(), all_acme),
        ("Packages()?$filter=tolower(Id)%20eq%20'acme'&semVerLevel=2.0.0".into(), all_acme),
        ("FindPackagesById()?id='acme.lib'".into(), "acme.lib 1.0.0, acme.lib 1.5.0.20240101"),
        ("Packages()?$filter=(tolower(Id)%20eq%20%277zip%27)%20and%20IsLatestVersion".into(), "7zip 24.9.0"),
        ("Packages()?$filter=(tolower(Id)%20eq%20%27nosuch%27)%20and%20IsLatestVersion".into(), ""),
        ("Packages()?$filter=(tolower(Id)%20eq%20%27acme%27)%20and%20IsAbsoluteLatestVersion".into(), "acme 2.0.0-beta1"),
        ("Search()?$filter=IsLatestVersion&$skip=0&$top=30&searchTerm='nosuch'&targetFramework=''&includePrerelease=false".into(), ""),
        (format!("Search()?$filter=substringof('acme',Tags)%20and%20IsLatestVersion&{search1}"), latest),
        (format!("Search()?$filter=IsApproved%20and%20IsLatestVersion&{search1}"), latest),
        (format!("Search()?$filter=IsDownloadCacheAvailable%20and%20IsLatestVersion&{search1}"), ""),
        (format!("Search()?$filter=((IsDownloadCacheAvailable%20and%20false)%20or%20(PackageTestResultStatus%20ne%20'Failing'))%20and%20IsLatestVersion&{search1}"), latest),
        (format!("Search()?$filter=IsLatestVersion&$orderby=DownloadCount%20desc,Id&{search1}"), latest),
        ("Packages(Id='acme',Version='1.0')".into(), "acme 1.0.0"),
        ("Packages(Id='acme',Version='1.0.0.0')?$select=Id".into(), "acme 1.0.0"),
        ("FindPackagesById()?id='acme'&$filter=IsLatestVersion&$orderby=Version%20desc&$top=1".into(), "acme 1.2.0"),
        ("FindPackagesById()?id='acme'&$filter=IsLatestVersion&$select=Id,Version&$top=1".into(), "acme 1.2.0"),
        // NuGet.exe 2.8.7 and 5.8
        (format!("Search()?$orderby=Id&{search1}"), "acme 1.0.0, acme 1.1.0, acme 1.2.0, acme.lib 1.0.0, acme.lib 1.5.0.20240101"),
        (format!("Search()?$filter=IsLatestVersion&$orderby=concat(Title,Id)%20desc,Version&{search1}"), "acme.lib 1.5.0.20240101, acme 1.2.0"),
        ("Packages(Id=%27acme%27,Version=%271.0.0%27)".into(), "acme 1.0.0"),
        ("GetUpdates()?packageIds='acme%7C7zip%7Cnosuch'&versions='1.0.0%7C24.9.0%7C1.0'&includePrerelease=false&includeAllVersions=false&targetFrameworks=''&versionConstraints='%7C%7C'".into(), "acme 1.2.0"),
        ("GetUpdates()?packageIds='acme'&versions='1.0.0'&includePrerelease=true&includeAllVersions=true&versionConstraints=''".into(), "acme 1.1.0, acme 1.2.0, acme 2.0.0-beta1"),
        ("GetUpdates()?packageIds='acme'&versions='1.0.0'&includePrerelease=false&includeAllVersions=false&versionConstraints='[1.0,1.2)'".into(), "acme 1.1.0"),
    ] {
        assert_eq!(shown(&read(&gallery(), &request)), expected, "{request}");
    }
}

#[test]
fn what_they_count_is_what_they_would_list() {
    let search = "targetFramework=''&includePrerelease=false";
    for (request, expected) in [
        (
            format!(
                "Search()/$count?$filter=IsLatestVersion&$orderby=Id&searchTerm='acme'&{search}&semVerLevel=2.0.0"
            ),
            2,
        ),
        (
            format!("Search()/$count?$filter=IsLatestVersion&searchTerm='acme'&{search}"),
            2,
        ),
        (format!("Search()/$count?searchTerm='nosuch'&{search}"), 0),
    ] {
        assert_eq!(
            ask(&gallery(), &request),
            Ok(Document::Count(expected)),
            "{request}"
        );
    }
}

#[test]
fn a_version_that_is_not_there_is_told_apart_from_an_empty_list() {
    for request in [
        "Packages(Id='acme',Version='9.9.9')",
        "Packages(Id=%27nosuch%27,Version=%271.0.0%27)",
    ] {
        assert_eq!(ask(&gallery(), request), Ok(Document::Missing), "{request}");
    }
}

#[test]
fn whether_a_version_is_there_is_asked_by_its_id() {
    let answer = ask(&gallery(), "Packages(Id='Acme',Version='1.0')/Id").unwrap();
    let Document::Property(xml) = answer else {
        panic!("{answer:?}");
    };
    assert!(xml.contains(">acme</Id>"), "{xml}");
    let missing = ask(&gallery(), "Packages(Id='acme',Version='9.0')/Id");
    assert_eq!(missing, Ok(Document::Missing));
}

#[test]
fn an_update_is_the_newest_version_that_the_client_can_read() {
    let mut gallery = Gallery::default();
    for version in ["1.0", "1.1", "2.0-beta.1"] {
        gallery.insert(item("acme", version));
    }
    let updates = "GetUpdates()?packageIds='acme'&versions='1.0'&includePrerelease=true";
    for (generation, expected) in [("", "acme 1.1"), ("&semVerLevel=2.0.0", "acme 2.0-beta.1")] {
        let request = format!("{updates}&includeAllVersions=false{generation}");
        assert_eq!(shown(&read(&gallery, &request)), expected, "{request}");
    }
}
