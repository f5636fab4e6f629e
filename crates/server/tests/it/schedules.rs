//! What policies have due by their schedules is posted once, and the plan says it beforehand.

use std::time::Duration;

use fleetmend_server::{Output, PlanQuery};
use fleetmend_store::audit::AuditFilter;
use fleetmend_store::{Page, audit, devices, scan_jobs, schedules};
use serde_json::{Value as Json, json};

use crate::agent::Agent;
use crate::clocked::{Clocked, both, until};
use crate::gate::{in_berlin, jobs, lacked, set};
use crate::site::{NAME, PASSWORD, Person};

/// From Monday, 16:13 in Berlin, to Saturday, 02:00.
pub const TO_SATURDAY: Duration = Duration::from_secs(4 * 24 * 3600 + 9 * 3600 + 46 * 60 + 40);
const MOMENT: Duration = Duration::from_secs(10);

fn saturdays() -> Json {
    json!({
        "deploy": {"schedule": "0 2 * * SAT"},
        "install_windows": [{"opens": "0 2 * * SAT", "minutes": 120}],
    })
}

/// A device that has the policy, whose schedules are known.
pub async fn begun(site: &Clocked, settings: Json) -> Agent {
    set(site, settings).await;
    let agent = in_berlin(site, "desk-1").await;
    site.pass(Duration::from_mins(1)).await;
    until("the device has its policy", async || {
        let all = devices::policies(site.db()).await.unwrap();
        all.iter().all(|it| it.policy.is_some()).then_some(())
    })
    .await;
    site.round().await;
    agent
}

pub async fn signed_in(site: &Clocked) -> Person {
    let answer = site.site.log_in(NAME, PASSWORD).await;
    site.site.person(answer.cookie.unwrap()).await
}

/// Waits until everything that was due by now is seen to.
async fn seen_to(site: &Clocked, kinds: usize) {
    let now = site.now();
    until("what was due is seen to", async || {
        let marks = schedules::marks(site.db()).await.unwrap();
        let since = now - Duration::from_hours(12);
        (marks.len() == kinds && marks.iter().all(|it| it.seen_to > since)).then_some(())
    })
    .await;
}

pub async fn audited(site: &Clocked, action: &str) -> Vec<String> {
    let all = audit::list(site.db(), &AuditFilter::default(), &Page::first(100))
        .await
        .unwrap();
    let all = all.rows.into_iter().map(|(_, it)| it);
    let all = all.filter(|it| it.action == action);
    all.map(|it| it.after.unwrap_or_default()).collect()
}

