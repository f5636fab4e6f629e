//! How many files the process may have open: each connection is one, and most of a fleet waits.

/// As many as are ever asked for. Programs that are started from here inherit the limit, and some
/// of them close every file that they could have.
const WANTED: u64 = 65_536;

/// Raises the limit as far as the system allows and is of use; gives what it is then.
#[cfg(unix)]
pub fn raise_file_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    let wanted = limit.maximum.unwrap_or(WANTED).min(WANTED);
    if current >= wanted {
        return current;
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::warn!("cannot raise the limit of open files: {error}");
            current
        }
    }
}

/// Windows has no such limit.
#[cfg(not(unix))]
pub fn raise_file_limit() -> u64 {
    u64::MAX
}
