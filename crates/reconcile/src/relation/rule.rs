//! A way of writing, and which numbers each side leaves out.

use std::cmp::Ordering;

use super::numbers::Numbers;
use super::transform::Transform;

/// How registered versions are the package's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) transform: Transform,
    /// Whether registered versions have numbers behind the package's.
    pub(super) registered_has_more: bool,
    /// Whether the package's have numbers behind the registered ones.
    pub(super) package_has_more: bool,
    /// For how many registered versions that was seen. One says that numbers are left out, and not that
    /// another version with the same ones before is the same.
    pub(super) seen_short: usize,
    /// Whether registered versions that are the same stand for different ones of the package.
    pub(super) is_ambiguous: bool,
    /// How many numbers were seen to be the same on both sides.
    pub(super) depth: usize,
}

/// How two rows of numbers stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Same,
    /// The first goes on where the second ends.
    FirstHasMore,
    /// The second goes on where the first ends.
    SecondHasMore,
    /// They differ at a place that both have.
    Differ(usize, Ordering),
}

/// Zeros at the end say nothing.
pub(super) fn fit(first: &[u64], second: &[u64]) -> Fit {
    let differ = first.iter().zip(second).position(|(a, b)| a != b);
    if let Some(at) = differ {
        return Fit::Differ(at, first[at].cmp(&second[at]));
    }
    let common = first.len().min(second.len());
    if first[common..].iter().any(|it| *it != 0) {
        Fit::FirstHasMore
    } else if second[common..].iter().any(|it| *it != 0) {
        Fit::SecondHasMore
    } else {
        Fit::Same
    }
}

impl Rule {
    /// The installed version against the package's, where the rule tells it.
    pub(super) fn order(&self, installed: &Numbers, offer: &Numbers) -> Option<Ordering> {
        let told = self.transform.apply(&installed.parts)?;
        let is_sure = !installed.is_open;
        match fit(&told, &offer.parts) {
            // Numbers that were never seen to be the same may be another count.
            Fit::Differ(at, _) if at >= self.depth && self.registered_has_more => None,
            Fit::Differ(at, _) if is_packed(told[at], offer.parts[at]) => None,
            Fit::Differ(_, order) => Some(order),
            Fit::Same if self.package_has_more && self.is_ambiguous => None,
            Fit::Same if self.transform.is_cut() => {
                (!self.is_ambiguous && self.depth >= offer.parts.len() && is_sure)
                    .then_some(Ordering::Equal)
            }
            Fit::Same => is_sure.then_some(Ordering::Equal),
            Fit::FirstHasMore if self.registered_has_more => is_sure.then_some(Ordering::Equal),
            Fit::FirstHasMore => Some(Ordering::Greater),
            // Many releases share a year and its first number.
            Fit::SecondHasMore if self.transform == Transform::PackedYear => None,
            Fit::SecondHasMore if self.package_has_more => {
                (self.seen_short > 1 && !self.is_ambiguous && is_sure).then_some(Ordering::Equal)
            }
            Fit::SecondHasMore => is_sure.then_some(Ordering::Less),
        }
    }

    pub(super) fn says(&self) -> String {
        let says = self.transform.says();
        match (self.registered_has_more, self.package_has_more) {
            (true, false) => format!("{says} with more behind it"),
            (false, true) => format!("{says} without its last numbers"),
            _ => says.to_owned(),
        }
    }
}

/// Without any pair: the same form is taken for the same count. A build number where the package
/// counts releases, or a year where it counts from one, is not of that form.
pub(super) fn order_of_same_shape(installed: &Numbers, offer: &Numbers) -> Option<Ordering> {
    let (a, b) = (&installed.parts, &offer.parts);
    match fit(a, b) {
        // `1.8.0` beside 8.0: one of them leaves out a number before the others.
        Fit::Differ(0, _) if is_behind_generation(a, b) || is_behind_generation(b, a) => None,
        Fit::Differ(at, order) => is_same_count(a[at], b[at]).then_some(order),
        Fit::Same | Fit::FirstHasMore => (!installed.is_open).then_some(Ordering::Equal),
        // A build's number behind the same version, not a later release.
        Fit::SecondHasMore => {
            let is_build = a.len() > 2 && b[a.len()] >= BUILD && !installed.is_open;
            is_build.then_some(Ordering::Equal)
        }
    }
}

/// Whether the first has 0 or 1 before what the second begins with.
fn is_behind_generation(first: &[u64], second: &[u64]) -> bool {
    first[0] <= 1 && first.get(1) == second.first()
}

/// A number below counts releases, one above may count builds.
const BUILD: u64 = 100;

/// Both small, or of as many digits.
fn is_same_count(a: u64, b: u64) -> bool {
    (a < BUILD && b < BUILD) || a.checked_ilog10() == b.checked_ilog10()
}

/// `6161` beside 616104: a packager put something behind the number.
fn is_packed(a: u64, b: u64) -> bool {
    let digits = |it: u64| it.checked_ilog10().unwrap_or(0);
    a.min(b) >= BUILD && digits(a).abs_diff(digits(b)) > 1
}
