//! One device's missing patches.

use fleetmend_model::inventory::{AvailableUpdate, ChocolateyRecord, Software, UpdateScan};
use fleetmend_model::patch::{Confidence, Evidence, PatchType};
use fleetmend_reconcile::{
    Catalog, Decision, MissingPatch, Override, Overrides, Registered, answer, here, os, third_party,
};

use crate::{msi, package, pinned, record, software, with_pattern, with_product};

const P1: &str = "{11111111-0000-0000-0000-000000000001}";
const P2: &str = "{11111111-0000-0000-0000-000000000002}";

fn catalog() -> Catalog {
    let old = with_product(package(1, "app.install", "1.0"), P1, "", "1.0");
    let new = with_product(package(2, "app.install", "2.0"), P2, "", "2.0");
    Catalog::new(vec![
        old,
        with_pattern(new, "Example*"),
        package(3, "app", "2.0"),
        package(4, "app.portable", "2.0"),
        with_pattern(package(5, "tool", "5.0"), "Other Tool*"),
    ])
}

fn shown(missing: &[MissingPatch]) -> Vec<String> {
    missing
        .iter()
        .map(|it| {
            format!(
                "{} {} > {} ({})",
                it.package,
                it.installed,
                it.available,
                it.evidence.key()
            )
        })
        .collect()
}

/// `name=version, name=version`
fn pairs(text: &str) -> Vec<(&str, &str)> {
    text.split(", ")
        .filter_map(|pair| pair.split_once('='))
        .collect()
}

#[test]
fn chocolateys_record_and_the_registered_application_make_one_row() {
    const BY_RECORD: &str = "app.install 1.0 > 2.0 (chocolatey_record)";
    const BY_NAME: &str = "app.install 1.0 > 2.0 (software_name)";
    const TOOL: &str = "tool 4.0 > 5.0 (chocolatey_record)";
    const PORTABLE: &str = "app.portable 1.0 > 2.0 (chocolatey_record)";
    let cases: &[(&str, &str, &str, &[&str])] = &[
        ("a record alone", "App.Install=1.0", "", &[BY_RECORD]),
        (
            "the record comes first",
            "app.install=1.0",
            "Example=1.0",
            &[BY_RECORD],
        ),
        ("an application alone", "", "Example=1.0", &[BY_NAME]),
        (
            "upgraded outside of Chocolatey",
            "app.install=1.0",
            "Example=2.0",
            &[],
        ),
        (
            "upgraded beyond the catalog",
            "app.install=1.0",
            "Example=3.0",
            &[],
        ),
        (
            "not comparable",
            "app.install=1.0",
            "Example=?",
            &[BY_RECORD],
        ),
        (
            "recorded as current",
            "app.install=2.0.0",
            "Example=1.9",
            &[],
        ),
        (
            "two copies, both older",
            "",
            "Example (x64)=1.1, Example (x86)=1.0",
            &[BY_NAME],
        ),
        (
            "what pulls it in, too",
            "app=1.0, app.install=1.0",
            "",
            &[BY_RECORD],
        ),
        ("only what pulls it in", "app=1.0", "Example=2.0", &[]),
        (
            "the portable copy is its own",
            "app.portable=1.0",
            "Example=2.0",
            &[PORTABLE],
        ),
        (
            "several, by name",
            "tool=4.0",
            "Example=1.0",
            &[BY_NAME, TOOL],
        ),
        ("unknown to the catalog", "unknown=1.0", "Unknown=1.0", &[]),
        ("a record that cannot be read", "tool=new", "", &[]),
        (
            "... clears nothing",
            "app.install=new",
            "Example=1.0",
            &[BY_NAME],
        ),
        (
            "a prerelease is older",
            "app.install=1.0, tool=5.0-rc1",
            "",
            &[BY_RECORD, "tool 5.0-rc1 > 5.0 (chocolatey_record)"],
        ),
    ];
    assert_missing(cases);
}

#[test]
fn an_older_copy_of_another_architecture_is_missing_and_what_an_upgrade_left_behind_is_not() {
    const BY_NAME: &str = "app.install 1.0 > 2.0 (software_name)";
    assert_missing(&[
        (
            // A runtime for both: the older one is as open to attacks as if it stood alone.
            "two copies, one current",
            "",
            "Example (x64)=1.0, Example (x86)=2.0",
            &[BY_NAME],
        ),
        (
            "... of which the record says what was there before",
            "app.install=1.0",
            "Example (x64)=1.0, Example (x86)=2.0",
            &[BY_NAME],
        ),
        (
            "... and a record that both are current",
            "app.install=2.0",
            "Example (x64)=1.0, Example (x86)=2.0",
            &[],
        ),
        (
            "one copy, and what its upgrade left behind",
            "",
            "Example (x64)=1.0, Example (x64)=2.0",
            &[],
        ),
        (
            "... by a name that says nothing",
            "",
            "Example=1.0, Example (x64)=2.0",
            &[],
        ),
        (
            "two copies, both current, and what was left behind",
            "",
            "Example (x86)=1.0, Example (x64)=2.0, Example (x86)=2.0",
            &[],
        ),
    ]);
}

