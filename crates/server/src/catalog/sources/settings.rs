//! What a person may set of a source, checked: pure.

use std::ops::RangeInclusive;

use fleetmend_store::sources::{Settings, Source, SourceKind, dialect_from_key, dialect_key};
use fleetmend_versions::nuget::Dialect;
use reqwest::Url;

use super::super::credentials::Login;
use crate::error::ApiError;

/// The longest name and location, in characters.
const LONGEST_NAME: usize = 200;
const LONGEST_LOCATION: usize = 2_000;
/// The greatest number for a priority.
pub const MOST_PRIORITY: i64 = 1_000;
/// The most requests a minute that can be allowed.
pub const MOST_PER_MINUTE: u32 = 6_000;
/// The shortest and the longest time between two reads that can be set, in seconds.
pub const EVERY_SECONDS: RangeInclusive<u32> = 5..=7 * 24 * 3600;

/// The word for either dialect.
pub const ANY_DIALECT: &str = "any";

/// What a person gives of a source. What is absent has its default in a new one, and stays as it is
/// in one that is there.
#[derive(Default, Clone, Copy)]
pub struct Given<'a> {
    /// A feed's address or a folder.
    pub location: Option<&'a str>,
    /// What they call it; its location by default.
    pub name: Option<&'a str>,
    /// Its priority; 0 is none.
    pub priority: Option<i64>,
    /// Whether it is read and offered.
    pub enabled: Option<bool>,
    /// Requests a minute; 0: what public hosts get.
    pub per_minute: Option<u32>,
    /// Seconds between two reads; 0: what such sources get.
    pub every_seconds: Option<u32>,
    /// The generation of Chocolatey that it is for: `choco1`, `choco2`, or [`ANY_DIALECT`].
    pub dialect: Option<&'a str>,
    /// Whether its packages that download their installers come into the feed with them inside.
    pub internalize: Option<bool>,
    /// The name that it is read with.
    pub user: Option<&'a str>,
    /// The password. Never logged or shown.
    pub password: Option<&'a str>,
    /// Whether it is read without name and password from now on.
    pub without_login: bool,
    /// Whether the feed's own host may be in one's own network.
    pub allow_private: bool,
    /// Other hosts that it may lead to although they are in one's own network.
    pub private_hosts: &'a [String],
}

/// What becomes of a source's login.
pub enum LoginChange {
    /// It stays as it is.
    Keep,
    /// It is read without.
    TakeAway,
    /// It is this one.
    Set(Login),
}

impl LoginChange {
    /// The login that is given.
    pub fn given(self) -> Option<Login> {
        match self {
            Self::Set(login) => Some(login),
            Self::Keep | Self::TakeAway => None,
        }
    }
}

impl<'a> Given<'a> {
    /// A feed that wants no login, or a folder.
    pub fn at(location: &'a str) -> Self {
        Self {
            location: Some(location),
            ..Self::default()
        }
    }

    /// What becomes of the login.
    pub fn login(&self) -> Result<LoginChange, ApiError> {
        match Login::given(self.user, self.password)? {
            Some(_) if self.without_login => Err(ApiError::Bad(
                "field 'without_login' goes with neither 'user' nor 'password'".to_owned(),
            )),
            Some(login) => Ok(LoginChange::Set(login)),
            None if self.without_login => Ok(LoginChange::TakeAway),
            None => Ok(LoginChange::Keep),
        }
    }

    /// A new source.
    pub fn new_source(&self) -> Result<(SourceKind, Settings), String> {
        let location = self.location.map(str::trim).unwrap_or_default();
        if location.is_empty() {
            return Err("field 'location' is empty: give a feed's address or a folder".to_owned());
        }
        let settings = self.on(&Settings::new(location, location))?;
        Ok((kind_of(location)?, settings))
    }

    /// A source that is there, changed.
    pub fn changed(&self, source: &Source) -> Result<Settings, String> {
        let before = &source.settings;
        let after = self.on(before)?;
        if after.location == before.location {
            return Ok(after);
        }
        let kind = kind_of(&after.location)?;
        if kind != source.kind {
            return Err(format!(
                "'{}' is a {}, and this source is a {}: add it as a source of its own",
                after.location,
                kind.key(),
                source.kind.key()
            ));
        }
        let keeps_login = self.user.is_none() && !self.without_login && source.user_name.is_some();
        if keeps_login && !is_same_place(&before.location, &after.location) {
            return Err(format!(
                "the password was given for {}: give it anew for another host, port or protocol, or \
                 take it away",
                before.location
            ));
        }
        Ok(after)
    }

