//! Installed rows with what they are and what they are not, from tables.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fleetmend_model::inventory::{Place, Software};
use fleetmend_model::name_pattern;
use fleetmend_reconcile::catalog::family;

use crate::table::Table;

/// Which table a case is from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Rows that installers proved.
    Truth,
    /// Rows that a person labelled.
    Labelled,
}

/// Rows fall into halves by a fixed hash of their family or name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Rules are made by looking at these.
    Tuning,
    /// Shows whether the rules hold for what nobody looked at.
    HeldOut,
}

/// An installed row and what it is.
pub struct Case {
    pub software: Software,
    /// Families; empty where it is no package.
    pub right: BTreeSet<String>,
    pub in_catalog: bool,
    pub origin: Origin,
    pub half: Half,
    pub is_disputed: bool,
}

impl Case {
    fn new(row: [&str; 3], right: BTreeSet<String>, origin: Origin, known: &Known) -> Self {
        let [name, publisher, version] = row;
        let split_by = match origin {
            Origin::Truth => right.first().map_or("", String::as_str),
            Origin::Labelled => name,
        };
        Self {
            half: half(split_by),
            software: software(name, publisher, version),
            in_catalog: right.iter().any(|it| known.families.contains(it)),
            is_disputed: known.is_disputed(name, &right),
            right,
            origin,
        }
    }
}

/// An installed row and the families that it is not; `*` for none at all.
pub struct Negative {
    pub software: Software,
    pub forbidden: BTreeSet<String>,
}

impl Negative {
    pub fn forbids(&self, package: &str) -> bool {
        self.forbidden.contains("*") || self.forbidden.contains(&family_of(package))
    }
}

/// What is known beside the rows themselves.
pub struct Known {
    /// Families of the catalog.
    pub families: BTreeSet<String>,
    /// Patterns of names, each with the package that the truth wrongly says; `NONE` for no package.
    pub disputed: Vec<(String, String)>,
}

impl Known {
    fn is_disputed(&self, name: &str, right: &BTreeSet<String>) -> bool {
        self.disputed.iter().any(|(pattern, id)| {
            let is_meant = if id == "NONE" {
                right.is_empty()
            } else {
                right.contains(&family_of(id))
            };
            is_meant && name_pattern::matches(pattern, name)
        })
    }
}

/// The truth, a case for each distinct installed row: it may rightly be several packages.
pub fn truth(path: &Path, known: &Known) -> anyhow::Result<Vec<Case>> {
    let table = Table::read(path)?;
    let mut right: BTreeMap<[&str; 3], BTreeSet<String>> = BTreeMap::new();
    let columns = ["DisplayName", "Publisher", "DisplayVersion", "choco_id"];
    for [name, publisher, version, id] in table.columns(columns)? {
        let row = [name, publisher, version];
        right.entry(row).or_default().insert(family_of(id));
    }
    let case = |(row, right)| Case::new(row, right, Origin::Truth, known);
    Ok(right.into_iter().map(case).collect())
}

/// Labelled lists, without the rows that the person was unsure of.
pub fn labelled(path: &Path, known: &Known) -> anyhow::Result<Vec<Case>> {
    let table = Table::read(path)?;
    let columns = [
        "DisplayName",
        "Publisher",
        "DisplayVersion",
        "accepted_choco_ids",
    ];
    let rows = table.columns(columns)?.into_iter();
    let case = |[name, publisher, version, ids]: [&str; 4]| {
        let ids = ids.split(',').filter(|id| *id != "NONE");
        let right = ids.map(family_of).collect();
        Case::new([name, publisher, version], right, Origin::Labelled, known)
    };
    Ok(rows.filter(|[.., ids]| *ids != "?").map(case).collect())
}

