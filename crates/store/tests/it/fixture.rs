//! Databases of a test's own, and rows that many tests need.

use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use fleetmend_model::device::{Host, OsFamily, SystemType};
use fleetmend_model::patch::{Confidence, Evidence, PatchType};
use fleetmend_model::status::Party;
use fleetmend_model::{DeployJobId, DeviceId, Millis, PatchId};
use fleetmend_store::deploy_jobs::{NewJob, Posted};
use fleetmend_store::devices::NewDevice;
use fleetmend_store::missing::{self, DeviceMissing, Grounds, NewMissing};
use fleetmend_store::patches::NewPatch;
use fleetmend_store::{Db, Tx, deploy_jobs, deployments, devices, patches};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// The address of a superuser of a throw-away PostgreSQL server.
const POSTGRES: &str = "FLEETMEND_TEST_POSTGRES";

/// Makes one test into two: on a new SQLite file and on a new PostgreSQL database.
macro_rules! both {
    ($(async fn $name:ident($db:ident: $type:ty) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn test($db: $type) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                $crate::fixture::on_sqlite(test).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                $crate::fixture::on_postgres(stringify!($name), test).await;
            }
        }
    )+};
}
pub(crate) use both;

/// The moment at which tests begin.
pub(crate) const T0: Millis = Millis(1_700_000_000_000);

/// Some milliseconds after [`T0`].
pub(crate) fn t(after: i64) -> Millis {
    Millis(T0.0 + after)
}

/// Runs a test on a new SQLite file.
pub(crate) async fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Db) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open_sqlite(&sqlite_path(&folder)).await.unwrap();
    test(db.clone()).await;
    db.close().await;
}

/// Where [`on_sqlite`] has its file.
pub(crate) fn sqlite_path(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("fleetmend.db")
}

/// Runs a test on a new PostgreSQL database and drops it after. One that fails stays.
pub(crate) async fn on_postgres<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Db) -> F) {
    let database = PostgresDatabase::create(name).await;
    let db = Db::open_postgres(&database.url).await.unwrap();
    test(db.clone()).await;
    db.close().await;
    database.drop().await;
}

/// A database on the test server.
pub(crate) struct PostgresDatabase {
    server: String,
    name: String,
    /// Its address.
    pub(crate) url: String,
}

impl PostgresDatabase {
    /// Makes one with a name that no other test has.
    pub(crate) async fn create(test: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var(POSTGRES).unwrap_or_else(|_| {
            panic!(
                "{POSTGRES} is not set. Start a throw-away PostgreSQL server and set it to the \
                 address of a superuser, e.g. postgres://fleetmend@127.0.0.1:5432/postgres"
            )
        });
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let test: String = test.chars().take(30).collect();
        let name = format!("fm_{}_{count}_{test}", std::process::id());
        let mut connection = PgConnection::connect(&server)
            .await
            .unwrap_or_else(|error| {
                panic!("the PostgreSQL server in {POSTGRES} does not answer: {error}")
            });
        let create = format!("CREATE DATABASE {name}");
        connection.execute(AssertSqlSafe(create)).await.unwrap();
        connection.close().await.unwrap();
        let (head, query) = server
            .split_once('?')
            .map_or((server.as_str(), ""), |(head, query)| (head, query));
        let (base, _) = head.rsplit_once('/').unwrap();
        let url = format!("{base}/{name}?{query}");
        Self { server, name, url }
    }

    /// Drops it.
    pub(crate) async fn drop(self) {
        let mut connection = PgConnection::connect(&self.server).await.unwrap();
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        connection.execute(AssertSqlSafe(drop)).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// A Windows machine.
pub(crate) fn host(name: &str) -> Host {
    Host {
        hostname: name.to_owned(),
        os_family: OsFamily::Windows,
        os_name: "Windows 10 Pro".to_owned(),
        os_version: "10.0.19045".to_owned(),
        architecture: "x86_64".to_owned(),
    }
}

/// Adds a device of the given type; its certificate's digest is its name.
pub(crate) async fn add_device_of(tx: &mut Tx, name: &str, system_type: SystemType) -> DeviceId {
    let device = NewDevice {
        host: host(name),
        system_type,
        agent_version: "0.1.0".to_owned(),
        protocol: 1,
        certificate_sha256: name.to_owned(),
    };
    devices::insert(tx, &device, T0).await.unwrap()
}

/// Adds a normal device.
pub(crate) async fn add_device(tx: &mut Tx, name: &str) -> DeviceId {
    add_device_of(tx, name, SystemType::Normal).await
}

/// A third-party patch.
pub(crate) fn patch(name: &str, version: &str) -> NewPatch {
    NewPatch {
        patch_type: PatchType::ThirdParty,
        name: name.to_owned(),
        architecture: String::new(),
        version: version.to_owned(),
        title: format!("{name} title"),
        security: false,
        origin: "feed".to_owned(),
        package: None,
    }
}

/// Adds a third-party patch.
pub(crate) async fn add_patch(tx: &mut Tx, name: &str) -> PatchId {
    patches::upsert_many(tx, &[patch(name, "2.0")], T0)
        .await
        .unwrap()[0]
}

/// Why every patch of these tests is missing.
pub(crate) fn grounds() -> Grounds {
    Grounds {
        installed_version: "1.0".to_owned(),
        evidence: Evidence::ProductCode,
        confidence: Confidence::Certain,
        reason: "1.0 is older than 2.0".to_owned(),
    }
}

/// Makes third-party patches all that a device lacks.
pub(crate) async fn lacks(tx: &mut Tx, device: DeviceId, patches: &[PatchId]) -> DeviceMissing {
    let grounds = missing::intern_grounds(tx, &[([1; 16], &grounds())])
        .await
        .unwrap()[0];
    let rows = patches.iter().map(|&patch| NewMissing {
        patch,
        patch_type: PatchType::ThirdParty,
        grounds,
    });
    DeviceMissing {
        device,
        rows: rows.collect(),
    }
}

/// A job to make.
pub(crate) fn job(device: DeviceId, patch: PatchId) -> NewJob {
    NewJob {
        device,
        patch,
        release: None,
        cause: String::new(),
        next_step: "the server fetches the files".to_owned(),
        deadline_at: t(1000),
        redeploy_of: None,
        occasion: "asked",
        by: Party::User,
    }
}

/// Makes a deployment with one job.
pub(crate) async fn add_job(tx: &mut Tx, device: DeviceId, patch: PatchId) -> DeployJobId {
    let deployment = deployments::insert(tx, patch, "anna", "", T0)
        .await
        .unwrap();
    let posted = deploy_jobs::create_many(tx, deployment, &[job(device, patch)], T0)
        .await
        .unwrap();
    match posted[0] {
        Posted::Created(id) => id,
        Posted::AlreadyOpen(id) => panic!("job {id} is open already"),
    }
}
