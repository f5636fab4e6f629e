//! Reading what others change meanwhile.

/// How often it is read once more.
const AGAIN: usize = 3;

/// What two readings in a row agree on; `None` where none did.
pub(crate) fn settled<T: PartialEq, E>(
    mut read: impl FnMut() -> Result<T, E>,
) -> Result<Option<T>, E> {
    let mut before = read()?;
    for _ in 0..AGAIN {
        let now = read()?;
        if now == before {
            return Ok(Some(now));
        }
        before = now;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of such readings, and how many there were.
    fn of(readings: &[Result<u32, &'static str>]) -> (Result<Option<u32>, &'static str>, usize) {
        let mut readings = readings.iter();
        let all = readings.len();
        let result = settled(|| readings.next().copied().unwrap());
        (result, all - readings.len())
    }

    #[test]
    fn a_reading_counts_once_the_next_one_is_the_same() {
        assert_eq!(of(&[Ok(1), Ok(1), Ok(2)]), (Ok(Some(1)), 2));
        assert_eq!(of(&[Ok(1), Ok(2), Ok(2)]), (Ok(Some(2)), 3));
        assert_eq!(of(&[Ok(1), Ok(2), Ok(1), Ok(1)]), (Ok(Some(1)), 4));
    }

    #[test]
    fn what_changes_with_each_reading_is_not_known() {
        assert_eq!(of(&[Ok(1), Ok(2), Ok(1), Ok(2), Ok(2)]), (Ok(None), 4));
    }

    #[test]
    fn a_reading_that_fails_ends_it() {
        assert_eq!(of(&[Err("closed"), Ok(1)]), (Err("closed"), 1));
        assert_eq!(of(&[Ok(1), Err("closed"), Ok(1)]), (Err("closed"), 2));
    }
}
