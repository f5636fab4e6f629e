//! `cargo xtask test`: every tier of checks and tests, one after the other, and what became of each.
//!
//! A tier that fails does not keep the others from running, and none is left out in silence: one
//! that cannot run because an earlier one failed counts as failed and says so.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use fleetmend_e2e::postgres::Postgres;
use fleetmend_e2e::wine::Wine;

use crate::command::{self, command, output};
use crate::workspace::{PURE_CRATES, WINDOWS_TARGET, target_dir};
use crate::{hostile, needs, nuget, sysroot, tidy};

/// How much is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent<'a> {
    /// Everything.
    All,
    /// What is quick: no Wine, no browser, no end-to-end tests.
    Fast,
    /// One tier, by its name, without those before it.
    Only(&'a str),
}

/// One line of the summary.
struct Tier {
    name: &'static str,
    /// In `--fast` as well.
    fast: bool,
    /// The tier that must have succeeded before.
    after: Option<&'static str>,
    run: fn() -> Result<()>,
}

const TIERS: &[Tier] = &[
    Tier {
        name: "format",
        fast: true,
        after: None,
        run: formatting,
    },
    Tier {
        name: "tidy",
        fast: true,
        after: None,
        run: tidy::run,
    },
    Tier {
        name: "licences",
        fast: false,
        after: None,
        run: licences,
    },
    Tier {
        name: "clippy",
        fast: false,
        after: None,
        run: clippy,
    },
    Tier {
        name: "build",
        fast: false,
        after: None,
        run: build,
    },
    Tier {
        name: "tests",
        fast: true,
        after: None,
        run: tests,
    },
    Tier {
        name: "debian-root-tests",
        fast: false,
        after: None,
        run: debian_root_tests,
    },
    Tier {
        name: "hostile",
        fast: false,
        after: None,
        run: hostile::run,
    },
    Tier {
        name: "windows-build",
        fast: false,
        after: None,
        run: windows_build,
    },
    Tier {
        name: "windows-tests",
        fast: false,
        after: Some("windows-build"),
        run: windows_tests,
    },
    Tier {
        name: "e2e-build",
        fast: false,
        after: Some("windows-build"),
        run: e2e_build,
    },
    Tier {
        name: "e2e",
        fast: false,
        after: Some("e2e-build"),
        run: e2e_tests,
    },
];

/// Runs the tiers and prints the table of what became of them.
pub(crate) fn run(extent: Extent<'_>) -> Result<()> {
    let start = Instant::now();
    let tiers = chosen(extent)?;
    needs::ensure(tiers.iter().all(|tier| tier.fast))?;
    let mut results: Vec<(&str, Duration, Result<()>)> = Vec::new();
    for tier in tiers {
        println!("\n=== {} ===", tier.name);
        let begun = Instant::now();
        let blocker = tier.after.filter(|name| {
            results
                .iter()
                .any(|(done, _, result)| done == name && result.is_err())
        });
        let result = match blocker {
            Some(name) => Err(anyhow::anyhow!("not run: it needs '{name}', which failed")),
            None => (tier.run)(),
        };
        let took = begun.elapsed();
        match &result {
            Ok(()) => println!("=== {}: passed in {} ===", tier.name, seconds(took)),
            Err(error) => println!("=== {}: FAILED in {}: {error:#}", tier.name, seconds(took)),
        }
        results.push((tier.name, took, result));
    }
    println!("\n{:<26}{:>9}  result", "tier", "seconds");
    for (name, took, result) in &results {
        let verdict = match result {
            Ok(()) => "passed".to_owned(),
            Err(error) => format!("FAILED: {error:#}")
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
        };
        println!("{name:<26}{:>9}  {verdict}", seconds(*took));
    }
    println!("{:<26}{:>9}", "all", seconds(start.elapsed()));
    let failed = results
        .iter()
        .filter(|(_, _, result)| result.is_err())
        .count();
    if failed > 0 {
        bail!("{failed} of {} tiers failed", results.len());
    }
    Ok(())
}

