//! Scripts without a byte order mark: Windows PowerShell reads them in the machine's code page, which is
//! that of Western Europe and America here. On other machines the same bytes may be other quotes, and with
//! them other commands.

use fleetmend_model::recipe::{Analysis, Finding, Uninstall, Verdict};

use super::{Explained, Package, Script, outcome};
use crate::text::{decode, is_marked};

const DIFFERS: &str = "what the script does depends on the code page of the machine";

/// Explains the scripts of a package, and finds what of them another code page changes.
pub(super) fn explain(package: &Package<'_>) -> Explained {
    let mut explained = outcome::explain(package);
    if let Some(other) = as_utf8(package) {
        let other = outcome::explain(&other).analysis;
        compare(package, &mut explained.analysis, &other);
    }
    explained
}

/// The package with its scripts read as UTF-8, which is a code page too; `None`: that changes nothing.
fn as_utf8<'p>(package: &Package<'p>) -> Option<Package<'p>> {
    let is_open = |script: &Script| !is_marked(&script.bytes) && !script.bytes.is_ascii();
    if !package.scripts.iter().any(is_open) {
        return None;
    }
    let mut other = package.clone();
    for script in other.scripts.iter_mut().filter(|it| is_open(it)) {
        script.bytes = format!("\u{FEFF}{}", decode(&script.bytes)).into_bytes();
    }
    Some(other)
}

fn compare(package: &Package<'_>, found: &mut Analysis, other: &Analysis) {
    let finding = |file: String| Finding {
        file,
        line: 1,
        what: DIFFERS.to_owned(),
    };
    if installs(found) != installs(other) {
        found.verdict = worse(found.verdict, other.verdict);
        found.findings.push(finding(package.install_path()));
    }
    if let (Some(own), Some(other)) = (&mut found.uninstall, &other.uninstall)
        && removes(own) != removes(other)
    {
        own.verdict = worse(own.verdict, other.verdict);
        let script = package.named(super::UNINSTALL).into_iter().next();
        let path = script.map_or_else(String::new, |it| it.path.clone());
        own.findings.push(finding(path));
    }
}

fn installs(it: &Analysis) -> String {
    let recipe = (&it.recipe, &it.effects, &it.conditions, &it.shims);
    plain(&format!("{:?}", (it.verdict, recipe, it.auto_uninstaller)))
}

fn removes(it: &Uninstall) -> String {
    let does = (&it.steps, &it.effects, &it.conditions);
    plain(&format!("{:?}", (it.verdict, does)))
}

/// A text without what the code page decides and no command is.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escaped)) = rest.split_once("\\u{") {
        plain.push_str(before);
        rest = escaped.split_once('}').map_or("", |it| it.1);
    }
    plain.push_str(rest);
    plain.retain(|c| c.is_ascii() && !c.is_whitespace());
    plain
}

/// The verdict of what is one on some machines and the other on others.
fn worse(one: Verdict, other: Verdict) -> Verdict {
    if [one, other].contains(&Verdict::NeedsChocolatey) {
        Verdict::NeedsChocolatey
    } else {
        Verdict::NeedsReview
    }
}
