//! Starting a server, and opening its data without one.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use anyhow::{Context as _, bail};
use fleetmend_plan::schedule::Zone;
use fleetmend_reconcile::Fleet;
use fleetmend_store::blobs::Blobs;
use fleetmend_store::{Db, devices, settings};
use tokio::net::TcpListener;
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::JoinSet;

use crate::app::App;
use crate::catalog::credentials::Sealing;
use crate::config::Config;
use crate::handle::Handle;
use crate::inventory::ingest;
use crate::net::keys::{Keys, KeysError};
use crate::net::{address, known_keys, listener, plain, private};
use crate::registry::Registry;
use crate::{
    agents, catalog, data_folder, feed, file_limit, jobs, missing, people, router, server_id,
    upkeep,
};

/// The setting that holds the address of the last start.
const URL_SETTING: &str = "url";

/// A server that runs.
pub struct Running {
    app: Arc<App>,
    tasks: JoinSet<()>,
    /// Where the feed is served without TLS.
    feed_address: Option<SocketAddr>,
    /// Held as long as the server runs.
    _lock: std::fs::File,
}

impl Running {
    /// The address by which it is reached.
    pub fn url(&self) -> &str {
        &self.app.url
    }

    /// Where the feed is served without TLS as well.
    pub fn feed_address(&self) -> Option<SocketAddr> {
        self.feed_address
    }

    /// The feed's address without TLS, where it is served so.
    pub fn plain_feed_url(&self) -> Option<String> {
        let address = self.feed_address?;
        Some(format!("http://{address}{}/", feed::PATH))
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
        Handle::new(Arc::clone(&self.app), Some(self.app.url.clone()))
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
    file_limit::raise_file_limit();
    let given_url = given_url(&config)?;
    data_folder::prepare(&config)?;
    let lock = data_folder::lock(&config.data)?;
    let listener = listen(config.listen, "--listen").await?;
    let feed_listener = match config.feed_listen {
        Some(address) => Some(listen(address, "--feed-listen").await?),
        None => None,
    };
    let (ip, port) = (config.listen.ip(), listener.local_addr()?.port());
    let keys = keys_at_hand(&config)?;
    let db = open_database(&config).await?;
    let keys = known(keys, &config, &db).await?;
    let url = given_url.unwrap_or_else(|| address::default_url(ip, port));
    let local_url = address::local_url(ip, port);
    let tls = listener::tls_config(&keys, address::names(&[&url, &local_url]))?;
    let (app, inbox) = app(&config, db, keys, url, local_url)?;
    for device in devices::load_all(&app.db).await? {
        if device.removed_at.is_none() {
            agents::remember(&app, &device);
        }
    }
    missing::index::load(&app).await?;
    feed::refresh(&app).await?;
    app.blobs
        .clear_incoming()
        .context("cannot clear away unfinished downloads")?;
    upkeep::life::sign(&app, app.now()).await?;
    let server = server_id::load_or_make(&config.data)?;
    jobs::start_standing(&app, &server).await?;
    let mut tx = app.db.begin().await?;
    settings::set(&mut tx, URL_SETTING, &app.url).await?;
    tx.commit().await?;
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
    tasks.spawn(feed::watch(Arc::clone(&app), stopping.clone()));
    let mut feed_address = None;
    if let Some(listener) = feed_listener {
        feed_address = Some(listener.local_addr()?);
        let router = feed::routes().with_state(Arc::clone(&app));
        let stopping = stopping.clone();
        tasks.spawn(plain::serve(listener, router, config.patience, stopping));
    }
    tasks.spawn(ingest::run(Arc::clone(&app), inbox, stopping));
    Ok(Running {
        app,
        tasks,
        feed_address,
        _lock: lock,
    })
}

/// Opens a server's data for the administrator's commands, whether or not it runs. Its address is
/// the configuration's or that of the last start.
pub async fn open(config: Config) -> anyhow::Result<Handle> {
    let given_url = given_url(&config)?;
    data_folder::require(&config)?;
    let keys = Keys::load(&Keys::folder(&config.data), config.clock.now())?;
    let db = open_database(&config).await?;
    let Some(fingerprints) = known_keys::get(&db).await? else {
        bail!("no server was started on this database yet: start one, then try again");
    };
    keys.check(&fingerprints)?;
    let url = match given_url {
        Some(url) => Some(url),
        None => settings::get(&db, URL_SETTING).await?,
    };
    let (app, _) = app(
        &config,
        db,
        keys,
        url.clone().unwrap_or_default(),
        String::new(),
    )?;
    Ok(Handle::new(app, url))
}

fn given_url(config: &Config) -> anyhow::Result<Option<String>> {
    config.url.as_deref().map(address::checked).transpose()
}

async fn listen(address: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let remedy = match error.kind() {
            ErrorKind::AddrInUse => format!(
                "port {} is taken by another program: stop it, or choose another",
                address.port()
            ),
            ErrorKind::AddrNotAvailable => format!(
                "this machine does not have the address {}: choose one of its own",
                address.ip()
            ),
            ErrorKind::PermissionDenied => format!(
                "port {} is for root only: start as root, or choose one above 1023",
                address.port()
            ),
            _ => format!("cannot listen on {address} ({error}): choose another address"),
        };
        anyhow::anyhow!("{remedy} with {option}")
    })
}

