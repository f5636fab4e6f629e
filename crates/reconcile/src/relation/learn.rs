//! From pairs to a rule.

use std::collections::{BTreeMap, BTreeSet};

use super::numbers::Numbers;
use super::rule::{Fit, Rule, fit, order_of_same_shape};
use super::table::Table;
use super::transform::Transform;
use super::{Known, Pair, Relation, RowVersions};

/// One pair in so many may contradict: packagers publish an installer under a wrong version.
const OUTLIER: usize = 5;

/// A version as one side and the package's.
type Numbered = (Numbers, Numbers);

/// From pairs, and from those that a person confirmed.
pub(super) fn learn(pairs: &[Pair], confirmed: &[Pair]) -> Relation {
    let (others, named) = numbered(pairs);
    let (said, _) = numbered(confirmed);
    let registered = others.union(&said).cloned().collect();
    let rule = match known(&registered) {
        Known::NoRule if !said.is_empty() => beside(&others, &said),
        rule => rule,
    };
    let plain = registered.iter().filter(|it| !it.0.is_open);
    let table = Table::new(plain.map(|it| (&it.0, &it.1)));
    Relation {
        table: table.with_confirmed(said.iter().map(|it| &it.0)),
        registered: rule,
        named: known(&named),
    }
}

/// As registered and as in the name.
fn numbered(pairs: &[Pair]) -> (BTreeSet<Numbered>, BTreeSet<Numbered>) {
    let mut registered = BTreeSet::new();
    let mut named = BTreeSet::new();
    for pair in pairs {
        let Some(package) = Numbers::of_package(&pair.version, &pair.registered) else {
            continue;
        };
        let row = RowVersions::of(&pair.name, &pair.registered);
        registered.extend(row.registered.map(|it| (it, package.clone())));
        named.extend(row.named.map(|it| (it, package.clone())));
    }
    (registered, named)
}

/// What is known beside confirmed pairs that no rule explains: they are exceptions of their own, unless
/// they show that versions of the same shape are not the same.
fn beside(others: &BTreeSet<Numbered>, said: &BTreeSet<Numbered>) -> Known {
    let is_of_other_shape = |it: &Numbered| order_of_same_shape(&it.0, &it.1).is_none();
    match known(others) {
        Known::Nothing if !said.iter().all(is_of_other_shape) => Known::NoRule,
        known => known,
    }
}

fn known(pairs: &BTreeSet<Numbered>) -> Known {
    if pairs.is_empty() {
        return Known::Nothing;
    }
    let transforms = [
        Some(Transform::Same),
        shift_first(pairs),
        zeros(pairs),
        Some(Transform::Reversed),
        Some(Transform::PackedYear),
        packed(pairs),
    ];
    let rule = transforms
        .into_iter()
        .flatten()
        .find_map(|it| rule(it, pairs));
    rule.map_or(Known::NoRule, Known::Rule)
}

/// The rule with this transform, if all pairs but a few follow it.
fn rule(transform: Transform, pairs: &BTreeSet<Numbered>) -> Option<Rule> {
    let mut rule = Rule {
        transform,
        registered_has_more: false,
        package_has_more: false,
        seen_short: 0,
        is_ambiguous: false,
        depth: 0,
    };
    let mut outliers = 0;
    let mut short: BTreeSet<Vec<u64>> = BTreeSet::new();
    let mut packages: BTreeMap<Vec<u64>, &[u64]> = BTreeMap::new();
    for (installed, package) in pairs {
        let Some(told) = transform.apply(&installed.parts) else {
            outliers += 1;
            continue;
        };
        match fit(&told, &package.parts) {
            Fit::Differ(..) => {
                outliers += 1;
                continue;
            }
            Fit::FirstHasMore => rule.registered_has_more = true,
            Fit::SecondHasMore => {
                rule.package_has_more = true;
                short.insert(told.clone());
            }
            Fit::Same => {}
        }
        rule.depth = rule.depth.max(told.len().min(package.parts.len()));
        let known = *packages.entry(told).or_insert(&package.parts);
        rule.is_ambiguous |= fit(known, &package.parts) != Fit::Same;
    }
    rule.seen_short = short.len();
    (outliers * OUTLIER <= pairs.len()).then_some(rule)
}

/// What is added to the first number, if that is the same for all and more than it speaks for it.
fn shift_first(pairs: &BTreeSet<Numbered>) -> Option<Transform> {
    let mut shifts = pairs.iter().map(|(installed, package)| {
        let (a, b) = (*installed.parts.first()?, *package.parts.first()?);
        i64::try_from(b).ok()?.checked_sub(i64::try_from(a).ok()?)
    });
    let shift = shifts.next()??;
    let is_same = shifts.all(|it| it == Some(shift));
    // The rest is the same as well, and is something.
    let has_rest = pairs.iter().any(|(installed, package)| {
        let rest = installed.parts.iter().zip(&package.parts).skip(1);
        rest.filter(|(a, b)| a == b && **a != 0).count() > 0
    });
    (is_same && shift != 0 && has_rest).then_some(Transform::ShiftFirst(shift))
}

/// Where the package has zeros that the registered version lacks, by the first pair.
fn zeros(pairs: &BTreeSet<Numbered>) -> Option<Transform> {
    let (installed, package) = pairs.first()?;
    let at = package
        .parts
        .iter()
        .enumerate()
        .position(|(at, it)| *it == 0 && installed.parts.get(at) != Some(&0))?;
    let count = package.parts[at..]
        .iter()
        .take_while(|it| **it == 0)
        .count();
    let has_behind = at + count < package.parts.len();
    has_behind.then_some(Transform::Zeros { at, count })
}

/// A number that is packed with others: all before it are the same, and two versions of the package
/// tell by what it is multiplied and what is added.
fn packed(pairs: &BTreeSet<Numbered>) -> Option<Transform> {
    let mut at = usize::MAX;
    for (installed, package) in pairs {
        if let Fit::Differ(place, _) = fit(&installed.parts, &package.parts) {
            at = at.min(place);
        }
    }
    let values: BTreeSet<(u64, u64)> = pairs
        .iter()
        .filter_map(|(installed, package)| {
            Some((*package.parts.get(at)?, *installed.parts.get(at)?))
        })
        .collect();
    let (first, last) = (values.first()?, values.last()?);
    let by = last.1.checked_sub(first.1)?.checked_div(last.0 - first.0)?;
    let plus = first.1.checked_sub(first.0.checked_mul(by)?)?;
    // Ten at least: what grows by one with each version is a count of its own.
    (by >= 10).then_some(Transform::Packed { at, by, plus })
}
