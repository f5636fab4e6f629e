//! How well installed software is told to be which package, scored by family (the id without
//! `.install` and `.portable`), from the installed row and the catalog alone.
//!
//! Every row falls by a fixed hash into one of two halves: rules are made by looking at one of them
//! alone, and the other shows whether they hold for what nobody looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use fleetmend_model::inventory::{Place, Software};
use fleetmend_model::name_pattern;
use fleetmend_model::patch::Confidence;
use fleetmend_reconcile::catalog::family;
use fleetmend_reconcile::{Catalog, Match, match_software};
use serde_json::{Value, json};

use crate::catalog_file;
use crate::table::Table;

#[derive(Args)]
pub struct Options {
    /// The catalog: a JSON object a line.
    #[arg(long)]
    catalog: PathBuf,
    /// Installed rows with the package that each is.
    #[arg(long)]
    truth: PathBuf,
    /// Installed rows with the packages that they are not.
    #[arg(long)]
    negatives: Option<PathBuf>,
    /// Whole software lists with the packages that are right for each row.
    #[arg(long)]
    labelled: Option<PathBuf>,
    /// Rows of the truth that are wrong themselves: `DisplayName` (with `*`), `choco_id`, `reason`.
    /// The figures are given with and without them.
    #[arg(long)]
    disputed: Option<PathBuf>,
    /// Where to write what is wrong or was not found, a row a line; only of the half that rules are
    /// made by.
    #[arg(long)]
    mistakes: Option<PathBuf>,
    /// Writes the mistakes of both halves.
    #[arg(long)]
    both_halves: bool,
}

/// An installed row and what it is.
struct Case {
    software: Software,
    /// Families; empty where it is no package.
    right: BTreeSet<String>,
    in_catalog: bool,
    is_labelled: bool,
    is_held_out: bool,
    is_disputed: bool,
}

/// What became of a set of rows.
#[derive(Default)]
struct Score {
    rows: usize,
    matchable: usize,
    right: usize,
    wrong: usize,
    review: usize,
}

impl Score {
    fn add(&mut self, case: &Case, found: Option<&Match>) {
        self.rows += 1;
        self.matchable += usize::from(case.in_catalog);
        match found {
            None => {}
            Some(found) if found.confidence == Confidence::Weak => self.review += 1,
            Some(found) if case.right.contains(family(&found.package)) => self.right += 1,
            Some(_) => self.wrong += 1,
        }
    }

    fn figures(&self) -> Value {
        json!({
            "rows": self.rows,
            "precision": share(self.right, self.right + self.wrong),
            "recall": share(self.right, self.matchable),
            "certain_or_strong": self.right + self.wrong,
            "wrong": self.wrong,
            "review": self.review,
            "in_catalog": self.matchable,
        })
    }
}

fn share(part: usize, whole: usize) -> f64 {
    let share = part as f64 / whole.max(1) as f64;
    (share * 10_000.0).round() / 10_000.0
}

