//! How often hosts outside are asked: what their operators allow, and not at all while they want to
//! be left alone. One place for feeds, packages and installers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use fleetmend_model::{Millis, SourceId};
use fleetmend_store::host_pauses::{self, HostPause};
use fleetmend_store::sources::Source;
use reqwest::{StatusCode, Url};
use tokio::time::Instant;

use super::fetch::FetchError;
use super::guard::network::{Reach, reach};
use super::guard::{hosts, lookup};
use super::ledger::Ledger;
use super::schedule::{self, Asked};
use crate::app::App;
use crate::clock::system_clock;

/// Requests a minute to a public host, a burst of as many included, unless an administrator says
/// otherwise.
const PUBLIC_REQUESTS_PER_MINUTE: usize = 15;
const MINUTE: Duration = Duration::from_secs(60);

/// What each host was asked for lately.
pub struct Pace {
    hosts: Mutex<HashMap<String, Host>>,
    /// Requests a minute that an administrator allows for a host.
    allowed: Mutex<HashMap<String, u32>>,
    /// Hosts of sources that are in one's own network, as their names resolve.
    near: Mutex<HashMap<SourceId, String>>,
    /// What other processes on the same data folder sent counts, too.
    ledger: Option<Ledger>,
    /// Said once that the ledger cannot be used.
    said: Once,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            hosts: Mutex::default(),
            allowed: Mutex::default(),
            near: Mutex::default(),
            ledger: None,
            said: Once::new(),
        }
    }
}

#[derive(Default)]
struct Host {
    /// When each of the last requests was sent.
    sent: Vec<Instant>,
    /// Answers 403 in a row.
    refusals: u32,
}

impl Pace {
    /// Of the server with this data folder, and of the commands beside it.
    pub fn on(data: &Path) -> Self {
        Self {
            ledger: Some(Ledger::of(data)),
            ..Self::default()
        }
    }

