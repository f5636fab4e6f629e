//! The server killed while it works: taking inventories, reading a source, getting files from the
//! 'internet', putting an installer into its package, putting a version in quarantine, handing out
//! orders and storing reports. On both databases the flow completes; nothing is lost, nothing happens
//! twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fleetmend_e2e::feed::{Fault, FeedSite};
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_e2e::pe::Pe;
use fleetmend_e2e::postgres::{Database, Postgres};
use fleetmend_e2e::process::wait_until;
use fleetmend_trust::digest_hex;
use serde_json::{Value, json};

use crate::agent_client::{Device, check_in, host};
use crate::console_client::{Answer, Console, PATIENCE, numbers};
use crate::server_process::Server;

/// How long after something was begun the server is killed, in milliseconds, in turns.
const MOMENTS: [u64; 6] = [0, 2, 5, 10, 20, 50];

#[test]
fn a_server_killed_while_it_works_loses_nothing_and_does_nothing_twice_on_sqlite() {
    for first in 0..MOMENTS.len() {
        all(Server::start().unwrap(), first).unwrap();
    }
}

#[test]
fn a_server_killed_while_it_works_loses_nothing_and_does_nothing_twice_on_postgres() {
    let postgres = Postgres::start().unwrap();
    for first in [0, 3] {
        let database = Database::create(&postgres.url()).unwrap();
        let server = Server::start_on(Some(database.url())).unwrap();
        all(server, first).unwrap();
    }
}

/// The whole way, the first kill at the given one of the moments.
fn all(server: Server, first: usize) -> Result<()> {
    let mut fleet = Fleet::new(server, first)?;
    fleet.inventories()?;
    fleet.source()?;
    fleet.internalizing()?;
    fleet.quarantine()?;
    fleet.deployment()
}

/// The good tool's installer, and the one that is not what its package says.
const GOOD: &str = "good.exe";
const BAD: &str = "bad.exe";
/// The one that is put into its package.
const INNER: &str = "inner.exe";

fn content(name: &str) -> Vec<u8> {
    Pe::new(name, "2.0")
        .carrying(name.as_bytes().repeat(20_000))
        .build()
}

/// A server, a device, and a feed.
struct Fleet {
    server: Server,
    console: Console,
    device: Device,
    site: FeedSite,
    /// The number of the device's last report.
    sequence: i64,
    kills: usize,
}

impl Fleet {
    fn new(server: Server, first: usize) -> Result<Self> {
        let console = server.console()?;
        let device = Device::enrol(server.url(), &server.token()?)?;
        let site = FeedSite::start()?;
        for (id, file) in [
            ("good-tool", GOOD),
            ("bad-tool", BAD),
            ("inner-tool", INNER),
        ] {
            site.add_file(file, content(file));
            let digest = digest_hex(&content(file));
            let nupkg = Nupkg::new(id, "2.0").title(id).downloading_exe(
                &site.file_url(file),
                &digest,
                &format!("{id}*"),
            );
            site.add_package(&nupkg)?;
        }
        Ok(Self {
            server,
            console,
            device,
            site,
            sequence: 0,
            kills: first,
        })
    }

    /// How long after something began the server is killed this time.
    fn moment(&mut self) -> Duration {
        self.kills += 1;
        Duration::from_millis(MOMENTS[self.kills % MOMENTS.len()])
    }

    /// Kills the server over what it has just begun, and starts it again.
    fn kill(&mut self) -> Result<()> {
        std::thread::park_timeout(self.moment());
        self.server.crash_and_run()
    }

    /// Asks while the server is killed, and again until there is an answer that was asked for.
    /// Returns the first answer that was one.
    fn asked<T: Send>(
        &mut self,
        what: &str,
        ask: impl Fn(&Device, &Console) -> Result<Option<T>> + Sync,
    ) -> Result<T> {
        let after = self.moment();
        let (device, console, server) = (&self.device, &self.console, &mut self.server);
        let first = std::thread::scope(|scope| {
            let asked = scope.spawn(|| ask(device, console));
            std::thread::park_timeout(after);
            server.crash();
            asked.join()
        });
        server.run()?;
        if let Ok(Ok(Some(answer))) = first {
            return Ok(answer);
        }
        let mut last = None;
        wait_until(what, PATIENCE, || match ask(device, console) {
            Ok(answer) => Ok(answer),
            Err(error) => {
                last = Some(error);
                Ok(None)
            }
        })
        .with_context(|| format!("{last:?}"))
    }

