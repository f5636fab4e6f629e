//! A set of 32-bit ids as few bytes: sorted, each stored as the difference to the one before, as
//! LEB128 (seven bits a byte, lowest first, the top bit says that more follow).

/// The most ids that one list has.
pub const MAX_IDS: usize = 1_000_000;

/// The ids as bytes. Their order and repetitions are not kept.
pub fn encode(ids: &[u32]) -> Vec<u8> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let mut bytes = Vec::with_capacity(ids.len() * 2);
    let mut before = 0;
    for id in ids {
        let mut rest = id - before;
        before = id;
        while rest >= 0x80 {
            bytes.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
    }
    bytes
}

/// The ids, sorted; `None` where the bytes are not what [`encode`] gives.
pub fn decode(bytes: &[u8]) -> Option<Vec<u32>> {
    let mut ids: Vec<u32> = Vec::with_capacity(bytes.len().min(MAX_IDS));
    let (mut delta, mut shift) = (0_u64, 0_u32);
    for byte in bytes {
        delta |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 != 0 {
            shift += 7;
            if shift > 28 {
                return None;
            }
            continue;
        }
        if (*byte == 0 && shift > 0) || ids.len() == MAX_IDS || (delta == 0 && !ids.is_empty()) {
            return None;
        }
        let before = ids.last().copied().unwrap_or(0);
        ids.push(u32::try_from(u64::from(before) + delta).ok()?);
        (delta, shift) = (0, 0);
    }
    (shift == 0).then_some(ids)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_set_of_ids_comes_back_sorted(ids in proptest::collection::vec(any::<u32>(), 0..300)) {
            let mut sorted = ids.clone();
            sorted.sort_unstable();
            sorted.dedup();
            prop_assert_eq!(decode(&encode(&ids)), Some(sorted));
        }

        #[test]
        fn any_bytes_are_either_refused_or_the_encoding_of_what_they_say(
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            if let Some(ids) = decode(&bytes) {
                prop_assert_eq!(encode(&ids), bytes);
            }
        }
    }

    #[test]
    fn near_ids_take_one_byte_each() {
        assert_eq!(encode(&[3, 1, 2, 131]), [1, 1, 1, 0x80, 1]);
        assert_eq!(encode(&[]), Vec::<u8>::new());
        assert_eq!(decode(&[0x80]), None, "cut off");
        assert_eq!(decode(&[1, 0]), None, "a repetition");
    }
}
