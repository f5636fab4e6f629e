//! Whether a device's version is told rightly: each row of the truth against all versions of its
//! package that the truth knows, with the relation learnt from the rows of the package's other
//! versions.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use fleetmend_model::inventory::{Place, Software};
use fleetmend_model::name_pattern;
use fleetmend_reconcile::relation::{Pair, Relation, Told};
use fleetmend_versions::fix_date;
use fleetmend_versions::nuget::Version;
use serde_json::{Value, json};

use crate::match_cases::family_of;
use crate::table::Table;

#[derive(Args)]
pub struct Options {
    /// Installed rows with the package and version that each is.
    #[arg(long)]
    truth: PathBuf,
    /// Rows of the truth that are wrong themselves: `DisplayName` (with `*`), `choco_id`,
    /// `choco_version`, `reason`. The figures are given with and without them.
    #[arg(long)]
    disputed: Option<PathBuf>,
    /// Where to write the rows that are told wrongly or not at all, a row a line.
    #[arg(long)]
    mistakes: Option<PathBuf>,
}

/// A row is right if all its answers are, and wrong if one is.
#[derive(Default)]
struct Count {
    right: usize,
    wrong: usize,
    cannot_tell: usize,
    /// Answers that say newer where it is the version itself; counted as right, because neither is
    /// missing.
    newer: usize,
    /// Rows that are right but for such answers.
    newer_rows: usize,
}

impl Count {
    fn figures(&self) -> Value {
        let rows = self.right + self.wrong + self.cannot_tell;
        let share = |part: usize| (part as f64 / rows.max(1) as f64 * 10_000.0).round() / 10_000.0;
        json!({
            "rows": rows,
            "right": share(self.right),
            "wrong": share(self.wrong),
            "cannot_tell": share(self.cannot_tell),
            "right_strict": share(self.right - self.newer_rows),
            "wrong_strict": share(self.wrong + self.newer_rows),
            "newer_for_current": self.newer,
        })
    }
}

pub fn run(options: &Options) -> anyhow::Result<Value> {
    let table = Table::read(&options.truth)?;
    let columns = ["DisplayName", "DisplayVersion", "choco_id", "choco_version"];
    let mut packages: BTreeMap<String, BTreeSet<Pair>> = BTreeMap::new();
    for [name, registered, id, version] in table.columns(columns)? {
        if read(version).is_some() {
            packages.entry(family_of(id)).or_default().insert(Pair {
                name: name.to_owned(),
                registered: registered.to_owned(),
                version: version.to_owned(),
            });
        }
    }
    let disputed = options.disputed.as_deref().map(Table::read).transpose()?;
    let disputed = match &disputed {
        Some(table) => table.columns(["DisplayName", "choco_id", "choco_version"])?,
        None => Vec::new(),
    };
    let (mut learnt, mut alone) = (Count::default(), Count::default());
    let mut undisputed = Count::default();
    let mut mistakes = String::new();
    for (package, pairs) in &packages {
        for pair in pairs {
            let others: Vec<Pair> = pairs
                .iter()
                .filter(|it| read(&it.version) != read(&pair.version))
                .cloned()
                .collect();
            let told = answers(&Relation::learn(&others), pair, pairs);
            if let Some(first) = told.worst() {
                writeln!(
                    mistakes,
                    "{}\t{package}\t{}\t{}\t{}\t{first}",
                    told.kind(),
                    pair.name,
                    pair.registered,
                    pair.version
                )?;
            }
            told.count(&mut learnt);
            let is_disputed = disputed.iter().any(|[name, id, version]| {
                family_of(id) == *package
                    && *version == pair.version
                    && name_pattern::matches(name, &pair.name)
            });
            if !is_disputed {
                told.count(&mut undisputed);
            }
            answers(&Relation::default(), pair, pairs).count(&mut alone);
        }
    }
    if let Some(path) = &options.mistakes {
        std::fs::write(path, mistakes)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut result = learnt.figures();
    result["packages"] = json!(packages.len());
    result["without_disputed"] = undisputed.figures();
    result["without_any_pair"] = alone.figures();
    Ok(result)
}

/// The answers for one row.
#[derive(Default)]
struct Answers {
    wrong: Vec<String>,
    open: Vec<String>,
    /// Why it is newer than the version that it is.
    strictly: Vec<String>,
    newer: usize,
}

impl Answers {
    fn count(&self, count: &mut Count) {
        count.newer += self.newer;
        match self.kind() {
            "wrong" => count.wrong += 1,
            "cannot tell" => count.cannot_tell += 1,
            _ => {
                count.right += 1;
                count.newer_rows += usize::from(self.newer > 0);
            }
        }
    }

    fn kind(&self) -> &'static str {
        match (self.wrong.is_empty(), self.open.is_empty()) {
            (false, _) => "wrong",
            (true, false) => "cannot tell",
            (true, true) => "right",
        }
    }

    fn worst(&self) -> Option<&String> {
        let worst = self.wrong.first().or(self.open.first());
        worst.or(self.strictly.first())
    }
}

/// Against each version of the package, its own among them.
fn answers(relation: &Relation, pair: &Pair, pairs: &BTreeSet<Pair>) -> Answers {
    let software = Software {
        place: Place::Machine64,
        key: pair.name.clone(),
        name: pair.name.clone(),
        version: pair.registered.clone(),
        publisher: String::new(),
        product_code: None,
        upgrade_code: None,
    };
    let offers: BTreeSet<&str> = pairs.iter().map(|it| it.version.as_str()).collect();
    let mut answers = Answers::default();
    for offer in offers {
        // A prerelease is never offered.
        if read(offer).is_none_or(|it| it.is_prerelease()) {
            continue;
        }
        let Some(expected) = order(&pair.version, offer) else {
            continue;
        };
        match relation.order(&software, offer) {
            Told::CannotTell(why) => answers.open.push(format!("against {offer}: {why}")),
            Told::Order { order, what, how } => {
                let why = format!("{what} {}", how.unwrap_or_default());
                if order.is_lt() != expected.is_lt() {
                    answers.wrong.push(format!("against {offer}: {why}"));
                } else if order != expected {
                    answers.newer += 1;
                    answers.strictly.push(format!("against {offer}: {why}"));
                }
            }
        }
    }
    answers
}

/// How package versions stand to each other; a repair of the package brings no other software.
fn order(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (read(a)?, read(b)?);
    Some(a.cmp(&b))
}

fn read(version: &str) -> Option<Version> {
    let version = fix_date::without(version.trim(), "");
    Version::parse_any(&version).ok()
}
