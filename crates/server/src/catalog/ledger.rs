//! When hosts outside were asked lately, in a file of the data folder: what a server sends, what commands
//! beside it send, and what was sent before a restart counts together.
//!
//! A line for each request: when it was sent, in milliseconds since 1970, and to whom. Whoever takes a turn
//! has the file locked meanwhile. A crash leaves the lock free and, at worst, a line too many or one that
//! is none.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fleetmend_model::Millis;

const MINUTE: Duration = Duration::from_mins(1);
/// How long to wait while somebody else has the file.
const LOCKED: Duration = Duration::from_millis(20);
/// The most bytes of the file that are read.
const LONGEST: u64 = 4 * 1024 * 1024;

/// The file.
pub struct Ledger(PathBuf);

impl Ledger {
    /// Of the server whose data folder this is.
    pub fn of(data: &Path) -> Self {
        Self(data.join("asked"))
    }

    /// Takes a turn of `most` a minute, or gives the time until there may be one.
    pub fn take(&self, host: &str, most: usize, now: Millis) -> io::Result<Option<Duration>> {
        let mut file = self.open()?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Some(LOCKED)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut bytes = Vec::new();
        (&file).take(LONGEST).read_to_end(&mut bytes)?;
        let mut sent = lately(&String::from_utf8_lossy(&bytes), now);
        let here: Vec<_> = sent
            .iter()
            .filter(|it| it.1 == host)
            .map(|it| it.0)
            .collect();
        if here.len() >= most {
            // The most may have become less than what was sent.
            let next = here[here.len() - most.max(1)];
            // Times that a clock which was set back has in the future do not go on being now.
            write(&mut file, &sent)?;
            return Ok(Some(MINUTE.saturating_sub(now.since(next))));
        }
        sent.push((now, host.to_owned()));
        write(&mut file, &sent)?;
        Ok(None)
    }

    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.0)
    }
}

/// The file is cut after it was written: what a crash leaves between the two is not too little.
fn write(file: &mut File, sent: &[(Millis, String)]) -> io::Result<()> {
    let lines = sent.iter().map(|(at, host)| format!("{} {host}\n", at.0));
    let text: String = lines.collect();
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

/// What was sent in the last minute, the earliest first. What a clock that was set back has in the future was
/// sent at the latest now.
fn lately(text: &str, now: Millis) -> Vec<(Millis, String)> {
    let line = |line: &str| {
        let (at, host) = line.split_once(' ')?;
        let at = Millis(at.parse().ok()?).min(now);
        (now.since(at) < MINUTE).then(|| (at, host.to_owned()))
    };
    let mut sent: Vec<_> = text.lines().filter_map(line).collect();
    sent.sort_by_key(|it| it.0);
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_700_000_000_000);

    #[test]
    fn what_all_processes_on_a_data_folder_send_counts_together() {
        let folder = tempfile::tempdir().unwrap();
        let [server, command] = [Ledger::of(folder.path()), Ledger::of(folder.path())];
        for number in 0..5 {
            let ledger = [&server, &command][number % 2];
            assert_eq!(ledger.take("a.example", 5, NOW).unwrap(), None);
        }
        let later = NOW + Duration::from_secs(20);
        for ledger in [&server, &command, &Ledger::of(folder.path())] {
            let wait = ledger.take("a.example", 5, later).unwrap();
            assert_eq!(wait, Some(Duration::from_secs(40)));
        }
        assert_eq!(server.take("b.example", 5, later).unwrap(), None);
        assert_eq!(server.take("a.example", 6, later).unwrap(), None);
        assert_eq!(command.take("a.example", 1, later).unwrap(), Some(MINUTE));
        assert_eq!(command.take("a.example", 5, NOW + MINUTE).unwrap(), None);
        let kept = std::fs::read_to_string(folder.path().join("asked")).unwrap();
        assert_eq!(kept.lines().count(), 3, "what is over is not kept: {kept}");
    }

    #[test]
    fn a_file_that_a_crash_tore_or_a_clock_that_was_set_back_gives_no_turn_too_many() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::of(folder.path());
        let future = NOW.0 + 3_600_000;
        let torn = format!(
            "{} a.example\n{future} a.example\n17000 b.exa\n\u{fffd}\0x y\n12",
            NOW.0
        );
        std::fs::write(folder.path().join("asked"), torn).unwrap();
        assert_eq!(ledger.take("a.example", 2, NOW).unwrap(), Some(MINUTE));
        assert_eq!(ledger.take("a.example", 3, NOW).unwrap(), None);
        assert_eq!(ledger.take("a.example", 3, NOW).unwrap(), Some(MINUTE));
        let later = NOW + MINUTE;
        assert_eq!(ledger.take("a.example", 2, later).unwrap(), None);
    }

    #[test]
    fn who_has_no_turn_by_a_clock_that_was_set_back_has_one_a_minute_later() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::of(folder.path());
        let ahead = NOW + Duration::from_hours(1);
        assert_eq!(ledger.take("a.example", 1, ahead).unwrap(), None);
        assert_eq!(ledger.take("a.example", 1, NOW).unwrap(), Some(MINUTE));
        let later = NOW + MINUTE;
        assert_eq!(ledger.take("a.example", 1, later).unwrap(), None);
    }

    #[test]
    fn who_finds_the_file_locked_comes_again_and_who_cannot_use_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::of(folder.path());
        let held = ledger.open().unwrap();
        held.lock().unwrap();
        assert_eq!(ledger.take("a.example", 5, NOW).unwrap(), Some(LOCKED));
        drop(held);
        assert_eq!(ledger.take("a.example", 5, NOW).unwrap(), None);
        Ledger::of(&folder.path().join("none"))
            .take("a.example", 5, NOW)
            .unwrap_err();
    }
}
