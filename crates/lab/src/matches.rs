//! How well installed software is told to be which package, scored by family (the id without
//! `.install` and `.portable`), from the installed row and the catalog alone.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use fleetmend_model::patch::Confidence;
use fleetmend_reconcile::catalog::family;
use fleetmend_reconcile::{Catalog, Match, match_software};
use serde_json::{Value, json};

use crate::catalog_file;
use crate::left_out::{self, LeftOut};
use crate::match_cases::{self, Case, Half, Known, Origin, family_of};

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
    /// The figures are given with and without them. Default: those of `crates/lab/data/disputed.tsv`.
    #[arg(long)]
    disputed: Option<PathBuf>,
    /// Where to write what is wrong or was not found, and what is surely taken for another package where
    /// its own is left out of the catalog, a row a line; only of the half that rules are made by.
    #[arg(long)]
    mistakes: Option<PathBuf>,
    /// Writes the mistakes of both halves.
    #[arg(long)]
    both_halves: bool,
}

/// What became of a case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Right,
    Wrong,
    Review,
    NotFound,
}

impl Outcome {
    fn of(case: &Case, found: Option<&Match>) -> Self {
        match found {
            None => Self::NotFound,
            Some(found) if found.confidence == Confidence::Weak => Self::Review,
            Some(found) if case.right.contains(family(&found.package)) => Self::Right,
            Some(_) => Self::Wrong,
        }
    }
}

pub fn run(options: &Options) -> anyhow::Result<Value> {
    let packages = catalog_file::read(&options.catalog)?;
    let known = Known {
        families: packages.iter().map(|it| family_of(&it.name)).collect(),
        disputed: match_cases::disputed(options.disputed.as_deref())?,
    };
    let start = Instant::now();
    let catalog = Catalog::new(packages.clone());
    let index_ms = start.elapsed().as_secs_f64() * 1000.0;
    let mut cases = match_cases::truth(&options.truth, &known)?;
    if let Some(path) = &options.labelled {
        cases.extend(match_cases::labelled(path, &known)?);
    }
    let start = Instant::now();
    let found: Vec<Option<Match>> = cases
        .iter()
        .map(|case| match_software(&catalog, &case.software))
        .collect();
    let per_s = cases.len() as f64 / start.elapsed().as_secs_f64().max(0.000_001);
    let left_out = left_out::run(&packages, &cases);
    if let Some(path) = &options.mistakes {
        let text = mistakes(&cases, &found, &left_out, options.both_halves)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut result = all_figures(&cases, &found);
    result["left_out_hit"] = left_out::figures(&left_out);
    if let Some(path) = &options.negatives {
        let (rows, hit, in_review) = negatives(path, &catalog)?;
        result["negatives"] = json!(rows);
        result["negatives_hit"] = json!(hit);
        result["negatives_in_review"] = json!(in_review);
    }
    result["packages"] = json!(catalog.len());
    result["index_ms"] = json!(index_ms.round());
    result["per_s"] = json!(per_s.round());
    Ok(result)
}

fn all_figures(cases: &[Case], found: &[Option<Match>]) -> Value {
    let part = |test: &dyn Fn(&Case) -> bool| {
        let both = cases.iter().zip(found).filter(|(case, _)| test(case));
        figures(both.map(|(case, found)| (case, Outcome::of(case, found.as_ref()))))
    };
    let mut result = part(&|_| true);
    let undisputed = part(&|it| !it.is_disputed);
    for figure in ["precision", "recall"] {
        result[format!("{figure}_without_disputed")] = undisputed[figure].clone();
    }
    result["disputed"] = json!(cases.iter().filter(|it| it.is_disputed).count());
    result["without_disputed"] = undisputed;
    result["truth"] = part(&|it| it.origin == Origin::Truth);
    result["labelled"] = part(&|it| it.origin == Origin::Labelled);
    result["tuning"] = part(&|it| it.half == Half::Tuning && !it.is_disputed);
    result["held_out"] = part(&|it| it.half == Half::HeldOut && !it.is_disputed);
    result
}

/// Precision of what is certain or strong; recall of the rows whose package the catalog has, and of
/// all that are a package.
fn figures<'c>(outcomes: impl Iterator<Item = (&'c Case, Outcome)> + Clone) -> Value {
    let count = |wanted| outcomes.clone().filter(|it| it.1 == wanted).count();
    let (right, wrong) = (count(Outcome::Right), count(Outcome::Wrong));
    let in_catalog = outcomes.clone().filter(|it| it.0.in_catalog).count();
    let are_packages = outcomes.clone().filter(|it| !it.0.right.is_empty()).count();
    json!({
        "rows": outcomes.clone().count(),
        "precision": share(right, right + wrong),
        "recall": share(right, in_catalog),
        "recall_of_all": share(right, are_packages),
        "certain_or_strong": right + wrong,
        "wrong": wrong,
        "review": count(Outcome::Review),
        "in_catalog": in_catalog,
    })
}

fn share(part: usize, whole: usize) -> f64 {
    let share = part as f64 / whole.max(1) as f64;
    (share * 10_000.0).round() / 10_000.0
}

/// Rows, those that were taken for a package that they are not, and those for whose review one of
/// these was named.
fn negatives(path: &std::path::Path, catalog: &Catalog) -> anyhow::Result<(usize, usize, usize)> {
    let rows = match_cases::negatives(path)?;
    let (mut hit, mut in_review) = (0, 0);
    for row in &rows {
        let Some(found) = match_software(catalog, &row.software) else {
            continue;
        };
        if found.confidence == Confidence::Weak {
            let named: BTreeSet<&String> =
                found.candidates.iter().chain([&found.package]).collect();
            in_review += usize::from(named.into_iter().any(|it| row.forbids(it)));
        } else if row.forbids(&found.package) {
            hit += 1;
            eprintln!(
                "negative: {:?} is {:?}: {}",
                row.software.name, found.package, found.why
            );
        }
    }
    Ok((rows.len(), hit, in_review))
}

