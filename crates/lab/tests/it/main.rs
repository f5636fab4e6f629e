//! The lab's commands as they are used: progress on standard error, one JSON object as the last
//! line of standard output, an exit code.

use std::process::{Command, Output};

use serde_json::Value;

fn lab(arguments: &[&str]) -> Output {
    let mut lab = Command::new(env!("CARGO_BIN_EXE_lab"));
    lab.args(arguments).output().unwrap()
}

/// What a command measured.
fn measured(arguments: &[&str]) -> Value {
    let output = lab(arguments);
    assert!(output.status.success(), "{output:?}");
    assert!(!output.stderr.is_empty(), "it tells its progress");
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}"))
}

fn assert_has_numbers(measured: &Value, keys: &[&str]) {
    for key in keys {
        assert!(measured[key].is_number(), "'{key}': {measured}");
    }
}

#[test]
fn ingest_prints_its_figures() {
    let small = [
        "--connections",
        "2",
        "--packages",
        "3",
        "--apps",
        "5",
        "--seconds",
        "1",
    ];
    let figures = measured(&[&["ingest"], &small[..]].concat());
    assert_has_numbers(&figures, &["reports_per_s", "p99_ms"]);
}

#[test]
fn checkin_prints_its_figures() {
    let figures = measured(&["checkin", "--connections", "2", "--seconds", "1"]);
    assert_has_numbers(&figures, &["per_s", "p99_ms"]);
}

#[test]
fn idle_prints_its_figures() {
    let figures = measured(&["idle", "--devices", "40"]);
    assert_has_numbers(&figures, &["kb_per_device"]);
}

#[test]
fn simulate_prints_its_figures() {
    let figures = measured(&["simulate", "--devices", "5"]);
    assert_has_numbers(&figures, &["seconds", "jobs"]);
    assert_eq!(figures["violations"], 0, "{figures}");
}

#[test]
fn import_prints_its_figures_and_reads_an_unchanged_feed_by_conditional_requests_alone() {
    // More than a feed is trusted to give to one question.
    let figures = measured(&["import", "--ids", "640"]);
    assert_has_numbers(
        &figures,
        &["seconds", "cpu_seconds", "again_seconds", "http_seconds"],
    );
    assert_eq!(
        (&figures["entries"], &figures["pages"]),
        (&5_120.into(), &128.into())
    );
    for key in [
        "again_requests",
        "again_unchanged",
        "http_again_requests",
        "http_again_unchanged",
    ] {
        assert_eq!(figures[key], 128, "{key}: {figures}");
    }
}

#[test]
fn feed_prints_its_figures() {
    let small = [
        "--packages",
        "20",
        "--versions",
        "2",
        "--connections",
        "2",
        "--seconds",
        "1",
        "--megabytes",
        "1",
    ];
    let arguments = [&["feed"], &small[..]].concat();
    if Command::new("nginx").arg("-v").output().is_err() {
        let output = lab(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains("nginx"),
            "{output:?}"
        );
        return;
    }
    let keys = [
        "find_per_s",
        "p99_ms",
        "gzip_find_per_s",
        "download_vs_nginx",
    ];
    assert_has_numbers(&measured(&arguments), &keys);
}

#[test]
fn every_command_says_what_it_takes() {
    for command in ["ingest", "checkin", "idle", "agent", "import", "simulate"] {
        let output = lab(&[command, "--help"]);
        assert!(output.status.success(), "{output:?}");
        assert!(!output.stdout.is_empty());
    }
}

