//! Runs hostile inputs through the readers, each in a process of its own, and tells what they cost.
//!
//! `hostile readers` names them, each with the length of a short run. `hostile seeds FOLDER` writes what the fuzz targets of formats that are
//! not text begin with. `hostile all FOLDER…` takes the inputs that are made here and every `.zip`,
//! `.nupkg` and `.xml` below the folders, and the corpora of `cfb`; the last line is one JSON object. It
//! fails if a reader dies, panics, or takes more memory than [`MAX_MIB`]; how long the slowest took is
//! told, and fails only at [`HANGS`].

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use fleetmend_e2e::process;
use fleetmend_e2e::work_dir::WorkDir;
use fleetmend_fuzz::{READERS, made, read_as_server};
use serde_json::{Value, json};

/// What a reader may take beside its input, in MiB.
const MAX_MIB: f64 = 64.0;
/// A reader that takes as long as this hangs.
const HANGS: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["one", reader, path] => one(reader, path.as_ref()),
        ["all", ref folders @ ..] => all(folders),
        ["readers"] => readers(),
        ["seeds", folder] => seeds(folder.as_ref()),
        _ => Err(anyhow::anyhow!(
            "usage: hostile readers | all FOLDER… | seeds FOLDER | one READER FILE"
        )),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hostile: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints each reader's name and how many inputs a short run of its fuzz target makes.
fn readers() -> Result<()> {
    for reader in READERS {
        println!("{} {}", reader.name, reader.runs);
    }
    Ok(())
}

/// Writes each seed into a folder named as its reader.
fn seeds(folder: &Path) -> Result<()> {
    for seed in made::seeds() {
        let folder = folder.join(seed.reader);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(seed.name), seed.bytes)?;
    }
    Ok(())
}

/// Reads one file and prints what it cost.
fn one(reader: &str, path: &Path) -> Result<()> {
    let found = READERS
        .iter()
        .find(|it| it.name == reader)
        .with_context(|| format!("there is no reader {reader}"))?;
    let input = std::fs::read(path)?;
    (found.prepare)();
    let before = peak_kib()?;
    let start = Instant::now();
    let outcome = read_as_server(found.read, &input);
    let seconds = start.elapsed().as_secs_f64();
    let mib = (peak_kib()? - before) / 1024.0;
    let refused = outcome
        .err()
        .map(|why| why.chars().take(300).collect::<String>());
    println!(
        "{}",
        json!({ "refused": refused, "seconds": seconds, "mib": mib })
    );
    Ok(())
}

/// The most memory that this process had so far, in KiB.
fn peak_kib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix("kB"));
    Ok(number.context("the kernel tells no peak")?.trim().parse()?)
}

/// What the inputs of one reader came to.
#[derive(Default)]
struct Total {
    inputs: usize,
    refused: usize,
    slowest: (f64, String),
    largest: (f64, String),
}

fn all(folders: &[&str]) -> Result<()> {
    let scratch = WorkDir::new("hostile")?;
    let mut totals: BTreeMap<&'static str, Total> = BTreeMap::new();
    let mut bad = Vec::new();
    let mut take = |reader: &'static str, name: String, path: &Path| -> Result<()> {
        let total = totals.entry(reader).or_default();
        total.inputs += 1;
        match run_one(reader, path)? {
            Ok(cost) => {
                let number = |key: &str| cost[key].as_f64().unwrap_or_default();
                total.refused += usize::from(!cost["refused"].is_null());
                if number("seconds") > total.slowest.0 {
                    total.slowest = (number("seconds"), name.clone());
                }
                if number("mib") > total.largest.0 {
                    total.largest = (number("mib"), name.clone());
                }
                if number("mib") > MAX_MIB {
                    bad.push(format!("{reader}: {name} takes {:.0} MiB", number("mib")));
                }
            }
            Err(why) => bad.push(format!("{reader}: {name}: {why}")),
        }
        Ok(())
    };
    for input in made::all() {
        let path = scratch.path().join("input");
        std::fs::write(&path, &input.bytes)?;
        take(input.reader, input.name.to_owned(), &path)?;
    }
    for folder in folders {
        let mut files = Vec::new();
        find(Path::new(folder), &mut files)?;
        files.sort();
        for path in files {
            for reader in readers_of(&path) {
                take(reader, path.display().to_string(), &path)?;
            }
        }
    }
    let mut result = serde_json::Map::new();
    for (reader, total) in &totals {
        println!(
            "{reader}: {} inputs, {} refused; slowest {:.3} s ({}); largest {:.1} MiB ({})",
            total.inputs,
            total.refused,
            total.slowest.0,
            total.slowest.1,
            total.largest.0,
            total.largest.1
        );
        result.insert(
            (*reader).to_owned(),
            json!({
                "inputs": total.inputs,
                "refused": total.refused,
                "slowest_s": total.slowest.0,
                "largest_mib": total.largest.0,
            }),
        );
    }
    for line in &bad {
        println!("BAD {line}");
    }
    result.insert("bad".to_owned(), json!(bad.len()));
    println!("{}", Value::Object(result));
    if !bad.is_empty() {
        bail!("{} inputs were too much for their readers", bad.len());
    }
    Ok(())
}

/// Runs this program on one file: what it cost, or how it died.
fn run_one(reader: &str, path: &Path) -> Result<Result<Value, String>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([OsStr::new("one"), OsStr::new(reader), path.as_os_str()]);
    let output = match process::run(&mut command, HANGS) {
        Ok(output) => output,
        Err(error) => return Ok(Err(format!("{error:#}"))),
    };
    if output.code != Some(0) {
        let errors: String = output.stderr.chars().take(500).collect();
        let ended = output.code.map_or_else(
            || "a signal ended it".to_owned(),
            |code| format!("exit code {code}"),
        );
        return Ok(Err(format!("{ended}: {errors}")));
    }
    Ok(Ok(serde_json::from_str(&output.stdout)?))
}

fn readers_of(path: &Path) -> &'static [&'static str] {
    let folder = path.parent().unwrap_or(path).to_string_lossy();
    match path.extension().and_then(OsStr::to_str) {
        Some("zip" | "nupkg") => &["nupkg"],
        Some("xml") => &["nuspec", "feed"],
        // As `cfb` names its corpora.
        None if folder.ends_with("_fuzzed") => &["msi"],
        _ => &[],
    }
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            find(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
