//! Reads a NuGet v2 feed page by page.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, bail};
use fleetmend_chocolatey::odata::{FeedEntry, MAX_DOCUMENT, parse_feed};
use fleetmend_model::SourceId;
use fleetmend_store::packages::NewPackage;
use reqwest::{Client, Url};
use tokio::time::Instant;

use super::fetch::{self, shown};

/// Pages of one read at most: more than any feed has at 40 entries a page.
const MAX_PAGES: usize = 5_000;
/// Requests a minute to a public feed, a burst of as many included.
const PUBLIC_REQUESTS_PER_MINUTE: u32 = 15;

/// All latest versions that a feed lists.
pub async fn read(
    client: &Client,
    pace: &Pace,
    source: SourceId,
    location: &str,
) -> anyhow::Result<Vec<NewPackage>> {
    let base = location.trim_end_matches('/');
    let mut next = Some(format!("{base}/Packages()?$filter=IsLatestVersion"));
    let mut seen = HashSet::new();
    let mut packages = Vec::new();
    while let Some(url) = next {
        if !seen.insert(url.clone()) {
            tracing::warn!(
                "{}: a page links back to one that was read",
                shown(location)
            );
            break;
        }
        if seen.len() > MAX_PAGES {
            bail!("the feed has more than {MAX_PAGES} pages");
        }
        pace.wait(&url).await;
        let bytes = fetch::document(client, &url, MAX_DOCUMENT as u64).await?;
        let page = parse_feed(&bytes).with_context(|| format!("{} answered", shown(&url)))?;
        for skipped in &page.skipped {
            tracing::warn!(
                "{}: {} left out: {}",
                shown(location),
                skipped.entry,
                skipped.reason
            );
        }
        packages.extend(
            page.entries
                .iter()
                .filter_map(|entry| package(source, base, entry)),
        );
        next = page
            .next
            .as_deref()
            .map(|link| resolve(&url, link))
            .transpose()?;
    }
    Ok(packages)
}

/// A link of a page, which must stay on the feed's own host: a feed that sends its readers
/// elsewhere is not what the administrator named.
fn resolve(page: &str, link: &str) -> anyhow::Result<String> {
    let page = Url::parse(page)?;
    let target = page
        .join(link)
        .context("the link to the next page is not an address")?;
    if target.host_str() != page.host_str() {
        bail!(
            "the link to the next page leads to another host, {}",
            target.host_str().unwrap_or("")
        );
    }
    Ok(target.to_string())
}

fn package(source: SourceId, base: &str, entry: &FeedEntry) -> Option<NewPackage> {
    let location = entry
        .content_url
        .clone()
        .unwrap_or_else(|| format!("{base}/package/{}/{}", entry.id, entry.version));
    let location = Url::parse(base).ok()?.join(&location).ok()?.to_string();
    Some(NewPackage {
        source,
        id: entry.id.clone(),
        version: entry.version.clone(),
        normalized: entry.normalised.to_string(),
        prerelease: entry.is_prerelease,
        title: entry.title.clone().unwrap_or_else(|| entry.id.clone()),
        authors: entry.authors.clone().unwrap_or_default(),
        project_url: entry.project_url.clone().unwrap_or_default(),
        metadata: serde_json::json!({
            "summary": entry.summary,
            "tags": entry.tags,
            "published": entry.published,
        })
        .to_string(),
        content_location: location,
        content_hash: entry
            .package_hash
            .as_ref()
            .map(|hash| format!("{}:{}", hash.algorithm, hash.hex)),
        listed: entry.listed,
    })
}

/// Keeps requests to public feeds to what their operators allow.
#[derive(Default)]
pub struct Pace {
    /// When each of the last requests to public feeds was sent.
    sent: Mutex<Vec<Instant>>,
}

impl Pace {
    /// Ends when a request to this address may be sent. Addresses inside one's own network wait
    /// for nothing.
    pub async fn wait(&self, url: &str) {
        if is_own_network(url) {
            return;
        }
        loop {
            let pause = {
                let mut sent = self
                    .sent
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                let minute = Duration::from_secs(60);
                let now = Instant::now();
                sent.retain(|at| now.duration_since(*at) < minute);
                if sent.len() < PUBLIC_REQUESTS_PER_MINUTE as usize {
                    sent.push(now);
                    return;
                }
                minute.saturating_sub(now.duration_since(sent[0]))
            };
            tokio::time::sleep(pause).await;
        }
    }
}

fn is_own_network(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    match host.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(address)) => address.is_loopback() || address.is_private(),
        Ok(std::net::IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Err(_) => host == "localhost" || !host.contains('.'),
    }
}
