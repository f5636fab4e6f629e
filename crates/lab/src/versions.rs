//! How package versions are read and ordered, against what the two real NuGet libraries say.
//!
//! The file is tab-separated with a heading: `#kind` (`parse` or `cmp`), `a`, `b_or_blank`, and for
//! each of `choco2` and `choco1` a `_result` and a `_normalized`. A parse's result is `valid/stable`,
//! `valid/pre` or `invalid`; a comparison's is `<`, `=`, `>`, or `ERR` where one of the two is no
//! version in that dialect. Other columns are left alone.

use std::cmp::Ordering;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use fleetmend_versions::nuget::{Dialect, Version};
use serde_json::{Value, json};

#[derive(Args)]
pub struct Options {
    /// The table of version texts and pairs with the libraries' verdicts.
    #[arg(long)]
    vectors: PathBuf,
}

/// Where a dialect's two columns stand.
struct Columns {
    dialect: Dialect,
    name: &'static str,
    result: usize,
    normalized: usize,
}

/// How many rows there are, and in how many both dialects say the same as the libraries.
pub fn run(options: &Options) -> anyhow::Result<Value> {
    let path = options.vectors.display();
    let table =
        std::fs::read_to_string(&options.vectors).with_context(|| format!("cannot read {path}"))?;
    let (rows, agree) = compare(&table).with_context(|| format!("cannot understand {path}"))?;
    Ok(json!({ "rows": rows, "agree": agree }))
}

fn compare(table: &str) -> anyhow::Result<(usize, usize)> {
    let mut lines = table.lines();
    let heading: Vec<&str> = lines
        .next()
        .context("it is empty")?
        .trim_start_matches('#')
        .split('\t')
        .collect();
    let column = |name: &str| {
        heading
            .iter()
            .position(|it| *it == name)
            .with_context(|| format!("it has no column {name}"))
    };
    let (kind, left, right) = (column("kind")?, column("a")?, column("b_or_blank")?);
    let dialects = [
        Columns {
            dialect: Dialect::Choco2,
            name: "2.x",
            result: column("choco2_result")?,
            normalized: column("choco2_normalized")?,
        },
        Columns {
            dialect: Dialect::Choco1,
            name: "1.x",
            result: column("choco1_result")?,
            normalized: column("choco1_normalized")?,
        },
    ];
    let (mut rows, mut agree) = (0, 0);
    for (number, line) in lines.enumerate() {
        if line.is_empty() {
            continue;
        }
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |place: usize| cells.get(place).copied().unwrap_or_default();
        let (a, b) = (cell(left), cell(right));
        let mut is_same = true;
        for columns in &dialects {
            let expected = (cell(columns.result), cell(columns.normalized));
            let found = match cell(kind) {
                "parse" => parse(a, columns.dialect),
                "cmp" => (order(a, b, columns.dialect).to_owned(), String::new()),
                other => bail!("line {} is of an unknown kind {other:?}", number + 2),
            };
            if (found.0.as_str(), found.1.as_str()) != expected {
                is_same = false;
                eprintln!(
                    "line {}: {a:?} {b:?} in {}: {found:?}, should be {expected:?}",
                    number + 2,
                    columns.name
                );
            }
        }
        rows += 1;
        agree += usize::from(is_same);
    }
    Ok((rows, agree))
}

fn parse(text: &str, dialect: Dialect) -> (String, String) {
    match Version::parse_in(text, dialect) {
        Ok(version) if version.is_prerelease() => ("valid/pre".to_owned(), version.to_string()),
        Ok(version) => ("valid/stable".to_owned(), version.to_string()),
        Err(_) => ("invalid".to_owned(), String::new()),
    }
}

fn order(a: &str, b: &str, dialect: Dialect) -> &'static str {
    match (Version::parse_in(a, dialect), Version::parse_in(b, dialect)) {
        (Ok(a), Ok(b)) => match a.cmp(&b) {
            Ordering::Less => "<",
            Ordering::Equal => "=",
            Ordering::Greater => ">",
        },
        _ => "ERR",
    }
}

#[cfg(test)]
mod tests {
    use super::compare;

    const HEADING: &str = "#kind\ta\tb_or_blank\tchoco2_result\tchoco2_normalized\tchoco1_result\tchoco1_normalized\tsource";

    #[test]
    fn a_row_agrees_only_if_both_dialects_do() {
        for (row, agrees) in [
            (
                "parse\t1.0\t\tvalid/stable\t1.0.0\tvalid/stable\t1.0.0\tx",
                1,
            ),
            ("parse\t1.0\t\tvalid/pre\t1.0.0\tvalid/stable\t1.0.0\tx", 0),
            ("parse\t1.0\t\tvalid/stable\t1.0\tvalid/stable\t1.0.0\tx", 0),
            ("cmp\t1.0-a\t1.0\t<\t\t<\t\tx", 1),
            ("cmp\t1.0-a+1\t1.0-a\t=\t\tERR\t\tx", 1),
            ("cmp\t1.0-a+1\t1.0-a\t=\t\t=\t\tx", 0),
        ] {
            let found = compare(&format!("{HEADING}\n{row}\n")).unwrap();
            assert_eq!(found, (1, agrees), "{row}");
        }
    }

    #[test]
    fn a_table_that_is_not_understood_is_refused() {
        for table in ["", "kind\ta\n", &format!("{HEADING}\nguess\t1.0\n")] {
            assert!(compare(table).is_err(), "{table:?}");
        }
    }
}