pub fn run(options: &Options) -> anyhow::Result<Value> {
    let packages = catalog_file::read(&options.catalog)?;
    let families: BTreeSet<String> = packages.iter().map(|it| family_of(&it.name)).collect();
    let start = Instant::now();
    let catalog = Catalog::new(packages);
    let index_ms = start.elapsed().as_secs_f64() * 1000.0;
    let disputed = match &options.disputed {
        Some(path) => disputed(path)?,
        None => Vec::new(),
    };
    let mut cases = truth(&options.truth, &families, &disputed)?;
    if let Some(path) = &options.labelled {
        cases.extend(labelled(path, &families, &disputed)?);
    }
    let start = Instant::now();
    let found: Vec<Option<Match>> = cases
        .iter()
        .map(|case| match_software(&catalog, &case.software))
        .collect();
    let seconds = start.elapsed().as_secs_f64();
    if let Some(path) = &options.mistakes {
        let text = mistakes(&cases, &found, options.both_halves);
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let score = |test: &dyn Fn(&Case) -> bool| {
        let mut score = Score::default();
        for (case, found) in cases.iter().zip(&found) {
            if test(case) {
                score.add(case, found.as_ref());
            }
        }
        score
    };
    let all = score(&|_| true);
    let mut result = all.figures();
    let parts = [
        ("without_disputed", score(&|it| !it.is_disputed)),
        ("truth", score(&|it| !it.is_labelled)),
        ("labelled", score(&|it| it.is_labelled)),
        ("tuning", score(&|it| !it.is_held_out && !it.is_disputed)),
        ("held_out", score(&|it| it.is_held_out && !it.is_disputed)),
    ];
    for (name, part) in parts {
        result[name] = part.figures();
    }
    result["recall_of_all"] = json!(share(
        all.right,
        cases.iter().filter(|it| !it.right.is_empty()).count()
    ));
    if let Some(path) = &options.negatives {
        let (rows, hit, in_review) = negatives(path, &catalog)?;
        result["negatives"] = json!(rows);
        result["negatives_hit"] = json!(hit);
        result["negatives_in_review"] = json!(in_review);
    }
    result["packages"] = json!(catalog.len());
    result["index_ms"] = json!(index_ms.round());
    result["per_s"] = json!((cases.len() as f64 / seconds.max(0.000_001)).round());
    Ok(result)
}

/// The truth, a case for each distinct installed row: it may rightly be several packages.
fn truth(
    path: &std::path::Path,
    families: &BTreeSet<String>,
    disputed: &[(String, String)],
) -> anyhow::Result<Vec<Case>> {
    let table = Table::read(path)?;
    let mut right: BTreeMap<(&str, &str, &str), BTreeSet<String>> = BTreeMap::new();
    for [name, publisher, version, id] in
        table.columns(["DisplayName", "Publisher", "DisplayVersion", "choco_id"])?
    {
        right
            .entry((name, publisher, version))
            .or_default()
            .insert(family_of(id));
    }
    let cases = right
        .into_iter()
        .map(|((name, publisher, version), right)| {
            let is_disputed = is_disputed(disputed, name, &right);
            let is_held_out = right.first().is_some_and(|it| is_held_out(it));
            case(
                name,
                publisher,
                version,
                right,
                families,
                is_held_out,
                is_disputed,
            )
        });
    Ok(cases.collect())
}

fn is_disputed(disputed: &[(String, String)], name: &str, right: &BTreeSet<String>) -> bool {
    disputed.iter().any(|(pattern, id)| {
        let is_meant = if id == "NONE" {
            right.is_empty()
        } else {
            right.contains(&family_of(id))
        };
        is_meant && name_pattern::matches(pattern, name)
    })
}

fn labelled(
    path: &std::path::Path,
    families: &BTreeSet<String>,
    disputed: &[(String, String)],
) -> anyhow::Result<Vec<Case>> {
    let table = Table::read(path)?;
    let columns = [
        "DisplayName",
        "Publisher",
        "DisplayVersion",
        "accepted_choco_ids",
    ];
    let cases = table
        .columns(columns)?
        .into_iter()
        .filter(|[.., ids]| *ids != "?")
        .map(|[name, publisher, version, ids]| {
            let ids = ids.split(',').filter(|id| *id != "NONE");
            let right = ids.map(family_of).collect();
            let is_held_out = is_held_out(name);
            let is_disputed = is_disputed(disputed, name, &right);
            let case = case(
                name,
                publisher,
                version,
                right,
                families,
                is_held_out,
                is_disputed,
            );
            Case {
                is_labelled: true,
                ..case
            }
        });
    Ok(cases.collect())
}

fn case(
    name: &str,
    publisher: &str,
    version: &str,
    right: BTreeSet<String>,
    families: &BTreeSet<String>,
    is_held_out: bool,
    is_disputed: bool,
) -> Case {
    Case {
        software: software(name, publisher, version),
        in_catalog: right.iter().any(|it| families.contains(it)),
        right,
        is_labelled: false,
        is_held_out,
        is_disputed,
    }
}

fn disputed(path: &std::path::Path) -> anyhow::Result<Vec<(String, String)>> {
    let table = Table::read(path)?;
    let rows = table.columns(["DisplayName", "choco_id"])?;
    Ok(rows
        .into_iter()
        .map(|[name, id]| (name.to_owned(), id.to_owned()))
        .collect())
}

/// Rows, those that were taken for a package that they are not, and those for whose review one of
/// these was named.
fn negatives(path: &std::path::Path, catalog: &Catalog) -> anyhow::Result<(usize, usize, usize)> {
    let table = Table::read(path)?;
    let columns = [
        "DisplayName",
        "Publisher",
        "DisplayVersion",
        "must_not_match_choco_ids",
    ];
    let (mut rows, mut hit, mut in_review) = (0, 0, 0);
    for [name, publisher, version, ids] in table.columns(columns)? {
        rows += 1;
        let Some(found) = match_software(catalog, &software(name, publisher, version)) else {
            continue;
        };
        let forbidden: BTreeSet<String> = ids.split(',').map(family_of).collect();
        let is_forbidden = |id: &String| ids == "*" || forbidden.contains(&family_of(id));
        if found.confidence == Confidence::Weak {
            let named = found.candidates.iter().chain([&found.package]);
            in_review += usize::from(named.into_iter().any(is_forbidden));
        } else if is_forbidden(&found.package) {
            hit += 1;
            eprintln!("negative: {name:?} is {:?}: {}", found.package, found.why);
        }
    }
    Ok((rows, hit, in_review))
}

/// A row a line: what it is, what it was taken for, and why.
fn mistakes(cases: &[Case], found: &[Option<Match>], both_halves: bool) -> String {
    let mut text = String::new();
    for (case, found) in cases.iter().zip(found) {
        if case.is_held_out && !both_halves {
            continue;
        }
        let verdict = match found {
            None if case.in_catalog => "not found",
            Some(it) if it.confidence == Confidence::Weak => "review",
            Some(it) if !case.right.contains(family(&it.package)) => "wrong",
            _ => continue,
        };
        let right: Vec<&str> = case.right.iter().map(String::as_str).collect();
        let (package, why) = found
            .as_ref()
            .map_or(("", ""), |it| (it.package.as_str(), it.why.as_str()));
        text += &format!(
            "{verdict}{}\t{}\t{}\t{}\t{}\t{package}\t{why}\n",
            if case.is_disputed { " (disputed)" } else { "" },
            case.software.name,
            case.software.publisher,
            case.software.version,
            right.join(","),
        );
    }
    text
}

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

fn family_of(id: &str) -> String {
    family(&id.trim().to_lowercase()).to_owned()
}

/// FNV-1a, folded to one bit.
fn is_held_out(text: &str) -> bool {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 32)) & 1 == 1
}
