//! How what an installed application registers as its version stands to its package's version.
//!
//! `DisplayVersion` is the package's version in three of five cases. In the others it has a build
//! number behind it (`3.15.3.20250107` for 3.15.3), lacks the package's (`2.9.6` for 2.9.6.4552),
//! counts years otherwise (`243.25659.43` for 2024.3.4), or packs numbers (`3.11.7150.0` for 3.11.7).
//! Often the name holds the version that the package has (`Python 3.11.7 (64-bit)`).
//!
//! A [`Relation`] is learnt for each package from pairs that are certain: what the mirror found in an
//! installer, what devices register where Chocolatey or Fleetmend installed a known version, and what an
//! administrator said of a registered version. It is taken only if it holds for them all but a few. Where there is no pair, versions of the same shape
//! are taken for the same; whatever else is not known is told as such.

mod hint;
mod learn;
mod numbers;
mod rule;
mod table;
mod transform;

use std::cmp::Ordering;

use fleetmend_model::inventory::Software;

use crate::normal::Name;
use numbers::Numbers;
use rule::Rule;
use table::Table;

/// What an application registers where a version of its package is certain to be installed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// `DisplayName`; empty where it is not known.
    pub name: String,
    /// `DisplayVersion`.
    pub registered: String,
    /// The package's version.
    pub version: String,
}

/// What is known of a package's versions. Equal for the same pairs in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relation {
    /// For the registered version.
    registered: Known,
    /// For the version in the name.
    named: Known,
    table: Table,
}

/// What is known of one of the row's two versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Known {
    /// There was nothing to learn from.
    #[default]
    Nothing,
    /// No rule holds.
    NoRule,
    /// Holds for the pairs.
    Rule(Rule),
}

/// An installed version against one of the package's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// How the installed one stands to it.
    Order {
        /// The installed one against the package's.
        order: Ordering,
        /// What of the row was compared, e.g. `its version 1.5`.
        what: String,
        /// How that is the package's version, where it was learnt; goes on from `what`.
        how: Option<String>,
    },
    /// Why that cannot be told, in a part of a sentence.
    CannotTell(String),
}

impl Relation {
    /// From pairs that are certain. Those that cannot be read count as nothing.
    pub fn learn(pairs: &[Pair]) -> Self {
        learn::learn(pairs, &[])
    }

    /// [`Self::learn`], and from pairs that a person confirmed: what is registered is that version and no
    /// other, though it leaves out some of its numbers.
    pub fn learn_with(pairs: &[Pair], confirmed: &[Pair]) -> Self {
        learn::learn(pairs, confirmed)
    }

    /// Why what is registered cannot be this version, by what was learnt; in a part of a sentence.
    pub(crate) fn speaks_against(&self, registered: &str, version: &str) -> Option<String> {
        if self.has_seen(registered, version) {
            return None;
        }
        match self.order_of("", registered, version) {
            Told::Order {
                order,
                what,
                how: Some(how),
            } if order.is_ne() => {
                let than = if order.is_lt() { "lower" } else { "higher" };
                Some(format!("{what} {how}, and that is {than} than {version}"))
            }
            _ => None,
        }
    }

    /// Whether a pair is what is known already, its name left out of account.
    pub(crate) fn fits(&self, pair: &Pair) -> bool {
        let installed = Numbers::of(&pair.registered);
        let order = Numbers::of_package(&pair.version, &pair.registered)
            .and_then(|package| told(&self.registered, installed.as_ref(), &package));
        order == Some(Ordering::Equal) || self.has_seen(&pair.registered, &pair.version)
    }

    /// Whether what is registered is known to be a version.
    pub(crate) fn has_seen(&self, registered: &str, version: &str) -> bool {
        self.table.has(registered, version)
    }

    /// The installed application against a version of its package.
    pub fn order(&self, software: &Software, version: &str) -> Told {
        self.order_of(&software.name, &software.version, version)
    }

    fn order_of(&self, name: &str, registered_text: &str, version: &str) -> Told {
        let Some(offer) = Numbers::of_package(version, registered_text) else {
            return Told::CannotTell(format!("the package's version '{version}' has no order"));
        };
        let row = RowVersions::of(name, registered_text);
        let by_version = |order, how| Told::Order {
            order,
            what: format!("its version {}", registered_text.trim()),
            how,
        };
        if let Some((order, how)) = self.table.exact(&row, &offer) {
            return by_version(order, Some(how));
        }
        let registered = told(&self.registered, row.registered.as_ref(), &offer);
        let named = told(&self.named, row.named.as_ref(), &offer);
        let is_learnt = |known: &Known| matches!(known, Known::Rule(_));
        let from_registered = |order| by_version(order, self.registered.says());
        let from_name = |order| {
            let text = row.named.as_ref().map_or("", |it| it.text.as_str());
            Told::Order {
                order,
                what: format!("the version {text} in its name"),
                how: self.named.says(),
            }
        };
        let told = match (registered, named) {
            (Some(a), Some(b)) if a == b => from_registered(a),
            (Some(a), Some(_)) if is_learnt(&self.registered) && !is_learnt(&self.named) => {
                from_registered(a)
            }
            (Some(_), Some(b)) if is_learnt(&self.named) && !is_learnt(&self.registered) => {
                from_name(b)
            }
            (Some(_), Some(_)) => Told::CannotTell(format!(
                "its name and its version '{registered_text}' say different things"
            )),
            (Some(a), None) => from_registered(a),
            (None, Some(b)) => from_name(b),
            (None, None) => return self.between(registered_text.trim(), &row, &offer),
        };
        self.unless_seen_otherwise(told, &row, &offer)
    }

