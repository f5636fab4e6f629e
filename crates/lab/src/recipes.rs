//! What the analysis makes of package sources, and how fast.

use std::io::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use fleetmend_chocolatey::script::{Explained, HelperUse, Package, explain};
use fleetmend_model::recipe::{Analysis, Finding, Recipe, Verdict};
use serde_json::{Value, json};

use crate::cores::on_all;
use crate::extensions::Extensions;
use crate::package_folder::{self, PackageFolder};

#[derive(Args)]
pub struct Options {
    /// The folder below which the packages lie.
    #[arg(long)]
    packages: PathBuf,
    /// Where to write a line of JSON for each package.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What became of one package.
struct Outcome {
    line: Value,
    verdict: Verdict,
    helpers: HelperUse,
    is_deployable: bool,
    panicked: bool,
}

pub fn run(options: &Options) -> anyhow::Result<Value> {
    let nuspecs = package_folder::find(&options.packages)?;
    eprintln!("explains {} packages", nuspecs.len());
    let start = Instant::now();
    let extensions = Extensions::among(&nuspecs);
    let outcomes = on_all(&nuspecs, |nuspec| {
        one(&options.packages, nuspec, &extensions)
    });
    let seconds = start.elapsed().as_secs_f64();
    if let Some(path) = &options.out {
        let file = std::fs::File::create(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let mut out = std::io::BufWriter::new(file);
        for outcome in &outcomes {
            writeln!(out, "{}", outcome.line)?;
        }
        out.flush()?;
    }
    let count = |test: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|it| test(it)).count();
    let verdict = |wanted| count(&|it| it.verdict == wanted);
    let uses_helpers = |it: &Outcome| it.helpers.calls > 0;
    let is_resolved = |it: &Outcome| it.helpers.calls == it.helpers.resolved;
    Ok(json!({
        "packages": outcomes.len(),
        "ready": verdict(Verdict::Ready),
        "no_installer": verdict(Verdict::NoInstaller),
        "needs_review": verdict(Verdict::NeedsReview),
        "needs_chocolatey": verdict(Verdict::NeedsChocolatey),
        "panics": count(&|it| it.panicked),
        "use_helpers": count(&uses_helpers),
        "helpers_resolved": count(&|it| uses_helpers(it) && is_resolved(it)),
        "deployable": count(&|it| it.is_deployable),
        "per_s": (outcomes.len() as f64 / seconds.max(0.000_001)).round(),
    }))
}

fn one(root: &Path, nuspec: &Path, extensions: &Extensions) -> Outcome {
    let path = nuspec.strip_prefix(root).unwrap_or(nuspec);
    let folder = match package_folder::read(nuspec) {
        Ok(folder) => folder,
        Err(error) => {
            let what = format!("the package cannot be read: {error:#}");
            return unread(path, what, false);
        }
    };
    if let Some(problem) = folder.problem {
        let mut outcome = unread(path, problem.to_owned(), false);
        name(&mut outcome.line, &folder);
        return outcome;
    }
    let explained = std::panic::catch_unwind(AssertUnwindSafe(|| {
        explain(&Package {
            nuspec: &folder.nuspec,
            paths: folder.paths.clone(),
            is_complete: false,
            scripts: folder.scripts.clone(),
            extensions: extensions.of(nuspec, &folder.nuspec),
        })
    }));
    match explained {
        Ok(explained) => outcome(path, &folder, &explained),
        Err(_) => unread(path, "the analysis panicked".to_owned(), true),
    }
}

fn unread(path: &Path, what: String, panicked: bool) -> Outcome {
    let finding = Finding {
        file: String::new(),
        line: 0,
        what,
    };
    let analysis = Analysis::needs_review(finding);
    let mut line = line(&analysis);
    line["path"] = json!(path);
    Outcome {
        line,
        verdict: analysis.verdict,
        helpers: HelperUse::default(),
        is_deployable: false,
        panicked,
    }
}

fn outcome(path: &Path, folder: &PackageFolder, explained: &Explained) -> Outcome {
    let analysis = &explained.analysis;
    let helpers = explained.helpers;
    let mut line = line(analysis);
    line["path"] = json!(path);
    name(&mut line, folder);
    line["helper_calls"] = json!(helpers.calls);
    line["helper_calls_resolved"] = json!(helpers.resolved);
    Outcome {
        line,
        verdict: analysis.verdict,
        helpers,
        is_deployable: analysis.deployable().is_ok(),
        panicked: false,
    }
}

/// Says in a line which package it is of.
fn name(line: &mut Value, folder: &PackageFolder) {
    line["id"] = json!(folder.nuspec.id);
    line["version"] = json!(folder.nuspec.version);
}

/// An analysis with its recipe's parts at the top. Every line has every key.
fn line(analysis: &Analysis) -> Value {
    let mut line = match &analysis.recipe {
        Some(recipe) => installation(recipe),
        None => no_installation(),
    };
    line["fails_unless"] = json!(analysis.conditions);
    for key in ["path", "id", "version"] {
        line[key] = Value::Null;
    }
    for key in ["helper_calls", "helper_calls_resolved"] {
        line[key] = json!(0);
    }
    line["verdict"] = json!(analysis.verdict.key());
    line["deployable"] = match analysis.deployable() {
        Ok(_) => json!(true),
        Err(why) => json!(why),
    };
    line["effects"] = json!(analysis.effects);
    line["through"] = json!(analysis.through);
    line["uninstall"] = json!(analysis.uninstall);
    line["auto_uninstaller"] = json!(analysis.auto_uninstaller);
    line["shims"] = json!(analysis.shims);
    line["notes"] = json!(analysis.notes);
    line["findings"] = json!(analysis.findings);
    line
}

/// What [`installation`] gives where nothing is known.
fn no_installation() -> Value {
    json!({
        "kind": null,
        "files": [],
        "argv": null,
        "exit_codes": [],
        "software_name": null,
        "destination": null,
        "names_places": false,
        "minimum_build": null,
        "conditions": [],
        "beside": [],
        "further": [],
    })
}

fn installation(recipe: &Recipe) -> Value {
    json!({
        "kind": recipe.kind,
        "files": recipe.files,
        "argv": recipe.arguments,
        "exit_codes": recipe.exit_codes,
        "software_name": recipe.software_name,
        "destination": recipe.destination,
        "names_places": recipe.names_places,
        "minimum_build": recipe.minimum_build,
        "conditions": recipe.conditions,
        "beside": recipe.beside,
        "further": recipe.further.iter().map(installation).collect::<Vec<_>>(),
    })
}
