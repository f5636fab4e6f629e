//! The file that a helper takes: which of its parameters counts on this machine, and where it is.

use std::collections::BTreeMap;
use std::result::Result;

use fleetmend_model::recipe::{Checksum, FileOrigin};

use super::interpreter::{Interpreter, Weight, excerpt};
use super::parameters::Bound;
use super::place::is_plain;
use super::recipe_file::Located;
use super::state::MAX_FILES;
use super::value::{HOLE, Value};

/// What is found where nothing shows that a file was changed on its way.
pub(super) const OPEN_TRANSFER: &str = "the installer comes over plain HTTP without a checksum";

impl Interpreter<'_> {
    /// A path argument, which may stand for a file by a pattern.
    pub(super) fn path_argument(
        &mut self,
        bound: &Bound,
        name: &str,
        line: u32,
    ) -> Result<Option<String>, ()> {
        if let Some(Value::File(file)) = bound.get(name)
            && !file.path.contains(HOLE)
            && self.facts.is_all_told(&file.path)
        {
            return Ok(Some(file.path.clone()));
        }
        // The full path of a file that stands for others.
        if let Some(Value::Text(text)) = bound.get(name)
            && !text.contains(HOLE)
            && self.facts.is_all_told(text)
        {
            return Ok(Some(text.as_ref().to_owned()).filter(|it| !it.is_empty()));
        }
        self.text(bound, name, line)
    }

    /// The file for this machine: the one for 64 bits there, where there is one. `names` are the
    /// parameters that come first; where one has no value, the file of the same bitness counts.
    pub(super) fn file(
        &mut self,
        bound: &Bound,
        line: u32,
        names: [&str; 2],
    ) -> Result<Option<Located>, ()> {
        let found = self.file_and_path(bound, line, names)?;
        Ok(found.map(|(file, _)| file))
    }

    /// The same with its path or address, as the script names it.
    pub(super) fn file_and_path(
        &mut self,
        bound: &Bound,
        line: u32,
        names: [&str; 2],
    ) -> Result<Option<(Located, String)>, ()> {
        // Each look for a file goes through all of the package's.
        self.charge(self.package.paths.len().saturating_mul(32));
        let small = self.first_path(bound, [names[0], "file"], line);
        let large = self.first_path(bound, [names[1], "file64"], line);
        let (small, large) = (small?, large?);
        let is_same = match (&small, &large) {
            (Some(small), Some(large)) => small.to_lowercase() == large.to_lowercase(),
            _ => false,
        };
        let takes_large = large.is_some() && (is_same || self.helper_bits() == 64);
        // Chocolatey takes the first checksum where both addresses are the same.
        let uses_large_sum = takes_large && !is_same;
        let (chosen, other) = if takes_large {
            (large, small)
        } else {
            (small, large)
        };
        let other = other.filter(|it| super::path::in_package(it).is_some());
        if let Some(other) = other.filter(|_| self.offered.len() < MAX_FILES) {
            self.offered.insert(super::path::key(&other));
        }
        let Some(chosen) = chosen else {
            return Ok(None);
        };
        let sum = if uses_large_sum {
            "checksum64"
        } else {
            "checksum"
        };
        let checksum = self.checksum(bound, line, uses_large_sum, sum)?;
        if !is_path(&chosen) {
            let headers = self.headers(bound, line);
            let file = self.remote(&chosen, checksum, line).ok_or(())?;
            return Ok(Some((Located { headers, ..file }, chosen)));
        }
        let located = self.locate(&chosen).map_err(|why| {
            self.find(Weight::Review, line, format!("the installer: {why}"));
        })?;
        let checksum = checksum.or(located.checksum.clone());
        let located = Located {
            checksum,
            ..located
        };
        self.check_transfer(&located, line);
        Ok(Some((located, chosen)))
    }

    /// A file at an address.
    pub(super) fn remote(
        &mut self,
        address: &str,
        checksum: Option<Checksum>,
        line: u32,
    ) -> Option<Located> {
        let located = Located {
            origin: self.address(address, line)?,
            checksum,
            inside: None,
            headers: BTreeMap::new(),
            package: None,
            call: None,
            saved_as: None,
        };
        self.check_transfer(&located, line);
        Some(located)
    }

    /// Finds what could be changed on its way here without being noticed.
    fn check_transfer(&mut self, file: &Located, line: u32) {
        let is_open =
            matches!(&file.origin, FileOrigin::Url { url } if !url.starts_with("https://"));
        if is_open && file.checksum.is_none() {
            self.find(Weight::Review, line, OPEN_TRANSFER);
        }
    }

    fn first_path(
        &mut self,
        bound: &Bound,
        names: [&str; 2],
        line: u32,
    ) -> Result<Option<String>, ()> {
        match self.path_argument(bound, names[0], line)? {
            Some(found) => Ok(Some(found)),
            None => self.path_argument(bound, names[1], line),
        }
    }

    fn address(&mut self, text: &str, line: u32) -> Option<FileOrigin> {
        let text = as_address(text);
        let lower = text.to_ascii_lowercase();
        let has_host = ["http://", "https://"].iter().any(|scheme| {
            lower
                .strip_prefix(scheme)
                .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        });
        let is_clean = is_plain(&text)
            && !text
                .chars()
                .any(|c| c.is_whitespace() || c.is_control() || c == '{' || c == '}');
        if has_host && is_clean {
            return Some(FileOrigin::Url { url: text });
        }
        let what = format!(
            "the installer's address is not http or https: {}",
            excerpt(&text)
        );
        self.find(Weight::Review, line, what);
        None
    }
}

/// The address that a text becomes in Chocolatey's hands.
pub(crate) fn as_address(text: &str) -> String {
    // As Get-ChocolateyWebFile does.
    let text = text.replace("//", "/").replace(":/", "://");
    // As .NET's Uri writes it.
    text.replace(' ', "%20")
}

/// Whether a text is a path and no address.
fn is_path(text: &str) -> bool {
    !is_plain(text) || text.get(1..3) == Some(":\\") || text.starts_with(['\\', '.'])
}
