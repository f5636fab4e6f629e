//! The version resource of a Windows program (PE).
//!
//! Source: Microsoft's 'PE Format', 'The .rsrc Section'; a resource is found by its type, its name and
//! its language, a directory each.

use std::io::{Read, Seek};

use object::pe::{
    IMAGE_DIRECTORY_ENTRY_RESOURCE, IMAGE_NT_OPTIONAL_HDR32_MAGIC, IMAGE_NT_OPTIONAL_HDR64_MAGIC,
    IMAGE_RESOURCE_DATA_IS_DIRECTORY, ImageDosHeader, ImageNtHeaders32, ImageNtHeaders64,
    ImageResourceDataEntry, ImageResourceDirectory, ImageResourceDirectoryEntry, RT_VERSION,
};
use object::read::pe::{ImageNtHeaders, SectionTable, optional_header_magic};
use object::{LittleEndian as LE, ReadCache, ReadRef};

use crate::ReadError;
use crate::bounded::Bounded;
use crate::version_info::{self, VersionInfo};

/// The most bytes read of a program: its headers and a path through its resources.
const MOST_READ: u64 = 8 * 1024 * 1024;
/// The most entries of a directory of resources.
const MOST_ENTRIES: usize = 8192;
/// The longest version resource, in bytes.
const LONGEST_RESOURCE: u32 = 64 * 1024;

const KIND: &str = "a Windows program";

/// Reads what a program's version resource says; nothing where it has none. A file that is no program
/// is an error.
pub fn version_info<F: Read + Seek>(file: F) -> Result<Option<VersionInfo>, ReadError> {
    let data = ReadCache::new(Bounded::new(file, MOST_READ));
    let data = &data;
    match optional_header_magic(data).map_err(not)? {
        IMAGE_NT_OPTIONAL_HDR32_MAGIC => of_headers::<ImageNtHeaders32, _>(data),
        IMAGE_NT_OPTIONAL_HDR64_MAGIC => of_headers::<ImageNtHeaders64, _>(data),
        other => Err(not(format!(
            "its headers are of an unknown kind, {other:#x}"
        ))),
    }
}

fn not(why: impl std::fmt::Display) -> ReadError {
    ReadError::Not {
        kind: KIND,
        why: why.to_string(),
    }
}

fn broken() -> ReadError {
    ReadError::Lacks {
        kind: KIND,
        lack: "with broken resources".to_owned(),
    }
}

fn of_headers<'data, Pe: ImageNtHeaders, R: ReadRef<'data>>(
    data: R,
) -> Result<Option<VersionInfo>, ReadError> {
    let dos = ImageDosHeader::parse(data).map_err(not)?;
    let mut offset = dos.nt_headers_offset().into();
    let (headers, directories) = Pe::parse(data, &mut offset).map_err(not)?;
    let sections = headers.sections(data, offset).map_err(not)?;
    let Some(directory) = directories
        .get(IMAGE_DIRECTORY_ENTRY_RESOURCE)
        .filter(|it| it.virtual_address.get(LE) != 0)
    else {
        return Ok(None);
    };
    let root = directory.virtual_address.get(LE);
    let Some(entry) = version_resource(data, &sections, root)? else {
        return Ok(None);
    };
    let (offset, room) = sections
        .pe_file_range_at(entry.offset_to_data.get(LE))
        .ok_or_else(broken)?;
    let size = entry.size.get(LE);
    if size > LONGEST_RESOURCE || size > room {
        return Err(broken());
    }
    let bytes = data
        .read_bytes_at(offset.into(), size.into())
        .map_err(|()| broken())?;
    version_info::parse(bytes).map(Some).ok_or_else(broken)
}

/// The first version resource, of whatever name and language.
fn version_resource<'data, R: ReadRef<'data>>(
    data: R,
    sections: &SectionTable<'data>,
    root: u32,
) -> Result<Option<&'data ImageResourceDataEntry>, ReadError> {
    let (start, room) = sections.pe_file_range_at(root).ok_or_else(broken)?;
    // Where something lies that the root names by its distance.
    let at = |distance: u32| {
        (distance < room)
            .then(|| u64::from(start) + u64::from(distance))
            .ok_or_else(broken)
    };
    let types = entries(data, at(0)?)?;
    let Some(of_type) = types
        .iter()
        .find(|it| it.name_or_id.get(LE) == u32::from(RT_VERSION))
    else {
        return Ok(None);
    };
    let mut entry = of_type;
    for _ in 0..2 {
        let distance = entry.offset_to_data_or_directory.get(LE);
        if distance & IMAGE_RESOURCE_DATA_IS_DIRECTORY == 0 {
            return Err(broken());
        }
        let inner = entries(data, at(distance & !IMAGE_RESOURCE_DATA_IS_DIRECTORY)?)?;
        entry = inner.first().ok_or_else(broken)?;
    }
    let distance = entry.offset_to_data_or_directory.get(LE);
    data.read_at(at(distance)?).map(Some).map_err(|()| broken())
}

/// The entries of a directory of resources.
fn entries<'data, R: ReadRef<'data>>(
    data: R,
    mut offset: u64,
) -> Result<&'data [ImageResourceDirectoryEntry], ReadError> {
    let head: &ImageResourceDirectory = data.read(&mut offset).map_err(|()| broken())?;
    let count = usize::from(head.number_of_named_entries.get(LE))
        + usize::from(head.number_of_id_entries.get(LE));
    if count > MOST_ENTRIES {
        return Err(broken());
    }
    data.read_slice_at(offset, count).map_err(|()| broken())
}
