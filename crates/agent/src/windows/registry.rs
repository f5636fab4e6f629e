//! Reading the registry: what is not there is absent, texts are cut and cleaned.

use windows_registry::{Key, Type, Value};

/// The longest text that is taken, in characters.
const MAX_TEXT: usize = 512;
/// `KEY_WOW64_64KEY`: the same view for a 32-bit and a 64-bit agent. The 32-bit view is read below
/// `WOW6432Node`, never by `KEY_WOW64_32KEY`: where there is no such node, some systems answer that
/// with the 64-bit one.
const VIEW_64: u32 = 0x0100;
/// `ERROR_FILE_NOT_FOUND` as an `HRESULT`.
const NOT_FOUND: i32 = 0x8007_0002_u32.cast_signed();

/// Opens a key for reading. `None` where it is not there or closed to this user.
pub(super) fn open(parent: &Key, path: &str) -> Option<Key> {
    parent.options().read().access(VIEW_64).open(path).ok()
}

/// As [`open`], but a key that is there and cannot be read is an error.
pub(super) fn open_if_there(parent: &Key, path: &str) -> windows_registry::Result<Option<Key>> {
    match parent.options().read().access(VIEW_64).open(path) {
        Ok(key) => Ok(Some(key)),
        Err(error) if error.code().0 == NOT_FOUND => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a key for reading and writing, and makes it where it is not there; with `volatile` it is
/// gone after the next start of Windows.
pub(super) fn create(parent: &Key, path: &str, volatile: bool) -> windows_registry::Result<Key> {
    let mut options = parent.options();
    options.read().write().create().access(VIEW_64);
    if volatile {
        options.volatile();
    }
    options.open(path)
}

/// A text value without blanks around it. `None` where there is none, it is empty, or it cannot be read.
/// As Windows does, it ends at its first NUL.
pub(super) fn text(key: &Key, name: &str) -> Option<String> {
    text_if_there(key, name).ok().flatten()
}

/// As [`text`], but a value that is there and cannot be read is an error.
pub(super) fn text_if_there(key: &Key, name: &str) -> windows_registry::Result<Option<String>> {
    match key.get_value(name) {
        Ok(value) => Ok(cleaned(&value)),
        Err(error) if error.code().0 == NOT_FOUND => Ok(None),
        Err(error) => Err(error),
    }
}

fn cleaned(value: &Value) -> Option<String> {
    if !matches!(value.ty(), Type::String | Type::ExpandString) {
        return None;
    }
    let wide = value.as_wide();
    let end = wide
        .iter()
        .position(|unit| *unit == 0)
        .unwrap_or(wide.len());
    let text: String = char::decode_utf16(wide[..end].iter().copied())
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .take(MAX_TEXT)
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A number value.
pub(super) fn number(key: &Key, name: &str) -> Option<u32> {
    key.get_u32(name).ok()
}

/// Whether a list of texts has one that is not empty.
pub(super) fn has_texts(key: &Key, name: &str) -> bool {
    key.get_multi_string(name)
        .is_ok_and(|texts| texts.iter().any(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use windows_registry::CURRENT_USER;

    use super::*;

    /// A key of a test's own, deleted on drop.
    struct TestKey(&'static str);

    impl Drop for TestKey {
        fn drop(&mut self) {
            let _ = CURRENT_USER.remove_tree(self.0);
        }
    }

    #[test]
    fn texts_end_at_their_first_nul_are_cut_and_never_fail() {
        let test = TestKey(r"Software\Fleetmend test of texts");
        let key = create(CURRENT_USER, test.0, true).unwrap();
        let long = "é".repeat(MAX_TEXT + 1);
        for (units, expected) in [
            ("App 1".encode_utf16().collect::<Vec<_>>(), Some("App 1")),
            (" App\0hidden".encode_utf16().collect(), Some("App")),
            (vec![0x41, 0xD800, 0x42], Some("A\u{FFFD}B")),
            (vec![0], None),
            (vec![0x20], None),
            (long.encode_utf16().collect(), Some(&long[..2 * MAX_TEXT])),
        ] {
            let bytes: Vec<u8> = units
                .iter()
                .chain([&0])
                .flat_map(|unit| unit.to_le_bytes())
                .collect();
            key.set_bytes("text", Type::String, &bytes).unwrap();
            assert_eq!(text(&key, "text").as_deref(), expected);
        }
        key.set_bytes("text", Type::Bytes, b"bytes").unwrap();
        assert_eq!(text(&key, "text"), None);
        assert_eq!((text(&key, "absent"), number(&key, "absent")), (None, None));
        key.set_string("number", "7").unwrap();
        assert_eq!(number(&key, "number"), None);
    }

    #[test]
    fn a_key_that_is_not_there_is_no_error() {
        let path = r"Software\Fleetmend test of nothing";
        assert!(open(CURRENT_USER, path).is_none());
        assert!(open_if_there(CURRENT_USER, path).unwrap().is_none());
        assert!(open_if_there(CURRENT_USER, "Software").unwrap().is_some());
    }
}
