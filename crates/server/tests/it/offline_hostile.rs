//! Files that are no export, or not as it was made: nothing of them is taken.

use std::io::Read;

use fleetmend_archive::Writer;
use fleetmend_model::Millis;
use fleetmend_server::catalog::offline::manifest::{
    FORMAT, Files, Lines, MAX_MANIFEST, Manifest, SourceEntry,
};
use fleetmend_server::catalog::offline::row::{AddressRow, PackageRow};
use fleetmend_server::catalog::offline::stage::{ImportError, Staged, stage};
use fleetmend_store::blobs::Blobs;
use fleetmend_trust::digest_hex;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

const CAP: u64 = 16 << 20;
const NUPKG: &[u8] = b"a package";
const INSTALLER: &[u8] = b"an installer";

/// An export in parts that a test can change.
#[derive(Clone)]
struct Made {
    manifest: Json,
    /// Name, content.
    entries: Vec<(String, Vec<u8>)>,
}

fn row(id: &str) -> PackageRow {
    PackageRow {
        id: id.to_owned(),
        version: "1.0".to_owned(),
        normalized: "1.0.0".to_owned(),
        prerelease: false,
        title: id.to_owned(),
        authors: String::new(),
        project_url: String::new(),
        metadata: "{}".to_owned(),
        location: format!("https://feed.example/package/{id}/1.0"),
        hash: None,
        sha256: Some(digest_hex(NUPKG)),
        listed: true,
        quarantine: None,
    }
}

fn lines<T: serde::Serialize>(rows: &[T]) -> Vec<u8> {
    let mut text = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut text, row).unwrap();
        text.push(b'\n');
    }
    text
}

fn described(text: &[u8], count: u64) -> Lines {
    Lines {
        sha256: digest_hex(text),
        length: text.len() as u64,
        count,
    }
}

impl Made {
    fn new() -> Self {
        Self::of(
            [lines(&[row("Alpha"), row("beta")]), lines(&[row("gamma")])],
            [2, 1],
        )
    }

    /// Two sources with these lines.
    fn of(rows: [Vec<u8>; 2], counts: [u64; 2]) -> Self {
        let address = AddressRow {
            address: "https://vendor.example/setup.exe".to_owned(),
            named: String::new(),
            sha256: digest_hex(INSTALLER),
        };
        let addresses = [lines(&[address]), Vec::new()];
        let source = |number: usize| SourceEntry {
            place: format!("https://feed{number}.example/"),
            name: "A feed".to_owned(),
            priority: 1,
            dialect: None,
            read_at: Some(Millis(1)),
            rows: described(&rows[number], counts[number]),
            addresses: described(&addresses[number], 1 - number as u64),
        };
        let manifest = Manifest {
            format: FORMAT,
            made_by: "a test".to_owned(),
            made_at: Millis(2),
            origin: "ab".repeat(16),
            sources: vec![source(0), source(1)],
            files: Files {
                count: 2,
                bytes: (NUPKG.len() + INSTALLER.len()) as u64,
            },
        };
        let name = |kind: &str, text: &[u8]| format!("{kind}-{}.jsonl", digest_hex(text));
        let mut files =
            [NUPKG, INSTALLER].map(|it| (format!("files/{}", digest_hex(it)), it.to_vec()));
        files.sort();
        let mut entries = vec![
            (name("rows-0000", &rows[0]), rows[0].clone()),
            (name("addresses-0000", &addresses[0]), addresses[0].clone()),
            (name("rows-0001", &rows[1]), rows[1].clone()),
            (name("addresses-0001", &addresses[1]), Vec::new()),
        ];
        entries.extend(files);
        Self {
            manifest: serde_json::to_value(manifest).unwrap(),
            entries,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        self.with_manifest(&serde_json::to_vec(&self.manifest).unwrap())
    }

    fn with_manifest(&self, manifest: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        let first = (
            format!("manifest-{}.json", digest_hex(manifest)),
            manifest.to_vec(),
        );
        for (name, content) in std::iter::once(&first).chain(&self.entries) {
            let sha256 = digest_hex(content);
            writer
                .add(name, content.len() as u64, &sha256, content.as_slice())
                .unwrap();
        }
        writer.finish().unwrap();
        bytes
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut other = self.clone();
        change(&mut other);
        other.bytes()
    }
}

/// A place for files, and whether nothing is in it.
struct Place {
    folder: TempDir,
    blobs: Blobs,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        Self { folder, blobs }
    }

    fn stage(&self, input: impl Read) -> Result<Staged, ImportError> {
        stage(&self.blobs, input, CAP, None)
    }

    fn refuses(&self, what: &str, bytes: &[u8], words: &str) {
        let error = self
            .stage(bytes)
            .err()
            .unwrap_or_else(|| panic!("{what} is taken"));
        let said = error.to_string();
        assert!(said.contains(words), "{what}: {said}");
        self.is_empty(what);
    }

