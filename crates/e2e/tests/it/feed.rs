use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use fleetmend_e2e::feed::{Fault, FeedSite};
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_e2e::process::run;
use fleetmend_e2e::work_dir::WorkDir;

const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends a GET request and gives the answer's status, head and body.
fn get_with(url: &str, header: &str) -> (u16, String, Vec<u8>) {
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let path = path.replace(' ', "%20");
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\n{header}\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head, answer[end + 4..].to_vec())
}

fn get(url: &str) -> (u16, String) {
    let (status, _, body) = get_with(url, "");
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// `title version` of a page's entries, and the next page's address.
fn entries(document: &str) -> (Vec<String>, Option<String>) {
    let field = |entry: &str, open: &str| {
        entry
            .split_once(open)
            .unwrap()
            .1
            .split('<')
            .next()
            .unwrap()
            .to_owned()
    };
    let found = document.split("<entry").skip(1).map(|entry| {
        let id = field(entry, r#"<title type="text">"#);
        format!("{id} {}", field(entry, "<d:Version>"))
    });
    let next = document.split_once(r#"<link rel="next" href=""#);
    let next = next.map(|(_, rest)| rest.split('"').next().unwrap().replace("&amp;", "&"));
    (found.collect(), next)
}

fn site() -> FeedSite {
    let site = FeedSite::start().unwrap();
    for (id, version) in [
        ("beta", "1.0"),
        ("alpha", "1.0"),
        ("alpha", "2.0"),
        ("gamma", "1.0"),
    ] {
        site.add_package(&Nupkg::new(id, version).file("tools/x.txt", "x"))
            .unwrap();
    }
    site.add_unlisted_package(&Nupkg::new("alpha", "3.0"))
        .unwrap();
    site
}

#[test]
fn a_list_comes_in_pages_that_lead_from_one_to_the_next() {
    let site = site();
    site.set_page_size(2);
    let mut url = Some(format!(
        "{}Packages()?$filter=IsLatestVersion&$orderby=Id",
        site.url()
    ));
    let mut pages = Vec::new();
    while let Some(next) = url {
        let (status, document) = get(&next);
        assert_eq!(status, 200, "{document}");
        assert!(
            !document.contains("<d:Id>"),
            "entries of the community feed have no d:Id"
        );
        let (found, link) = entries(&document);
        pages.push(found.join(", "));
        url = link;
    }
    assert_eq!(pages, ["alpha 2.0, beta 1.0", "gamma 1.0"]);
}

#[test]
fn filters_that_clients_send_are_understood_and_others_refused() {
    let site = site();
    let cases = [
        (
            "Packages()?$filter=(tolower(Id) eq 'alpha') and IsLatestVersion",
            "alpha 2.0",
        ),
        (
            "Packages()?$filter=Id gt 'alpha' and IsLatestVersion&$top=1",
            "beta 1.0",
        ),
        (
            "Packages()?$filter=not (Id ne 'gamma') or Version eq '1.0' and Id eq 'beta'&$orderby=Id desc",
            "gamma 1.0, beta 1.0",
        ),
        (
            "Packages()?$filter=Published lt datetime'1901-01-01T00:00:00'",
            "alpha 3.0",
        ),
        ("Packages?$filter=startswith(tolower(Id),'ga')", "gamma 1.0"),
        ("Packages()?$skip=4&$top=10", "gamma 1.0"),
        (
            "FindPackagesById()?id='Alpha'",
            "alpha 1.0, alpha 2.0, alpha 3.0",
        ),
        (
            "Search()?searchTerm='ET'&$filter=IsLatestVersion",
            "beta 1.0",
        ),
    ];
    for (query, expected) in cases {
        let (status, document) = get(&format!("{}{query}", site.url()));
        assert_eq!(
            (status, entries(&document).0.join(", ").as_str()),
            (200, expected),
            "{query}"
        );
    }
    for query in [
        "Packages()?$filter=Colour eq 'red'",
        "Packages()?$filter=Id eq",
        "Packages()?$skip=10001",
    ] {
        assert_eq!(get(&format!("{}{query}", site.url())).0, 400, "{query}");
    }
    let (status, one) = get(&format!("{}Packages(Id='alpha',Version='3.0')", site.url()));
    assert_eq!(
        (status, entries(&one).0.join("").as_str()),
        (200, "alpha 3.0")
    );
    assert!(one.contains("1900-01-01"), "{one}");
    assert_eq!(
        get(&format!("{}Packages(Id='alpha',Version='9')", site.url())).0,
        404
    );
}

#[test]
fn a_package_comes_as_a_zip_that_others_can_read() {
    let site = site();
    let msi = vec![0xd0, 0xcf, 0x11, 0xe0];
    site.add_package(&Nupkg::new("app", "1.0").embedding_msi("app.msi", msi.clone(), "App*"))
        .unwrap();
    let (status, _, bytes) = get_with(&format!("{}package/app/1.0", site.url()), "");
    assert_eq!(status, 200);
    let folder = WorkDir::new("test").unwrap();
    std::fs::write(folder.path().join("app.nupkg"), bytes).unwrap();
    let script = "import zipfile, sys; z = zipfile.ZipFile('app.nupkg'); \
                  print(z.testzip(), *sorted(z.namelist()), sep='\\n')";
    let mut python = Command::new("python3");
    python.current_dir(folder.path()).args(["-c", script]);
    let names = run(&mut python, TIMEOUT).unwrap().success().unwrap();
    let expected = [
        "None",
        "[Content_Types].xml",
        "_rels/.rels",
        "app.nuspec",
        "package/services/metadata/core-properties/fleetmend.psmdcp",
        "tools/app.msi",
        "tools/chocolateyInstall.ps1",
    ];
    assert_eq!(names.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn files_are_served_whole_and_in_ranges_and_requests_are_noted() {
    let site = site();
    site.add_file("setup.exe", "0123456789");
    let url = site.file_url("setup.exe");
    assert_eq!(get(&url), (200, "0123456789".to_owned()));
    for (range, status, body) in [
        ("bytes=4-", 206, "456789"),
        ("bytes=2-3", 206, "23"),
        ("bytes=-2", 206, "89"),
        ("bytes=8-99", 206, "89"),
        ("bytes=10-", 416, ""),
    ] {
        let (got, head, part) = get_with(&url, &format!("Range: {range}\r\n"));
        assert_eq!(
            (got, part.as_slice()),
            (status, body.as_bytes()),
            "{range}: {head}"
        );
        assert!(head.contains("Content-Range: bytes "), "{head}");
    }
    assert_eq!(get(&site.file_url("other.exe")).0, 404);
    let noted = site.wait_for_request("/files/other.exe", TIMEOUT).unwrap();
    assert_eq!(noted.method, "GET");
    let ranges = site
        .requests()
        .iter()
        .filter(|request| request.header("range").is_some())
        .count();
    assert_eq!(ranges, 5);
}

#[test]
fn the_site_fails_in_the_chosen_way_until_it_is_repaired() {
    let site = site();
    site.add_file("a", vec![b'x'; 1000]);
    let (feed, file) = (format!("{}Packages()", site.url()), site.file_url("a"));

    site.set_fault("/api/v2/Packages", Fault::Status(503));
    assert_eq!(get(&feed).0, 503);
    assert_eq!(get(&file).0, 200, "other paths are well");
    site.set_fault("/api/v2/Packages", Fault::NotXml);
    assert!(get(&feed).1.contains("<!doctype html>"));
    site.set_fault("/api/v2/Packages", Fault::Dtd);
    assert!(get(&feed).1.contains("<!ENTITY"));

    site.set_fault("/files/", Fault::Truncated);
    let (_, head, body) = get_with(&file, "");
    assert!(head.contains("Content-Length: 1000"), "{head}");
    assert_eq!(body.len(), 500);
    site.set_fault("/files/", Fault::WrongByte);
    let body = get_with(&file, "").2;
    assert_eq!(body.iter().filter(|byte| **byte != b'x').count(), 1);
    assert_eq!(body.len(), 1000);

    site.set_fault("/files/", Fault::Endless);
    let mut stream = TcpStream::connect(file[7..].split('/').next().unwrap()).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream.write_all(b"GET /files/a HTTP/1.1\r\n\r\n").unwrap();
    let read = std::io::copy(&mut stream.take(8 << 20), &mut std::io::sink()).unwrap();
    assert_eq!(read, 8 << 20, "it goes on and on");

    site.set_fault("/files/", Fault::Stalled);
    let mut stream = TcpStream::connect(file[7..].split('/').next().unwrap()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    stream.write_all(b"GET /files/a HTTP/1.1\r\n\r\n").unwrap();
    let error = std::io::copy(&mut stream, &mut std::io::sink()).expect_err("nothing more comes");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);

    site.repair();
    assert_eq!(get(&file).1.len(), 1000);
    assert_eq!(get(&feed).0, 200);
}
