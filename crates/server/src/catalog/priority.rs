//! Which source a package is taken from.
//!
//! One package id comes from one source: of the enabled sources that list it, the one that is asked
//! first. A higher version of another source does not count: whoever keeps a package of their own
//! wants that one, and must not get another of the same name because somebody published it elsewhere
//! under a higher number. Sources are asked by their priority, the lower number first; 0 is none, and
//! comes behind all others; of equal ones the source that was added first comes first.
//!
//! Source: Chocolatey's documentation of `choco source`, and its issues 71 and 279: packages are
//! taken from the first source on which they are found, even if another has a newer version.

use std::cmp::Ordering;
use std::collections::HashMap;

use fleetmend_model::{PackageId, SourceId};
use fleetmend_store::packages::Offer;
use fleetmend_store::sources::Source;

/// The place of every source in the order in which they are asked.
#[derive(Debug, Default)]
pub struct Order(HashMap<SourceId, Rank>);

/// Whether there is no priority, the priority, the source's id.
type Rank = (bool, i64, i64);

impl Order {
    /// From the sources as they are set.
    pub fn of<'a>(sources: impl IntoIterator<Item = &'a Source>) -> Self {
        let rank = |it: &Source| rank(it.settings.priority, it.id);
        Self(sources.into_iter().map(|it| (it.id, rank(it))).collect())
    }

    fn compare(&self, a: &Offer, b: &Offer) -> Ordering {
        let rank = |it: &Offer| {
            self.0
                .get(&it.source)
                .copied()
                .unwrap_or(rank(0, it.source))
        };
        rank(a).cmp(&rank(b))
    }
}

fn rank(priority: i64, source: SourceId) -> Rank {
    (priority == 0, priority, source.0)
}

/// What all sources have of one package, and which of it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice<'a> {
    /// What the source has whose package it is.
    pub own: &'a Offer,
    /// All that was to choose from.
    pub all: &'a [Offer],
}

impl Choice<'_> {
    /// The version that is offered. Nothing where all that its source has is in quarantine or a
    /// prerelease: another source does not step in.
    pub fn offered(&self) -> Option<PackageId> {
        self.own.is_usable.then_some(self.own.row)
    }
}

/// Chooses for each package the source that it is taken from. `offers` come by package.
pub fn choose<'a>(
    order: &'a Order,
    offers: &'a [Offer],
) -> impl Iterator<Item = Choice<'a>> + use<'a> {
    let packages = offers.chunk_by(|a, b| a.package == b.package);
    packages.filter_map(|all| {
        let own = all.iter().min_by(|a, b| order.compare(a, b))?;
        Some(Choice { own, all })
    })
}

/// A package that a source has and that is taken from another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// The package's id in lower case.
    pub package: String,
    /// The version that this source has.
    pub version: String,
    /// Whether that is a higher one.
    pub is_higher: bool,
    /// The source that the package is taken from.
    pub taken_from: SourceId,
    /// The version there.
    pub taken_version: String,
}

/// What of a source is held back, because another one has it: those of a higher version first.
pub fn held_back(order: &Order, offers: &[Offer], source: SourceId) -> Vec<HeldBack> {
    let mut held: Vec<_> = choose(order, offers)
        .filter(|it| it.own.source != source)
        .filter_map(|it| {
            let other = it.all.iter().find(|other| other.source == source)?;
            Some(HeldBack {
                package: other.package.clone(),
                version: other.version.clone(),
                is_higher: other.order_key > it.own.order_key,
                taken_from: it.own.source,
                taken_version: it.own.version.clone(),
            })
        })
        .collect();
    held.sort_by(|a, b| {
        b.is_higher
            .cmp(&a.is_higher)
            .then(a.package.cmp(&b.package))
    });
    held
}

#[cfg(test)]
mod tests {
    use fleetmend_store::packages::order_key;

    use super::*;

    /// Sources by id with their priorities.
    fn order(priorities: &[(i64, i64)]) -> Order {
        let ranks = priorities
            .iter()
            .map(|(id, priority)| (SourceId(*id), rank(*priority, SourceId(*id))));
        Order(ranks.collect())
    }

    fn offer(row: i64, source: i64, package: &str, version: &str) -> Offer {
        Offer {
            row: PackageId(row),
            source: SourceId(source),
            package: package.to_owned(),
            version: version.to_owned(),
            order_key: order_key(version),
            is_usable: true,
        }
    }

    #[test]
    fn a_package_comes_from_the_source_that_is_asked_first_whatever_others_have() {
        type Case<'a> = (&'a str, &'a [(i64, i64)], &'a [Offer], Option<i64>);
        let cases: &[Case<'_>] = &[
            ("one source", &[(1, 0)], &[offer(10, 1, "a", "1")], Some(10)),
            (
                "the lower number wins over the higher version",
                &[(1, 2), (2, 1)],
                &[offer(10, 1, "a", "9"), offer(20, 2, "a", "1")],
                Some(20),
            ),
            (
                "no priority comes behind any",
                &[(1, 0), (2, 99)],
                &[offer(10, 1, "a", "9"), offer(20, 2, "a", "1")],
                Some(20),
            ),
            (
                "of equal ones the first that was added",
                &[(1, 5), (2, 5)],
                &[offer(10, 1, "a", "1"), offer(20, 2, "a", "9")],
                Some(10),
            ),
            (
                "none has one",
                &[(1, 0), (2, 0)],
                &[offer(10, 1, "a", "1"), offer(20, 2, "a", "9")],
                Some(10),
            ),
            (
                "nothing of its source can be used",
                &[(1, 1), (2, 2)],
                &[
                    Offer {
                        is_usable: false,
                        ..offer(10, 1, "a", "1")
                    },
                    offer(20, 2, "a", "1"),
                ],
                None,
            ),
            (
                "a source that is new and not in the list comes last",
                &[(1, 0)],
                &[offer(10, 1, "a", "1"), offer(20, 2, "a", "1")],
                Some(10),
            ),
        ];
        for (name, priorities, offers, expected) in cases {
            let order = order(priorities);
            let found: Vec<_> = choose(&order, offers).map(|it| it.offered()).collect();
            assert_eq!(found, [expected.map(PackageId)], "{name}");
        }
    }

    #[test]
    fn each_package_is_chosen_for_on_its_own() {
        let order = order(&[(1, 1), (2, 2)]);
        let offers = [
            offer(10, 1, "own", "1"),
            offer(20, 2, "own", "99"),
            offer(21, 2, "public", "3"),
        ];
        let found: Vec<_> = choose(&order, &offers)
            .filter_map(|it| it.offered())
            .collect();
        assert_eq!(found, [PackageId(10), PackageId(21)]);
    }

    #[test]
    fn what_is_held_back_is_told_with_what_is_taken_instead() {
        let order = order(&[(1, 1), (2, 2)]);
        let offers = [
            offer(10, 1, "lower", "2"),
            offer(20, 2, "lower", "1"),
            offer(11, 1, "own", "1.0"),
            offer(21, 2, "own", "1.10"),
            offer(22, 2, "public", "3"),
        ];
        let held = held_back(&order, &offers, SourceId(2));
        let shown: Vec<_> = held
            .iter()
            .map(|it| {
                let versions = (it.version.as_str(), it.taken_version.as_str());
                (it.package.as_str(), versions, it.is_higher, it.taken_from.0)
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("own", ("1.10", "1.0"), true, 1),
                ("lower", ("1", "2"), false, 1)
            ]
        );
        assert_eq!(held_back(&order, &offers, SourceId(1)), []);
    }
}