    fn is_empty(&self, what: &str) {
        let all = std::fs::read_dir(self.folder.path()).unwrap();
        let folders = all.map(|it| it.unwrap().path()).filter(|it| it.is_dir());
        let files = folders.flat_map(|it| std::fs::read_dir(it).unwrap());
        assert_eq!(files.count(), 0, "{what} left something");
    }
}

/// What is given, its bytes, and words of what is said.
type Case<'a> = (&'a str, Vec<u8>, &'a str);

fn refused(cases: &[Case<'_>]) {
    let place = Place::new();
    for (what, bytes, words) in cases {
        place.refuses(what, bytes, words);
    }
}

/// An export with another word in the manifest of its second source.
fn place_of_second(place: &str) -> Vec<u8> {
    let change = |it: &mut Made| it.manifest["sources"][1]["place"] = json!(place);
    Made::new().changed(change)
}

#[test]
fn an_export_is_refused_whose_manifest_is_wrong() {
    let (place, good) = (Place::new(), Made::new());
    drop(place.stage(good.bytes().as_slice()).unwrap());
    place.is_empty("an export that is not taken in");
    let with = |field: &str, value: Json| good.changed(|it| it.manifest[field] = value);
    let large = vec![b' '; MAX_MANIFEST as usize + 1];
    let most =
        |what: &str| good.changed(|it| it.manifest["sources"][0][what]["count"] = json!(u64::MAX));
    refused(&[
        ("nothing", Vec::new(), "ends too early"),
        (
            "a text",
            vec![b'x'; 2000],
            "is not as this program writes it",
        ),
        ("zeros", vec![0; 1024], "does not begin with a manifest"),
        (
            "another format",
            with("format", json!(1)),
            "it has the format 1",
        ),
        (
            "a field that nobody knows",
            with("releases", json!([])),
            "unknown field `releases`",
        ),
        (
            "a large manifest",
            good.with_manifest(&large),
            "does not begin with a manifest",
        ),
        (
            "a password",
            place_of_second("https://z:b@feed2.example/"),
            "is no place of a source",
        ),
        (
            "a path",
            place_of_second("/srv/packages"),
            "not in their order",
        ),
        (
            "a strange word",
            place_of_second("zzz:/etc"),
            "is no place of a source",
        ),
        (
            "control characters",
            place_of_second("https:/x\u{7}"),
            "has control characters",
        ),
        (
            "a source twice",
            place_of_second("https://feed0.example/"),
            "not in their order",
        ),
        (
            "too many",
            most("rows"),
            "more than 1000000 package versions",
        ),
        (
            "too many addresses",
            most("addresses"),
            "more than 1000000 addresses of installers",
        ),
        (
            "too many files",
            with("files", json!({ "count": 250_001, "bytes": 0 })),
            "more than 250000 files",
        ),
    ]);
}

#[test]
fn an_export_is_refused_whose_rows_are_wrong() {
    let of = |rows: Vec<u8>, count| Made::of([lines(&[row("Alpha")]), rows], [1, count]).bytes();
    let with = |change: fn(&mut PackageRow)| {
        let mut other = row("gamma");
        change(&mut other);
        of(lines(&[other]), 1)
    };
    let long = format!("{{\"id\":\"{}\"}}\n", "x".repeat(2 << 20)).into_bytes();
    let field = lines(&[json!({ "id": "gamma", "approved": true })]);
    let swapped = Made::new().changed(|it| it.entries.swap(0, 2));
    refused(&[
        ("rows of another source", swapped, "must stand"),
        (
            "a row twice",
            of(lines(&[row("a"), row("A")]), 2),
            "there twice",
        ),
        (
            "rows in no order",
            of(lines(&[row("b"), row("a")]), 2),
            "not in its order",
        ),
        ("fewer rows", of(lines(&[row("a")]), 2), "1 lines where 2"),
        ("a row without an end", of(b"{}".to_vec(), 1), "has no end"),
        ("a long row", of(long, 1), "too long"),
        (
            "a field of its own",
            of(field, 1),
            "unknown field `approved`",
        ),
        (
            "a strange id",
            with(|it| it.id = "a\u{0}b".to_owned()),
            "no id",
        ),
        (
            "no version",
            with(|it| it.version = "new".to_owned()),
            "not the version",
        ),
        (
            "a version that is taken for another",
            with(|it| it.normalized = "9.0.0".to_owned()),
            "'9.0.0' is not the version '1.0'",
        ),
        (
            "no metadata",
            with(|it| it.metadata = "<x>".to_owned()),
            "'metadata'",
        ),
        (
            "a path for a digest",
            with(|it| it.sha256 = Some("../x".to_owned())),
            "'sha256'",
        ),
        (
            "no digest",
            with(|it| it.hash = Some("sha512:zz".to_owned())),
            "'hash'",
        ),
        (
            "a long kind of digest",
            with(|it| it.hash = Some(format!("{}:00", "x".repeat(17)))),
            "'hash'",
        ),
        (
            "no location",
            with(|it| it.location = String::new()),
            "'location'",
        ),
    ]);
}

#[test]
fn an_export_is_refused_whose_files_are_wrong() {
    let good = Made::new();
    let other = b"something else".to_vec();
    let name = format!("files/{}", digest_hex(b"?"));
    let with_name = |name: &str| good.changed(|it| it.entries[4].0 = name.to_owned());
    let twice = |it: &mut Made| it.entries.insert(5, it.entries[4].clone());
    refused(&[
        (
            "another's digest",
            good.changed(|it| it.entries[4].1 = other),
            "has another digest",
        ),
        ("a file twice", good.changed(twice), "there twice"),
        (
            "files in no order",
            good.changed(|it| it.entries.swap(4, 5)),
            "not in its order",
        ),
        (
            "a file less",
            good.changed(|it| drop(it.entries.pop())),
            "it lacks files",
        ),
        (
            "a file that nothing names",
            good.changed(|it| {
                it.entries.push((name, b"?".to_vec()));
                it.entries[4..].sort();
            }),
            "nothing in it names",
        ),
        (
            "a way out",
            with_name("files/../../etc/passwd"),
            "an entry files/../../etc/passwd",
        ),
        (
            "a full path",
            with_name("/etc/passwd"),
            "an entry /etc/passwd",
        ),
        // Two archives, one behind the other.
        (
            "more",
            [good.bytes(), good.bytes()].concat(),
            "something follows its end",
        ),
    ]);
}

#[test]
fn an_export_that_is_cut_off_anywhere_leaves_nothing() {
    let (place, bytes) = (Place::new(), Made::new().bytes());
    for length in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        place.refuses(
            &format!("{length} bytes"),
            &bytes[..length],
            "ends too early",
        );
    }
}

