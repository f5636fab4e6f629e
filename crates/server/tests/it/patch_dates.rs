//! When patches were fixed: a device that had lacked one is found to have it.

use std::time::Duration;

use fleetmend_model::PatchId;
use fleetmend_model::inventory::{AvailableUpdate, Inventory, Place, Software, UpdateScan};
use fleetmend_store::missing;
use serde_json::Value as Json;

use crate::agent::{Agent, inventory};
use crate::clocked::{Clocked, both};
use crate::offer::{NOBODY, NOTHING, Offer};
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
        agent.send_inventory(&lacks).await;
        assert_eq!(person.get(&site.site, "/missing?fixed=true").await.text.matches("<td>1.2</td>").count(), 1);
        let lines = site.site.running().handle().list_patch_dates(Some("tool"), None).await.unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].split('\t').filter(|it| it.is_empty()).count(), 3, "{lines:?}");
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
}
