//! The names of a key's subkeys and values. An error ends a list as an error, never as its end: the iterators
//! of `windows-registry` stop silently at one.

#![allow(unsafe_code, reason = "calls of the Win32 API")]

use std::io::Error;
use std::ptr::{null, null_mut};

use windows_registry::Key;
use windows_sys::Win32::Foundation::{
    ERROR_NO_MORE_ITEMS, ERROR_RETRY, ERROR_SUCCESS, FILETIME, WIN32_ERROR,
};
use windows_sys::Win32::System::Registry::{HKEY, RegEnumKeyExW, RegEnumValueW, RegQueryInfoKeyW};

use super::settled::settled;

/// How many names are listed at most.
pub(super) const MOST: usize = 20_000;
/// The longest name of a value, and its NUL. One of a key has 255 characters at most. Source: 'Registry
/// element size limits'.
const LONGEST: usize = 16_384;

/// What is listed of a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    Subkeys,
    Values,
}

/// A list as one reading found it.
#[derive(Debug, PartialEq, Eq)]
struct Listing {
    /// When the key was written last, before the list was read.
    written: (u32, u32),
    /// How many there were then.
    count: usize,
    /// At most [`MOST`].
    names: Vec<String>,
}

/// The names, and whether there are more than are listed. One that nothing changed between two readings is
/// whole; a key that is never still for that long is an error.
pub(super) fn names(key: &Key, of: Of) -> windows_registry::Result<(Vec<String>, bool)> {
    let found = settled(|| read(key.as_raw(), of))?;
    let whole = found.filter(|it| it.names.len() == it.count.min(MOST));
    let listing = whole.ok_or_else(|| code(ERROR_RETRY))?;
    Ok((listing.names, listing.count > MOST))
}

fn read(key: HKEY, of: Of) -> Result<Listing, Error> {
    let (count, written) = info(key, of)?;
    let mut names = Vec::new();
    let mut room = vec![0; LONGEST];
    for index in 0..=u32::MAX {
        if names.len() == MOST {
            break;
        }
        match name(key, of, index, &mut room)? {
            Some(name) => names.push(name),
            None => break,
        }
    }
    Ok(Listing {
        written,
        count,
        names,
    })
}

/// How many subkeys or values a key has, and when it was written last.
fn info(key: HKEY, of: Of) -> Result<(usize, (u32, u32)), Error> {
    let (mut subkeys, mut values) = (0, 0);
    let mut written = FILETIME::default();
    // SAFETY: the key is open; each place that is given outlives the call, and the others may be null.
    let result = unsafe {
        RegQueryInfoKeyW(
            key,
            null_mut(),
            null_mut(),
            null(),
            &raw mut subkeys,
            null_mut(),
            null_mut(),
            &raw mut values,
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut written,
        )
    };
    if result != ERROR_SUCCESS {
        return Err(code(result));
    }
    let count: u32 = match of {
        Of::Subkeys => subkeys,
        Of::Values => values,
    };
    let written = (written.dwHighDateTime, written.dwLowDateTime);
    Ok((usize::try_from(count).unwrap_or(usize::MAX), written))
}

/// The name at a place of the list; `None` at its end.
fn name(key: HKEY, of: Of, index: u32, room: &mut [u16]) -> Result<Option<String>, Error> {
    let mut length = u32::try_from(room.len()).unwrap_or(u32::MAX);
    let (text, len) = (room.as_mut_ptr(), &raw mut length);
    // SAFETY: the key is open; `room` has `length` units, and both outlive the call. The others may be null.
    let result = unsafe {
        match of {
            Of::Subkeys => RegEnumKeyExW(
                key,
                index,
                text,
                len,
                null(),
                null_mut(),
                null_mut(),
                null_mut(),
            ),
            Of::Values => RegEnumValueW(
                key,
                index,
                text,
                len,
                null(),
                null_mut(),
                null_mut(),
                null_mut(),
            ),
        }
    };
    match result {
        ERROR_SUCCESS => {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let name = room.get(..length).unwrap_or(room);
            Ok(Some(String::from_utf16_lossy(name)))
        }
        ERROR_NO_MORE_ITEMS => Ok(None),
        other => Err(code(other)),
    }
}

fn code(code: WIN32_ERROR) -> Error {
    Error::from_raw_os_error(code.cast_signed())
}

#[cfg(test)]
mod tests {
    use std::thread;

    use windows_registry::CURRENT_USER;

    use super::*;
    use crate::windows::registry::create;

    /// A key of a test's own, deleted on drop.
    struct TestKey(&'static str);

    impl Drop for TestKey {
        fn drop(&mut self) {
            let _ = CURRENT_USER.remove_tree(self.0);
        }
    }

    #[test]
    fn a_list_is_whole_or_an_error_while_keys_come_and_go() {
        let test = TestKey(r"Software\Fleetmend test of lists");
        let key = create(CURRENT_USER, test.0, true).unwrap();
        let stay: Vec<String> = (0..40).map(|it| format!("app {it:02}")).collect();
        for name in &stay {
            create(&key, name, true).unwrap();
        }
        thread::scope(|scope| {
            let noise = scope.spawn(|| {
                let key = create(CURRENT_USER, test.0, true).unwrap();
                // Before all others, and longer than any of them.
                let comes = format!("a{}", " comes".repeat(40));
                for _ in 0..500 {
                    create(&key, &comes, true).unwrap();
                    key.remove_tree(&comes).unwrap();
                }
            });
            while !noise.is_finished() {
                match names(&key, Of::Subkeys) {
                    Ok((mut names, has_more)) => {
                        names.retain(|it| !it.starts_with("a "));
                        assert_eq!((names, has_more), (stay.clone(), false));
                    }
                    Err(error) => assert_eq!(error, code(ERROR_RETRY).into()),
                }
            }
        });
        assert_eq!(names(&key, Of::Subkeys).unwrap(), (stay, false));
    }

    #[test]
    fn values_are_listed_by_names_of_any_length() {
        let test = TestKey(r"Software\Fleetmend test of values");
        let key = create(CURRENT_USER, test.0, true).unwrap();
        assert_eq!(names(&key, Of::Values).unwrap(), (Vec::new(), false));
        let long = "v".repeat(LONGEST - 1);
        key.set_string("first", "1").unwrap();
        key.set_string(&long, "2").unwrap();
        let (mut found, has_more) = names(&key, Of::Values).unwrap();
        found.sort();
        assert_eq!((found, has_more), (vec!["first".to_owned(), long], false));
    }

    #[test]
    fn the_list_of_a_key_that_is_deleted_is_an_error() {
        let test = TestKey(r"Software\Fleetmend test of a deleted key");
        let key = create(CURRENT_USER, test.0, true).unwrap();
        CURRENT_USER.remove_tree(test.0).unwrap();
        assert!(names(&key, Of::Subkeys).is_err());
    }
}
