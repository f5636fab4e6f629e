//! What the administrator's commands do with the whole catalog, without the network.

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;

use anyhow::Context as _;

use crate::catalog::offline::LARGEST;
use crate::catalog::offline::export;
use crate::catalog::offline::import::{self, Wanted};
use crate::catalog::offline::scope::Scope;
use crate::catalog::offline::{to_disk, wanted};
use crate::handle::Handle;
use crate::people::command_line;

/// How many versions that are left out are told one by one.
const MOST_LEFT_OUT: usize = 20;

impl Handle {
    /// Writes the ids of the packages whose files are wanted here into a file; gives how many they
    /// are.
    pub async fn wanted_packages(&self, path: &Path) -> anyhow::Result<usize> {
        let ids = wanted::list(&self.app).await?;
        let mut list = ids.join("\n");
        list.push('\n');
        let written = to_disk::beside(path, 0o644).and_then(|mut file| {
            file.write_all(list.as_bytes())?;
            to_disk::put(file, path)
        });
        written.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(ids.len())
    }

    /// Gets the files of the packages that a list names, and of what they pull in, from their
    /// sources; gives the scope of an export with them, and what could not be had.
    pub async fn bring_wanted(
        &self,
        path: &Path,
        tell: impl Fn(&str),
    ) -> anyhow::Result<(Scope, Vec<String>)> {
        let unreadable = || format!("cannot read {}", path.display());
        let file = File::open(path).with_context(unreadable)?;
        let mut list = String::new();
        file.take(wanted::LONGEST_LIST + 1)
            .read_to_string(&mut list)
            .with_context(unreadable)?;
        let ids = wanted::parse(&list)
            .map_err(anyhow::Error::msg)
            .with_context(unreadable)?;
        let brought = Box::pin(wanted::bring(&self.app, &ids, tell)).await?;
        Ok((Scope::Of(brought.packages), brought.failed))
    }

    /// Writes the catalog into a file, in place of one that was there; gives what it has, in lines.
    pub async fn export_catalog(
        &self,
        path: &Path,
        scope: &Scope,
        tell: impl Fn(&str) + Send + 'static,
    ) -> anyhow::Result<Vec<String>> {
        let (app, actor) = (&self.app, command_line());
        let path = std::path::absolute(path)?;
        let unusable = || format!("cannot write {}", path.display());
        let prepared = export::prepare(app, scope).await?;
        let file = to_disk::beside(&path, 0o600).with_context(unusable)?;
        let (app, target) = (std::sync::Arc::clone(app), path.clone());
        let (by, left_out) = (actor.clone(), prepared.left_out.clone());
        let writing = tokio::task::spawn_blocking(move || {
            let mut shown = 0;
            let carried = prepared.write(&app, &by, BufWriter::new(file.as_file()), |written| {
                let percent = written * 100 / prepared.length.max(1);
                if percent >= shown + 10 {
                    shown = percent;
                    tell(&format!("{percent} % of {} bytes", prepared.length));
                }
            })?;
            to_disk::put(file, &target)?;
            anyhow::Ok(carried)
        });
        let carried = writing.await?.with_context(unusable)?;
        export::note(&self.app, &carried, &actor).await?;
        let mut lines = vec![
            format!("{}: {} bytes", path.display(), carried.length),
            format!(
                "sources: {}, package versions: {}, files: {}",
                carried.sources, carried.versions, carried.files
            ),
            format!("SHA-256: {}", carried.sha256),
        ];
        for it in left_out.iter().take(MOST_LEFT_OUT) {
            lines.push(format!("left out: {it}"));
        }
        if left_out.len() > MOST_LEFT_OUT {
            lines.push(format!("left out in all: {}", left_out.len()));
        }
        Ok(lines)
    }

    /// Takes an export from a file into the catalog; gives what it brought, in sentences.
    pub async fn import_catalog(
        &self,
        path: &Path,
        wanted: &Wanted,
    ) -> anyhow::Result<Vec<String>> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let imported = import::import(&self.app, file, LARGEST, wanted, &command_line())
            .await
            .with_context(|| format!("{}: nothing was imported", path.display()))?;
        let mut lines = imported.sentences();
        lines.push(format!("SHA-256: {}", imported.carried.sha256));
        Ok(lines)
    }
}
