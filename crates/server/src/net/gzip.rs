//! Documents packed with gzip for clients that take it.
//!
//! Rules: RFC 9110, section 12.5.3 (`Accept-Encoding`); RFC 1952 (gzip).

use std::cell::RefCell;

use flate2::{Compress, Compression, FlushCompress, Status};
use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// Shorter documents are sent as they are, in bytes.
const SHORTEST: usize = 1024;
/// What is sent on a local network is packed in little time rather than small.
const LEVEL: u32 = 1;
/// gzip with the largest window.
const WINDOW_BITS: u8 = 15;

thread_local! {
    // Its tables are large, and made anew they take as long as a short document.
    static PACKER: RefCell<Compress> =
        RefCell::new(Compress::new_gzip(Compression::new(LEVEL), WINDOW_BITS));
}

/// The document packed, if that is worth it and the client takes it.
pub fn packed(document: &[u8], headers: &HeaderMap) -> Option<Vec<u8>> {
    let is_taken = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .fold(None, |taken, value| says(value).or(taken))
        .unwrap_or(false);
    (is_taken && document.len() >= SHORTEST)
        .then(|| pack(document))
        .flatten()
}

fn pack(document: &[u8]) -> Option<Vec<u8>> {
    PACKER.with_borrow_mut(|packer| {
        packer.reset();
        // What does not get shorter does not end in there.
        let mut out = Vec::with_capacity(document.len());
        let status = packer.compress_vec(document, &mut out, FlushCompress::Finish);
        (status.ok()? == Status::StreamEnd).then_some(out)
    })
}

/// What a header says of gzip, if anything.
fn says(value: &str) -> Option<bool> {
    let weight = |wanted: &str| {
        value.split(',').find_map(|part| {
            let mut words = part.split(';').map(str::trim);
            let name = words.next()?;
            let is_it = name.eq_ignore_ascii_case(wanted);
            let weight = words
                .find_map(|word| word.strip_prefix("q="))
                .map_or(1.0, |it| it.trim().parse::<f32>().unwrap_or(0.0));
            is_it.then_some(weight)
        })
    };
    let weight = weight("gzip").or(weight("x-gzip")).or(weight("*"))?;
    Some(weight > 0.0)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_take_it_alone() {
        for (value, expected) in [
            ("gzip, deflate", Some(true)),
            ("gzip,deflate", Some(true)),
            ("deflate, GZIP;q=0.5", Some(true)),
            ("*", Some(true)),
            ("*;q=0", Some(false)),
            ("gzip;q=0, *", Some(false)),
            ("gzip; q=0.000", Some(false)),
            ("gzip;q=much", Some(false)),
            ("identity", None),
            ("br", None),
            ("", None),
        ] {
            assert_eq!(says(value), expected, "{value}");
        }
    }

    #[test]
    fn what_is_packed_is_what_was_given_whichever_was_packed_before() {
        let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, "gzip".parse().unwrap())]);
        let mut state = 7_u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        let noise: Vec<u8> = noise.take(100_000).collect();
        let entries = "<entry>".repeat(5000);
        for document in [&entries, &entries[..SHORTEST], &entries] {
            assert_eq!(packed(&noise, &headers), None, "it gets no shorter");
            let packed = packed(document.as_bytes(), &headers).unwrap();
            assert!(packed.len() < document.len() / 2);
            let mut found = String::new();
            flate2::read::GzDecoder::new(&packed[..])
                .read_to_string(&mut found)
                .unwrap();
            assert!(found == *document);
        }
        let short = &entries.as_bytes()[..SHORTEST - 1];
        assert_eq!(packed(short, &headers), None);
        assert_eq!(packed(entries.as_bytes(), &HeaderMap::new()), None);
    }
}
