//! Copies of one package on one device: which of them tells that another one is only what an upgrade
//! left behind, and which stand side by side.
//!
//! An upgrade may leave the old version's entry behind, so that beside an up-to-date copy an older row is
//! mostly no older copy. It is one where it states another architecture in its name, as nobody upgrades
//! a 32-bit program by a 64-bit one without taking the first away. What a row does not state counts
//! only for the up-to-date copy, by the view of the registry that it is in: many 32-bit installers
//! register 64-bit programs in theirs.

use fleetmend_model::inventory::{Place, Software};

use crate::normal::{Architecture, Name};

/// The architecture that an application states in its name, and no other.
pub(crate) fn stated(software: &Software) -> Option<Architecture> {
    Name::of(&software.name, &software.version).architecture
}

/// What tells one copy of a package from another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Copy<'a> {
    pub(crate) place: Place,
    /// As [`stated`] has it.
    pub(crate) stated: Option<Architecture>,
    pub(crate) product_code: Option<&'a str>,
    pub(crate) upgrade_code: Option<&'a str>,
}

impl<'a> Copy<'a> {
    pub(crate) fn of(software: &'a Software) -> Self {
        Self {
            place: software.place,
            stated: stated(software),
            product_code: software.product_code.as_deref(),
            upgrade_code: software.upgrade_code.as_deref(),
        }
    }

    /// Whether an older row is nothing to update beside this one, which is as new as what is on offer.
    pub(crate) fn replaces(&self, older: &Self) -> bool {
        let Some(of_older) = older.stated else {
            return true;
        };
        let is_of_place = match self.place {
            place if place == older.place => true,
            Place::Machine64 => of_older != Architecture::X86,
            Place::Machine32 => of_older == Architecture::X86,
            Place::User | Place::Dpkg => true,
        };
        let is_of_architecture = self.stated.map_or(is_of_place, |it| it == of_older);
        is_of_architecture || self.is_same_product(older)
    }

    /// Windows Installer lets no two copies of a product stand side by side.
    fn is_same_product(&self, other: &Self) -> bool {
        let is_same = |a: Option<&str>, b: Option<&str>| {
            let both = a.zip(b).map(|(a, b)| (a.trim(), b.trim()));
            both.is_some_and(|(a, b)| !a.is_empty() && a.eq_ignore_ascii_case(b))
        };
        is_same(self.upgrade_code, other.upgrade_code)
            || is_same(self.product_code, other.product_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name | place | upgrade code`
    fn read(row: &str) -> Software {
        let mut fields = row.split('|').map(|it| it.trim().to_owned());
        let mut next = || fields.next().unwrap_or_default();
        let (name, place, code) = (next(), next(), next());
        Software {
            place: Place::from_key(&place).unwrap(),
            key: String::new(),
            name,
            version: "1.0".to_owned(),
            publisher: String::new(),
            product_code: None,
            upgrade_code: Some(code).filter(|it| !it.is_empty()),
        }
    }

    #[test]
    fn an_older_row_counts_beside_a_current_one_where_it_states_another_architecture() {
        // (up to date, older, whether the older one counts)
        let cases = [
            // Runtimes of both.
            ("App (x64) | machine32", "App (x86) | machine32", true),
            ("App (x86) | machine32", "App (x64) | machine32", true),
            // Left behind by an upgrade.
            (
                "App (x64) 2.0 | machine64",
                "App (x64) 1.0 | machine64",
                false,
            ),
            (
                "App (x64) 2.0 | machine32",
                "App (x64) 1.0 | machine64",
                false,
            ),
            // The older one says nothing.
            ("App (x64) 2.0 | machine64", "App 1.0 | machine32", false),
            ("App 2.0 | machine64", "App 1.0 | machine32", false),
            // The name does not say any more what it said.
            ("App 2.0 | machine32", "App (x86) 1.0 | machine32", false),
            ("App 2.0 | machine32", "App (x64) 1.0 | machine32", false),
            ("App 2.0 | machine64", "App (64-bit) 1.0 | machine32", false),
            // It is in the view of the other architecture.
            ("App 2.0 | machine64", "App (32-bit) 1.0 | machine32", true),
            ("App 2.0 | machine32", "App (64-bit) 1.0 | machine64", true),
            // A user's own has no view.
            ("App 2.0 | user", "App (x86) 1.0 | machine32", false),
            // Both at once is neither.
            (
                "App (x64) 2.0 | machine64",
                "App (x86 x64) 1.0 | machine64",
                false,
            ),
            // One product is there once.
            (
                "App (x64) 2.0 | machine64 | {A}",
                "App (x86) 1.0 | machine32 | {a}",
                false,
            ),
            (
                "App (x64) 2.0 | machine64 | {A}",
                "App (x86) 1.0 | machine32 | {B}",
                true,
            ),
            // For Arm.
            (
                "App (arm64) 2.0 | machine64",
                "App (x64) 1.0 | machine64",
                true,
            ),
        ];
        for (current, older, counts) in cases {
            let replaces = Copy::of(&read(current)).replaces(&Copy::of(&read(older)));
            assert_eq!(replaces, !counts, "{current}, {older}");
        }
    }
}
