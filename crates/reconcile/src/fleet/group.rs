//! Which applications are one row of a list.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use fleetmend_model::inventory::Software;

use crate::answer::Answer;
use crate::normal::{Name, Publisher};
use crate::state::State;

/// What versions of one application share that are the same thing: one row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Group {
    state: State,
    /// The packages that they are, or may be.
    packages: Vec<String>,
    maker: String,
    /// Without the version.
    name: String,
}

impl Group {
    /// That of an application with its answer.
    pub fn of(software: &Software, answer: &Answer) -> Self {
        Self {
            state: answer.state(),
            packages: packages(answer).map(str::to_owned).collect(),
            maker: maker(software),
            name: name(software),
        }
    }

    /// The packages that they are, or may be.
    pub fn packages(&self) -> impl Iterator<Item = &str> {
        self.packages.iter().map(String::as_str)
    }

    /// Whether an application is one of them, by its answer alone, which says most of it.
    pub(super) fn may_have(&self, answer: &Answer) -> bool {
        answer.state() == self.state && packages(answer).eq(self.packages())
    }

    /// Whether an application that it may have, of its [`product`], is one of them.
    pub(super) fn has(&self, software: &Software) -> bool {
        maker(software) == self.maker && name(software) == self.name
    }
}

fn packages(answer: &Answer) -> impl Iterator<Item = &str> {
    let (candidates, package) = match answer {
        Answer::Review { candidates, .. } => (candidates.as_slice(), None),
        _ => (&[][..], answer.package()),
    };
    candidates.iter().map(String::as_str).chain(package)
}

fn maker(software: &Software) -> String {
    Publisher::of(&software.publisher).key()
}

fn name(software: &Software) -> String {
    Name::of(&software.name, &software.version).key()
}

/// The same number for all versions of an application: to take a name apart is most of the work of telling
/// them.
pub(super) fn product(name: &Name, publisher: &Publisher) -> u64 {
    let mut hasher = DefaultHasher::new();
    (publisher.key(), name.key()).hash(&mut hasher);
    hasher.finish()
}