    /// Sends an inventory; what was answered for is there.
    fn send_inventory(&mut self, software: &[(&str, &str)]) -> Result<()> {
        let mut windows = host("windows-machine");
        windows["os_family"] = json!("windows");
        let software: Vec<_> = software
            .iter()
            .map(|(name, version)| {
                json!({"place": "machine64", "key": name, "name": name, "version": version})
            })
            .collect();
        let text = json!({ "host": windows, "software": software }).to_string();
        let digest = digest_hex(text.as_bytes());
        self.asked("the inventory is stored", |device, _| {
            Ok(right(device.post_text("/agent/v1/inventory", &text)?))
        })?;
        let mut words = check_in();
        words["inventory_digest"] = json!(digest);
        let reply = self.asked("it checks in", |device, _| {
            Ok(right(device.post("/agent/v1/checkin", &words)?))
        })?;
        ensure!(reply["want_inventory"] == false, "it is lost: {reply}");
        Ok(())
    }

    fn report(&mut self, what: &Value) -> Result<()> {
        self.sequence += 1;
        let sequence = self.sequence;
        let batch = json!({"reports": [{"sequence": sequence, "at": 0, "what": what}]});
        let reply = self.asked("a report is stored", |device, _| {
            Ok(right(device.post("/agent/v1/reports", &batch)?))
        })?;
        ensure!(reply["acknowledged"] == sequence, "{reply}");
        Ok(())
    }

    /// Inventories, each with one application more.
    fn inventories(&mut self) -> Result<()> {
        let mut software = vec![("good-tool", "1.0")];
        for name in ["bad-tool", "a", "b", "c", "d"] {
            software.push((name, "1.0"));
            self.send_inventory(&software)?;
        }
        let scan = self.device.check_in()?.body["scans"][0].clone();
        for what in [
            json!({"scan_started": {"job": scan}}),
            json!({"scan_failed": {"job": scan, "cause": "a test"}}),
        ] {
            self.report(&what)?;
        }
        let devices = self.console.devices()?;
        ensure!(devices.len() == 1, "enrolled twice: {devices:?}");
        let status = &devices[0]["scan"]["status"]["number"];
        ensure!(*status == 1, "the scan is made again: {devices:?}");
        Ok(())
    }

    /// A source that is added, read, and whose packages are fetched.
    fn source(&mut self) -> Result<()> {
        let body = json!({ "location": self.site.url(), "allow_private": true });
        self.asked("the source is there", |_, console| {
            let answer = console.try_post("/api/v1/sources", &body)?;
            // 409: the answer that it was added was lost.
            Ok(matches!(answer.status, 200 | 204 | 409).then_some(()))
        })?;
        let sources = self.console.get("/api/v1/sources")?;
        let is_it = |it: &&Value| it["location"] == self.site.url();
        let added = sources.as_array().into_iter().flatten().filter(is_it);
        ensure!(added.count() == 1, "it was added once: {sources}");
        for path in ["/api/v2/Packages", "/api/v2/package"] {
            self.site.wait_for_request(path, PATIENCE)?;
            self.kill()?;
        }
        for id in ["good-tool", "bad-tool"] {
            self.console.wait_missing(id)?;
        }
        ensure!(self.console.missing()?.len() == 2);
        Ok(())
    }

    /// A package that is made anew with its installer inside, and a server that dies over it.
    fn internalizing(&mut self) -> Result<()> {
        let files = self.server.data().join("files");
        let before = digests(&files)?;
        let body = json!({ "package": "inner-tool" });
        self.asked("it is asked for", |_, console| {
            let answer = console.try_post("/api/v1/feed/internalize", &body)?;
            Ok((answer.status == 200).then_some(()))
        })?;
        let in_feed = |console: &Console| console.items("/api/v1/feed/packages?text=inner-tool");
        let path = format!("/files/{INNER}");
        self.site.wait_for_request(&path, PATIENCE)?;
        for _ in 0..3 {
            let incoming = files.join("incoming");
            wait_until("it is being made, or is there", PATIENCE, || {
                let is_being_made = std::fs::read_dir(&incoming)?.count() > 0;
                Ok((is_being_made || !in_feed(&self.console)?.is_empty()).then_some(()))
            })?;
            self.kill()?;
        }
        let made = wait_until("it is in the feed", PATIENCE, || {
            Ok(in_feed(&self.console)?.pop())
        })?;
        ensure!(in_feed(&self.console)?.len() == 1, "it came in once");
        let put_in = &made["put_in"][0]["sha256"];
        ensure!(*put_in == digest_hex(&content(INNER)), "{made}");
        let new: Vec<_> = digests(&files)?.difference(&before).cloned().collect();
        ensure!(
            new.len() == 3,
            "the nupkg, its installer and what was made: {new:?}"
        );
        ensure!(std::fs::read_dir(files.join("incoming"))?.count() == 0);
        Ok(())
    }

