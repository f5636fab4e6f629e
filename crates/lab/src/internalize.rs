//! Package sources, packed and internalized with made-up installers.

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use fleetmend_chocolatey::internalize::{Local, Refused, addresses, pack, plan_of, verify};
use fleetmend_chocolatey::nupkg::{Limits, Nupkg};
use fleetmend_chocolatey::script::{Package, analyse_scripts, analyse_with};
use fleetmend_model::recipe::Fetches;
use fleetmend_trust::digest_hex;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::cores::on_all;
use crate::extensions::Extensions;
use crate::package_folder;

#[derive(Args)]
pub struct Options {
    /// The folder below which the package sources lie.
    #[arg(long)]
    packages: PathBuf,
    /// Where to write a line of JSON for each package.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What became of a package.
enum Outcome {
    /// It downloads nothing.
    NothingToDo,
    /// It has its files inside now, and was proven to do the same.
    Internalized { files: usize },
    /// It is left as it is, for this reason.
    Refused(String),
    /// What was packed is not what the plan was proven for: a fault of the program.
    ProofFailed(String),
}

impl Outcome {
    fn key(&self) -> &'static str {
        match self {
            Self::NothingToDo => "nothing_to_do",
            Self::Internalized { .. } => "internalized",
            Self::Refused(_) => "refused",
            Self::ProofFailed(_) => "proof_failed",
        }
    }
}

pub fn run(options: &Options) -> anyhow::Result<Value> {
    let nuspecs = package_folder::find(&options.packages)?;
    eprintln!("internalizes {} packages", nuspecs.len());
    let start = Instant::now();
    let extensions = Extensions::among(&nuspecs);
    let outcomes = on_all(&nuspecs, |nuspec| {
        one(nuspec, &extensions).unwrap_or_else(|error| {
            Outcome::Refused(format!("the package cannot be read: {error:#}"))
        })
    });
    let seconds = start.elapsed().as_secs_f64();
    if let Some(out) = &options.out {
        write(out, &options.packages, &nuspecs, &outcomes)?;
    }
    let count = |key| outcomes.iter().filter(|it| it.key() == key).count();
    Ok(json!({
        "packages": outcomes.len(),
        "nothing_to_do": count("nothing_to_do"),
        "internalized": count("internalized"),
        "refused": count("refused"),
        "proof_failed": count("proof_failed"),
        "per_s": (outcomes.len() as f64 / seconds.max(0.000_001)).round(),
    }))
}

/// Packs a package, analyses it, puts a made-up file in for each address, packs it again and proves
/// that the result does the same. The bytes of a made-up file are its address.
fn one(nuspec: &Path, extensions: &Extensions) -> anyhow::Result<Outcome> {
    let folder = package_folder::read(nuspec)?;
    let extensions = extensions.of(nuspec, &folder.nuspec);
    // The sources lack the installers that are put in when the package is packed.
    let sources = Package {
        nuspec: &folder.nuspec,
        paths: folder.paths.clone(),
        is_complete: false,
        scripts: folder.scripts.clone(),
        extensions: extensions.clone(),
    };
    if analyse_scripts(&sources).fetches() == Fetches::Nothing {
        return Ok(Outcome::NothingToDo);
    }
    let bytes = packed(nuspec, &folder)?;
    let old = Nupkg::read(&bytes, &Limits::default())?;
    let analysis = analyse_with(&old, extensions.clone());
    let planned = addresses(&analysis).and_then(|urls| {
        let locals: Vec<Local> = urls.into_iter().map(made_up).collect();
        plan_of(&old, extensions.clone(), &analysis, &locals)
    });
    let plan = match planned {
        Ok(plan) => plan,
        Err(why) => return Ok(Outcome::Refused(why.to_string())),
    };
    let open = |sha256: &str| {
        let mut files = plan.files.iter();
        let file = files.find(|it| it.local.sha256 == sha256);
        let url = file.map(|it| it.local.url.clone());
        url.map(|it| Cursor::new(it.into_bytes()))
            .ok_or_else(|| std::io::Error::other("no such file"))
    };
    let new = pack(&old, &plan, open, Cursor::new(Vec::new()))?.into_inner();
    let proven = Nupkg::read(&new, &Limits::default())
        .map_err(|error| error.to_string())
        .and_then(|new| {
            let proof = verify(&new, extensions, &analysis, &plan);
            proof.map_err(|why: Refused| why.to_string())?;
            let is_inside = |path: &str, url: &str| {
                let found = new.get(path);
                found.is_ok_and(|it| it == url.as_bytes())
            };
            let mut files = plan.files.iter();
            match files.find(|it| !is_inside(&it.path, &it.local.url)) {
                None => Ok(()),
                Some(file) => Err(format!("{} is not what was put in", file.path)),
            }
        });
    Ok(match proven {
        Ok(()) => Outcome::Internalized {
            files: plan.files.len(),
        },
        Err(why) => Outcome::ProofFailed(why),
    })
}

fn made_up(url: String) -> Local {
    Local {
        sha256: digest_hex(url.as_bytes()),
        length: url.len() as u64,
        url,
    }
}

/// The package of a folder of sources. Of what is neither a script nor the manifest only the name
/// counts: those files are empty.
fn packed(nuspec: &Path, folder: &package_folder::PackageFolder) -> anyhow::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let name = nuspec.file_name().context("a file without a name")?;
    let name = name.to_string_lossy().into_owned();
    let types = b"<?xml version=\"1.0\"?><Types></Types>".to_vec();
    let mut files = vec![
        ("[Content_Types].xml".to_owned(), types),
        (name, std::fs::read(nuspec)?),
    ];
    for path in &folder.paths {
        if files
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(path))
        {
            continue;
        }
        let mut scripts = folder.scripts.iter();
        let script = scripts.find(|it| it.path == *path);
        files.push((
            path.clone(),
            script.map(|it| it.bytes.clone()).unwrap_or_default(),
        ));
    }
    for (path, bytes) in files {
        zip.start_file(path, SimpleFileOptions::default())?;
        zip.write_all(&bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

fn write(out: &Path, root: &Path, nuspecs: &[PathBuf], outcomes: &[Outcome]) -> anyhow::Result<()> {
    let file =
        std::fs::File::create(out).with_context(|| format!("cannot write {}", out.display()))?;
    let mut out = std::io::BufWriter::new(file);
    for (nuspec, outcome) in nuspecs.iter().zip(outcomes) {
        let mut line = json!({
            "path": nuspec.strip_prefix(root).unwrap_or(nuspec),
            "outcome": outcome.key(),
        });
        match outcome {
            Outcome::NothingToDo => {}
            Outcome::Internalized { files } => line["files"] = json!(files),
            Outcome::Refused(why) | Outcome::ProofFailed(why) => line["why"] = json!(why),
        }
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}
