//! One download of a thing at a time: whoever wants the same waits, and finds it here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// What is being downloaded.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<String, Arc<Turn<()>>>>);

impl Turns {
    /// Ends when nobody else has the turn for this; it is one's own as long as the guard lives.
    pub async fn take(&self, what: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // What nobody waits for takes no memory.
            all.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(all.entry(what.to_owned()).or_default())
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_is_one_ones_and_others_are_free() {
        let turns = Turns::default();
        let one = turns.take("a").await;
        let other = turns.take("b").await;
        assert!(turns.0.lock().unwrap()["a"].try_lock().is_err());
        drop((one, other));
        let _again = turns.take("a").await;
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }
}
