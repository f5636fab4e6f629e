//! Pushes that are none.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use reqwest::Method;

use crate::feed::{key, package, push};
use crate::site::{Body, Site};

#[tokio::test]
async fn a_push_whose_file_does_not_begin_is_refused_before_it_ends() {
    let (site, person) = Site::signed_in().await;
    let secret = key(&site, &person, "build", true).await;
    let headers = [
        ("x-nuget-apikey", secret.as_str()),
        ("content-type", "multipart/form-data; boundary=x"),
    ];
    for begin in ["", "--x\r\nContent-Disposition: form-data; name=\""] {
        let mut noise = begin.as_bytes().to_vec();
        noise.resize(80 * 1024, b'-');
        let parts = noise.chunks(8 * 1024).map(Bytes::copy_from_slice);
        let parts: Vec<_> = parts.map(Ok::<_, std::io::Error>).collect();
        // It never ends.
        let body = stream::iter(parts).chain(stream::pending());
        let body = reqwest::Body::wrap_stream(body);
        let answer = site.stream(Method::PUT, "/feed/v2/", &headers, body).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert!(
            answer.text.contains("no file within its first 65536 bytes"),
            "{}",
            answer.text
        );
    }
    let answer = push(&site, "/feed/v2/", &secret, &package("acme", "1.0")).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
}

#[tokio::test]
async fn a_page_of_another_site_cannot_make_a_browser_push_or_hide() {
    let (site, person) = Site::signed_in().await;
    let secret = key(&site, &person, "build", true).await;
    push(&site, "/feed/v2/", &secret, &package("acme", "1.0")).await;
    let own = site.running().url().to_owned();
    let cases = [
        (("origin", "https://evil.example"), 403),
        (("origin", "null"), 403),
        (("sec-fetch-site", "cross-site"), 403),
        (("sec-fetch-site", "same-site"), 403),
        (("origin", own.as_str()), 204),
        (("sec-fetch-site", "same-origin"), 204),
        (("accept", "*/*"), 204),
    ];
    for (header, status) in cases {
        let headers = [("x-nuget-apikey", secret.as_str()), header];
        let path = "/feed/v2/acme/1.0.0";
        let answer = site.send(Method::DELETE, path, &headers, None).await;
        assert_eq!(answer.status, status, "{header:?}: {}", answer.text);
        if status == 403 {
            assert!(answer.text.contains("another site"), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_batch_of_requests_is_told_apart_from_a_push() {
    let (site, person) = Site::signed_in().await;
    let reads = key(&site, &person, "reads", false).await;
    let path = "/feed/v2/$batch";
    for (headers, status) in [
        (&[][..], 401),
        (&[("x-nuget-apikey", reads.as_str())][..], 404),
    ] {
        let body = Some(Body::bytes(b"--batch".to_vec()));
        let answer = site.send(Method::POST, path, headers, body).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        if status == 404 {
            assert!(answer.text.contains("no batches"), "{}", answer.text);
        }
    }
}
