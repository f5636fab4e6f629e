//! Starting a server, and opening its data without one.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, RwLock};

use anyhow::{Context as _, bail};
use fleetmend_reconcile::Catalog;
use fleetmend_store::blobs::Blobs;
use fleetmend_store::{Db, devices};
use tokio::net::TcpListener;
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::JoinSet;

use crate::app::App;
use crate::catalog::credentials::Sealing;
use crate::config::Config;
use crate::handle::Handle;
use crate::inventory::ingest;
use crate::net::keys::Keys;
use crate::net::listener;
use crate::registry::Registry;
use crate::{agents, catalog, jobs, people, router, server_id, upkeep};

/// A server that runs.
pub struct Running {
    app: Arc<App>,
    tasks: JoinSet<()>,
    /// Held as long as the server runs.
    _lock: std::fs::File,
}

impl Running {
    /// The address by which it is reached.
    pub fn url(&self) -> &str {
        &self.app.url
    }

    /// The certificate authority's certificate, PEM: what a client must trust.
    pub fn ca_pem(&self) -> &str {
        &self.app.keys.ca_pem
    }

    /// The server's parts, for tests and measures that act as an administrator would.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// What the administrator's commands need.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.app))
    }

    /// A link for setting the administrator's password, as long as there is no administrator.
    pub async fn setup_link_if_needed(&self) -> anyhow::Result<Option<String>> {
        if people::needs_setup(&self.app).await? {
            return Ok(Some(people::setup_link(&self.app).await?));
        }
        Ok(None)
    }

    /// Lets requests end, stores what is only in memory, and closes the database.
    pub async fn stop(mut self) {
        self.app.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        if let Err(error) = upkeep::store_last_seen(&self.app).await {
            tracing::warn!("the last check-ins were not stored: {error:#}");
        }
        if let Err(error) = upkeep::life::sign(&self.app, self.app.now()).await {
            tracing::warn!("when the server stopped was not stored: {error:#}");
        }
        self.app.db.close().await;
    }
}

/// Starts a server: makes what is not there, takes up what is.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    config.policy.check()?;
    make_data(&config)?;
    let lock = lock(&config.data)?;
    let listener = listen(&config).await?;
    let (app, inbox) = app(&config, listener.local_addr()?.port()).await?;
    let names = names(&[&app.url, &app.local_url]);
    let tls = listener::tls_config(&app.keys, names)?;
    for device in devices::load_all(&app.db).await? {
        if device.removed_at.is_none() {
            agents::remember(&app, &device);
        }
    }
    app.set_catalog(Arc::new(catalog::known::load(&app).await?));
    app.blobs
        .clear_incoming()
        .context("cannot clear away unfinished downloads")?;
    upkeep::life::sign(&app, app.now()).await?;
    let server = server_id::load_or_make(&config.data)?;
    jobs::start_standing(&app, &server).await?;
    let stopping = app.stop.subscribe();
    let mut tasks = JoinSet::new();
    let router = router::router(Arc::clone(&app));
    tasks.spawn(listener::serve(
        listener,
        tls,
        router,
        config.patience,
        stopping.clone(),
    ));
    tasks.spawn(jobs::run(Arc::clone(&app), server, stopping.clone()));
    tasks.spawn(ingest::run(Arc::clone(&app), inbox, stopping));
    Ok(Running {
        app,
        tasks,
        _lock: lock,
    })
}

/// Opens a server's data for the administrator's commands, whether or not it runs.
pub async fn open(config: Config) -> anyhow::Result<Handle> {
    let port = config.listen.port();
    let (app, _) = app(&config, port).await?;
    Ok(Handle::new(app))
}

/// Two servers on one data folder would hand out the same order numbers. The lock ends with the
/// process.
fn lock(data: &std::path::Path) -> anyhow::Result<std::fs::File> {
    let path = data.join("server.lock");
    let file =
        std::fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            bail!("another server runs on the data folder {}", data.display())
        }
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(config.listen).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bail!(
            "port {} is taken by another program: stop it, or choose another with --listen",
            config.listen.port()
        ),
        Err(error) => Err(error).with_context(|| format!("cannot listen on {}", config.listen)),
    }
}

async fn app(config: &Config, port: u16) -> anyhow::Result<(Arc<App>, ingest::Inbox)> {
    make_data(config)?;
    // Of several providers that dependencies could bring, ring is the one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let keys = Keys::load_or_make(&config.data)?;
    let sealing = Sealing::load_or_make(&config.data)?;
    let db = Db::open(&config.database()).await?;
    let files = config.data.join("files");
    let blobs = Blobs::open(&files).with_context(|| format!("cannot use {}", files.display()))?;
    let (queue, inbox) = ingest::queue();
    let url = match &config.url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("https://{}:{port}", default_host(config)),
    };
    let ip = config.listen.ip();
    let local = if ip.is_unspecified() {
        Ipv4Addr::LOCALHOST.into()
    } else {
        ip
    };
    let app = App {
        local_url: format!("https://{}", SocketAddr::new(local, port)),
        db,
        keys,
        blobs,
        registry: Registry::default(),
        policy: config.policy,
        url,
        http: catalog::fetch::client()?,
        ingest: queue,
        jobs_due: Notify::new(),
        stop: watch::Sender::new(false),
        changed: broadcast::channel(16).0,
        pace: catalog::pace::Pace::default(),
        sealing,
        started_at: config.clock.now(),
        clock: config.clock.clone(),
        catalog: RwLock::new(Arc::new(Catalog::default())),
    };
    Ok((Arc::new(app), inbox))
}

/// A new data folder is its owner's alone: the database in it has password hashes and inventories.
/// One that is there keeps the permissions that somebody gave it.
fn make_private(data: &std::path::Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(data)
}

fn make_data(config: &Config) -> anyhow::Result<()> {
    let data = &config.data;
    make_private(data)
        .and_then(|()| tempfile::tempfile_in(data).map(drop))
        .with_context(|| {
            format!(
                "the data folder {} cannot be written: make it writable, or choose another with \
                 --data",
                data.display()
            )
        })
}

/// The host name by which devices find this machine; on the loopback interface, that.
fn default_host(config: &Config) -> String {
    if config.listen.ip().is_loopback() {
        return match config.listen.ip() {
            std::net::IpAddr::V4(address) => address.to_string(),
            std::net::IpAddr::V6(address) => format!("[{address}]"),
        };
    }
    host_name().unwrap_or_else(|| "localhost".to_owned())
}

fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("COMPUTERNAME").ok())?;
    let name = name.trim().to_lowercase();
    (!name.is_empty() && name.is_ascii()).then_some(name)
}

/// The names and addresses in the server's certificate: those of its addresses, and this machine's.
fn names(urls: &[&str]) -> Vec<String> {
    let mut names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    names.extend(urls.iter().map(|url| host_of(url).to_owned()));
    names.extend(host_name());
    names.sort();
    names.dedup();
    names
}

/// The host of an `https` address, without port and brackets.
fn host_of(url: &str) -> &str {
    let rest = url.strip_prefix("https://").unwrap_or(url);
    let host = rest.split('/').next().unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => host,
    };
    host.trim_matches(['[', ']'])
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn the_certificate_names_the_host_of_every_form_of_address() {
        for (url, host) in [
            ("https://patch.example.org", "patch.example.org"),
            ("https://patch.example.org:8443", "patch.example.org"),
            ("https://patch.example.org:8443/behind", "patch.example.org"),
            ("https://192.0.2.7:8443", "192.0.2.7"),
            ("https://[::1]:8443", "::1"),
        ] {
            assert_eq!(host_of(url), host);
        }
    }
}
