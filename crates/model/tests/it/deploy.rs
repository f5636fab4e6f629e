//! The states of a deploy job. The tables here are the design's, written down a second time.

use std::collections::BTreeSet;

use fleetmend_model::status::Party::{self, Agent, Server, User};
use fleetmend_model::status::deploy::{
    Change, DeployState, DeployStatus, EDGES, Ending, follow_agent, step,
};
use proptest::prelude::*;

const PARTIES: [Party; 3] = [User, Server, Agent];

#[test]
fn labels_are_word_for_word() {
    let labels = [
        (1, "Patch deployment job is posted"),
        (2, "Patch download in progress"),
        (3, "Patch download is completed"),
        (4, "Master Agent started download"),
        (5, "Master Agent download success"),
        (6, "Patch deploy job is posted"),
        (7, "Another deploy is in progress. Please wait"),
        (8, "Patch deploy started"),
        (9, "Patch deploy completed successfully"),
        (10, "Patch deploy completed. System needs restart"),
        (11, "Patch deploy failed"),
        (12, "Unknown error"),
        (
            13,
            "Patch is not applicable due to previous service pack installation or update roll-up \
             installation or corresponding software is removed from the machine",
        ),
    ];
    let found = DeployStatus::ALL.map(|status| (status.number(), status.label()));
    assert_eq!(found, labels);
}

#[test]
fn numbers_are_read_back_and_others_refused() {
    for status in DeployStatus::ALL {
        assert_eq!(DeployStatus::try_from(status.number()), Ok(status));
        let json = serde_json::to_string(&status).expect("a number");
        assert_eq!(json, status.number().to_string());
        assert_eq!(
            serde_json::from_str::<DeployStatus>(&json).expect("a status"),
            status
        );
    }
    for number in [i64::MIN, -1, 0, 14, i64::MAX] {
        let refusal = DeployStatus::try_from(number).expect_err("no status");
        assert!(refusal.contains(&number.to_string()), "{refusal}");
    }
}

/// The design's table, with 0 for 'no job'.
fn edges() -> BTreeSet<(i64, i64, &'static str)> {
    let rows: &[(&[i64], &[i64], &[Party])] = &[
        (&[0], &[1], &[User, Server]),
        (&[1], &[2, 3], &[Server]),
        (&[2], &[3], &[Server]),
        (&[3], &[4], &[Agent]),
        (&[4], &[5], &[Agent]),
        (&[5], &[6], &[Server]),
        (&[6], &[7, 8], &[Agent]),
        (&[7], &[8], &[Agent]),
        (&[8], &[9, 10, 11, 12], &[Agent]),
        (&[10], &[9], &[Server]),
        (&[1, 2, 3, 4, 5, 6, 7, 8], &[13], &[Agent, Server]),
    ];
    let mut edges = BTreeSet::new();
    for (from, to, by) in rows {
        for from in *from {
            for to in *to {
                edges.extend(by.iter().map(|by| (*from, *to, name(*by))));
            }
        }
    }
    edges
}

fn name(party: Party) -> &'static str {
    match party {
        User => "user",
        Server => "server",
        Agent => "agent",
    }
}

/// From which statuses a job may end outside the thirteen, and by whom.
fn may_end(from: i64, ending: Ending, by: Party) -> bool {
    match (ending, by) {
        // A person ends what the server alone has; from then on it is the agent's to grant, and
        // what runs on the device is not called off.
        (Ending::Cancelled, User) => from == 1 || from == 2,
        (Ending::Cancelled, Server) => from == 3,
        (Ending::Cancelled, Agent) => (3..=7).contains(&from),
        (Ending::Expired, Server) => (1..=8).contains(&from) || from == 10,
        (Ending::Expired, Agent) => (3..=7).contains(&from),
        (Ending::DownloadFailed, Server) => from == 1 || from == 2,
        // Past 4: an agent that lost its state fetches the files again.
        (Ending::DownloadFailed, Agent) => (4..=7).contains(&from),
        (Ending::Refused, Agent) => (3..=7).contains(&from),
        _ => false,
    }
}

#[test]
fn the_edges_are_those_of_the_design() {
    let found: BTreeSet<_> = EDGES
        .iter()
        .map(|(from, to, by)| (from.map_or(0, DeployStatus::number), to.number(), name(*by)))
        .collect();
    assert_eq!(found, edges());
    assert_eq!(EDGES.len(), found.len(), "an edge stands twice");
}

fn states() -> Vec<Option<DeployState>> {
    let mut states = vec![None];
    for status in DeployStatus::ALL {
        states.push(Some(DeployState {
            status,
            ending: None,
        }));
        states.extend(Ending::ALL.map(|ending| {
            Some(DeployState {
                status,
                ending: Some(ending),
            })
        }));
    }
    states
}

fn changes() -> Vec<Change> {
    let mut changes: Vec<_> = DeployStatus::ALL
        .iter()
        .map(|status| Change::Status { status: *status })
        .collect();
    changes.extend(Ending::ALL.map(|ending| Change::End { ending }));
    changes
}

#[test]
fn step_takes_every_legal_edge_and_no_other() {
    let edges = edges();
    for from in states() {
        for change in changes() {
            for by in PARTIES {
                let number = from.map_or(0, |state| state.status.number());
                let is_open = from.is_none_or(|state| state.ending.is_none());
                let expected = match change {
                    Change::Status { status } => (is_open
                        && edges.contains(&(number, status.number(), name(by))))
                    .then_some(DeployState {
                        status,
                        ending: None,
                    }),
                    Change::End { ending } => from
                        .filter(|_| is_open && may_end(number, ending, by))
                        .map(|state| DeployState {
                            ending: Some(ending),
                            ..state
                        }),
                };
                assert_eq!(
                    step(from, change, by).ok(),
                    expected,
                    "{from:?} {change:?} {by:?}"
                );
            }
        }
    }
}

