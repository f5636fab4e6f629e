//! Work that waits for others outside has places of its own: it holds up nothing else.

use std::time::Duration;

use fleetmend_e2e::feed::{Fault, FeedSite};
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_model::DeployJobId;
use fleetmend_model::status::deploy::Ending;
use fleetmend_plan::Reason;
use fleetmend_server::Given;
use fleetmend_store::{deploy_jobs, sources};
use serde_json::json;

use crate::clocked::{Clocked, both, until};
use crate::offer::{NOTHING, approve};
use crate::site::Person;
use crate::taught::{device, software};

/// Longer than any deadline.
const LATE: Duration = Duration::from_hours(4 * 24);
/// More applications than there are places for anything.
const NAMES: [&str; 8] = [
    "Acornpad",
    "Birchpad",
    "Cedarpad",
    "Damsonpad",
    "Elderpad",
    "Firpad",
    "Gorsepad",
    "Hazelpad",
];

/// A device that has them all.
async fn enrol(site: &Clocked) {
    device(site, "host", &NAMES.map(|it| software(it, "1.0")), &[]).await;
}

/// Their patches, as soon as all packages were looked at.
async fn patches(site: &Clocked, person: &Person) -> Vec<i64> {
    let not_analysed = Reason::NotAnalysed.to_string();
    until("all packages were looked at", async || {
        let missing = person.get(&site.site, "/api/v1/missing").await.json();
        let items = missing["items"].as_array().unwrap().iter();
        let ready = items.filter(|it| it["not_deployable"] != not_analysed.as_str());
        let ids: Vec<_> = ready.filter_map(|it| it["patch"]["id"].as_i64()).collect();
        (ids.len() == NAMES.len()).then_some(ids)
    })
    .await
}

/// Deploys all of them, and waits until several downloads are under way; gives the jobs.
async fn deploy_all(site: &Clocked, person: &Person, files: &FeedSite) -> Vec<DeployJobId> {
    for patch in patches(site, person).await {
        approve(site, person, patch).await;
        let deploy = json!({ "patch": patch });
        let answer = person
            .call(&site.site, "/api/v1/deployments", &deploy)
            .await;
        assert!(answer.json()["deployment"].is_i64(), "{}", answer.text);
    }
    until("downloads hang", async || {
        (files.requests().len() >= 4).then_some(())
    })
    .await;
    let jobs = person.get(&site.site, "/api/v1/deploy-jobs").await.json();
    let jobs = jobs["items"].as_array().unwrap().iter();
    let jobs: Vec<_> = jobs
        .map(|it| DeployJobId(it["id"].as_i64().unwrap()))
        .collect();
    assert_eq!(jobs.len(), NAMES.len());
    jobs
}

both! {
    async fn downloads_that_hang_hold_up_no_deadline_and_no_read_of_a_source(site) {
        let folder = tempfile::tempdir().unwrap();
        let files = FeedSite::start().unwrap();
        enrol(&site).await;
        for name in NAMES {
            let file = format!("{name}.exe");
            files.add_file(&file, vec![7; 1000]);
            files.set_fault(&format!("/files/{file}"), Fault::Stalled);
            Nupkg::new(&name.to_lowercase(), "2.0")
                .title(name)
                .downloading_exe(&files.file_url(&file), NOTHING, &format!("{name}*"))
                .build_into(folder.path())
                .unwrap();
        }
        let given = Given {
            private_hosts: &["127.0.0.1".to_owned()],
            ..Given::at(folder.path().to_str().unwrap())
        };
        site.site.running().handle().add_source(&given).await.unwrap();
        let person = site.administrator().await;
        let jobs = deploy_all(&site, &person, &files).await;
        site.pass(LATE).await;
        let then = site.now();
        site.free_upkeep().await;
        until("all jobs are over", async || {
            let mut all = Vec::new();
            for id in &jobs {
                all.push(deploy_jobs::get(site.db(), *id).await.unwrap().unwrap());
            }
            all.iter().all(|it| it.state.ending == Some(Ending::Expired)).then_some(())
        })
        .await;
        until("the source is read", async || {
            let all = sources::list(site.db()).await.unwrap();
            all[0].last_read.finished_at.filter(|at| *at >= then)
        })
        .await;
    }
}
