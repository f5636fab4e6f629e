//! What pages show and do.

use std::time::Duration;

use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_store::{approvals, deploy_jobs, devices};
use futures_util::StreamExt as _;

use crate::seed;
use crate::site::Site;

#[tokio::test]
async fn a_list_goes_on_where_its_page_ended_and_keeps_its_filter() {
    let (site, person) = Site::signed_in().await;
    let db = site.db().await;
    let mut tx = db.begin().await.unwrap();
    for n in 0..150 {
        seed::device(&mut tx, &format!("web-{n:03}"), "text").await;
    }
    seed::device(&mut tx, "other", "text").await;
    tx.commit().await.unwrap();
    let mut path = "/devices?hostname=web".to_owned();
    let mut found = Vec::new();
    loop {
        let page = person.get(&site, &path).await.text;
        let names = page
            .split("/devices/")
            .filter_map(|it| it.split_once("\">web-"));
        found.extend(names.map(|(_, rest)| rest[..3].to_owned()));
        let Some((before, _)) = page.split_once("\" rel=\"next\"") else {
            break;
        };
        path = before.rsplit('"').next().unwrap().replace("&#38;", "&");
    }
    let expected: Vec<_> = (0..150).map(|n| format!("{n:03}")).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn the_devices_page_shows_scan_missing_patches_and_reboot() {
    let (site, person) = Site::signed_in().await;
    let seeded = seed::everything(&site.db().await, "some text").await;
    let page = person.get(&site, "/devices").await.text;
    for part in [
        "New patch scan job is posted",
        "Normal Systems",
        "OS Patches: 1",
        "Third Party Patches: 0",
        &format!("href=\"/devices/{}?patch_type=os#missing\"", seeded.device),
        "Restart due",
        "Down: it missed two check-ins",
        "<time datetime=\"2026-09-21T",
    ] {
        assert!(page.contains(part), "{part} is not on {page}");
    }
    for (filter, is_there) in [
        ("hostname=SOME", true),
        ("hostname=any", false),
        ("os_family=linux", true),
        ("os_family=windows", false),
        ("system_type=normal", true),
        ("system_type=critical", false),
        ("scan_status=1", true),
        ("scan_status=3", false),
    ] {
        let page = person.get(&site, &format!("/devices?{filter}")).await;
        assert_eq!(page.text.contains("some text</a>"), is_there, "{filter}");
    }
    let wrong = person.get(&site, "/devices?system_type=every").await;
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.text.contains("Field &#39;system_type&#39;"),
        "{}",
        wrong.text
    );
}

#[tokio::test]
async fn approving_is_for_one_system_type_and_disapproving_says_why() {
    let (site, person) = Site::signed_in().await;
    let db = site.db().await;
    let patch = seed::everything(&db, "text").await.patch;
    let normal = format!("{patch}:normal");
    let page = person
        .get(&site, "/missing?approval=disapproved")
        .await
        .text;
    assert!(page.contains(&format!("value=\"{normal}\"")), "{page}");
    let answer = person
        .post(&site, "/missing/approve", &[("target", &normal)])
        .await;
    assert_eq!(answer.location, "/missing?done=approved&n=1");
    let decision = |system_type| {
        let db = db.clone();
        async move { approvals::get(&db, patch, system_type).await.unwrap() }
    };
    assert_eq!(
        decision(SystemType::Normal).await.unwrap().decision,
        Approval::Approved
    );
    assert_eq!(decision(SystemType::Critical).await, None);
    let fields = [
        ("target", normal.as_str()),
        ("reason", "breaks the printers"),
    ];
    person.post(&site, "/missing/disapprove", &fields).await;
    let row = decision(SystemType::Normal).await.unwrap();
    assert_eq!(
        (row.decision, row.reason.as_str()),
        (Approval::Disapproved, "breaks the printers")
    );
    let page = person.get(&site, &format!("/missing/{patch}")).await.text;
    assert!(page.contains("breaks the printers"), "{page}");
    let audit = person.get(&site, "/audit").await.text;
    assert!(audit.contains("Disapproved breaks the printers"), "{audit}");
}