    /// Ends when a request to this address may be sent, be it the first one or one that a redirect leads
    /// to. Addresses inside one's own network wait
    /// for nothing but their own wish.
    pub async fn wait(&self, app: &App, address: &Url) -> Result<(), FetchError> {
        let host = host(address);
        loop {
            may_ask(app, &host).await?;
            let pause = self
                .most(&host)
                .and_then(|most| self.shared_turn(&host, most, system_clock()));
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Ok(()),
            }
        }
    }

    /// Takes over what is set for the sources' hosts: of several sources on one host the least.
    pub fn allow(&self, sources: &[Source]) {
        let mut allowed = HashMap::new();
        for settings in sources.iter().map(|it| &it.settings) {
            if let Some(per_minute) = settings.per_minute
                && let Ok(address) = Url::parse(&settings.location)
            {
                let least = allowed.entry(host(&address)).or_insert(per_minute);
                *least = per_minute.min(*least);
            }
        }
        *self.allowed.lock().unwrap_or_else(PoisonError::into_inner) = allowed;
        let mut near = self.near.lock().unwrap_or_else(PoisonError::into_inner);
        near.retain(|id, _| sources.iter().any(|it| it.id == *id));
    }

    /// Looks where the host of a feed is: in one's own network if it is one of the feed's private hosts
    /// and all its addresses are there. While its name cannot be resolved, it is where it was.
    pub async fn look(&self, source: &Source) {
        let Ok(address) = Url::parse(&source.settings.location) else {
            return;
        };
        let found = if hosts::is_one(&address, &source.private_hosts) {
            lookup(hosts::of(&address)).await
        } else {
            Ok(Vec::new())
        };
        if let Ok(found) = found {
            let is_near = !found.is_empty() && found.into_iter().all(is_own_address);
            self.note_near(source.id, is_near.then(|| host(&address)));
        }
    }

    fn note_near(&self, source: SourceId, host: Option<String>) {
        let mut near = self.near.lock().unwrap_or_else(PoisonError::into_inner);
        match host {
            Some(host) => near.insert(source, host),
            None => near.remove(&source),
        };
    }

    /// Whether a host is in one's own network.
    pub fn is_near(&self, host: &str) -> bool {
        let near = self.near.lock().unwrap_or_else(PoisonError::into_inner);
        is_own_network(host) || near.values().any(|it| it == host)
    }

    /// How many requests a minute a host gets; absent: as many as there are.
    pub fn most(&self, host: &str) -> Option<usize> {
        let allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        match allowed.get(host) {
            Some(per_minute) => Some(*per_minute as usize),
            None if self.is_near(host) => None,
            None => Some(PUBLIC_REQUESTS_PER_MINUTE),
        }
    }

    /// Takes a turn that other processes have not taken, or gives the time until there may be one. Where the
    /// ledger cannot be used, this process keeps to its own.
    fn shared_turn(&self, host: &str, most: usize, now: Millis) -> Option<Duration> {
        let pause = self.turn(host, most, Instant::now());
        let ledger = self.ledger.as_ref().filter(|_| pause.is_none());
        match ledger.map(|it| it.take(host, most, now)) {
            None => pause,
            Some(Ok(pause)) => {
                if pause.is_some()
                    && let Some(host) = self.lock().get_mut(host)
                {
                    host.sent.pop();
                }
                pause
            }
            Some(Err(error)) => {
                self.said.call_once(|| {
                    tracing::warn!(
                        "what other processes ask hosts for does not count, because the file of it \
                         cannot be used: {error}"
                    );
                });
                None
            }
        }
    }

    /// Takes a turn, or gives the time until there is one.
    fn turn(&self, host: &str, most: usize, now: Instant) -> Option<Duration> {
        let mut hosts = self.lock();
        for host in hosts.values_mut() {
            host.sent.retain(|at| now.duration_since(*at) < MINUTE);
        }
        hosts.retain(|name, it| name == host || !it.sent.is_empty() || it.refusals > 0);
        let host = hosts.entry(host.to_owned()).or_default();
        if host.sent.len() < most {
            host.sent.push(now);
            return None;
        }
        // The most may have become less than what was sent.
        let next = host.sent[host.sent.len() - most.max(1)];
        Some(MINUTE.saturating_sub(now.duration_since(next)))
    }

    /// Notes that a host gave what was asked for.
    pub fn answered(&self, host: &str) {
        if let Some(host) = self.lock().get_mut(host) {
            host.refusals = 0;
        }
    }

    /// Notes an answer that is none, and keeps away from the host if that is what it wants.
    pub async fn refused(
        &self,
        app: &App,
        host: &str,
        status: StatusCode,
        retry_after: Option<Duration>,
        asked: Asked,
    ) -> anyhow::Result<()> {
        let refusals = if status == StatusCode::FORBIDDEN {
            let mut hosts = self.lock();
            let host = hosts.entry(host.to_owned()).or_default();
            host.refusals += 1;
            host.refusals
        } else {
            0
        };
        let is_near = self.is_near(host);
        let Some(pause) = schedule::pause(status, retry_after, asked, refusals, is_near) else {
            return Ok(());
        };
        let now = app.now();
        let cause = format!("it answered {}", status.as_u16());
        tracing::warn!(
            "{host} is left alone for {} s: {cause}",
            pause.length.as_secs()
        );
        let pause = HostPause {
            host: host.to_owned(),
            until: now + pause.length,
            cause,
            is_ban: pause.is_ban,
        };
        let mut tx = app.db.begin().await?;
        host_pauses::set(&mut tx, &pause, now).await?;
        Ok(tx.commit().await?)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error while a host wants to be left alone.
async fn may_ask(app: &App, host: &str) -> Result<(), FetchError> {
    match pause_of(app, host).await? {
        None => Ok(()),
        Some(pause) => Err(FetchError::Paused {
            host: host.to_owned(),
            until: pause.until,
            cause: pause.cause,
        }),
    }
}

/// The pause that a host has now.
pub async fn pause_of(app: &App, host: &str) -> anyhow::Result<Option<HostPause>> {
    Ok(host_pauses::get(&app.db, host, app.now()).await?)
}

/// A host as pauses are kept for it; ports and letter case do not count.
pub fn host(address: &Url) -> String {
    address.host_str().unwrap_or_default().to_lowercase()
}

fn is_own_address(address: IpAddr) -> bool {
    matches!(reach(address), Reach::Own(_))
}

/// Whether a host is in one's own network, as it is written.
fn is_own_network(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse() {
        Ok(address) => is_own_address(address),
        Err(_) => host == "localhost" || !host.contains('.'),
    }
}

#[cfg(test)]
mod tests {
    use fleetmend_store::sources::{ReadNote, Settings, SourceKind};

    use super::*;

    const MOST: usize = PUBLIC_REQUESTS_PER_MINUTE;

    #[test]
    fn what_an_administrator_allows_counts_for_the_host_and_of_several_sources_the_least() {
        let pace = Pace::default();
        let source = |id: i64, location: &str, per_minute| {
            let mut settings = Settings::new(location, "name");
            settings.per_minute = per_minute;
            Source {
                id: SourceId(id),
                kind: SourceKind::Feed,
                settings,
                user_name: None,
                sealed_password: None,
                private_hosts: Vec::new(),
                last_read: ReadNote::default(),
            }
        };
        pace.allow(&[
            source(1, "https://more.example/a", Some(300)),
            source(2, "https://MORE.example:8443/b", Some(120)),
            source(3, "https://more.example/c", None),
            source(4, "http://10.0.0.1/nuget", Some(2)),
            source(5, "/srv/packages", Some(7)),
        ]);
        for (host, most) in [
            ("more.example", Some(120)),
            ("other.example", Some(PUBLIC_REQUESTS_PER_MINUTE)),
            ("10.0.0.1", Some(2)),
            ("10.0.0.2", None),
        ] {
            assert_eq!(pace.most(host), most, "{host}");
        }
        let start = Instant::now();
        for _ in 0..5 {
            assert_eq!(pace.turn("a.example", 5, start), None);
        }
        let later = start + Duration::from_secs(10);
        assert_eq!(pace.turn("a.example", 6, later), None);
        assert_eq!(pace.turn("a.example", 1, later), Some(MINUTE));
        pace.allow(&[]);
        assert_eq!(pace.most("more.example"), Some(PUBLIC_REQUESTS_PER_MINUTE));
        let near = || Some("more.example".to_owned());
        pace.note_near(SourceId(1), near());
        pace.note_near(SourceId(2), None);
        assert_eq!(pace.most("more.example"), None);
        pace.note_near(SourceId(1), None);
        assert_eq!(pace.most("more.example"), Some(PUBLIC_REQUESTS_PER_MINUTE));
        pace.note_near(SourceId(1), near());
        pace.allow(&[]);
        assert_eq!(pace.most("more.example"), Some(PUBLIC_REQUESTS_PER_MINUTE));
    }

    #[test]
    fn a_public_host_gets_fifteen_requests_a_minute_whatever_others_get() {
        let pace = Pace::default();
        let start = Instant::now();
        for host in ["a.example", "b.example"] {
            for _ in 0..PUBLIC_REQUESTS_PER_MINUTE {
                assert_eq!(pace.turn(host, MOST, start), None);
            }
        }
        let later = start + Duration::from_secs(20);
        let wait = pace.turn("a.example", MOST, later);
        assert_eq!(wait, Some(Duration::from_secs(40)));
        assert_eq!(pace.turn("a.example", MOST, start + MINUTE), None);
        // What is over takes no memory.
        pace.turn("c.example", MOST, start + 2 * MINUTE);
        assert_eq!(pace.lock().len(), 1);
    }

    #[test]
    fn a_server_a_command_beside_it_and_the_server_after_a_restart_share_what_a_host_allows() {
        let folder = tempfile::tempdir().unwrap();
        let now = Millis(1_700_000_000_000);
        let server = Pace::on(folder.path());
        for _ in 0..3 {
            assert_eq!(server.shared_turn("a.example", 5, now), None);
        }
        let command = Pace::on(folder.path());
        for _ in 0..2 {
            assert_eq!(command.shared_turn("a.example", 5, now), None);
        }
        let again = Pace::on(folder.path());
        for pace in [&server, &command, &again] {
            assert_eq!(pace.shared_turn("a.example", 5, now), Some(MINUTE));
            assert_eq!(pace.shared_turn("b.example", 5, now), None);
        }
        // A turn that was not had is not counted.
        assert_eq!(server.lock()["a.example"].sent.len(), 3);
    }

    #[test]
    fn a_file_that_cannot_be_used_leaves_each_process_its_own_pace() {
        let folder = tempfile::tempdir().unwrap();
        let pace = Pace::on(&folder.path().join("none"));
        for turn in 0..4 {
            let pause = pace.shared_turn("a.example", 3, Millis(0));
            assert_eq!(pause.is_some(), turn == 3, "{turn}");
        }
    }

    #[test]
    fn only_ones_own_network_is_asked_without_pause() {
        for (address, expected) in [
            ("http://127.0.0.1:8080/", true),
            ("http://[::1]/", true),
            ("http://10.1.2.3/", true),
            ("http://localhost/", true),
            ("https://Nexus/repository", true),
            ("https://community.example.org/", false),
            ("https://93.184.215.14/", false),
        ] {
            let host = host(&Url::parse(address).unwrap());
            assert_eq!(is_own_network(&host), expected, "{address}");
        }
    }
}
