//! The server's own feed, used by NuGet 2.8: a client of the first generation, as Chocolatey 1.x is.

use std::fs;

use fleetmend_e2e::process::Output;

use crate::nuget_client::NuGet;
use crate::nuget_exe::{Site, failure};

fn run(nuget: &NuGet, site: &Site, arguments: &[&str]) -> Output {
    nuget
        .run(&[arguments, &["-Source", &site.feed]].concat())
        .unwrap()
}

#[test]
fn it_lists_and_installs_what_it_can_read() {
    let (site, nuget) = (Site::filled(), NuGet::of_the_first_generation().unwrap());
    let list = |arguments: &[&str]| {
        let all = [&["list"], arguments, &["-Source", &site.feed]].concat();
        nuget.lines_in_terminal(&all).unwrap()
    };
    assert_eq!(list(&["acme"]), ["Acme 1.2.0", "acme.lib 2.0.0"]);
    assert_eq!(
        list(&["acme", "-AllVersions", "-Prerelease"]),
        [
            "Acme 1.0.0",
            "Acme 1.1.0",
            "Acme 1.2.0",
            "Acme 2.0.0-beta1",
            "acme.lib 1.0.0",
            "acme.lib 1.5.0.20240101",
            "acme.lib 2.0.0",
        ]
    );
    for (folder, arguments, expected) in [
        ("latest", &["acme"][..], ["Acme.1.2.0", "acme.lib.1.0.0"]),
        (
            "prerelease",
            &["acme", "-Prerelease"],
            ["Acme.2.0.0-beta1", "acme.lib.1.0.0"],
        ),
        (
            "named",
            &["acme", "-Version", "1.1"],
            ["Acme.1.1.0", "acme.lib.1.0.0"],
        ),
    ] {
        let more = ["-OutputDirectory", folder, "-NoCache"];
        let install = [&["install"], arguments, &more].concat();
        run(&nuget, &site, &install).success().unwrap();
        assert_eq!(nuget.has(folder), expected, "{arguments:?}");
    }
    let text = failure(&run(&nuget, &site, &["install", "nosuch", "-NoCache"]));
    assert!(text.contains("Unable to find package 'nosuch'"), "{text}");
}

#[test]
fn it_needs_nothing_but_its_key_where_not_everybody_may_read() {
    let (site, nuget) = (Site::filled(), NuGet::of_the_first_generation().unwrap());
    site.close();
    let delete = ["delete", "acme", "1.1.0", "-ApiKey", &site.key];
    run(&nuget, &site, &delete).success().unwrap();
    let text = failure(&run(&nuget, &site, &["install", "acme", "-NoCache"]));
    assert!(text.contains("provide credentials"), "{text}");
}

#[test]
fn it_hides_a_version_and_restores_it_all_the_same() {
    let (site, nuget) = (Site::filled(), NuGet::of_the_first_generation().unwrap());
    let delete = |key: &str| run(&nuget, &site, &["delete", "acme", "1.1.0", "-ApiKey", key]);
    let text = failure(&delete("wrong"));
    assert!(text.contains("the key is not one of this feed's"), "{text}");
    delete(&site.key).success().unwrap();
    let config = r#"<?xml version="1.0" encoding="utf-8"?><packages>
        <package id="Acme" version="1.1.0" /><package id="acme.lib" version="1.5.0.20240101" />
        </packages>"#;
    fs::write(nuget.folder().join("packages.config"), config).unwrap();
    let restore = [
        "restore",
        "packages.config",
        "-PackagesDirectory",
        "restored",
        "-NoCache",
    ];
    run(&nuget, &site, &restore).success().unwrap();
    assert_eq!(
        nuget.has("restored"),
        ["Acme.1.1.0", "acme.lib.1.5.0.20240101"]
    );
}
