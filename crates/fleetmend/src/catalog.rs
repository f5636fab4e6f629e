//! `fleetmend catalog …`: the catalog in one file, for sites without internet.

use std::path::PathBuf;

use clap::Subcommand;
use fleetmend_server::{Scope, Wanted};

use crate::options;
use crate::terminal::say;

/// `fleetmend catalog …`.
#[derive(Debug, Subcommand)]
pub enum Catalog {
    /// Write the catalog into a file, to carry it to a server without internet: all sources with all
    /// package versions, and the packages' and installers' files that are here. No password, no
    /// approval and no release is in it.
    Export {
        #[command(flatten)]
        server: options::Data,
        /// The file. One that is there is replaced once the new one is whole.
        file: PathBuf,
        /// Leave out all files.
        #[arg(long, conflicts_with = "packages")]
        without_files: bool,
        /// Only the files of this package; may be repeated. Default: all that are here.
        #[arg(long = "package", value_name = "ID")]
        packages: Vec<String>,
        /// Only the files of the packages that this list of `catalog wanted` names and of what they
        /// pull in; what is not here yet is got from the sources first.
        #[arg(long, value_name = "LIST", conflicts_with_all = ["packages", "without_files"])]
        wanted: Option<PathBuf>,
    },
    /// Write the ids of the packages that devices may have and whose files are not here into a file,
    /// to be carried to the server that writes the next export.
    Wanted {
        #[command(flatten)]
        server: options::Data,
        /// The file. One that is there is replaced.
        file: PathBuf,
    },
    /// Take the catalog from a file that another server wrote: all of it, or nothing where something
    /// in it is wrong. Who made the file cannot be seen in it: compare its SHA-256 with what the
    /// other server said.
    Import {
        #[command(flatten)]
        server: options::Data,
        /// The file.
        file: PathBuf,
        /// The SHA-256 that the file must have, as `catalog export` said it.
        #[arg(long)]
        sha256: Option<String>,
        /// Take it although what is known was exported later.
        #[arg(long)]
        older: bool,
    },
}

/// Carries the catalog. A server that runs follows within seconds.
pub async fn run(command: Catalog) -> anyhow::Result<()> {
    let lines = match command {
        Catalog::Export {
            server,
            file,
            without_files,
            packages,
            wanted,
        } => {
            let data = fleetmend_server::open(server.config()?).await?;
            let (scope, failed) = if let Some(list) = wanted {
                data.bring_wanted(&list, say).await?
            } else {
                let ids = packages.iter().map(String::as_str);
                (Scope::given(without_files, ids), Vec::new())
            };
            let mut lines = data.export_catalog(&file, &scope, say).await?;
            lines.extend(failed.iter().map(|it| format!("not had: {it}")));
            lines
        }
        Catalog::Wanted { server, file } => {
            let data = fleetmend_server::open(server.config()?).await?;
            let count = data.wanted_packages(&file).await?;
            vec![format!("{}: {count} packages", file.display())]
        }
        Catalog::Import {
            server,
            file,
            sha256,
            older,
        } => {
            let data = fleetmend_server::open(server.config()?).await?;
            let wanted = Wanted { sha256, older };
            data.import_catalog(&file, &wanted).await?
        }
    };
    for line in lines {
        say(&line);
    }
    Ok(())
}
