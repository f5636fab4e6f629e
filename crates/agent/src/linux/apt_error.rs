//! What APT's and dpkg's output says went wrong, in words.

use fleetmend_model::release::AptUpgrade;

use super::command::{Ending, Ran};
use crate::platform::MAX_OUTPUT;

/// The longest cause, in bytes.
const MAX_CAUSE: usize = 700;
/// APT's summary of any failure of dpkg; dpkg's own lines say more.
const DPKG_FAILED: &str = "Sub-process /usr/bin/dpkg returned an error code";
/// How APT begins its list of packages that do not fit together.
const UNMET: &str = "The following packages have unmet dependencies:";

/// Why a run failed: the telling lines of its output, or how it ended.
pub(super) fn cause(ran: &Ran) -> String {
    let told = telling_lines(&clean(&ran.output));
    if !told.is_empty() {
        return told;
    }
    match ran.ending {
        Ending::Exited(status) => format!("it ended with {status} and said nothing of an error"),
        Ending::Stopped => "it took too long and was stopped".to_owned(),
        Ending::LeftRunning => "it took too long and still runs".to_owned(),
    }
}

/// The lines in which APT and dpkg say what went wrong, on one line, at most [`MAX_CAUSE`] bytes.
pub(super) fn telling_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let mut told: Vec<String> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        // The line below may go on with the sentence.
        let next = lines
            .get(index + 1)
            .filter(|next| next.starts_with(' '))
            .map(|it| it.trim());
        if *line == UNMET {
            let unmet = lines[index + 1..]
                .iter()
                .take_while(|it| it.starts_with(' '));
            told.extend(unmet.map(|it| it.split_whitespace().collect::<Vec<_>>().join(" ")));
        } else if let Some(error) = line.strip_prefix("E: ") {
            told.push(error.trim().to_owned());
        } else if line.starts_with("dpkg: error") || line.starts_with("dpkg: unrecoverable") {
            told.push(match next {
                Some(next) => format!("{} {next}", line.trim()),
                None => line.trim().to_owned(),
            });
        } else if line.starts_with("dpkg: dependency problems prevent") {
            told.push(line.trim().to_owned());
        }
    }
    if told.iter().any(|it| !it.starts_with(DPKG_FAILED)) {
        told.retain(|it| !it.starts_with(DPKG_FAILED));
    }
    let mut seen = Vec::new();
    told.retain(|it| {
        let is_new = !seen.contains(it);
        seen.push(it.clone());
        is_new
    });
    shorten(&told.join("; "), MAX_CAUSE)
}

/// Failures that a person understands better in other words than APT's.
pub(super) fn known_cause(output: &str, upgrade: &AptUpgrade) -> Option<String> {
    let AptUpgrade {
        package, version, ..
    } = upgrade;
    let errors = || output.lines().filter_map(|line| line.strip_prefix("E: "));
    let any = |test: &dyn Fn(&str) -> bool| errors().any(test);
    if any(&|it| it.starts_with("Version '") && it.ends_with("was not found")) {
        return Some(format!(
            "version {version} of {package} is no longer in the archives that this machine knows: \
             scan it again to see what they offer"
        ));
    }
    if any(&|it| {
        it.starts_with("Unable to locate package") || it.contains("has no installation candidate")
    }) {
        return Some(format!(
            "the package {package} is in none of the archives that this machine knows"
        ));
    }
    if any(&|it| it.starts_with("Held packages were changed"))
        || output.contains("The following held packages will be changed:")
    {
        let held = listed(output, "The following held packages will be changed:");
        let names = if held.is_empty() {
            package.clone()
        } else {
            held.join(" ")
        };
        return Some(format!(
            "{names} is held on this machine: release it with 'apt-mark unhold {names}' to \
             upgrade it"
        ));
    }
    if any(&|it| it.starts_with("Packages were downgraded")) {
        return Some(format!(
            "this machine has a newer version of {package} than {version}"
        ));
    }
    None
}

/// What an archive answers that it will answer again: it is asked only a few times more.
const ANSWERS: [&str; 9] = [
    "400  ",
    "401  ",
    "403  ",
    "404  ",
    "410  ",
    "Hash Sum mismatch",
    "File has unexpected size",
    "Size mismatch",
    "File not found",
];

/// Whether a download failed by what may be otherwise later: an archive that cannot be reached, a
/// disk without room, too little time.
pub(super) fn may_pass(ran: &Ran) -> bool {
    if !matches!(ran.ending, Ending::Exited(_)) {
        return true;
    }
    let mut is_unreachable = false;
    for error in ran.output.lines().filter_map(|it| it.strip_prefix("E: ")) {
        if error.starts_with("You don't have enough free space in")
            || error.contains("No space left on device")
        {
            return true;
        }
        if error.starts_with("Failed to fetch") {
            if ANSWERS.iter().any(|answer| error.contains(answer)) {
                return false;
            }
            is_unreachable = true;
        }
    }
    is_unreachable
}

/// The names in one of APT's indented lists, without the versions behind them.
fn listed<'a>(output: &'a str, title: &str) -> Vec<&'a str> {
    output
        .lines()
        .skip_while(|line| line.trim() != title)
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

