//! Refreshing the package lists, and which sources did not answer.

use std::thread;
use std::time::{Duration, Instant};

use fleetmend_model::inventory::UnreachableSource;

use super::apt::Apt;
use super::apt_error::clean;
use super::apt_lock::lock_held;
use super::command::{Ending, Ran};
use crate::platform::PlatformError;

/// How long one refresh may take.
const UPDATE_LIMIT: Duration = Duration::from_mins(10);
/// How long another program's refresh is waited for.
const LOCK_WAIT: Duration = Duration::from_mins(2);
/// The pause between two tries at the lock.
const LOCK_PAUSE: Duration = Duration::from_secs(2);
/// The most sources that are named as unreachable.
const MAX_SOURCES: usize = 100;
/// The longest cause or address, in characters.
const MAX_TEXT: usize = 400;
/// Where the whole refresh is what failed.
const WHOLE: &str = "apt-get update";

/// Refreshes the lists. What cannot be fetched stays as it is and is named.
pub(super) fn refresh(
    apt: &Apt,
    progress: &dyn Fn(&str),
) -> Result<Vec<UnreachableSource>, PlatformError> {
    apt.prepare_lists()?;
    progress("refreshes the package lists");
    let start = Instant::now();
    loop {
        let mut command = apt.get()?;
        // A source that is down is named soon; APT's own limits add up to several minutes each.
        command.args([
            "-o",
            "Acquire::http::Timeout=20",
            "-o",
            "Acquire::https::Timeout=20",
        ]);
        command.args(["-o", "Acquire::Retries=1", "update"]);
        let ran = apt.run("refreshing the package lists", command, UPDATE_LIMIT)?;
        let Some(lock) = lock_held(&ran.output) else {
            return Ok(unreachable(&ran));
        };
        if start.elapsed() >= LOCK_WAIT {
            return Ok(vec![UnreachableSource {
                source: WHOLE.to_owned(),
                cause: format!(
                    "the package lists were not refreshed, another program had them locked for \
                     {} s: {lock}",
                    LOCK_WAIT.as_secs()
                ),
            }]);
        }
        progress("waits for another program that refreshes the package lists");
        thread::sleep(LOCK_PAUSE);
    }
}

fn unreachable(ran: &Ran) -> Vec<UnreachableSource> {
    let mut sources = parse(&ran.output);
    let cause = match ran.ending {
        _ if ran.success() => return sources,
        Ending::Exited(_) if !sources.is_empty() => return sources,
        Ending::Exited(status) => format!("it ended with {status}"),
        Ending::Stopped | Ending::LeftRunning => {
            format!(
                "it took longer than {} s and was stopped",
                UPDATE_LIMIT.as_secs()
            )
        }
    };
    sources.push(UnreachableSource {
        source: WHOLE.to_owned(),
        cause,
    });
    sources
}

/// Reads the sources that failed from APT's output.
///
/// Each failed file has `Err:<n> <address> <suite> <file>` with its cause on the line below. What
/// is wrong with a whole source comes at the end as `E:` or `W:` with the address in it.
fn parse(output: &str) -> Vec<UnreachableSource> {
    let text = without_credentials(&clean(output));
    let lines: Vec<&str> = text.lines().collect();
    let mut sources: Vec<UnreachableSource> = Vec::new();
    let mut add = |source: &str, cause: &str| {
        let cause = cause.trim();
        let is_known = sources
            .iter()
            .any(|it| it.source == source && it.cause == cause);
        if !is_known && sources.len() < MAX_SOURCES {
            sources.push(UnreachableSource {
                source: cap(source),
                cause: cap(cause),
            });
        }
    };
    let mut failed_addresses = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if let Some(rest) = line.strip_prefix("Err:") {
            let mut words = rest.split_whitespace().skip(1);
            let Some(address) = words.next() else {
                continue;
            };
            let suite = words.next().unwrap_or_default();
            let below = lines.get(index + 1).filter(|it| it.starts_with("  "));
            add(
                format!("{address} {suite}").trim(),
                below.unwrap_or(&"it could not be fetched"),
            );
            failed_addresses.push(address.trim_end_matches('/'));
        }
    }
    for line in lines {
        let is_error = line.starts_with("E: ");
        let Some(words) = line
            .strip_prefix("E: ")
            .or_else(|| line.strip_prefix("W: "))
        else {
            continue;
        };
        let is_of_a_source = is_error
            || [
                "Failed to fetch ",
                "GPG error: ",
                "An error occurred during the signature",
            ]
            .iter()
            .any(|start| words.starts_with(start));
        if !is_of_a_source || words.starts_with("Some index files failed") {
            continue;
        }
        match address_in(words) {
            Some(address) if failed_addresses.iter().any(|it| address.starts_with(it)) => {}
            Some(address) => add(address, words),
            // A source that is written wrong stops APT before it reads any.
            None if is_error => add(WHOLE, words),
            None => {}
        }
    }
    sources
}

