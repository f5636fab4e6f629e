//! Hostile input: corpora of bad files from public packages, inputs made to hurt, and a short run of
//! each fuzz target. Its crate, `fuzz`, is a workspace of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::command::{self, command, output};
use crate::workspace::{root, target_dir};

/// The fuzz targets, as `fuzz/Cargo.toml` has them.
const TARGETS: [&str; 8] = [
    "nuspec", "feed", "nupkg", "script", "versions", "gallery", "msi", "program",
];
/// Published crates whose sources hold bad files.
const CORPUS_CRATES: [&str; 3] = ["astral_async_zip", "cfb", "zip"];
/// How long each target runs here, in seconds. Longer runs are for people.
const SECONDS: u32 = 10;

/// Runs every corpus through the readers, then each fuzz target for a moment.
pub(crate) fn run() -> Result<()> {
    lock()?;
    let target = target_dir().join("fuzz");
    let manifest = root().join("fuzz/Cargo.toml");
    let mut build = command("cargo build --release --locked --bin hostile --manifest-path");
    command::run(build.arg(&manifest).arg("--target-dir").arg(&target))?;
    let mut hostile = Command::new(target.join("release/hostile"));
    hostile.arg("all").args(crate_corpora(&manifest)?);
    command::run(hostile.arg(xml_corpus()?))?;
    let seeds = target.join("seeds");
    let mut hostile = Command::new(target.join("release/hostile"));
    command::run(hostile.arg("seeds").arg(&seeds))?;
    for name in TARGETS {
        fuzz(name, &target)?;
    }
    Ok(())
}

/// The versions that are fuzzed are those that are shipped.
fn lock() -> Result<()> {
    std::fs::copy(root().join("Cargo.lock"), root().join("fuzz/Cargo.lock"))
        .context("cannot copy Cargo.lock")?;
    // Leaves out what the fuzz targets do not need, and adds what only they do.
    let mut metadata = command("cargo metadata --format-version 1 --manifest-path");
    output(metadata.arg(root().join("fuzz/Cargo.toml")))
        .context("cargo cannot read fuzz/Cargo.toml")?;
    Ok(())
}

/// The folders of the published crates, which cargo has fetched.
fn crate_corpora(manifest: &Path) -> Result<Vec<PathBuf>> {
    let mut metadata = command("cargo metadata --format-version 1 --locked --manifest-path");
    let metadata = output(metadata.arg(manifest)).context("cargo cannot read fuzz/Cargo.toml")?;
    let metadata: Value = serde_json::from_str(&metadata)?;
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

fn fuzz(name: &str, target: &Path) -> Result<()> {
    let found = target.join("corpus").join(name);
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
        .arg(format!("-max_total_time={SECONDS}"))
        // A limit on one input: far more than any takes, so that a busy machine fails nothing.
        .args(["-timeout=20", "-malloc_limit_mb=64", "-rss_limit_mb=1024"])
        .args(["-max_len=65536", "-print_final_stats=1", "-verbosity=0"]);
    println!("$ fuzzes {name} for {SECONDS} s");
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
