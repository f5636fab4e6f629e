//! What a program that installs a version says of itself: mostly the version of what it installs, and
//! sometimes its own or one that was never kept up. It is taken only where it explains what would not
//! be understood otherwise.

use super::learn::learn;
use super::numbers::Numbers;
use super::rule::{Fit, fit, order_of_same_shape};
use super::transform::Transform;
use super::{Known, Pair, Relation};

/// A packed number is so much higher than what is packed in it, at least.
const PACKED: u64 = 10;

impl Relation {
    /// From versions of programs, each with the package version that it installs. What says nothing
    /// counts as nothing.
    pub fn guess(pairs: Vec<Pair>) -> Self {
        let pairs: Vec<Pair> = pairs.into_iter().filter(is_telling).collect();
        let mut relation = learn(&pairs, &[]);
        for known in [&mut relation.registered, &mut relation.named] {
            if *known == Known::NoRule {
                *known = Known::Nothing;
            }
        }
        relation
    }
}

fn is_telling(pair: &Pair) -> bool {
    let Some(package) = Numbers::of_package(&pair.version, &pair.registered) else {
        return false;
    };
    let Some(registered) = Numbers::of(&pair.registered).filter(|it| !it.is_open) else {
        return false;
    };
    let (said, known) = (&registered.parts, &package.parts);
    let Fit::Differ(at, _) = fit(said, known) else {
        // The same as far as it goes: nothing to learn, and what lacks may be kept up or not.
        return false;
    };
    if order_of_same_shape(&registered, &package).is_some() {
        return false;
    }
    let is_packed = at >= 2 && said[at] >= PACKED * known[at].max(1);
    is_packed || is_explained(pair)
}

/// Whether it is the package's version in another way of writing.
fn is_explained(pair: &Pair) -> bool {
    match learn(std::slice::from_ref(pair), &[]).registered {
        Known::Rule(rule) => rule.transform != Transform::Same,
        Known::Nothing | Known::NoRule => false,
    }
}
