//! Names inside of a package: one name is one file, inside of the package's folder, on Windows too.

/// The longest name taken, in bytes.
const MAX_NAME: usize = 1024;

/// Names that Windows takes for devices, with any extension.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// A name that may be used.
pub(super) struct EntryName {
    /// With `/` between its parts, none of which is empty, `.` or `..`.
    pub(super) path: String,
    pub(super) is_folder: bool,
}

/// Checks an entry's name, as the zip has it.
///
/// NuGet escapes names like the path of a URL and takes `\` for `/`, so the rules hold for the name
/// after both.
pub(super) fn check(name: &str) -> Result<EntryName, &'static str> {
    if name.len() > MAX_NAME {
        return Err("the name is too long");
    }
    let path = percent_decoded(name)?.replace('\\', "/");
    let is_folder = path.ends_with('/');
    let path = path.strip_suffix('/').unwrap_or(&path);
    if path.is_empty() {
        return Err("the name is empty");
    }
    if path.starts_with('/') {
        return Err("the name is absolute");
    }
    for part in path.split('/') {
        check_part(part)?;
    }
    Ok(EntryName {
        path: path.to_owned(),
        is_folder,
    })
}

fn check_part(part: &str) -> Result<(), &'static str> {
    if part.is_empty() {
        return Err("a part of the name is empty");
    }
    if part == "." || part == ".." {
        return Err("the name leads out of its folder");
    }
    if part.contains(':') {
        return Err("the name has a colon: a drive letter or an alternate data stream");
    }
    if part.chars().any(char::is_control) {
        return Err("the name has a control character");
    }
    if part.contains(['<', '>', '"', '|', '?', '*']) {
        return Err("the name has a character that Windows does not allow");
    }
    if part.ends_with(['.', ' ']) {
        return Err("a part of the name ends in a dot or a space, which Windows leaves out");
    }
    let stem = part
        .split('.')
        .next()
        .unwrap_or(part)
        .trim_end()
        .to_ascii_lowercase();
    if DEVICES.contains(&stem.as_str()) {
        return Err("the name is a device on Windows");
    }
    Ok(())
}

/// Resolves `%20` and the like; a `%` that begins no escape stays, as in .NET.
fn percent_decoded(name: &str) -> Result<String, &'static str> {
    if !name.contains('%') {
        return Ok(name.to_owned());
    }
    let bytes = name.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%')
            .then(|| Some((hex(*bytes.get(at + 1)?)? << 4) | hex(*bytes.get(at + 2)?)?))
            .flatten();
        if let Some(byte) = escape {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(decoded).map_err(|_| "the name's escapes are not UTF-8")
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}
