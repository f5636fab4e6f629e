//! The files that a package installs: from where its script has them, or from inside of its nupkg.

use std::sync::Arc;

use fleetmend_chocolatey::nupkg::{Limits, NupkgIn};
use fleetmend_model::recipe::{Checksum, FileOrigin, RecipeFile};
use fleetmend_store::fetched_files;
use fleetmend_store::file_reader::FileReader;
use fleetmend_store::packages::Package;
use fleetmend_store::quarantine::{self, Accepted};
use fleetmend_store::sources::{Source, SourceKind};
use tokio::sync::OnceCell;

use super::address::Named;
use super::fetch::{Ask, FetchError, shown};
use super::schedule::Asked;
use super::store_file::{self, Fetched};
use super::{nupkgs, offline};
use crate::app::App;

/// The largest installer, in bytes.
const MAX_INSTALLER: u64 = 8 * 1024 * 1024 * 1024;

/// Gets the files of one package into the store.
pub struct PackageFiles<'a> {
    app: &'a App,
    package: &'a Package,
    source: Source,
    /// Files that a person accepted instead of those that the package names.
    accepted: Vec<Accepted>,
    /// The room for what is downloaded, in bytes, where there is less than an installer may have.
    room: Option<u64>,
    /// Opened for the first file in it.
    nupkg: OnceCell<Arc<NupkgIn<FileReader>>>,
}

impl<'a> PackageFiles<'a> {
    /// Those of this package.
    pub async fn of(app: &'a App, package: &'a Package) -> anyhow::Result<Self> {
        Ok(Self {
            app,
            package,
            source: nupkgs::source(app, package).await?,
            accepted: quarantine::accepted(&app.db, package.row).await?,
            room: None,
            nupkg: OnceCell::new(),
        })
    }

    /// Has no file downloaded that is larger than this, in bytes.
    pub fn leave_room(&mut self, room: u64) {
        self.room = Some(room);
    }

    /// The digest of the file that a person accepted in place of the one that the package names.
    pub fn instead_of(&self, file: &RecipeFile) -> Option<Checksum> {
        let named = match &file.origin {
            FileOrigin::Url { url } => shown(url),
            FileOrigin::Embedded { path } => path.clone(),
        };
        let checksum = file.checksum.as_ref()?;
        Accepted::instead_of(&self.accepted, &named, checksum)
    }

    /// The file that was fetched before from an address for which the package names no digest, if it is
    /// here: another download may bring another one.
    pub async fn fetched_before(&self, file: &RecipeFile) -> anyhow::Result<Option<Fetched>> {
        let (FileOrigin::Url { url }, None) = (&file.origin, &file.checksum) else {
            return Ok(None);
        };
        let known = fetched_files::get(&self.app.db, self.source.id, &shown(url), None).await?;
        Ok(known.and_then(|it| store_file::kept(&self.app.blobs, &it.sha256)))
    }

    /// Gets a file, if it is the one that the package names.
    pub async fn fetch(&self, file: &RecipeFile) -> Result<Fetched, FetchError> {
        let instead = self.instead_of(file);
        let checksum = instead.as_ref().or(file.checksum.as_ref());
        match &file.origin {
            FileOrigin::Url { url } if self.source.kind == SourceKind::Imported => {
                let named = file.checksum.as_ref();
                offline::at_hand::file(self.app, &self.source, url, named, checksum).await
            }
            FileOrigin::Url { url } => {
                let ask = Ask {
                    url,
                    named: Named::Script,
                    asked: Asked::Installer,
                    login: None,
                    private_hosts: &self.source.private_hosts,
                    cap: self.room.map_or(MAX_INSTALLER, |it| it.min(MAX_INSTALLER)),
                };
                let fetched = store_file::from_outside(self.app, &ask, checksum).await;
                let fetched = fetched.map_err(|error| match error {
                    FetchError::TooLarge { url, cap } if self.room == Some(cap) => {
                        FetchError::NoRoom { url, room: cap }
                    }
                    error => error,
                })?;
                let named = file.checksum.as_ref();
                offline::at_hand::note(self.app, url, named, &fetched).await?;
                Ok(fetched)
            }
            FileOrigin::Embedded { path } => {
                let nupkg = self.nupkg(path).await?;
                store_file::from_package(self.app, nupkg, path, checksum).await
            }
        }
    }

    /// The nupkg, for the file of that path.
    async fn nupkg(&self, path: &str) -> Result<&Arc<NupkgIn<FileReader>>, FetchError> {
        let open = async || {
            let sha256 = self.package.content_sha256.clone().unwrap_or_default();
            let blobs = self.app.blobs.clone();
            let opened = tokio::task::spawn_blocking(move || {
                let opened = NupkgIn::open(blobs.reader(&sha256)?, &Limits::default());
                opened.map(Arc::new).map_err(std::io::Error::other)
            });
            let opened = opened.await.map_err(anyhow::Error::from)?;
            opened.map_err(|error| FetchError::Disk {
                url: path.to_owned(),
                error,
            })
        };
        self.nupkg.get_or_try_init(open).await
    }
}
