//! Shapes of the sources' API.

use fleetmend_store::packages::Package;
use fleetmend_store::sources::{Source, dialect_key};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::shapes::time_opt;
use crate::catalog::credentials::Login;
use crate::catalog::priority::HeldBack;
use crate::catalog::sources::{self as service, ANY_DIALECT, Consequences, Given};
use crate::error::ApiError;

/// A source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceBody {
    /// Its id.
    id: i64,
    /// `folder`, `feed`, `own`: what was pushed into this server's own feed, or `imported`.
    kind: &'static str,
    /// Path or URL; of this server's own feed the path on this server.
    location: String,
    /// What a person calls it.
    name: String,
    /// Of several sources that have a package, the one with the lowest number has it; 0 is none, and
    /// comes behind all others.
    priority: i64,
    /// Whether it is read, and its packages are offered.
    enabled: bool,
    /// Requests a minute that its operator allows; absent: what public hosts get.
    per_minute: Option<u32>,
    /// Seconds between two reads that were set; absent: what such sources get.
    every_seconds: Option<u32>,
    /// The generation of Chocolatey that its packages are for: `any`, `choco1` or `choco2`.
    dialect: &'static str,
    /// Whether its packages that download their installers come into this server's feed with them
    /// inside. Otherwise they stay out of it.
    internalize: bool,
    /// Who reads it, where it wants a name and a password.
    user: Option<String>,
    /// The hosts that it may lead to although they are in one's own network.
    private_hosts: Vec<String>,
    /// What a person should know of how it is protected.
    protection: Option<&'static str>,
    /// How it is doing, in words.
    state: String,
    /// How far the read that goes on has come.
    progress: Option<ProgressBody>,
    /// Entries of the last read that came to its end.
    entries: Option<u64>,
    /// What is kept although the source no longer has it, and why.
    withheld: Option<String>,
    /// When it was last read to its end.
    last_read_at: Option<String>,
    /// Why the last read failed.
    last_error: Option<String>,
    /// Reads in a row that failed.
    failures: i64,
    /// When it is read next.
    next_read_at: Option<String>,
    /// Why then.
    next_read_why: String,
    /// How many files or entries the last read left out.
    left_out_count: u64,
}

impl From<Source> for SourceBody {
    fn from(it: Source) -> Self {
        Self {
            id: it.id.0,
            kind: it.kind.key(),
            protection: service::protection(&it),
            state: service::state(&it),
            progress: service::progress(&it).map(|it| ProgressBody {
                entries: it.entries,
                pages: it.pages,
                expected: it.expected,
            }),
            entries: it.last_read.entries,
            withheld: service::withheld(&it),
            location: it.settings.location,
            name: it.settings.name,
            priority: it.settings.priority,
            enabled: it.settings.enabled,
            per_minute: it.settings.per_minute,
            every_seconds: it.settings.every_seconds,
            dialect: it.settings.dialect.map_or(ANY_DIALECT, dialect_key),
            internalize: it.settings.internalize,
            user: it.user_name,
            private_hosts: it.private_hosts,
            last_read_at: time_opt(it.last_read.finished_at),
            last_error: it.last_read.error,
            failures: it.last_read.failures,
            next_read_at: time_opt(it.last_read.next_read_at),
            next_read_why: it.last_read.next_read_why,
            left_out_count: it.last_read.left_out_count,
        }
    }
}

/// How far a read has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProgressBody {
    /// Entries so far.
    entries: u64,
    /// Pages so far.
    pages: u64,
    /// How many entries it will be, as the source says or as it was the last time.
    expected: Option<u64>,
}

/// Something that a source has and that was left out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeftOutBody {
    /// The file's name or the entry's id.
    pub(crate) what: String,
    /// What is wrong with it.
    pub(crate) why: String,
}

/// A package that cannot be had or read, or is in quarantine.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// The package's id.
    package: String,
    /// Its version.
    version: String,
    /// What is wrong.
    why: String,
    /// Whether it is in quarantine: its bytes are not what the package says.
    quarantined: bool,
    /// When it is tried again by itself.
    retry_at: Option<String>,
}

impl From<Package> for ProblemBody {
    fn from(it: Package) -> Self {
        let retry_at = it.problem.as_ref().and_then(|problem| problem.retry_at);
        let quarantined = it.quarantine.is_some();
        let why = match (it.quarantine, it.problem) {
            (Some((_, cause)), _) => cause,
            (None, Some(problem)) => problem.why,
            (None, None) => String::new(),
        };
        Self {
            package: it.shown_id,
            version: it.version,
            why,
            quarantined,
            retry_at: time_opt(retry_at.filter(|_| !quarantined)),
        }
    }
}

/// A source, with what is wrong in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneSourceBody {
    /// The source.
    pub(crate) source: SourceBody,
    /// What the last read left out: the first hundred.
    pub(crate) left_out: Vec<LeftOutBody>,
    /// Packages that cannot be had or read, or are in quarantine: the first hundred.
    pub(crate) problems: Vec<ProblemBody>,
}

