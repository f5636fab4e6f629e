//! What the administrator's commands leave in the audit log.

use fleetmend_server::Given;
use fleetmend_store::Page;
use fleetmend_store::audit::{self, AuditFilter};

use crate::site::Site;

#[tokio::test]
async fn what_commands_change_is_in_the_audit_log_with_the_systems_user() {
    let site = Site::start().await;
    let handle = site.running().handle();
    handle.enrol_token("the web server", 1).await.unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let folder = folder.path().to_str().unwrap();
    handle.add_source(&Given::at(folder)).await.unwrap();
    handle
        .add_source(&Given::at(folder))
        .await
        .expect_err("it is there already");
    handle
        .add_source(&Given::at("relative/folder"))
        .await
        .expect_err("no full path");
    let listed = audit::list(&site.db().await, &AuditFilter::default(), &Page::first(10)).await;
    let entries: Vec<_> = listed.unwrap().rows.into_iter().map(|it| it.1).collect();
    let shown: Vec<_> = entries.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(shown, ["add_source", "make_enrol_token"]);
    for entry in &entries {
        assert_eq!(entry.from_address, "command line");
        assert!(!entry.who.is_empty() && entry.who != "unknown");
    }
    assert!(entries[0].after.as_deref().unwrap().contains(folder));
    assert!(
        entries[1]
            .after
            .as_deref()
            .unwrap()
            .contains("the web server")
    );
}