/// The keys, as far as they can be judged before the database is opened: beside a database that
/// was used all of them must be there, and without one they are made. `None`: some are not there,
/// and only the database, which is elsewhere, can say whether they must be.
fn keys_at_hand(config: &Config) -> Result<Option<Keys>, KeysError> {
    let (folder, now) = (Keys::folder(&config.data), config.clock.now());
    match config.database_file() {
        Some(file) if data_folder::has_content(&file) => Keys::load(&folder, now).map(Some),
        Some(_) => Keys::make(&folder, now).map(Some),
        None => match Keys::load(&folder, now) {
            Err(KeysError::Missing { .. }) => Ok(None),
            loaded => loaded.map(Some),
        },
    }
}

/// The keys that the database knows.
async fn known(keys: Option<Keys>, config: &Config, db: &Db) -> anyhow::Result<Keys> {
    let (folder, now) = (Keys::folder(&config.data), config.clock.now());
    let known = known_keys::get(db).await?;
    let keys = match keys {
        Some(keys) => keys,
        None if known.is_some() => Keys::load(&folder, now)?,
        None => Keys::make(&folder, now)?,
    };
    let known = match known {
        Some(known) => known,
        None => known_keys::remember(db, &keys.fingerprints()).await?,
    };
    keys.check(&known)?;
    Ok(keys)
}

async fn open_database(config: &Config) -> anyhow::Result<Db> {
    if let Some(file) = config.database_file() {
        private::make_file(&file)?;
    }
    let opened = Db::open(&config.database()).await;
    match config.database_file() {
        Some(file) => opened.with_context(|| format!("the database {}", file.display())),
        None => Ok(opened?),
    }
}

/// The time zone that this machine is set to, by the rules that the program carries.
fn own_zone() -> Zone {
    let system = jiff::tz::TimeZone::system();
    let named = system.iana_name().and_then(Zone::named);
    named.unwrap_or_else(Zone::utc)
}

fn app(
    config: &Config,
    db: Db,
    keys: Keys,
    url: String,
    local_url: String,
) -> anyhow::Result<(Arc<App>, ingest::Inbox)> {
    // Of several providers that dependencies could bring, ring is the one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let files = config.data.join("files");
    let blobs = Blobs::open(&files).with_context(|| format!("cannot use {}", files.display()))?;
    let sealing = Sealing::load_or_make(&config.data)?;
    let (queue, inbox) = ingest::queue();
    let app = App {
        local_url,
        db,
        keys,
        blobs,
        registry: Registry::default(),
        policy: config.policy,
        url,
        downloads: catalog::turns::Turns::default(),
        outside: catalog::guard::Outside::new()?,
        ingest: queue,
        jobs_due: Notify::new(),
        stop: watch::Sender::new(false),
        changed: broadcast::channel(16).0,
        pace: catalog::pace::Pace::on(&config.data),
        sealing,
        feed: feed::Feed::default(),
        costs: crate::costs::Costs::default(),
        quarantined: AtomicU64::new(0),
        zone: own_zone(),
        started_at: config.clock.now(),
        clock: config.clock.clone(),
        fleet: parking_lot::RwLock::new(Fleet::default()),
        renewing: tokio::sync::Mutex::new(()),
    };
    Ok((Arc::new(app), inbox))
}
