//! What answering one request may cost, whatever it asks for.

use std::cell::Cell;

use super::request::BadRequest;

/// Over all entries of one request: some tenths of a second.
const MAX_WORK: u64 = 256 << 20;
/// What looking at a part of an entry costs beside the texts in it.
pub(super) const PART: usize = 16;

/// In bytes that are looked at.
pub(super) struct Budget(Cell<u64>);

impl Budget {
    pub(super) fn new() -> Self {
        Self(Cell::new(MAX_WORK))
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }

    pub(super) fn spend(&self, bytes: usize) {
        self.0.set(self.0.get().saturating_sub(bytes as u64));
    }

    /// An error once it is spent, which names the part of the request that was too much.
    pub(super) fn check(&self, part: &str) -> Result<(), BadRequest> {
        if !self.is_spent() {
            return Ok(());
        }
        Err(BadRequest(format!(
            "{part}: it looks at too much text of too many packages; name an id or ask for less"
        )))
    }
}
