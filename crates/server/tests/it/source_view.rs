//! A source of a test's server, read when the test says so.

use fleetmend_e2e::feed::FeedSite;
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_model::SourceId;
use fleetmend_server::Given;
use fleetmend_server::catalog::{offered, sync};
use fleetmend_server::jobs::{self, Kind};
use fleetmend_store::sources::{self, ReadNote, Source};

use crate::clocked::{Clocked, until};

/// A package that nobody fetches.
pub fn package(id: &str, version: &str) -> Nupkg {
    Nupkg::new(id, version).title(id)
}

/// A source of the server.
pub struct SourceView<'a> {
    pub site: &'a Clocked,
    pub id: SourceId,
}

impl<'a> SourceView<'a> {
    /// Adds a source and waits until it was read.
    pub async fn add(site: &'a Clocked, location: &str) -> Self {
        let handle = site.site.running().handle();
        let given = Given {
            allow_private: location.starts_with("http"),
            ..Given::at(location)
        };
        let id = handle.add_source(&given).await.unwrap();
        let view = Self { site, id };
        view.wait_read().await;
        view
    }

    /// Adds a feed that must come to its end.
    pub async fn add_feed(site: &'a Clocked, feed: &FeedSite) -> Self {
        let view = Self::add(site, &feed.url()).await;
        assert_eq!(view.last_read().await.error, None);
        view
    }

    pub async fn get(&self) -> Source {
        sources::get(self.site.db(), self.id)
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn last_read(&self) -> ReadNote {
        self.get().await.last_read
    }

    /// Has it read and waits for the end, and for what follows from it.
    pub async fn read(&self) -> ReadNote {
        let handle = self.site.site.running().handle();
        handle.read_source(&self.id.to_string()).await.unwrap();
        self.wait_read().await;
        self.last_read().await
    }

    /// Waits until it is not being read, and what follows from the read is done.
    pub async fn wait_read(&self) {
        until("the source was read", async || {
            let is_over = !sync::is_reading(&self.get().await);
            (is_over && self.is_at_rest().await).then_some(())
        })
        .await;
    }

    /// Whether the catalog is as the sources have it.
    async fn is_at_rest(&self) -> bool {
        let app = self.site.app();
        for kind in [Kind::SyncSource, Kind::FetchPackages, Kind::Rematch] {
            if jobs::is_asked_for(app, kind).await.unwrap() {
                return false;
            }
        }
        true
    }
}

/// What is offered: `id version`.
pub async fn offered(site: &Clocked) -> Vec<String> {
    let all = offered::all(site.app()).await.unwrap();
    all.iter()
        .map(|it| format!("{} {}", it.id, it.version))
        .collect()
}
