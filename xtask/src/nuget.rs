//! NuGet.exe, a real client of the server's own feed: from the npm package that carries it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use crate::command::{command, output, run};
use crate::workspace::target_dir;

/// The npm package: name and version.
const PACKAGE: &str = "nuget-exe@5.8.0";
/// The program's path in the package.
const PROGRAM: &str = "package/nuget-5.8.0.exe";
/// The program's digest.
const SHA256: &str = "5c5b9c96165d3283b2cb9e5b65825d343e0e7139b9e70a250b4bb24c2285f3ba";

/// Where the program is.
pub(crate) fn path() -> PathBuf {
    folder().join(PROGRAM)
}

/// Sees to it that the program is there.
pub(crate) fn ensure() -> Result<()> {
    if path().is_file() {
        return Ok(());
    }
    println!("missing: NuGet.exe (a real client of the server's own feed)");
    let folder = folder();
    let unfinished = target_dir().join("nuget-exe.unfinished");
    let _ = fs::remove_dir_all(&unfinished);
    fs::create_dir_all(&unfinished)?;
    let mut pack = command("npm pack --ignore-scripts --pack-destination");
    run(pack.arg(&unfinished).arg(PACKAGE))
        .with_context(|| format!("NuGet.exe comes with npm: npm pack {PACKAGE}"))?;
    let archive = unfinished.join(format!("{}.tgz", PACKAGE.replace('@', "-")));
    let mut unpack = command("tar --extract --gzip --file");
    run(unpack.arg(archive).arg("--directory").arg(&unfinished))?;
    let program = unfinished.join(PROGRAM);
    let digest = output(command("sha256sum").arg(&program)).unwrap_or_default();
    ensure!(
        digest.starts_with(SHA256),
        "{} is not the program that it should be: its SHA-256 is {digest}",
        program.display()
    );
    let _ = fs::remove_dir_all(&folder);
    fs::rename(&unfinished, &folder)?;
    Ok(())
}

fn folder() -> PathBuf {
    target_dir().join("nuget-exe-5.8.0")
}
