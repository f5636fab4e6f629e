//! What APT and dpkg say when another program holds a lock of theirs.

/// APT's words on a lock that another program holds. Of some of its locks it says that it gives up
/// waiting.
pub(super) fn lock_held(output: &str) -> Option<&str> {
    output
        .lines()
        .filter_map(|line| line.strip_prefix("E: "))
        .find(|line| {
            line.starts_with("Could not get lock")
                || (line.starts_with("Unable to acquire the dpkg frontend lock")
                    && line.ends_with("is another process using it?"))
        })
}

/// Who held the lock, by what APT or dpkg said last.
pub(super) fn lock_cause(output: &str) -> String {
    let holder = output
        .lines()
        .rev()
        .find_map(|line| {
            let at = line
                .find("by process ")
                .or_else(|| line.find("process with pid "))?;
            Some(line[at..].trim_start_matches("by ").trim_end_matches('.'))
        })
        .unwrap_or("another program");
    format!("the package manager's lock was held by {holder} all the time")
}

/// Whether APT says that it waits, e.g. `Waiting for cache lock: Could not get lock …`.
pub(super) fn is_lock_wait(line: &str) -> bool {
    line.contains("Waiting for cache lock")
}

/// Whether dpkg says that another program works: it does not wait itself.
pub(super) fn is_locked_for_dpkg(output: &str) -> bool {
    output.lines().any(|line| {
        line.starts_with("dpkg: error: dpkg ") && line.contains("locked by another process")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_recognised() {
        for (output, is_held) in [
            (
                "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt)",
                true,
            ),
            (
                "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is \
                 another process using it?",
                true,
            ),
            (
                "E: Unable to acquire the dpkg frontend lock (/var/x), are you root?",
                false,
            ),
            ("E: Unable to locate package Could not get lock", false),
            ("Could not get lock", false),
        ] {
            assert_eq!(lock_held(output).is_some(), is_held, "{output}");
        }
    }

    #[test]
    fn dpkgs_words_on_its_lock_are_told_from_failures_of_packages() {
        for (output, is_locked) in [
            (
                "dpkg: error: dpkg frontend lock was locked by another process with pid 12\n",
                true,
            ),
            (
                "dpkg: error: dpkg frontend is locked by another process\n",
                true,
            ),
            (
                "dpkg: error: dpkg database lock was locked by another process with pid 1\n",
                true,
            ),
            (
                "dpkg: error processing package lockfile-progs (--configure):\n x\n",
                false,
            ),
            ("", false),
        ] {
            assert_eq!(is_locked_for_dpkg(output), is_locked, "{output}");
        }
    }

    #[test]
    fn a_lock_names_who_held_it_last() {
        for (output, wanted) in [
            (
                "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 12 (apt)",
                "process 12 (apt)",
            ),
            (
                "Waiting for cache lock: Could not get lock /x. It is held by process 7 (apt)...\n\
                 Waiting for cache lock: Could not get lock /x. It is held by process 8 (a.b)...\n\
                 E: Unable to acquire the dpkg frontend lock (/x), is another process using it?",
                "process 8 (a.b)",
            ),
            (
                "dpkg: error: dpkg frontend lock was locked by another process with pid 12\nNote:",
                "process with pid 12",
            ),
            ("E: ?", "another program"),
        ] {
            let wanted = format!("the package manager's lock was held by {wanted} all the time");
            assert_eq!(lock_cause(output), wanted);
        }
    }
}
