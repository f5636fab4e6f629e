//! When patches were fixed: a device that had lacked one is found to have it.

use std::time::Duration;

use fleetmend_model::PatchId;
use fleetmend_model::inventory::{AvailableUpdate, Inventory, Place, Software, UpdateScan};
use fleetmend_server::catalog::known;
use fleetmend_server::{Output, PatchQuery};
use fleetmend_store::packages::{self, PackageFilter};
use fleetmend_store::{Page, missing};
use serde_json::Value as Json;

use crate::agent::{Agent, inventory};
use crate::clocked::{Clocked, both, until};
use crate::offer::{NOBODY, NOTHING, Offer, offer};
use crate::taught::software;

fn found(installed: Option<&str>, offered: Option<&str>) -> Inventory {
    let row = |version: &str| Software {
        place: Place::Dpkg,
        key: "tool:amd64".to_owned(),
        name: "tool".to_owned(),
        version: version.to_owned(),
        publisher: String::new(),
        product_code: None,
        upgrade_code: None,
    };
    let update = |candidate: &str| AvailableUpdate {
        package: "tool".to_owned(),
        architecture: "amd64".to_owned(),
        installed: installed.unwrap_or_default().to_owned(),
        candidate: candidate.to_owned(),
        security: false,
        origin: "archive".to_owned(),
    };
    Inventory {
        software: installed.map(row).into_iter().collect(),
        updates: Some(UpdateScan {
            provider: "apt".to_owned(),
            unreachable: Vec::new(),
            updates: offered.map(update).into_iter().collect(),
            withheld: Vec::new(),
        }),
        ..inventory("host")
    }
}

const MOMENT: Duration = Duration::from_secs(1);

async fn is_fixed(site: &Clocked, patch: i64) -> bool {
    site.live(MOMENT).await;
    let dates = missing::dates(site.db(), PatchId(patch)).await.unwrap();
    assert_eq!(dates.first_fixed.is_some(), dates.last_fixed.is_some());
    dates.first_fixed.is_some()
}

both! {
    async fn a_patch_is_fixed_where_its_version_is_found_and_not_where_it_is_only_gone(site) {
        let mut agent = Agent::enrol(&site.site, "host").await;
        let person = site.administrator().await;
        let lacks = found(Some("1.1"), Some("1.2"));
        agent.send_inventory(&lacks).await;
        let listed = person.get(&site.site, "/api/v1/missing").await.json();
        let patch = listed["items"][0]["patch"]["id"].as_i64().unwrap();
        assert_eq!(listed["items"][0]["dates"]["first_fixed"], Json::Null);
        for gone in [
            found(None, None),
            found(Some("1.1"), None),
            found(Some("1.1"), Some("1.3")),
        ] {
            agent.send_inventory(&gone).await;
            assert!(!is_fixed(&site, patch).await, "{gone:?}");
            agent.send_inventory(&lacks).await;
        }
        assert_eq!(person.get(&site.site, "/missing?fixed=true").await.text.matches("<td>1.2</td>").count(), 0);
        agent.send_inventory(&found(Some("1.2"), None)).await;
        assert!(is_fixed(&site, patch).await);
        let detail = person.get(&site.site, &format!("/api/v1/missing/{patch}")).await.json();
        assert_eq!(detail["dates"]["first_fixed"], detail["dates"]["last_fixed"]);
        assert!(detail["dates"]["first_fixed"].is_string());
        let page = person.get(&site.site, &format!("/missing/{patch}")).await.text;
        assert!(page.contains("<dt>Fixed</dt><dd>first "), "{page}");
        let handle = site.site.running().handle();
        let query = PatchQuery { title: Some("tool".to_owned()), ..PatchQuery::default() };
        // Whether anybody lacks it or not any more.
        for affected in [0, 1] {
            let fixed = person.get(&site.site, "/api/v1/missing?fixed=true").await.json();
            assert_eq!(fixed["items"][0]["affected"], affected);
            assert_eq!(fixed["items"].as_array().unwrap().len(), 1);
            assert_eq!(person.get(&site.site, "/missing?fixed=true").await.text.matches("<td>1.2</td>").count(), 1);
            let lines = handle.list_patch_dates(&query, Output::Text).await.unwrap();
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert_eq!(lines[0].split('\t').filter(|it| it.is_empty()).count(), 3, "{lines:?}");
            agent.send_inventory(&lacks).await;
        }
        let wrong = person.get(&site.site, "/api/v1/missing?published_since=soon").await;
        assert_eq!(wrong.status, 400, "{}", wrong.text);
    }

    async fn an_applications_patch_is_fixed_where_it_is_what_is_on_offer(site) {
        let folder = tempfile::tempdir().unwrap();
        let offer = Offer::new(&site, folder.path(), NOBODY, NOTHING).await;
        let mut agent = Agent::enrol(&site.site, "other").await;
        let with = |version: &str| {
            let mut found = Inventory {
                software: vec![software("Some tool", version)],
                ..inventory("other")
            };
            found.host.os_family = fleetmend_model::device::OsFamily::Windows;
            found
        };
        agent.send_inventory(&with("1.0")).await;
        let gone = Inventory { software: Vec::new(), ..with("1.0") };
        agent.send_inventory(&gone).await;
        assert!(!is_fixed(&site, offer.patch).await);
        agent.send_inventory(&with("1.0")).await;
        agent.send_inventory(&with("2.0")).await;
        assert!(is_fixed(&site, offer.patch).await);
        let detail = offer.person.get(&site.site, &format!("/api/v1/missing/{}", offer.patch)).await.json();
        assert!(detail["dates"]["seen"].is_string(), "{detail}");
    }

    async fn a_patch_is_fixed_where_one_of_the_devices_that_lack_it_no_more_has_it(site) {
        let mut updated = Agent::enrol(&site.site, "updated").await;
        let mut gone = Agent::enrol(&site.site, "gone").await;
        let person = site.administrator().await;
        for agent in [&mut gone, &mut updated] {
            agent.send_inventory(&found(Some("1.1"), Some("1.2"))).await;
        }
        let listed = person.get(&site.site, "/api/v1/missing").await.json();
        let patch = listed["items"][0]["patch"]["id"].as_i64().unwrap();
        gone.send_inventory(&found(None, None)).await;
        updated.send_inventory(&found(Some("1.2"), None)).await;
        assert!(is_fixed(&site, patch).await);
    }

    async fn what_is_current_only_because_a_version_was_withdrawn_does_not_fix_it(site) {
        let folder = tempfile::tempdir().unwrap();
        offer(folder.path(), "1.0", NOBODY, NOTHING);
        let offered = Offer::new(&site, folder.path(), NOBODY, NOTHING).await;
        let filter = PackageFilter {
            text: Some("some-tool".to_owned()),
            latest_only: true,
            ..PackageFilter::default()
        };
        let listed = packages::list(site.db(), &filter, &Page::first(9)).await.unwrap();
        assert_eq!(listed.rows[0].version, "2.0");
        let mut tx = site.db().begin().await.unwrap();
        packages::set_listed(&mut tx, &[listed.rows[0].row], false).await.unwrap();
        tx.commit().await.unwrap();
        known::renew(site.app()).await.unwrap();
        until("nothing is missing", async || {
            let missing = offered.person.get(&site.site, "/api/v1/missing").await.json();
            missing["items"].as_array().unwrap().is_empty().then_some(())
        })
        .await;
        assert!(!is_fixed(&site, offered.patch).await);
    }
}
