//! The two state machines that administrators see: scans and deployments.
//!
//! Labels are fixed, word for word. The legal edges are tables; every change of a job's state goes
//! through [`scan::step`] or [`deploy::step`], which take no other edge.

pub mod deploy;
pub mod scan;

/// Who takes an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// A person, a schedule or a redeploy.
    User,
    /// The server's own background work.
    Server,
    /// The device's agent (or its master's).
    Agent,
}

/// An edge that the table does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IllegalEdge {
    /// The state the job is in, as shown.
    pub from: String,
    /// The state asked for, as shown.
    pub to: String,
    /// Who asked.
    pub by: Party,
}

impl std::fmt::Display for IllegalEdge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the {:?} may not take a job from '{}' to '{}'",
            self.by, self.from, self.to
        )
    }
}

impl std::error::Error for IllegalEdge {}
