//! Install scripts, explained without running them: a small abstract interpreter over the tree of
//! `PowerShell` source. It carries *not known* as a value, never fails, and reports each thing that it
//! could not explain.

mod alternatives;
mod app_package;
mod archive;
mod arguments;
mod assignment;
mod brought;
mod checksum;
mod code_page;
mod command;
mod command_names;
mod constructors;
mod control;
mod counted;
mod cuts;
mod device;
mod doubt;
mod effect;
mod effect_commands;
mod effect_files;
mod entries;
mod expand;
mod expression;
mod extension;
mod facts;
mod failure;
mod fetch;
mod files;
mod format;
mod function;
mod function_parameters;
mod handed;
mod helper;
mod helper_file;
mod installation;
mod interpreter;
mod iso;
mod kinds;
mod left;
mod listing;
pub(crate) mod literals;
mod location;
mod lookup;
mod loops;
mod marks;
mod member;
mod narrowing;
mod neighbours;
mod one_taken;
mod operator;
mod outcome;
mod parameters;
mod path;
mod pattern;
mod pipeline;
mod place;
mod prepare;
mod printing;
mod profile;
mod program;
mod quotes;
mod reads;
mod recipe_file;
mod recipe_files;
mod removal;
mod run;
mod shell_object;
mod shim;
mod start;
mod state;
mod statement;
mod statics;
mod switch;
mod syntax;
mod temporary;
mod text;
mod through;
mod told;
mod tools;
mod tools_location;
mod trees;
mod uninstall;
mod value;
mod values;
mod variables;
mod visual_studio;
mod web_client;
mod words;
mod written;

use std::borrow::Cow;
use std::io::{Read, Seek};
use std::sync::Arc;

use fleetmend_model::recipe::{Analysis, Finding};

use crate::nupkg::NupkgIn;
use crate::nuspec::Nuspec;

pub(crate) use helper_file::as_address;
pub(crate) use shim::add as add_mark;

pub use extension::{Extension, extension_dependencies, extension_ids, is_extension_script};

/// The largest script analysed, in bytes: ten times the largest real ones. The tree of a script made to
/// nest takes some 400 times its size.
pub const MAX_SCRIPT: usize = 128 * 1024;

/// The most that all scripts of a package have together, in bytes.
const MAX_SCRIPTS: u64 = 8 * 1024 * 1024;

const INSTALL: &str = "chocolateyInstall.ps1";
const BEFORE_MODIFY: &str = "chocolateyBeforeModify.ps1";
/// The script that removes the package: it installs nothing.
const UNINSTALL: &str = "chocolateyUninstall.ps1";

/// What of a package the analysis looks at.
#[derive(Debug, Clone)]
pub struct Package<'p> {
    /// Its manifest.
    pub nuspec: &'p Nuspec,
    /// The paths of all its files, with `/` between their parts.
    pub paths: Vec<String>,
    /// Whether `paths` is all that the package will hold. A folder of sources lacks the installers
    /// that are put in when it is packed; there, a file that a script names is taken to exist.
    pub is_complete: bool,
    /// All its scripts (see [`is_script`]): those that Chocolatey runs, and what they run.
    pub scripts: Vec<Script>,
    /// The extension packages that it depends on (see [`extension_ids`]), directly or through other
    /// extensions, each in the version that Chocolatey would install. Without them, calls of their
    /// functions are findings, but for those whose documentation the analysis knows.
    pub extensions: Vec<Arc<Extension>>,
}

impl Package<'_> {
    /// The scripts of that file name.
    fn named(&self, name: &str) -> Vec<&Script> {
        let is_named = |script: &&Script| is_called(&script.path, name);
        self.scripts.iter().filter(is_named).collect()
    }

    /// Where a finding about the whole installation stands.
    fn install_path(&self) -> String {
        let script = self.named(INSTALL).into_iter().next();
        script.map_or_else(String::new, |it| it.path.clone())
    }
}

/// One script's bytes.
#[derive(Debug, Clone)]
pub struct Script {
    /// Path inside of the package.
    pub path: String,
    /// As stored; in any encoding that `PowerShell` reads.
    pub bytes: Vec<u8>,
}

