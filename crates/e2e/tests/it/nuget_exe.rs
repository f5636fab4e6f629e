//! The server's own feed, used by the real NuGet.exe.

use std::fs;

use fleetmend_chocolatey::nupkg;
use fleetmend_chocolatey::script::analyse;
use fleetmend_e2e::feed::FeedSite;
use fleetmend_e2e::msi::Msi;
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_e2e::process::Output;
use fleetmend_e2e::work_dir::WorkDir;
use fleetmend_model::recipe::Fetches;
use fleetmend_trust::digest_hex;
use serde_json::json;

use crate::agent_client::Device;
use crate::console_client::Console;
use crate::nuget_client::NuGet;
use crate::server_process::Server;
use crate::source_view::SourceView;

/// A server with an open feed, its administrator, a client, and a key that pushes.
pub struct Site {
    nuget: NuGet,
    console: Console,
    pub feed: String,
    pub key: String,
    server: Server,
}

impl Site {
    fn new() -> Self {
        let (server, feed) = Server::start_with_feed().unwrap();
        let console = server.console().unwrap();
        console
            .post("/api/v1/feed/readers", &json!({ "open": true }))
            .unwrap();
        let key = make_key(&console, "build", true);
        Self {
            nuget: NuGet::new().unwrap(),
            console,
            feed,
            key,
            server,
        }
    }

    /// One with versions of two packages, one of which needs the other.
    pub fn filled() -> Self {
        let site = Self::new();
        let acme = ["1.0.0", "1.1.0", "1.2.0", "2.0.0-beta1", "2.1.0-rc.1"]
            .map(|version| Nupkg::new("Acme", version).dependency("acme.lib", "[1.0,2.0)"));
        let lib = ["1.0.0", "1.5.0.20240101", "2.0.0"].map(|it| Nupkg::new("acme.lib", it));
        for package in acme.into_iter().chain(lib) {
            let package = package.for_the_first_generation();
            package.build_into(site.nuget.folder()).unwrap();
        }
        let push = ["push", "*.nupkg", "-NoSymbols", "-ApiKey", &site.key];
        site.run(&push).success().unwrap();
        site
    }

    /// From now on only those with a key may read.
    pub fn close(&self) {
        self.console
            .post("/api/v1/feed/readers", &json!({ "open": false }))
            .unwrap();
    }

    fn push(&self, package: &Nupkg, key: &str) -> Output {
        package.build_into(self.nuget.folder()).unwrap();
        let file = package.file_name();
        self.run(&["push", &file, "-NoSymbols", "-ApiKey", key])
    }

    /// Runs a command on the feed.
    fn run(&self, arguments: &[&str]) -> Output {
        let source = ["-Source", self.feed.as_str()];
        self.nuget.run(&[arguments, &source].concat()).unwrap()
    }

