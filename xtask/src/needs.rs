//! What the tests need on the machine, how it is found, and where it comes from.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::command::{command, output, run};
use crate::workspace::WINDOWS_TARGET;
use crate::{nuget, sysroot};

/// How a need is found.
enum Found {
    /// A program of this name in the search path (or in a system folder that users' paths lack).
    Program(&'static str),
    /// A file at this place; one `*` stands for any name of a folder.
    File(&'static str),
    /// Files of these names in this folder.
    Files(&'static str, &'static [&'static str]),
}

/// A need that Debian packages fill.
struct Need {
    name: &'static str,
    found: Found,
    packages: &'static [&'static str],
    why: &'static str,
    /// Whether `--fast` needs it as well.
    fast: bool,
}

const NEEDS: &[Need] = &[
    Need {
        name: "C compiler",
        found: Found::Program("cc"),
        packages: &["build-essential"],
        why: "SQLite, ring and the PowerShell grammar are C",
        fast: true,
    },
    Need {
        name: "PostgreSQL",
        found: Found::File("/usr/lib/postgresql/*/bin/initdb"),
        packages: &["postgresql"],
        why: "every store test runs on it too",
        fast: true,
    },
    Need {
        name: "setpriv",
        found: Found::Program("setpriv"),
        packages: &["util-linux"],
        why: "PostgreSQL refuses to run as root; also unshare, for Debian roots",
        fast: true,
    },
    Need {
        name: "rpm",
        found: Found::Program("rpm"),
        packages: &["rpm"],
        why: "what orders RPM versions; the property test asks it",
        fast: true,
    },
    Need {
        name: "mingw",
        found: Found::Program("x86_64-w64-mingw32-gcc"),
        packages: &["gcc-mingw-w64-x86-64"],
        why: "links the Windows agent",
        fast: false,
    },
    Need {
        name: "mingw C++",
        found: Found::Program("x86_64-w64-mingw32-g++"),
        packages: &["g++-mingw-w64-x86-64-posix"],
        why: "links C++ parts of Windows programs",
        fast: false,
    },
    Need {
        name: "Wine",
        found: Found::Program("wine"),
        packages: &["wine", "wine64"],
        why: "runs the Windows agent and installers",
        fast: false,
    },
    Need {
        name: "NSIS",
        found: Found::Program("makensis"),
        packages: &["nsis"],
        why: "builds EXE installers",
        fast: false,
    },
    Need {
        name: "wixl",
        found: Found::Program("wixl"),
        packages: &["wixl"],
        why: "builds MSI packages",
        fast: false,
    },
    Need {
        name: "msitools",
        found: Found::Program("msiinfo"),
        packages: &["msitools"],
        why: "looks into MSI packages",
        fast: false,
    },
    Need {
        name: "debootstrap",
        found: Found::Program("debootstrap"),
        packages: &["debootstrap"],
        why: "makes the Debian root that APT tests work on",
        fast: false,
    },
    Need {
        name: "dpkg-deb",
        found: Found::Program("dpkg-deb"),
        packages: &["dpkg"],
        why: "builds Debian packages",
        fast: false,
    },
    Need {
        name: "apt-ftparchive",
        found: Found::Program("apt-ftparchive"),
        packages: &["apt-utils"],
        why: "makes APT repositories",
        fast: false,
    },
    Need {
        name: "GnuPG",
        found: Found::Program("gpg"),
        packages: &["gnupg"],
        why: "signs APT repositories",
        fast: false,
    },
    Need {
        name: "Python",
        found: Found::Program("python3"),
        packages: &["python3"],
        why: "a second opinion on the zip files that the tests build; changes to databases",
        fast: false,
    },
    Need {
        name: "iproute2",
        found: Found::Program("ip"),
        packages: &["iproute2"],
        why: "the loopback interface of a machine without a network",
        fast: false,
    },
    Need {
        name: "C++ compiler",
        found: Found::Program("c++"),
        packages: &["build-essential"],
        why: "the fuzzer's own library is C++",
        fast: false,
    },
    Need {
        name: "Chromium",
        found: Found::Program("chromium"),
        packages: &["chromium"],
        why: "the browser tests",
        fast: false,
    },
    Need {
        name: "ChromeDriver",
        found: Found::Program("chromedriver"),
        packages: &["chromium-driver"],
        why: "drives Chromium in the browser tests",
        fast: false,
    },
    Need {
        name: "Mono",
        found: Found::Program("mono"),
        packages: &["mono-runtime"],
        why: "runs NuGet.exe",
        fast: false,
    },
    Need {
        name: "Mono's libraries",
        found: Found::Files(
            "/usr/lib/mono/4.5",
            &[
                "Microsoft.Build.dll",
                "Microsoft.Build.Utilities.v4.0.dll",
                "Microsoft.CSharp.dll",
                "System.ComponentModel.Composition.dll",
                "System.Data.Services.Client.dll",
                "System.IO.Compression.FileSystem.dll",
                "System.Net.Http.dll",
                "System.ServiceModel.dll",
                "WindowsBase.dll",
            ],
        ),
        // The whole of Mono is several times as much.
        packages: &[
            "libmono-microsoft-build4.0-cil",
            "libmono-microsoft-build-utilities-v4.0-4.0-cil",
            "libmono-microsoft-csharp4.0-cil",
            "libmono-system-componentmodel-composition4.0-cil",
            "libmono-system-data-services-client4.0-cil",
            "libmono-system-io-compression-filesystem4.0-cil",
            "libmono-system-net-http4.0-cil",
            "libmono-system-servicemodel4.0a-cil",
            "libmono-windowsbase4.0-cil",
        ],
        why: "what NuGet.exe is linked with",
        fast: false,
    },
    Need {
        name: "NuGet 2.8",
        found: Found::File("/usr/lib/nuget/NuGet.exe"),
        packages: &["nuget"],
        why: "a client of the feed of the first generation, as Chocolatey 1.x is",
        fast: false,
    },
    Need {
        name: "npm",
        found: Found::Program("npm"),
        packages: &["npm"],
        why: "brings NuGet.exe and the corpus of bad XML",
        fast: false,
    },
];

/// Folders with programs that the search path of ordinary users leaves out.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Sees to it that everything is there: installs what is missing where it may, and otherwise fails
/// with the one line that would.
pub(crate) fn ensure(fast: bool) -> Result<()> {
    ensure_packages(fast)?;
    ensure_rust(fast)?;
    if fast { Ok(()) } else { nuget::ensure() }
}

fn ensure_packages(fast: bool) -> Result<()> {
    let as_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !fast && !as_root {
        bail!(
            "only root can make the Debian roots that the tests work on: run this as root, or the \
             tests that need none with --fast"
        );
    }
    let wanted = |need: &&Need| !fast || need.fast;
    let missing: Vec<&Need> = NEEDS
        .iter()
        .filter(wanted)
        .filter(|need| !need.is_there())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        println!("missing: {} ({})", need.name, need.why);
    }
    let packages: BTreeSet<&str> = missing
        .iter()
        .flat_map(|need| need.packages)
        .copied()
        .collect();
    let packages = packages.into_iter().collect::<Vec<_>>().join(" ");
    if !as_root || !on_path("apt-get") {
        bail!(
            "something that the tests need is missing; this installs it:\n  \
             sudo apt-get update && sudo apt-get install --yes --no-install-recommends {packages}"
        );
    }
    let apt_get = |arguments: &str| {
        let mut apt_get = command(&format!("apt-get {arguments}"));
        apt_get.env("DEBIAN_FRONTEND", "noninteractive");
        run(&mut apt_get)
    };
    apt_get("update")?;
    apt_get(&format!("install --yes --no-install-recommends {packages}"))?;
    let still: Vec<&str> = missing
        .iter()
        .filter(|need| !need.is_there())
        .map(|need| need.name)
        .collect();
    if !still.is_empty() {
        bail!("installed, and still not found: {}", still.join(", "));
    }
    Ok(())
}

fn ensure_rust(fast: bool) -> Result<()> {
    ensure_rust_part(
        "rustfmt",
        "cargo fmt --version",
        "rustup component add rustfmt",
    )?;
    ensure_rust_part(
        "cargo-nextest",
        "cargo nextest --version",
        "cargo install --locked cargo-nextest",
    )?;
    if fast {
        return Ok(());
    }
    ensure_rust_part(
        "cargo-fuzz",
        "cargo fuzz --version",
        "cargo install --locked cargo-fuzz",
    )?;
    ensure_rust_part(
        "clippy",
        "cargo clippy --version",
        "rustup component add clippy",
    )?;
    if output(&mut command("cargo deny --version")).is_none() {
        println!("missing: cargo-deny (checks licences and banned crates)");
        // Built without optimisation: it runs for a second and builds for minutes.
        let mut install = command("cargo install --locked cargo-deny");
        install.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
        install.env("CARGO_PROFILE_RELEASE_LTO", "off");
        install.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        run(&mut install).context("cargo-deny cannot be installed")?;
    }
    if !sysroot::has_std(WINDOWS_TARGET) {
        println!("missing: Rust's standard library for {WINDOWS_TARGET}");
        let add = run(&mut command(&format!("rustup target add {WINDOWS_TARGET}")));
        if let Err(error) = add {
            println!("rustup cannot add it ({error:#}); building it from source");
            sysroot::build().context(format!(
                "the standard library for {WINDOWS_TARGET} is missing: \
                 `rustup target add {WINDOWS_TARGET}` would add it"
            ))?;
        }
    }
    Ok(())
}

/// Sees to it that a cargo subcommand is there: `probe` succeeds when it is, `install` brings it.
fn ensure_rust_part(name: &str, probe: &str, install: &str) -> Result<()> {
    if output(&mut command(probe)).is_some() {
        return Ok(());
    }
    println!("missing: {name}");
    run(&mut command(install))
        .with_context(|| format!("{name} is missing; this installs it: {install}"))
}

impl Need {
    fn is_there(&self) -> bool {
        match self.found {
            Found::Program(name) => on_path(name),
            Found::File(pattern) => file_exists(pattern),
            Found::Files(folder, names) => names
                .iter()
                .all(|name| Path::new(folder).join(name).exists()),
        }
    }
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SYSTEM_FOLDERS.map(Into::into))
        .any(|folder| folder.join(program).is_file())
}

fn file_exists(pattern: &str) -> bool {
    let Some((before, after)) = pattern.split_once("/*/") else {
        return Path::new(pattern).exists();
    };
    let entries = std::fs::read_dir(before).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path().join(after))
        .any(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_files_are_found_only_where_they_are() {
        assert!(on_path("sh"));
        assert!(!on_path("no-such-program-anywhere"));
        assert!(file_exists("/proc/*/stat"));
        assert!(!file_exists("/proc/*/no-such-file"));
        assert!(!file_exists("/no-such-folder/*/x"));
    }
}
