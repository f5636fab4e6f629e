//! What to make of a read that came to its end and saw fewer entries than the feed says that it has. The
//! feed may have left some out this time; or it counts what it does not show, which many do, and then it
//! always says so.

use std::collections::BTreeMap;
use std::time::Duration;

use fleetmend_model::{Millis, PackageId};
use fleetmend_store::missed_versions::Missed;

/// In so many reads in a row a version must be missing,
pub const READS: u32 = 3;
/// and for so long, before it counts as gone: what a feed does not show for a while comes back.
pub const WHILE: Duration = Duration::from_hours(24);

/// What such reads come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Gone.
    pub gone: Vec<PackageId>,
    /// Not given this time, and still offered.
    pub waiting: Vec<PackageId>,
    /// What is kept for the next such read.
    pub missed: BTreeMap<PackageId, Missed>,
}

/// Decides about what a read did not give, from what those right before it did not give.
pub fn decide(
    not_given: &[PackageId],
    before: &BTreeMap<PackageId, Missed>,
    now: Millis,
) -> Decision {
    let mut decision = Decision::default();
    for row in not_given {
        let missed = match before.get(row) {
            None => Missed {
                times: 1,
                since: now,
            },
            Some(it) => Missed {
                times: it.times.saturating_add(1),
                since: it.since,
            },
        };
        let side = if is_gone(&missed, now) {
            &mut decision.gone
        } else {
            &mut decision.waiting
        };
        side.push(*row);
        decision.missed.insert(*row, missed);
    }
    decision
}

/// Whether a version that was not given so often is gone.
pub fn is_gone(missed: &Missed, now: Millis) -> bool {
    missed.times >= READS && now.since(missed.since) >= WHILE
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn what_several_reads_in_a_row_over_a_day_did_not_give_is_gone_and_nothing_else() {
        const ONE: PackageId = PackageId(1);
        // Each read: after how many hours, and whether it gave the version.
        for (reads, is_gone) in [
            (&[][..], false),
            (&[(0, false)], false),
            (&[(0, false), (24, false)], false),
            (&[(0, false), (12, false), (24, false)], true),
            (&[(0, false), (12, false), (23, false)], false),
            (&[(0, false), (1, false), (2, false), (24, false)], true),
            (&[(0, false), (12, true), (24, false), (36, false)], false),
            (&[(0, false), (12, false), (24, true)], false),
            (&[(0, true), (1, false), (13, false), (25, false)], true),
        ] {
            let mut last = Decision::default();
            for (hours, is_given) in reads {
                let now = Millis(0) + HOUR * *hours;
                let not_given = if *is_given { &[][..] } else { &[ONE] };
                last = decide(not_given, &last.missed, now);
            }
            assert_eq!(last.gone == [ONE], is_gone, "{reads:?}");
        }
    }

    #[test]
    fn each_version_is_judged_by_itself() {
        let (old, new) = (PackageId(1), PackageId(2));
        let known = Missed {
            times: READS - 1,
            since: Millis(0),
        };
        let now = Millis(0) + WHILE;
        let decision = decide(&[old, new], &BTreeMap::from([(old, known)]), now);
        assert_eq!((decision.gone, decision.waiting), (vec![old], vec![new]));
        let kept = decision.missed[&new];
        assert_eq!((kept.times, kept.since), (1, now));
    }
}