both! {
    async fn what_is_approved_and_missing_is_deployed_once_when_it_is_due(site) {
        site.administrator().await;
        let agent = begun(&site, saturdays()).await;
        let person = signed_in(&site).await;
        let patch = lacked(&site, &person, "Tool", &[agent.device]).await;
        site.live(TO_SATURDAY.saturating_sub(Duration::from_mins(3))).await;
        let person = signed_in(&site).await;
        assert!(jobs(&site, &person).await.is_empty(), "it is not due yet");
        site.live(Duration::from_mins(2) + MOMENT).await;
        seen_to(&site, 1).await;
        let posted = until("the job is posted", async || jobs(&site, &person).await.pop()).await;
        assert_eq!(posted["patch"], patch.0);
        assert_eq!(posted["deployed_by"], "policy 'Default'");
        let path = format!("/api/v1/deploy-jobs/{}", posted["id"]);
        let detail = person.get(&site.site, &path).await.json();
        assert_eq!(detail["transitions"][0]["by"], "server");
        assert_eq!(detail["transitions"][0]["cause"], "by the deploy schedule of policy 'Default'");
        let said = audited(&site, "run_deployments").await;
        assert!(said[0].contains("due on Sat 26 Sep 02:00 (Europe/Berlin): 1 deploy job for 1 patch"), "{said:?}");
        site.live(MOMENT).await;
        let site = site.restart(Duration::from_mins(1)).await;
        site.live(MOMENT).await;
        assert_eq!(audited(&site, "run_deployments").await.len(), 1);
        let person = signed_in(&site).await;
        assert_eq!(jobs(&site, &person).await.len(), 1);
    }

    async fn a_run_that_was_missed_is_made_up_for_in_its_window(site) {
        site.administrator().await;
        let agent = begun(&site, saturdays()).await;
        let person = signed_in(&site).await;
        lacked(&site, &person, "Tool", &[agent.device]).await;
        let site = site.restart(TO_SATURDAY + Duration::from_hours(1)).await;
        seen_to(&site, 1).await;
        let person = signed_in(&site).await;
        until("the job is posted", async || jobs(&site, &person).await.pop()).await;
    }

    async fn a_run_whose_window_is_over_is_told_as_missed(site) {
        site.administrator().await;
        let agent = begun(&site, saturdays()).await;
        let person = signed_in(&site).await;
        lacked(&site, &person, "Tool", &[agent.device]).await;
        let site = site.restart(TO_SATURDAY + Duration::from_hours(3)).await;
        seen_to(&site, 1).await;
        let said = until("it is told", async || audited(&site, "miss_run").await.pop()).await;
        let expected = "no server ran when it was due on Sat 26 Sep 02:00 (Europe/Berlin), and its \
                        window is over";
        assert!(said.contains(expected), "{said}");
        let person = signed_in(&site).await;
        assert!(jobs(&site, &person).await.is_empty());
    }

    async fn scans_are_posted_by_the_schedule_once_and_spread(site) {
        site.administrator().await;
        let mut agent = begun(&site, json!({"scan": {"schedule": "0 9 * * *"}})).await;
        let first = scan_jobs::open_of_device(site.db(), agent.device).await.unwrap();
        if let Some(first) = first {
            agent.scanned(first.id).await;
        }
        // Tuesday, 09:00 in Berlin.
        site.live(Duration::from_secs(16 * 3600 + 46 * 60)).await;
        seen_to(&site, 1).await;
        let history = scan_jobs::history(site.db(), agent.device, &Page::first(10)).await.unwrap().rows;
        let job = history.first().unwrap();
        assert_eq!(job.reason, "by the scan schedule of policy 'Default'");
        assert!(job.run_at <= site.now() + Duration::from_mins(30));
        let count = history.len();
        site.live(MOMENT).await;
        let history = scan_jobs::history(site.db(), agent.device, &Page::first(10)).await.unwrap().rows;
        assert_eq!(history.len(), count);
    }

    async fn the_plan_says_what_the_run_then_does(site) {
        site.administrator().await;
        let agent = begun(&site, saturdays()).await;
        let person = signed_in(&site).await;
        let patch = lacked(&site, &person, "Tool", &[agent.device]).await;
        let handle = site.site.running().handle();
        let query = PlanQuery { until: Some("2026-09-28".to_owned()), device: None };
        let text = handle.show_plan(&query, Output::Text).await.unwrap();
        assert!(text[0].ends_with("1 of 1 run"), "{text:?}");
        assert_eq!(text[1], format!("desk-1 (device {})", agent.device));
        assert_eq!(text[2], "  + Tool 1.2: Sat 26 Sep 02:00–04:00 (Europe/Berlin), turn 1");
        let tonight = person.get(&site.site, "/api/v1/plan").await.json();
        assert_eq!((&tonight["runs"], &tonight["total"]), (&json!(0), &json!(1)));
        let entry = &tonight["entries"][0];
        assert_eq!(entry["why_not"], "policy 'Default' deploys next on Sat 26 Sep 02:00 (Europe/Berlin)");
        let path = "/api/v1/plan?until=2026-09-28&device=desk-1";
        let plan = person.get(&site.site, path).await.json();
        assert_eq!(plan["entries"][0]["starts_at"], "2026-09-26T00:00:00Z");
        assert_eq!(plan["entries"][0]["patch"], patch.0);
        let page = person.get(&site.site, "/plan?until=2026-09-28").await.text;
        assert!(page.contains("Sat 26 Sep 02:00–04:00 (Europe/Berlin)"), "{page}");
        for (path, status) in [
            ("/api/v1/plan?until=2020-01-01", 400),
            ("/api/v1/plan?until=soon", 400),
            ("/api/v1/plan?device=nowhere", 404),
        ] {
            assert_eq!(person.get(&site.site, path).await.status, status, "{path}");
        }
    }

    async fn what_a_change_of_a_policy_comes_to_is_told_before(site) {
        site.administrator().await;
        let agent = begun(&site, saturdays()).await;
        let person = signed_in(&site).await;
        let patch = lacked(&site, &person, "Tool", &[agent.device]).await;
        let deploy = json!({"patch": patch});
        person.call(&site.site, "/api/v1/deployments", &deploy).await;
        until("the job waits", async || {
            let job = jobs(&site, &person).await.pop()?;
            job["next_step"].as_str().unwrap().starts_with("waits for").then_some(())
        })
        .await;
        let policies = person.get(&site.site, "/api/v1/policies").await.json();
        let default = &policies["items"][0];
        let path = format!("/api/v1/policies/{}/preview", default["id"]);
        let preview = async |settings: Json| {
            let body = json!({"name": "Default", "scope": default["scope"], "settings": settings});
            person.call(&site.site, &path, &body).await.json()
        };
        let same = preview(saturdays()).await;
        assert_eq!((&same["jobs_changed"], &same["plan_changed"]), (&json!(0), &json!(0)), "{same}");
        let other = preview(json!({"deploy": {"schedule": "0 2 * * SAT"}})).await;
        assert_eq!((&other["devices_after"], &other["jobs_changed"]), (&json!(1), &json!(1)), "{other}");
        let body = json!({"name": "All", "scope": {"include": [{"kind": "all"}]}});
        let new = person.call(&site.site, "/api/v1/policies/preview", &body).await.json();
        let numbers = (&new["devices_before"], &new["devices_after"], &new["devices_changed"]);
        assert_eq!(numbers, (&json!(0), &json!(1), &json!(1)), "{new}");
        assert_eq!(jobs(&site, &person).await.len(), 1);
    }
}