#[tokio::test]
async fn a_preview_posts_nothing_and_names_who_is_left_out_and_why() {
    let (site, person) = Site::signed_in().await;
    let db = site.db().await;
    let mut tx = db.begin().await.unwrap();
    let normal = seed::device(&mut tx, "normal-one", "text").await;
    let critical = seed::device(&mut tx, "critical-one", "text").await;
    devices::set_system_type(&mut tx, &[critical], SystemType::Critical)
        .await
        .unwrap();
    let patch = seed::patch(&mut tx, "Some patch", "1.2").await;
    seed::lack(&mut tx, &[normal, critical], patch, "1.1").await;
    tx.commit().await.unwrap();
    let one = format!("{patch}:normal");
    person
        .post(&site, "/missing/approve", &[("target", &one)])
        .await;

    let both = [format!("{patch}:{normal}"), format!("{patch}:{critical}")];
    let targets = [("target", both[0].as_str()), ("target", both[1].as_str())];
    let preview = person.post(&site, "/deploy/preview", &targets).await.text;
    assert!(preview.contains("Deploy now: 1 job<"), "{preview}");
    assert!(
        preview.contains("not approved for Critical Systems: approve the patch first"),
        "{preview}"
    );
    assert!(
        deploy_jobs::open_of_device(&db, normal)
            .await
            .unwrap()
            .is_empty()
    );

    let done = person.post(&site, "/deploy", &targets).await.text;
    assert!(done.contains("1 deploy job was posted."), "{done}");
    assert_eq!(
        deploy_jobs::open_of_device(&db, normal)
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(
        deploy_jobs::open_of_device(&db, critical)
            .await
            .unwrap()
            .is_empty()
    );
    let page = person.get(&site, "/deployments").await.text;
    assert!(
        page.contains("normal-one") && !page.contains("critical-one"),
        "{page}"
    );
}

#[tokio::test]
async fn a_job_shows_its_states_and_offers_what_the_state_allows() {
    let (site, person) = Site::signed_in().await;
    let db = site.db().await;
    let seeded = seed::everything(&db, "text").await;
    let page = person
        .get(&site, &format!("/deployments/{}", seeded.job))
        .await
        .text;
    assert!(
        page.contains("Patch deployment job is posted (Cancelled)"),
        "{page}"
    );
    assert!(
        page.contains(">Redeploy<") && !page.contains(">Cancel<"),
        "{page}"
    );
    let filtered = person.get(&site, "/deployments?ending=expired").await.text;
    assert!(
        filtered.contains("No deploy job fits the filter."),
        "{filtered}"
    );
    let cancel = [("cancel", "1")];
    let refused = person.post(&site, "/deployments/cancel", &cancel).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
}

#[tokio::test]
async fn a_new_token_is_shown_once_inside_the_commands_for_both_systems() {
    let (site, person) = Site::signed_in().await;
    let fields = [("label", "the new web server"), ("hours", "24")];
    let page = person.post(&site, "/enrol", &fields).await.text;
    let token = page
        .split("echo ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    assert!(
        fleetmend_trust::EnrolToken::from_text(token).is_ok(),
        "{token}"
    );
    assert!(
        page.contains(&format!("{token} | fleetmend-agent enrol")),
        "{page}"
    );
    assert!(
        page.contains(&format!("{token}&#39; | .\\fleetmend-agent.exe enrol"))
            || page.contains(&format!("'{token}' | .\\fleetmend-agent.exe enrol")),
        "{page}"
    );
    let later = person.get(&site, "/enrol").await.text;
    assert!(
        later.contains("the new web server") && !later.contains(token),
        "{later}"
    );
    for url in ["http://plain.example", "https://host/path", "evil"] {
        let answer = person.post(&site, "/enrol", &[("url", url)]).await;
        assert_eq!(answer.status, 400, "{url}");
    }
}

#[tokio::test]
async fn an_open_page_is_told_of_changes() {
    let (site, person) = Site::signed_in().await;
    let device = seed::everything(&site.db().await, "text")
        .await
        .device
        .to_string();
    let answer = site.open("/live", &person).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut events = answer.bytes_stream();
    let mut next = async || {
        let event = tokio::time::timeout(Duration::from_secs(30), events.next()).await;
        String::from_utf8(event.unwrap().unwrap().unwrap().to_vec()).unwrap()
    };
    assert_eq!(
        next().await,
        "data: changed\n\n",
        "the page reads itself once it listens"
    );
    let fields = [("device", device.as_str()), ("system_type", "critical")];
    person.post(&site, "/devices/system-type", &fields).await;
    assert_eq!(next().await, "data: changed\n\n");
}
