//! A server whose time passes as the test says, on either database.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fleetmend_e2e::postgres::Database;
use fleetmend_model::Millis;
use fleetmend_server::{App, Clock, Config, upkeep};
use fleetmend_store::{Db, Page, outages, queue};

use crate::seed::THEN;
use crate::site::{NAME, PASSWORD, Person, Site};

/// The address of a superuser of a throw-away PostgreSQL server.
const POSTGRES: &str = "FLEETMEND_TEST_POSTGRES";
/// Longer than any test's time.
const FOR_GOOD: Duration = Duration::from_hours(24 * 365 * 10);

/// Who claims upkeep.
const HOLDER: &str = "the test";

/// How long anything may take to happen on a loaded machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Makes one test into two: on SQLite and on PostgreSQL.
macro_rules! both {
    ($(async fn $name:ident($($site:tt)+) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn test($($site)+: $crate::clocked::Clocked) $body

            #[tokio::test]
            async fn on_sqlite() {
                $crate::clocked::on_sqlite(test).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                $crate::clocked::on_postgres(test).await;
            }
        }
    )+};
}
pub(crate) use both;

/// Runs a test with the embedded database.
pub async fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Clocked) -> F) {
    test(Clocked::start(None).await).await;
}

/// Runs a test with a database of its own on the PostgreSQL server.
pub async fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(Clocked) -> F) {
    let server = std::env::var(POSTGRES).unwrap_or_else(|_| {
        panic!(
            "{POSTGRES} is not set: start a throw-away PostgreSQL server and set it to the address \
             of a superuser"
        )
    });
    let database = Database::create(&server).unwrap();
    test(Clocked::start(Some(database.url())).await).await;
}

/// The server. Its rounds of upkeep are made by the test alone.
pub struct Clocked {
    pub site: Site,
    clock: Arc<AtomicI64>,
    database: Option<String>,
}

impl Clocked {
    /// Another server, with the embedded database.
    pub async fn another() -> Self {
        Self::start(None).await
    }

    async fn start(database: Option<String>) -> Self {
        let clock = Arc::new(AtomicI64::new(THEN.0));
        let site = Site::start_with(set_up(&clock, database.clone())).await;
        let clocked = Self {
            site,
            clock,
            database,
        };
        clocked.hold_upkeep().await;
        clocked
    }

    /// Takes upkeep out of the server's own hands: the work is claimed for good.
    async fn hold_upkeep(&self) {
        let soon = self.now() + Duration::from_mins(1);
        let hold = async {
            while !self.is_upkeep_held().await {
                let mut tx = self.db().begin().await.unwrap();
                let kinds = ["upkeep", "sync_due"];
                queue::claim(&mut tx, HOLDER, &kinds, 10, soon, FOR_GOOD)
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), hold)
            .await
            .expect("the server's standing work is claimed");
    }

    async fn is_upkeep_held(&self) -> bool {
        let page = Page::first(10);
        let works = queue::list(self.db(), Some("upkeep"), &page).await.unwrap();
        let held_until = works.rows.first().and_then(|it| it.locked_until);
        held_until.is_some_and(|until| until > self.now() + FOR_GOOD / 2)
    }

    pub fn app(&self) -> &Arc<App> {
        self.site.running().app()
    }

    pub fn db(&self) -> &Db {
        &self.app().db
    }

    pub fn now(&self) -> Millis {
        Millis(self.clock.load(Ordering::SeqCst))
    }

    fn set(&self, now: Millis) {
        self.clock.store(now.0, Ordering::SeqCst);
    }

    /// One round of upkeep.
    pub async fn round(&self) {
        upkeep::run(self.app()).await.unwrap();
    }

    /// Gives upkeep back to the server: from here on it makes its rounds itself.
    pub async fn free_upkeep(&self) {
        let mut tx = self.db().begin().await.unwrap();
        queue::release(&mut tx, HOLDER).await.unwrap();
        tx.commit().await.unwrap();
        self.app().jobs_due.notify_one();
    }

    /// Waits until nobody works on anything of a kind.
    pub async fn is_idle(&self, kind: &str) {
        until(&format!("no {kind} is under way"), async || {
            let works = queue::list(self.db(), Some(kind), &Page::first(10))
                .await
                .unwrap();
            works
                .rows
                .iter()
                .all(|it| it.locked_until.is_none())
                .then_some(())
        })
        .await;
    }

    /// Time passes in which the server is up, and nothing else.
    pub async fn pass(&self, time: Duration) {
        let then = self.now() + time;
        let mut tx = self.db().begin().await.unwrap();
        outages::sign(&mut tx, then, Duration::MAX).await.unwrap();
        tx.commit().await.unwrap();
        self.set(then);
        self.app().jobs_due.notify_one();
    }

    /// Time passes in which the server is up, and a round of upkeep follows.
    pub async fn live(&self, time: Duration) {
        self.pass(time).await;
        self.round().await;
    }

    /// Time passes in which the server's machine stands still, and a round of upkeep follows.
    pub async fn freeze(&self, time: Duration) {
        self.set(self.now() + time);
        self.round().await;
    }

    /// The server stops, time passes, it starts again, and a round of upkeep follows.
    pub async fn restart(self, down: Duration) -> Self {
        let then = self.now() + down;
        let Self {
            site,
            clock,
            database,
        } = self;
        let stopped = site.stop().await;
        clock.store(then.0, Ordering::SeqCst);
        let site = Site::start_again(stopped, set_up(&clock, database.clone())).await;
        let clocked = Self {
            site,
            clock,
            database,
        };
        clocked.hold_upkeep().await;
        clocked.round().await;
        clocked
    }

    /// A person who is signed in.
    pub async fn administrator(&self) -> Person {
        let secret = self.site.setup_secret().await.unwrap();
        let answer = self.site.set_up(&secret, NAME, PASSWORD, PASSWORD).await;
        self.site.person(answer.cookie.unwrap()).await
    }

    /// The same person, whose session is over after a night.
    pub async fn administrator_again(&self) -> Person {
        let answer = self.site.log_in(NAME, PASSWORD).await;
        self.site.person(answer.cookie.unwrap()).await
    }
}

fn set_up(clock: &Arc<AtomicI64>, database: Option<String>) -> impl FnOnce(&mut Config) {
    let clock = Arc::clone(clock);
    move |config| {
        config.database = database;
        config.clock = Clock::new(move || Millis(clock.load(Ordering::SeqCst)));
    }
}

/// Waits until something is so.
pub async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let wait = async {
        loop {
            match look().await {
                Some(found) => return found,
                None => tokio::task::yield_now().await,
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, wait).await;
    found.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}
