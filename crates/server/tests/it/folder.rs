//! The data folder: whose it is, and what is in the way of using it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use fleetmend_server::Config;
use tempfile::TempDir;

/// A server on this folder, on a free port.
pub fn config(data: &Path) -> Config {
    Config::new(data.to_owned(), "127.0.0.1:0".parse().unwrap())
}

/// Starts a server and stops it.
pub async fn run_once(data: &Path) {
    let started = fleetmend_server::start(config(data)).await;
    started.unwrap().stop().await;
}

/// What a server says that cannot start.
pub async fn refusal(data: &Path) -> String {
    let started = fleetmend_server::start(config(data)).await;
    format!("{:#}", started.err().expect("it does not start"))
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn what_a_server_makes_is_its_owners_alone() {
    let folder = TempDir::new().unwrap();
    // Made by hand, as people do.
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    chmod(&data, 0o755);
    let server = fleetmend_server::start(config(&data)).await.unwrap();
    assert_eq!(mode(&data), 0o700);
    for file in ["fleetmend.db", "fleetmend.db-wal", "fleetmend.db-shm"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_folder_or_database_that_others_may_use_is_refused_with_the_remedy() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    run_once(&data).await;
    let database = data.join("fleetmend.db");
    let log = data.join("fleetmend.db-wal");
    fs::write(&log, "").unwrap();
    chmod(&log, 0o600);
    for (path, open, wanted) in [
        (&data, 0o755, 0o700),
        (&data, 0o770, 0o700),
        (&data, 0o711, 0o700),
        (&database, 0o644, 0o600),
        (&database, 0o660, 0o600),
        (&log, 0o644, 0o600),
    ] {
        chmod(path, open);
        let said = refusal(&data).await;
        let remedy = format!("chmod {wanted:o} {}", path.display());
        assert!(said.ends_with(&remedy), "{said}");
        let opened = fleetmend_server::open(config(&data)).await;
        let said = format!("{:#}", opened.err().expect("it is refused"));
        assert!(said.ends_with(&remedy), "{said}");
        assert_eq!(mode(path), open, "it is left as it was");
        chmod(path, wanted);
    }
    run_once(&data).await;
}

#[tokio::test]
async fn a_file_in_the_folders_place_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    for data in [file.clone(), file.join("below")] {
        let said = refusal(&data).await;
        assert!(
            said.contains(data.to_str().unwrap()) && said.contains("--data"),
            "{said}"
        );
    }
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

#[tokio::test]
async fn commands_make_no_server_where_there_is_none() {
    let folder = TempDir::new().unwrap();
    for data in [folder.path().join("mistyped"), folder.path().to_owned()] {
        let opened = fleetmend_server::open(config(&data)).await;
        let said = format!("{:#}", opened.err().expect("there is none"));
        assert!(
            said.contains("no server's data") && said.contains("--data"),
            "{said}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