/// The first word that is an address.
fn address_in(words: &str) -> Option<&str> {
    words
        .split(|c: char| c.is_whitespace() || c == '\'')
        .find(|word| {
            word.contains("://")
                || ["file:/", "cdrom:", "copy:/"]
                    .iter()
                    .any(|it| word.starts_with(it))
        })
        .map(|word| word.trim_end_matches([',', ':', '.']))
}

/// Text in which no address has a user name or password (RFC 3986, 3.2.1).
fn without_credentials(text: &str) -> String {
    let mut parts = text.split("://");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("://");
        let end = part.find(|c: char| c == '/' || c.is_whitespace() || c == '\'');
        let authority = &part[..end.unwrap_or(part.len())];
        let from = authority.rfind('@').map_or(0, |at| at + 1);
        out.push_str(&part[from..]);
    }
    out
}

fn cap(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(output: &str) -> Vec<(String, String)> {
        parse(output)
            .into_iter()
            .map(|it| (it.source, it.cause))
            .collect()
    }

    #[test]
    fn sources_that_fail_are_named_with_their_cause() {
        for (output, wanted) in [
            (
                "Hit:1 http://deb.example bookworm InRelease\nReading package lists...\n",
                vec![],
            ),
            (
                "Ign:1 http://deb.example/debian bookworm InRelease\n\
                 Err:1 http://deb.example/debian bookworm InRelease\n  \
                 Could not resolve 'deb.example'\nReading package lists...\n\
                 W: Failed to fetch http://deb.example/debian/dists/bookworm/InRelease  Could not \
                 resolve 'deb.example'\nW: Some index files failed to download. They have been \
                 ignored, or old ones used instead.\n",
                vec![(
                    "http://deb.example/debian bookworm",
                    "Could not resolve 'deb.example'",
                )],
            ),
            (
                "Err:3 https://bob:secret@apt.example/x ./ Release\n  401  Unauthorized\n\
                 E: The repository 'https://bob:secret@apt.example/x ./ Release' is not signed.\n",
                vec![("https://apt.example/x ./", "401  Unauthorized")],
            ),
            (
                "W: GPG error: http://a.example x InRelease: NO_PUBKEY 12\n\
                 E: The repository 'http://a.example x InRelease' is not signed.\n",
                vec![
                    (
                        "http://a.example",
                        "GPG error: http://a.example x InRelease: NO_PUBKEY 12",
                    ),
                    (
                        "http://a.example",
                        "The repository 'http://a.example x InRelease' is not signed.",
                    ),
                ],
            ),
            (
                "E: The repository 'file:/srv/gone ./ Release' does not have a Release file.\n",
                vec![(
                    "file:/srv/gone",
                    "The repository 'file:/srv/gone ./ Release' does not have a Release file.",
                )],
            ),
            (
                "E: Malformed entry 1 in list file /etc/apt/sources.list (Component)\n",
                vec![(
                    "apt-get update",
                    "Malformed entry 1 in list file /etc/apt/sources.list (Component)",
                )],
            ),
            (
                "W: Target Packages (main/binary-amd64/Packages) is configured multiple times in x\n\
                 W: http://a.example/InRelease: Key is stored in legacy trusted.gpg keyring\n",
                vec![],
            ),
            ("Err:\nErr:1\nE: \nW: \n", vec![("apt-get update", "")]),
        ] {
            let wanted: Vec<_> = wanted
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect();
            assert_eq!(sources(output), wanted, "{output}");
        }
    }

    #[test]
    fn no_credentials_are_left_in_any_address() {
        for (text, wanted) in [
            ("http://u:p@h/x y", "http://h/x y"),
            (
                "a http://u@h b https://u:p@@h:8/@x",
                "a http://h b https://h:8/@x",
            ),
            ("no address: me@example", "no address: me@example"),
            ("'http://u:p@h'", "'http://h'"),
            ("://", "://"),
        ] {
            assert_eq!(without_credentials(text), wanted);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_output_is_read_without_a_panic(text in "((Err:|E: |W: |  |://|@|\n|.){0,60})") {
            let _ = parse(&text);
        }
    }
}
