//! What devices named once and no device names any more is taken away, from the database and from the
//! index in the same step.

use std::collections::BTreeSet;
use std::time::Duration;

use fleetmend_model::inventory::{AvailableUpdate, Inventory, Place, UpdateScan};
use fleetmend_protocol::paths;
use fleetmend_server::inventory::allowance::{BURST, EVERY, NAMES};
use fleetmend_server::inventory::prune::KEPT;
use fleetmend_server::inventory::scans;
use fleetmend_server::missing::index;
use fleetmend_store::{applications, inventories, missing, patches, queue, software, unnamed};

use crate::agent::{Agent, inventory};
use crate::clocked::{Clocked, both, until};
use crate::offer::approve;
use crate::policies::anna;
use crate::taught;

const MOMENT: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

/// A device with these applications, each of them on offer in a newer version, too.
fn with(host: &str, names: &[&str]) -> Inventory {
    let update = |name: &&str| AvailableUpdate {
        package: (*name).to_owned(),
        architecture: "amd64".to_owned(),
        installed: "1".to_owned(),
        candidate: "2".to_owned(),
        security: false,
        origin: format!("archive of {name}"),
    };
    let mut all = Vec::new();
    for name in names {
        let mut of_dpkg = taught::software(name, "1");
        of_dpkg.place = Place::Dpkg;
        all.extend([taught::software(name, "1"), of_dpkg]);
    }
    Inventory {
        software: all,
        updates: Some(UpdateScan {
            provider: "apt".to_owned(),
            unreachable: Vec::new(),
            updates: names.iter().map(update).collect(),
            withheld: Vec::new(),
        }),
        ..inventory(host)
    }
}

/// Time passes, and what no device names is looked for.
async fn prune(site: &Clocked, time: Duration) {
    site.live(time).await;
    let mut tx = site.db().begin().await.unwrap();
    queue::enqueue(&mut tx, "prune", 0, site.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    site.app().jobs_due.notify_one();
    until("what no device names was looked for", async || {
        let work = queue::get(site.db(), "prune", 0).await.unwrap()?;
        (work.run_at > site.now()).then_some(())
    })
    .await;
}

async fn stored_software(site: &Clocked) -> BTreeSet<String> {
    let marks = unnamed::software_after(site.db(), 0, 1_000).await.unwrap();
    let ids: Vec<u32> = marks.iter().map(|it| it.id).collect();
    let rows = software::get_many(site.db(), &ids).await.unwrap();
    rows.into_iter().map(|it| it.software.name).collect()
}

async fn stored_patches(site: &Clocked) -> BTreeSet<String> {
    let all = patches::load_all(site.db()).await.unwrap();
    all.into_iter().map(|it| it.name).collect()
}

fn names(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|it| (*it).to_owned()).collect()
}

/// What the index says of what devices have.
fn indexed(site: &Clocked) -> BTreeSet<(u32, String, u64)> {
    let fleet = site.app().fleet();
    let all = fleet.applications();
    all.filter(|it| it.3 > 0)
        .map(|(id, software, _, devices)| (id, software.name, devices))
        .collect()
}

/// That nothing refers to what is gone, and that the index is what it is when it is read anew.
async fn is_whole(site: &Clocked) {
    let held = inventories::held_after(site.db(), None, 1_000)
        .await
        .unwrap();
    let ids: BTreeSet<u32> = held.into_iter().flat_map(|it| it.software).collect();
    let ids: Vec<u32> = ids.into_iter().collect();
    let found = software::get_many(site.db(), &ids).await.unwrap();
    assert_eq!(found.len(), ids.len());
    assert_eq!(
        unnamed::grounds_after(site.db(), None, 9).await.unwrap(),
        []
    );
    let before = indexed(site);
    index::load(site.app()).await.unwrap();
    assert_eq!(indexed(site), before);
}