    fn on(&self, before: &Settings) -> Result<Settings, String> {
        let text = |given: Option<&str>, before: &str| {
            let given = given.map(str::trim).filter(|it| !it.is_empty());
            given.unwrap_or(before).to_owned()
        };
        let after = Settings {
            location: text(self.location, &before.location),
            name: text(self.name, &before.name),
            priority: self.priority.unwrap_or(before.priority),
            enabled: self.enabled.unwrap_or(before.enabled),
            per_minute: number(self.per_minute, before.per_minute),
            every_seconds: number(self.every_seconds, before.every_seconds),
            dialect: self.dialect.map_or(Ok(before.dialect), dialect)?,
            internalize: self.internalize.unwrap_or(before.internalize),
        };
        for (field, value, longest) in [
            (
                "name",
                &after.name,
                LONGEST_NAME.max(before.name.chars().count()),
            ),
            ("location", &after.location, LONGEST_LOCATION),
        ] {
            if value.chars().count() > longest {
                return Err(format!(
                    "field '{field}' is longer than {longest} characters"
                ));
            }
            if value.chars().any(char::is_control) {
                return Err(format!("field '{field}' has control characters"));
            }
        }
        if !(0..=MOST_PRIORITY).contains(&after.priority) {
            return Err(format!(
                "field 'priority' must be between 0 and {MOST_PRIORITY}"
            ));
        }
        if let Some(per_minute) = after.per_minute
            && !(1..=MOST_PER_MINUTE).contains(&per_minute)
        {
            return Err(format!(
                "field 'per_minute' must be between 1 and {MOST_PER_MINUTE}"
            ));
        }
        if let Some(every) = after.every_seconds
            && !EVERY_SECONDS.contains(&every)
        {
            let (least, most) = (EVERY_SECONDS.start(), EVERY_SECONDS.end());
            return Err(format!(
                "field 'every_seconds' must be between {least} and {most}"
            ));
        }
        Ok(after)
    }
}

/// A number as it is after a change; 0 takes it away.
fn number(given: Option<u32>, before: Option<u32>) -> Option<u32> {
    given.map_or(before, |it| (it > 0).then_some(it))
}

fn dialect(word: &str) -> Result<Option<Dialect>, String> {
    if word == ANY_DIALECT {
        return Ok(None);
    }
    let dialect = dialect_from_key(word);
    dialect.map(Some).ok_or_else(|| {
        format!("field 'dialect' is '{word}': it must be 'any', 'choco1' or 'choco2'")
    })
}

/// What is other than before, for the audit log; empty where nothing is.
pub fn difference(before: &Settings, after: &Settings) -> String {
    let changed = shown(before)
        .into_iter()
        .zip(shown(after))
        .filter(|((_, before), (_, after))| before != after)
        .map(|((name, before), (_, after))| format!("{name}: {before} → {after}"));
    changed.collect::<Vec<_>>().join("; ")
}

