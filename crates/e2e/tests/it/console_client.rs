//! A program that uses the REST API as an administrator would.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fleetmend_e2e::process::wait_until;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsConfigBuilder};

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// How long anything in these tests may take to happen on loaded machines.
pub const PATIENCE: Duration = Duration::from_mins(3);
const USER: &str = "administrator";
const PASSWORD: &str = "a long enough password";

/// A signed-in administrator.
pub struct Console {
    agent: Agent,
    url: String,
    cookie: String,
    csrf: String,
}

/// The status of an answer and its JSON; `null` where it has none.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// What a person reads of an error.
    pub fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    /// What a program reads of an error.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}

/// TLS with the one cryptography that the workspace has.
pub fn tls() -> TlsConfigBuilder {
    TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
}

/// A client that follows no redirect and gives answers of any status.
pub fn client(tls: TlsConfig) -> Agent {
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(REQUEST_LIMIT))
        .build()
        .new_agent()
}

/// The server's certificate authority, as a first contact gets it.
pub fn ca(url: &str) -> Result<Certificate<'static>> {
    let unverified = client(tls().disable_verification(true).build());
    let mut answer = unverified.get(format!("{url}/agent/v1/ca")).call()?;
    let der = answer.body_mut().read_to_vec()?;
    Ok(Certificate::from_der(&der).to_owned())
}

/// An answer's status and JSON.
pub fn read(mut answer: Response<ureq::Body>) -> Result<Answer> {
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string()?;
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Ok(Answer { status, body })
}

impl Console {
    /// Sets the first password by a setup link, as a browser does, and stays signed in.
    pub fn set_up(url: &str, setup_link: &str) -> Result<Self> {
        let trust = RootCerts::from(vec![ca(url)?]);
        let agent = client(tls().root_certs(trust).build());
        let (_, secret) = setup_link
            .trim()
            .split_once("/setup#")
            .context("not a setup link")?;
        let answer = agent.post(format!("{url}/setup")).send_form([
            ("secret", secret),
            ("name", USER),
            ("password", PASSWORD),
            ("repeated", PASSWORD),
        ])?;
        let cookie = answer
            .headers()
            .get("set-cookie")
            .and_then(|it| it.to_str().ok())
            .and_then(|it| it.split(';').next())
            .with_context(|| format!("the setup link gave {}", answer.status()))?;
        let mut console = Self {
            cookie: cookie.to_owned(),
            agent,
            url: url.to_owned(),
            csrf: String::new(),
        };
        let session = console.get("/api/v1/session")?;
        let csrf = session["csrf_token"].as_str();
        csrf.context("a session has a token")?
            .clone_into(&mut console.csrf);
        Ok(console)
    }

    /// The same administrator of the same server, which is at another address now.
    pub fn at(mut self, url: &str) -> Self {
        url.clone_into(&mut self.url);
        self
    }

    /// The same administrator, who trusts whatever keys the server has now.
    pub fn trusting(self, url: &str) -> Result<Self> {
        let trust = RootCerts::from(vec![ca(url)?]);
        let agent = client(tls().root_certs(trust).build());
        Ok(Self { agent, ..self }.at(url))
    }

