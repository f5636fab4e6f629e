//! `lab ingest`: full inventories over TLS, stored, normalised and matched.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use fleetmend_protocol::paths;
use serde_json::{Value, json};

use crate::apps;
use crate::client::{enrol_with_all_titles, fetch_ca, request_json};
use crate::percentile::percentile_ms;
use crate::server::Measured;

/// How many and how wide.
#[derive(Debug, Args)]
pub struct Options {
    /// Devices that send at one time.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Applications in an inventory.
    #[arg(long, default_value_t = 150)]
    apps: usize,
    /// Packages in the catalog, each newer than what devices have.
    #[arg(long, default_value_t = 500)]
    packages: usize,
    /// Of a hundred inventories, those of scans that did not read all users' hives.
    #[arg(long, default_value_t = 20)]
    partial: usize,
    /// Seconds of measuring.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// Measures. Every inventory that is sent differs from the device's last one: all are stored.
pub async fn run(options: Options) -> anyhow::Result<Value> {
    let source = tempfile::tempdir()?;
    apps::write_packages(source.path(), options.packages)?;
    let mut server = Measured::start_with(options.connections, Some(source.path())).await?;
    let ca = fetch_ca(&server.tokens[0]).await?;
    // Made beforehand, so that the load costs as little as it can.
    let bodies: Arc<Vec<Vec<u8>>> = Arc::new(
        (0..2_000)
            .map(|number| {
                let is_partial = number % 100 < options.partial;
                let inventory = if is_partial {
                    apps::partial_inventory(number, options.apps)
                } else {
                    apps::inventory(number, options.apps)
                };
                request_json(paths::INVENTORY, &inventory)
            })
            .collect::<Result<_, _>>()?,
    );
    let connections = enrol_with_all_titles(&server.tokens, &ca).await?;
    server.catalog().await?;
    eprintln!(
        "{} devices are enrolled; sending {} KB each for {} s",
        connections.len(),
        bodies[0].len() / 1024,
        options.seconds
    );
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let end = start + Duration::from_secs(options.seconds);
    let mut tasks = Vec::new();
    for mut connection in connections {
        let (bodies, next) = (Arc::clone(&bodies), Arc::clone(&next));
        tasks.push(tokio::spawn(async move {
            let mut samples = Vec::new();
            while Instant::now() < end {
                let body = &bodies[next.fetch_add(1, Ordering::Relaxed) % bodies.len()];
                let sent = Instant::now();
                connection.send(body).await?;
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
        "reports_per_s": per_s.round(),
        "p99_ms": percentile_ms(&mut samples, 0.99),
        "apps": options.apps,
        "packages": options.packages,
        "partial": options.partial,
        "connections": options.connections,
    }))
}
