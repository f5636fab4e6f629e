//! Filters by name of what a name stands for: they make the name a narrower one.

use std::rc::Rc;

use super::interpreter::Interpreter;
use super::value::{Block, FileItem, Filter, PACKAGE_ROOT, STAR, Sought, SoughtKind, Value};

impl Interpreter<'_> {
    /// All processes or services that there are, by their name: `$_.Name -like 'acme*'`.
    pub(super) fn narrowed(&mut self, sought: &Sought, block: &Block) -> Option<Value> {
        let is_all = sought.name == "*" && sought.filter == Filter::None;
        if !is_all || sought.kind == SoughtKind::Software {
            return None;
        }
        let (property, operator, pattern) = comparison(block)?;
        let is_name = matches!(
            property.as_str(),
            "$_.name" | "$_.processname" | "$_.servicename"
        );
        if !is_name || !matches!(operator.as_str(), "-like" | "-eq") {
            return None;
        }
        let pattern = self.run_expression(pattern, block.line);
        let name = pattern.as_plain().filter(|it| !it.is_empty())?;
        let is_exact = !name.contains(['*', '?', '[']);
        (is_exact || operator == "-like")
            .then(|| Value::Sought(Rc::new(Sought::all(sought.kind, name))))
    }

    /// Files that are put into the package when it is packed, by what their names hold:
    /// `$_.Name -match 'x64'` of `*.msi` leaves `*x64*.msi`.
    pub(super) fn narrowed_file(&mut self, item: &Value, block: &Block) -> Option<Value> {
        let (text, is_path) = match item {
            Value::File(file) => (file.path.clone(), file.is_text_full),
            Value::Text(text) => (text.to_string(), true),
            _ => return None,
        };
        if self.package.is_complete || !text.starts_with(PACKAGE_ROOT) {
            return None;
        }
        let (folder, leaf) = text.rsplit_once('\\')?;
        let (before, behind) = leaf.split_once(STAR)?;
        if folder.contains(STAR) || behind.contains(STAR) {
            return None;
        }
        let (property, operator, part) = comparison(block)?;
        let looks_at_path = match (item, property.as_str()) {
            (_, "$_") => is_path,
            (Value::File(_), "$_.name" | "$_.basename") => false,
            (Value::File(_), "$_.fullname") => true,
            _ => return None,
        };
        let part = self.run_expression(part, block.line);
        let part = part.as_plain()?.to_owned();
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let is_literal = !part.is_empty() && part.chars().all(is_word);
        if !is_literal || operator != "-match" {
            return None;
        }
        let lower = part.to_lowercase();
        let id = &self.package.nuspec.id;
        let around = format!("{folder}\\{id}").to_lowercase();
        if looks_at_path && around.contains(&lower) || overlaps(before, &lower, behind) {
            return None;
        }
        let path = format!("{folder}\\{before}{STAR}{part}{STAR}{behind}");
        Some(match item {
            Value::File(file) => Value::File(Rc::new(FileItem {
                path,
                is_folder: file.is_folder,
                is_text_full: file.is_text_full,
            })),
            _ => Value::text(path),
        })
    }
}

/// The parts of a block that compares something of the item: `$_.Name -like 'acme*'`; what it compares
/// and the operator in lower case.
fn comparison(block: &Block) -> Option<(String, String, &str)> {
    let (property, rest) = block.text.trim().split_once(char::is_whitespace)?;
    let (operator, operand) = rest.trim_start().split_once(char::is_whitespace)?;
    let property = property.to_ascii_lowercase().replacen("$psitem", "$_", 1);
    Some((property, operator.to_ascii_lowercase(), operand))
}

/// Whether a part of a name may lie in what stands around a `*`, wholly or in part.
fn overlaps(before: &str, part: &str, behind: &str) -> bool {
    let (before, behind) = (before.to_lowercase(), behind.to_lowercase());
    let mut cuts = part.char_indices().map(|(at, _)| at);
    before.contains(part)
        || behind.contains(part)
        || cuts.any(|at| {
            let (head, tail) = part.split_at(at);
            !head.is_empty() && before.ends_with(head) || behind.starts_with(tail)
        })
}
