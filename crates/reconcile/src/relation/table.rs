//! Pairs as they are: a version that was seen is known, and one between two that were seen lies
//! between.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::RowVersions;
use super::numbers::Numbers;
use super::rule::{Fit, fit};

/// Package versions by the registered version that they were seen with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    by_registered: BTreeMap<Vec<u64>, BTreeSet<Vec<u64>>>,
    /// Whether later registered versions always stood for later ones of the package.
    is_rising: bool,
    /// Registered versions of which a person said which ones they are.
    confirmed: BTreeSet<Vec<u64>>,
}

impl Table {
    pub(super) fn new<'p>(pairs: impl Iterator<Item = (&'p Numbers, &'p Numbers)>) -> Self {
        let mut table = Self::default();
        for (registered, package) in pairs {
            table
                .by_registered
                .entry(trimmed(&registered.parts))
                .or_default()
                .insert(trimmed(&package.parts));
        }
        let rows: Vec<&BTreeSet<Vec<u64>>> = table.by_registered.values().collect();
        table.is_rising = rows.windows(2).all(|it| it[0].last() <= it[1].first());
        table
    }

    /// With registered versions of it that a person confirmed.
    pub(super) fn with_confirmed<'p>(self, registered: impl Iterator<Item = &'p Numbers>) -> Self {
        Self {
            confirmed: registered.map(|it| trimmed(&it.parts)).collect(),
            ..self
        }
    }

    /// Whether this registered version was seen with this version of the package.
    pub(super) fn has(&self, registered: &str, version: &str) -> bool {
        let package = Numbers::of_package(version, registered);
        let seen =
            Numbers::of(registered).and_then(|it| self.by_registered.get(&trimmed(&it.parts)));
        package
            .zip(seen)
            .is_some_and(|(it, seen)| seen.contains(&trimmed(&it.parts)))
    }

    /// Where this registered version was seen. One that was seen once, and leaves out numbers of the
    /// package's, may be registered by other versions as well, unless a person said that it is that one.
    pub(super) fn exact(&self, row: &RowVersions, offer: &Numbers) -> Option<(Ordering, String)> {
        let registered = row.registered.as_ref().filter(|it| !it.is_open)?;
        let registered_parts = trimmed(&registered.parts);
        let seen = self.by_registered.get(&registered_parts)?;
        let is_confirmed = self.confirmed.contains(&registered_parts);
        let leaves_out = |it: &Vec<u64>| fit(&registered.parts, it) == Fit::SecondHasMore;
        if !is_confirmed && self.by_registered.len() == 1 && seen.iter().any(leaves_out) {
            return None;
        }
        let mut orders = seen.iter().map(|it| order(it, &trimmed(&offer.parts)));
        let first = orders.next()?;
        let how = format!("is known to be the package's {}", shown(seen.first()?));
        orders.all(|it| it == first).then_some((first, how))
    }

    /// What the offer itself was seen to register, where that says the contrary of an order that a
    /// rule gives and the rule, which `is_told` stands for, knows none of it: a packager published
    /// another installer under that version.
    pub(super) fn against(
        &self,
        row: &RowVersions,
        offer: &Numbers,
        order: Ordering,
        is_told: impl Fn(&[u64]) -> bool,
    ) -> Option<String> {
        let registered = row.registered.as_ref().filter(|it| !it.is_open)?;
        let (installed, offer) = (trimmed(&registered.parts), trimmed(&offer.parts));
        if !self.is_rising {
            return None;
        }
        let seen = self.by_registered.iter();
        let mut seen = seen.filter(|it| it.1.contains(&offer)).map(|it| it.0);
        let first = seen.clone().next()?;
        let is_against =
            |it: &Vec<u64>| !is_told(it) && (installed < *it) != order.is_lt() && installed != *it;
        seen.all(is_against).then(|| shown(first))
    }

    /// Where it lies between versions that were seen, on one side of the offer.
    pub(super) fn between(&self, row: &RowVersions, offer: &Numbers) -> Option<(Ordering, String)> {
        const LEAST: usize = 2;
        let registered = row.registered.as_ref().filter(|it| !it.is_open)?;
        if !self.is_rising || self.by_registered.len() < LEAST {
            return None;
        }
        let (installed, offer) = (trimmed(&registered.parts), trimmed(&offer.parts));
        let above = self.by_registered.range(installed.clone()..).next();
        if let Some((known, packages)) = above
            && packages.last().is_some_and(|it| *it <= offer)
        {
            let how = format!(
                "is lower than {}, which is the package's {}",
                shown(known),
                shown(packages.last()?)
            );
            return Some((Ordering::Less, how));
        }
        let below = self.by_registered.range(..installed).next_back()?;
        let (known, packages) = below;
        packages.first().is_some_and(|it| *it >= offer).then(|| {
            let how = format!(
                "is higher than {}, which is the package's {}",
                shown(known),
                packages.first().map(|it| shown(it)).unwrap_or_default()
            );
            (Ordering::Greater, how)
        })
    }
}

fn order(a: &[u64], b: &[u64]) -> Ordering {
    match fit(a, b) {
        Fit::Same => Ordering::Equal,
        Fit::FirstHasMore => Ordering::Greater,
        Fit::SecondHasMore => Ordering::Less,
        Fit::Differ(_, order) => order,
    }
}

/// Without zeros at the end.
fn trimmed(parts: &[u64]) -> Vec<u64> {
    let end = parts.iter().rposition(|it| *it != 0).map_or(0, |it| it + 1);
    parts[..end].to_vec()
}

fn shown(parts: &[u64]) -> String {
    let parts: Vec<String> = parts.iter().map(u64::to_string).collect();
    parts.join(".")
}