/// Rule, records, applications, what is missing.
fn assert_missing(cases: &[(&str, &str, &str, &[&str])]) {
    for (rule, records, rows, expected) in cases {
        let records: Vec<_> = pairs(records)
            .iter()
            .map(|(id, it)| record(id, it))
            .collect();
        let rows: Vec<_> = pairs(rows)
            .iter()
            .map(|(name, it)| software(name, it))
            .collect();
        assert_eq!(
            shown(&third_party(&catalog(), &rows, &records)),
            *expected,
            "{rule}"
        );
    }
}

#[test]
fn only_proof_of_an_older_version_speaks_against_a_current_record() {
    let row = msi("Example", "1.0", P1, "");
    let missing = third_party(
        &catalog(),
        std::slice::from_ref(&row),
        &[record("app.install", "2.0")],
    );
    assert_eq!(shown(&missing), ["app.install 1.0 > 2.0 (product_code)"]);
    // Windows Installer left the old entry behind: the new one is there as well.
    let rows = [row, msi("Example", "2.0", P2, "")];
    assert_eq!(
        third_party(&catalog(), &rows, &[record("app.install", "2.0")]),
        []
    );
}

#[test]
fn what_is_older_and_not_missing_says_what_it_stands_beside() {
    let overridden = |decision| {
        catalog().with_overrides(Overrides::new(vec![Override {
            id: 1,
            name: "Example (x86)".to_owned(),
            publisher: String::new(),
            decision,
            reason: "the vendor updates it".to_owned(),
            by: "ann".to_owned(),
        }]))
    };
    let cases: Vec<(&str, Catalog, &str, &str, &[&str])> = vec![
        ("it is missing", catalog(), "", "Example=1.0", &[]),
        (
            "another one is current",
            catalog(),
            "",
            "Example=1.0, Example (x64)=2.0",
            &["not_missing 0: Example (x64) 2.0 is on the device as well, and is what is on offer"],
        ),
        (
            "another one is newer",
            catalog(),
            "",
            "Example=1.0, Example (x64)=3.0",
            &[
                "not_missing 0: Example (x64) 3.0 is on the device as well, and is newer than \
               what is on offer",
            ],
        ),
        (
            "a second copy is missing for its own sake",
            catalog(),
            "",
            "Example=1.0, Example (x86)=1.0, Example (x64)=2.0",
            &["not_missing 0: Example (x64) 2.0 is on the device as well, and is what is on offer"],
        ),
        (
            "Chocolatey recorded it",
            catalog(),
            "app.install=2.0",
            "Example=1.0",
            &[
                "not_missing 0: Chocolatey's own record says that app.install 2.0 is installed, \
               and what the application registers does not prove the contrary",
            ],
        ),
        (
            "another one stays as it is",
            overridden(Decision::Pinned(Some("1.5".to_owned()))),
            "",
            "Example=1.0, Example (x86)=1.0",
            &[
                "pinned 0: as Example (x86) is: ann said that it stays at 1.5 or below: the vendor \
               updates it; its name 'Example (x86)' fits the package's own pattern 'Example*'; its \
               version 1.0 is older than what is on offer: the installer on offer registers 2.0",
            ],
        ),
        (
            "... up to a version that is not reached yet",
            overridden(Decision::Pinned(Some("2.0".to_owned()))),
            "",
            "Example=1.0, Example (x86)=1.0",
            &[],
        ),
        (
            "another one is excluded",
            overridden(Decision::Excluded),
            "",
            "Example=1.0, Example (x86)=1.0",
            &[
                "excluded 0: as Example (x86) is: ann said that nothing is wanted for it: \
               the vendor updates it",
            ],
        ),
    ];
    for (rule, catalog, records, rows, expected) in cases {
        let records: Vec<_> = pairs(records)
            .iter()
            .map(|(id, it)| record(id, it))
            .collect();
        let rows: Vec<_> = pairs(rows)
            .iter()
            .map(|(name, it)| software(name, it))
            .collect();
        let answers: Vec<_> = rows.iter().map(|it| answer(&catalog, it)).collect();
        let rows = (0..).zip(&rows).zip(&answers);
        let rows = rows.map(|((id, row), answer)| Registered::new(id, row, answer));
        let found = here(&catalog, rows, &records);
        let found: Vec<_> = found
            .iter()
            .map(|it| format!("{} {}: {}", it.state.key(), it.id, it.why))
            .collect();
        assert_eq!(found, *expected, "{rule}");
    }
}

