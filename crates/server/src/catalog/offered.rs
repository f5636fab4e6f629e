//! The packages that the sources offer, each once: from the source that it is taken from.

use std::collections::HashMap;

use fleetmend_model::{PackageId, SourceId};
use fleetmend_store::Read;
use fleetmend_store::packages::{self, Offer, Package};
use fleetmend_store::sources;

use super::priority::{HeldBack, Order, choose, held_back};
use crate::app::App;

/// The version of every package that is offered, by id.
pub async fn all(app: &App) -> anyhow::Result<Vec<Package>> {
    let mut tx = app.db.read().await?;
    Ok(read(&mut tx, None).await?)
}

/// The version of each of these packages that is offered, by id.
pub async fn of(app: &App, ids: &[&str]) -> Result<Vec<Package>, fleetmend_store::Error> {
    let mut tx = app.db.read().await?;
    read(&mut tx, Some(ids)).await
}

async fn read(
    mut from: impl Read,
    ids: Option<&[&str]>,
) -> Result<Vec<Package>, fleetmend_store::Error> {
    let (order, offers) = order_and_offers(&mut from, ids).await?;
    let rows: Vec<_> = choose(&order, &offers)
        .filter_map(|it| it.offered())
        .collect();
    let mut all = packages::get_many(&mut from, &rows).await?;
    all.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(all)
}

/// Of every package what its source has to offer, and whether that is offered: what is in quarantine
/// or a prerelease is known and not offered.
pub async fn known(mut from: impl Read) -> Result<Vec<(Package, bool)>, fleetmend_store::Error> {
    let (order, offers) = order_and_offers(&mut from, None).await?;
    let usable: HashMap<PackageId, bool> = choose(&order, &offers)
        .map(|it| (it.own.row, it.own.is_usable))
        .collect();
    let rows: Vec<PackageId> = usable.keys().copied().collect();
    let all = packages::get_many(&mut from, &rows).await?;
    let with_usable = |it: Package| {
        let is_usable = usable.get(&it.row).copied().unwrap_or_default();
        (it, is_usable)
    };
    Ok(all.into_iter().map(with_usable).collect())
}

/// The sources in their order, and what each has to offer of these packages, or of all.
pub async fn order_and_offers(
    mut from: impl Read,
    ids: Option<&[&str]>,
) -> Result<(Order, Vec<Offer>), fleetmend_store::Error> {
    let order = Order::of(&sources::list(&mut from).await?);
    let offers = packages::offers(&mut from, false, ids).await?;
    Ok((order, offers))
}

/// The source that a package is taken from, if any has it.
pub async fn source_of(app: &App, id: &str) -> anyhow::Result<Option<SourceId>> {
    let mut tx = app.db.read().await?;
    let (order, offers) = order_and_offers(&mut tx, Some(&[id])).await?;
    Ok(choose(&order, &offers).next().map(|it| it.own.source))
}

/// What of a source is held back, because another one has it.
pub async fn held_back_of(app: &App, source: SourceId) -> anyhow::Result<Vec<HeldBack>> {
    let mut tx = app.db.read().await?;
    let (order, offers) = order_and_offers(&mut tx, None).await?;
    Ok(held_back(&order, &offers, source))
}
