//! Rules that approve.

use std::time::Duration;

use fleetmend_model::PatchId;
use fleetmend_model::device::SystemType;
use fleetmend_store::approvals;
use serde_json::{Value as Json, json};

use crate::clocked::{Clocked, both, until};
use crate::gate::jobs;
use crate::schedules::{TO_SATURDAY, audited, begun, signed_in};
use crate::seed;
use crate::site::Person;

fn saturdays(auto_approval: bool) -> Json {
    json!({"deploy": {"schedule": "0 2 * * SAT"}, "auto_approval": auto_approval})
}

/// A patch that a device lacks, and on which nobody decided.
async fn undecided(site: &Clocked, device: fleetmend_model::DeviceId) -> PatchId {
    let mut tx = site.db().begin().await.unwrap();
    let patch = seed::patch(&mut tx, "Tool", "1.2").await;
    seed::lack(&mut tx, &[device], patch, "1.1").await;
    tx.commit().await.unwrap();
    patch
}

async fn give(site: &Clocked, person: &Person, generation: i64, rules: Json) -> (u16, String) {
    let body = json!({"generation": generation, "rules": rules});
    let answer = person
        .call(&site.site, "/api/v1/approval-rules", &body)
        .await;
    (answer.status, answer.text)
}

const UNTIL: &str = "/api/v1/plan?until=2026-09-28";

both! {
    async fn a_rule_approves_where_the_policy_lets_it_and_is_told_beforehand_and_afterwards(site) {
        site.administrator().await;
        let agent = begun(&site, saturdays(true)).await;
        let person = signed_in(&site).await;
        let patch = undecided(&site, agent.device).await;
        let rules = json!([{"name": "All tools", "packages": ["tool*"]}]);
        let body = json!({"generation": 0, "rules": rules});
        let preview = person.call(&site.site, "/api/v1/approval-rules/preview", &body).await.json();
        assert_eq!(preview["patches"][0]["patch"], patch.0);
        assert_eq!(preview["patches"][0]["rule"], "All tools");
        assert_eq!(preview["patches"][0]["devices"], 1);
        let why = person.get(&site.site, &format!("{UNTIL}&device=desk-1")).await.json();
        assert_eq!(why["entries"][0]["reason"]["why"], "not_approved");
        assert_eq!(give(&site, &person, 0, rules).await.0, 200);
        let plan = person.get(&site.site, UNTIL).await.json();
        assert_eq!(plan["runs"], 1, "{plan}");
        assert_eq!(plan["entries"][0]["notes"][0], "approved by rule 'All tools'");
        site.live(TO_SATURDAY).await;
        let person = signed_in(&site).await;
        until("the job is posted", async || jobs(&site, &person).await.pop()).await;
        let row = approvals::get(site.db(), patch, SystemType::Normal).await.unwrap().unwrap();
        assert_eq!((row.decided_by.as_str(), row.rule.as_deref()), ("rule 'All tools'", Some("All tools")));
        let critical = approvals::get(site.db(), patch, SystemType::Critical).await.unwrap();
        assert_eq!(critical, None);
        let audited = audited(&site, "decide_patch").await;
        assert_eq!(audited, [r#""Approved""#]);
    }

    async fn rules_approve_nothing_where_the_policy_does_not_let_them(site) {
        site.administrator().await;
        let agent = begun(&site, saturdays(false)).await;
        let person = signed_in(&site).await;
        undecided(&site, agent.device).await;
        give(&site, &person, 0, json!([{"name": "All"}])).await;
        let plan = person.get(&site.site, UNTIL).await.json();
        assert_eq!((&plan["runs"], &plan["total"]), (&json!(0), &json!(1)));
        site.live(TO_SATURDAY + Duration::from_secs(10)).await;
        until("the run is told", async || audited(&site, "run_deployments").await.pop()).await;
        let person = signed_in(&site).await;
        assert!(jobs(&site, &person).await.is_empty());
    }

    async fn rules_that_cannot_be_kept_to_or_were_changed_meanwhile_are_refused(site) {
        let person = site.administrator().await;
        for (rules, said) in [
            (json!([{"name": " "}]), "a rule has a name"),
            (json!([{"name": "a"}, {"name": "A"}]), "'A' is there twice"),
            (json!([{"name": "a", "min_age_days": 999}]), "min_age_days is 999"),
            (json!([{"name": "a", "colour": "red"}]), "colour"),
        ] {
            let (status, text) = give(&site, &person, 0, rules).await;
            assert_eq!(status, 400, "{text}");
            assert!(text.contains(said), "{text}");
        }
        assert_eq!(give(&site, &person, 0, json!([{"name": "a"}])).await.0, 200);
        assert_eq!(give(&site, &person, 0, json!([])).await.0, 409);
        let kept = person.get(&site.site, "/api/v1/approval-rules").await.json();
        assert_eq!((&kept["generation"], &kept["rules"][0]["name"]), (&json!(1), &json!("a")));
    }
}
