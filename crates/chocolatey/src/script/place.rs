//! Folders that only the device knows. In texts each is one character of a private area, so that
//! paths can be built from them; in results they are written as `%Name%`.

use super::facts::FactsId;

/// The package's folder on the device.
pub(super) const PACKAGE_ROOT: char = '\u{F8A0}';
/// A part that is not known.
pub(super) const HOLE: char = '\u{F8A1}';
/// The folder for temporary files.
pub(super) const TEMP: char = '\u{F8A2}';
/// Where the software was found installed, if it was.
pub(super) const INSTALL_LOCATION: char = '\u{F8A3}';
/// Chocolatey's own folder.
pub(super) const CHOCOLATEY_INSTALL: char = '\u{F8C9}';
/// Any run of characters of a file's name, where the files themselves are not at hand.
pub(super) const STAR: char = '\u{F8A4}';

/// The command line by which the registry says that software is uninstalled.
pub(super) const UNINSTALL_STRING: char = '\u{F8A5}';
/// The name of the software's key in the registry: of an MSI its product code.
pub(super) const PRODUCT_CODE: char = '\u{F8A6}';

/// The package's version where Chocolatey 1 and 2 write it differently.
pub(super) const VERSION: char = '\u{F8A7}';

/// The whole private area that the marks come from.
const MARKS: std::ops::RangeInclusive<char> = '\u{F8A0}'..='\u{F8FF}';

/// The private area of marks for what is asked of the device: one for each set of facts.
const ASKED: std::ops::RangeInclusive<char> = '\u{F0000}'..='\u{FFFFD}';

/// The mark for what depends on a set of facts.
pub(super) fn asked_mark(id: FactsId) -> char {
    char::from_u32(u32::from(*ASKED.start()) + u32::from(id)).unwrap_or(HOLE)
}

/// The set of facts that a mark stands for, if it is such a mark.
pub(super) fn asked(c: char) -> Option<FactsId> {
    let place = u32::from(c).checked_sub(u32::from(*ASKED.start()))?;
    FactsId::try_from(place).ok().filter(|_| ASKED.contains(&c))
}

/// A folder of Windows or of Chocolatey.
struct Place {
    mark: char,
    /// How it is written in results.
    name: &'static str,
    /// The environment variables that hold it, in lower case.
    variables: &'static [&'static str],
    /// Its names in .NET's `Environment.SpecialFolder`, in lower case.
    folders: &'static [&'static str],
}

const fn place(
    mark: char,
    name: &'static str,
    variables: &'static [&'static str],
    folders: &'static [&'static str],
) -> Place {
    Place {
        mark,
        name,
        variables,
        folders,
    }
}

static PLACES: [Place; 28] = [
    place(PACKAGE_ROOT, "ChocolateyPackageFolder", &[], &[]),
    place(TEMP, "TEMP", &["temp", "tmp"], &[]),
    place(INSTALL_LOCATION, "InstallLocation", &[], &[]),
    place(
        '\u{F8B0}',
        "ProgramFiles",
        &["programfiles"],
        &["programfiles"],
    ),
    place(
        '\u{F8B1}',
        "ProgramFiles(x86)",
        &["programfiles(x86)"],
        &["programfilesx86"],
    ),
    place('\u{F8B2}', "ProgramW6432", &["programw6432"], &[]),
    place(
        '\u{F8B3}',
        "CommonProgramFiles",
        &["commonprogramfiles"],
        &["commonprogramfiles"],
    ),
    place(
        '\u{F8B4}',
        "CommonProgramFiles(x86)",
        &["commonprogramfiles(x86)"],
        &["commonprogramfilesx86"],
    ),
    place(
        '\u{F8B5}',
        "ProgramData",
        &["programdata", "allusersprofile"],
        &["commonapplicationdata"],
    ),
    place('\u{F8B6}', "APPDATA", &["appdata"], &["applicationdata"]),
    place(
        '\u{F8B7}',
        "LOCALAPPDATA",
        &["localappdata"],
        &["localapplicationdata"],
    ),
    place(
        '\u{F8B8}',
        "USERPROFILE",
        &["userprofile"],
        &["userprofile"],
    ),
    place('\u{F8B9}', "PUBLIC", &["public"], &[]),
    place('\u{F8BA}', "SystemDrive", &["systemdrive"], &[]),
    place(
        '\u{F8BB}',
        "SystemRoot",
        &["systemroot", "windir"],
        &["windows"],
    ),
    place('\u{F8BC}', "System32", &[], &["system"]),
    place('\u{F8BD}', "SysWOW64", &[], &["systemx86"]),
    place('\u{F8BE}', "Fonts", &[], &["fonts"]),
    place('\u{F8C0}', "CommonPrograms", &[], &["commonprograms"]),
    place('\u{F8C1}', "CommonStartMenu", &[], &["commonstartmenu"]),
    place('\u{F8C2}', "CommonStartup", &[], &["commonstartup"]),
    place(
        '\u{F8C3}',
        "CommonDesktop",
        &[],
        &["commondesktopdirectory"],
    ),
    place('\u{F8C4}', "Programs", &[], &["programs"]),
    place('\u{F8C5}', "StartMenu", &[], &["startmenu"]),
    place('\u{F8C6}', "Startup", &[], &["startup"]),
    place('\u{F8C7}', "Desktop", &[], &["desktop", "desktopdirectory"]),
    place('\u{F8C8}', "Documents", &[], &["mydocuments", "personal"]),
    place(
        CHOCOLATEY_INSTALL,
        "ChocolateyInstall",
        &["chocolateyinstall"],
        &[],
    ),
];