    /// A patch that is approved and deployed, and its one job.
    fn deployed(&mut self, package: &str) -> Result<(i64, i64)> {
        let row = self.console.wait_missing(package)?;
        let patch = row["patch"]["id"].as_i64().context("a patch has an id")?;
        self.asked("it is approved", |_, console| {
            console.approve(patch).map(Some)
        })?;
        self.asked("it is deployed", |_, console| {
            // The plan refuses a second job while there is one.
            console.deploy(patch)?;
            Ok((!console.jobs_of(patch)?.is_empty()).then_some(()))
        })?;
        Ok((patch, self.console.only_job_of(patch)?))
    }

    /// A file that is not what its package says, and a server that dies over it.
    fn quarantine(&mut self) -> Result<()> {
        let path = format!("/files/{BAD}");
        self.site.set_fault(&path, Fault::WrongByte);
        let (_, job) = self.deployed("bad-tool")?;
        self.site.wait_for_request(&path, PATIENCE)?;
        self.kill()?;
        let over = self.console.wait_over(job)?;
        let ending = &over["job"]["status"]["ending"];
        ensure!(*ending == "download_failed", "{over}");
        let cause = over["job"]["cause"].as_str().unwrap_or_default();
        ensure!(cause.contains("quarantine"), "{cause}");
        ensure!(numbers(&over) == [1, 2, 2], "{over}");
        self.console.wait_not_missing("bad-tool")?;
        self.site.repair();
        Ok(())
    }

    /// From the download to the verified status.
    fn deployment(&mut self) -> Result<()> {
        let path = format!("/files/{GOOD}");
        self.site.set_fault(&path, Fault::Stalled);
        let (patch, job) = self.deployed("good-tool")?;
        self.site.wait_for_request(&path, PATIENCE)?;
        self.console.wait_status(job, 2)?;
        self.server.crash();
        self.site.repair();
        self.server.run()?;
        self.console.wait_status(job, 3)?;
        let incoming = self.server.data().join("files/incoming");
        // The package is made ready for the feed meanwhile, which takes a file for a moment.
        wait_until("no half of a file is left", PATIENCE, || {
            Ok((std::fs::read_dir(&incoming)?.count() == 0).then_some(()))
        })?;
        let order = self.asked("it has its order", |device, _| {
            let reply = right(device.check_in()?);
            let orders = reply.as_ref().and_then(|it| it["orders"].as_array());
            Ok(orders.and_then(|it| it.first().cloned()))
        })?;
        ensure!(order["job"] == job, "{order}");
        let file = format!("/agent/v1/files/{}", digest_hex(&content(GOOD)));
        let bytes = self.asked("it has the file", |device, _| {
            let (status, bytes) = device.get_bytes(&file)?;
            Ok((status == 200).then_some(bytes))
        })?;
        ensure!(bytes == content(GOOD), "the bytes are others");
        for status in [4, 5, 8] {
            self.report(&deploy_report(job, status))?;
        }
        self.send_inventory(&[("good-tool", "2.0"), ("bad-tool", "1.0")])?;
        self.report(&deploy_report(job, 9))?;
        let over = self.console.job(job)?;
        ensure!(numbers(&over) == [1, 2, 3, 4, 5, 6, 8, 9], "{over}");
        ensure!(self.console.jobs_of(patch)?.len() == 1);
        self.console.wait_not_missing("good-tool")?;
        ensure!(self.console.devices()?.len() == 1);
        Ok(())
    }
}

/// The digests of the files that are kept.
fn digests(files: &Path) -> Result<BTreeSet<String>> {
    let mut digests = BTreeSet::new();
    for folder in std::fs::read_dir(files)? {
        let folder = folder?.path();
        let is_under_way = folder.ends_with("incoming") || folder.ends_with("partial");
        if is_under_way || !folder.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(folder)? {
            digests.insert(file?.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(digests)
}

/// The body of an answer that is right.
fn right(answer: Answer) -> Option<Value> {
    (answer.status == 200).then_some(answer.body)
}

fn deploy_report(job: i64, status: i64) -> Value {
    let change = json!({"status": {"status": status}});
    json!({"deploy": {"job": job, "attempt": i64::from(status > 6), "change": change}})
}
