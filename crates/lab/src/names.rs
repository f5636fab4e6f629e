//! How names and publishers are normalised, against what WinGet's own normaliser makes of them and
//! against the names that a store has for the same software.
//!
//! WinGet's table is tab-separated with a heading: `DisplayName`, `Publisher`,
//! `winget_normalized_Publisher.Name`. The store's has no heading and `|` between the store's id, its
//! name and publisher, and the registered name, version, publisher and key.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use fleetmend_reconcile::normal::{Name, Publisher};
use serde_json::{Value, json};

use crate::table::Table;

#[derive(Args)]
pub struct Options {
    /// Names and publishers with WinGet's normalised form.
    #[arg(long)]
    winget: PathBuf,
    /// A store's names beside the registered ones.
    #[arg(long)]
    store: Option<PathBuf>,
    /// Where to write the rows in which WinGet's form is another one.
    #[arg(long)]
    differences: Option<PathBuf>,
}

pub fn run(options: &Options) -> anyhow::Result<Value> {
    let mut result = json!({ "winget": winget(options)? });
    if let Some(path) = &options.store {
        let table = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        result["store"] = store(&table);
    }
    Ok(result)
}

fn winget(options: &Options) -> anyhow::Result<Value> {
    let table = Table::read(&options.winget)?;
    let columns = [
        "DisplayName",
        "Publisher",
        "winget_normalized_Publisher.Name",
    ];
    let (mut rows, mut names, mut publishers) = (0, 0, 0);
    let mut differences = String::new();
    for [name, publisher, expected] in table.columns(columns)? {
        let (expected_publisher, expected_name) =
            expected.split_once('.').unwrap_or(("", expected));
        let (ours, maker) = (Name::of(name, "").key(), Publisher::of(publisher).key());
        let is_same = (
            ours == letters(expected_name),
            maker == letters(expected_publisher),
        );
        rows += 1;
        names += usize::from(is_same.0);
        publishers += usize::from(is_same.1);
        if is_same != (true, true) {
            writeln!(
                differences,
                "{name}\t{publisher}\t{expected}\t{maker}.{ours}"
            )?;
        }
    }
    if let Some(path) = &options.differences {
        std::fs::write(path, differences)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(json!({ "rows": rows, "names": share(names, rows), "publishers": share(publishers, rows) }))
}

fn store(table: &str) -> Value {
    let (mut rows, mut names, mut publishers) = (0, 0, 0);
    for line in table.trim_start_matches('\u{feff}').lines() {
        let cells: Vec<&str> = line.split('|').collect();
        let [_, title, author, name, version, publisher, ..] = cells.as_slice() else {
            continue;
        };
        rows += 1;
        names += usize::from(Name::of(title, "").key() == Name::of(name, version).key());
        publishers += usize::from(Publisher::of(author).key() == Publisher::of(publisher).key());
    }
    json!({ "rows": rows, "names": share(names, rows), "publishers": share(publishers, rows) })
}

fn letters(text: &str) -> String {
    Name::of(text, "").key()
}

fn share(part: usize, whole: usize) -> f64 {
    let share = part as f64 / whole.max(1) as f64;
    (share * 10_000.0).round() / 10_000.0
}
