//! Lines of one package that stand side by side on a machine: what is on offer does not replace a row of
//! another one.

use super::Row;
use crate::identity::{Identity, begins_with_number};
use crate::normal::{is_platform, number_parts};

impl Row {
    /// Whether the version on offer is of another line than the row, so that its installer may leave the
    /// row as it is: the package only pulls in a line of its own name (`python3` brings `python314`), or
    /// the row's name says a line that the package has left (`MySQL Server 5.7`).
    pub(crate) fn is_beside(&self, package: &Identity, offered: &str) -> bool {
        let offered: Vec<String> = parts(offered);
        let mut pulled = package.lines_pulled_in.iter();
        pulled.any(|it| begins_with_number(&offered, it) && !self.numbers.explains(it))
            || (package.lines.is_empty() && self.says_line_before(&offered))
    }

    /// Whether the name has the begin of the registered version, and the first number is lower than that
    /// of what is on offer. A whole version in a name says nothing of lines.
    fn says_line_before(&self, offered: &[String]) -> bool {
        let registered = parts(&self.registered);
        let goes_on = |begin: usize| registered.iter().skip(begin).any(|it| it != "0");
        let words = self.name.words.iter().enumerate().skip(1);
        let mut words = words.filter(|(at, it)| !it.aside && !is_platform(&self.name, *at));
        let is_line = |number: &str| begins_with_number(&registered, number) && goes_on(1);
        let is_named_line = words.any(|(_, it)| it.is_number() && is_line(&it.text));
        let mut versions = self.name.versions.iter().map(|it| parts(it));
        let is_begin = |it: Vec<String>| registered.starts_with(&it) && goes_on(it.len());
        let number = |it: &[String]| it.first().and_then(|it| it.parse::<u64>().ok());
        (is_named_line || versions.any(is_begin)) && number(&registered) < number(offered)
    }
}

fn parts(version: &str) -> Vec<String> {
    number_parts(version)
        .into_iter()
        .map(str::to_owned)
        .collect()
}
