//! Takes files away that nothing names any more, in an order in which a crash loses nothing: a file is set
//! aside, looked at once more, and put back or removed. Until it is removed it is found, and whoever claims
//! it puts it back. What a process that died left set aside is put back, and looked at again another day.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use aho_corasick::AhoCorasick;

use crate::blobs::{Blobs, is_digest};
use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::args;

/// Where files are that are set aside.
const ASIDE: &str = "unneeded";
/// How many folders the files are in, by the first two characters of their names.
pub const FOLDERS: u16 = 256;

statements! {
    /// What is named by a release, the feed of one's own, a package, an import, or a person's acceptance.
    NAMED = "WITH asked AS (SELECT value->>0 AS sha256 FROM jsonb_each($1))
             SELECT sha256 FROM release_files WHERE sha256 IN (SELECT sha256 FROM asked)
             UNION SELECT sha256 FROM feed_packages WHERE sha256 IN (SELECT sha256 FROM asked)
             UNION SELECT content_sha256 FROM packages
                   WHERE content_sha256 IN (SELECT sha256 FROM asked)
             UNION SELECT substr(lower(content_hash), 8) FROM packages
                   WHERE lower(content_hash) IN (SELECT 'sha256:' || sha256 FROM asked)
             UNION SELECT sha256 FROM package_extensions
                   WHERE sha256 IN (SELECT sha256 FROM asked)
             UNION SELECT sha256 FROM imported_files WHERE sha256 IN (SELECT sha256 FROM asked)
             UNION SELECT sha256 FROM accepted_files WHERE sha256 IN (SELECT sha256 FROM asked)";
    FETCHED = "SELECT address, sha256 FROM fetched_files
               WHERE sha256 IN (SELECT value->>0 FROM jsonb_each($1))";
    ANALYSES = "SELECT id, analysis FROM packages
                WHERE id > $1 AND analysis IS NOT NULL ORDER BY id LIMIT $2";
    FORGET_FETCHED = "DELETE FROM fetched_files
                      WHERE sha256 IN (SELECT value->>0 FROM jsonb_each($1))";
    FORGET = "DELETE FROM files WHERE sha256 IN (SELECT value->>0 FROM jsonb_each($1))";
}

/// Analyses in one read.
const BATCH: u32 = 200;

/// Those of some files that a row names: they are needed.
pub async fn named(mut from: impl Read, files: &[String]) -> Result<HashSet<String>> {
    let list = Rows::of(files.iter().map(String::as_str));
    let rows = from.rows(&NAMED, args![list]).await?;
    rows.iter().map(|row| row.text("sha256")).collect()
}

/// Those of some files that the analysis of a package names, by the address from which they came or by
/// their digest.
pub async fn analysed(mut from: impl Read, files: &[String]) -> Result<HashSet<String>> {
    let mut texts = files.to_vec();
    let mut of = files.to_vec();
    let list = Rows::of(files.iter().map(String::as_str));
    for row in from.rows(&FETCHED, args![list]).await? {
        // An analysis has the address as its script does, perhaps with a name and a password in it.
        let address = serde_json::json!(row.text("address")?).to_string();
        let address = address.trim_matches('"');
        let behind = address.split_once("://").map_or(address, |it| it.1);
        texts.push(behind.to_owned());
        of.push(row.text("sha256")?);
    }
    let Ok(texts) = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(&texts)
    else {
        // More than can be looked for at once: nothing is known of them.
        return Ok(files.iter().cloned().collect());
    };
    let mut named = HashSet::new();
    let mut after = 0;
    while named.len() < files.len() {
        let rows = from.rows(&ANALYSES, args![after, BATCH]).await?;
        let Some(last) = rows.last() else { break };
        after = last.int("id")?;
        for row in &rows {
            let analysis = row.text("analysis")?;
            let found = texts.find_overlapping_iter(&analysis);
            named.extend(found.filter_map(|it| of.get(it.pattern().as_usize()).cloned()));
        }
    }
    Ok(named)
}

/// Forgets files that are set aside. An error, and nothing is forgotten, where one is named meanwhile.
pub async fn forget(tx: &mut Tx, files: &[String]) -> Result<()> {
    let list = || Rows::of(files.iter().map(String::as_str));
    tx.run(&FORGET_FETCHED, args![list()]).await?;
    tx.run(&FORGET, args![list()]).await.map(drop)
}

impl Blobs {
    /// The files in one of the [`FOLDERS`].
    pub fn all_in(&self, folder: u16) -> io::Result<Vec<String>> {
        self.files_in(folder, |_| true)
    }

    /// Those that nobody wrote or claimed since `time`.
    pub fn unused_since(&self, folder: u16, time: SystemTime) -> io::Result<Vec<String>> {
        self.files_in(folder, |used| used < time)
    }

    /// Those of which the time of their last use is one of these.
    fn files_in(&self, folder: u16, is: impl Fn(SystemTime) -> bool) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.folder(&format!("{folder:02x}"))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_digest(&name) && is(entry.metadata()?.modified()?) {
                found.push(name);
            }
        }
        Ok(found)
    }

    /// Sets a file aside that nobody wrote or claimed since `time`; says whether it is one.
    pub fn set_aside(&self, sha256: &str, time: SystemTime) -> io::Result<bool> {
        let path = self.path(sha256)?;
        fs::create_dir_all(self.folder(ASIDE))?;
        if fs::metadata(&path)?.modified()? >= time {
            return Ok(false);
        }
        fs::rename(path, self.path_aside(sha256)?)?;
        // It may have been claimed in between: whoever did so found it in its place.
        Ok(fs::metadata(self.path_aside(sha256)?)?.modified()? < time)
    }

    /// Removes a file that is set aside; says whether it was there, and nobody had put it back.
    pub fn remove_aside(&self, sha256: &str) -> io::Result<bool> {
        is_there(fs::remove_file(self.path_aside(sha256)?))
    }

    /// Puts all that is set aside back.
    pub fn put_back(&self) -> io::Result<()> {
        let entries = match fs::read_dir(self.folder(ASIDE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if is_digest(&name) {
                self.put_back_one(&name)?;
            }
        }
        Ok(())
    }

    /// Puts a file back that is set aside; one that came meanwhile has the same bytes, and stays.
    pub(crate) fn put_back_one(&self, sha256: &str) -> io::Result<bool> {
        let (aside, path) = (self.path_aside(sha256)?, self.path(sha256)?);
        is_there(if path.exists() {
            fs::remove_file(aside)
        } else {
            fs::rename(aside, path)
        })
    }

    /// Where a file is while it is set aside.
    pub(crate) fn path_aside(&self, sha256: &str) -> io::Result<PathBuf> {
        self.path(sha256)?;
        Ok(self.folder(ASIDE).join(sha256))
    }

    /// How many files are kept, and their bytes.
    pub fn usage(&self) -> io::Result<(u64, u64)> {
        let (mut files, mut bytes) = (0, 0);
        for folder in fs::read_dir(self.folder(""))? {
            let folder = folder?;
            if !folder.file_type()?.is_dir() {
                continue;
            }
            for entry in fs::read_dir(folder.path())? {
                match entry?.metadata() {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    found => {
                        files += 1;
                        bytes += found?.len();
                    }
                }
            }
        }
        Ok((files, bytes))
    }
}

/// Whether what was to be moved or removed was there: nobody else did it before.
fn is_there(done: io::Result<()>) -> io::Result<bool> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        done => done.map(|()| true),
    }
}