    /// What a rule tells, unless the offer itself is known to register what the rule does not expect
    /// and that says the contrary.
    fn unless_seen_otherwise(&self, told: Told, row: &RowVersions, offer: &Numbers) -> Told {
        let Told::Order { order, what, .. } = &told else {
            return told;
        };
        let is_told = |seen: &[u64]| self.registered.tells(seen, offer) == Some(Ordering::Equal);
        match self.table.against(row, offer, *order, is_told) {
            Some(seen) => Told::CannotTell(format!(
                "the package's {} is known to register {seen}, which does not go with {what}",
                offer.text
            )),
            None => told,
        }
    }

    fn between(&self, registered: &str, row: &RowVersions, offer: &Numbers) -> Told {
        if let Some((order, how)) = self.table.between(row, offer) {
            return Told::Order {
                order,
                what: format!("its version {registered}"),
                how: Some(how),
            };
        }
        Told::CannotTell(if registered.is_empty() && row.named.is_none() {
            "the application registers no version".to_owned()
        } else if row.registered.is_none() && row.named.is_none() {
            format!("its version '{registered}' is no row of numbers")
        } else {
            format!(
                "it is not known how its version '{registered}' stands to the package's version {}",
                offer.text
            )
        })
    }
}

impl Known {
    /// How registered numbers stand to the offer by the rule.
    fn tells(&self, registered: &[u64], offer: &Numbers) -> Option<Ordering> {
        let installed = Numbers {
            parts: registered.to_vec(),
            is_open: false,
            text: String::new(),
        };
        told(self, Some(&installed), offer)
    }

    fn says(&self) -> Option<String> {
        match self {
            Self::Rule(rule) => Some(rule.says()),
            Self::Nothing | Self::NoRule => None,
        }
    }
}

/// Whether a registered version is a row of numbers and nothing behind it that may change the order, so
/// that something is learnt of it.
pub(crate) fn is_plain(registered: &str) -> bool {
    Numbers::of(registered).is_some_and(|it| !it.is_open)
}

/// Versions that are written alike, as they stand without anything known of the package; `None` where
/// they may be different counts.
pub(crate) fn order_as_written(registered: &str, version: &str) -> Option<Ordering> {
    let package = Numbers::of_package(version, registered)?;
    rule::order_of_same_shape(&Numbers::of(registered)?, &package)
}

/// The version that a `DisplayName` has.
pub(crate) fn version_in_name(name: &str) -> Option<String> {
    Name::of(name, "").versions.into_iter().next()
}

/// Whether a letter stands right behind a version in a name, as in `1.1.1q`: it is a number of its own.
fn has_letter_behind(name: &str, version: &str) -> bool {
    name.match_indices(version).any(|(at, _)| {
        let mut behind = name[at + version.len()..].chars();
        behind.next().is_some_and(char::is_alphabetic)
            && behind.next().is_none_or(|it| !it.is_alphanumeric())
    })
}

fn told(known: &Known, installed: Option<&Numbers>, offer: &Numbers) -> Option<Ordering> {
    match known {
        Known::Rule(rule) => rule.order(installed?, offer),
        Known::NoRule => None,
        Known::Nothing => rule::order_of_same_shape(installed?, offer),
    }
}

/// The two versions that a row may have.
struct RowVersions {
    registered: Option<Numbers>,
    named: Option<Numbers>,
}

impl RowVersions {
    fn of(name: &str, registered: &str) -> Self {
        let mut row = Self {
            registered: Numbers::of(registered),
            named: None,
        };
        if let Some(version) = version_in_name(name)
            && let Some(mut named) = Numbers::of(&version)
        {
            named.is_open |= has_letter_behind(name, &version);
            // `1.1.1` is what 1.1.1q and 1.1.1w register.
            if let Some(registered) = &mut row.registered
                && named.is_open
                && rule::fit(&registered.parts, &named.parts) == rule::Fit::Same
            {
                registered.is_open = true;
            }
            row.named = Some(named);
        }
        row
    }
}
