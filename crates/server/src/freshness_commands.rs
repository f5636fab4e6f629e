//! What the administrator's commands say of how fresh packages are, without the network.

use fleetmend_model::Millis;
use fleetmend_store::matched_packages::{self, Freshness, FreshnessFilter, FreshnessSort};

use crate::api::freshness::FreshnessBody;
use crate::api::time;
use crate::handle::Handle;
use crate::missing::published;
use crate::missing::query::{day_or_time, word};
use crate::output::Output;
use crate::whole_list::whole;

/// The filters and the order of the list; what is absent is all.
#[derive(Debug, Clone, Default)]
pub struct FreshnessQuery {
    /// Part of the title or the package's id, case ignored.
    pub text: Option<String>,
    /// Published on this day or at this time, or later.
    pub published_since: Option<String>,
    /// Published before it.
    pub published_before: Option<String>,
    /// Whether the server has made a release of it.
    pub mirrored: Option<bool>,
    /// `title`, `devices` or `published`.
    pub sort: Option<String>,
}

impl Handle {
    /// One line for each package that software of devices is: package, title, the version on offer, when it
    /// was published, came into the catalog and was mirrored, and how many devices have the software. What
    /// is not known is left empty.
    pub async fn list_freshness(
        &self,
        query: &FreshnessQuery,
        output: Output,
    ) -> anyhow::Result<Vec<String>> {
        let filter = FreshnessFilter {
            text: query.text.clone(),
            published_since: day_or_time("published-since", query.published_since.as_deref())?,
            published_before: day_or_time("published-before", query.published_before.as_deref())?,
            mirrored: query.mirrored,
        };
        let sort =
            word("sort", query.sort.as_deref(), FreshnessSort::from_key)?.unwrap_or_default();
        let db = &self.app.db;
        let rows =
            whole(async |page| matched_packages::list(db, &filter, sort, page).await).await?;
        output.lines(rows, FreshnessBody::from, line)
    }
}

fn line(it: Freshness) -> String {
    let shown = |at: Option<Millis>| at.map(time).unwrap_or_default();
    [
        it.package.package,
        it.package.title,
        it.package.version,
        shown(it.published.as_deref().and_then(published::at)),
        shown(it.seen),
        shown(it.mirrored),
        it.package.devices.to_string(),
    ]
    .join("\t")
}
