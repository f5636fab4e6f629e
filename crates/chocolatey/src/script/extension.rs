//! Functions of extension packages. Chocolatey copies what a package named `….extension` has below
//! `extensions/` into its own folder and loads the modules there before each script.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek};
use std::rc::Rc;
use std::sync::Arc;

use super::function::Function;
use super::interpreter::Interpreter;
use super::place::CHOCOLATEY_INSTALL;
use super::syntax::{Source, children};
use super::trees::SharedTrees;
use super::{Package, Script, is_script, read_scripts};
use crate::dependency::Dependency;
use crate::nupkg::NupkgIn;
use crate::nuspec::Nuspec;

/// The most functions of an extension that are looked for, and the most of its variables.
const MAX_NAMES: usize = 2_000;

/// What stands between an extension's id and the path of one of its scripts: no path has an empty part.
const OF_EXTENSION: &str = "//";

/// An extension package: its functions are there for the scripts of all packages that depend on it.
#[derive(Debug, Clone)]
pub struct Extension {
    /// Its id in lower case.
    id: String,
    scripts: Vec<Script>,
    /// The place of the script that each function is in, by the function's lower-case name.
    functions: HashMap<String, usize>,
    /// Other names of functions.
    aliases: HashMap<String, String>,
    /// The variables of its own scope, in lower case; their values are not known.
    variables: HashSet<String>,
    trees: Arc<SharedTrees>,
}

impl Extension {
    /// The extension of that id with its scripts below `extensions/`, that folder in their paths.
    pub fn new(id: &str, scripts: Vec<Script>) -> Self {
        let mut extension = Self {
            id: id.to_lowercase(),
            scripts: Vec::new(),
            functions: HashMap::new(),
            aliases: HashMap::new(),
            variables: HashSet::new(),
            trees: Arc::default(),
        };
        for (place, script) in scripts.iter().enumerate() {
            if let Ok(text) = script.text() {
                extension.read(&text, place);
            }
        }
        extension.scripts = scripts;
        extension
    }

    /// The extension that a nupkg holds. What of its scripts cannot be read is left out: calls of
    /// what is in it are findings.
    pub fn of<R: Read + Seek + Clone>(package: &NupkgIn<R>) -> Self {
        let scripts = read_scripts(package, is_extension_script).flatten();
        Self::new(&package.nuspec().id, scripts.collect())
    }

    /// Its id in lower case.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn read(&mut self, text: &str, place: usize) {
        for line in text.lines() {
            let lower = line.trim_start().to_ascii_lowercase();
            if let Some(rest) = lower.strip_prefix("function ") {
                let name = rest.trim_start();
                let end = name.find([' ', '(', '{', '\t']).unwrap_or(name.len());
                let name = name[..end].rsplit(':').next().unwrap_or("");
                if !name.is_empty() && self.functions.len() < MAX_NAMES {
                    self.functions.entry(name.to_owned()).or_insert(place);
                }
            }
            let alias = ["set-alias ", "new-alias "]
                .iter()
                .find_map(|it| lower.strip_prefix(it));
            if let Some(rest) = alias {
                let mut words = rest
                    .split_whitespace()
                    .filter(|word| !word.starts_with('-'))
                    .map(|word| word.trim_matches(['"', '\'']).to_owned());
                if let (Some(name), Some(target)) = (words.next(), words.next())
                    && self.aliases.len() < MAX_NAMES
                {
                    self.aliases.insert(name, target);
                }
            }
            self.read_variables(line);
        }
    }

    /// Variables that are set outside of functions, and those that functions share.
    fn read_variables(&mut self, line: &str) {
        let lower = line.to_ascii_lowercase();
        let name = |text: &str| -> String {
            let is_name = |c: &char| c.is_alphanumeric() || *c == '_';
            text.chars().take_while(is_name).collect()
        };
        let shared = ["$script:", "$global:"]
            .iter()
            .flat_map(|prefix| lower.split(prefix).skip(1));
        let own = lower.strip_prefix('$').into_iter();
        for name in shared.chain(own).map(name) {
            if self.variables.len() < MAX_NAMES {
                self.variables.insert(name);
            }
        }
    }

    /// The script that a function is in, and the function's own name.
    fn function<'e>(&'e self, name: &'e str) -> Option<(&'e Script, &'e str)> {
        let name = self.aliases.get(name).map_or(name, String::as_str);
        let place = *self.functions.get(name)?;
        Some((self.scripts.get(place)?, name))
    }

    /// What was parsed of its scripts.
    pub(super) fn trees(&self) -> &SharedTrees {
        &self.trees
    }

    /// The name of one of its scripts in findings, which no script of the package itself has.
    fn script_name(&self, path: &str) -> String {
        format!("{}{OF_EXTENSION}{path}", self.id)
    }
}

