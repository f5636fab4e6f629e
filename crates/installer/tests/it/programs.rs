//! What programs say of themselves.

use std::io::Cursor;

use fleetmend_e2e::pe::Pe;
use fleetmend_installer::pe::version_info;
use fleetmend_installer::{ReadError, Version};

#[test]
fn a_programs_version_resource_is_read_whatever_it_carries() {
    let mut pe = Pe::new("Acme Tool", "2.0.1-beta").carrying(vec![7; 100_000]);
    pe.version = [2, 0, 1, 65535];
    pe.texts
        .push(("CompanyName".to_owned(), " Acme, Größe ".to_owned()));
    let info = version_info(Cursor::new(pe.build())).unwrap().unwrap();
    assert_eq!(info.fixed_product_version, Some(Version([2, 0, 1, 65535])));
    assert_eq!(info.fixed_file_version, info.fixed_product_version);
    assert_eq!(info.product_name, "Acme Tool");
    assert_eq!(info.product_version, "2.0.1-beta");
    assert_eq!(
        (info.company_name.as_str(), info.file_version.as_str()),
        ("Acme, Größe", "")
    );
}

#[test]
fn a_program_without_a_version_resource_is_one() {
    let pe = Pe {
        payload: b"files".to_vec(),
        ..Pe::default()
    };
    assert_eq!(version_info(Cursor::new(pe.build())).unwrap(), None);
}

#[test]
fn what_is_no_program_is_an_error_that_says_so() {
    for bytes in [
        &b""[..],
        b"MZ",
        b"<!doctype html><title>Sign in</title>",
        b"PK\x03\x04",
        &[0; 4096],
    ] {
        let error = version_info(Cursor::new(bytes)).unwrap_err();
        assert!(matches!(error, ReadError::Not { .. }), "{error}");
        assert!(
            error.to_string().starts_with("not a Windows program: "),
            "{error}"
        );
    }
}

#[test]
fn of_a_large_program_little_is_read() {
    // A file of some GB, most of which is not there.
    let file = tempfile::tempfile().unwrap();
    let pe = Pe::new("Acme Tool", "2.0").build();
    std::io::Write::write_all(&mut &file, &pe).unwrap();
    file.set_len(6 << 30).unwrap();
    let counted = Counted::new(file);
    let read = std::rc::Rc::clone(&counted.read);
    assert_eq!(
        version_info(counted).unwrap().unwrap().product_name,
        "Acme Tool"
    );
    assert!(read.get() < 4096, "{}", read.get());
}

struct Counted<F> {
    file: F,
    read: std::rc::Rc<std::cell::Cell<usize>>,
}

impl<F> Counted<F> {
    fn new(file: F) -> Self {
        Self {
            file,
            read: std::rc::Rc::default(),
        }
    }
}

impl<F: std::io::Read> std::io::Read for Counted<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read.set(self.read.get() + read);
        Ok(read)
    }
}

impl<F: std::io::Seek> std::io::Seek for Counted<F> {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}
