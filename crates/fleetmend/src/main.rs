//! `fleetmend`: the server, an agent, and the administrator's commands in one binary.

mod admin;
mod applications;
mod catalog;
mod feed;
mod local_agent;
mod mirror;
mod missing;
mod options;
mod plan;
mod policies;
mod runtime;
mod serve;
mod source;
mod terminal;
mod up;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Gives memory back and keeps it in few pieces, of which the index of a large fleet is made up of many.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "fleetmend", version, about = "Self-hosted patch management")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start everything on this machine: server, console, and this machine's own agent.
    Up(options::Server),
    /// Start the server alone.
    Serve(options::Server),
    /// Make a one-time token with which one machine enrols.
    EnrolToken(admin::EnrolToken),
    /// Make a one-time link for setting an administrator's password.
    SetupLink(options::Data),
    /// Make new keys for a server that lost its own, or whose own are not to be trusted any more.
    NewKeys(admin::NewKeys),
    /// Where packages come from: add, change, read, list and remove sources.
    #[command(subcommand)]
    Source(source::Source),
    /// The catalog in one file, to carry it to a server without internet.
    #[command(subcommand)]
    Catalog(catalog::Catalog),
    /// What the server could not download.
    #[command(subcommand)]
    Downloads(mirror::Downloads),
    /// Package versions whose files are not what they should be.
    #[command(subcommand)]
    Quarantine(mirror::Quarantine),
    /// List missing patches: those of the fleet, or of one device.
    Missing(missing::Missing),
    /// List the packages that devices have, with when the version on offer was published, seen and
    /// mirrored.
    Freshness(missing::Freshness),
    /// Updates that were installed and whose version did not change.
    #[command(subcommand)]
    Held(missing::Held),
    /// Say why applications of a device are what they are taken for.
    Explain(applications::Explain),
    /// List installed applications, those that most devices have first.
    Applications(applications::Applications),
    /// What an administrator says about matches: a name is a package, is not, is left out, or is pinned.
    #[command(subcommand)]
    Override(applications::Override),
    /// Say what runs tonight, device by device, with when or why not.
    Plan(plan::Plan),
    /// What is set for which devices.
    #[command(subcommand)]
    Policies(policies::Policies),
    /// The server's own package feed: its address, its keys, and who may read it.
    #[command(subcommand)]
    Feed(feed::Feed),
    /// This machine's agent.
    #[command(subcommand)]
    Agent(fleetmend_agent::cli::Command),
}

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("FLEETMEND_LOG")
        // What PostgreSQL remarks on is of no use to a person.
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_env_filter(filter)
        .init();
    let done = match Cli::parse().command {
        Command::Up(options) => runtime::run(up::run(options)),
        Command::Serve(options) => runtime::run(serve::run(options)),
        Command::EnrolToken(command) => runtime::run(admin::enrol_token(command)),
        Command::SetupLink(options) => runtime::run(admin::setup_link(options)),
        Command::NewKeys(command) => runtime::run(admin::new_keys(command)),
        Command::Source(command) => runtime::run(source::run(command)),
        Command::Catalog(command) => runtime::run(catalog::run(command)),
        Command::Downloads(command) => runtime::run(mirror::downloads(command)),
        Command::Quarantine(command) => runtime::run(mirror::quarantine(command)),
        Command::Missing(command) => runtime::run(missing::missing(command)),
        Command::Freshness(command) => runtime::run(missing::freshness(command)),
        Command::Held(command) => runtime::run(missing::held(command)),
        Command::Explain(command) => runtime::run(applications::explain(command)),
        Command::Applications(command) => runtime::run(applications::list(command)),
        Command::Override(command) => runtime::run(applications::overrides(command)),
        Command::Feed(command) => runtime::run(feed::run(command)),
        Command::Plan(command) => runtime::run(plan::run(command)),
        Command::Policies(command) => runtime::run(policies::run(command)),
        Command::Agent(command) => fleetmend_agent::cli::run(command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fleetmend: {error:#}");
            ExitCode::FAILURE
        }
    }
}
