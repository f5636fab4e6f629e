//! By which address a server is reached, and that commands and certificates follow it.

use std::path::Path;

use fleetmend_server::{Config, Running};
use fleetmend_trust::EnrolToken;
use tempfile::TempDir;

use crate::folder::config;

/// A configuration for an address.
fn at(data: &Path, url: &str) -> Config {
    let mut config = config(data);
    config.url = Some(url.to_owned());
    config
}

/// The address in a token and in a link that the administrator's commands make.
async fn told(config: Config) -> (String, String) {
    let opened = fleetmend_server::open(config).await.unwrap();
    let token = opened.enrol_token("", 1).await.unwrap();
    let link = opened.setup_link().await.unwrap();
    let page = link.split_once("/setup#").unwrap().0;
    (
        EnrolToken::from_text(&token).unwrap().server_url,
        page.to_owned(),
    )
}

#[tokio::test]
async fn commands_give_the_address_of_the_last_start_unless_they_are_told_another() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let first = fleetmend_server::start(at(&data, "https://first.example.org:8443/")).await;
    let first = first.unwrap();
    let url = "https://first.example.org:8443".to_owned();
    assert_eq!(told(config(&data)).await, (url.clone(), url.clone()));
    first.stop().await;
    assert_eq!(
        told(config(&data)).await,
        (url.clone(), url),
        "also when it does not run"
    );

    let second = fleetmend_server::start(config(&data)).await.unwrap();
    let url = second.url().to_owned();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    assert_eq!(told(config(&data)).await, (url.clone(), url));
    let other = "https://other.example.org";
    assert_eq!(
        told(at(&data, other)).await,
        (other.to_owned(), other.to_owned())
    );
    second.stop().await;
}

#[tokio::test]
async fn an_address_that_no_device_could_use_is_refused() {
    let folder = TempDir::new().unwrap();
    for url in ["patch.example.org", "http://patch.example.org", "https://"] {
        let config = at(&folder.path().join("data"), url);
        let started = fleetmend_server::start(config).await;
        let said = format!("{:#}", started.err().expect("it is refused"));
        assert!(
            said.contains(url) && said.contains("https://patch.example.org:8443"),
            "{said}"
        );
    }
}

/// Whether a client that trusts the server's CA reaches it by a name.
async fn answers_to(server: &Running, name: &str) -> bool {
    let address = server.app().local_url.trim_start_matches("https://");
    let address: std::net::SocketAddr = address.parse().unwrap();
    let ca = reqwest::Certificate::from_pem(server.ca_pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([ca])
        .resolve(name, address)
        .build()
        .unwrap();
    let url = format!("https://{name}:{}/agent/v1/ca", address.port());
    client
        .get(url)
        .send()
        .await
        .is_ok_and(|it| it.status() == 200)
}

#[tokio::test]
async fn the_servers_certificate_is_made_anew_for_the_names_of_each_start() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let mut authorities = Vec::new();
    for (url, other) in [
        ("https://first.example.org", "second.example.org"),
        ("https://second.example.org", "first.example.org"),
    ] {
        let server = fleetmend_server::start(at(&data, url)).await.unwrap();
        assert!(answers_to(&server, url.trim_start_matches("https://")).await);
        assert!(answers_to(&server, "localhost").await);
        assert!(!answers_to(&server, other).await);
        authorities.push(server.ca_pem().to_owned());
        server.stop().await;
    }
    assert_eq!(
        authorities[0], authorities[1],
        "who trusted it trusts it still"
    );
}
