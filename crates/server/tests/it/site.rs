//! A running server, and a browser's view of it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use fleetmend_server::{Config, Running};
use fleetmend_store::Db;
use reqwest::{Client, Method, Response};
use serde_json::Value as Json;
use tempfile::TempDir;

/// The administrator of every test.
pub const NAME: &str = "administrator";
/// Their password.
pub const PASSWORD: &str = "a password of the tests";

/// A server of the test's own, on a free port.
pub struct Site {
    running: Running,
    data: TempDir,
    url: String,
    client: Client,
}

/// What is left of a server that was stopped.
pub struct Stopped {
    data: TempDir,
    url: String,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    pub location: String,
    pub cookie: Option<String>,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl Site {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A server that is set up otherwise.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(TempDir::new().unwrap(), "127.0.0.1:0", change).await
    }

    /// Starts a server again that was stopped, on its data and port.
    pub async fn start_again(stopped: Stopped, change: impl FnOnce(&mut Config)) -> Self {
        let listen = stopped.url.trim_start_matches("https://").to_owned();
        Self::start_on(stopped.data, &listen, change).await
    }

    async fn start_on(data: TempDir, listen: &str, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(data.path().join("data"), listen.parse().unwrap());
        change(&mut config);
        let running = fleetmend_server::start(config).await.unwrap();
        let ca = reqwest::Certificate::from_pem(running.ca_pem().as_bytes()).unwrap();
        let client = Client::builder()
            .tls_certs_only([ca])
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_mins(1))
            .build()
            .unwrap();
        let url = running.url().to_owned();
        Self {
            running,
            data,
            url,
            client,
        }
    }

    /// A server with its administrator signed in.
    pub async fn signed_in() -> (Self, Person) {
        Self::signed_in_with(|_| {}).await
    }

    /// The same for a server that is set up otherwise.
    pub async fn signed_in_with(change: impl FnOnce(&mut Config)) -> (Self, Person) {
        let site = Self::start_with(change).await;
        let secret = site.setup_secret().await.unwrap();
        let answer = site.set_up(&secret, NAME, PASSWORD, PASSWORD).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let person = site.person(answer.cookie.unwrap()).await;
        (site, person)
    }

    /// The secret of a setup link, as long as there is no administrator.
    pub async fn setup_secret(&self) -> Option<String> {
        let link = self.running.setup_link_if_needed().await.unwrap()?;
        let (page, secret) = link.split_once('#').unwrap();
        assert_eq!(page, format!("{}/setup", self.url));
        Some(secret.to_owned())
    }

    pub async fn set_up(&self, secret: &str, name: &str, one: &str, two: &str) -> Answer {
        let form = [
            ("secret", secret),
            ("name", name),
            ("password", one),
            ("repeated", two),
        ];
        self.send(Method::POST, "/setup", &[], Some(form_body(&form)))
            .await
    }

    pub async fn log_in(&self, name: &str, password: &str) -> Answer {
        let form = [("name", name), ("password", password)];
        self.send(Method::POST, "/login", &[], Some(form_body(&form)))
            .await
    }

    /// Whoever has this cookie.
    pub async fn person(&self, cookie: String) -> Person {
        let answer = self
            .send(Method::GET, "/api/v1/session", &[("cookie", &cookie)], None)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let csrf = answer.json()["csrf_token"].as_str().unwrap().to_owned();
        Person { cookie, csrf }
    }

    /// Sends a request and reads the answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Body>,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(Body(content_type, bytes)) = body {
            if !content_type.is_empty() {
                request = request.header("content-type", content_type);
            }
            request = request.body(bytes);
        }
        read(request.send().await.unwrap()).await
    }

    /// Sends a request whose body is made on its way, and reads the answer.
    pub async fn stream(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: reqwest::Body,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.body(body).send().await.unwrap()).await
    }

    /// Reads bytes.
    pub async fn bytes(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Vec<u8>) {
        let mut request = self.client.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.bytes().await.unwrap().to_vec())
    }

    /// The answer's head, while its body goes on.
    pub async fn open(&self, path: &str, person: &Person) -> Response {
        let request = self.client.get(format!("{}{path}", self.url));
        request
            .header("cookie", &person.cookie)
            .send()
            .await
            .unwrap()
    }

    /// What trusts the server.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The server itself.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// How many files the server keeps, those on their way in included.
    pub fn kept_files(&self) -> usize {
        let files = std::fs::read_dir(self.data.path().join("data/files")).unwrap();
        let folders = files.map(|it| it.unwrap().path()).filter(|it| it.is_dir());
        let count = |folder| std::fs::read_dir(folder).unwrap().count();
        folders.map(count).sum()
    }

    /// Where the server keeps what is on its way in.
    pub fn incoming(&self) -> PathBuf {
        self.data.path().join("data/files/incoming")
    }

    /// Where the server keeps a file.
    pub fn kept(&self, sha256: &str) -> PathBuf {
        let files = self.data.path().join("data/files");
        files.join(&sha256[..2]).join(sha256)
    }

    /// Stops the server.
    pub async fn stop(self) -> Stopped {
        self.running.stop().await;
        Stopped {
            data: self.data,
            url: self.url,
        }
    }

    /// The server's database, beside the server.
    pub async fn db(&self) -> Db {
        Db::open_sqlite(&self.data.path().join("data/fleetmend.db"))
            .await
            .unwrap()
    }
}

async fn read(response: Response) -> Answer {
    let header = |name: &str| {
        let value = response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.map(str::to_owned)
    };
    let cookie = header("set-cookie").and_then(|it| it.split(';').next().map(str::to_owned));
    Answer {
        status: response.status().as_u16(),
        location: header("location").unwrap_or_default(),
        cookie,
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

/// A content type, where the request's headers do not name it, and the bytes.
pub struct Body(&'static str, Vec<u8>);

impl Body {
    /// Bytes whose kind the headers name.
    pub fn bytes(bytes: Vec<u8>) -> Self {
        Self("", bytes)
    }
}

pub fn form_body(fields: &[(&str, &str)]) -> Body {
    let pairs: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    Body(
        "application/x-www-form-urlencoded",
        pairs.join("&").into_bytes(),
    )
}

pub fn json_body(json: &Json) -> Body {
    Body("application/json", json.to_string().into_bytes())
}

pub fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = write!(encoded, "%{byte:02X}");
        encoded
    })
}

/// A signed-in person.
pub struct Person {
    pub cookie: String,
    pub csrf: String,
}

impl Person {
    /// Reads a page.
    pub async fn get(&self, site: &Site, path: &str) -> Answer {
        site.send(Method::GET, path, &[("cookie", &self.cookie)], None)
            .await
    }

    /// Sends a form of the console.
    pub async fn post(&self, site: &Site, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut all = vec![("csrf", self.csrf.as_str())];
        all.extend_from_slice(fields);
        site.send(
            Method::POST,
            path,
            &[("cookie", &self.cookie)],
            Some(form_body(&all)),
        )
        .await
    }

    /// Sends JSON to the API.
    pub async fn call(&self, site: &Site, path: &str, json: &Json) -> Answer {
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("x-csrf-token", self.csrf.as_str()),
        ];
        site.send(Method::POST, path, &headers, Some(json_body(json)))
            .await
    }
}
