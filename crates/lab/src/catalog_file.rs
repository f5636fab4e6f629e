//! A catalog of real packages from a file: a JSON object a line, gzip or plain.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context as _;
use fleetmend_model::PackageId;
use fleetmend_reconcile::CatalogPackage;
use serde::Deserialize;

/// The longest file that is read, unpacked.
const MAX_BYTES: u64 = 1 << 30;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    id: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    authors: Option<String>,
    #[serde(default)]
    project_url: Option<String>,
    #[serde(default)]
    tags: Option<String>,
    #[serde(default)]
    dependencies: Vec<Dependency>,
    #[serde(default)]
    software_name: Vec<String>,
}

#[derive(Deserialize)]
struct Dependency {
    id: String,
}

/// A file's text, gzip by its name or plain.
pub fn open(path: &Path) -> anyhow::Result<impl BufRead> {
    let file =
        std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let is_packed = path.extension().is_some_and(|it| it == "gz");
    let bytes: Box<dyn Read> = if is_packed {
        Box::new(flate2::read::GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    Ok(BufReader::new(bytes.take(MAX_BYTES)))
}

pub fn read(path: &Path) -> anyhow::Result<Vec<CatalogPackage>> {
    let named = || format!("cannot read {}", path.display());
    let mut packages = Vec::new();
    for line in open(path)?.lines() {
        let line = line.with_context(named)?;
        let line: Line = serde_json::from_str(&line)
            .with_context(|| format!("line {} of {}", packages.len() + 1, path.display()))?;
        packages.push(package(line, packages.len() as i64 + 1));
    }
    Ok(packages)
}

fn package(line: Line, id: i64) -> CatalogPackage {
    CatalogPackage {
        id: PackageId(id),
        title: line.title.unwrap_or_default(),
        version: line.version.unwrap_or_default(),
        listed: true,
        authors: line.authors.unwrap_or_default(),
        project_url: line.project_url.unwrap_or_default(),
        tags: line.tags.unwrap_or_default(),
        dependencies: line.dependencies.into_iter().map(|it| it.id).collect(),
        software_names: line.software_name,
        observed: Vec::new(),
        programs: Vec::new(),
        products: Vec::new(),
        deployable: Ok(()),
        name: line.id,
    }
}
