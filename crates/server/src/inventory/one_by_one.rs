//! What is stored together, and one by one where that fails: one that cannot be stored keeps no other out.

use std::ops::Range;

/// So many that fail one after the other are not to blame: the database is.
const GIVE_UP: usize = 8;

/// Which are to be stored next, and what came of each.
pub struct Attempts {
    total: usize,
    has_tried_all: bool,
    /// Of those that were stored one by one, in their order.
    outcomes: Vec<Result<(), String>>,
    failed_in_a_row: usize,
}

impl Attempts {
    /// For so many.
    pub fn new(total: usize) -> Self {
        Self {
            total,
            has_tried_all: false,
            outcomes: Vec::with_capacity(total),
            failed_in_a_row: 0,
        }
    }

    /// Those that are to be stored next in one go.
    pub fn next(&self) -> Option<Range<usize>> {
        let done = self.outcomes.len();
        match self.has_tried_all {
            _ if done == self.total => None,
            false => Some(0..self.total),
            true => Some(done..done + 1),
        }
    }

    /// Takes note of what came of them.
    pub fn came(&mut self, outcome: anyhow::Result<()>) {
        let outcome = outcome.map_err(|error| format!("{error:#}"));
        if !self.has_tried_all {
            self.has_tried_all = true;
            if outcome.is_ok() || self.total == 1 {
                self.outcomes.resize(self.total, outcome);
            }
            return;
        }
        self.failed_in_a_row = match outcome {
            Ok(()) => 0,
            Err(_) => self.failed_in_a_row + 1,
        };
        if self.failed_in_a_row == GIVE_UP {
            self.outcomes.resize(self.total, outcome);
        } else {
            self.outcomes.push(outcome);
        }
    }

    /// What came of each.
    pub fn outcomes(self) -> Vec<Result<(), String>> {
        self.outcomes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stores numbers, but for odd ones; gives what came of each, and how often it was tried.
    fn outcomes(all: &[u32]) -> (Vec<bool>, usize) {
        let mut attempts = Attempts::new(all.len());
        let mut tries = 0;
        while let Some(some) = attempts.next() {
            tries += 1;
            let is_even = all[some].iter().all(|it| it % 2 == 0);
            let outcome = is_even.then_some(()).ok_or(anyhow::anyhow!("odd"));
            attempts.came(outcome);
        }
        let outcomes = attempts.outcomes();
        (outcomes.iter().map(Result::is_ok).collect(), tries)
    }

    #[test]
    fn one_that_cannot_be_stored_keeps_no_other_out() {
        assert_eq!(outcomes(&[2, 4]), (vec![true, true], 1));
        assert_eq!(outcomes(&[1]), (vec![false], 1));
        assert_eq!(outcomes(&[2, 1, 4]), (vec![true, false, true], 4));
    }

    #[test]
    fn where_nothing_can_be_stored_it_is_not_tried_for_each() {
        let (outcomes, tries) = outcomes(&[1; 64]);
        assert_eq!(outcomes, [false; 64]);
        assert_eq!(tries, 1 + GIVE_UP);
    }
}
