//! The extension packages that a package depends on: fetched as any other, and handed to the analysis,
//! which follows their functions.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use fleetmend_chocolatey::dependency::{Dependency, Range};
use fleetmend_chocolatey::nupkg::NupkgIn;
use fleetmend_chocolatey::nuspec::Nuspec;
use fleetmend_chocolatey::script::{Extension, extension_dependencies};
use fleetmend_model::recipe::{Analysis, Finding, Verdict};
use fleetmend_model::{Millis, PackageId};
use fleetmend_store::file_reader::FileReader;
use fleetmend_store::package_extensions::{self, UsedExtension};
use fleetmend_store::packages::{Package, Problem};

use super::{dependency, nupkgs};
use crate::app::App;

/// The most extensions that one package is given.
const MOST: usize = 32;

/// What there is of the extensions of a package.
#[derive(Default)]
pub struct Extensions {
    /// For the analysis.
    pub loaded: Vec<Arc<Extension>>,
    /// What the analysis is made with, those that cannot be had included.
    pub used: Vec<UsedExtension>,
    /// Of those that cannot be had: why, in a sentence, and when they are tried again.
    lacking: Vec<(String, Option<Millis>)>,
}

/// Gets the extensions of a package: those that it depends on, and theirs in turn. Of each the newest
/// version that the first one to want it takes.
pub async fn of(app: &Arc<App>, nuspec: &Nuspec) -> anyhow::Result<Extensions> {
    let mut found = Extensions::default();
    let mut seen = HashSet::new();
    let mut waiting: VecDeque<Dependency> = extension_dependencies(nuspec).cloned().collect();
    while let Some(wanted) = waiting.pop_front() {
        let id = wanted.id.to_lowercase();
        if seen.len() >= MOST || !seen.insert(id.clone()) {
            continue;
        }
        let wanted = wanted.range.unwrap_or_default();
        let mut used = UsedExtension {
            extension: id.clone(),
            wanted,
            version: None,
            sha256: None,
        };
        let mut lacks = |why: &str, retry_at| {
            let why = format!("the extension package {id} cannot be had: {why}");
            found.lacking.push((why, retry_at));
        };
        match newest(app, &id, &used.wanted).await? {
            None if used.wanted.is_empty() => lacks("no source has it", None),
            None => {
                let why = format!("no source has a version that {} takes", used.wanted);
                lacks(&why, None);
            }
            Some(package) => {
                used.version = Some(package.normalized.clone());
                match Box::pin(nupkgs::at_hand(app, package.row)).await? {
                    Err(problem) => lacks(&problem.why, problem.retry_at),
                    Ok(sha256) => {
                        match load(app, &package, &sha256).await? {
                            Err(why) => lacks(&why, None),
                            Ok((extension, more)) => {
                                found.loaded.push(Arc::new(extension));
                                waiting.extend(more);
                            }
                        }
                        used.sha256 = Some(sha256);
                    }
                }
            }
        }
        found.used.push(used);
    }
    Ok(found)
}

/// The version of an extension that is used.
async fn newest(app: &App, id: &str, wanted: &str) -> anyhow::Result<Option<Package>> {
    match Range::parse(wanted) {
        Ok(range) => dependency::newest(app, id, &range).await,
        Err(_) => Ok(None),
    }
}

/// Reads an extension with what it depends on itself; or says what is wrong with its nupkg.
async fn load(
    app: &App,
    package: &Package,
    sha256: &str,
) -> anyhow::Result<Result<(Extension, Vec<Dependency>), String>> {
    let reader = app.blobs.reader(sha256)?;
    let named = (package.id.clone(), package.normalized.clone());
    let read = move |nupkg: &NupkgIn<FileReader>| {
        let more = extension_dependencies(nupkg.nuspec()).cloned().collect();
        (Extension::of(nupkg), more)
    };
    let loaded = tokio::task::spawn_blocking(move || {
        nupkgs::open(reader, &named.0, &named.1).map(|nupkg| read(&nupkg))
    });
    Ok(loaded.await?)
}

impl Extensions {
    /// Notes in an analysis that was made without some of them that they lack, unless all is explained
    /// all the same. Gives what is then wrong with the package, which was tried so many times.
    pub fn note_lacking(&self, analysis: &mut Analysis, tries: i64) -> Option<Problem> {
        let is_explained = matches!(analysis.verdict, Verdict::Ready | Verdict::NoInstaller);
        let (why, _) = self.lacking.first().filter(|_| !is_explained)?;
        for (why, _) in &self.lacking {
            analysis.findings.push(Finding {
                file: String::new(),
                line: 0,
                what: why.clone(),
            });
        }
        Some(Problem {
            why: format!("{why}. What its scripts call of that is not explained"),
            tries: tries + 1,
            retry_at: self.retry_at(),
        })
    }

    /// When one that cannot be had is tried again.
    pub fn retry_at(&self) -> Option<Millis> {
        self.lacking.iter().filter_map(|(_, at)| *at).min()
    }
}

/// Packages whose analysis was made with other extensions than it would be now.
#[derive(Debug, Default)]
pub struct Outdated {
    /// Those to analyse anew.
    pub packages: HashSet<PackageId>,
    /// When an extension that could not be had is tried again.
    pub next: Option<Millis>,
}

/// Looks for packages whose analysis is out of date.
pub async fn outdated(app: &App) -> anyhow::Result<Outdated> {
    let mut newest_of: HashMap<(String, String), Option<Package>> = HashMap::new();
    let mut found = Outdated::default();
    let now = app.now();
    for (package, used) in package_extensions::all(&app.db).await? {
        let key = (used.extension.clone(), used.wanted.clone());
        let newest = match newest_of.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(newest(app, &used.extension, &used.wanted).await?),
        };
        match due(&used, newest.as_ref()) {
            Due::Never => {}
            Due::At(at) if at > now => found.next = found.next.into_iter().chain([at]).min(),
            Due::Now | Due::At(_) => {
                found.packages.insert(package);
            }
        }
    }
    Ok(found)
}

/// When an analysis that was made with an extension is to be made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Never,
    Now,
    At(Millis),
}

/// `newest` is what would be used now.
fn due(used: &UsedExtension, newest: Option<&Package>) -> Due {
    let is_same = newest.map(|it| &it.normalized) == used.version.as_ref();
    let Some(newest) = newest.filter(|_| is_same) else {
        return if is_same { Due::Never } else { Due::Now };
    };
    match (&newest.content_sha256, &newest.problem) {
        (Some(sha256), _) if used.sha256.as_ref() == Some(sha256) => Due::Never,
        (None, Some(problem)) => problem.retry_at.map_or(Due::Never, Due::At),
        _ => Due::Now,
    }
}
