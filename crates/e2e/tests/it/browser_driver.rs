//! A headless Chromium, driven through `WebDriver` by the HTTP calls of its specification.
//!
//! Source: W3C `WebDriver` (<https://www.w3.org/TR/webdriver2/>), and for what begins with `goog`,
//! `ChromeDriver`'s capabilities and commands.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use fleetmend_e2e::cache;
use fleetmend_e2e::process::{self, Running};
use fleetmend_e2e::work_dir::WorkDir;
use serde_json::{Value, json};

use crate::console_client::PATIENCE;
use crate::server_process::program;

/// How long one call of the driver may take; Chromium's start is one.
const CALL_TIMEOUT: Duration = Duration::from_mins(1);
/// The name under which `WebDriver` answers with an element (section 12.1 of the specification).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Window sizes that every page is looked at in: a desk's, and a telephone's.
const WIDTHS: [(&str, u32); 2] = [("", 1280), ("-narrow", 390)];
/// What a page does while it is replaced by the next one, or refreshes itself: try again.
const PASSING_ERRORS: [&str; 4] = [
    "no such element",
    "stale element reference",
    "element click intercepted",
    "element not interactable",
];

/// How an element is found.
#[derive(Debug, Clone)]
pub struct By {
    using: &'static str,
    value: String,
}

impl By {
    pub fn css(selector: &str) -> Self {
        Self {
            using: "css selector",
            value: selector.to_owned(),
        }
    }

    /// A link by the whole of its text.
    pub fn link(text: &str) -> Self {
        Self {
            using: "link text",
            value: text.to_owned(),
        }
    }

    pub fn xpath(path: impl Into<String>) -> Self {
        Self {
            using: "xpath",
            value: path.into(),
        }
    }
}

/// One browser window with a profile of its own. Ends on drop.
pub struct Browser {
    http: ureq::Agent,
    session: String,
    // Dropped before the folder that it works in.
    _driver: Running,
    profile: WorkDir,
}

/// What `WebDriver` refused: its error's name, and the message.
#[derive(Debug)]
struct Refused(String, String);

