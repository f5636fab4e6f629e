//! Rust's standard library for Windows where rustup cannot download it: built from its source.
//!
//! The source must be that of the running compiler: rustup's component `rust-src`, or Debian's package
//! `rust-src` of the same version. The result is a sysroot of the project's own in the target
//! directory; nothing of the toolchain is changed. It takes about a minute.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::command::{command, output, run};
use crate::workspace::{WINDOWS_TARGET, target_dir};

/// Whether the toolchain, or the sysroot built here, has the standard library for a target.
pub(crate) fn has_std(target: &str) -> bool {
    in_toolchain(target) || has_rlibs(&library_folder())
}

/// The flags that a build for Windows needs: none where the toolchain has the library itself.
pub(crate) fn rustflags() -> Option<String> {
    let own = !in_toolchain(WINDOWS_TARGET) && has_rlibs(&library_folder());
    own.then(|| format!("--sysroot {}", sysroot().display()))
}

/// Builds the standard library for Windows.
pub(crate) fn build() -> Result<()> {
    let source = source()?;
    let folder = target_dir().join("windows-std");
    fs::create_dir_all(folder.join("src"))?;
    fs::write(
        folder.join("Cargo.toml"),
        "[package]\nname = \"windows-std\"\nedition = \"2024\"\n[workspace]\n",
    )?;
    fs::write(folder.join("src/lib.rs"), "")?;
    let mut cargo = command("cargo build --release -Z build-std=std,panic_abort,test --target");
    cargo
        .arg(WINDOWS_TARGET)
        .current_dir(&folder)
        .env_remove("CARGO_TARGET_DIR");
    // Building the library is unstable; cargo's own tests tell it by this variable where it is.
    cargo
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", &source);
    cargo.env(
        "CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS",
        "-C embed-bitcode=yes",
    );
    run(&mut cargo)?;

    let library = library_folder();
    fs::create_dir_all(&library)?;
    let built = folder
        .join("target")
        .join(WINDOWS_TARGET)
        .join("release/deps");
    for entry in fs::read_dir(&built).with_context(|| format!("reading {}", built.display()))? {
        let path = entry?.path();
        if let Some(name) = path
            .file_name()
            .filter(|_| path.extension().is_some_and(|e| e == "rlib"))
        {
            fs::copy(&path, library.join(name))?;
        }
    }
    Ok(())
}

fn in_toolchain(target: &str) -> bool {
    let folder = output(&mut command(&format!(
        "rustc --print target-libdir --target {target}"
    )));
    folder.is_some_and(|folder| has_rlibs(&PathBuf::from(folder.trim())))
}

fn has_rlibs(folder: &std::path::Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

/// The library's source: the folder `library` of the compiler's own source tree.
fn source() -> Result<PathBuf> {
    let sysroot = output(&mut command("rustc --print sysroot")).context("rustc does not run")?;
    let component = PathBuf::from(sysroot.trim()).join("lib/rustlib/src/rust/library");
    if !component.is_dir() {
        // Without a network this fails as well, and Debian's package may still be there.
        let _ = run(&mut command("rustup component add rust-src"));
    }
    let debian = PathBuf::from(format!("/usr/src/rustc-{}/library", version()?));
    [component, debian].into_iter().find(|folder| folder.is_dir()).with_context(|| {
        let version = version().unwrap_or_default();
        format!("no source of Rust {version} here: it is in Debian's package rust-src of that version")
    })
}

fn version() -> Result<String> {
    let text = output(&mut command("rustc --version")).context("rustc does not run")?;
    Ok(text.split(' ').nth(1).unwrap_or_default().to_owned())
}

fn sysroot() -> PathBuf {
    target_dir().join(format!("windows-sysroot-{}", version().unwrap_or_default()))
}

fn library_folder() -> PathBuf {
    sysroot()
        .join("lib/rustlib")
        .join(WINDOWS_TARGET)
        .join("lib")
}