#[test]
fn what_chocolatey_has_pinned_is_not_missing_whatever_else_says_so() {
    let example = |version| vec![software("Example", version)];
    let cases: Vec<(Vec<ChocolateyRecord>, Vec<Software>, &[&str])> = vec![
        (vec![pinned("app.install", "1.0")], vec![], &[]),
        (
            vec![pinned("App.Install", "1.0")],
            example("1.0"),
            &[
                "pinned: Chocolatey on the device has App.Install pinned: it stays as it is installed, \
               at 1.0",
            ],
        ),
        // Also where it was upgraded or downgraded by something else.
        (
            vec![pinned("app.install", "2.0")],
            vec![msi("Example", "1.0", P1, "")],
            &[
                "pinned: Chocolatey on the device has app.install pinned: it stays as it is installed, \
               at 2.0",
            ],
        ),
        (vec![pinned("app.install", "1.0")], example("2.0"), &[]),
        (
            vec![pinned("app", "1.0"), record("app.install", "1.0")],
            vec![],
            &[],
        ),
    ];
    for (records, rows, expected) in cases {
        let catalog = catalog();
        assert_eq!(third_party(&catalog, &rows, &records), [], "{records:?}");
        let answers: Vec<_> = rows.iter().map(|it| answer(&catalog, it)).collect();
        let rows = (0..).zip(&rows).zip(&answers);
        let rows = rows.map(|((id, row), answer)| Registered::new(id, row, answer));
        let found = here(&catalog, rows, &records).into_iter();
        let found: Vec<_> = found
            .map(|it| format!("{}: {}", it.state.key(), it.why))
            .collect();
        assert_eq!(found, expected, "{records:?}");
    }
    let portable = [pinned("app.install", "1.0"), record("app.portable", "1.0")];
    let missing = third_party(&catalog(), &[], &portable);
    assert_eq!(
        shown(&missing),
        ["app.portable 1.0 > 2.0 (chocolatey_record)"]
    );
}

#[test]
fn a_missing_patch_without_release_says_why() {
    let mut tool = with_pattern(package(5, "tool", "5.0"), "Other Tool*");
    tool.deployable = Err("needs Chocolatey".to_owned());
    let missing = third_party(
        &Catalog::new(vec![tool]),
        &[software("Other Tool", "4")],
        &[],
    );
    assert_eq!(
        missing[0].not_deployable.as_deref(),
        Some("needs Chocolatey")
    );
    assert_eq!(missing[0].confidence, Confidence::Strong);
    assert_eq!(missing[0].patch_type, PatchType::ThirdParty);
}

#[test]
fn what_the_package_manager_offers_is_missing_once_a_package_and_architecture() {
    let update = |package: &str, architecture: &str, security| AvailableUpdate {
        package: package.to_owned(),
        architecture: architecture.to_owned(),
        installed: "1".to_owned(),
        candidate: "2".to_owned(),
        security,
        origin: "Debian-Security:12/stable-security".to_owned(),
    };
    let scan = UpdateScan {
        provider: "apt".to_owned(),
        unreachable: Vec::new(),
        updates: vec![
            update("zlib1g", "amd64", false),
            update("libc6", "i386", false),
            update("libc6", "amd64", true),
            update("libc6", "amd64", true),
        ],
        withheld: Vec::new(),
    };
    let missing = os(&scan);
    let rows: Vec<_> = missing
        .iter()
        .map(|it| (it.package.as_str(), it.architecture.as_str(), it.security))
        .collect();
    assert_eq!(
        rows,
        [
            ("libc6", "amd64", true),
            ("libc6", "i386", false),
            ("zlib1g", "amd64", false)
        ]
    );
    assert_eq!(
        missing[0].why,
        "apt offers 2 from Debian-Security:12/stable-security"
    );
    assert_eq!(missing[0].origin, "Debian-Security:12/stable-security");
    assert_eq!(missing[0].patch_type, PatchType::Os);
    assert_eq!(
        (missing[0].evidence, missing[0].confidence),
        (Evidence::PackageManager, Confidence::Certain)
    );
}