impl Browser {
    /// Starts Chromium, with or without JavaScript for pages.
    pub fn start(javascript: bool) -> Result<Self> {
        let profile = WorkDir::new_short("chromium")?;
        // A test that is killed runs no destructor: by these the driver ends with it all the same,
        // and Chromium with the driver.
        let chromium = profile.path().join("chromium");
        let script = format!(
            "#!/bin/sh\nexec setpriv --pdeathsig KILL -- '{}' \"$@\"\n",
            program("FLEETMEND_CHROMIUM").display()
        );
        fs::write(&chromium, script)?;
        fs::set_permissions(&chromium, fs::Permissions::from_mode(0o755))?;
        let mut driver = Running::spawn(
            Command::new("setpriv")
                .args(["--pdeathsig", "KILL", "--"])
                .arg(program("FLEETMEND_CHROMEDRIVER"))
                .arg("--port=0")
                .env("HOME", profile.path()),
        )?;
        let port = driver.wait_until("ChromeDriver says its port", CALL_TIMEOUT, |driver| {
            let output = driver.stdout()?;
            let port = output.split_once("started successfully on port ");
            Ok(port.and_then(|(_, rest)| Some(rest.split_once('.')?.0.to_owned())))
        })?;
        let http = ureq::Agent::config_builder()
            .timeout_global(Some(CALL_TIMEOUT))
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .new_agent();
        let mut browser = Self {
            http,
            session: format!("http://127.0.0.1:{port}/session"),
            _driver: driver,
            profile,
        };
        let user_data = browser.profile.path().join("user-data");
        let javascript_setting = if javascript { 1 } else { 2 };
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            // The server's certificate is of its own authority.
            "acceptInsecureCerts": true,
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "binary": chromium,
                "args": [
                    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                    "--no-first-run", "--disable-background-networking",
                    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
                    "--no-proxy-server", "--ignore-certificate-errors", "--hide-scrollbars",
                    format!("--user-data-dir={}", user_data.display()),
                ],
                "prefs": {
                    "profile.managed_default_content_settings.javascript": javascript_setting,
                    "credentials_enable_service": false,
                },
            },
        }}});
        let session = browser.call("POST", "", &wanted)?;
        let id = session["sessionId"].as_str().context("a session's id")?;
        browser.session = format!("{}/{id}", browser.session);
        Ok(browser)
    }

    /// Goes to an address.
    pub fn open(&self, url: &str) -> Result<()> {
        self.call("POST", "/url", &json!({ "url": url }))?;
        Ok(())
    }

    /// The address of the page that is shown.
    pub fn url(&self) -> Result<String> {
        text_of(self.call("GET", "/url", &Value::Null)?)
    }

    /// Waits for an element and clicks on it.
    pub fn click(&self, by: &By) -> Result<()> {
        self.with_element(by, |element| {
            let path = format!("/element/{element}/click");
            self.try_call("POST", &path, &json!({})).map(drop)
        })
    }

    /// Waits for a field and types into it, in place of what stands there.
    pub fn fill(&self, by: &By, text: &str) -> Result<()> {
        self.with_element(by, |element| {
            self.try_call("POST", &format!("/element/{element}/clear"), &json!({}))?;
            let path = format!("/element/{element}/value");
            self.try_call("POST", &path, &json!({ "text": text }))
                .map(drop)
        })
    }

    /// Waits for an element and gives its text as a person sees it.
    pub fn text(&self, by: &By) -> Result<String> {
        text_of(self.with_element(by, |element| {
            self.try_call("GET", &format!("/element/{element}/text"), &Value::Null)
        })?)
    }

    /// Waits for an element and gives one of its properties.
    pub fn property(&self, by: &By, name: &str) -> Result<Value> {
        self.with_element(by, |element| {
            let path = format!("/element/{element}/property/{name}");
            self.try_call("GET", &path, &Value::Null)
        })
    }

    /// Waits for an element.
    pub fn see(&self, by: &By) -> Result<()> {
        self.with_element(by, |_| Ok(()))
    }

    /// Whether there is an element on the page now.
    pub fn has(&self, by: &By) -> Result<bool> {
        match self.find(by) {
            Ok(_) => Ok(true),
            Err(Failure::Passing(_)) => Ok(false),
            Err(Failure::Lasting(error)) => Err(error),
        }
    }

    /// Waits until there is no such element on the page.
    pub fn see_none(&self, by: &By) -> Result<()> {
        self.wait(&format!("there is no {}", by.value), || {
            Ok((!self.has(by)?).then_some(()))
        })
    }

    /// Runs a script's text in the page and gives what it returns.
    pub fn script(&self, text: &str) -> Result<Value> {
        self.call(
            "POST",
            "/execute/sync",
            &json!({ "script": text, "args": [] }),
        )
    }

    /// What Chromium wrote to its console since the last call: errors of scripts, refused and
    /// failed requests, violations of the content security policy.
    pub fn console(&self) -> Result<Vec<String>> {
        let entries = self.call("POST", "/se/log", &json!({ "type": "browser" }))?;
        let entries = entries.as_array().context("a list of log entries")?;
        Ok(entries
            .iter()
            .map(|it| format!("{} {}", it["level"], it["message"]))
            .collect())
    }

    /// Pictures of the whole page, in a wide and in a narrow window, into the folder that
    /// `FLEETMEND_SCREENSHOTS` names (`screenshots` in the target directory by default). A page
    /// that must be scrolled sideways is an error.
    pub fn screenshot(&self, name: &str) -> Result<()> {
        let folder = std::env::var_os("FLEETMEND_SCREENSHOTS")
            .map_or_else(|| cache::target_dir().join("screenshots"), PathBuf::from);
        fs::create_dir_all(&folder)?;
        for (suffix, width) in WIDTHS {
            let size = json!({
                "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false,
            });
            self.devtools("Emulation.setDeviceMetricsOverride", &size)?;
            let layout = self.devtools("Page.getLayoutMetrics", &json!({}))?;
            let picture = self.devtools(
                "Page.captureScreenshot",
                &json!({ "format": "png", "captureBeyondViewport": true }),
            )?;
            let picture = picture["data"].as_str().context("a picture")?;
            let picture = base64::engine::general_purpose::STANDARD.decode(picture)?;
            fs::write(folder.join(format!("{name}{suffix}.png")), picture)?;
            let content = layout["cssContentSize"]["width"].as_u64();
            let content = content.context("the width of the page")?;
            ensure!(
                content <= u64::from(width),
                "the page '{name}' is {content} pixels wide in a window of {width}"
            );
        }
        self.devtools("Emulation.clearDeviceMetricsOverride", &json!({}))?;
        Ok(())
    }

    fn devtools(&self, command: &str, parameters: &Value) -> Result<Value> {
        let body = json!({ "cmd": command, "params": parameters });
        self.call("POST", "/goog/cdp/execute", &body)
    }

    fn with_element<T>(&self, by: &By, act: impl Fn(&str) -> Result<T, Failure>) -> Result<T> {
        self.wait(&format!("there is {}", by.value), || {
            match self.find(by).and_then(|element| act(&element)) {
                Ok(value) => Ok(Some(value)),
                Err(Failure::Passing(_)) => Ok(None),
                Err(Failure::Lasting(error)) => Err(error),
            }
        })
    }

    fn find(&self, by: &By) -> Result<String, Failure> {
        let body = json!({ "using": by.using, "value": by.value });
        let found = self.try_call("POST", "/element", &body)?;
        let element = found[ELEMENT].as_str().context("an element's id");
        Ok(element.map_err(Failure::Lasting)?.to_owned())
    }

    /// Waits for a condition; when it does not come, the error shows what the page says instead.
    fn wait<T>(&self, what: &str, condition: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        process::wait_until(what, PATIENCE, condition).with_context(|| {
            let body = self.find(&By::css("body")).ok();
            let text = body.and_then(|body| {
                let path = format!("/element/{body}/text");
                self.call("GET", &path, &Value::Null).ok()
            });
            let text = text.and_then(|it| text_of(it).ok()).unwrap_or_default();
            format!(
                "the page {} says:\n{text}\n",
                self.url().unwrap_or_default()
            )
        })
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        match self.try_call(method, path, body) {
            Ok(value) => Ok(value),
            Err(Failure::Passing(error)) => bail!("{path}: {error}"),
            Err(Failure::Lasting(error)) => Err(error),
        }
    }

    fn try_call(&self, method: &str, path: &str, body: &Value) -> Result<Value, Failure> {
        let answer = self.request(method, path, body).map_err(Failure::Lasting)?;
        match answer {
            Ok(value) => Ok(value),
            Err(Refused(error, _)) if PASSING_ERRORS.contains(&error.as_str()) => {
                Err(Failure::Passing(error))
            }
            Err(Refused(error, message)) => {
                let text = format!("the browser refuses {path}: {error}: {message}");
                Err(Failure::Lasting(anyhow::anyhow!(text)))
            }
        }
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> Result<Result<Value, Refused>> {
        let url = format!("{}{path}", self.session);
        let mut response = match method {
            "GET" => self.http.get(url).call(),
            "DELETE" => self.http.delete(url).call(),
            _ => self
                .http
                .post(url)
                .content_type("application/json")
                .send(body.to_string()),
        }
        .with_context(|| format!("the driver does not answer {path}"))?;
        // Pictures are large.
        let text = response
            .body_mut()
            .with_config()
            .limit(100_000_000)
            .read_to_string()?;
        let mut answer: Value = serde_json::from_str(&text).context("the driver's answer")?;
        let value = answer["value"].take();
        match value["error"].as_str() {
            Some(error) => {
                let message = value["message"].as_str().unwrap_or_default();
                Ok(Err(Refused(error.to_owned(), message.to_owned())))
            }
            None => Ok(Ok(value)),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends Chromium; the driver's own end would leave its children to be found.
        let _ = self.request("DELETE", "", &Value::Null);
    }
}

/// Why something could not be done with an element.
enum Failure {
    /// It may be possible in a moment.
    Passing(String),
    Lasting(anyhow::Error),
}

fn text_of(value: Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        other => bail!("a text was expected instead of {other}"),
    }
}
