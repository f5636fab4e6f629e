//! `cargo xtask dist`: the programs as they are shipped.

use std::fs;

use anyhow::{Context as _, Result};

use crate::command::{command, output, run};
use crate::sysroot;
use crate::workspace::{WINDOWS_TARGET, root, target_dir};

/// The profile that makes the agent small.
const AGENT_PROFILE: &str = "dist-agent";

/// Builds the server and both agents and puts them with their digests into `dist/`.
pub(crate) fn build() -> Result<()> {
    run(&mut command("cargo build --locked --release -p fleetmend"))?;
    let agent = format!("cargo build --locked --profile {AGENT_PROFILE} -p fleetmend-agent");
    run(&mut command(&agent))?;
    let mut windows = command(&agent);
    windows.args(["--target", WINDOWS_TARGET]);
    if let Some(flags) = sysroot::rustflags() {
        windows.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS", flags);
    }
    run(&mut windows)?;

    let target = target_dir();
    let windows_agent = target
        .join(WINDOWS_TARGET)
        .join(AGENT_PROFILE)
        .join("fleetmend-agent.exe");
    let programs = [
        target.join("release/fleetmend"),
        target.join(AGENT_PROFILE).join("fleetmend-agent"),
        windows_agent,
    ];
    let dist = root().join("dist");
    fs::create_dir_all(&dist)?;
    let mut sums = String::new();
    for program in programs {
        let name = program
            .file_name()
            .and_then(|name| name.to_str())
            .context("a name")?;
        let copy = dist.join(name);
        fs::copy(&program, &copy)
            .with_context(|| format!("cannot copy {} to dist/", program.display()))?;
        let mut sha256sum = command("sha256sum --binary");
        sha256sum.current_dir(&dist).arg(name);
        sums.push_str(&output(&mut sha256sum).context("sha256sum does not run")?);
        let megabytes = fs::metadata(&copy)?.len() as f64 / 1_000_000.0;
        println!("dist/{name}: {megabytes:.2} MB");
    }
    fs::write(dist.join("sha256sums"), sums)?;
    Ok(())
}
