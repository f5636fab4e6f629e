//! What a server without internet wants to be brought: the ids of packages, an id a line, small enough
//! to be carried on paper. The server with internet gets their files before it writes an export.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use fleetmend_model::recipe::FileOrigin;
use fleetmend_store::fetched_files;
use fleetmend_store::packages::{self, Package};

use super::super::fetch::shown;
use super::super::metadata::Metadata;
use super::super::package_files::PackageFiles;
use super::super::store_file::at_hand;
use super::super::{nupkgs, offered};
use crate::app::App;

/// The longest list that is read, in bytes.
pub const LONGEST_LIST: u64 = 4 * 1024 * 1024;
/// The longest id, in characters.
const LONGEST_ID: usize = 128;
/// The most packages whose files are brought for one list, with what they pull in.
const MOST: usize = 20_000;

/// The ids that a list has; an error names the line that is none. Empty lines, and those that begin
/// with `#`, say nothing.
pub fn parse(list: &str) -> Result<Vec<String>, String> {
    let mut ids = Vec::new();
    for (number, line) in (1..).zip(list.lines()) {
        let id = line.trim();
        if id.is_empty() || id.starts_with('#') {
            continue;
        }
        let is_id = id.chars().count() <= LONGEST_ID
            && id.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
        if !is_id {
            return Err(format!("line {number} is no id of a package"));
        }
        ids.push(id.to_lowercase());
    }
    Ok(ids)
}

/// The packages that some device may have, and of which the nupkg or an installer is not here.
pub async fn list(app: &App) -> anyhow::Result<Vec<String>> {
    let names = nupkgs::names(app).await?;
    let mut wanted = Vec::new();
    for package in offered::all(app).await? {
        if names.may_have(&package.id, &package.title) && lacks_files(app, &package).await? {
            wanted.push(package.shown_id);
        }
    }
    Ok(wanted)
}

async fn lacks_files(app: &App, package: &Package) -> anyhow::Result<bool> {
    let has_nupkg = (package.content_sha256.as_ref()).is_some_and(|it| app.blobs.has(it));
    if !has_nupkg {
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
        let known = fetched_files::get(&app.db, &shown(url), named).await?;
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
/// offer them now. What cannot be had holds up nothing else.
pub async fn bring(app: &Arc<App>, ids: &[String], tell: impl Fn(&str)) -> anyhow::Result<Brought> {
    let mut brought = Brought::default();
    let mut waiting: BTreeSet<String> = ids.iter().map(|it| it.to_lowercase()).collect();
    while let Some(id) = waiting.pop_first() {
        if brought.packages.len() >= MOST || !brought.packages.insert(id.clone()) {
            continue;
        }
        let Some(package) = offered::of(app, &[&id]).await?.pop() else {
            brought.failed.push(format!("{id}: no source offers it"));
            continue;
        };
        tell(&format!("{} {}", package.shown_id, package.version));
        waiting.extend(
            Metadata::from_json(&package.metadata)
                .dependencies
                .iter()
                .map(|it| it.to_lowercase()),
        );
        let name = format!("{} {}", package.shown_id, package.version);
        if let Err(why) = files(app, package).await? {
            brought.failed.push(format!("{name}: {why}"));
        }
    }
    Ok(brought)
}

/// Gets the files of one package, or says why they cannot be had.
async fn files(app: &Arc<App>, package: Package) -> anyhow::Result<Result<(), String>> {
    let row = package.row;
    let has_nupkg = (package.content_sha256.as_ref()).is_some_and(|it| app.blobs.has(it));
    if package.analysis.is_none() || !has_nupkg {
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
            && let Err(error) = from.fetch(file).await
        {
            return Ok(Err(error.to_string()));
        }
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::parse;

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
}
