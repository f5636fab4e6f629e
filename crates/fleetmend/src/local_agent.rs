//! This machine's own agent: enrolled the ordinary way, kept running, and told where the server is.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use fleetmend_agent::{Identity, certificate_sha256, set_aside};
use fleetmend_server::{AgentStanding, Handle};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::terminal::say;

/// How long an agent that ended is left alone at first; doubles each time that it ends soon again.
const PAUSE: Duration = Duration::from_secs(5);
/// The longest time that it is left alone.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Runs the agent in the data folder of a server, and starts it again when it ends.
pub async fn keep(data: PathBuf, server: Handle) {
    let mut said = String::new();
    let mut pause = PAUSE;
    loop {
        match start(&data, &server).await {
            Ok(mut agent) => {
                said.clear();
                let began = Instant::now();
                show_output(&mut agent).await;
                match agent.wait().await {
                    Ok(status) => tracing::warn!("this machine's agent ended ({status})"),
                    Err(error) => tracing::warn!("this machine's agent is lost: {error}"),
                }
                if began.elapsed() > LONGEST_PAUSE {
                    pause = PAUSE;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => {
                let line = format!("{error:#}");
                // It is tried again and again; saying it once is enough.
                if line != said {
                    tell(&line);
                }
                said = line;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn start(data: &Path, server: &Handle) -> anyhow::Result<Child> {
    let dir = data.join("agent");
    let is_enrolled = is_enrolled(data, &dir, server).await?;
    let binary = std::env::current_exe().context("cannot find this program's own file")?;
    let mut command = Command::new(binary);
    command
        .args(["agent", "run", "--until-input-ends", "--data"])
        .arg(&dir)
        // Another port or name than the last time may have been asked for.
        .args(["--server", server.local_url()])
        // Ends with this process, even if that is killed.
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // Not the terminal's: there, Ctrl-C would reach it before this process can say that it stops.
    #[cfg(unix)]
    command.process_group(0);
    if !is_enrolled {
        command.env("FLEETMEND_TOKEN", server.local_enrol_token().await?);
    }
    command.spawn().context("cannot start the agent")
}

/// Whether the agent in `dir` may work for this server. An identity that this server does not know
/// is set aside; one whose device was removed stays, and is an error.
async fn is_enrolled(data: &Path, dir: &Path, server: &Handle) -> anyhow::Result<bool> {
    let Some(identity) = Identity::load(dir)? else {
        return Ok(false);
    };
    let certificate = certificate_sha256(&identity.certificate)?;
    match server.agent(&certificate, &identity.ca).await? {
        AgentStanding::Enrolled => Ok(true),
        AgentStanding::Unknown => {
            let aside = set_aside(dir)?;
            tell(&format!(
                "this server does not know the agent, which was enrolled with another database or \
                 other keys: it is enrolled anew, and what it was is in {}",
                aside.display()
            ));
            Ok(false)
        }
        AgentStanding::Removed => bail!(
            "its device was removed from this server, so its agent does not run. To bring it back, \
             run: fleetmend enrol-token --data {} --url {} | fleetmend agent enrol --again --data {}",
            data.display(),
            server.local_url(),
            dir.display()
        ),
    }
}

/// Passes the agent's lines on to the terminal.
async fn show_output(agent: &mut Child) {
    let Some(output) = agent.stderr.take() else {
        return;
    };
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tell(without_time(&line));
    }
}

fn tell(line: &str) {
    say(&format!("this machine: {line}"));
}

/// A line of the agent's log without the time that the terminal's reader knows.
fn without_time(line: &str) -> &str {
    line.split_once("  INFO ")
        .or_else(|| line.split_once("  WARN "))
        .map_or(line, |it| it.1)
}