#[test]
fn a_refused_edge_names_both_ends_and_the_party() {
    let from = DeployState {
        status: DeployStatus::DeployPosted,
        ending: Some(Ending::Cancelled),
    };
    let refused = step(
        Some(from),
        Change::Status {
            status: DeployStatus::Completed,
        },
        Agent,
    );
    assert_eq!(
        refused.expect_err("illegal").to_string(),
        "the Agent may not take a job from 'Patch deploy job is posted (Cancelled)' to \
         'Patch deploy completed successfully'"
    );
}

#[test]
fn final_states_are_left_by_no_edge_and_reached_from_all_others() {
    for from in states().into_iter().flatten() {
        let mut reached = vec![from];
        let mut next = 0;
        while let Some(&state) = reached.get(next) {
            next += 1;
            for change in changes() {
                for by in PARTIES {
                    if let Ok(to) = step(Some(state), change, by)
                        && !reached.contains(&to)
                    {
                        reached.push(to);
                    }
                }
            }
        }
        if from.is_final() {
            assert_eq!(reached, [from], "{from:?} is left");
        } else {
            assert!(
                reached.iter().any(|state| state.is_final()),
                "{from:?} never ends"
            );
            assert!(reached.len() > 1, "{from:?} is stuck");
        }
    }
}

#[test]
fn every_open_state_can_be_ended_by_the_server_alone() {
    let expire = Change::End {
        ending: Ending::Expired,
    };
    for from in states()
        .into_iter()
        .flatten()
        .filter(|state| !state.is_final())
    {
        assert!(
            step(Some(from), expire, Server).is_ok(),
            "{from:?} has no deadline"
        );
    }
}

#[test]
fn redeploy_is_offered_on_what_did_not_work_and_is_over() {
    for state in states().into_iter().flatten() {
        let number = state.status.number();
        let expected = number == 11 || number == 12 || state.ending.is_some();
        assert_eq!(state.can_redeploy(), expected, "{state:?}");
        assert!(!state.can_redeploy() || state.is_final(), "{state:?}");
    }
}

#[test]
fn the_agents_word_puts_in_the_servers_own_edge() {
    use DeployStatus::{AgentDownloaded, AgentDownloading, Completed, DeployPosted, Started};
    let at = |status| DeployState {
        status,
        ending: None,
    };
    let to = |status| Change::Status { status };
    assert_eq!(
        follow_agent(at(AgentDownloading), to(AgentDownloaded)),
        Ok(vec![
            (at(AgentDownloaded), Agent),
            (at(DeployPosted), Server)
        ])
    );
    assert_eq!(
        follow_agent(at(Started), to(Completed)),
        Ok(vec![(at(Completed), Agent)])
    );
    assert_eq!(follow_agent(at(Started), to(Started)), Ok(Vec::new()));
    // What was called off is not called back by a repeated word.
    let cancelled = DeployState {
        ending: Some(Ending::Cancelled),
        ..at(DeployPosted)
    };
    assert!(follow_agent(cancelled, to(DeployPosted)).is_err());
    // An agent gives no word for the server or for a person.
    assert!(follow_agent(at(DeployStatus::NeedsRestart), to(Completed)).is_err());
    let cancel = Change::End {
        ending: Ending::Cancelled,
    };
    assert!(follow_agent(at(DeployStatus::Posted), cancel).is_err());
    assert!(follow_agent(at(Started), cancel).is_err());
    assert_eq!(
        follow_agent(at(DeployPosted), cancel),
        Ok(vec![(cancelled, Agent)])
    );
}

#[test]
fn a_cancel_ends_what_the_server_alone_has_and_is_a_request_until_the_start() {
    for state in states().into_iter().flatten() {
        let number = state.status.number();
        let is_open = state.ending.is_none();
        let expected = is_open && (3..=7).contains(&number);
        assert_eq!(state.is_with_agent(), expected, "{state:?}");
        assert_eq!(state.can_cancel(), is_open && number <= 7, "{state:?}");
        let cancel = Change::End {
            ending: Ending::Cancelled,
        };
        // Where it can be asked for, a person ends it or the agent grants it; never both.
        let by = |party| step(Some(state), cancel, party).is_ok();
        assert_eq!(state.can_cancel(), by(User) != by(Agent), "{state:?}");
        assert!(!(by(User) && by(Agent)), "{state:?}");
    }
}

fn change() -> impl Strategy<Value = (Change, Party)> {
    (
        prop::sample::select(changes()),
        prop::sample::select(PARTIES.to_vec()),
    )
}

proptest! {
    /// Whatever arrives in whatever order: the recorded path has legal edges only, ends at most
    /// once, and nothing follows its end.
    #[test]
    fn no_sequence_of_words_takes_an_illegal_edge(words in prop::collection::vec(change(), 0..60)) {
        let edges = edges();
        let mut path: Vec<(DeployState, Party)> = Vec::new();
        for (change, by) in words {
            let at = path.last().map(|(state, _)| *state);
            match (at, by) {
                (Some(state), Agent) => {
                    path.extend(follow_agent(state, change).into_iter().flatten());
                }
                _ => path.extend(step(at, change, by).ok().map(|state| (state, by))),
            }
        }
        let mut from = None;
        for (to, by) in path {
            let number = from.map_or(0, |state: DeployState| state.status.number());
            match to.ending {
                None => prop_assert!(edges.contains(&(number, to.status.number(), name(by)))),
                Some(ending) => {
                    prop_assert_eq!(number, to.status.number());
                    prop_assert!(may_end(number, ending, by));
                }
            }
            prop_assert!(from.is_none_or(|state| !state.is_final()));
            from = Some(to);
        }
    }
}