#[test]
fn what_cannot_be_measured_is_one_line_and_an_exit_code() {
    for (arguments, word) in [
        (
            &["agent", "--agent", "/no/such/agent"][..],
            "/no/such/agent",
        ),
        (
            &["agent", "--agent", "/bin/false"],
            "cannot read this machine",
        ),
        (&["agent", "--runs", "0", "--agent", "/bin/true"], "--runs"),
        (&["checkin", "--connections", "0"], "at least one device"),
        (&["ingest", "--connections", "0"], "at least one device"),
        (&["idle", "--devices", "0"], "at least one device"),
        (&["idle", "--devices", "900000000"], "ulimit"),
        (&["import", "--ids", "0"], "at least one entry"),
        (&["simulate", "--devices", "0"], "at least one device"),
    ] {
        let output = lab(arguments);
        assert!(!output.status.success(), "{arguments:?}: {output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.trim().lines().count(), 1, "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
}

#[test]
fn recipes_prints_its_figures_and_a_line_a_package() {
    let folder = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        let path = folder.path().join("packages").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let nuspec = |id: &str, rest: &str| {
        format!(
            "<package><metadata><id>{id}</id><version>1.2.3</version></metadata>{rest}</package>"
        )
    };
    let install =
        "Install-ChocolateyInstallPackage acme exe $arguments \"$PSScriptRoot\\acme.exe\"";
    // Its installer is put in when it is packed, and its helper comes from elsewhere.
    put(
        "one/one.nuspec",
        &nuspec(
            "one",
            "<files><!-- <file src=\"none\" /> --><file src=\"tools\\**\" target=\"tools\" />\
             <file src='..\\shared\\Helpers.ps1' target='tools' /></files>",
        ),
    );
    put(
        "one/tools/chocolateyinstall.ps1",
        &format!(". $PSScriptRoot\\helpers.ps1\n{install}"),
    );
    put(
        "shared/helpers.ps1",
        "$arguments = '/S'; New-Item \"$PSScriptRoot\\beside.exe.ignore\"",
    );
    put("meta/meta.nuspec", &nuspec("meta", ""));
    put("custom/custom.nuspec", &nuspec("custom", ""));
    put("custom/tools/chocolateyInstall.ps1", "Start-Process x");
    put("open/open.nuspec", &nuspec("open", ""));
    put(
        "open/tools/chocolateyInstall.ps1",
        "Install-ChocolateyPackage acme exe $env:Foo https://a.example/a.exe",
    );
    put("broken/broken.nuspec", "<package>");

    let packages = folder.path().join("packages");
    let out = folder.path().join("out.jsonl");
    let figures = measured(&[
        "recipes",
        "--packages",
        packages.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_has_numbers(&figures, &["per_s"]);
    for (key, expected) in [
        ("packages", 5),
        ("ready", 1),
        ("no_installer", 1),
        ("needs_review", 2),
        ("needs_chocolatey", 1),
        ("panics", 0),
        ("use_helpers", 2),
        ("helpers_resolved", 1),
    ] {
        assert_eq!(figures[key], expected, "{key}: {figures}");
    }
    let lines = std::fs::read_to_string(out).unwrap();
    let one = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|line| line["id"] == "one")
        .unwrap();
    assert_eq!(one["verdict"], "ready");
    assert_eq!(one["kind"], "exe");
    assert_eq!(one["argv"], "/S");
    assert_eq!(one["exit_codes"], serde_json::json!([0]));
    assert_eq!(one["files"][0]["origin"]["path"], "tools/acme.exe");
    let shims = one["shims"].as_array().unwrap().iter();
    let programs: Vec<_> = shims.map(|it| &it["program"]).collect();
    // The first by Chocolatey's own mark, which keeps an installer from having a shim.
    assert_eq!(programs, ["tools/acme.exe", "tools/beside.exe"]);
}

#[test]
fn recipes_packs_the_files_that_nuget_would() {
    let folder = tempfile::tempdir().unwrap();
    let script = "Install-ChocolateyInstallPackage acme exe /S \"$PSScriptRoot\\acme.exe\"";
    for (id, files) in [
        ("all", r#"<file src="tools\*.*" target="tools" />"#),
        ("deep", r#"<file src="tools\**\*.*" target="tools" />"#),
        ("slash", r#"<file src="tools\" target="tools" />"#),
        ("bare", r#"<file src="tools" target="tools" />"#),
        (
            "without",
            r#"<file src="tools\**" target="tools" exclude="**\*.txt;tools\*.exe" />"#,
        ),
        ("none", r#"<file src="gone\*.*" target="tools" />"#),
        ("broken", "</metadata>"),
    ] {
        let at = folder.path().join("packages").join(id);
        std::fs::create_dir_all(at.join("tools")).unwrap();
        std::fs::write(at.join("tools/chocolateyInstall.ps1"), script).unwrap();
        std::fs::write(at.join("tools/acme.exe"), "").unwrap();
        let nuspec = format!(
            "<package><metadata><id>{id}</id><version>1.2.3</version></metadata>\
             <files>{files}</files></package>"
        );
        std::fs::write(at.join(format!("{id}.nuspec")), nuspec).unwrap();
    }
    let packages = folder.path().join("packages");
    let out = folder.path().join("out.jsonl");
    measured(&[
        "recipes",
        "--packages",
        packages.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    let keys = [
        "id",
        "version",
        "verdict",
        "files",
        "kind",
        "argv",
        "exit_codes",
        "software_name",
        "findings",
    ];
    for line in std::fs::read_to_string(out).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        for key in keys {
            assert!(row.get(key).is_some(), "{key}: {row}");
        }
        let path = row["path"].as_str().unwrap();
        match path.split('/').next().unwrap() {
            "broken" => assert_eq!(row["id"], Value::Null, "{row}"),
            "none" => {
                assert_eq!(row["verdict"], "needs_review", "{row}");
                let what = row["findings"][0]["what"].as_str().unwrap();
                assert!(what.contains("match no file"), "{row}");
            }
            _ => assert_eq!(row["kind"], "exe", "{row}"),
        }
    }
}

#[test]
fn recipes_narrows_what_is_put_in_by_what_its_name_holds() {
    let folder = tempfile::tempdir().unwrap();
    for (id, filter, expected) in [
        ("name", "$_.Name -match 'x64'", Some("tools/*x64*.msi")),
        ("text", "$_ -match \"x64\"", Some("tools/*x64*.msi")),
        ("regex", "$_ -match '64$'", None),
        ("around", "$_ -match 'msi'", None),
        ("other", "$_ -notmatch 'x64'", None),
        ("x64", "$_.FullName -match 'x64'", None),
    ] {
        let at = folder.path().join("packages").join(id);
        std::fs::create_dir_all(at.join("tools")).unwrap();
        let script = format!(
            "$all = Get-ChildItem $PSScriptRoot -Filter '*.msi'\n\
             Install-ChocolateyInstallPackage acme msi /qn ($all | Where-Object {{ {filter} }}).FullName"
        );
        std::fs::write(at.join("tools/chocolateyInstall.ps1"), script).unwrap();
        let nuspec = format!(
            "<package><metadata><id>{id}</id><version>1.2.3</version></metadata></package>"
        );
        std::fs::write(at.join(format!("{id}.nuspec")), nuspec).unwrap();
        let out = folder.path().join("out.jsonl");
        let packages = at.to_str().unwrap();
        measured(&[
            "recipes",
            "--packages",
            packages,
            "--out",
            out.to_str().unwrap(),
        ]);
        let row: Value = serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap();
        let path = row["files"][0]["origin"]["path"].as_str();
        let path = path.filter(|_| row["verdict"] == "ready");
        assert_eq!(path, expected, "{filter}: {row}");
    }
}
