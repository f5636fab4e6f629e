//! What APT would upgrade now, read from its own simulation.
//!
//! The simulation is `apt-get upgrade --with-new-pkgs` and not `dist-upgrade`: a deployment never
//! removes a package, so an upgrade that needs a removal is not one that Fleetmend can offer. APT
//! names such upgrades as kept back, with held ones; both are listed as withheld.

use std::path::Path;
use std::time::Duration;

use fleetmend_model::inventory::{
    AvailableUpdate, HELD, UnreachableSource, UpdateScan, WithheldUpdate,
};

use super::apt::{Apt, failed_run};
use super::dpkg;
use crate::platform::PlatformError;

/// How long one simulation may take.
const SIMULATION_LIMIT: Duration = Duration::from_mins(5);
/// The most upgrades that are read from one simulation.
const MAX_UPDATES: usize = 50_000;
/// How APT begins the lists of upgrades that it does not do, and why it does not. The second
/// wording of each is that of APT 3's other output version.
const WITHHELD_LISTS: [(&str, &str); 4] = [
    ("The following packages have been kept back:", KEPT_BACK),
    ("Not upgrading:", KEPT_BACK),
    (
        "The following upgrades have been deferred due to phasing:",
        "phased",
    ),
    ("Not upgrading yet due to phasing:", "phased"),
];
const KEPT_BACK: &str = "kept back";

/// Asks APT what it would upgrade.
pub(super) fn look(
    apt: &Apt,
    unreachable: Vec<UnreachableSource>,
) -> Result<UpdateScan, PlatformError> {
    const WHAT: &str = "asking APT what it would upgrade";
    let mut command = apt.simulate()?;
    command.args(["upgrade", "--with-new-pkgs"]);
    let ran = apt.run(WHAT, command, SIMULATION_LIMIT)?;
    if !ran.success() {
        return Err(failed_run(WHAT, &ran));
    }
    let status = dpkg::read(Path::new(dpkg::STATUS_FILE))?;
    let (mut updates, withheld) = parse(&ran.output, &dpkg::held(&status)?);
    add_half_done(&mut updates, dpkg::half_upgraded(&status)?);
    Ok(UpdateScan {
        provider: "apt".to_owned(),
        unreachable,
        updates,
        withheld,
    })
}

/// Adds the upgrades that were begun, where nothing newer is on offer.
fn add_half_done(updates: &mut Vec<AvailableUpdate>, half_done: Vec<AvailableUpdate>) {
    for begun in half_done {
        let is_same = |it: &AvailableUpdate| {
            it.package == begun.package && it.architecture == begun.architecture
        };
        if updates.len() < MAX_UPDATES && !updates.iter().any(is_same) {
            updates.push(begun);
        }
    }
    updates.sort_by(|a, b| (&a.package, &a.architecture).cmp(&(&b.package, &b.architecture)));
}

