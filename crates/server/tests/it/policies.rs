//! Which policy each device has, and what is refused.

use std::time::Duration;

use fleetmend_model::device::SystemType;
use fleetmend_model::{DeviceId, Millis, PolicyId};
use fleetmend_server::inventory::system_type;
use fleetmend_server::people::Actor;
use fleetmend_server::policies::groups::GivenGroup;
use fleetmend_server::policies::{self, Given, groups, units};
use fleetmend_server::{ApiError, Output};
use fleetmend_store::audit::AuditFilter;
use fleetmend_store::{Page, audit, devices, policies as kept, queue};
use serde_json::{Value as Json, json};

use crate::agent::{Agent, inventory};
use crate::clocked::{Clocked, both, until};
use crate::facts::{say, texts};

/// A person.
pub fn anna() -> Actor {
    Actor {
        name: "anna".to_owned(),
        address: "192.0.2.1".to_owned(),
    }
}

fn given(name: &str, include: Json) -> Given {
    Given {
        name: name.to_owned(),
        is_enabled: true,
        scope: json!({ "include": [include] }),
        settings: json!({}),
    }
}

fn host_name(pattern: &str) -> Json {
    json!({"kind": "host_name", "pattern": pattern})
}

async fn add(site: &Clocked, name: &str, include: Json) -> PolicyId {
    policies::add(site.app(), &given(name, include), &anna())
        .await
        .unwrap()
}

/// Waits until a device has the policy of a name, for this reason.
async fn has(site: &Clocked, device: DeviceId, name: &str, why: &str) {
    until(
        &format!("the device has '{name}' because of '{why}'"),
        async || {
            let all = devices::policies(site.db()).await.unwrap();
            let its = all.into_iter().find(|it| it.device == device)?;
            let policy = kept::get(site.db(), its.policy?).await.unwrap()?;
            (policy.what.name == name && its.why == why).then_some(())
        },
    )
    .await;
}

/// When all devices are looked at next.
async fn assigned_at(site: &Clocked) -> Option<Millis> {
    queue::first_run(site.db(), "assign_policies")
        .await
        .unwrap()
}

/// Lets the time pass until all devices are looked at for what was reported: longer where the last look
/// took long, and again where a look was under way while it was reported.
async fn gathered(site: &Clocked) {
    site.is_idle("assign_policies").await;
    while let Some(at) = assigned_at(site).await {
        site.pass(at.since(site.now())).await;
        site.is_idle("assign_policies").await;
    }
}

fn words(refused: Result<impl Sized, ApiError>) -> String {
    match refused {
        Ok(_) => "nothing was refused".to_owned(),
        Err(error) => error.message(),
    }
}

const REST: &str = "no other policy takes it";