fn chosen(extent: Extent<'_>) -> Result<Vec<&'static Tier>> {
    let tiers: Vec<&Tier> = TIERS
        .iter()
        .filter(|tier| match extent {
            Extent::All => true,
            Extent::Fast => tier.fast,
            Extent::Only(name) => tier.name == name,
        })
        .collect();
    if tiers.is_empty() {
        let names: Vec<&str> = TIERS.iter().map(|tier| tier.name).collect();
        bail!("there is no such tier; there are: {}", names.join(", "));
    }
    Ok(tiers)
}

fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

fn formatting() -> Result<()> {
    command::run(&mut command("cargo fmt --all --check"))?;
    command::run(&mut command(
        "cargo fmt --check --manifest-path fuzz/Cargo.toml",
    ))
}

fn clippy() -> Result<()> {
    command::run(&mut command(
        "cargo clippy --workspace --all-targets --locked -- -D warnings",
    ))?;
    // It sees only the code of the system that it builds for.
    let mut windows = for_windows("cargo clippy --locked -p fleetmend-agent --all-targets");
    command::run(windows.args(["--", "-D", "warnings"]))
}

fn build() -> Result<()> {
    command::run(&mut command("cargo build --workspace --locked"))
}

fn licences() -> Result<()> {
    // Advisories come from a database on the network. Without it nothing is wrong with this tree.
    let advisories = command("cargo deny --log-level error check advisories").output()?;
    let report = String::from_utf8_lossy(&advisories.stderr);
    if advisories.status.success() {
        println!("advisories: none for the crates in Cargo.lock");
    } else if report.contains("failed to fetch advisory database") {
        println!("advisories: NOT CHECKED, the advisory database cannot be had here:\n{report}");
    } else {
        bail!("there are advisories for crates in Cargo.lock:\n{report}");
    }
    command::run(&mut command(
        "cargo deny --log-level error check licenses bans sources",
    ))
}

fn tests() -> Result<()> {
    let postgres = Postgres::start().context("cannot start PostgreSQL for the tests")?;
    let mut nextest = command("cargo nextest run --locked --workspace --exclude fleetmend-e2e");
    nextest.args(["-E", &format!("not ({DEBIAN_ROOT_TESTS})")]);
    command::run(nextest.env("FLEETMEND_TEST_POSTGRES", postgres.url()))
}

/// The tests that work on Debian roots: they are slow, and only root may make roots.
const DEBIAN_ROOT_TESTS: &str = "package(fleetmend-agent) & test(/^linux::tests::/)";

fn debian_root_tests() -> Result<()> {
    let mut nextest = command("cargo nextest run --locked -p fleetmend-agent");
    command::run(nextest.args(["-E", DEBIAN_ROOT_TESTS]))
}

/// A cargo command for the Windows target.
fn for_windows(line: &str) -> Command {
    let mut cargo = command(line);
    cargo.args(["--target", WINDOWS_TARGET]);
    if let Some(flags) = sysroot::rustflags() {
        cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS", flags);
    }
    cargo
}

fn windows_build() -> Result<()> {
    command::run(&mut for_windows("cargo build --locked -p fleetmend-agent"))
}

fn windows_tests() -> Result<()> {
    // One machine for all tests of this tier; it is on before nextest asks programs, through pipes,
    // for the names of their tests.
    let wine = Wine::new().context("cannot start Wine")?;
    let mut nextest = for_windows("cargo nextest run --locked -p fleetmend-agent");
    for name in PURE_CRATES {
        nextest.args(["-p", &format!("fleetmend-{name}")]);
    }
    // A copy: building the workspace may have put a new program in this one's place.
    let runner = wine.prefix().with_extension("runner");
    std::fs::copy("/proc/self/exe", &runner).context("cannot copy xtask")?;
    let runner = format!("{} wine-run", runner.display());
    nextest.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", runner);
    command::run(nextest.env(WINE_PREFIX, wine.prefix()))
}

/// Tells [`wine_run`] the prefix.
const WINE_PREFIX: &str = "FLEETMEND_TEST_WINE_PREFIX";

/// `xtask wine-run <program> [arguments…]`: runs a Windows test program in the tier's machine.
pub(crate) fn wine_run(arguments: &[&str]) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    let prefix =
        std::env::var_os(WINE_PREFIX).with_context(|| format!("{WINE_PREFIX} is not set"))?;
    let (program, arguments) = arguments.split_first().context("no program to run")?;
    let mut wine = Wine::command_in(prefix.as_ref(), program);
    // Tests read files beside their sources: the folder that cargo chose counts.
    wine.current_dir(std::env::current_dir()?).args(arguments);
    // Becomes Wine, so that nextest's signals and time limits reach it.
    Err(wine.exec().into())
}

fn e2e_build() -> Result<()> {
    command::run(&mut command(
        "cargo build --locked -p fleetmend -p fleetmend-agent",
    ))
}

fn e2e_tests() -> Result<()> {
    let target = target_dir();
    let programs = [
        ("FLEETMEND_BIN", target.join("debug/fleetmend")),
        ("FLEETMEND_AGENT_BIN", target.join("debug/fleetmend-agent")),
        (
            "FLEETMEND_AGENT_EXE",
            target
                .join(WINDOWS_TARGET)
                .join("debug/fleetmend-agent.exe"),
        ),
        ("FLEETMEND_CHROMIUM", program("chromium")?),
        ("FLEETMEND_CHROMEDRIVER", program("chromedriver")?),
        ("FLEETMEND_NUGET_EXE", nuget::path()),
    ];
    let mut nextest = command("cargo nextest run --locked -p fleetmend-e2e");
    for (variable, path) in programs {
        ensure!(
            path.is_file(),
            "{} is not there, which the tests start",
            path.display()
        );
        nextest.env(variable, path);
    }
    command::run(&mut nextest)
}

fn program(name: &str) -> Result<std::path::PathBuf> {
    let mut which = command("sh -c");
    let path = output(which.args([r#"command -v "$1""#, "which", name]));
    Ok(path
        .with_context(|| format!("{name} is not there"))?
        .trim()
        .into())
}
