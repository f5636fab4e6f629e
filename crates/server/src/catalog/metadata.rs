//! What is kept of a package version beside the columns that the catalog is searched by.

use fleetmend_chocolatey::dependency::Dependency;
use serde::{Deserialize, Serialize};

/// Kept as JSON. A row that an older server wrote may lack parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// When it was published, as its source writes it.
    pub published: Option<String>,
    /// What it is, in a sentence or two.
    pub summary: Option<String>,
    /// Words that its packager filed it under.
    pub tags: Vec<String>,
    /// Ids of the packages that it pulls in, each once.
    pub dependencies: Vec<String>,
}

impl Metadata {
    /// Reads [`Self::to_json`]; what cannot be read says nothing.
    pub fn from_json(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }

    /// As a row of the catalog has it.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Ids in the order in which a package names them: a framework may name one again.
pub fn ids(dependencies: impl IntoIterator<Item = Dependency>) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for it in dependencies {
        if !ids.iter().any(|known| known.eq_ignore_ascii_case(&it.id)) {
            ids.push(it.id);
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_server_wrote_is_read() {
        let read = Metadata::from_json(r#"{"published":null,"summary":"a","tags":["b"]}"#);
        assert_eq!((read.tags.len(), read.dependencies.len()), (1, 0));
        assert_eq!(Metadata::from_json(&read.to_json()), read);
        assert_eq!(Metadata::from_json("no JSON"), Metadata::default());
    }

    #[test]
    fn a_package_that_is_named_for_several_frameworks_is_pulled_in_once() {
        let of = |id: &str, framework: Option<&str>| Dependency {
            id: id.to_owned(),
            range: None,
            target_framework: framework.map(str::to_owned),
        };
        let all = vec![of("b", None), of("A", Some("net48")), of("a", Some("net6"))];
        assert_eq!(ids(all), ["b", "A"]);
    }
}
