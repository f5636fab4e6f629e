//! What is made of an answer from outside that is not the file that its package names: it is used in no
//! case, and asked for once more before anything is said of the version.
//!
//! - A text where a program or an archive should be is a page: of a portal that wants a sign-in, a
//!   proxy, or a site that says 200 and means 'not found'. It says nothing about the version, and is
//!   tried again as a site that fails.
//! - Any other file puts the version in quarantine when a later try brings a wrong one again, the same
//!   or another: two answers, some time apart, are no accident of a line.

use std::sync::Arc;
use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_model::recipe::Checksum;
use fleetmend_store::packages::Package;
use fleetmend_store::quarantine::{self as quarantined, WrongFile};
use fleetmend_store::wrong_answers::{self, WrongAnswer};

use super::quarantine;
use crate::app::App;

/// How far two tries are apart at least, unless tries follow each other faster.
const APART: Duration = Duration::from_secs(30);
/// How long an answer counts.
const COUNTS: Duration = Duration::from_hours(7 * 24);
/// How much of a file tells whether it is a text, in bytes.
pub const BEGINNING: usize = 1024;

/// What became of a version.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is asked for once more.
    AskAgain,
    /// It is in quarantine.
    Quarantined,
}

/// What is to be done about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judgement {
    /// Nothing: it says nothing about the version, or came with the one before it.
    Nothing,
    /// It is noted.
    Note,
    /// It is the second one.
    Quarantine,
}

fn judge(
    known: Option<&WrongAnswer>,
    file: &WrongFile,
    is_text: bool,
    apart: Duration,
    now: Millis,
) -> Judgement {
    if is_text {
        return Judgement::Nothing;
    }
    let wanted = wrong_answers::wanted(file);
    let known = known.filter(|it| it.wanted == wanted && now.since(it.at) < COUNTS);
    match known {
        None => Judgement::Note,
        Some(it) if now.since(it.at) < apart => Judgement::Nothing,
        Some(_) => Judgement::Quarantine,
    }
}

/// Takes note of a wrong answer. `named` is the digest that the package itself names for the file.
pub async fn take(
    app: &Arc<App>,
    package: &Package,
    file: &WrongFile,
    is_text: bool,
    named: &Checksum,
    cause: &str,
) -> anyhow::Result<Outcome> {
    let apart = APART.min(Duration::from_secs(app.policy.download_retry_seconds));
    let now = app.now();
    let mut tx = app.db.begin().await?;
    // In this order: who puts it in quarantine at the same time forgets what is known of it with that.
    let known = wrong_answers::get(&mut tx, package.row, &file.file).await?;
    if quarantined::get(&mut tx, package.row).await?.is_some() {
        return Ok(Outcome::Quarantined);
    }
    match judge(known.as_ref(), file, is_text, apart, now) {
        Judgement::Nothing => Ok(Outcome::AskAgain),
        Judgement::Note => {
            wrong_answers::put(&mut tx, package.row, file, now).await?;
            tx.commit().await?;
            Ok(Outcome::AskAgain)
        }
        Judgement::Quarantine => {
            drop(tx);
            quarantine::put(app, package, file, named, cause).await?;
            Ok(Outcome::Quarantined)
        }
    }
}

/// Whether a file is a text, by its beginning. Programs, installers and archives never are.
pub fn is_text(beginning: &[u8]) -> bool {
    let utf16 = [[0xff, 0xfe], [0xfe, 0xff]];
    let is_control = |byte: &u8| *byte < 0x20 && !b"\t\n\r\x0c\x1b".contains(byte);
    !beginning.starts_with(b"MZ")
        && (utf16.iter().any(|mark| beginning.starts_with(mark))
            || !beginning.iter().any(is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_800_000_000_000);
    const DAY: Duration = Duration::from_hours(24);

    fn file(wanted: &str) -> WrongFile {
        WrongFile {
            file: "https://vendor.example/setup.exe".to_owned(),
            algorithm: "sha256".to_owned(),
            wanted: wanted.to_owned(),
            found: "bb".to_owned(),
            sha256: "bb".to_owned(),
            length: 3,
        }
    }

    #[test]
    fn a_version_is_in_quarantine_after_two_wrong_files_in_different_tries_and_for_no_page() {
        let known = |wanted: &str, ago: Duration| {
            Some(WrongAnswer {
                wanted: format!("sha256:{wanted}"),
                sha256: "cc".to_owned(),
                at: Millis(NOW.0 - ago.as_millis() as i64),
            })
        };
        let minute = Duration::from_mins(1);
        for (known, is_text, expected) in [
            (None, false, Judgement::Note),
            (known("aa", minute), false, Judgement::Quarantine),
            (known("aa", DAY), false, Judgement::Quarantine),
            (
                known("aa", Duration::from_secs(1)),
                false,
                Judgement::Nothing,
            ),
            // Something else was wanted, or it is long ago.
            (known("ab", minute), false, Judgement::Note),
            (known("aa", DAY * 8), false, Judgement::Note),
            (None, true, Judgement::Nothing),
            (known("aa", minute), true, Judgement::Nothing),
        ] {
            let found = judge(known.as_ref(), &file("aa"), is_text, APART, NOW);
            assert_eq!(found, expected, "{known:?} {is_text}");
        }
    }

    #[test]
    fn a_page_is_told_from_a_program_an_installer_and_an_archive() {
        for text in [
            &b""[..],
            b"<!doctype html><p>Sign in",
            b"{\"error\": \"please wait\"}\r\n",
            "\u{feff}<html>größer".as_bytes(),
            b"<html>gr\xf6\xdfer",
            b"\xff\xfe<\0h\0t\0m\0l\0",
        ] {
            assert!(is_text(text), "{text:?}");
        }
        for file in [
            &b"MZ"[..],
            b"MZ\x90\0\x03",
            b"PK\x03\x04",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            b"7z\xbc\xaf\x27\x1c\0",
            b"\x1f\x8b\x08",
        ] {
            assert!(!is_text(file), "{file:?}");
        }
    }
}
