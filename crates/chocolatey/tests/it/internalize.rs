//! Packages that download become packages that have their installers inside, and do the same.

use std::io::Cursor;

use fleetmend_chocolatey::internalize::{Local, Plan, addresses, pack, plan_of, verify};
use fleetmend_chocolatey::nupkg::{Limits, Nupkg};
use fleetmend_chocolatey::script::analyse;
use fleetmend_model::recipe::{FileOrigin, Verdict};

use crate::package::nupkg;

const SCRIPT: &str = "tools/chocolateyInstall.ps1";
const TYPES: &[u8] = b"<?xml version=\"1.0\"?><Types><Default Extension=\"ps1\" \
    ContentType=\"application/octet\" /></Types>";

/// A script of both bitnesses with its own way to write addresses.
fn two_files(url: &str, url64: &str) -> String {
    let (sum, sum64) = ("1".repeat(64), "2".repeat(64));
    format!(
        "$version = '1.0'\n$packageArgs = @{{\n  packageName = 'acme'\n  fileType = 'exe'\n  \
         url = {url}\n  url64bit = {url64}\n  checksum = '{sum}'\n  checksumType = 'sha256'\n  \
         checksum64 = '{sum64}'\n  checksumType64 = 'sha256'\n  silentArgs = '/S /D=1'\n  \
         softwareName = 'Acme*'\n  validExitCodes = @(0, 3010)\n}}\n\
         Install-ChocolateyPackage @packageArgs\n"
    )
}

fn package(script: &[u8]) -> Vec<u8> {
    nupkg(&[
        ("[Content_Types].xml", TYPES),
        (SCRIPT, script),
        (".signature.p7s", b"not right any more"),
        ("tools/LICENSE.txt", b"free"),
    ])
}

/// The plan with a file for each address, its bytes the address itself.
fn planned(bytes: &[u8]) -> Result<Plan, String> {
    let old = Nupkg::read(bytes, &Limits::default()).unwrap();
    let analysis = analyse(&old);
    let urls = addresses(&analysis).map_err(|why| why.to_string())?;
    let local = |url: String| Local {
        sha256: url.clone(),
        length: url.len() as u64,
        url,
    };
    let locals: Vec<Local> = urls.into_iter().map(local).collect();
    plan_of(&old, Vec::new(), &analysis, &locals).map_err(|why| why.to_string())
}

fn packed(bytes: &[u8], plan: &Plan) -> Vec<u8> {
    let old = Nupkg::read(bytes, &Limits::default()).unwrap();
    let open = |sha256: &str| Ok(Cursor::new(sha256.as_bytes().to_vec()));
    pack(&old, plan, open, Cursor::new(Vec::new()))
        .unwrap()
        .into_inner()
}

#[test]
fn a_package_has_its_installers_inside_and_does_the_same() {
    let written = [
        (
            "'https://a.example/1.0/x.exe'",
            "'https://a.example/1.0/x64.exe'",
        ),
        (
            "\"https://a.example/$version/x.exe\"",
            "\"https://a.example/$($version)/x64.exe\"",
        ),
        (
            "('https://a.example/{0}/x.exe' -f $version)",
            "'https://a.example/1.0/x64.exe'",
        ),
    ];
    for (url, url64) in written {
        let script = two_files(url, url64);
        let bytes = package(script.as_bytes());
        let old = Nupkg::read(&bytes, &Limits::default()).unwrap();
        let before = analyse(&old);
        assert_eq!(before.verdict, Verdict::Ready, "{:?}", before.findings);
        assert!(!before.is_self_contained());
        let plan = planned(&bytes).unwrap();
        let new = packed(&bytes, &plan);
        assert_eq!(new, packed(&bytes, &plan), "the same bytes each time");
        let new = Nupkg::read(&new, &Limits::default()).unwrap();
        verify(&new, Vec::new(), &before, &plan).unwrap();
        let after = analyse(&new);
        assert!(after.is_self_contained());
        let (old_recipe, recipe) = (before.recipe.unwrap(), after.recipe.unwrap());
        assert_eq!(recipe.arguments, old_recipe.arguments);
        assert_eq!(recipe.exit_codes, [0, 3010]);
        assert_eq!(recipe.software_name.as_deref(), Some("Acme*"));
        for (file, old) in recipe.files.iter().zip(&old_recipe.files) {
            assert_eq!((&file.checksum, file.bitness), (&old.checksum, old.bitness));
            let FileOrigin::Embedded { path } = &file.origin else {
                panic!("{file:?}");
            };
            let FileOrigin::Url { url } = &old.origin else {
                panic!("{old:?}");
            };
            assert_eq!(new.get(path).unwrap(), url.as_bytes());
            assert_eq!(new.get(&format!("{path}.ignore")).unwrap(), b"");
        }
        assert_eq!(new.get("tools/LICENSE.txt").unwrap(), b"free");
        new.get(".signature.p7s").unwrap_err();
        let types = String::from_utf8(new.get("[Content_Types].xml").unwrap()).unwrap();
        for ending in ["ps1", "exe", "ignore"] {
            assert!(
                types.contains(&format!("Extension=\"{ending}\"")),
                "{types}"
            );
        }
        let changed = String::from_utf8(new.get(SCRIPT).unwrap()).unwrap();
        assert!(!changed.contains("https://"), "{changed}");
        assert_eq!(changed.lines().count(), script.lines().count());
    }
}

