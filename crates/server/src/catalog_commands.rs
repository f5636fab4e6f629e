//! What the administrator's commands do with the whole catalog, without the network.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::Context as _;
use tempfile::NamedTempFile;

use crate::catalog::offline::LARGEST;
use crate::catalog::offline::export::{self, Scope};
use crate::catalog::offline::import::{self, Wanted};
use crate::handle::Handle;
use crate::people::command_line;

/// How many versions that are left out are told one by one.
const MOST_LEFT_OUT: usize = 20;

impl Handle {
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
        let folder = path.parent().with_context(unusable)?;
        let prepared = export::prepare(app, scope).await?;
        let file = NamedTempFile::new_in(folder).with_context(unusable)?;
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
            file.as_file().sync_all()?;
            file.persist(&target)?;
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
