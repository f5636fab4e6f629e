//! Install scripts, explained without running them: a small abstract interpreter over the tree of
//! `PowerShell` source. It carries *not known* as a value, never fails, and reports each thing that it
//! could not explain.

mod command;
mod expand;
mod expression;
mod installer;
mod interpreter;
mod parameters;
mod path;
mod statement;
mod syntax;
mod temporary;
mod value;
mod words;

use fleetmend_model::recipe::{Analysis, FileOrigin, Finding, Recipe, Verdict};

use crate::nupkg::Nupkg;
use crate::nuspec::Nuspec;
use crate::text;
use interpreter::{Flow, Interpreter, Weight};

/// The largest script analysed, in bytes.
pub const MAX_SCRIPT: usize = 1024 * 1024;

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
    /// The scripts that Chocolatey runs at installation, in the order in which it runs them.
    pub scripts: Vec<Script>,
}

/// One script's bytes.
#[derive(Debug, Clone)]
pub struct Script {
    /// Path inside of the package.
    pub path: String,
    /// As stored; in any encoding that `PowerShell` reads.
    pub bytes: Vec<u8>,
}

/// Whether Chocolatey runs the file at that path when it installs or upgrades the package.
pub fn is_install_script(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.eq_ignore_ascii_case(INSTALL) || name.eq_ignore_ascii_case(BEFORE_MODIFY)
}

const INSTALL: &str = "chocolateyInstall.ps1";
const BEFORE_MODIFY: &str = "chocolateyBeforeModify.ps1";

/// Explains a package's installation.
pub fn analyse(package: &Nupkg<'_>) -> Analysis {
    let paths: Vec<String> = package
        .files()
        .iter()
        .map(|file| file.path.clone())
        .collect();
    let mut scripts = Vec::new();
    for path in paths.iter().filter(|path| is_install_script(path)) {
        match package.get(path) {
            Ok(bytes) => scripts.push(Script {
                path: path.clone(),
                bytes,
            }),
            Err(error) => {
                return not_analysed(path, format!("the script cannot be read: {error}"));
            }
        }
    }
    analyse_scripts(&Package {
        nuspec: package.nuspec(),
        paths,
        is_complete: true,
        scripts,
    })
}

/// Explains the scripts of a package that is not a nupkg (a folder of sources, a test).
pub fn analyse_scripts(package: &Package<'_>) -> Analysis {
    let mut result = Outcome::default();
    let named = |name: &str| {
        let name = name.to_ascii_lowercase();
        package.scripts.iter().filter(move |script| {
            script
                .path
                .rsplit('/')
                .next()
                .is_some_and(|it| it.eq_ignore_ascii_case(&name))
        })
    };
    let installs: Vec<&Script> = named(INSTALL).collect();
    for script in named(BEFORE_MODIFY).chain(installs.iter().copied().take(1)) {
        result.add(package, script);
    }
    if let Some(second) = installs.get(1) {
        let what = "the package has more than one install script";
        result.find(Weight::Review, &second.path, 1, what);
    }
    result.check_neighbours(package);
    result.into_analysis()
}

fn not_analysed(path: &str, what: String) -> Analysis {
    Analysis {
        verdict: Verdict::NeedsReview,
        recipe: None,
        findings: vec![Finding {
            file: path.to_owned(),
            line: 1,
            what,
        }],
    }
}

#[derive(Default)]
struct Outcome {
    findings: Vec<(Weight, Finding)>,
    installs: usize,
    recipe: Option<Recipe>,
}

impl Outcome {
    fn find(&mut self, weight: Weight, file: &str, line: u32, what: &str) {
        let finding = Finding {
            file: file.to_owned(),
            line,
            what: what.to_owned(),
        };
        self.findings.push((weight, finding));
    }

    fn add(&mut self, package: &Package<'_>, script: &Script) {
        if script.bytes.len() > MAX_SCRIPT {
            self.find(
                Weight::Review,
                &script.path,
                1,
                "the script is too large to analyse",
            );
            return;
        }
        let text = text::decode(&script.bytes);
        if value::has_mark(&text) || text.contains('\0') {
            self.find(
                Weight::Review,
                &script.path,
                1,
                "the script has characters that no script has",
            );
            return;
        }
        let Some(mut interpreter) = Interpreter::new(package, &script.path) else {
            self.find(
                Weight::Review,
                &script.path,
                1,
                "the parser cannot be set up",
            );
            return;
        };
        // A block of signature comments stands behind signed scripts; it is comments to the parser too.
        if interpreter.run(&text) == Flow::Refuse && interpreter.findings.is_empty() {
            interpreter.find(Weight::Custom, 1, "the script refuses to install");
        }
        for install in &interpreter.installs {
            self.installs += 1;
            if self.installs > 1 {
                let what = "the package installs more than one thing";
                self.find(Weight::Custom, &script.path, install.line, what);
            }
            self.recipe = self.recipe.take().or_else(|| install.recipe.clone());
        }
        self.findings.append(&mut interpreter.findings);
    }

    /// An installer inside of the package may read what lies beside it.
    fn check_neighbours(&mut self, package: &Package<'_>) {
        let Some(recipe) = &self.recipe else { return };
        let embedded: Vec<&str> = recipe
            .files
            .iter()
            .filter_map(|file| match &file.origin {
                FileOrigin::Embedded { path } => Some(path.as_str()),
                FileOrigin::Url { .. } => None,
            })
            .collect();
        let folder = |path: &str| {
            path.rsplit_once('/')
                .map_or("", |(folder, _)| folder)
                .to_lowercase()
        };
        let beside = package.paths.iter().find(|path| {
            !embedded.contains(&path.as_str())
                && embedded
                    .iter()
                    .any(|it| !folder(it).is_empty() && folder(path).starts_with(&folder(it)))
                && may_be_read(path)
        });
        if let Some(path) = beside.cloned() {
            let what = "this file lies beside the installer, which may need it";
            self.find(Weight::Review, &path, 1, what);
        }
    }

    fn into_analysis(self) -> Analysis {
        let has = |weight| self.findings.iter().any(|(it, _)| *it == weight);
        let verdict = if has(Weight::Custom) {
            Verdict::NeedsChocolatey
        } else if has(Weight::Review) {
            Verdict::NeedsReview
        } else if self.installs == 0 {
            Verdict::NoInstaller
        } else if self.recipe.is_some() {
            Verdict::Ready
        } else {
            Verdict::NeedsReview
        };
        let findings = self
            .findings
            .into_iter()
            .map(|(_, finding)| finding)
            .collect();
        Analysis {
            verdict,
            recipe: self.recipe,
            findings,
        }
    }
}

/// Whether an installer may read a file with that name: not scripts, texts for people and pictures.
fn may_be_read(path: &str) -> bool {
    const NOT_READ: [&str; 16] = [
        "ps1", "psm1", "psd1", "txt", "md", "ignore", "gui", "png", "ico", "jpg", "svg", "pdf",
        "rtf", "html", "url", "nuspec",
    ];
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, end)| end);
    !extension.is_empty() && !NOT_READ.contains(&extension)
}