#[test]
fn a_file_never_lies_where_the_script_downloads_it_to() {
    let sum = format!("-Checksum '{}' -ChecksumType sha256", "1".repeat(64));
    for (script, target, is_run) in [
        (
            format!(
                "$toolsDir = Split-Path $MyInvocation.MyCommand.Definition\n\
                 Get-ChocolateyWebFile -PackageName acme -FileFullPath \"$toolsDir\\nuget.exe\" \
                 -Url 'https://a.example/nuget.exe' {sum}\n"
            ),
            "tools/nuget.exe",
            false,
        ),
        (
            format!(
                "$toolsDir = Split-Path $MyInvocation.MyCommand.Definition\n\
                 $setup = \"$toolsDir\\setup.exe\"\n\
                 Get-ChocolateyWebFile -PackageName acme -FileFullPath $setup \
                 -Url 'https://a.example/setup.exe' {sum}\n\
                 Install-ChocolateyInstallPackage -PackageName acme -FileType exe \
                 -SilentArgs '/S' -File $setup\n"
            ),
            "tools/setup.exe",
            true,
        ),
    ] {
        let bytes = package(script.as_bytes());
        let plan = planned(&bytes).unwrap();
        let name = target.replace("tools/", "tools/internalized/");
        let placed: Vec<&str> = plan.files.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(placed, [name.as_str()]);
        let new = packed(&bytes, &plan);
        let new = Nupkg::read(&new, &Limits::default()).unwrap();
        let after = analyse(&new);
        assert!(after.is_self_contained());
        let recipe = after.recipe.unwrap();
        assert_eq!(
            recipe.files[0].origin,
            FileOrigin::Embedded { path: name.clone() }
        );
        let to = format!("%ChocolateyPackageFolder%\\{}", target.replace('/', "\\"));
        assert_eq!(recipe.destination, (!is_run).then_some(to));
        // What is downloaded keeps its command, unless it is an installer; what was put in gets none.
        let marked: Vec<&str> = after.shims.iter().map(|it| it.program.as_str()).collect();
        let mut expected = vec![name.as_str()];
        expected.extend(is_run.then_some(target));
        assert_eq!(marked, expected);
        assert!(new.get(&format!("{target}.ignore")).is_err());
    }
}

#[test]
fn files_are_put_into_a_folder_that_has_nothing_else_and_that_no_script_names() {
    let script = two_files("'https://a.example/x.exe'", "'https://a.example/x64.exe'");
    let folder = |script: &str, path: &str| {
        let plan = planned(&nupkg(&[(SCRIPT, script.as_bytes()), (path, b"")])).unwrap();
        let paths: Vec<String> = plan.files.into_iter().map(|it| it.path).collect();
        paths.join(" ")
    };
    let named = format!("{script}Write-Host \"tools\\Internalized\\x.exe\"\n");
    for (script, path, expected) in [
        (&script, "tools/x.exe.ignore", "internalized"),
        (&script, "tools/internalized.txt", "internalized"),
        (&script, "tools/Internalized/x.exe.ignore", "internalized-2"),
        (&script, "tools/internalized", "internalized-2"),
        (&named, "tools/internalized-2/a", "internalized-3"),
    ] {
        let expected = format!("tools/{expected}/x.exe tools/{expected}/x64.exe");
        assert_eq!(folder(script, path), expected, "{path}");
    }
    let computed = format!(
        "{script}$name = 'internal' + 'ized'\n\
         Copy-Item 'C:\\a.exe' \"$env:ChocolateyPackageFolder\\tools\\$name\\x.exe\"\n"
    );
    let why = planned(&package(computed.as_bytes())).unwrap_err();
    assert!(why.contains("where its installers would be put"), "{why}");
}

