//! Texts that devices, packages and sources choose.

use crate::seed;
use crate::site::{Site, encode};

/// Would run a script, leave an attribute, end a cell, or begin another line.
const HOSTILE: &str =
    "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;{{7*7}}\u{7}\u{202e}\r\n";

#[tokio::test]
async fn texts_from_outside_are_shown_and_never_become_part_of_a_page() {
    let (site, person) = Site::signed_in().await;
    let seeded = seed::everything(&site.db().await, HOSTILE).await;
    let (device, patch, job) = (seeded.device, seeded.patch, seeded.job);
    let query = encode(HOSTILE);
    let target = format!("{patch}:{device}");
    let pages = [
        person.get(&site, "/devices").await,
        person.get(&site, &format!("/devices/{device}")).await,
        person.get(&site, "/missing").await,
        person.get(&site, &format!("/missing/{patch}")).await,
        person.get(&site, "/holds").await,
        person.get(&site, "/deployments").await,
        person.get(&site, &format!("/deployments/{job}")).await,
        person.get(&site, "/downloads").await,
        person.get(&site, "/quarantine").await,
        person.get(&site, "/sources").await,
        person.get(&site, "/sources/1").await,
        person.get(&site, "/enrol").await,
        person.get(&site, "/audit").await,
        person
            .get(&site, &format!("/devices?hostname={query}"))
            .await,
        person
            .get(&site, &format!("/missing?title={query}&hostname={query}"))
            .await,
        person
            .get(&site, &format!("/deployments?title={query}"))
            .await,
        person.get(&site, &format!("/login?next={query}")).await,
        person
            .post(&site, "/deploy/preview", &[("target", &target)])
            .await,
        person
            .post(&site, "/sources", &[("location", HOSTILE)])
            .await,
        person.post(&site, "/enrol", &[("url", HOSTILE)]).await,
        person
            .get(&site, &format!("/devices?system_type={query}"))
            .await,
        site.log_in(HOSTILE, "wrong").await,
        site.set_up(HOSTILE, HOSTILE, "a", "b").await,
    ];
    let mut shown = 0;
    for (n, page) in pages.iter().enumerate() {
        assert!(
            page.text.starts_with("<!doctype html>"),
            "{n}: {}",
            page.text
        );
        for raw in ["<script>", "<img", "onerror='", "\">alert", "49"] {
            if raw == "49" {
                assert!(!page.text.contains(">49<"), "{n} evaluates templates");
            } else {
                assert!(!page.text.contains(raw), "{n} has {raw}: {}", page.text);
            }
        }
        shown += usize::from(page.text.contains("&#60;script&#62;"));
    }
    assert!(
        shown >= 15,
        "only {shown} pages show the text: the test would not notice"
    );
}

#[tokio::test]
async fn texts_from_outside_come_through_the_api_as_they_are() {
    let (site, person) = Site::signed_in().await;
    let seeded = seed::everything(&site.db().await, HOSTILE).await;
    let answer = person
        .get(&site, &format!("/api/v1/devices/{}", seeded.device))
        .await;
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(answer.json()["hostname"], HOSTILE);
}
