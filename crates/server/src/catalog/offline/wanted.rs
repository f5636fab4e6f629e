//! What a server without internet wants to be brought: the ids of packages, an id a line, small enough
//! to be carried on paper. The server with internet gets their files before it writes an export.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use fleetmend_model::recipe::FileOrigin;
use fleetmend_store::packages::{self, Package};
use fleetmend_store::{fetched_files, sources};

use super::super::fetch::shown;
use super::super::metadata::Metadata;
use super::super::mirror::{self, MirrorError};
use super::super::package_files::PackageFiles;
use super::super::store_file::at_hand;
use super::super::{nupkgs, offered};
use crate::api::time;
use crate::app::App;
use crate::jobs;

/// The longest list that is read, in bytes.
pub const LONGEST_LIST: u64 = 4 * 1024 * 1024;
/// The longest id, in characters.
const LONGEST_ID: usize = 128;
/// The most packages whose files are brought for one list, with what they pull in.
const MOST: usize = 20_000;

fn is_id(text: &str) -> bool {
    text.chars().count() <= LONGEST_ID
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "._-".contains(c))
}

/// The ids that a list has; an error names the line that is none. Empty lines, and those that begin
/// with `#`, say nothing.
pub fn parse(list: &str) -> Result<Vec<String>, String> {
    if list.len() as u64 > LONGEST_LIST {
        return Err(format!("it has more than {LONGEST_LIST} bytes"));
    }
    let mut ids = Vec::new();
    for (number, line) in (1..).zip(list.lines()) {
        let id = line.trim();
        if id.is_empty() || id.starts_with('#') {
            continue;
        }
        if !is_id(id) {
            return Err(format!("line {number} is no id of a package"));
        }
        if ids.len() == MOST {
            return Err(format!("it has more than {MOST} ids"));
        }
        ids.push(id.to_lowercase());
    }
    Ok(ids)
}

/// The packages that some device may have, and of which the nupkg or an installer is not here. Ids
/// that no list can have are left out.
pub async fn list(app: &App) -> anyhow::Result<Vec<String>> {
    let names = nupkgs::names(app).await?;
    let mut wanted = Vec::new();
    for package in offered::all(app).await? {
        let is_asked_for = is_id(&package.id) && names.may_have(&package.id, &package.title);
        if is_asked_for && lacks_files(app, &package).await? {
            wanted.push(package.shown_id);
        }
    }
    Ok(wanted)
}

async fn lacks_files(app: &App, package: &Package) -> anyhow::Result<bool> {
    if !nupkgs::is_here(app, package) {
        return Ok(true);
    }
    let Some((recipe, _)) = package
        .analysis
        .as_ref()
        .and_then(|it| it.deployable().ok())
    else {
        return Ok(false);
    };
    for file in &recipe.files {
        let FileOrigin::Url { url } = &file.origin else {
            continue;
        };
        let named = file.checksum.as_ref();
        if named.is_some_and(|it| at_hand(&app.blobs, it).is_some()) {
            continue;
        }
        let known = fetched_files::get(&app.db, package.source, &shown(url), named).await?;
        if !known.is_some_and(|it| app.blobs.has(&it.sha256)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What came of bringing files here.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// The packages of the list with all that they pull in, by id in lower case.
    pub packages: HashSet<String>,
    /// What could not be had, with the reason.
    pub failed: Vec<String>,
}

/// Gets the nupkgs and installers of these packages, and of all that they pull in, as their sources
/// offer them now, at the pace that is set for those. What cannot be had holds up nothing else.
pub async fn bring(app: &Arc<App>, ids: &[String], tell: impl Fn(&str)) -> anyhow::Result<Brought> {
    app.pace.allow(&sources::list(&app.db).await?);
    let mut brought = Brought::default();
    let mut waiting: BTreeSet<String> = ids.iter().map(|it| it.to_lowercase()).collect();
    while let Some(id) = waiting.pop_first() {
        if brought.packages.contains(&id) {
            continue;
        }
        if brought.packages.len() == MOST {
            let left = format!("{id} and what comes after it: more than {MOST} packages");
            brought.failed.push(left);
            break;
        }
        brought.packages.insert(id.clone());
        let Some(package) = offered::of(app, &[&id]).await?.pop() else {
            brought.failed.push(format!("{id}: no source offers it"));
            continue;
        };
        let name = format!("{} {}", package.shown_id, package.version);
        tell(&name);
        waiting.extend(
            Metadata::from_json(&package.metadata)
                .dependencies
                .iter()
                .map(|it| it.to_lowercase()),
        );
        if let Err(why) = files(app, package).await? {
            brought.failed.push(format!("{name}: {why}"));
        }
    }
    // A server that runs meanwhile knows nothing of it yet.
    let mut tx = app.db.begin().await?;
    jobs::enqueue(&mut tx, jobs::Kind::Rematch, 0, app.now()).await?;
    tx.commit().await?;
    app.jobs_due.notify_one();
    Ok(brought)
}

/// Gets the files of one package, or says why they cannot be had.
async fn files(app: &Arc<App>, package: Package) -> anyhow::Result<Result<(), String>> {
    let row = package.row;
    if package.analysis.is_none() || !nupkgs::is_here(app, &package) {
        if let Some(problem) = &package.problem
            && !problem.is_due(app.now())
        {
            let next = (problem.retry_at).map(|at| format!("; tries again at {}", time(at)));
            return Ok(Err(format!("{}{}", problem.why, next.unwrap_or_default())));
        }
        nupkgs::fetch_one(app, package).await?;
    }
    let Some(package) = packages::get(&app.db, row).await? else {
        return Ok(Err("it is gone".to_owned()));
    };
    let Some(analysis) = &package.analysis else {
        let why = package.problem.map(|it| it.why);
        let why = why.or_else(|| Some(package.quarantine?.1));
        return Ok(Err(why.unwrap_or_else(|| "it was not had".to_owned())));
    };
    // What is not deployed needs no installer.
    let Ok((recipe, _)) = analysis.deployable() else {
        return Ok(Ok(()));
    };
    let from = PackageFiles::of(app, &package).await?;
    for file in &recipe.files {
        if let FileOrigin::Url { .. } = &file.origin
            && let Err(error) = mirror::fetch(app, &package, &from, file).await
        {
            return match error {
                MirrorError::Internal(error) => Err(error),
                error => Ok(Err(error.to_string())),
            };
        }
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_LIST, MOST, parse};

    #[test]
    fn a_list_has_an_id_a_line_and_nothing_else() {
        let ids = ["firefox".to_owned(), "7zip.install".to_owned()];
        assert_eq!(
            parse("# wanted\r\nFirefox\r\n\r\n  7zip.install \n"),
            Ok(ids.to_vec())
        );
        for (list, line) in [("ok\n../../etc", 2), ("a b", 1), (&"a".repeat(129), 1)] {
            let error = parse(list).unwrap_err();
            assert!(error.contains(&format!("line {line} ")), "{error}");
        }
    }

    #[test]
    fn a_list_that_is_too_long_is_refused_and_not_cut() {
        assert_eq!(parse(&"a\n".repeat(MOST)).map(|it| it.len()), Ok(MOST));
        for (list, why) in [
            ("a\n".repeat(MOST + 1), "more than 20000 ids"),
            (
                "#".repeat(LONGEST_LIST as usize + 1),
                "more than 4194304 bytes",
            ),
        ] {
            let error = parse(&list).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