#[test]
fn files_of_one_name_and_their_marks_lie_beside_each_other() {
    let script = two_files("'https://a.example/x.exe'", "'https://a.example/64/x.exe'");
    let bytes = package(script.as_bytes());
    let plan = planned(&bytes).unwrap();
    let paths: Vec<&str> = plan.files.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(
        paths,
        ["tools/internalized/x.exe", "tools/internalized/2-x.exe"]
    );
    Nupkg::read(&packed(&bytes, &plan), &Limits::default()).unwrap();
}

#[test]
fn a_script_stays_in_its_encoding() {
    let script =
        two_files("'https://a.example/x.exe'", "'https://a.example/x64.exe'") + "# Größe\n";
    let utf16 = |mark: [u8; 2], unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        mark.into_iter()
            .chain(script.encode_utf16().flat_map(unit))
            .collect()
    };
    let latin: Vec<u8> = script.chars().map(|c| u8::try_from(c).unwrap()).collect();
    for (bytes, begins, ends) in [
        (
            utf16([0xFF, 0xFE], u16::to_le_bytes),
            &[0xFF, 0xFE][..],
            &b"e\0\n\0"[..],
        ),
        (
            utf16([0xFE, 0xFF], u16::to_be_bytes),
            &[0xFE, 0xFF],
            b"\0e\0\n",
        ),
        (
            ["\u{feff}".as_bytes(), script.as_bytes()].concat(),
            &[0xEF, 0xBB, 0xBF],
            "öße\n".as_bytes(),
        ),
        (latin, b"$version", b"\xf6\xdfe\n"),
    ] {
        let package = package(&bytes);
        let new = packed(&package, &planned(&package).unwrap());
        let new = Nupkg::read(&new, &Limits::default()).unwrap();
        let changed = new.get(SCRIPT).unwrap();
        assert!(
            changed.starts_with(begins) && changed.ends_with(ends),
            "{begins:?}"
        );
    }
}

#[test]
fn what_could_not_be_proven_to_do_the_same_is_refused_with_the_difference() {
    let right = two_files("'https://a.example/x.exe'", "'https://a.example/x64.exe'");
    for (script, said) in [
        // The address is put together where no text stands for it.
        (
            right.replace(
                "'https://a.example/x.exe'",
                "('https://a.example' + '/' + 'x.exe')",
            ),
            "the files",
        ),
        // What is done depends on the address.
        (
            format!(
                "{right}if ($packageArgs.url -like 'https*') {{ Install-ChocolateyPath 'C:\\a' }}\n"
            ),
            "the effects",
        ),
        (format!("{right}Do-It\n"), "not explained in full"),
        ("Write-Host 'a'\n".to_owned(), "it downloads nothing"),
        (
            format!("{right}# SIG # Begin signature block\n# a\n# SIG # End signature block\n"),
            "is signed",
        ),
    ] {
        let why = planned(&package(script.as_bytes())).unwrap_err();
        assert!(why.contains(said), "{said}: {why}");
    }
}

#[test]
fn a_file_that_changed_since_it_was_planned_is_not_packed() {
    let script = two_files("'https://a.example/x.exe'", "'https://a.example/x64.exe'");
    let bytes = package(script.as_bytes());
    let plan = planned(&bytes).unwrap();
    let old = Nupkg::read(&bytes, &Limits::default()).unwrap();
    let short = |_: &str| Ok(&b"short"[..]);
    let error = pack(&old, &plan, short, Cursor::new(Vec::new())).unwrap_err();
    assert!(error.to_string().contains("has 5 bytes"), "{error}");
    assert!(!error.is_of_package(), "{error}");
    let missing = |_: &str| Err::<&[u8], _>(std::io::Error::other("gone"));
    let error = pack(&old, &plan, missing, Cursor::new(Vec::new())).unwrap_err();
    assert!(
        error.to_string().contains("cannot be put in: gone"),
        "{error}"
    );
}

#[test]
fn what_a_package_itself_is_the_cause_of_is_told_from_what_another_try_may_mend() {
    let script = two_files("'https://a.example/x.exe'", "'https://a.example/x64.exe'");
    let bytes = package(script.as_bytes());
    let mut plan = planned(&bytes).unwrap();
    plan.files[0].path = "tools/LICENSE.txt".to_owned();
    let old = Nupkg::read(&bytes, &Limits::default()).unwrap();
    let open = |sha256: &str| Ok(Cursor::new(sha256.as_bytes().to_vec()));
    let error = pack(&old, &plan, open, Cursor::new(Vec::new())).unwrap_err();
    assert!(error.is_of_package(), "{error}");
}
