//! What another catalog, or other words about matches, made of the answers: a line for the audit log.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use fleetmend_reconcile::State;
use fleetmend_store::applications::Turned;

use crate::console::counted;

/// Kinds of changes that are told one by one.
const TOLD: usize = 20;

/// What changed of the same package in the same way. The last: which other package it is since.
type Kind<'a> = (&'a str, &'a str, &'a str, Option<&'a str>);

/// Which packages' answers changed, from what to what, for how many applications on how many devices; what
/// was missing and is not known any more stands first, then what is another package. `None`: none changed.
/// `devices`: how many have any of some applications, for one may have several versions.
pub(super) fn in_words(all: &[Turned], devices: impl Fn(&[u32]) -> u64) -> Option<String> {
    let mut kinds: BTreeMap<Kind<'_>, Vec<u32>> = BTreeMap::new();
    for it in all {
        let (before, after) = (it.before.1.as_str(), it.after.1.as_str());
        let package = [before, after].into_iter().find(|it| !it.is_empty());
        let package = package.unwrap_or("no package");
        let other = Some(after).filter(|it| !it.is_empty() && *it != package);
        let kind = kinds
            .entry((package, &it.before.0, &it.after.0, other))
            .or_default();
        kind.push(it.software);
    }
    let kinds = kinds.into_iter();
    let mut kinds: Vec<(Kind<'_>, (u64, u64))> = kinds
        .map(|(kind, software)| (kind, (software.len() as u64, devices(&software))))
        .collect();
    kinds.sort_by_key(|(kind, counts)| (!is_lost(*kind), kind.3.is_none(), Reverse(counts.1)));
    let more = kinds.len().saturating_sub(TOLD);
    let told = kinds
        .into_iter()
        .take(TOLD)
        .map(|((package, before, after, other), counts)| {
            let applications = counted(counts.0, "application", "applications");
            let (before, after) = (label(before), label(after));
            let other = other.map(|it| format!(" of {it}")).unwrap_or_default();
            format!(
                "{package}: '{before}' became '{after}'{other} for {applications} on {}",
                counted(counts.1, "device", "devices")
            )
        });
    let mut told: Vec<String> = told.collect();
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    (!told.is_empty()).then(|| told.join("; "))
}

fn is_lost((_, before, after, _): Kind<'_>) -> bool {
    let state = |key| State::from_key(key);
    state(before) == Some(State::Missing)
        && matches!(
            state(after),
            Some(State::CannotTell | State::Review | State::Unmatched)
        )
}

fn label(key: &str) -> &str {
    match State::from_key(key) {
        Some(state) => state.label(),
        None => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applications are numbered by how many devices have one, which share no device.
    fn devices(software: &[u32]) -> u64 {
        software.iter().copied().map(u64::from).sum()
    }

    fn turned(package: &str, before: State, after: State, devices: u32) -> Turned {
        let said = |it: State| {
            let is_known = it != State::Unmatched;
            let package = if is_known { package } else { "" };
            (it.key().to_owned(), package.to_owned())
        };
        Turned {
            software: devices,
            before: said(before),
            after: said(after),
            devices: 0,
        }
    }

    #[test]
    fn what_is_not_known_any_more_is_told_first_and_the_rest_is_counted() {
        use State::{CannotTell, Current, Missing, Unmatched};
        assert_eq!(in_words(&[], devices), None);
        let mut all = vec![
            turned("tool", Current, Missing, 50),
            turned("tool", Missing, CannotTell, 2),
            turned("tool", Missing, CannotTell, 1),
            turned("zip", Missing, Unmatched, 1),
        ];
        let told = [
            "tool: 'Missing' became 'Cannot tell' for 2 applications on 3 devices",
            "zip: 'Missing' became 'Unmatched' for 1 application on 1 device",
            "tool: 'Current' became 'Missing' for 1 application on 50 devices",
        ];
        assert_eq!(in_words(&all, devices).unwrap(), told.join("; "));
        all.extend((0..30).map(|it| turned(&format!("p{it}"), Current, Missing, 1)));
        let found = in_words(&all, devices).unwrap();
        assert!(found.ends_with("; and 13 more"), "{found}");
    }

    #[test]
    fn what_is_another_package_says_which_behind_what_is_lost() {
        use State::{CannotTell, Current, Missing};
        let mut moved = turned("tool-a", Missing, Missing, 3);
        "tool-b".clone_into(&mut moved.after.1);
        let all = [
            turned("tool", Current, Missing, 50),
            moved,
            turned("tool", Missing, CannotTell, 1),
        ];
        let told = [
            "tool: 'Missing' became 'Cannot tell' for 1 application on 1 device",
            "tool-a: 'Missing' became 'Missing' of tool-b for 1 application on 3 devices",
            "tool: 'Current' became 'Missing' for 1 application on 50 devices",
        ];
        assert_eq!(in_words(&all, devices).unwrap(), told.join("; "));
    }
}
