//! What a client asks for.

use std::collections::BTreeSet;

use super::filter::Expr;
use super::order::Order;
use super::query::{Query, decode_path, encode};

/// The longest query string, in bytes.
pub const MAX_QUERY: usize = 32 * 1024;
/// The most different words of one search.
const MAX_WORDS: usize = 50;
/// The most packages whose updates are asked for at once.
const MAX_INSTALLED: usize = 500;

/// A request that cannot be answered, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadRequest(pub String);

/// A request.
#[derive(Debug)]
pub struct Request {
    /// What it is about.
    pub resource: Resource,
    pub(super) options: Options,
}

/// What the feed has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// The service document.
    Service,
    /// `$metadata`.
    Metadata,
    /// `Packages()`.
    Packages,
    /// `Packages(Id='…',Version='…')`.
    Package {
        /// The package's id.
        id: String,
        /// The version as asked for.
        version: String,
    },
    /// `Packages(Id='…',Version='…')/Id`: clients of the first generation ask so whether there is such
    /// a version.
    PackageId {
        /// The package's id.
        id: String,
        /// The version as asked for.
        version: String,
    },
    /// `FindPackagesById()`.
    FindPackagesById {
        /// The package's id.
        id: String,
    },
    /// `Search()`.
    Search {
        /// In lower case; each must be found.
        words: BTreeSet<String>,
        /// Whether prereleases are looked into.
        prerelease: bool,
    },
    /// `GetUpdates()`.
    GetUpdates {
        /// What the client has.
        installed: Vec<Installed>,
        /// Whether prereleases are offered.
        prerelease: bool,
        /// Every newer version instead of the newest.
        all_versions: bool,
    },
    /// `package/{id}/{version}`: the nupkg.
    Download {
        /// The package's id.
        id: String,
        /// The version as asked for; absent: the latest.
        version: Option<String>,
    },
}

/// A package that a client has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The range that newer ones must be in, if it says one.
    pub range: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) filter: Option<Expr>,
    pub(super) order: Option<Order>,
    pub(super) skip: usize,
    pub(super) top: Option<usize>,
    /// The last entry of the page before: id and version.
    pub(super) after: Option<(String, String)>,
    /// Only a number is wanted.
    pub(super) count: bool,
    /// The number is wanted beside the entries.
    pub(super) inline_count: bool,
    pub(super) semver2: bool,
    /// The address without its paging: path and query.
    pub(super) address: String,
}

impl Request {
    /// Reads the path below the feed's address, and the query.
    ///
    /// `Ok(None)`: the feed has nothing at that path.
    pub fn parse(path: &str, query: &str) -> Result<Option<Self>, BadRequest> {
        if query.len() > MAX_QUERY {
            return Err(BadRequest(format!(
                "the query is longer than {MAX_QUERY} bytes"
            )));
        }
        let path = decode_path(path);
        let path = path.trim_matches('/');
        let query = Query::parse(query);
        let (path, count) = match path.strip_suffix("/$count") {
            Some(path) => (path, true),
            None => (path, false),
        };
        let Some(resource) = resource(path, &query)? else {
            return Ok(None);
        };
        let bad = |what: &str, why: String| BadRequest(format!("{what}: {why}"));
        let filter = query
            .get("$filter")
            .filter(|it| !it.trim().is_empty())
            .map(Expr::parse)
            .transpose()
            .map_err(|why| bad("$filter", why))?;
        let order = query
            .get("$orderby")
            .filter(|it| !it.trim().is_empty())
            .map(Order::parse)
            .transpose()
            .map_err(|why| bad("$orderby", why))?;
        let after = query
            .get("$skiptoken")
            .map(skip_token)
            .transpose()
            .map_err(|why| bad("$skiptoken", why))?;
        let inline_count = match query.get("$inlinecount") {
            None | Some("none" | "") => false,
            Some("allpages") => true,
            Some(_) => {
                return Err(BadRequest(
                    "$inlinecount: it is 'none' or 'allpages'".into(),
                ));
            }
        };
        let options = Options {
            filter,
            order,
            skip: query.number("$skip").map_err(BadRequest)?.unwrap_or(0),
            top: query.number("$top").map_err(BadRequest)?,
            after,
            count,
            inline_count,
            semver2: query
                .get("semVerLevel")
                .is_some_and(|level| level.trim().starts_with('2')),
            address: format!("{path}?{}", query.without(&["$skiptoken", "$skip", "$top"])),
        };
        Ok(Some(Self { resource, options }))
    }
}

/// The version that a request to take one out of the lists names: `{id}/{version}`, as NuGet's
/// clients write it below the address that they push to, with or without `package/` before it.
pub fn named_version(path: &str) -> Option<(String, String)> {
    let path = decode_path(path);
    let mut parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    if parts.len() == 3 && parts[0] == "package" {
        parts.remove(0);
    }
    match parts[..] {
        [id, version] if !id.is_empty() && !version.is_empty() => {
            Some((id.to_owned(), version.to_owned()))
        }
        _ => None,
    }
}