    /// An answer that must be 200.
    pub fn get(&self, path: &str) -> Result<Value> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let answer = read(request.header("cookie", &self.cookie).call()?)?;
        ensure!(answer.status == 200, "GET {path}: {answer:?}");
        Ok(answer.body)
    }

    /// A page of the console as text.
    pub fn page(&self, path: &str) -> Result<String> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let mut answer = request.header("cookie", &self.cookie).call()?;
        ensure!(answer.status() == 200, "GET {path}: {}", answer.status());
        Ok(answer.body_mut().read_to_string()?)
    }

    /// A change, whatever comes of it.
    pub fn try_post(&self, path: &str, body: &Value) -> Result<Answer> {
        let request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header("cookie", &self.cookie)
            .header("x-csrf-token", &self.csrf)
            .header("content-type", "application/json");
        read(request.send(body.to_string())?)
    }

    /// A change that must succeed.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let answer = self.try_post(path, body)?;
        ensure!(
            matches!(answer.status, 200 | 204),
            "POST {path} {body}: {answer:?}"
        );
        Ok(answer.body)
    }

    /// All devices.
    pub fn devices(&self) -> Result<Vec<Value>> {
        self.items("/api/v1/devices")
    }

    /// All missing patches.
    pub fn missing(&self) -> Result<Vec<Value>> {
        self.items("/api/v1/missing")
    }

    /// The rows of a list's first page.
    pub fn items(&self, path: &str) -> Result<Vec<Value>> {
        let page = self.get(path)?;
        Ok(page["items"]
            .as_array()
            .context("a list has items")?
            .clone())
    }

    /// Waits until a package's patch is missing and the package was looked at as well, and gives the
    /// patch's row. The server tells that it is missing by what the feed says alone, a moment before.
    pub fn wait_missing(&self, package: &str) -> Result<Value> {
        let is_looked_at = |row: &Value| {
            let why = row["not_deployable"].as_str().unwrap_or_default();
            !why.starts_with("its package was not fetched and analysed yet")
        };
        wait_until(&format!("{package} is missing"), PATIENCE, || {
            let mut rows = self.missing()?.into_iter();
            Ok(rows.find(|it| it["patch"]["name"] == package && is_looked_at(it)))
        })
    }

    /// Waits until a package's patch is not missing any more.
    pub fn wait_not_missing(&self, package: &str) -> Result<()> {
        wait_until(&format!("{package} is not missing"), PATIENCE, || {
            let rows = self.missing()?;
            let is_missing = rows.iter().any(|it| it["patch"]["name"] == package);
            Ok((!is_missing).then_some(()))
        })
    }

    /// Approves a patch for normal systems.
    pub fn approve(&self, patch: i64) -> Result<()> {
        let decided = json!([{"patch": patch, "system_type": "normal"}]);
        let body = json!({"patches": decided, "decision": "approved"});
        self.post("/api/v1/approvals", &body).map(drop)
    }

    /// Deploys a patch to all that lack it; gives the plan.
    pub fn deploy(&self, patch: i64) -> Result<Value> {
        self.post("/api/v1/deployments", &json!({"patch": patch}))
    }

    /// The jobs of a patch, newest first.
    pub fn jobs_of(&self, patch: i64) -> Result<Vec<Value>> {
        self.items(&format!("/api/v1/deploy-jobs?patch={patch}"))
    }

    /// One job with its history.
    pub fn job(&self, id: i64) -> Result<Value> {
        self.get(&format!("/api/v1/deploy-jobs/{id}"))
    }

    /// Approves and deploys a package's patch; gives the id of its only job.
    pub fn approve_and_deploy(&self, package: &str) -> Result<i64> {
        let row = self.wait_missing(package)?;
        let patch = row["patch"]["id"].as_i64().context("a patch has an id")?;
        self.approve(patch)?;
        // A patch is known to be missing before its package was fetched and read.
        let plan = wait_until("the package was analysed", PATIENCE, || {
            let plan = self.deploy(patch)?;
            let is_early = plan["devices"][0]["reason"]["why"] == "not_analysed";
            Ok((!is_early).then_some(plan))
        })?;
        ensure!(plan["deployment"].is_i64(), "nothing deploys: {plan}");
        self.only_job_of(patch)
    }

    /// The id of a patch's one job.
    pub fn only_job_of(&self, patch: i64) -> Result<i64> {
        let jobs = self.jobs_of(patch)?;
        ensure!(jobs.len() == 1, "patch {patch} has {} jobs", jobs.len());
        jobs[0]["id"].as_i64().context("a job has an id")
    }

    /// Waits until a job is over, and gives it with its history.
    pub fn wait_over(&self, job: i64) -> Result<Value> {
        let mut last = Value::Null;
        let over = wait_until("the job is over", PATIENCE, || {
            last = self.job(job)?;
            let is_over = last["job"]["status"]["is_final"] == true;
            Ok(is_over.then_some(()))
        });
        over.with_context(|| last.to_string())?;
        Ok(last)
    }

    /// Waits until a job was in a status.
    pub fn wait_status(&self, job: i64, number: i64) -> Result<()> {
        let mut last = Value::Null;
        let reached = wait_until("the job has the status", PATIENCE, || {
            last = self.job(job)?;
            Ok(numbers(&last).contains(&number).then_some(()))
        });
        reached.with_context(|| format!("status {number}: {last}"))
    }
}

/// The numbers of a job's recorded statuses, oldest first.
pub fn numbers(job: &Value) -> Vec<i64> {
    let transitions = job["transitions"].as_array();
    let numbers = transitions.into_iter().flatten();
    numbers
        .filter_map(|it| it["status"]["number"].as_i64())
        .collect()
}
