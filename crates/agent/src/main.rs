//! `fleetmend-agent`: the agent alone, for machines that are not the server.

use std::io::IsTerminal as _;

use clap::Parser;

#[derive(Parser)]
#[command(name = "fleetmend-agent", version, about = "The agent of Fleetmend")]
struct Cli {
    #[command(subcommand)]
    command: fleetmend_agent::cli::Command,
}

fn main() -> std::process::ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    match fleetmend_agent::cli::run(Cli::parse().command) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fleetmend-agent: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