pub fn negatives(path: &Path) -> anyhow::Result<Vec<Negative>> {
    let table = Table::read(path)?;
    let columns = [
        "DisplayName",
        "Publisher",
        "DisplayVersion",
        "must_not_match_choco_ids",
    ];
    let rows = table.columns(columns)?.into_iter();
    let negative = |[name, publisher, version, ids]: [&str; 4]| Negative {
        software: software(name, publisher, version),
        forbidden: ids.split(',').map(family_of).collect(),
    };
    Ok(rows.map(negative).collect())
}

/// Rows of the known truths that are wrong themselves, with the reasons.
const DISPUTED: &str = include_str!("../data/disputed.tsv");

/// Patterns of names with the package that the truth wrongly says; the reason is for people. Without a
/// file of one's own, what is known.
pub fn disputed(path: Option<&Path>) -> anyhow::Result<Vec<(String, String)>> {
    let table = path.map_or_else(|| Table::of(DISPUTED), Table::read)?;
    let rows = table.columns(["DisplayName", "choco_id"])?.into_iter();
    Ok(rows
        .map(|[name, id]| (name.to_owned(), id.to_owned()))
        .collect())
}

/// An id without `.install` and `.portable`, in lower case.
pub fn family_of(id: &str) -> String {
    family(&id.trim().to_lowercase()).to_owned()
}

/// The row as an agent would send it, without codes.
fn software(name: &str, publisher: &str, version: &str) -> Software {
    Software {
        place: Place::Machine64,
        key: name.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        publisher: publisher.to_owned(),
        product_code: None,
        upgrade_code: None,
    }
}

/// FNV-1a.
pub fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The hash folded to one bit.
fn half(text: &str) -> Half {
    let hash = hash(text);
    if (hash ^ (hash >> 32)) & 1 == 1 {
        Half::HeldOut
    } else {
        Half::Tuning
    }
}

#[cfg(test)]
mod tests {
    use super::{Half, Known, half, labelled, negatives, truth};

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn known() -> Known {
        Known {
            families: ["app".to_owned()].into(),
            disputed: vec![("Other*".to_owned(), "old".to_owned())],
        }
    }

    #[test]
    fn the_same_row_is_one_case_with_all_families_that_it_may_be() {
        let table = file(
            "DisplayName\tPublisher\tDisplayVersion\tchoco_id\nApp\tMaker\t1\tApp.Install\n\
             App\tMaker\t1\tapp\nApp\tMaker\t1\tapp2\nApp\tMaker\t2\tapp\nOther 1\t\t1\told\n",
        );
        let cases = truth(table.path(), &known()).unwrap();
        let shown: Vec<_> = cases
            .iter()
            .map(|it| {
                let right: Vec<&str> = it.right.iter().map(String::as_str).collect();
                (right.join(","), it.in_catalog, it.is_disputed)
            })
            .collect();
        let expected = [
            ("app,app2", true, false),
            ("app", true, false),
            ("old", false, true),
        ];
        assert_eq!(
            shown,
            expected.map(|(right, known, disputed)| (right.to_owned(), known, disputed))
        );
    }

    #[test]
    fn rows_that_nobody_was_sure_of_are_left_out() {
        let table = file(
            "DisplayName\tPublisher\tDisplayVersion\taccepted_choco_ids\nA\t\t1\tapp,b\n\
             B\t\t1\tNONE\nC\t\t1\t?\n",
        );
        let cases = labelled(table.path(), &known()).unwrap();
        assert_eq!(cases.len(), 2);
        assert_eq!((cases[0].right.len(), cases[1].right.len()), (2, 0));
    }

    #[test]
    fn a_star_forbids_every_package() {
        let table = file(
            "DisplayName\tPublisher\tDisplayVersion\tmust_not_match_choco_ids\nA\t\t\t*\n\
             B\t\t\tgit,x\n",
        );
        let rows = negatives(table.path()).unwrap();
        assert!(rows[0].forbids("anything"));
        assert!(rows[1].forbids("git.install"));
        assert!(!rows[1].forbids("gitextensions"));
    }

    #[test]
    fn a_name_stays_in_its_half() {
        assert!(half("python3") == Half::Tuning);
        assert!(half("vlc") == Half::HeldOut);
    }
}