/// A row a line: what it is, what it was taken for, and why.
fn mistakes(
    cases: &[Case],
    found: &[Option<Match>],
    left_out: &[LeftOut<'_>],
    both_halves: bool,
) -> Result<String, std::fmt::Error> {
    let verdict = |case: &Case, found: Option<&Match>| match Outcome::of(case, found) {
        Outcome::NotFound if case.in_catalog => Some("not found"),
        Outcome::Review => Some("review"),
        Outcome::Wrong => Some("wrong"),
        Outcome::NotFound | Outcome::Right => None,
    };
    let judged = cases.iter().zip(found).map(|(case, found)| {
        let found = found.as_ref();
        (verdict(case, found), case, found)
    });
    let hits = left_out.iter().map(|it| {
        let verdict = it.is_hit().then_some("left out");
        (verdict, it.case, it.found.as_ref())
    });
    let mut text = String::new();
    for (verdict, case, found) in judged.chain(hits) {
        let Some(verdict) = verdict else { continue };
        if case.half == Half::HeldOut && !both_halves {
            continue;
        }
        let right: Vec<&str> = case.right.iter().map(String::as_str).collect();
        let (package, why) = found.map_or(("", ""), |it| (it.package.as_str(), it.why.as_str()));
        writeln!(
            text,
            "{verdict}{}\t{}\t{}\t{}\t{}\t{package}\t{why}",
            if case.is_disputed { " (disputed)" } else { "" },
            case.software.name,
            case.software.publisher,
            case.software.version,
            right.join(","),
        )?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::Value;

    use super::{Options, run};

    const CATALOG: &str = r#"{"id":"app.install","version":"2.0","title":"Example App","authors":"Maker"}
{"id":"tool","version":"2.0","title":"Example Tool","authors":"Maker"}
{"id":"other","version":"2.0","title":"Other Thing","authors":"Maker"}"#;
    const TRUTH: &str = "DisplayName\tPublisher\tDisplayVersion\tchoco_id\n\
        Example App 1.0\tMaker\t1.0\tapp\nExample Tool\tMaker\t1.0\tother\n\
        Example Tool Pro\tMaker\t1.0\ttool\nOther Thing\tMaker\t1.0\tunknown\n";
    const NEGATIVES: &str = "DisplayName\tPublisher\tDisplayVersion\tmust_not_match_choco_ids\n\
        Other Thing\tMaker\t1\tother\nOther Thing\tMaker\t1\ttool\nExample Tool Pro\t\t\t*\n";

    fn measure(folder: &std::path::Path, disputed: Option<&str>) -> Value {
        let file = |name: &str, text: &str| -> PathBuf {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        run(&Options {
            catalog: file("catalog.jsonl", CATALOG),
            truth: file("truth.tsv", TRUTH),
            negatives: Some(file("negatives.tsv", NEGATIVES)),
            labelled: None,
            disputed: disputed.map(|text| file("disputed.tsv", text)),
            mistakes: None,
            both_halves: false,
        })
        .unwrap()
    }

    #[test]
    fn wrong_matches_cost_precision_and_reviews_cost_recall() {
        let folder = tempfile::tempdir().unwrap();
        let found = measure(folder.path(), None);
        // One right; `Example Tool` and `Other Thing` are what the truth does not say; one review.
        assert_eq!(found["certain_or_strong"], 3, "{found}");
        assert_eq!(found["precision"], 0.3333, "{found}");
        assert_eq!(found["review"], 1, "{found}");
        assert_eq!(found["in_catalog"], 3, "{found}");
        assert_eq!(found["recall"], 0.3333, "{found}");
        assert_eq!(found["recall_of_all"], 0.25, "{found}");
        assert_eq!(found["negatives_hit"], 1, "{found}");
        assert_eq!(found["negatives_in_review"], 1, "{found}");
    }

    #[test]
    fn what_is_taken_for_another_package_where_its_own_is_left_out_is_a_hit() {
        let folder = tempfile::tempdir().unwrap();
        let found = measure(folder.path(), None);
        // `Example Tool` is still what its title says without what the truth says.
        assert_eq!(found["left_out_hit"]["rows"], 3, "{found}");
        assert_eq!(found["left_out_hit"]["hits"], 1, "{found}");
        assert_eq!(found["left_out_hit"]["share"], 0.3333, "{found}");
    }

    #[test]
    fn figures_are_given_without_what_is_disputed_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let disputed = "DisplayName\tchoco_id\treason\nExample Tool\tother\tit is tool\n";
        let found = measure(folder.path(), Some(disputed));
        assert_eq!(found["precision"], 0.3333, "{found}");
        assert_eq!(found["without_disputed"]["precision"], 0.5, "{found}");
        assert_eq!(found["precision_without_disputed"], 0.5, "{found}");
        assert_eq!(found["recall_without_disputed"], 0.5, "{found}");
        assert_eq!(found["disputed"], 1, "{found}");
    }

    #[test]
    fn what_is_known_to_be_disputed_counts_without_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let found = measure(folder.path(), None);
        assert_eq!(found["disputed"], 0, "{found}");
        assert_eq!(found["precision_without_disputed"], found["precision"]);
        let known = crate::match_cases::disputed(None).unwrap();
        assert!(known.len() > 10, "{known:?}");
    }
}
