//! The form in which Windows Installer names products in the registry: the 32 digits of a GUID
//! with the digits of its first three groups, and each pair of the last two, in reverse.
//!
//! Source: `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Installer\UpgradeCodes` of any machine,
//! and Wine's `squash_guid`, which writes it.

/// For each digit of a GUID (without braces and hyphens) its place in the packed form.
const PLACES: [usize; 32] = [
    7, 6, 5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 15, 14, 13, 12, 17, 16, 19, 18, 21, 20, 23, 22, 25, 24,
    27, 26, 29, 28, 31, 30,
];
/// Where a GUID in its usual form has hyphens, counted without the opening brace.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// `{XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX}` in upper case, or `None` where the text is no GUID in
/// braces.
pub(crate) fn guid(text: &str) -> Option<String> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let is_guid = inner.len() == 36
        && inner.bytes().enumerate().all(|(at, byte)| {
            if HYPHENS.contains(&at) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        });
    is_guid.then(|| text.to_ascii_uppercase())
}

/// The GUID in braces, upper case, of a packed one; `None` where the text is none.
pub(crate) fn unpack(packed: &str) -> Option<String> {
    let digits = packed.as_bytes();
    if digits.len() != 32 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut guid = String::with_capacity(38);
    guid.push('{');
    for place in PLACES {
        if HYPHENS.contains(&(guid.len() - 1)) {
            guid.push('-');
        }
        guid.push(char::from(digits[place].to_ascii_uppercase()));
    }
    guid.push('}');
    Some(guid)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pack(guid: &str) -> String {
        let digits: Vec<char> = guid.chars().filter(char::is_ascii_hexdigit).collect();
        let mut packed = vec!['0'; 32];
        for (digit, place) in digits.into_iter().zip(PLACES) {
            packed[place] = digit;
        }
        packed.into_iter().collect()
    }

    #[test]
    fn a_packed_guid_is_unpacked_group_by_group() {
        for (packed, guid) in [
            (
                "96F071321C0420729000000010000000",
                "{23170F69-40C1-2702-0900-000001000000}",
            ),
            (
                "0123456789ABCDEF0123456789ABCDEF",
                "{76543210-BA98-FEDC-1032-547698BADCFE}",
            ),
            (
                "0123456789abcdef0123456789abcdef",
                "{76543210-BA98-FEDC-1032-547698BADCFE}",
            ),
        ] {
            assert_eq!(unpack(packed).as_deref(), Some(guid));
        }
    }

    #[test]
    fn what_is_no_guid_is_refused() {
        for text in [
            "",
            "x",
            "0123456789ABCDEF0123456789ABCDE",
            "0123456789ABCDEF0123456789ABCDEG",
        ] {
            assert_eq!(unpack(text), None, "{text}");
        }
        for text in [
            "",
            "{}",
            "23170F69-40C1-2702-0900-000001000000",
            "{23170F69-40C1-2702-0900-00000100000}",
            "{23170F69-40C1-2702-0900-00000100000G}",
            "{23170F69X40C1-2702-0900-000001000000}",
            "{23170F69-40C1-2702-0900-000001000000}_is1",
        ] {
            assert_eq!(guid(text), None, "{text}");
        }
    }

    #[test]
    fn a_guid_is_given_in_upper_case() {
        assert_eq!(
            guid("{23170f69-40c1-2702-0900-00000100000a}").as_deref(),
            Some("{23170F69-40C1-2702-0900-00000100000A}")
        );
    }

    proptest! {
        #[test]
        fn unpacking_reverses_packing(digits in "[0-9A-F]{32}") {
            let guid = unpack(&digits).unwrap();
            prop_assert_eq!(pack(&guid), digits);
            prop_assert_eq!(super::guid(&guid), Some(guid));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,64}") {
            let _ = (unpack(&text), guid(&text));
        }
    }
}