/// What is set, each with its name.
fn shown(it: &Settings) -> [(&'static str, String); 8] {
    let switch = |is_on| if is_on { "on" } else { "off" }.to_owned();
    let number = |it: Option<u32>| it.map_or_else(|| "default".to_owned(), |it| it.to_string());
    [
        ("location", it.location.clone()),
        ("name", it.name.clone()),
        ("priority", it.priority.to_string()),
        ("switched", switch(it.enabled)),
        ("requests a minute", number(it.per_minute)),
        ("seconds between reads", number(it.every_seconds)),
        (
            "dialect",
            it.dialect.map_or(ANY_DIALECT, dialect_key).to_owned(),
        ),
        ("internalizing", switch(it.internalize)),
    ]
}

/// Whether a password that was given for one address may go to another one: the same protocol, host
/// and port.
fn is_same_place(before: &str, after: &str) -> bool {
    match (Url::parse(before), Url::parse(after)) {
        (Ok(before), Ok(after)) => before.origin() == after.origin(),
        _ => false,
    }
}

/// What stands at a location.
fn kind_of(location: &str) -> Result<SourceKind, String> {
    if location.starts_with("http://") || location.starts_with("https://") {
        return match Url::parse(location) {
            Ok(url) if url.query().is_some() || url.fragment().is_some() => Err(format!(
                "'{location}' has a '?' or '#': give the feed's address alone, without a query"
            )),
            Ok(url) if url.username().is_empty() && url.password().is_none() => {
                Ok(SourceKind::Feed)
            }
            Ok(_) => Err(
                "a source's address must not carry a name or password, for it is shown and logged: \
                 give them in fields of their own"
                    .to_owned(),
            ),
            Err(error) => Err(format!("'{location}' is not an address: {error}")),
        };
    }
    if std::path::Path::new(location).is_absolute() {
        return Ok(SourceKind::Folder);
    }
    Err(format!(
        "'{location}' is neither the address of a feed (https://…) nor the full path of a folder"
    ))
}

#[cfg(test)]
mod tests {
    use fleetmend_model::SourceId;
    use fleetmend_store::sources::ReadNote;

    use super::*;

    fn source(location: &str, user: Option<&str>) -> Source {
        Source {
            id: SourceId(1),
            kind: kind_of(location).unwrap(),
            settings: Settings::new(location, "name"),
            user_name: user.map(str::to_owned),
            sealed_password: user.map(str::to_owned),
            private_hosts: Vec::new(),
            last_read: ReadNote::default(),
        }
    }

    #[test]
    fn a_password_stays_with_the_host_that_it_was_given_for() {
        const BEFORE: &str = "https://feed.example/api/v2/";
        for (after, may_keep) in [
            ("https://feed.example/nuget/", true),
            ("https://FEED.example:443/api/v2", true),
            ("https://other.example/api/v2/", false),
            ("https://feed.example.evil/api/v2/", false),
            ("https://feed.example:8443/api/v2/", false),
            ("http://feed.example/api/v2/", false),
        ] {
            let keep = Given {
                location: Some(after),
                ..Given::default()
            };
            let found = keep.changed(&source(BEFORE, Some("reader")));
            assert_eq!(found.is_ok(), may_keep, "{after}: {found:?}");
            assert!(keep.changed(&source(BEFORE, None)).is_ok(), "{after}");
            for anew in [
                Given {
                    without_login: true,
                    ..keep
                },
                Given {
                    user: Some("reader"),
                    password: Some("given anew"),
                    ..keep
                },
            ] {
                let found = anew.changed(&source(BEFORE, Some("reader")));
                assert!(found.is_ok(), "{after}: {found:?}");
            }
        }
    }

    #[test]
    fn what_is_given_is_checked_and_what_is_not_stays() {
        let before = source("https://feed.example/", None);
        let nothing = Given::default().changed(&before).unwrap();
        assert_eq!(nothing, before.settings);
        assert_eq!(difference(&before.settings, &nothing), "");
        let all = Given {
            location: Some(" https://feed.example/v2 "),
            name: Some("Feed"),
            priority: Some(3),
            enabled: Some(false),
            per_minute: Some(60),
            every_seconds: Some(600),
            dialect: Some("choco1"),
            internalize: Some(false),
            ..Given::default()
        };
        let after = all.changed(&before).unwrap();
        assert_eq!(
            difference(&before.settings, &after),
            "location: https://feed.example/ → https://feed.example/v2; name: name → Feed; \
             priority: 0 → 3; switched: on → off; requests a minute: default → 60; \
             seconds between reads: default → 600; dialect: any → choco1; internalizing: on → off"
        );
    }

    #[test]
    fn what_cannot_be_set_is_named() {
        let before = source("https://feed.example/", None);
        let long = "x".repeat(201);
        for (given, words) in [
            (
                Given {
                    priority: Some(-1),
                    ..Given::default()
                },
                "'priority'",
            ),
            (
                Given {
                    priority: Some(1001),
                    ..Given::default()
                },
                "'priority'",
            ),
            (
                Given {
                    dialect: Some("choco3"),
                    ..Given::default()
                },
                "'choco3'",
            ),
            (
                Given {
                    per_minute: Some(6001),
                    ..Given::default()
                },
                "'per_minute'",
            ),
            (
                Given {
                    every_seconds: Some(4),
                    ..Given::default()
                },
                "'every_seconds'",
            ),
            (
                Given {
                    name: Some(&long),
                    ..Given::default()
                },
                "longer than 200",
            ),
            (
                Given {
                    name: Some("a\nb"),
                    ..Given::default()
                },
                "control characters",
            ),
            (
                Given {
                    location: Some("/srv/packages"),
                    ..Given::default()
                },
                "is a folder",
            ),
            (
                Given {
                    location: Some("ftp://feed.example"),
                    ..Given::default()
                },
                "neither the address",
            ),
            (
                Given {
                    location: Some("https://a:b@feed.example"),
                    ..Given::default()
                },
                "must not carry",
            ),
            (
                Given {
                    location: Some("https://feed.example/?a"),
                    ..Given::default()
                },
                "without a query",
            ),
        ] {
            let error = given.changed(&before).unwrap_err();
            assert!(error.contains(words), "{words}: {error}");
        }
        assert!(
            Given::default()
                .new_source()
                .unwrap_err()
                .contains("'location' is empty")
        );
    }
}