/// The end of some output, without repeated lines, at most [`MAX_OUTPUT`] bytes of clean text.
pub(super) fn output_tail(output: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let text = clean(output);
    for line in text.split_inclusive('\n') {
        // APT says every second that it waits for a lock.
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    let text = lines.concat();
    let from = text.len().saturating_sub(MAX_OUTPUT);
    let from = (from..=text.len())
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(text.len());
    text[from..].to_owned()
}

/// Text without terminal escape sequences and control characters but line ends and tabs.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                // ECMA-48: a control sequence is ESC [ and ends with a character of @ to ~.
                if chars.next_if_eq(&'[').is_some() {
                    for end in chars.by_ref() {
                        if ('@'..='~').contains(&end) {
                            break;
                        }
                    }
                }
            }
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn shorten(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most - 3)
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0);
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_telling_lines_are_the_cause() {
        for (output, cause) in [
            (
                "Reading package lists...\nE: Unable to locate package x\n",
                "Unable to locate package x",
            ),
            (
                "dpkg: error processing package fails (--configure):\n installed fails package \
                 post-installation script subprocess returned error exit status 3\nErrors were \
                 encountered while processing:\n fails\nE: Sub-process /usr/bin/dpkg returned an \
                 error code (1)\n",
                "dpkg: error processing package fails (--configure): installed fails package \
                 post-installation script subprocess returned error exit status 3",
            ),
            (
                "E: Sub-process /usr/bin/dpkg returned an error code (1)\n",
                "Sub-process /usr/bin/dpkg returned an error code (1)",
            ),
            (
                "The following packages have unmet dependencies:\n a : Depends: b (>= 2) but it \
                 is not going to be installed\n     Depends: c\nE: Unable to correct problems\n",
                "a : Depends: b (>= 2) but it is not going to be installed; Depends: c; \
                 Unable to correct problems",
            ),
            ("E: one\nE: one\n", "one"),
            ("W: only a warning\n", ""),
            ("", ""),
        ] {
            assert_eq!(telling_lines(output), cause);
        }
        let many = format!("E: {}\n", "é".repeat(MAX_CAUSE));
        assert!(telling_lines(&many).len() <= MAX_CAUSE);
    }

    #[test]
    fn output_is_clean_text_and_its_end_is_kept() {
        assert_eq!(
            clean("a\u{1b}[1;31mred\u{1b}[0m\u{7}\u{0}\rb\r\nc\td\u{85}"),
            "ared\nb\nc\td"
        );
        assert_eq!(
            output_tail("waits\nwaits\n\r\nwaits\ndone\ndone"),
            "waits\n\nwaits\ndone\ndone"
        );
        let long = "é".repeat(MAX_OUTPUT) + "end";
        let tail = output_tail(&long);
        assert!(tail.len() <= MAX_OUTPUT && tail.ends_with("éend"));
    }

    fn upgrade(package: &str, architecture: &str, version: &str) -> AptUpgrade {
        AptUpgrade {
            package: package.to_owned(),
            architecture: architecture.to_owned(),
            version: version.to_owned(),
        }
    }

    #[test]
    fn well_known_failures_are_told_in_plain_words() {
        let upgrade = upgrade("tool", "all", "2.0-1");
        for (output, wanted) in [
            (
                "E: Version '2.0-1' for 'tool' was not found\n",
                "no longer in the archives",
            ),
            (
                "E: Unable to locate package tool:all\n",
                "in none of the archives",
            ),
            (
                "E: Package 'tool' has no installation candidate\n",
                "in none of the archives",
            ),
            (
                "The following held packages will be changed:\n   tool (1 => 2)\nE: Held packages \
                 were changed and -y was used without --allow-change-held-packages.\n",
                "tool is held on this machine: release it with 'apt-mark unhold tool'",
            ),
            (
                "E: Packages were downgraded and -y was used without --allow-downgrades.",
                "newer",
            ),
        ] {
            let cause = known_cause(output, &upgrade).unwrap();
            assert!(cause.contains(wanted), "{cause}");
        }
        assert_eq!(known_cause("E: something else\n", &upgrade), None);
    }

    #[test]
    fn what_may_be_otherwise_later_is_told_from_what_an_archive_answers() {
        use std::os::unix::process::ExitStatusExt as _;
        let exited = Ending::Exited(std::process::ExitStatus::from_raw(100 << 8));
        let fetch = "E: Failed to fetch http://deb.example/pool/t/tool_2.0_all.deb  ";
        let may_pass = |output: &str, ending| {
            let output = output.to_owned();
            may_pass(&Ran { ending, output })
        };
        for (why, passes) in [
            (
                "Could not connect to deb.example:80 (192.0.2.1), connection timed out",
                true,
            ),
            ("Temporary failure resolving 'deb.example'", true),
            ("Connection failed [IP: 192.0.2.1 80]", true),
            ("503  Service Unavailable [IP: 192.0.2.1 80]", true),
            ("404  Not Found [IP: 192.0.2.1 80]", false),
            ("403  Forbidden [IP: 192.0.2.1 80]", false),
            ("Hash Sum mismatch", false),
            (
                "File has unexpected size (3 != 4). Mirror sync in progress?",
                false,
            ),
        ] {
            let output = format!(
                "{fetch}{why}\nE: Unable to fetch some archives, maybe run \
                                  apt-get update or try with --fix-missing?\n"
            );
            assert_eq!(may_pass(&output, exited), passes, "{why}");
        }
        let full = "E: You don't have enough free space in /var/cache/apt/archives/.\n";
        assert!(may_pass(full, exited));
        assert!(may_pass(
            "E: Write error - write (28: No space left on device)\n",
            exited
        ));
        assert!(may_pass("", Ending::Stopped));
        assert!(!may_pass(
            "E: Unable to correct problems, you have held broken packages.\n",
            exited
        ));
    }

    proptest::proptest! {
        #[test]
        fn any_output_gives_bounded_text(text in "(?s).{0,300}") {
            assert!(telling_lines(&text).len() <= MAX_CAUSE);
            assert!(output_tail(&text).chars().all(|c| !c.is_control() || "\n\t".contains(c)));
        }
    }
}
