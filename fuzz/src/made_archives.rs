//! Archives of a catalog, made to hurt.

use fleetmend_archive::Writer;
use fleetmend_trust::digest_hex;

use crate::made::Made;

/// How large they are at most, in bytes.
const SIZE: usize = 16 << 20;

/// All of them.
pub fn all() -> Vec<Made> {
    let empty = |name: &str| archive(&[(name, &[])]);
    let header = &empty("a")[..512];
    let long = "a".repeat(99);
    let mut promised = archive(&[("a", &vec![7; 512])]);
    // Eleven octal digits: 8 GiB, with the sum that fits.
    promised[124..135].copy_from_slice(b"77777777777");
    set_sum(&mut promised);
    promised.resize(SIZE, 7);
    let mut unsummed = promised.clone();
    unsummed[148] = b'7';
    vec![
        made("many empty files", header.repeat(SIZE / 512)),
        made("many long names", empty(&long)[..512].repeat(SIZE / 512)),
        made("a file that is cut off", promised),
        made("a header that does not fit", unsummed),
        made("one large file", archive(&[("a", &vec![7; SIZE - 4096])])),
        made("zeros", vec![0; SIZE]),
    ]
}

/// A plain one.
pub fn seeds() -> Vec<Made> {
    let files: &[(&str, &[u8])] = &[
        ("manifest-1.json", b"{}"),
        ("files/ab", &[7; 600]),
        ("c", b""),
    ];
    vec![made("plain", archive(files))]
}

fn made(name: &'static str, bytes: Vec<u8>) -> Made {
    Made {
        reader: "archive",
        name,
        bytes,
    }
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    for (name, content) in files {
        let added = writer.add(name, content.len() as u64, &digest_hex(content), *content);
        added.expect("memory");
    }
    writer.finish().expect("memory");
    bytes
}

/// Writes the sum that a header has.
fn set_sum(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header[..512].iter().map(|it| u32::from(*it)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}
