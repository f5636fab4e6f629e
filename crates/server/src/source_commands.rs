//! What the administrator's commands do about sources, without the network.

use std::time::Duration;

use anyhow::bail;
use fleetmend_model::SourceId;
use fleetmend_store::sources::{self, Source};
use tokio::time::Instant;

use crate::api::time_opt;
use crate::catalog::sources::{self as service, Given};
use crate::catalog::sync::is_reading;
use crate::catalog::{lacks, private_hosts};
use crate::handle::{Handle, said};
use crate::jobs;
use crate::people::command_line;

/// How often is looked how far a read has come.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How long a read may take to begin: a server that runs takes it up within a second or so.
const PATIENCE: Duration = Duration::from_secs(20);

impl Handle {
    /// Adds a source; gives its id.
    pub async fn add_source(&self, given: &Given<'_>) -> anyhow::Result<SourceId> {
        service::add(&self.app, given, &command_line())
            .await
            .map_err(said)
    }

    /// Changes a source, which is named by its number, name or location; gives its name.
    pub async fn set_source(&self, source: &str, given: &Given<'_>) -> anyhow::Result<String> {
        let set = async {
            let source = service::find(&self.app, source).await?;
            service::change(&self.app, source.id, given, &command_line()).await?;
            Ok(source.settings.name)
        };
        set.await.map_err(said)
    }

    /// Sets the hosts that a source may lead to although they are in one's own network; gives its
    /// name.
    pub async fn set_private_hosts(
        &self,
        source: &str,
        hosts: &[String],
    ) -> anyhow::Result<String> {
        let set = async {
            let source = service::find(&self.app, source).await?;
            let hosts = hosts.iter().map(String::as_str);
            private_hosts::set(&self.app, source.id, hosts, &command_line()).await?;
            Ok(source.settings.name)
        };
        set.await.map_err(said)
    }

    /// What removing a source would mean now, in sentences.
    pub async fn source_removal(&self, source: &str) -> anyhow::Result<Vec<String>> {
        let look = async {
            let source = service::find(&self.app, source).await?;
            service::consequences(&self.app, source.id).await
        };
        Ok(look.await.map_err(said)?.sentences())
    }

    /// Removes a source; gives its name.
    pub async fn remove_source(&self, source: &str) -> anyhow::Result<String> {
        let remove = async {
            let source = service::find(&self.app, source).await?;
            service::remove(&self.app, source.id, &command_line()).await?;
            Ok(source.settings.name)
        };
        remove.await.map_err(said)
    }

    /// Takes away what a source no longer has and what was kept because it was so much; gives how
    /// many versions that were.
    pub async fn remove_gone_versions(&self, source: &str) -> anyhow::Result<u64> {
        let remove = async {
            let source = service::find(&self.app, source).await?;
            service::remove_gone(&self.app, source.id, &command_line()).await
        };
        remove.await.map_err(said)
    }

    /// Has a source read at once; gives its id.
    pub async fn read_source(&self, source: &str) -> anyhow::Result<SourceId> {
        let read = async {
            let source = service::find(&self.app, source).await?;
            service::read_now(&self.app, source.id, &command_line()).await?;
            Ok(source.id)
        };
        read.await.map_err(said)
    }

    /// Tells how far the read of a source has come whenever that changes, until it is over: an error
    /// where it failed, or where no server takes it up.
    pub async fn watch_source(
        &self,
        id: SourceId,
        mut tell: impl FnMut(&str),
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        let (mut shown, mut has_begun) = (String::new(), false);
        loop {
            let source = service::find(&self.app, &id.to_string())
                .await
                .map_err(said)?;
            if !is_reading(&source) {
                if let Some(error) = source.last_read.error {
                    bail!("source {}: {error}", source.settings.name);
                }
                tell(&end(&source));
                return Ok(());
            }
            has_begun =
                has_begun || jobs::is_worked_on(&self.app, jobs::Kind::SyncSource, id.0).await?;
            if !has_begun && began.elapsed() > PATIENCE {
                bail!("{}", jobs::not_begun("read"));
            }
            let state = service::state(&source);
            if has_begun && state != shown {
                tell(&state);
                shown = state;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// One line a source, the one that is asked first in front.
    pub async fn list_sources(&self) -> anyhow::Result<Vec<String>> {
        let all = sources::list(&self.app.db).await?;
        Ok(all.iter().map(line).collect())
    }
}

/// How a read ended.
fn end(source: &Source) -> String {
    let read = &source.last_read;
    let entries = read.entries.unwrap_or(0);
    let left_out = match read.left_out_count {
        0 => String::new(),
        count => format!(", {count} left out"),
    };
    let fewer = lacks::fewer(source).map_or_else(String::new, |it| format!(": it {it}"));
    let note = service::withheld(source).map_or_else(String::new, |note| format!(". {note}"));
    format!("Read: {entries} entries{left_out}{fewer}{note}")
}

fn line(source: &Source) -> String {
    let (settings, read) = (&source.settings, &source.last_read);
    let priority = match settings.priority {
        0 => "no priority".to_owned(),
        priority => format!("priority {priority}"),
    };
    let fields = [
        Some(source.id.to_string()),
        Some(settings.name.clone()),
        Some(settings.location.clone()),
        Some(priority),
        Some(service::state(source)),
        read.error.clone(),
        time_opt(read.finished_at).map(|at| format!("last read at {at}")),
        read.entries.map(|count| format!("{count} entries")),
        (read.left_out_count > 0).then(|| format!("{} left out", read.left_out_count)),
        read.withheld
            .map(|it| format!("{} of {} versions are gone and kept", it.gone, it.listed)),
        service::next_read(source),
    ];
    fields.into_iter().flatten().collect::<Vec<_>>().join("\t")
}
