//! Measures of speed and accuracy. Each command starts what it needs (tables and packages to
//! measure on are its arguments), tells its progress on standard error, and prints one JSON object as
//! the last line of standard output.

mod agent;
mod agent_build;
mod apps;
mod catalog_file;
mod checkin;
mod client;
mod cores;
mod cpu_time;
mod extensions;
mod feed;
mod feed_packages;
mod feed_pages;
mod feed_site;
mod freshness;
mod idle;
mod import;
mod ingest;
mod internalize;
mod left_out;
mod match_cases;
mod matches;
mod names;
mod package_folder;
mod percentile;
mod recipes;
mod reconcile;
mod server;
mod simulate;
mod table;
mod versions;
mod versions_map;
mod world;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde_json::Value;

/// As the server has it.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "lab", version, about = "Measures of Fleetmend")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Full inventories over TLS, stored, normalised and matched.
    Ingest(ingest::Options),
    /// Check-ins with an unchanged inventory over TLS.
    Checkin(checkin::Options),
    /// What waiting agents cost the server in memory.
    Idle(idle::Options),
    /// What the agent, as it is shipped, costs this machine.
    Agent(agent::Options),
    /// The package feed: requests a second, and downloads beside nginx.
    Feed(feed::Options),
    /// A feed of a public repository's size, read into the catalog.
    Import(import::Options),
    /// From a version in a private feed to the missing list of a server that polls it.
    Freshness(freshness::Options),
    /// Simulated agents on the agent's own core against a real server.
    Simulate(simulate::Options),
    /// What the analysis makes of package sources.
    Recipes(recipes::Options),
    /// Package sources that download their installers, packed with made-up ones inside. It proves that
    /// what is packed is analysed to the same as before, with the files inside in place of addresses;
    /// not that real installers are found at the addresses, nor that the analysis is right.
    Internalize(internalize::Options),
    /// Which package installed software is, against rows whose package is known.
    Match(matches::Options),
    /// How names and publishers are normalised, against WinGet's form and a store's.
    Names(names::Options),
    /// How package versions are read and ordered, against the real libraries' verdicts.
    Versions(versions::Options),
    /// Whether installed versions are told rightly, against rows whose version is known.
    VersionsMap(versions_map::Options),
    /// The index of what all devices have: what they lack, a new version, a year of changes.
    Reconcile(reconcile::Options),
    /// The server that the other commands measure.
    #[command(hide = true)]
    Serve(server::Options),
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn")),
        )
        .init();
    match run(Cli::parse().command) {
        Ok(Some(result)) => {
            println!("{result}");
            ExitCode::SUCCESS
        }
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Carries out a command; gives what it measured.
fn run(command: Command) -> anyhow::Result<Option<Value>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = match command {
        Command::Ingest(options) => runtime.block_on(ingest::run(options))?,
        Command::Checkin(options) => runtime.block_on(checkin::run(options))?,
        Command::Idle(options) => runtime.block_on(idle::run(options))?,
        Command::Agent(options) => agent::run(&options)?,
        Command::Feed(options) => runtime.block_on(feed::run(options))?,
        Command::Import(options) => runtime.block_on(import::run(options))?,
        Command::Freshness(options) => runtime.block_on(freshness::run(options))?,
        Command::Simulate(options) => runtime.block_on(simulate::run(options))?,
        Command::Recipes(options) => recipes::run(&options)?,
        Command::Internalize(options) => internalize::run(&options)?,
        Command::Match(options) => matches::run(&options)?,
        Command::Names(options) => names::run(&options)?,
        Command::Versions(options) => versions::run(&options)?,
        Command::VersionsMap(options) => versions_map::run(&options)?,
        Command::Reconcile(options) => runtime.block_on(reconcile::run(options))?,
        Command::Serve(options) => {
            runtime.block_on(server::serve(options))?;
            return Ok(None);
        }
    };
    Ok(Some(result))
}
