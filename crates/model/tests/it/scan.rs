//! The states of a scan job. The tables here are the design's, written down a second time.

use std::collections::BTreeSet;

use fleetmend_model::status::Party::{self, Agent, Server, User};
use fleetmend_model::status::scan::{EDGES, ScanStatus, follow_agent, step};
use proptest::prelude::*;

const PARTIES: [Party; 3] = [User, Server, Agent];

#[test]
fn labels_are_word_for_word() {
    let labels = [
        (1, "New patch scan job is posted"),
        (2, "Patch scan started"),
        (3, "Job completed successfully"),
        (
            4,
            "Job processing aborted as the machine did not respond in stipulated days",
        ),
        (5, "Ping Failed"),
        (6, "Unable to retrieve Agent Information"),
    ];
    assert_eq!(
        ScanStatus::ALL.map(|status| (status.number(), status.label())),
        labels
    );
}

#[test]
fn numbers_are_read_back_and_others_refused() {
    for status in ScanStatus::ALL {
        assert_eq!(ScanStatus::try_from(status.number()), Ok(status));
    }
    for number in [i64::MIN, -1, 0, 7, i64::MAX] {
        let refusal = ScanStatus::try_from(number).expect_err("no status");
        assert!(refusal.contains(&number.to_string()), "{refusal}");
    }
}

/// The design's table, with 0 for 'no job'.
fn edges() -> BTreeSet<(i64, i64, u8)> {
    let rows: &[(&[i64], &[i64], Party)] = &[
        (&[0], &[1], User),
        (&[0], &[1], Server),
        (&[1], &[2], Agent),
        (&[2], &[3], Agent),
        (&[1], &[5], Server),
        (&[5], &[1], Server),
        (&[1, 2, 5], &[4], Server),
        (&[1, 2], &[6], Server),
        (&[2], &[1], Server),
    ];
    let mut edges = BTreeSet::new();
    for (from, to, by) in rows {
        for from in *from {
            edges.extend(to.iter().map(|to| (*from, *to, *by as u8)));
        }
    }
    edges
}

#[test]
fn step_takes_the_designs_edges_and_no_other() {
    let froms = [None].into_iter().chain(ScanStatus::ALL.map(Some));
    for from in froms {
        for to in ScanStatus::ALL {
            for by in PARTIES {
                let edge = (from.map_or(0, ScanStatus::number), to.number(), by as u8);
                let expected = edges().contains(&edge).then_some(to);
                assert_eq!(step(from, to, by).ok(), expected, "{from:?} {to:?} {by:?}");
            }
        }
    }
    assert_eq!(EDGES.len(), edges().len(), "an edge stands twice");
}

#[test]
fn final_states_are_left_by_no_edge_and_reached_from_all_others() {
    for from in ScanStatus::ALL {
        let leaves = |status| edges().into_iter().any(|(edge, _, _)| edge == status);
        assert_eq!(leaves(from.number()), !from.is_final(), "{from:?}");
        let aborts = step(Some(from), ScanStatus::Aborted, Server).is_ok();
        assert_eq!(aborts, !from.is_final(), "{from:?} has no deadline");
    }
}

#[test]
fn a_refused_edge_names_both_ends_and_the_party() {
    let refused = step(None, ScanStatus::Completed, Agent).expect_err("illegal");
    assert_eq!(
        refused.to_string(),
        "the Agent may not take a job from 'no job' to 'Job completed successfully'"
    );
}

#[test]
fn the_agents_word_puts_in_the_edges_that_lead_there() {
    use ScanStatus::{Aborted, AgentUnreadable, Completed, PingFailed, Posted, Started};
    let words = [
        (Posted, Started, Some(vec![(Started, Agent)])),
        (Started, Started, Some(vec![])),
        (Started, Completed, Some(vec![(Completed, Agent)])),
        // The server had posted it again, or found the device down.
        (
            Posted,
            Completed,
            Some(vec![(Started, Agent), (Completed, Agent)]),
        ),
        (
            PingFailed,
            Started,
            Some(vec![(Posted, Server), (Started, Agent)]),
        ),
        (
            PingFailed,
            Completed,
            Some(vec![(Posted, Server), (Started, Agent), (Completed, Agent)]),
        ),
        (Completed, Completed, Some(vec![])),
        // An agent ends no other way, and calls nothing back.
        (Completed, Started, None),
        (Aborted, Completed, None),
        (AgentUnreadable, Completed, None),
        (Posted, Aborted, None),
        (Started, Posted, None),
        (PingFailed, AgentUnreadable, None),
    ];
    for (from, to, edges) in words {
        assert_eq!(follow_agent(from, to).ok(), edges, "{from:?} to {to:?}");
    }
}

proptest! {
    #[test]
    fn whatever_an_agent_says_takes_legal_edges_only(
        from in prop::sample::select(ScanStatus::ALL.to_vec()),
        to in prop::sample::select(ScanStatus::ALL.to_vec()),
    ) {
        let mut at = from;
        for (next, by) in follow_agent(from, to).into_iter().flatten() {
            prop_assert!(edges().contains(&(at.number(), next.number(), by as u8)));
            at = next;
        }
    }

    #[test]
    fn no_sequence_of_words_takes_an_illegal_edge(
        words in prop::collection::vec(
            (prop::sample::select(ScanStatus::ALL.to_vec()), prop::sample::select(PARTIES.to_vec())),
            0..60,
        ),
    ) {
        let mut at = None;
        for (to, by) in words {
            let before = at;
            at = step(at, to, by).ok().or(at);
            if at != before {
                let edge = (
                    before.map_or(0, ScanStatus::number),
                    at.map_or(0, ScanStatus::number),
                    by as u8,
                );
                prop_assert!(edges().contains(&edge));
                prop_assert!(before.is_none_or(|status: ScanStatus| !status.is_final()));
            }
        }
    }
}