impl Script {
    /// Its text, or why it is not analysed.
    fn text(&self) -> Result<Cow<'_, str>, &'static str> {
        if self.bytes.len() > MAX_SCRIPT {
            return Err("the script is too large to analyse");
        }
        let text = crate::text::decode_script(&self.bytes);
        if place::has_mark(&text) || text.contains('\0') {
            return Err("the script has characters that no script has");
        }
        Ok(text)
    }
}

/// An analysis, and how much of it came from Chocolatey's helpers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// What the scripts do.
    pub analysis: Analysis,
    /// The calls of helpers that install, download or unpack.
    pub helpers: HelperUse,
}

/// How many calls of Chocolatey's helpers a 64-bit machine makes, and of how many all is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HelperUse {
    /// All of them.
    pub calls: usize,
    /// Those whose arguments are all known.
    pub resolved: usize,
}

/// Whether Chocolatey runs the file at that path when it installs or upgrades the package.
pub fn is_install_script(path: &str) -> bool {
    is_called(path, INSTALL) || is_called(path, BEFORE_MODIFY)
}

/// Whether Chocolatey runs the file at that path when it removes the package.
pub(crate) fn is_uninstall_script(path: &str) -> bool {
    is_called(path, UNINSTALL)
}

/// Whether the file at a path has a name, letter case ignored.
fn is_called(path: &str, name: &str) -> bool {
    path.rsplit('/')
        .next()
        .is_some_and(|it| it.eq_ignore_ascii_case(name))
}

/// Whether the file at that path is a script, which others may run.
pub fn is_script(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, end)| end);
    extension.eq_ignore_ascii_case("ps1") || extension.eq_ignore_ascii_case("psm1")
}

/// Explains a package's installation without its extensions.
pub fn analyse<R: Read + Seek + Clone>(package: &NupkgIn<R>) -> Analysis {
    analyse_with(package, Vec::new())
}

/// Explains a package's installation with the extension packages that it depends on: those of
/// [`extension_ids`], and theirs in turn.
pub fn analyse_with<R: Read + Seek + Clone>(
    package: &NupkgIn<R>,
    extensions: Vec<Arc<Extension>>,
) -> Analysis {
    match package_of(package, extensions) {
        Ok(package) => analyse_scripts(&package),
        Err(finding) => Analysis::needs_review(finding),
    }
}

/// What of a nupkg the analysis looks at; or what is in the way, where a script that Chocolatey runs
/// cannot be read.
pub(crate) fn package_of<R: Read + Seek + Clone>(
    package: &NupkgIn<R>,
    extensions: Vec<Arc<Extension>>,
) -> Result<Package<'_>, Finding> {
    let paths: Vec<String> = package
        .files()
        .iter()
        .map(|file| file.path.clone())
        .collect();
    let mut scripts = Vec::new();
    for script in read_scripts(package, is_script) {
        match script {
            Ok(script) => scripts.push(script),
            Err(finding) if is_install_script(&finding.file) => return Err(finding),
            // What another script runs and cannot be read is a finding where it is run.
            Err(_) => {}
        }
    }
    Ok(Package {
        nuspec: package.nuspec(),
        paths,
        is_complete: true,
        scripts,
        extensions,
    })
}

/// Reads the scripts of a nupkg that are wanted, up to [`MAX_SCRIPTS`]; or says of each what is in the
/// way.
fn read_scripts<R: Read + Seek + Clone>(
    package: &NupkgIn<R>,
    is_wanted: fn(&str) -> bool,
) -> impl Iterator<Item = Result<Script, Finding>> {
    let mut left = MAX_SCRIPTS;
    let files = package.files().iter();
    let wanted = files.filter(move |file| is_wanted(&file.path));
    wanted.map(move |file| {
        let limit = left.min(MAX_SCRIPT as u64);
        let bytes = package
            .get_up_to(&file.path, limit)
            .map_err(|error| Finding {
                file: file.path.clone(),
                line: 1,
                what: format!("the script cannot be read: {error}"),
            })?;
        left -= bytes.len() as u64;
        Ok(Script {
            path: file.path.clone(),
            bytes,
        })
    })
}

/// Explains the scripts of a package that is not a nupkg (a folder of sources, a test).
pub fn analyse_scripts(package: &Package<'_>) -> Analysis {
    explain(package).analysis
}

/// The same, with how much of it is known from helpers.
pub fn explain(package: &Package<'_>) -> Explained {
    code_page::explain(package)
}