both! {
    async fn each_device_has_the_first_policy_that_takes_it_after_every_change(site) {
        let agent = Agent::enrol(&site.site, "web-01").await;
        let device = agent.device;
        gathered(&site).await;
        has(&site, device, "Default", REST).await;
        let all = add(&site, "All", json!({"kind": "all"})).await;
        has(&site, device, "All", "all devices").await;
        let web = add(&site, "Web", host_name("web-*")).await;
        has(&site, device, "All", "all devices").await;
        policies::set_rank(site.app(), web, 1, &anna()).await.unwrap();
        has(&site, device, "Web", "host name web-*").await;
        let off = Given { is_enabled: false, ..given("Web", host_name("web-*")) };
        policies::set(site.app(), web, 1, &off, &anna()).await.unwrap();
        has(&site, device, "All", "all devices").await;
        policies::remove(site.app(), all, &anna()).await.unwrap();
        has(&site, device, "Default", REST).await;
        let counts: Vec<_> = policies::list(site.app()).await.unwrap().into_iter()
            .map(|it| (it.policy.what.name, it.devices)).collect();
        assert_eq!(counts, [("Web".to_owned(), 0), ("Default".to_owned(), 1)]);
        let audited = audit::list(site.db(), &AuditFilter::default(), &Page::first(20)).await.unwrap();
        let actions: Vec<_> = audited.rows.iter().map(|(_, it)| it.action.as_str()).collect();
        for action in ["add_policy", "move_policy", "set_policy", "remove_policy"] {
            assert!(actions.contains(&action), "{actions:?}");
        }
    }

    async fn groups_units_and_new_names_count_when_they_change(site) {
        let mut agent = Agent::enrol(&site.site, "web-01").await;
        let device = agent.device;
        let group = GivenGroup { name: "Front".to_owned(), scope: json!({"include": [host_name("front-*")]}) };
        let front = groups::add(site.app(), &group, &anna()).await.unwrap();
        add(&site, "Front", json!({"kind": "group", "group": front})).await;
        let unit = json!({"kind": "unit", "tree": "Sites", "path": "Berlin", "below": true});
        add(&site, "Berlin", unit).await;
        has(&site, device, "Default", REST).await;
        let sites = units::add_tree(site.app(), "Sites", &anna()).await.unwrap();
        let placed = units::place(site.app(), sites, "Berlin / Office", &[device], &anna()).await;
        assert_eq!(placed.unwrap(), 1);
        has(&site, device, "Berlin", "unit Berlin and below of 'Sites'").await;
        agent.send_inventory(&inventory("front-01")).await;
        gathered(&site).await;
        has(&site, device, "Front", &format!("group {front}")).await;
        let nobody = GivenGroup { scope: json!({}), ..group };
        groups::set(site.app(), front, &nobody, &anna()).await.unwrap();
        has(&site, device, "Berlin", "unit Berlin and below of 'Sites'").await;
        assert_eq!(units::take_out(site.app(), sites, &[device], &anna()).await.unwrap(), 1);
        has(&site, device, "Default", REST).await;
    }

    async fn a_device_that_is_carried_into_another_network_has_the_policy_there(site) {
        let agent = Agent::enrol(&site.site, "laptop").await;
        add(&site, "Here", json!({"kind": "address", "network": "10.1.0.0/16"})).await;
        add(&site, "There", json!({"kind": "gateway", "gateway": "10.2.0.1"})).await;
        has(&site, agent.device, "Default", REST).await;
        say(&agent, |_| {}).await;
        gathered(&site).await;
        has(&site, agent.device, "Here", "address in 10.1.0.0/16").await;
        say(&agent, |said| {
            said.network.addresses = texts(&["10.2.0.7"]);
            said.network.gateways = texts(&["10.2.0.1"]);
        })
        .await;
        gathered(&site).await;
        has(&site, agent.device, "There", "gateway 10.2.0.1").await;
    }

    async fn what_devices_report_has_policies_assigned_for_but_a_share_of_the_time(site) {
        let agent = Agent::enrol(&site.site, "laptop").await;
        gathered(&site).await;
        has(&site, agent.device, "Default", REST).await;
        add(&site, "Here", json!({"kind": "address", "network": "10.1.0.0/16"})).await;
        until("nothing is to be done", async || assigned_at(&site).await.is_none().then_some(())).await;
        let cost = Duration::from_secs(30);
        site.app().costs.policies.took(cost);
        say(&agent, |_| {}).await;
        assert_eq!(assigned_at(&site).await, Some(site.now() + cost * 10));
        // A person does not wait.
        add(&site, "Elsewhere", host_name("elsewhere")).await;
        has(&site, agent.device, "Here", "address in 10.1.0.0/16").await;
    }

    async fn a_policy_has_devices_be_critical_systems_and_a_persons_word_stays(site) {
        let one = Agent::enrol(&site.site, "db-01").await.device;
        let other = Agent::enrol(&site.site, "db-02").await.device;
        let normal = SystemType::Normal;
        system_type::set(site.app(), &[other], normal, &anna()).await.unwrap();
        let critical = json!({"critical": [host_name("db-*")]});
        let given = Given { settings: critical, ..given("Databases", json!({"kind": "all"})) };
        let id = policies::add(site.app(), &given, &anna()).await.unwrap();
        has(&site, one, "Databases", "all devices").await;
        let type_of = async |device| {
            devices::get(site.db(), device).await.unwrap().unwrap().system_type
        };
        assert_eq!(type_of(one).await, SystemType::Critical);
        assert_eq!(type_of(other).await, normal);
        let filter = AuditFilter { who: Some("policy 'Databases'".to_owned()), ..AuditFilter::default() };
        let audited = audit::list(site.db(), &filter, &Page::first(9)).await.unwrap().rows;
        let told: Vec<_> = audited.iter().map(|(_, it)| (it.action.clone(), it.subject.clone())).collect();
        assert_eq!(told, [("set_system_type".to_owned(), format!("devices {one}"))]);
        // What a policy says decides nothing about which policy a device has.
        let by_type = json!({"kind": "system_type", "system_type": "critical"});
        let types = add(&site, "By type", by_type).await;
        policies::set_rank(site.app(), types, 1, &anna()).await.unwrap();
        policies::remove(site.app(), id, &anna()).await.unwrap();
        has(&site, one, "Default", REST).await;
        assert_eq!(type_of(one).await, normal);
        system_type::set(site.app(), &[one], SystemType::Critical, &anna()).await.unwrap();
        has(&site, one, "By type", "Critical Systems").await;
        assert_eq!(type_of(one).await, SystemType::Critical);
    }

    async fn what_goes_wrong_with_a_policy_is_refused_in_words_and_changes_nothing(site) {
        let app = site.app();
        let web = add(&site, "Web", host_name("web-*")).await;
        let rest = policies::list(app).await.unwrap().pop().unwrap().policy.id;
        let with = |settings: Json| Given { settings, ..given("New", json!({"kind": "all"})) };
        for (given, said) in [
            (given(" ", json!({"kind": "all"})), "field 'name': give one of at most 100 characters"),
            (given("WEB", json!({"kind": "all"})), "'WEB'"),
            (given("New", json!({"kind": "colour"})), "field 'scope': unknown variant"),
            (given("New", json!({"kind": "group", "group": 99})), "there is no group 99"),
            (with(json!({"scan": {"retries": 21}})), "field 'settings': scan.retries is 21"),
            (with(json!({"scans": {}})), "field 'settings': unknown field `scans`"),
            (with(json!({"critical": [{"kind": "group", "group": 99}]})), "there is no group 99"),
        ] {
            let refused = words(policies::add(app, &given, &anna()).await);
            assert!(refused.contains(said), "{refused}");
        }
        let off = Given { is_enabled: false, ..given("Default", json!({"kind": "all"})) };
        let refused = words(policies::set(app, rest, 1, &off, &anna()).await);
        assert!(refused.contains("it stays enabled, and for all devices"), "{refused}");
        let refused = words(policies::remove(app, rest, &anna()).await);
        assert!(refused.contains("cannot be removed"), "{refused}");
        let kept_as = given("Default", json!({"kind": "all"}));
        let short = Given { settings: json!({"scan": {"retries": 2}}), ..kept_as };
        policies::set(app, rest, 1, &short, &anna()).await.unwrap();
        let refused = words(policies::set(app, rest, 1, &short, &anna()).await);
        assert_eq!(refused, "anna changed the policy 'Default' meanwhile: look at it again");
        let refused = words(policies::set_rank(app, rest, 1, &anna()).await);
        assert!(refused.contains("'Default' is always the last"), "{refused}");
        let refused = words(policies::set_rank(app, web, 2, &anna()).await);
        assert_eq!(refused, "field 'rank': there are places 1 to 1");
        let refused = words(policies::remove(app, PolicyId(99), &anna()).await);
        assert_eq!(refused, "there is no policy 99");
        let loaded = policies::load(site.db()).await.unwrap();
        assert_eq!((loaded.ranked.len(), loaded.rest.settings.scan.retries), (1, 2));
    }

    async fn policies_are_shown_with_what_they_set_and_what_they_were(site) {
        let app = site.app();
        let some = json!({"scan": {"retries": 5, "purge_days": 3}});
        let front = Given { settings: some, ..given("Front", host_name("web-*")) };
        let id = policies::add(app, &front, &anna()).await.unwrap();
        let off = Given { is_enabled: false, settings: json!({}), ..front };
        policies::set(app, id, 1, &off, &anna()).await.unwrap();
        // A default that is another one later is followed.
        let versions = kept::versions(site.db(), id).await.unwrap();
        let kept: Vec<_> = versions.iter().map(|it| (it.is_enabled, it.settings.as_str())).collect();
        assert_eq!(kept, [(Some(false), "{}"), (Some(true), r#"{"scan":{"retries":5}}"#)]);

        let person = site.administrator().await;
        let page = person.get(&site.site, "/policies").await.text;
        for part in ["Front", "host name web-*", "Disabled", "no other policy takes it"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let page = person.get(&site.site, &format!("/policies/{id}")).await.text;
        for part in ["scan.retries", "What it is and was", "anna", "{&#34;scan&#34;:{&#34;retries&#34;:5}}"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert_eq!(person.get(&site.site, "/policies/99").await.status, 404);

        let handle = site.site.running().handle();
        let lines = handle.list_policies(Output::Text).await.unwrap();
        assert_eq!(lines[0], format!("1\t{id}\tFront\tdisabled\t0 devices\thost name web-*"));
        assert!(lines[1].starts_with("last\t"), "{lines:?}");
        let lines = handle.show_policy("front", Output::Text).await.unwrap();
        assert!(lines.iter().any(|it| it == "  scan.retries: 1 (default)"), "{lines:?}");
        assert!(lines.iter().any(|it| it.starts_with("  generation 2: 'Front', disabled, by anna, ")), "{lines:?}");
        let lines = handle.show_policy(&id.to_string(), Output::Json).await.unwrap();
        let shown: Json = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(shown["versions"][1]["settings"]["scan"]["retries"], 5);
        let listed = handle.list_policies(Output::Json).await.unwrap();
        let listed: Json = serde_json::from_str(&listed[0]).unwrap();
        assert_eq!(listed, person.get(&site.site, "/api/v1/policies").await.json()["items"][0]);
        handle.show_policy("nobody", Output::Text).await.expect_err("there is none");
    }

    async fn a_group_names_no_group_and_is_not_removed_while_a_policy_names_it(site) {
        let app = site.app();
        let group = GivenGroup { name: "Web".to_owned(), scope: json!({"include": [host_name("web-*")]}) };
        let web = groups::add(app, &group, &anna()).await.unwrap();
        let nested = json!({"include": [{"kind": "group", "group": web}]});
        let refused = words(groups::set(app, web, &GivenGroup { scope: nested, ..group }, &anna()).await);
        assert!(refused.contains("a group is not made of other groups"), "{refused}");
        let critical = json!({"critical": [{"kind": "group", "group": web}]});
        let naming = Given { settings: critical, ..given("Names it", host_name("x")) };
        let policy = policies::add(app, &naming, &anna()).await.unwrap();
        let refused = words(groups::remove(app, web, &anna()).await);
        assert_eq!(refused, "the policy 'Names it' names the group 'Web': change that first");
        policies::remove(app, policy, &anna()).await.unwrap();
        groups::remove(app, web, &anna()).await.unwrap();
        assert!(groups::list(app).await.unwrap().is_empty());
    }

    async fn the_api_has_policies_groups_and_units(site) {
        let agent = Agent::enrol(&site.site, "web-01").await;
        let person = site.administrator().await;
        let at = &site.site;
        let trees = "/api/v1/unit-trees";
        let tree = person.call(at, trees, &json!({"name": "Sites"})).await.json()["id"].clone();
        assert_eq!(person.get(at, trees).await.json()["items"][0]["name"], "Sites");
        let place = json!({"path": "Berlin/Office", "devices": [agent.device, 999]});
        let placed = person.call(at, &format!("{trees}/{tree}/devices"), &place).await;
        assert_eq!(placed.json()["count"], 1, "{}", placed.text);
        let units = person.get(at, &format!("{trees}/{tree}/units")).await.json();
        assert_eq!((&units["items"][0]["path"], &units["items"][1]["path"]), (&json!("Berlin"), &json!("Berlin/Office")));
        let below = person.call(at, &format!("/api/v1/units/{}/remove", units["items"][0]["id"]), &json!({})).await;
        assert_eq!(below.status, 409, "{}", below.text);
        let broken = person.get(at, &format!("{trees}/{tree}/units?after=x")).await;
        assert_eq!(broken.status, 400, "{}", broken.text);

        let office = json!({"kind": "unit", "tree": "sites", "path": "berlin/office"});
        for (path, named) in [("groups", "group 'Office'"), ("policies", "policy 'Office'")] {
            let new = json!({"name": "Office", "scope": {"include": [office]}});
            let id = person.call(at, &format!("/api/v1/{path}"), &new).await.json()["id"].clone();
            let unit = format!("/api/v1/units/{}", units["items"][1]["id"]);
            for removed in [unit, format!("{trees}/{tree}")] {
                let refused = person.call(at, &format!("{removed}/remove"), &json!({})).await;
                assert_eq!(refused.status, 409, "{}", refused.text);
                assert!(refused.text.contains(named), "{}", refused.text);
            }
            let removed = person.call(at, &format!("/api/v1/{path}/{id}/remove"), &json!({})).await;
            assert_eq!(removed.status, 204, "{}", removed.text);
        }

        let group = json!({"name": "Web", "scope": {"include": [host_name("web-*")]}});
        let group = person.call(at, "/api/v1/groups", &group).await.json()["id"].clone();
        assert_eq!(person.get(at, "/api/v1/groups").await.json()["items"][0]["name"], "Web");
        let new = json!({"name": "Web", "scope": {"include": [{"kind": "group", "group": group}]}});
        let id = person.call(at, "/api/v1/policies", &new).await.json()["id"].clone();
        let path = format!("/api/v1/policies/{id}");
        let changed = json!({
            "name": "Web servers", "enabled": true, "generation": 1, "scope": new["scope"],
            "settings": {"deploy": {"schedule": "0 2 * * SAT"}},
        });
        for field in ["enabled", "scope", "settings", "generation"] {
            let mut half = changed.clone();
            half.as_object_mut().unwrap().remove(field);
            let refused = person.call(at, &path, &half).await;
            assert_eq!(refused.status, 400, "{field}: {}", refused.text);
        }
        let mut unknown = changed.clone();
        unknown["setings"] = json!({});
        assert_eq!(person.call(at, &path, &unknown).await.status, 400);
        assert_eq!(person.call(at, &path, &changed).await.status, 204);
        assert_eq!(person.call(at, &path, &changed).await.status, 409);
        let rank = json!({"rank": 1});
        assert_eq!(person.call(at, &format!("{path}/rank"), &rank).await.status, 204);
        has(&site, agent.device, "Web servers", &format!("group {group}")).await;
        let its = person.get(at, &format!("/api/v1/devices/{}", agent.device)).await.json();
        assert_eq!((&its["policy"], &its["policy_why"]), (&id, &json!(format!("group {group}"))));
        let got = person.get(at, &path).await.json();
        assert_eq!((&got["settings"]["deploy"]["schedule"], &got["settings"]["scan"]["retries"]),
            (&json!("0 2 * * SAT"), &json!(1)));
        assert_eq!((got["versions"].as_array().unwrap().len(), &got["generation"]), (2, &json!(2)));
        let all = person.get(at, "/api/v1/policies").await.json();
        assert_eq!((&all["items"][0]["devices"], &all["items"][1]["rest"]), (&json!(1), &json!(true)));
        assert_eq!(person.call(at, &format!("/api/v1/groups/{group}/remove"), &json!({})).await.status, 409);
        assert_eq!(person.call(at, &format!("{path}/remove"), &json!({})).await.status, 204);
        assert_eq!(person.call(at, &format!("/api/v1/groups/{group}/remove"), &json!({})).await.status, 204);
        assert_eq!(person.call(at, &format!("{trees}/{tree}/remove"), &json!({})).await.status, 204);
    }
}
