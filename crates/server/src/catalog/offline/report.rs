//! What an import brought, as a person reads it.

use fleetmend_model::SourceId;
use fleetmend_store::carried_catalogs::Carried;

use crate::api::time;
use crate::console::counted;

/// What an import brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The file.
    pub carried: Carried,
    /// Its sources, but for those of this server.
    pub sources: Vec<ImportedSource>,
    /// How many of its sources are folders of this server or its feed, and were passed over.
    pub own: u64,
    /// How many of its files were not here before.
    pub new_files: u64,
}

/// What an import brought of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedSource {
    /// Which one it is here.
    pub id: SourceId,
    /// What it is called here.
    pub name: String,
    /// Versions that are new or other than before.
    pub changed: u64,
    /// Versions that are not offered any more.
    pub gone: u64,
    /// Versions that it no longer has and that are kept for a person to decide.
    pub withheld: u64,
    /// Whether the exporting server ever read it to its end.
    pub was_read: bool,
}

impl Imported {
    /// In sentences.
    pub fn sentences(&self) -> Vec<String> {
        let it = &self.carried;
        let mut all = vec![format!(
            "The catalog of {}, made by {}: {}, {}, {} of which {} new here.",
            time(it.made_at),
            it.made_by,
            counted(it.sources, "source", "sources"),
            counted(it.versions, "package version", "package versions"),
            counted(it.files, "file", "files"),
            self.new_files,
        )];
        for source in &self.sources {
            let mut line = format!(
                "{}: {} new or changed, {} not offered any more",
                source.name, source.changed, source.gone
            );
            if source.withheld > 0 {
                line = format!(
                    "{line}; {} are not in it: so many that nothing was taken away before you say so \
                     on the source's page",
                    source.withheld
                );
            }
            if !source.was_read {
                line = format!(
                    "{line}; it was never read to its end there, and has more or other versions"
                );
            }
            all.push(format!("{line}."));
        }
        if self.own > 0 {
            all.push(format!(
                "{} of this server itself passed over.",
                counted(self.own, "source", "sources")
            ));
        }
        all
    }
}