both! {
    async fn a_device_that_brings_inventory_after_inventory_waits_unless_it_was_asked_for(site) {
        let mut agent = Agent::enrol(&site.site, "host").await;
        let scan = agent.check_in(&[]).await.scans[0];
        for number in 0..BURST {
            agent.send_inventory(&with("host", &[&format!("tool {number}")])).await;
        }
        agent.scanned(scan).await;
        let another = with("host", &["another tool"]);
        let send = async |agent: &Agent| agent.post(paths::INVENTORY, &another).await.status().as_u16();
        assert_eq!(send(&agent).await, 429);
        site.pass(EVERY).await;
        assert_eq!(send(&agent).await, 200);
        assert_eq!(send(&agent).await, 429);
        scans::request(site.app(), &[agent.device], &anna()).await.unwrap();
        // As long as the scan is open it may go on, and not for ever.
        assert_eq!(send(&agent).await, 200);
        let device = site.app().registry.by_id(agent.device).unwrap();
        while device.may_answer(site.now()).is_ok() {}
        assert_eq!(send(&agent).await, 429);
    }

    async fn a_device_names_no_more_that_is_new_than_it_may_whether_it_was_asked_or_not(site) {
        let agent = Agent::enrol(&site.site, "host").await;
        let send = async |round: usize, entries: usize| {
            let rows = (0..entries).map(|it| taught::software(&format!("{round} {it}"), "1"));
            let mut brought = inventory("host");
            brought.software = rows.collect();
            agent.post(paths::INVENTORY, &brought).await.status().as_u16()
        };
        let whole = 20_000;
        for round in 0..NAMES as usize / whole - 1 {
            assert_eq!(send(round, whole).await, 200);
        }
        scans::request(site.app(), &[agent.device], &anna()).await.unwrap();
        assert_eq!(send(9, 1).await, 200);
        assert_eq!(send(10, whole).await, 429);
        // What is known may come all the same, and from others what is new.
        assert_eq!(send(0, whole).await, 200);
        let mut other = Agent::enrol(&site.site, "other").await;
        other.send_inventory(&with("other", &["another tool"])).await;
        site.pass(DAY).await;
        assert_eq!(send(10, whole).await, 200);
    }

    async fn what_no_device_names_goes_after_a_while_and_what_was_decided_stays(site) {
        let mut agent = Agent::enrol(&site.site, "host").await;
        let person = site.administrator().await;
        let all = ["used", "decided", "odd"];
        agent.send_inventory(&with("host", &all)).await;
        let listed = person.get(&site.site, "/api/v1/missing?title=decided").await.json();
        approve(&site, &person, listed["items"][0]["patch"]["id"].as_i64().unwrap()).await;
        agent.send_inventory(&with("host", &["used"])).await;
        prune(&site, MOMENT).await;
        prune(&site, DAY).await;
        assert_eq!(stored_software(&site).await, names(&all));
        assert_eq!(stored_patches(&site).await, names(&all));
        prune(&site, KEPT).await;
        assert_eq!(stored_software(&site).await, names(&["used"]));
        assert_eq!(stored_patches(&site).await, names(&["used", "decided"]));
        is_whole(&site).await;
        // It is as new when it comes back.
        agent.send_inventory(&with("host", &all)).await;
        assert_eq!(stored_software(&site).await, names(&all));
        assert_eq!(stored_patches(&site).await, names(&all));
        let lacks = missing::stored(site.db(), &[agent.device]).await.unwrap();
        assert_eq!(lacks[&agent.device].len(), 3);
        is_whole(&site).await;
    }

    async fn what_another_server_took_away_is_stored_anew_when_a_device_names_it(site) {
        let mut agent = Agent::enrol(&site.site, "host").await;
        agent.send_inventory(&with("host", &["tool"])).await;
        agent.send_inventory(&with("host", &[])).await;
        // No list shows it any more.
        let mut tx = site.db().begin().await.unwrap();
        applications::replace_all(&mut tx, &[]).await.unwrap();
        let marks = unnamed::software_after(&mut tx, 0, 1_000).await.unwrap();
        let ids: Vec<u32> = marks.iter().map(|it| it.id).collect();
        unnamed::mark_software(&mut tx, &ids, Some(site.now())).await.unwrap();
        let gone = unnamed::forget_software(&mut tx, &ids, site.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert!(gone.len() > 1, "{gone:?}");

        agent.send_inventory(&with("host", &["tool"])).await;
        assert_eq!(stored_software(&site).await, names(&["tool"]));
        let lacks = missing::stored(site.db(), &[agent.device]).await.unwrap();
        assert_eq!(lacks[&agent.device].len(), 1);
        let held = inventories::get(site.db(), agent.device).await.unwrap().unwrap();
        let found = software::get_many(site.db(), &held.software).await.unwrap();
        assert_eq!(found.len(), 2);
    }

    async fn after_any_changes_the_index_and_the_tables_are_as_if_nothing_had_gone(site) {
        let all = ["a", "b", "c", "d", "e", "f"];
        let mut agents = Vec::new();
        for host in ["one", "two", "three"] {
            agents.push((host, Agent::enrol(&site.site, host).await));
        }
        let mut random = 7_u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % below
        };
        for _ in 0..12 {
            for _ in 0..=next(3) {
                let number = next(3) as usize;
                let some: Vec<&str> = all.iter().copied().filter(|_| next(3) == 0).collect();
                let (host, agent) = &mut agents[number];
                agent.send_inventory(&with(host, &some)).await;
            }
            prune(&site, DAY * 20).await;
            is_whole(&site).await;
        }
        for (host, agent) in &mut agents {
            agent.send_inventory(&with(host, &[])).await;
        }
        for _ in 0..2 {
            prune(&site, KEPT).await;
        }
        assert_eq!(stored_software(&site).await, names(&[]));
        assert_eq!(stored_patches(&site).await, names(&[]));
        assert_eq!(site.app().fleet().applications().count(), 0);
    }
}
