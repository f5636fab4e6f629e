//! What the commands that start or open a server share.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use fleetmend_server::Config;

/// Where a server's data is, and by which address it is reached.
#[derive(Debug, Clone, Args)]
pub struct Data {
    /// The data folder: database, keys and files.
    #[arg(long, value_name = "DIR", env = "FLEETMEND_DATA")]
    data: Option<PathBuf>,
    /// The address by which devices and administrators reach the server, e.g.
    /// `https://patch.example.org:8443`. Default: for a server that starts, this machine's name and
    /// the port; else the address of its last start.
    #[arg(long, value_name = "URL", env = "FLEETMEND_URL")]
    url: Option<String>,
}

impl Data {
    /// The configuration for commands that work on the data of a server.
    pub fn config(&self) -> anyhow::Result<Config> {
        self.listening((Ipv4Addr::UNSPECIFIED, 0).into())
    }

    fn listening(&self, listen: SocketAddr) -> anyhow::Result<Config> {
        let data = match &self.data {
            Some(data) => data.clone(),
            None => default_data()?,
        };
        // Whatever is told of it holds in other folders too.
        let data = std::path::absolute(&data)
            .with_context(|| format!("'{}' cannot be a data folder", data.display()))?;
        let mut config = Config::new(data, listen);
        config.url.clone_from(&self.url);
        // From the environment only: it carries a password, and anyone can read arguments.
        config.database = std::env::var("FLEETMEND_DATABASE").ok();
        config.policy = policy()?;
        Ok(config)
    }
}

/// A server that starts.
#[derive(Debug, Clone, Args)]
pub struct Server {
    #[command(flatten)]
    data: Data,
    /// The address and port to listen on.
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "0.0.0.0:8443",
        env = "FLEETMEND_LISTEN"
    )]
    listen: SocketAddr,
    /// Serve the package feed without TLS at this address as well, for clients that cannot be made
    /// to trust the server's certificate. What they read, and their keys, can be seen on the way.
    #[arg(long, value_name = "ADDRESS", env = "FLEETMEND_FEED_LISTEN")]
    feed_listen: Option<SocketAddr>,
}

impl Server {
    /// The server's configuration.
    pub fn config(&self) -> anyhow::Result<Config> {
        let mut config = self.data.listening(self.listen)?;
        config.feed_listen = self.feed_listen;
        Ok(config)
    }
}

/// Intervals and counts, from the environment where it names them (`FLEETMEND_RETRY_SECONDS`…).
fn policy() -> anyhow::Result<fleetmend_server::Policy> {
    let mut policy = fleetmend_server::Policy::default();
    for (name, value) in [
        ("FLEETMEND_CHECKIN_SECONDS", &mut policy.checkin_seconds),
        ("FLEETMEND_RETRY_SECONDS", &mut policy.deploy_retry_seconds),
        (
            "FLEETMEND_SCAN_LIMIT_SECONDS",
            &mut policy.scan_limit_seconds,
        ),
        (
            "FLEETMEND_SCAN_RETRY_SECONDS",
            &mut policy.scan_retry_seconds,
        ),
        (
            "FLEETMEND_DOWNLOAD_RETRY_SECONDS",
            &mut policy.download_retry_seconds,
        ),
        ("FLEETMEND_DEADLINE_SECONDS", &mut policy.deadline_seconds),
        ("FLEETMEND_SYNC_SECONDS", &mut policy.sync_seconds),
        (
            "FLEETMEND_PRIVATE_SYNC_SECONDS",
            &mut policy.private_sync_seconds,
        ),
        (
            "FLEETMEND_PUSH_LIMIT_MEGABYTES",
            &mut policy.push_limit_megabytes,
        ),
        (
            "FLEETMEND_IMPORT_LIMIT_GIGABYTES",
            &mut policy.import_limit_gigabytes,
        ),
    ] {
        if let Ok(text) = std::env::var(name) {
            *value = text
                .parse()
                .map_err(|_| anyhow::anyhow!("{name} is '{text}': it must be a whole number"))?;
        }
    }
    Ok(policy)
}

/// The user's state folder. Source: the XDG Base Directory Specification, by which a path that is
/// not absolute does not count.
fn default_data() -> anyhow::Result<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|it| it.is_absolute())
    };
    if let Some(state) = folder("XDG_STATE_HOME") {
        return Ok(state.join("fleetmend"));
    }
    let home = folder("HOME").context("there is no home folder: name a data folder with --data")?;
    Ok(home.join(".local/state/fleetmend"))
}

/// How a list is shown.
#[derive(Debug, Clone, Copy, Args)]
pub struct Output {
    /// A JSON object a line, of the shape that the REST API gives, instead of fields with tabs between
    /// them.
    #[arg(long)]
    json: bool,
}

impl Output {
    /// In which form.
    pub fn output(self) -> fleetmend_server::Output {
        if self.json {
            fleetmend_server::Output::Json
        } else {
            fleetmend_server::Output::Text
        }
    }
}

/// Prints lines. Whoever reads them may have seen enough before the last one.
pub fn print(lines: &[String]) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let printed = lines
        .iter()
        .try_for_each(|line| writeln!(out, "{line}"))
        .and_then(|()| out.flush());
    match printed {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
