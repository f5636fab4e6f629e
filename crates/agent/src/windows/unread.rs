//! What a scan does not read: above all the hives of users who are not logged on, whom the list of profiles
//! names.
//!
//! Those hives are left alone. `RegLoadAppKey` takes only hives whose keys all have one security
//! descriptor, which those of users are not; `RegLoadKey` and reading the file hold it, and somebody who
//! logs on meanwhile gets a temporary profile.

use std::collections::BTreeSet;

use fleetmend_model::inventory::{Part, Unread};

/// The beginnings of the security identifiers of people: of a machine or domain, and of Entra ID.
/// Source: MS-DTYP 2.4.2.4, 'Well-Known SID Structures'.
const PEOPLE: [&str; 2] = ["S-1-5-21-", "S-1-12-1-"];
/// The most things that are told one by one.
const MAX_UNREAD: usize = 500;
/// What the list calls a profile beside which a temporary one is in use.
const BACKUP: &str = ".bak";

/// A user's security identifier and folder.
pub(super) type Profile = (String, Option<String>);

/// The people among `profiles` whose hives are not `loaded`, in the
/// order of their identifiers; and those beyond the list where it `has_more`.
pub(super) fn not_loaded(profiles: &[Profile], has_more: bool, loaded: &[String]) -> Vec<Unread> {
    let is_person = |user: &str| PEOPLE.iter().any(|it| user.starts_with(it));
    let mut unread: Vec<Unread> = profiles
        .iter()
        .map(|(user, folder)| (user.strip_suffix(BACKUP).unwrap_or(user), folder))
        .filter(|(user, _)| is_person(user))
        .filter(|(user, _)| !loaded.iter().any(|it| it.eq_ignore_ascii_case(user)))
        .map(|(user, folder)| Unread {
            part: Part::User,
            user: user.to_owned(),
            key: String::new(),
            cause: cause(folder.as_deref()),
        })
        .collect();
    unread.sort_by(|a, b| (&a.user, &a.cause).cmp(&(&b.user, &b.cause)));
    unread.dedup_by(|a, b| a.user == b.user);
    unread.extend(has_more.then(more_users));
    unread
}

/// What users have who are beyond a list of them.
pub(super) fn more_users() -> Unread {
    Unread {
        part: Part::User,
        user: String::new(),
        key: String::new(),
        cause: "there are more users than are listed".to_owned(),
    }
}

/// The same under a cap: of what is beyond it, all of its part counts as not read.
pub(super) fn capped(mut unread: Vec<Unread>) -> Vec<Unread> {
    let rest = unread.split_off(unread.len().min(MAX_UNREAD));
    let parts: BTreeSet<Part> = rest.iter().map(|it| it.part).collect();
    unread.extend(parts.into_iter().map(|part| Unread {
        part,
        user: String::new(),
        key: String::new(),
        cause: format!("more than {MAX_UNREAD} things could not be read"),
    }));
    unread
}

/// The folder's name is the user's, as a person knows it.
fn cause(folder: Option<&str>) -> String {
    let folder = folder.map(|it| it.trim_end_matches(['\\', '/']));
    let name = folder.and_then(|it| it.rsplit(['\\', '/']).next());
    match name.filter(|it| !it.is_empty()) {
        Some(name) => format!("user {name} is not logged on, and the hive is not loaded"),
        None => "the user is not logged on, and the hive is not loaded".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_to_tell_counts_as_not_read_at_all() {
        let one = |number: usize| Unread {
            part: if number < 600 {
                Part::Machine32
            } else {
                Part::Chocolatey
            },
            user: String::new(),
            key: number.to_string(),
            cause: "closed".to_owned(),
        };
        let few: Vec<Unread> = (0..500).map(one).collect();
        assert_eq!(capped(few.clone()), few);
        let many = capped((0..700).map(one).collect());
        assert_eq!(many[..500], few);
        let rest: Vec<_> = many[500..]
            .iter()
            .map(|it| (it.part, it.key.as_str()))
            .collect();
        assert_eq!(rest, [(Part::Machine32, ""), (Part::Chocolatey, "")]);
    }

    #[test]
    fn people_with_a_profile_and_no_loaded_hive_are_not_read() {
        let profiles = [
            (
                "S-1-5-18",
                Some(r"%systemroot%\system32\config\systemprofile"),
            ),
            ("S-1-5-21-1-2-3-1002", Some(r"C:\Users\ben")),
            ("S-1-5-21-1-2-3-1001", Some(r"C:\Users\anna.DOMAIN\")),
            ("S-1-5-21-1-2-3-1003", Some(r"C:\Users\carl")),
            ("S-1-5-21-1-2-3-1003.bak", Some(r"C:\Users\carl")),
            ("S-1-5-21-1-2-3-1004.bak", None),
            ("S-1-12-1-4", Some(r"D:\Profiles\eve")),
        ];
        let profiles = profiles.map(|(user, folder)| (user.to_owned(), folder.map(str::to_owned)));
        let loaded = [".DEFAULT", "s-1-5-21-1-2-3-1003"].map(str::to_owned);
        let found: Vec<_> = not_loaded(&profiles, false, &loaded)
            .into_iter()
            .map(|it| {
                (
                    it.user,
                    it.cause.split(',').next().unwrap_or_default().to_owned(),
                )
            })
            .collect();
        let expected = [
            ("S-1-12-1-4", "user eve is not logged on"),
            ("S-1-5-21-1-2-3-1001", "user anna.DOMAIN is not logged on"),
            ("S-1-5-21-1-2-3-1002", "user ben is not logged on"),
            ("S-1-5-21-1-2-3-1004", "the user is not logged on"),
        ];
        assert_eq!(found, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn users_beyond_the_list_of_profiles_are_not_read() {
        let anna = ("S-1-5-21-1-2-3-1001".to_owned(), None);
        let left = not_loaded(&[anna], true, &[]);
        let users: Vec<_> = left.iter().map(|it| (it.part, it.user.as_str())).collect();
        let expected = [(Part::User, "S-1-5-21-1-2-3-1001"), (Part::User, "")];
        assert_eq!(users, expected);
        assert_eq!(left[1].cause, "there are more users than are listed");
    }
}
