//! How often hosts outside are asked: what their operators allow, and not at all while they want to
//! be left alone. One place for feeds, packages and installers.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleetmend_store::host_pauses::{self, HostPause};
use reqwest::{StatusCode, Url};
use tokio::time::Instant;

use super::fetch::FetchError;
use super::guard::network::{Reach, reach};
use super::schedule::{self, Asked};
use crate::app::App;

/// Requests a minute to a public host, a burst of as many included.
const PUBLIC_REQUESTS_PER_MINUTE: usize = 15;
const MINUTE: Duration = Duration::from_secs(60);

/// What each host was asked for lately.
#[derive(Default)]
pub struct Pace {
    hosts: Mutex<HashMap<String, Host>>,
}

#[derive(Default)]
struct Host {
    /// When each of the last requests was sent.
    sent: Vec<Instant>,
    /// Answers 403 in a row.
    refusals: u32,
}

impl Pace {
    /// Ends when a request to this address may be sent. Addresses inside one's own network wait
    /// for nothing but their own wish.
    pub async fn wait(&self, app: &App, address: &Url) -> Result<(), FetchError> {
        let host = host(address);
        if let Some(pause) = pause_of(app, &host).await? {
            return Err(FetchError::Paused {
                host,
                until: pause.until,
                cause: pause.cause,
            });
        }
        if is_own_network(&host) {
            return Ok(());
        }
        while let Some(pause) = self.turn(&host, Instant::now()) {
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    /// Takes a turn, or gives the time until there is one.
    fn turn(&self, host: &str, now: Instant) -> Option<Duration> {
        let mut hosts = self.lock();
        for host in hosts.values_mut() {
            host.sent.retain(|at| now.duration_since(*at) < MINUTE);
        }
        hosts.retain(|name, it| name == host || !it.sent.is_empty() || it.refusals > 0);
        let host = hosts.entry(host.to_owned()).or_default();
        if host.sent.len() < PUBLIC_REQUESTS_PER_MINUTE {
            host.sent.push(now);
            return None;
        }
        Some(MINUTE.saturating_sub(now.duration_since(host.sent[0])))
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
        let is_own = is_own_network(host);
        let Some(pause) = schedule::pause(status, retry_after, asked, refusals, is_own) else {
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

/// The pause that a host has now.
pub async fn pause_of(app: &App, host: &str) -> anyhow::Result<Option<HostPause>> {
    Ok(host_pauses::get(&app.db, host, app.now()).await?)
}

/// A host as pauses are kept for it; ports and letter case do not count.
pub fn host(address: &Url) -> String {
    address.host_str().unwrap_or_default().to_lowercase()
}

fn is_own_network(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse() {
        Ok(address) => matches!(reach(address), Reach::Own(_)),
        Err(_) => host == "localhost" || !host.contains('.'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_host_gets_fifteen_requests_a_minute_whatever_others_get() {
        let pace = Pace::default();
        let start = Instant::now();
        for host in ["a.example", "b.example"] {
            for _ in 0..PUBLIC_REQUESTS_PER_MINUTE {
                assert_eq!(pace.turn(host, start), None);
            }
        }
        let later = start + Duration::from_secs(20);
        assert_eq!(pace.turn("a.example", later), Some(Duration::from_secs(40)));
        assert_eq!(pace.turn("a.example", start + MINUTE), None);
        // What is over takes no memory.
        pace.turn("c.example", start + 2 * MINUTE);
        assert_eq!(pace.lock().len(), 1);
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
