//! What installed software is taken for where its own packages are not in the catalog: then everything
//! that is certain or strong is wrong.
//!
//! Families fall into a few folds, and the catalog is made anew without one fold at a time.

use std::collections::BTreeSet;

use fleetmend_model::patch::Confidence;
use fleetmend_reconcile::{Catalog, CatalogPackage, Match, match_software};
use serde_json::{Value, json};

use crate::match_cases::{Case, Half, family_of, hash};

const FOLDS: u64 = 10;

/// A row whose package the catalog has, and what it is taken for without it.
pub struct LeftOut<'c> {
    pub case: &'c Case,
    pub found: Option<Match>,
}

impl LeftOut<'_> {
    /// Whether it is surely taken for something that it is not.
    pub fn is_hit(&self) -> bool {
        let found = self.found.as_ref();
        found.is_some_and(|it| it.confidence != Confidence::Weak)
    }
}

pub fn run<'c>(packages: &[CatalogPackage], cases: &'c [Case]) -> Vec<LeftOut<'c>> {
    let families: Vec<String> = packages.iter().map(|it| family_of(&it.name)).collect();
    let mut all = Vec::new();
    for number in 0..FOLDS {
        let is_in_fold = |case: &&Case| case.in_catalog && fold(case) == number;
        let of_fold: Vec<&Case> = cases.iter().filter(is_in_fold).collect();
        let left_out: BTreeSet<&String> = of_fold.iter().flat_map(|it| &it.right).collect();
        let kept = packages.iter().zip(&families);
        let kept = kept.filter(|(_, family)| !left_out.contains(family));
        let catalog = Catalog::new(kept.map(|(package, _)| package.clone()).collect());
        all.extend(of_fold.into_iter().map(|case| LeftOut {
            found: match_software(&catalog, &case.software),
            case,
        }));
    }
    all
}

/// All families of a row are left out together.
fn fold(case: &Case) -> u64 {
    case.right.first().map_or(0, |it| hash(it) % FOLDS)
}

pub fn figures(all: &[LeftOut<'_>]) -> Value {
    let part = |test: &dyn Fn(&Case) -> bool| {
        let rows = all.iter().filter(|it| test(it.case));
        let hits = rows.clone().filter(|it| it.is_hit()).count();
        let rows = rows.count();
        let share = hits as f64 / rows.max(1) as f64;
        json!({
            "rows": rows,
            "hits": hits,
            "share": (share * 10_000.0).round() / 10_000.0,
        })
    };
    let mut result = part(&|_| true);
    result["without_disputed"] = part(&|it| !it.is_disputed);
    result["tuning"] = part(&|it| !it.is_disputed && it.half == Half::Tuning);
    result["held_out"] = part(&|it| !it.is_disputed && it.half == Half::HeldOut);
    result
}
