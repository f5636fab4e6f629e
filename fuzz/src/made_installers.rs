//! Installers made to hurt, and plain ones.

use std::io::{Cursor, Write as _};

use cfb::CompoundFile;
use fleetmend_e2e::pe::Pe;

use crate::made::Made;

/// The names of the streams of the pool of strings, its texts, and the Property table, as Windows packs
/// them.
const POOL: &str = "\u{4840}\u{3f3f}\u{4577}\u{446c}\u{3e6a}\u{44b2}\u{482f}";
const DATA: &str = "\u{4840}\u{3f3f}\u{4577}\u{446c}\u{3b6a}\u{45e4}\u{4824}";
const PROPERTY: &str = "\u{4840}\u{4559}\u{44f2}\u{4568}\u{4737}";

/// Those made to hurt.
pub fn all() -> Vec<Made> {
    let full = vec![0x11; 16 * 1024 * 1024];
    let mut types = Pe::new("a", "1").build();
    // The number of the types of resources.
    types[512 + 12..512 + 16].copy_from_slice(&[0, 0, 0, 0x20]);
    types.resize(1024 * 1024, 0);
    let texts = (0..700).map(|number| (format!("{number}"), "a".repeat(20)));
    let many_texts = Pe {
        texts: texts.collect(),
        ..Pe::default()
    };
    let mut sections = Pe::new("a", "1").build();
    sections[64 + 6..64 + 8].copy_from_slice(&[0xff, 0xff]);
    sections.resize(4 * 1024 * 1024, 0x55);
    vec![
        made(
            "msi",
            "a full pool",
            msi(&full[..4 << 20], &full, &full[..384 << 10], 0),
        ),
        made(
            "msi",
            "a pool that is too long",
            msi(&full, &full, &full, 0),
        ),
        made("msi", "many streams", msi(&[0; 4], &[], &[], 240_000)),
        made("program", "many types of resources", types),
        made("program", "many texts", many_texts.build()),
        made("program", "many sections", sections),
    ]
}

/// Plain ones.
pub fn seeds() -> Vec<Made> {
    let strings: &[&str] = &[
        "ProductCode",
        "{0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9}",
        "ProductName",
        "Acme",
        "ProductVersion",
        "1.0",
    ];
    let mut pool = 1252_u32.to_le_bytes().to_vec();
    for it in strings {
        pool.extend((it.len() as u16).to_le_bytes());
        pool.extend(1_u16.to_le_bytes());
    }
    let table: Vec<u8> = [1, 3, 5, 2, 4, 6_u16].map(u16::to_le_bytes).concat();
    vec![
        made(
            "msi",
            "plain",
            msi(&pool, strings.concat().as_bytes(), &table, 0),
        ),
        made("program", "plain", Pe::new("Acme", "1.0").build()),
    ]
}

fn made(reader: &'static str, name: &'static str, bytes: Vec<u8>) -> Made {
    Made {
        reader,
        name,
        bytes,
    }
}

/// A compound file with these streams, and as many more.
fn msi(pool: &[u8], data: &[u8], table: &[u8], more: usize) -> Vec<u8> {
    let mut file = CompoundFile::create(Cursor::new(Vec::new())).expect("memory");
    for (name, bytes) in [(POOL, pool), (DATA, data), (PROPERTY, table)] {
        let mut stream = file.create_stream(name).expect("a new name");
        stream.write_all(bytes).expect("memory");
    }
    for number in 0..more {
        file.create_stream(format!("{number}")).expect("a new name");
    }
    file.into_inner().into_inner()
}