#[test]
fn an_export_with_one_other_byte_leaves_nothing() {
    let (place, bytes) = (Place::new(), Made::new().bytes());
    for at in (0..bytes.len()).step_by(7) {
        let mut other = bytes.clone();
        other[at] ^= 1 << (at % 8);
        place.refuses(&format!("byte {at}"), &other, "the file ");
    }
}

#[test]
fn an_export_above_its_cap_is_not_read_on() {
    /// A header that promises 8 GiB, and zeros for ever.
    struct Endless(Vec<u8>, u64);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = buffer.len().min(self.0.len());
            if count > 0 {
                buffer[..count].copy_from_slice(&self.0[..count]);
                self.0.drain(..count);
                return Ok(count);
            }
            buffer.fill(0);
            self.1 += buffer.len() as u64;
            assert!(self.1 < 2 * CAP, "it is read on");
            Ok(buffer.len())
        }
    }
    let (place, mut made) = (Place::new(), Made::new());
    let length: u64 = 0o777_7777_7777;
    made.manifest["sources"][0]["rows"]["length"] = json!(length);
    let manifest = serde_json::to_vec(&made.manifest).unwrap();
    let front = 512 + manifest.len().next_multiple_of(512);
    let mut header = Vec::new();
    let name = &made.entries[0].0;
    let added = Writer::new(&mut header).add(name, length, "", std::io::empty());
    assert!(added.is_err(), "only its header is written");
    let bytes = [&made.bytes()[..front], &header].concat();
    let error = place.stage(Endless(bytes, 0)).err().unwrap();
    assert!(
        matches!(error, ImportError::TooLarge { cap: CAP }),
        "{error}"
    );
    place.is_empty("it");
}

/// A large file takes no memory.
#[cfg(target_os = "linux")]
#[test]
fn a_large_file_takes_no_memory() {
    const LENGTH: u64 = 256 << 20;
    let mut good = Made::new();
    let digest = {
        let mut context = ring_sha256();
        let part = vec![7; 1 << 20];
        for _ in 0..LENGTH >> 20 {
            context.update(&part);
        }
        fleetmend_trust::hex(context.finish().as_ref())
    };
    let mut large = row("gamma");
    large.sha256 = Some(digest.clone());
    good = {
        let mut other = Made::of([lines(&[row("Alpha")]), lines(&[large])], [1, 1]);
        other.manifest["files"] = json!({ "count": 1, "bytes": LENGTH });
        other.entries.truncate(4);
        drop(good);
        other
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it");
    {
        let file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
        let mut writer = Writer::new(file);
        let manifest = serde_json::to_vec(&good.manifest).unwrap();
        let first = (format!("manifest-{}.json", digest_hex(&manifest)), manifest);
        for (name, content) in std::iter::once(&first).chain(&good.entries) {
            let sha256 = digest_hex(content);
            writer
                .add(name, content.len() as u64, &sha256, content.as_slice())
                .unwrap();
        }
        let sevens = std::io::repeat(7).take(LENGTH);
        writer
            .add(&format!("files/{digest}"), LENGTH, &digest, sevens)
            .unwrap();
        writer.finish().unwrap();
    }
    let place = Place::new();
    let input = std::fs::File::open(&path).unwrap();
    let staged = stage(&place.blobs, input, 2 * LENGTH, None).unwrap();
    assert_eq!(staged.new_files(), 1);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 64 * 1024, "{peak} kB");
}

fn ring_sha256() -> ring::digest::Context {
    ring::digest::Context::new(&ring::digest::SHA256)
}
