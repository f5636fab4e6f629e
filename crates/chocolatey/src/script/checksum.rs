//! Checksums, as the helpers take them.

use fleetmend_model::recipe::Checksum;

use super::interpreter::{Interpreter, Weight, excerpt};
use super::parameters::Bound;

impl Interpreter<'_> {
    /// The digest in the parameter `name`; with `is_64` the type for 64 bits counts first.
    pub(super) fn checksum(
        &mut self,
        bound: &Bound,
        line: u32,
        is_64: bool,
        name: &str,
    ) -> Result<Option<Checksum>, ()> {
        let digest = self.text(bound, name, line)?;
        let mut algorithm = self.text(bound, "checksumtype", line)?;
        if is_64 {
            algorithm = self.text(bound, "checksumtype64", line)?.or(algorithm);
        }
        let Some(digest) = digest else {
            return Ok(None);
        };
        // Chocolatey's own default.
        let algorithm = algorithm
            .unwrap_or_else(|| "md5".to_owned())
            .trim()
            .to_ascii_lowercase();
        let length = match algorithm.as_str() {
            "md5" => 32,
            "sha1" => 40,
            "sha256" => 64,
            "sha512" => 128,
            _ => 0,
        };
        let hex = digest.trim().to_ascii_lowercase();
        if hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Some(Checksum { algorithm, hex }));
        }
        let what = format!(
            "the argument {name} is not a {} digest",
            excerpt(&algorithm)
        );
        self.find(Weight::Review, line, what);
        Err(())
    }
}
