//! A package that could not be verified after its installation is not deployed, and says so before
//! anybody approves it.

use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_e2e::pe::Pe;
use fleetmend_e2e::work_dir::WorkDir;
use serde_json::json;

use crate::server_process::Server;
use crate::source_view::{SourceView, enrol_with_records};

/// A package that embeds an EXE and calls its software that, if anything.
fn package(id: &str, software_name: Option<&str>) -> Nupkg {
    let name = software_name.map_or(String::new(), |name| format!("softwareName = '{name}'"));
    Nupkg::new(id, "2.0")
        .title("Git")
        .file(
            "tools/setup.exe",
            // An installer that no machine runs.
            Pe::new("Git", "2.0").build(),
        )
        .install_script(&format!(
            "$toolsDir = Split-Path -Parent $MyInvocation.MyCommand.Definition\n\
             $packageArgs = @{{\n  packageName = '{id}'\n  fileType = 'exe'\n  \
             file = \"$toolsDir\\setup.exe\"\n  silentArgs = '/S'\n  {name}\n}}\n\
             Install-ChocolateyInstallPackage @packageArgs\n"
        ))
}

#[test]
fn what_could_not_be_found_again_is_not_deployed_and_says_why_beforehand() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    let folder = WorkDir::new("source").unwrap();
    let cases = [
        ("nameless", None, "does not say under which name"),
        ("any", Some("*"), "fits any software"),
        ("short", Some("G*"), "too short"),
    ];
    for (id, name, _) in cases {
        package(id, name).build_into(folder.path()).unwrap();
    }
    package("named", Some("Git version*"))
        .build_into(folder.path())
        .unwrap();
    let ids = ["nameless", "any", "short", "named"];
    let device = enrol_with_records(&server, &["GitHub Desktop"], &ids);
    let body = json!({ "location": folder.path().to_str().unwrap() });
    SourceView::add_with(&console, &body).unwrap();
    for (id, _, words) in cases {
        let row = console.wait_missing(id).unwrap();
        let why = row["not_deployable"].as_str().unwrap_or_default();
        assert!(why.contains(words), "{id}: {row}");
        assert!(why.contains("could not be verified"), "{id}: {row}");
        let patch = row["patch"]["id"].as_i64().unwrap();
        for page in ["/missing".to_owned(), format!("/missing/{patch}")] {
            let page = console.page(&page).unwrap();
            assert!(page.contains(words), "{id}: {page}");
        }
        // An approval all the same deploys nothing.
        console.approve(patch).unwrap();
        let plan = console.deploy(patch).unwrap();
        assert!(plan["deployment"].is_null(), "{plan}");
        let entry = &plan["devices"][0];
        assert_eq!(entry["device"], device.id, "{plan}");
        assert_eq!(entry["reason"]["why"], "cannot_verify", "{plan}");
    }
    let row = console.wait_missing("named").unwrap();
    assert!(row["not_deployable"].is_null(), "{row}");
    let job = console.approve_and_deploy("named").unwrap();
    console.wait_status(job, 3).unwrap();
}