/// One line of a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// Upgrade, or downgrade, of an installed package.
    Replace(Change<'a>),
    /// Installation of a package that is not installed.
    New(&'a str),
    /// Removal of a package.
    Remove(&'a str),
}

/// `Inst name [old] (new origin, origin [architecture])`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change<'a> {
    name: &'a str,
    architecture: &'a str,
    installed: &'a str,
    candidate: &'a str,
    origin: &'a str,
}

/// Reads one line of a simulation; `None` for every other line.
pub(super) fn step(line: &str) -> Option<Step<'_>> {
    if let Some(rest) = line
        .strip_prefix("Remv ")
        .or_else(|| line.strip_prefix("Purg "))
    {
        return rest
            .split(' ')
            .next()
            .filter(|name| !name.is_empty())
            .map(Step::Remove);
    }
    let (name, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
    let Some(rest) = rest.strip_prefix('[') else {
        return rest.starts_with('(').then_some(Step::New(name));
    };
    let (installed, rest) = rest.split_once("] (")?;
    let inner = rest.split(')').next()?;
    let (candidate, rest) = inner.split_once(' ')?;
    let (origin, architecture) = rest.rsplit_once('[')?;
    let architecture = architecture.strip_suffix(']')?;
    // A foreign architecture is part of the name.
    let name = name.split(':').next()?;
    Some(Step::Replace(Change {
        name,
        architecture,
        installed,
        candidate,
        origin: origin.trim(),
    }))
}

fn parse(output: &str, held: &[String]) -> (Vec<AvailableUpdate>, Vec<WithheldUpdate>) {
    let mut updates = Vec::new();
    let mut withheld = Vec::new();
    let mut why = None;
    for line in output.lines() {
        if let Some(Step::Replace(change)) = step(line) {
            updates.push(AvailableUpdate {
                package: change.name.to_owned(),
                architecture: change.architecture.to_owned(),
                installed: change.installed.to_owned(),
                candidate: change.candidate.to_owned(),
                security: is_security(change.origin),
                origin: change.origin.to_owned(),
            });
        }
        if !line.starts_with("  ") {
            why = WITHHELD_LISTS
                .iter()
                .find(|(title, _)| *title == line.trim())
                .map(|it| it.1);
        } else if let Some(why) = why
            && let Some(update) = withheld_line(line.trim(), why, held)
        {
            withheld.push(update);
        }
    }
    updates.truncate(MAX_UPDATES);
    withheld.truncate(MAX_UPDATES);
    updates.sort_by(|a, b| (&a.package, &a.architecture).cmp(&(&b.package, &b.architecture)));
    withheld.sort_by(|a, b| (&a.package, &a.why).cmp(&(&b.package, &b.why)));
    withheld.dedup();
    (updates, withheld)
}

/// `name (1.0 => 2.0)`, the name with an architecture where that is a foreign one.
fn withheld_line(line: &str, why: &str, held: &[String]) -> Option<WithheldUpdate> {
    let (name, versions) = line.split_once(" (")?;
    let (installed, candidate) = versions.strip_suffix(')')?.split_once(" => ")?;
    let is_held = held.iter().any(|it| {
        it == name
            || it
                .split_once(':')
                .is_some_and(|(package, _)| package == name)
    });
    Some(WithheldUpdate {
        package: name.split(':').next()?.to_owned(),
        installed: installed.to_owned(),
        candidate: candidate.to_owned(),
        why: if is_held { HELD } else { why }.to_owned(),
    })
}

/// Whether one of the archives is a security archive: by its name (`Debian-Security:12/…`) or its
/// suite (`Ubuntu:22.04/jammy-security`).
fn is_security(origins: &str) -> bool {
    origins.split(", ").any(|origin| {
        let name = origin.split(':').next().unwrap_or_default();
        let suite = origin.rsplit('/').next().unwrap_or_default();
        [name, suite]
            .iter()
            .any(|it| it.to_lowercase().ends_with("-security"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
NOTE: This is only a simulation!
Reading package lists...
Calculating upgrade...
The following packages have been kept back:
   fleet-tool (1.0-1 => 2.0-1)
   needs-removal (1 => 2)
   pinned:i386 (3 => 4)
The following upgrades have been deferred due to phasing:
   slow (5 => 6)
The following NEW packages will be installed:
   libnew (1)
The following packages will be upgraded:
   zlib1g (1 => 2)
2 upgraded, 1 newly installed, 0 to remove and 4 not upgraded.
Inst zlib1g [1:1.2.13.dfsg-1] (1:1.2.13.dfsg-2 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64])
Inst libperl5.36 [5.36.0-7] (5.36.0-8 Debian-Security:12/oldstable-security [amd64]) [perl:amd64 ]
Inst libnew (1 Debian:12.15/oldstable [amd64])
Inst libc6:i386 [2.36-9] (2.36-10 Debian:12.15/oldstable [i386]) []
Inst here [1] (2 localhost [all])
Inst bare [1] (2 [all])
Conf zlib1g (1:1.2.13.dfsg-2 Debian:12.15/oldstable [amd64])
";

    #[test]
    fn upgrades_are_offered_and_new_packages_are_not() {
        let (updates, _) = parse(OUTPUT, &[]);
        let rows: Vec<_> = updates
            .iter()
            .map(|it| {
                let versions = (it.installed.as_str(), it.candidate.as_str());
                (
                    it.package.as_str(),
                    it.architecture.as_str(),
                    versions,
                    it.security,
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                ("bare", "all", ("1", "2"), false),
                ("here", "all", ("1", "2"), false),
                ("libc6", "i386", ("2.36-9", "2.36-10"), false),
                ("libperl5.36", "amd64", ("5.36.0-7", "5.36.0-8"), true),
                (
                    "zlib1g",
                    "amd64",
                    ("1:1.2.13.dfsg-1", "1:1.2.13.dfsg-2"),
                    true
                ),
            ]
        );
        assert_eq!(updates[3].origin, "Debian-Security:12/oldstable-security");
        assert_eq!(updates[0].origin, "");
    }

    #[test]
    fn what_is_not_offered_is_listed_with_why() {
        let held = ["fleet-tool:all".to_owned(), "pinned:i386".to_owned()];
        let (_, withheld) = parse(OUTPUT, &held);
        let rows: Vec<_> = withheld
            .iter()
            .map(|it| (it.package.as_str(), it.candidate.as_str(), it.why.as_str()))
            .collect();
        assert_eq!(
            rows,
            [
                ("fleet-tool", "2.0-1", "held"),
                ("needs-removal", "2", "kept back"),
                ("pinned", "4", "held"),
                ("slow", "6", "phased"),
            ]
        );
        assert_eq!(withheld[0].installed, "1.0-1");
    }

    #[test]
    fn lines_of_a_simulation_are_told_apart() {
        for (line, wanted) in [
            ("Remv fleet-old [1.0]", Some(Step::Remove("fleet-old"))),
            ("Purg fleet-old [1.0]", Some(Step::Remove("fleet-old"))),
            ("Inst new (1 Debian [all])", Some(Step::New("new"))),
            ("Conf new (1 Debian [all])", None),
            ("Inst torn [1", None),
            ("Inst torn [1] (2", None),
            ("Inst torn [1] (2 x", None),
            ("Inst ", None),
            ("Remv ", None),
            ("", None),
        ] {
            assert_eq!(step(line), wanted, "{line}");
        }
    }

    #[test]
    fn security_archives_are_known_by_name_or_suite() {
        for (origin, wanted) in [
            ("Debian-Security:12/stable-security", true),
            ("Ubuntu:22.04/jammy-security", true),
            ("UbuntuESM:22.04/jammy-infra-security", true),
            (
                "Debian:12.15/oldstable, Debian-Security:12/oldstable-security",
                true,
            ),
            ("Debian:12.15/oldstable", false),
            ("security-tools:1/stable", false),
            ("", false),
        ] {
            assert_eq!(is_security(origin), wanted, "{origin}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_output_is_read_without_a_panic(text in "((Inst |Remv | \\[|\\] \\(|\\)|   |=>|Not upgrading:\n|\n|.){0,60})") {
            let _ = parse(&text, &["a:all".to_owned()]);
        }
    }
}
