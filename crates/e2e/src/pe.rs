//! Windows programs of headers and resources alone: what a reader of installers sees of one.

/// Where the only section lies in the file, and in memory.
const SECTION_OFFSET: u32 = 512;
const SECTION_ADDRESS: u32 = 0x1000;
/// Says of a distance that a directory is there.
const DIRECTORY: u32 = 1 << 31;
/// Bytes of the directories of resources, of one entry each, and of the entry that names the data.
const TREE: u32 = 3 * (16 + 8) + 16;

/// A 64-bit program. It does nothing: Windows takes it for a program that is broken.
#[derive(Debug, Clone, Default)]
pub struct Pe {
    /// The version in numbers: of file and product.
    pub version: [u16; 4],
    /// The texts of the version resource, by name; without any there is no resource.
    pub texts: Vec<(String, String)>,
    /// What is behind the program, as installers carry their files.
    pub payload: Vec<u8>,
}

impl Pe {
    /// A program that calls itself so.
    pub fn new(product_name: &str, product_version: &str) -> Self {
        let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self {
            version: [1, 0, 0, 0],
            texts: vec![
                text("ProductName", product_name),
                text("ProductVersion", product_version),
            ],
            payload: Vec::new(),
        }
    }

    /// The same with this behind it.
    #[must_use]
    pub fn carrying(mut self, payload: impl Into<Vec<u8>>) -> Self {
        self.payload = payload.into();
        self
    }

    /// The file.
    pub fn build(&self) -> Vec<u8> {
        let section = if self.texts.is_empty() {
            Vec::new()
        } else {
            self.section()
        };
        let mut file = headers(section.len() as u32);
        file.resize(SECTION_OFFSET as usize, 0);
        file.extend(section);
        file.extend(&self.payload);
        file
    }

    /// The directories (type 16, name 1, language 0x409), the entry, and the data.
    fn section(&self) -> Vec<u8> {
        let data = self.resource();
        let mut section = Vec::new();
        for (id, behind) in [(16, DIRECTORY + 24), (1, DIRECTORY + 48), (0x409, 72)] {
            section.extend([0; 12]);
            section.extend(0_u16.to_le_bytes());
            section.extend(1_u16.to_le_bytes());
            section.extend(words(&[id, behind]));
        }
        section.extend(words(&[SECTION_ADDRESS + TREE, data.len() as u32, 0, 0]));
        section.extend(data);
        section
    }

    fn resource(&self) -> Vec<u8> {
        let [major, minor, build, revision] = self.version.map(u32::from);
        let (high, low) = (major << 16 | minor, build << 16 | revision);
        let mut fixed = words(&[0xfeef_04bd, 0x1_0000, high, low, high, low]);
        fixed.resize(52, 0);
        let texts: Vec<Vec<u8>> = self
            .texts
            .iter()
            .map(|(name, value)| {
                let value: Vec<u8> = utf16(value);
                block(name, &value, (value.len() / 2) as u16, 1, &[])
            })
            .collect();
        let table = block("040904b0", &[], 0, 1, &texts);
        let strings = block("StringFileInfo", &[], 0, 1, &[table]);
        block("VS_VERSION_INFO", &fixed, 52, 0, &[strings])
    }
}

fn headers(section_length: u32) -> Vec<u8> {
    let mut file = b"MZ".to_vec();
    file.resize(60, 0);
    file.extend(words(&[64]));
    file.extend(b"PE\0\0");
    // x86-64, one section, optional header of 240 bytes, executable.
    file.extend(0x8664_u16.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(words(&[0, 0, 0]));
    file.extend(240_u16.to_le_bytes());
    file.extend(0x22_u16.to_le_bytes());
    let optional = file.len();
    file.extend(0x20b_u16.to_le_bytes());
    file.resize(optional + 108, 0);
    file.extend(words(&[16]));
    let root = if section_length == 0 {
        [0, 0]
    } else {
        [SECTION_ADDRESS, section_length]
    };
    file.extend(words(&[0, 0, 0, 0, root[0], root[1]]));
    file.resize(optional + 240, 0);
    file.extend(b".rsrc\0\0\0");
    file.extend(words(&[
        section_length,
        SECTION_ADDRESS,
        section_length,
        SECTION_OFFSET,
    ]));
    file.resize(optional + 240 + 40, 0);
    file
}

/// A block of a version resource.
fn block(name: &str, value: &[u8], value_length: u16, kind: u16, inner: &[Vec<u8>]) -> Vec<u8> {
    let mut block = vec![0; 6];
    block.extend(utf16(name));
    let mut put = |bytes: &[u8]| {
        block.resize(block.len().next_multiple_of(4), 0);
        block.extend(bytes);
    };
    put(value);
    for it in inner {
        put(it);
    }
    let length = block.len() as u16;
    for (at, word) in [(0, length), (2, value_length), (4, kind)] {
        block[at..at + 2].copy_from_slice(&word.to_le_bytes());
    }
    block
}

/// A text with its zero.
fn utf16(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().chain([0]);
    units.flat_map(u16::to_le_bytes).collect()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|it| it.to_le_bytes()).collect()
}
