//! `lab idle`: what waiting agents cost the server in memory.

use std::time::Duration;

use anyhow::bail;
use clap::Args;
use fleetmend_protocol::checkin::InventoryReply;
use fleetmend_protocol::paths;
use serde_json::{Value, json};

use crate::apps;
use crate::checkin::settle;
use crate::client::{Connection, Device, fetch_ca, get};
use crate::server::Measured;

/// How many.
#[derive(Debug, Args)]
pub struct Options {
    /// Waiting agents.
    #[arg(long, default_value_t = 5_000)]
    devices: usize,
}

/// How long memory may take to settle.
const SETTLE: Duration = Duration::from_secs(3);
/// Files that a program opens besides its connections.
const SPARE: usize = 200;
/// Devices that enrol at one time.
const WIDTH: usize = 32;

/// Measures the growth of the server's resident memory from its start, with a handful of agents
/// served, to all agents waiting.
pub async fn run(options: Options) -> anyhow::Result<Value> {
    // The server has the same limit; a connection is a file on either side.
    let files = fleetmend_server::raise_file_limit();
    if files < (options.devices + SPARE) as u64 {
        bail!(
            "a program may open {files} files here, and each device takes one: raise the limit \
             (ulimit -Hn), or measure fewer with --devices"
        );
    }
    let server = Measured::start(options.devices).await?;
    let ca = fetch_ca(&server.tokens[0]).await?;
    let mut devices = Vec::new();
    for (start, tokens) in server.tokens.chunks(WIDTH).enumerate() {
        let enrol = tokens.iter().enumerate().map(|(number, token)| {
            let (ca, name) = (ca.clone(), format!("lab-{}", start * WIDTH + number));
            async move { Device::enrol(token, &ca, &name).await }
        });
        devices.extend(futures_util::future::try_join_all(enrol).await?);
        if devices.len() % 1000 < WIDTH {
            eprintln!("{} devices are enrolled", devices.len());
        }
    }
    tokio::time::sleep(SETTLE).await;
    let before = server.resident_kb()?;
    let mut waiting = Vec::new();
    for devices in devices.chunks(WIDTH) {
        let connect = devices.iter().map(wait);
        waiting.extend(futures_util::future::try_join_all(connect).await?);
    }
    eprintln!("{} agents wait", waiting.len());
    tokio::time::sleep(SETTLE).await;
    let after = server.resident_kb()?;
    if waiting.is_empty() {
        bail!("no agent waits");
    }
    let kb = after.saturating_sub(before) as f64 / waiting.len() as f64;
    Ok(json!({
        "kb_per_device": (kb * 10.0).round() / 10.0,
        "devices": waiting.len(),
        "server_mb_before": before / 1024,
        "server_mb_after": after / 1024,
    }))
}

/// Checks in, and waits.
async fn wait(device: &Device) -> anyhow::Result<Connection> {
    let mut connection = device.connect().await?;
    let inventory = serde_json::to_vec(&apps::inventory(0, 1))?;
    let stored: InventoryReply =
        serde_json::from_slice(connection.post(paths::INVENTORY, &inventory).await?)?;
    settle(&mut connection, stored.digest).await?;
    connection
        .send_only(&get(&format!("{}?seconds=300", paths::WAIT)))
        .await?;
    Ok(connection)
}
