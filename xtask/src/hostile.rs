//! Hostile input: corpora of bad files from public packages, inputs made to hurt, and a short run of
//! each fuzz target. Its crate, `fuzz`, is a workspace of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::command::{self, command, output};
use crate::workspace::{root, target_dir};

/// Published crates whose sources hold bad files.
const CORPUS_CRATES: [&str; 3] = ["astral_async_zip", "cfb", "zip"];
/// What the fuzz targets' inputs are made from: one change of the code is tried with the same inputs
/// wherever the tier runs. Others are for longer runs, by people.
const SEED: u32 = 1;
/// A target that has not made its inputs by then ends there, in seconds.
const MAX_SECONDS: u32 = 60;

/// Runs every corpus through the readers, then each fuzz target for a moment.
pub(crate) fn run() -> Result<()> {
    let manifest = root().join("fuzz/Cargo.toml");
    let metadata = lock(&manifest)?;
    let target = target_dir().join("fuzz");
    let mut build = command("cargo build --release --locked --bin hostile --manifest-path");
    command::run(build.arg(manifest).arg("--target-dir").arg(&target))?;
    let hostile = || Command::new(target.join("release/hostile"));
    let mut all = hostile();
    all.arg("all").args(crate_corpora(&metadata)?);
    command::run(all.arg(xml_corpus()?))?;
    command::run(hostile().arg("seeds").arg(target.join("seeds")))?;
    let readers = output(hostile().arg("readers")).context("hostile does not name its readers")?;
    for reader in readers.lines() {
        let (name, runs) = reader.split_once(' ').context("a reader without runs")?;
        fuzz(name, runs, &target)?;
    }
    Ok(())
}

/// Sees to it that the versions that are fuzzed are those that are shipped; gives what cargo knows of
/// the crates, which it has fetched.
fn lock(manifest: &Path) -> Result<Value> {
    std::fs::copy(
        root().join("Cargo.lock"),
        manifest.with_file_name("Cargo.lock"),
    )
    .context("cannot copy Cargo.lock")?;
    // Leaves out what the fuzz targets do not need, and adds what only they do.
    let mut metadata = command("cargo metadata --format-version 1 --manifest-path");
    let metadata = output(metadata.arg(manifest)).context("cargo cannot read fuzz/Cargo.toml")?;
    Ok(serde_json::from_str(&metadata)?)
}

/// The folders of the published crates.
fn crate_corpora(metadata: &Value) -> Result<Vec<PathBuf>> {
    let packages = metadata["packages"].as_array().context("no packages")?;
    let is_corpus = |package: &&Value| {
        package["name"]
            .as_str()
            .is_some_and(|name| CORPUS_CRATES.contains(&name))
    };
    let folder = |package: &Value| {
        let manifest = package["manifest_path"].as_str()?;
        Some(Path::new(manifest).parent()?.to_owned())
    };
    Ok(packages
        .iter()
        .filter(is_corpus)
        .filter_map(folder)
        .collect())
}

/// The XML conformance suite, from its npm package; its lock file has the digest.
fn xml_corpus() -> Result<PathBuf> {
    let folder = target_dir().join("corpora");
    std::fs::create_dir_all(&folder)?;
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(root().join("fuzz/corpora").join(name), folder.join(name))?;
    }
    let mut npm = command("npm ci --ignore-scripts --no-audit --no-fund");
    command::run(npm.current_dir(&folder))?;
    Ok(folder.join("node_modules"))
}

fn fuzz(name: &str, runs: &str, target: &Path) -> Result<()> {
    let found = target.join("corpus").join(name);
    if found.exists() {
        std::fs::remove_dir_all(&found)?;
    }
    std::fs::create_dir_all(&found)?;
    let mut fuzz = command("cargo fuzz run --sanitizer none --target-dir");
    fuzz.arg(target.join("run")).arg(name).arg(&found);
    for seeds in [root().join("fuzz/seeds"), target.join("seeds")] {
        let seeds = seeds.join(name);
        if seeds.is_dir() {
            fuzz.arg(&seeds);
        }
    }
    fuzz.arg("--")
        .arg(format!("-seed={SEED}"))
        .arg(format!("-runs={runs}"))
        .arg(format!("-max_total_time={MAX_SECONDS}"))
        // A limit on one input: far more than any takes, so that a busy machine fails nothing.
        .args(["-timeout=20", "-malloc_limit_mb=64", "-rss_limit_mb=1024"])
        .args(["-max_len=65536", "-print_final_stats=1", "-verbosity=0"]);
    println!("$ fuzzes {name} with {runs} inputs");
    let output = fuzz.output().context("cannot start cargo fuzz")?;
    let report = String::from_utf8_lossy(&output.stderr);
    for line in report.lines().filter(|line| line.starts_with("stat::")) {
        println!("{line}");
    }
    ensure!(
        output.status.success(),
        "the target {name} failed:\n{report}"
    );
    Ok(())
}
