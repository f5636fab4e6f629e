//! Tab-separated tables with a heading, as the measures of accuracy take them.

use std::path::Path;

use anyhow::Context as _;

/// A table's rows; cells are found by their column's name.
pub struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::of(&text).with_context(|| format!("cannot understand {}", path.display()))
    }

    pub fn of(text: &str) -> anyhow::Result<Self> {
        let cells = |line: &str| line.split('\t').map(str::to_owned).collect();
        let mut lines = text.trim_start_matches('\u{feff}').lines();
        Ok(Self {
            heading: cells(lines.next().context("it is empty")?),
            rows: lines.filter(|line| !line.is_empty()).map(cells).collect(),
        })
    }

    /// The cells of some columns, row by row; a cell that a row lacks is empty.
    pub fn columns<const N: usize>(&self, names: [&str; N]) -> anyhow::Result<Vec<[&str; N]>> {
        let mut places = [0; N];
        for (place, name) in places.iter_mut().zip(names) {
            *place = self
                .heading
                .iter()
                .position(|it| it == name)
                .with_context(|| format!("it has no column {name}"))?;
        }
        let rows = self.rows.iter();
        Ok(rows
            .map(|row| places.map(|place| row.get(place).map_or("", String::as_str)))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn cells_are_found_by_their_columns_name() {
        let table = Table::of("\u{feff}a\tb\tc\n1\t2\t3\n\n4\n").unwrap();
        assert_eq!(table.columns(["c", "a"]).unwrap(), [["3", "1"], ["", "4"]]);
        assert!(table.columns(["d"]).is_err());
        assert!(Table::of("").is_err());
    }
}
