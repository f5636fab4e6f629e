//! `fleetmend plan`: what runs until a time to come, and why not elsewhere.

use clap::Args;
use fleetmend_server::PlanQuery;

use crate::options;

/// `fleetmend plan`.
#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    server: options::Data,
    /// Up to when, a day (2026-11-26) or a time (RFC 3339). Default: for a day from now.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only this device, named by its host name or number, with all that it lacks. Default: all devices, with
    /// what is approved for some.
    device: Option<String>,
    #[command(flatten)]
    output: options::Output,
}

/// Shows the plan.
pub async fn run(command: Plan) -> anyhow::Result<()> {
    let data = fleetmend_server::open(command.server.config()?).await?;
    let query = PlanQuery {
        until: command.until,
        device: command.device,
    };
    options::print(&data.show_plan(&query, command.output.output()).await?)
}