fn resource(path: &str, query: &Query<'_>) -> Result<Option<Resource>, BadRequest> {
    let (name, rest) = path.split_once('(').unwrap_or((path, ")"));
    // Neither ids nor versions have brackets.
    let Some((arguments, part)) = rest.split_once(')') else {
        return Ok(None);
    };
    let prerelease = || query.flag("includePrerelease");
    Ok(Some(match name {
        "" => Resource::Service,
        "$metadata" => Resource::Metadata,
        "Packages" if !arguments.trim().is_empty() => {
            let (id, version) = key(arguments)?;
            match part {
                "" => Resource::Package { id, version },
                "/Id" => Resource::PackageId { id, version },
                "/$value" => Resource::Download {
                    id,
                    version: Some(version),
                },
                _ => return Ok(None),
            }
        }
        _ if !part.is_empty() => return Ok(None),
        "Packages" => Resource::Packages,
        "FindPackagesById" => Resource::FindPackagesById {
            id: query
                .text("id")
                .filter(|id| !id.is_empty())
                .ok_or_else(|| BadRequest("id: it is missing".to_owned()))?,
        },
        "Search" => Resource::Search {
            words: words(&query.text("searchTerm").unwrap_or_default())?,
            prerelease: prerelease(),
        },
        "GetUpdates" => Resource::GetUpdates {
            installed: installed(query)?,
            prerelease: prerelease(),
            all_versions: query.flag("includeAllVersions"),
        },
        _ => {
            let mut parts = name.split('/');
            match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some("package"), Some(id), version, None) if !id.is_empty() => {
                    Resource::Download {
                        id: id.to_owned(),
                        version: version.map(str::to_owned),
                    }
                }
                _ => return Ok(None),
            }
        }
    }))
}

/// `Id='…',Version='…'` in either order.
fn key(text: &str) -> Result<(String, String), BadRequest> {
    let (mut id, mut version) = (None, None);
    for part in text.split(',') {
        let Some((name, value)) = part.split_once('=') else {
            continue;
        };
        let value = value.trim().trim_matches('\'').to_owned();
        match name.trim() {
            "Id" => id = Some(value),
            "Version" => version = Some(value),
            _ => {}
        }
    }
    match (id, version) {
        (Some(id), Some(version)) => Ok((id, version)),
        _ => Err(BadRequest(
            "a package is named by Id='…',Version='…'".to_owned(),
        )),
    }
}

fn words(term: &str) -> Result<BTreeSet<String>, BadRequest> {
    let words = term.split_whitespace().map(str::to_lowercase);
    let words: BTreeSet<String> = words.collect();
    if words.len() > MAX_WORDS {
        return Err(BadRequest(format!(
            "searchTerm: it may have {MAX_WORDS} words at most"
        )));
    }
    Ok(words)
}

fn installed(query: &Query<'_>) -> Result<Vec<Installed>, BadRequest> {
    let list = |name| {
        let text = query.text(name).unwrap_or_default();
        let parts: Vec<String> = text.split('|').map(|it| it.trim().to_owned()).collect();
        parts
    };
    let (ids, versions) = (list("packageIds"), list("versions"));
    let ranges = list("versionConstraints");
    if ids.len() != versions.len() {
        return Err(BadRequest(
            "packageIds and versions: they must have the same number of parts".to_owned(),
        ));
    }
    if ids.len() > MAX_INSTALLED {
        return Err(BadRequest(format!(
            "packageIds: it may name {MAX_INSTALLED} packages at most"
        )));
    }
    let pairs = ids.into_iter().zip(versions).enumerate();
    Ok(pairs
        .filter(|(_, (id, _))| !id.is_empty())
        .map(|(at, (id, version))| Installed {
            id,
            version,
            range: ranges.get(at).filter(|it| !it.is_empty()).cloned(),
        })
        .collect())
}

/// `'id','version'`.
fn skip_token(text: &str) -> Result<(String, String), String> {
    let mut parts = text.split(',').map(|part| part.trim().trim_matches('\''));
    match (parts.next(), parts.next(), parts.next()) {
        (Some(id), Some(version), None) if !id.is_empty() => {
            Ok((id.to_owned(), version.to_owned()))
        }
        _ => Err("it is none of this feed's".to_owned()),
    }
}

/// The address of the page behind an entry, without the feed's own.
pub(super) fn next_page(options: &Options, id: &str, version: &str, left: Option<usize>) -> String {
    let token = encode(&format!("'{id}','{version}'"));
    let top = left.map_or(String::new(), |left| format!("$top={left}&"));
    let separator = if options.address.ends_with('?') {
        ""
    } else {
        "&"
    };
    format!("{}{separator}{top}$skiptoken={token}", options.address)
}
