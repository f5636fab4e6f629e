//! Reads what was pushed into this server's own feed. What the mirror brought into it is not read:
//! it has a source already.

use fleetmend_chocolatey::nuspec::parse_nuspec;
use fleetmend_model::Millis;
use fleetmend_store::feed_packages::{self, FeedPackage, Provenance};
use fleetmend_store::packages::NewPackage;
use fleetmend_store::sources::{self, OWN};
use fleetmend_store::{Read, Tx};

use super::feed::{Page, left_out};
use super::{folder, sync};
use crate::app::App;
use crate::feed::PATH;

/// Rows in one read.
const BATCH: u32 = 1_000;

/// The packages, those that lists do not show included.
pub async fn read(mut from: impl Read) -> anyhow::Result<Page> {
    let mut page = Page::default();
    let mut after = 0;
    loop {
        let rows = feed_packages::after(&mut from, after, BATCH).await?;
        let Some(last) = rows.last() else {
            return Ok(page);
        };
        after = last.id;
        let pushed = rows
            .iter()
            .filter(|row| row.what.provenance == Provenance::Pushed);
        for row in pushed {
            match package(row) {
                Ok(package) => page.packages.push(package),
                Err(error) => {
                    let name = format!("{} {}", row.what.package, row.what.version_key);
                    page.left_out.push(left_out(&name, &format!("{error:#}")));
                }
            }
        }
    }
}

fn package(row: &FeedPackage) -> anyhow::Result<NewPackage> {
    let nuspec = parse_nuspec(&row.what.nuspec)?;
    let location = format!("{PATH}/package/{}/{}", nuspec.id, nuspec.normalised);
    Ok(NewPackage {
        listed: row.listed,
        ..folder::described(OWN, &nuspec, location, &row.what.sha256)
    })
}

/// Has the source read again, in the transaction of a change of the feed. It is ready when the
/// queue is rung.
pub async fn note_change(app: &App, tx: &mut Tx, now: Millis) -> anyhow::Result<()> {
    let own = sources::get(&mut *tx, OWN).await?;
    if own.is_some_and(|source| source.enabled) {
        sync::enqueue(app, tx, OWN, now).await?;
    }
    Ok(())
}
