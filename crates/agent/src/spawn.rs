//! Threads whose end, and whose want, nobody may miss.

use std::thread;

/// Runs something on a thread of its own. What that panics over ends the agent, and so does a thread
/// that the system does not give: whoever started the agent starts it again, and it finds by detection
/// what became of its work. Going on would be to wait for an event that never comes.
pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) {
    spawn_by(thread::Builder::new().name(name.to_owned()), body);
}

fn spawn_by(builder: thread::Builder, body: impl FnOnce() + Send + 'static) {
    let body = move || {
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err() {
            std::process::abort();
        }
    };
    if let Err(error) = builder.spawn(body) {
        tracing::error!("cannot start a thread, and ends: {error}");
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Set in a process that is to end.
    const ENDS: &str = "FLEETMEND_TEST_SPAWN";

    /// Runs this file's test of that name again, in a process of its own.
    fn ends_by_itself(test: &str, how: &str) -> bool {
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", &format!("spawn::tests::{test}"), "--nocapture"]);
        let again = again.env(ENDS, how).output().unwrap();
        let text = String::from_utf8_lossy(&again.stdout);
        assert!(text.contains("running 1 test"), "{text}");
        again
            .status
            .code()
            .is_none_or(|code| code != 0 && code != 101)
    }

    #[test]
    fn a_thread_that_panics_or_cannot_be_had_ends_the_agent() {
        let builder = || thread::Builder::new().name("test".to_owned());
        match std::env::var(ENDS).as_deref() {
            Ok("panic") => {
                spawn_by(builder(), || panic!("on purpose"));
                thread::park_timeout(Duration::from_mins(1));
            }
            // More than any address space has.
            Ok("cannot") => spawn_by(builder().stack_size(usize::MAX / 4), || ()),
            _ => {
                let name = "a_thread_that_panics_or_cannot_be_had_ends_the_agent";
                assert!(ends_by_itself(name, "panic"));
                assert!(ends_by_itself(name, "cannot"));
            }
        }
    }
}
