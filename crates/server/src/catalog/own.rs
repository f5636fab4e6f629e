//! Reads what was pushed into this server's own feed. What the mirror brought into it is not read:
//! it has a source already.

use fleetmend_chocolatey::nuspec::parse_nuspec;
use fleetmend_model::Millis;
use fleetmend_store::feed_packages::{self, FeedPackage, Provenance};
use fleetmend_store::packages::NewPackage;
use fleetmend_store::source_pages::KnownPage;
use fleetmend_store::sources::{self, OWN, Source};
use fleetmend_store::{Read, Tx};

use super::feed::{Page, Step, left_out};
use super::{folder, sync};
use crate::app::App;
use crate::feed::PATH;

/// Rows in one read.
const BATCH: u32 = 1_000;

/// The packages, those that lists do not show included: as one page.
pub async fn read(source: &Source, mut from: impl Read) -> anyhow::Result<Step> {
    let mut page = Page::default();
    let mut entries = 0;
    let mut after = 0;
    loop {
        let rows = feed_packages::after(&mut from, after, BATCH).await?;
        let Some(last) = rows.last() else {
            let known = KnownPage {
                url: PATH.to_owned(),
                entries,
                ..KnownPage::default()
            };
            return Ok(Step {
                known,
                page: Some(page),
            });
        };
        after = last.id;
        let pushed = rows
            .iter()
            .filter(|row| row.what.provenance == Provenance::Pushed);
        for row in pushed {
            entries += 1;
            match package(source, row) {
                Ok(package) => page.packages.push(package),
                Err(error) => {
                    let name = format!("{} {}", row.what.package, row.what.version_key);
                    page.left_out.push(left_out(&name, &format!("{error:#}")));
                }
            }
        }
    }
}

fn package(source: &Source, row: &FeedPackage) -> anyhow::Result<NewPackage> {
    let nuspec = parse_nuspec(&row.what.nuspec)?;
    let location = format!("{PATH}/package/{}/{}", nuspec.id, nuspec.normalised);
    Ok(NewPackage {
        listed: row.listed,
        ..folder::described(source, &nuspec, location, &row.what.sha256)?
    })
}

/// Has the source read again, in the transaction of a change of the feed. It is ready when the
/// queue is rung.
pub async fn note_change(app: &App, tx: &mut Tx, now: Millis) -> anyhow::Result<()> {
    let own = sources::get(&mut *tx, OWN).await?;
    if own.is_some_and(|source| source.settings.enabled) {
        sync::enqueue(app, tx, OWN, now).await?;
    }
    Ok(())
}