/// A password on its way in: not shown in any log.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}

/// What is set of a source. What is not given stays as it is, and has its default in a new one.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SourceSettingsBody {
    /// The address of a NuGet v2 feed, or the full path of a folder on the server: a new source needs
    /// it. For another host, port or protocol the password must be given anew.
    location: Option<String>,
    /// What a person calls it; the location by default.
    name: Option<String>,
    /// Of several sources that have a package, the one with the lowest number has it; 0 (the
    /// default) is none, and comes behind all others.
    #[schema(minimum = 0, maximum = 1000)]
    priority: Option<i64>,
    /// Whether it is read, and its packages are offered.
    enabled: Option<bool>,
    /// Requests a minute that its operator allows; 0: what public hosts get.
    #[schema(minimum = 0, maximum = 6000)]
    per_minute: Option<u32>,
    /// Seconds between two reads; 0: half a minute for a feed in one's own network, five minutes for a
    /// folder, an hour for others.
    #[schema(minimum = 0, maximum = 604_800)]
    every_seconds: Option<u32>,
    /// The generation of Chocolatey that its packages are for: `any` (the default), `choco1` or
    /// `choco2`. Versions that it cannot read are left out.
    dialect: Option<String>,
    /// Whether its packages that download their installers come into this server's feed with them
    /// inside (the default). Otherwise they stay out of it.
    internalize: Option<bool>,
    /// The name for HTTP Basic authentication, if the feed wants one.
    user: Option<String>,
    /// The password for it. It is kept sealed and never given out.
    #[schema(write_only)]
    password: Option<Password>,
    /// Read it without name and password from now on.
    #[serde(default)]
    without_login: bool,
    /// Whether the feed at this location may be in one's own network. Without it no private, loopback
    /// or link-local address is asked.
    #[serde(default)]
    allow_private: bool,
    /// Other hosts that the feed at this location may lead to although they are in one's own network:
    /// names or IP addresses, without ports.
    #[serde(default)]
    private_hosts: Vec<String>,
}

impl SourceSettingsBody {
    /// For the service.
    pub(crate) fn given(&self) -> Given<'_> {
        Given {
            location: self.location.as_deref(),
            name: self.name.as_deref(),
            priority: self.priority,
            enabled: self.enabled,
            per_minute: self.per_minute,
            every_seconds: self.every_seconds,
            dialect: self.dialect.as_deref(),
            internalize: self.internalize,
            user: self.user.as_deref(),
            password: self.password.as_ref().map(|it| it.0.as_str()),
            without_login: self.without_login,
            allow_private: self.allow_private,
            private_hosts: &self.private_hosts,
        }
    }
}

/// The hosts that a source may lead to although they are in one's own network.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PrivateHostsBody {
    /// Names or IP addresses, without ports: all of them, the feed's own as well.
    pub(crate) hosts: Vec<String>,
}

/// What a feed is read with; nothing, to read it without.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SourceLoginBody {
    /// The name for HTTP Basic authentication.
    user: Option<String>,
    /// The password for it. It is kept sealed and never given out.
    #[schema(write_only)]
    password: Option<Password>,
}

impl SourceLoginBody {
    /// The login, or none.
    pub(crate) fn login(&self) -> Result<Option<Login>, ApiError> {
        let password = self.password.as_ref().map(|it| it.0.as_str());
        Login::given(self.user.as_deref(), password)
    }
}

/// What removing a source would mean.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RemovalBody {
    /// Package versions that it has brought: they are forgotten.
    versions: u64,
    /// Patches that come from it.
    patches: u64,
    /// Devices that lack one of them.
    devices: u64,
    /// Packages that are taken from another source from then on.
    elsewhere: u64,
    /// Releases that were made of its packages: they stay.
    releases: u64,
    /// Open deploy jobs for its packages.
    open_jobs: u64,
    /// Those of them that have no files yet: they will end as a failed download.
    jobs_without_files: u64,
    /// The same in sentences.
    sentences: Vec<String>,
}

impl From<Consequences> for RemovalBody {
    fn from(it: Consequences) -> Self {
        Self {
            versions: it.uses.versions,
            patches: it.uses.patches,
            devices: it.uses.devices,
            elsewhere: it.elsewhere,
            releases: it.uses.releases,
            open_jobs: it.uses.open_jobs,
            jobs_without_files: it.uses.jobs_without_files,
            sentences: it.sentences(),
        }
    }
}

/// A package that a source has and that is taken from another one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeldBackBody {
    /// The package's id.
    package: String,
    /// The version that this source has.
    version: String,
    /// Whether that is a higher one than the one that is taken.
    is_higher: bool,
    /// The id of the source that the package is taken from.
    taken_from: i64,
    /// The version there.
    taken_version: String,
}

impl From<HeldBack> for HeldBackBody {
    fn from(it: HeldBack) -> Self {
        Self {
            package: it.package,
            version: it.version,
            is_higher: it.is_higher,
            taken_from: it.taken_from.0,
            taken_version: it.taken_version,
        }
    }
}
