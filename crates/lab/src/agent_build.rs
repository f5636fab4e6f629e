//! The agent as it is shipped, built by cargo when it is not there or older than its sources.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

/// The profile that makes the agent small.
const PROFILE: &str = "dist-agent";
const PACKAGE: &str = "fleetmend-agent";

/// Lets cargo see to it that the agent is there, and gives its place.
pub fn build() -> anyhow::Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2).unwrap_or(here);
    ensure!(
        root.join("Cargo.toml").is_file(),
        "the agent's sources are not at {}: name an agent with --agent",
        root.display()
    );
    eprintln!("cargo builds the agent as it is shipped, unless it is up to date");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let output = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--locked", "--profile", PROFILE])
        .args(["--package", PACKAGE])
        .arg("--message-format=json-render-diagnostics")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo, which builds the agent: name one with --agent")?;
    if !output.status.success() {
        bail!("cargo could not build the agent ({})", output.status);
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    executable(&messages).context("cargo did not say where the agent is")
}

/// The program among cargo's messages. Source: 'External tools' in the Cargo Book.
fn executable(messages: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_it =
            message["reason"] == "compiler-artifact" && message["target"]["name"] == PACKAGE;
        let path = message["executable"].as_str().filter(|_| is_it)?;
        Some(PathBuf::from(path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_libraries_and_scripts() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}
not json
{"reason":"build-script-executed","package_id":"x"}
{"reason":"compiler-artifact","target":{"name":"fleetmend-agent"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"fleetmend-agent"},"executable":"/t/fleetmend-agent"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(
            executable(messages),
            Some(PathBuf::from("/t/fleetmend-agent"))
        );
        assert_eq!(executable(""), None);
    }
}
