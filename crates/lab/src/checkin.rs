//! `lab checkin`: check-ins with an unchanged inventory, over TLS with client certificates.

use std::time::{Duration, Instant};

use clap::Args;
use fleetmend_model::Millis;
use fleetmend_model::inventory::Boot;
use fleetmend_protocol::checkin::{CheckIn, CheckInReply, InventoryReply};
use fleetmend_protocol::paths;
use fleetmend_protocol::reports::{Report, Reports, What};
use serde_json::{Value, json};

use crate::apps;
use crate::client::{Connection, Device, fetch_ca, request_json};
use crate::percentile::percentile_ms;
use crate::server::Measured;

/// How long and how wide.
#[derive(Debug, Args)]
pub struct Options {
    /// Connections, one a device.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Seconds of measuring.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// Measures.
pub async fn run(options: Options) -> anyhow::Result<Value> {
    let server = Measured::start(options.connections).await?;
    let ca = fetch_ca(&server.tokens[0]).await?;
    let mut agents = Vec::new();
    for (number, token) in server.tokens.iter().enumerate() {
        let device = Device::enrol(token, &ca, &format!("lab-{number}")).await?;
        let mut connection = device.connect().await?;
        let inventory = serde_json::to_vec(&apps::inventory(number, 150))?;
        let stored: InventoryReply =
            serde_json::from_slice(connection.post(paths::INVENTORY, &inventory).await?)?;
        let check_in = settle(&mut connection, stored.digest).await?;
        agents.push((connection, check_in));
    }
    eprintln!(
        "{} devices are enrolled; measuring for {} s",
        agents.len(),
        options.seconds
    );
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let start = Instant::now();
    let mut tasks = Vec::new();
    for (mut connection, check_in) in agents {
        tasks.push(tokio::spawn(async move {
            let mut samples = Vec::new();
            while Instant::now() < end {
                let sent = Instant::now();
                connection.send(&check_in).await?;
                samples.push(sent.elapsed());
            }
            anyhow::Ok(samples)
        }));
    }
    let mut samples = Vec::new();
    for task in tasks {
        samples.extend(task.await??);
    }
    let per_s = samples.len() as f64 / start.elapsed().as_secs_f64();
    Ok(json!({
        "per_s": per_s.round(),
        "p99_ms": percentile_ms(&mut samples, 0.99),
        "p50_ms": percentile_ms(&mut samples, 0.5),
        "connections": options.connections,
    }))
}

/// Tells the server the boot and the end of the scan that enrolment posted; gives the check-in
/// that has nothing new any more.
pub async fn settle(connection: &mut Connection, digest: String) -> anyhow::Result<Vec<u8>> {
    let request = request_json(paths::CHECKIN, &check_in(digest.clone()))?;
    let reply: CheckInReply = serde_json::from_slice(connection.send(&request).await?)?;
    let mut reports = Vec::new();
    for job in reply.scans {
        let digest = digest.clone();
        for what in [
            What::ScanStarted { job },
            What::ScanCompleted { job, digest },
        ] {
            let sequence = reports.len() as i64 + 1;
            reports.push(Report {
                sequence,
                at: reply.now,
                what,
            });
        }
    }
    let epoch = String::new();
    connection
        .send(&request_json(paths::REPORTS, &Reports { epoch, reports })?)
        .await?;
    connection.send(&request).await?;
    Ok(request)
}

/// What an agent with nothing new says.
pub fn check_in(digest: String) -> CheckIn {
    CheckIn {
        protocol: fleetmend_protocol::CURRENT,
        agent_version: "lab".to_owned(),
        boot: Boot {
            id: "lab".to_owned(),
            at: None,
        },
        inventory_digest: Some(digest),
        scanned_at: Some(Millis(1_700_000_000_000)),
        ..CheckIn::default()
    }
}