    fn list(&self, arguments: &[&str]) -> Vec<String> {
        let output = self.run(&[&["list"], arguments].concat());
        let text = output.success().unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Installs into a folder of its own, and says what is there then.
    fn install(&self, folder: &str, arguments: &[&str]) -> Vec<String> {
        let output = self.run(&[&["install"], arguments, &["-OutputDirectory", folder]].concat());
        output.success().unwrap();
        self.nuget.has(folder)
    }
}

fn make_key(console: &Console, name: &str, can_push: bool) -> String {
    let body = json!({ "name": name, "can_push": can_push });
    let made = console.post("/api/v1/feed/keys", &body).unwrap();
    made["secret"].as_str().unwrap().to_owned()
}

/// What a failed command tells.
pub fn failure(output: &Output) -> String {
    assert_ne!(output.code, Some(0), "{output:?}");
    format!("{}{}", output.stdout, output.stderr)
}

#[test]
fn it_lists_the_latest_versions_all_versions_and_what_a_word_finds() {
    let site = Site::filled();
    let latest = ["Acme 1.2.0", "acme.lib 2.0.0"];
    let all = [
        "Acme 1.2.0",
        "Acme 1.1.0",
        "Acme 1.0.0",
        "acme.lib 2.0.0",
        "acme.lib 1.5.0.20240101",
        "acme.lib 1.0.0",
    ];
    assert_eq!(site.list(&[]), latest);
    assert_eq!(site.list(&["-AllVersions"]), all);
    assert_eq!(site.list(&["acme.lib"]), ["acme.lib 2.0.0"]);
    assert_eq!(
        site.list(&["acme", "-Prerelease"]),
        ["Acme 2.1.0-rc.1", "acme.lib 2.0.0"]
    );
    let with_prereleases = [&["Acme 2.1.0-rc.1", "Acme 2.0.0-beta1"][..], &all].concat();
    assert_eq!(
        site.list(&["-Prerelease", "-AllVersions"]),
        with_prereleases
    );
    assert_eq!(site.list(&["nosuch"]), ["No packages found."]);
}

#[test]
fn it_installs_with_dependencies_in_the_version_that_is_asked_for() {
    let site = Site::filled();
    for (folder, arguments, expected) in [
        ("latest", &["acme"][..], ["Acme.1.2.0", "acme.lib.1.0.0"]),
        (
            "prerelease",
            &["acme", "-Prerelease"],
            ["Acme.2.1.0-rc.1", "acme.lib.1.0.0"],
        ),
        (
            "direct",
            &["acme", "-Version", "1.1", "-NoCache", "-DirectDownload"],
            ["Acme.1.1.0", "acme.lib.1.0.0"],
        ),
        (
            "highest",
            &["acme", "-DependencyVersion", "Highest", "-NoCache"],
            ["Acme.1.2.0", "acme.lib.1.5.0.20240101"],
        ),
    ] {
        assert_eq!(site.install(folder, arguments), expected, "{arguments:?}");
    }
    for (arguments, why) in [
        (
            ["install", "nosuch", "-NoCache"].as_slice(),
            "Unable to find package",
        ),
        (
            &["install", "acme", "-Version", "7", "-NoCache"],
            "is not found",
        ),
    ] {
        let text = failure(&site.run(arguments));
        assert!(text.contains(why), "{text}");
    }
}

#[test]
fn it_restores_what_a_project_names_even_what_lists_do_not_show_any_more() {
    let site = Site::filled();
    let deleted = site.run(&["delete", "acme", "1.1.0", "-ApiKey", &site.key]);
    deleted.success().unwrap();
    assert_eq!(
        site.list(&["Acme", "-AllVersions"])[..2],
        ["Acme 1.2.0", "Acme 1.0.0"]
    );
    let text = failure(&site.run(&["delete", "acme", "9.0", "-ApiKey", &site.key]));
    assert!(text.contains("the feed has no acme 9.0"), "{text}");
    let config = r#"<?xml version="1.0" encoding="utf-8"?><packages>
        <package id="Acme" version="1.1.0" /><package id="acme.lib" version="1.5.0.20240101" />
        </packages>"#;
    fs::write(site.nuget.folder().join("packages.config"), config).unwrap();
    let restore = [
        "restore",
        "packages.config",
        "-PackagesDirectory",
        "restored",
        "-NoCache",
    ];
    site.run(&restore).success().unwrap();
    assert_eq!(
        site.nuget.has("restored"),
        ["Acme.1.1.0", "acme.lib.1.5.0.20240101"]
    );
    assert_eq!(
        site.nuget.has("restored/Acme.1.1.0"),
        ["Acme.1.1.0.nupkg"],
        "as it was pushed"
    );
    fs::write(
        site.nuget.folder().join("packages.config"),
        config.replace("1.1.0", "7.0.0"),
    )
    .unwrap();
    let text = failure(&site.run(&restore));
    assert!(text.contains("Unable to find version '7.0.0'"), "{text}");
}

#[test]
fn it_pushes_with_a_key_that_may_and_shows_why_else_not() {
    let site = Site::new();
    let reader = make_key(&site.console, "reader", false);
    let package = Nupkg::new("acme", "1.0.0");
    for (key, why) in [
        (
            "wrong",
            "403 (the key is not one of this feed's, or has expired)",
        ),
        (&reader, "403 (the key 'reader' can read and not push)"),
    ] {
        let text = failure(&site.push(&package, key));
        assert!(text.contains(why), "{text}");
    }
    assert_eq!(site.list(&[]), ["No packages found."]);
    let pushed = site.push(&package, &site.key).success().unwrap();
    assert!(pushed.contains("Your package was pushed."), "{pushed}");
    assert_eq!(site.list(&[]), ["acme 1.0.0"]);
    let text = failure(&site.push(&package, &site.key));
    assert!(
        text.contains("409 (the feed has acme 1.0.0 already)"),
        "{text}"
    );
    let file = package.file_name();
    let again = [
        "push",
        &file,
        "-NoSymbols",
        "-ApiKey",
        &site.key,
        "-SkipDuplicate",
    ];
    site.run(&again).success().unwrap();
    fs::write(site.nuget.folder().join(&file), "no zip").unwrap();
    let text = failure(&site.run(&again[..5]));
    assert!(text.contains("400 (the package was not taken"), "{text}");
}

#[test]
fn it_shows_a_key_as_a_password_where_not_everybody_may_read() {
    let site = Site::filled();
    site.close();
    let config = |name: &str, secret: &str| {
        let text = format!(
            r#"<?xml version="1.0" encoding="utf-8"?><configuration>
            <packageSources><clear /><add key="own" value="{}" /></packageSources>
            <packageSourceCredentials><own><add key="Username" value="anyone" />
            <add key="ClearTextPassword" value="{secret}" /></own></packageSourceCredentials>
            </configuration>"#,
            site.feed
        );
        fs::write(site.nuget.folder().join(name), text).unwrap();
    };
    config("good.config", &make_key(&site.console, "reader", false));
    config("wrong.config", "wrong");
    let own = ["-Source", "own", "-ConfigFile"];
    let run = |command: &[&str], file| site.nuget.run(&[command, &own, &[file]].concat()).unwrap();
    let listed = run(&["list"], "good.config").success().unwrap();
    assert_eq!(listed, "Acme 1.2.0\nacme.lib 2.0.0\n");
    let install = ["install", "acme", "-OutputDirectory", "installed"];
    run(&install, "good.config").success().unwrap();
    assert_eq!(
        site.nuget.has("installed"),
        ["Acme.1.2.0", "acme.lib.1.0.0"]
    );
    let text = failure(&run(&["list"], "wrong.config"));
    assert!(text.contains("401"), "{text}");
    let text = failure(&site.run(&["list"]));
    assert!(text.contains("401"), "{text}");
}

#[test]
fn what_a_company_pushes_is_offered_and_deployed_to_the_machines_that_lack_it() {
    let site = Site::new();
    let device = Device::enrol(site.server.url(), &site.server.token().unwrap()).unwrap();
    let msi_file = site.nuget.folder().join("app.msi");
    Msi::new("Notes", "2.0.0").build(&msi_file).unwrap();
    let msi = fs::read(&msi_file).unwrap();
    let package = Nupkg::new("notes", "2.0.0").embedding_msi("app.msi", msi.clone(), "Notes");
    site.push(&package, &site.key).success().unwrap();
    let windows = json!({
        "host": {
            "hostname": "made-by-a-test", "os_family": "windows", "os_name": "Windows 11",
            "os_version": "10.0.22631", "architecture": "x86_64",
        },
        "software": [{
            "place": "machine64", "key": "Notes", "name": "Notes", "version": "1.0.0",
        }],
        "chocolatey": [{"id": "notes", "version": "1.0.0"}],
    });
    let answer = device.post("/agent/v1/inventory", &windows).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    let job = site.console.approve_and_deploy("notes").unwrap();
    site.console.wait_status(job, 3).unwrap();
    let file = format!("/agent/v1/files/{}", digest_hex(&msi));
    assert_eq!(device.get_bytes(&file).unwrap(), (200, msi));
    let source = &site.console.items("/api/v1/feed/packages").unwrap()[0];
    assert_eq!(source["provenance"], "pushed", "{source}");
}

#[test]
fn it_installs_an_internalized_package_with_its_installer_and_the_changed_script() {
    let installer = b"MZ an installer of the vendor".to_vec();
    let vendor = FeedSite::start().unwrap();
    vendor.add_file("setup.exe", installer.clone());
    let source = WorkDir::new("source").unwrap();
    Nupkg::new("Loader", "1.0")
        .downloading_exe(
            &vendor.file_url("setup.exe"),
            &digest_hex(&installer),
            "Loader*",
        )
        .build_into(source.path())
        .unwrap();
    let site = Site::new();
    let body = json!({ "location": source.path(), "private_hosts": ["127.0.0.1"] });
    let view = SourceView::add_with(&site.console, &body).unwrap();
    assert_eq!(view.wait_read().unwrap(), None);
    let made = site.server.admin(&["feed", "internalize", "loader"]);
    assert_eq!(
        made.unwrap().success().unwrap().trim(),
        "Loader 1.0 is in the feed"
    );
    assert_eq!(site.install("inside", &["loader"]), ["Loader.1.0"]);
    let folder = site.nuget.folder().join("inside/Loader.1.0");
    let inside = folder.join("tools/internalized/setup.exe");
    assert_eq!(fs::read(inside).unwrap(), installer);
    let script = fs::read_to_string(folder.join("tools/chocolateyInstall.ps1")).unwrap();
    assert!(!script.contains("http"), "{script}");
    let bytes = fs::read(folder.join("Loader.1.0.nupkg")).unwrap();
    let nupkg = nupkg::Nupkg::read(&bytes, &nupkg::Limits::default()).unwrap();
    assert_eq!(analyse(&nupkg).fetches(), Fetches::Nothing);
}
