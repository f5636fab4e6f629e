//! Ways in which vendors write a version otherwise than packagers.

/// From a registered version to the package's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Transform {
    /// The numbers are the same.
    Same,
    /// The first number counts from elsewhere: `17.9` is 2017.9. Holds what is added.
    ShiftFirst(i64),
    /// The package has zeros more: `2102` is 0.0.2102, `6.5.45` is 6.5.0.45. Holds where and how many.
    Zeros { at: usize, count: usize },
    /// The numbers are in the other order: `31-01-2023` is 2023.1.31.
    Reversed,
    /// The first number packs a year and the release in it: `243.25659` is 2024.3. What stands behind
    /// it says nothing.
    PackedYear,
    /// A number is packed with others: `3.11.7150` is 3.11.7. Holds its place, by what it is
    /// multiplied and what is added. What stands behind it says nothing.
    Packed { at: usize, by: u64, plus: u64 },
}

impl Transform {
    /// The package's numbers, as far as they are told; `None` where it cannot be such a version.
    pub(super) fn apply(self, parts: &[u64]) -> Option<Vec<u64>> {
        let first = *parts.first()?;
        match self {
            Self::Same => Some(parts.to_vec()),
            Self::ShiftFirst(by) => {
                let mut shifted = parts.to_vec();
                *shifted.first_mut()? = first.checked_add_signed(by)?;
                Some(shifted)
            }
            Self::Zeros { at, count } => {
                let (before, behind) = parts.split_at_checked(at)?;
                Some([before, &vec![0; count], behind].concat())
            }
            Self::Reversed => Some(parts.iter().rev().copied().collect()),
            Self::PackedYear => {
                // 2009 to 2099.
                (90..=999)
                    .contains(&first)
                    .then(|| vec![2000 + first / 10, first % 10])
            }
            Self::Packed { at, by, plus } => {
                let packed = parts.get(at)?.checked_sub(plus)?;
                let mut told = parts[..at].to_vec();
                told.push(packed.checked_div(by).filter(|_| packed % by == 0)?);
                Some(told)
            }
        }
    }

    /// Whether what it gives ends where the version says no more.
    pub(super) fn is_cut(self) -> bool {
        matches!(self, Self::PackedYear | Self::Packed { .. })
    }

    /// In a part of a sentence.
    pub(super) fn says(self) -> &'static str {
        match self {
            Self::Same => "is the package's",
            Self::ShiftFirst(_) => "is the package's but for where its first number counts from",
            Self::Zeros { .. } => "is the package's without a zero",
            Self::Reversed => "is the package's the other way round",
            Self::PackedYear => "begins with the year and release of the package's",
            Self::Packed { .. } => "has a number of the package's packed with others",
        }
    }
}