/// Whether Chocolatey loads the file at that path of an extension package, or what it loads does.
pub fn is_extension_script(path: &str) -> bool {
    is_script(path) && path.to_ascii_lowercase().starts_with("extensions/")
}

/// The extension packages among a package's dependencies.
pub fn extension_dependencies(nuspec: &Nuspec) -> impl Iterator<Item = &Dependency> {
    nuspec.dependencies.iter().filter(|it| {
        let id = it.id.to_lowercase();
        id.strip_suffix(".extension")
            .is_some_and(|it| !it.is_empty())
    })
}

/// The ids in lower case of the extension packages among a package's dependencies.
pub fn extension_ids(nuspec: &Nuspec) -> Vec<String> {
    extension_dependencies(nuspec)
        .map(|it| it.id.to_lowercase())
        .collect()
}

/// The extension that a script is of, by its name in findings.
pub(super) fn extension_of<'p>(package: &'p Package<'_>, script: &str) -> Option<&'p Extension> {
    let (id, _) = script.split_once(OF_EXTENSION)?;
    let mut extensions = package.extensions.iter();
    extensions.find(|it| it.id == id).map(AsRef::as_ref)
}

impl Interpreter<'_> {
    /// A function of an extension by its name in lower case.
    pub(super) fn extension_function(&mut self, name: &str) -> Option<Rc<Function>> {
        let package = self.package;
        let mut extensions = package.extensions.iter();
        let (extension, (script, name)) =
            extensions.find_map(|it| Some((it, it.function(name)?)))?;
        let path = extension.script_name(&script.path);
        let source = Source {
            text: self.prepared_as(&path, script)?,
            first_line: 1,
        };
        let shared = Some(extension.trees());
        let tree = self.trees.borrow_mut().get(&source.text, shared)?;
        let own = std::mem::replace(&mut self.script, path.into());
        let mut queue = vec![tree.root_node()];
        while let Some(node) = queue.pop() {
            match node.kind() {
                "function_statement" => self.define(&source, node),
                "program" | "statement_list" => queue.extend(children(node)),
                _ => {}
            }
        }
        self.script = own;
        self.state.functions.get(name).map(Rc::clone)
    }

    /// Whether a script is one of an extension.
    pub(super) fn is_of_extension(&self, script: &str) -> bool {
        !self.package.extensions.is_empty() && extension_of(self.package, script).is_some()
    }

    /// Whether a variable belongs to the scope of an extension.
    pub(super) fn is_extension_variable(&self, name: &str) -> bool {
        let mut extensions = self.package.extensions.iter();
        extensions.any(|it| it.variables.contains(name))
    }

    /// Where a script of an extension lies on the device.
    pub(super) fn extension_path(&self, script: &str) -> Option<String> {
        let extension = extension_of(self.package, script)?;
        let folder = extension
            .id
            .strip_suffix(".extension")
            .unwrap_or(&extension.id);
        let (_, path) = script.split_once(OF_EXTENSION)?;
        let inside = path.split_once('/').map_or(path, |(_, inside)| inside);
        let inside = inside.replace('/', "\\");
        Some(format!(
            "{CHOCOLATEY_INSTALL}\\extensions\\{folder}\\{inside}"
        ))
    }
}