/// Chocolatey's folder for tools that have no installer.
pub(super) const TOOLS_LOCATION: char = '\u{F8CA}';
/// The name of the person who is signed in, and of the machine: no folders, but of the same kind.
const NAMES: [(char, &str, &str); 6] = [
    (VERSION, "ChocolateyPackageVersion", ""),
    ('\u{F8D2}', "PATH", "path"),
    (UNINSTALL_STRING, "UninstallString", ""),
    (PRODUCT_CODE, "UninstallKey", ""),
    ('\u{F8D0}', "USERNAME", "username"),
    ('\u{F8D1}', "COMPUTERNAME", "computername"),
];

/// The variable that a mark stands for which is no folder.
pub(super) fn variable_of(mark: char) -> Option<&'static str> {
    let known = NAMES.iter().find(|(own, ..)| *own == mark);
    known.filter(|it| !it.2.is_empty()).map(|it| it.1)
}

/// Whether a text holds one of the marks; a script that does is not analysed.
pub(super) fn has_mark(text: &str) -> bool {
    text.contains(|c| MARKS.contains(&c) || ASKED.contains(&c))
}

/// Whether a text names a folder of the device.
pub(super) fn has_folder(text: &str) -> bool {
    PLACES.iter().any(|place| text.contains(place.mark))
}

/// Whether a part of a text is asked of the device.
pub(super) fn has_asked(text: &str) -> bool {
    text.contains(|c| ASKED.contains(&c))
}

/// Whether nothing of a text is left to the device.
pub(super) fn is_plain(text: &str) -> bool {
    !has_mark(text)
}

/// The place that an environment variable holds.
pub(super) fn of_variable(lower: &str) -> Option<String> {
    let named = NAMES
        .iter()
        .find(|(_, _, variable)| *variable == lower && !lower.is_empty());
    named.map(|(mark, ..)| mark.to_string()).or_else(|| {
        PLACES
            .iter()
            .find(|place| place.variables.contains(&lower))
            .map(|place| place.mark.to_string())
    })
}

/// The place of a special folder's name.
pub(super) fn of_folder(lower: &str) -> Option<String> {
    PLACES
        .iter()
        .find(|place| place.folders.contains(&lower))
        .map(|place| place.mark.to_string())
}

/// Whether a text is a folder alone that every machine has.
pub(super) fn is_always_there(text: &str) -> bool {
    const ALWAYS: [&str; 12] = [
        "ChocolateyPackageFolder",
        "TEMP",
        "ProgramFiles",
        "ProgramW6432",
        "CommonProgramFiles",
        "ProgramData",
        "USERPROFILE",
        "APPDATA",
        "LOCALAPPDATA",
        "SystemDrive",
        "SystemRoot",
        "System32",
    ];
    let mut chars = text.chars();
    let (Some(mark), None) = (chars.next(), chars.next()) else {
        return false;
    };
    let is_there = |it: &&Place| it.mark == mark && ALWAYS.contains(&it.name);
    mark == CHOCOLATEY_INSTALL || PLACES.iter().any(|it| is_there(&it))
}

/// A text for results: each mark replaced by its place's name.
pub(super) fn written(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut written = String::with_capacity(text.len() + 32);
    for c in text.chars() {
        let named = PLACES
            .iter()
            .find(|place| place.mark == c)
            .map(|place| place.name);
        let named = named.or_else(|| NAMES.iter().find(|it| it.0 == c).map(|it| it.1));
        match (c, named) {
            (_, Some(name)) => {
                written.push('%');
                written.push_str(name);
                written.push('%');
            }
            (TOOLS_LOCATION, _) => written.push_str("%ChocolateyToolsLocation%"),
            (STAR, _) => written.push('*'),
            (HOLE, _) => written.push_str("<unknown>"),
            (c, _) if ASKED.contains(&c) => written.push_str("<what the device has>"),
            _ => written.push(c),
        }
    }
    written
}
