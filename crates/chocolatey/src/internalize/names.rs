//! Where files that are put into a package lie in it.

use fleetmend_model::recipe::{Analysis, FileOrigin, Recipe, RecipeFile, RecipeKind};

use super::{Placed, Refused};
use crate::script::{self, Package};
use crate::text::decode;

/// What the folder of the files is called.
const FOLDER: &str = "internalized";
/// How many names are tried for it.
const MOST_FOLDERS: usize = 20;
/// The longest name, in characters.
const LONGEST: usize = 80;
/// Endings that a file keeps.
const KNOWN: [&str; 14] = [
    "exe",
    "msi",
    "msu",
    "msp",
    "zip",
    "7z",
    "rar",
    "cab",
    "iso",
    "img",
    "vsix",
    "appx",
    "msix",
    "msixbundle",
];

/// A folder for the files, in that of the install script: it has nothing else in it, and no script
/// names it. What a script downloads to, copies or removes is then none of them.
pub(super) fn folder(package: &Package<'_>) -> Result<String, Refused> {
    let install = package
        .scripts
        .iter()
        .find(|it| script::is_install_script(&it.path));
    let folder = install.and_then(|it| it.path.rsplit_once('/'));
    let (folder, _) = folder.ok_or_else(|| Refused::new("its install script lies in no folder"))?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if !folder.chars().all(is_plain) {
        return Err(Refused::new(
            "the folder of its install script has a name that a script cannot be given safely",
        ));
    }
    let paths: Vec<String> = package.paths.iter().map(|it| it.to_lowercase()).collect();
    let scripts: Vec<String> = package
        .scripts
        .iter()
        .map(|it| decode(&it.bytes).to_lowercase())
        .collect();
    let is_free = |name: &String| {
        let path = format!("{folder}/{name}").to_lowercase();
        let is_of = |known: &String| {
            let rest = known.strip_prefix(&path);
            rest.is_some_and(|it| it.is_empty() || it.starts_with('/'))
        };
        !paths.iter().any(is_of) && !scripts.iter().any(|it| it.contains(name.as_str()))
    };
    let numbered = (2..=MOST_FOLDERS).map(|number| format!("{FOLDER}-{number}"));
    let mut names = std::iter::once(FOLDER.to_owned()).chain(numbered);
    let name = names.find(is_free).ok_or_else(|| {
        Refused::new("its scripts or files name every folder that its installers could be put into")
    })?;
    Ok(format!("{folder}/{name}"))
}

/// A path in the folder of the files that none of the others has, for the file of an address.
pub(super) fn path(folder: &str, url: &str, analysis: &Analysis, placed: &[Placed]) -> String {
    let is_taken = |path: &str| {
        let mut others = placed.iter().flat_map(|it| with_mark(&it.path));
        others.any(|it| it.eq_ignore_ascii_case(path))
    };
    let name = name(url, analysis);
    let mut path = format!("{folder}/{name}");
    let mut number = 1;
    while with_mark(&path).iter().any(|it| is_taken(it)) {
        number += 1;
        path = format!("{folder}/{number}-{name}");
    }
    path
}

/// A file's path, and that of what is put in with it.
pub(super) fn with_mark(path: &str) -> Vec<String> {
    let mark = ignored(path);
    std::iter::once(path.to_owned()).chain(mark).collect()
}

/// The last part of an address as a file's name, with the ending that its kind has.
fn name(url: &str, analysis: &Analysis) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let last = path.rsplit('/').next().unwrap_or_default();
    let plain: String = last
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || "-_.".contains(c) => c,
            _ => '_',
        })
        .collect();
    // From the end: there the ending is.
    let cut = plain.len().saturating_sub(LONGEST);
    let plain = plain[cut..].trim_matches(['.', '_', '-']);
    let ending = plain
        .rsplit_once('.')
        .map(|(_, end)| end.to_ascii_lowercase());
    if ending.is_some_and(|it| KNOWN.contains(&it.as_str())) {
        return plain.to_owned();
    }
    let stem = if plain.is_empty() { "installer" } else { plain };
    match analysis.recipe.as_ref().and_then(|it| kind(url, it)) {
        Some(RecipeKind::Msi) => format!("{stem}.msi"),
        Some(RecipeKind::Msu) => format!("{stem}.msu"),
        Some(RecipeKind::Msp) => format!("{stem}.msp"),
        Some(RecipeKind::Archive) => format!("{stem}.zip"),
        Some(RecipeKind::Exe) => format!("{stem}.exe"),
        _ => stem.to_owned(),
    }
}

/// What is done with the file of an address.
fn kind(url: &str, recipe: &Recipe) -> Option<RecipeKind> {
    let is_of_url =
        |it: &RecipeFile| matches!(&it.origin, FileOrigin::Url { url: it } if it == url);
    let mut all = recipe.all().into_iter();
    all.find(|it| it.files.iter().any(is_of_url))
        .map(|it| it.kind)
}

/// The file that keeps Chocolatey from making a command of a program in the package.
pub(super) fn ignored(path: &str) -> Option<String> {
    let is_program = path.to_ascii_lowercase().ends_with(".exe");
    is_program.then(|| format!("{path}.ignore"))
}

#[cfg(test)]
mod tests {
    use fleetmend_model::recipe::{Bitness, Verdict};

    use super::*;

    fn analysis(kind: RecipeKind, url: &str) -> Analysis {
        let origin = FileOrigin::Url {
            url: url.to_owned(),
        };
        let file = RecipeFile::new(origin, Bitness::Any, None);
        Analysis {
            recipe: Some(Recipe::new(kind, vec![file], "/S")),
            ..Analysis::new(Verdict::Ready)
        }
    }

    #[test]
    fn a_file_has_the_name_of_its_address_with_the_ending_of_its_kind() {
        for (url, kind, expected) in [
            (
                "https://a/b/Setup-1.0_x64.exe",
                RecipeKind::Exe,
                "Setup-1.0_x64.exe",
            ),
            (
                "https://a/b/Setup%201.msi?x=y#z",
                RecipeKind::Msi,
                "Setup_201.msi",
            ),
            (
                "https://a/download.php?id=3",
                RecipeKind::Exe,
                "download.php.exe",
            ),
            ("https://a/latest/", RecipeKind::Msi, "installer.msi"),
            ("https://a/v1.0", RecipeKind::Archive, "v1.0.zip"),
            ("https://a/..%2f..", RecipeKind::Exe, "2f.exe"),
            ("https://a/$(calc)`\".exe", RecipeKind::Exe, "calc___.exe"),
        ] {
            let found = name(url, &analysis(kind, url));
            assert_eq!(found, expected, "{url}");
        }
        let long = format!("https://a/{}.exe", "x".repeat(500));
        assert_eq!(
            name(&long, &analysis(RecipeKind::Exe, &long)).len(),
            LONGEST
        );
    }
    #[test]
    fn what_is_installed_besides_has_the_ending_of_its_own_kind() {
        let mut all = analysis(RecipeKind::Exe, "https://a/first");
        let second = analysis(RecipeKind::Archive, "https://a/second");
        let third = analysis(RecipeKind::Msi, "https://a/third");
        let recipe = all.recipe.as_mut().unwrap();
        recipe.further.push(second.recipe.unwrap());
        recipe.further[0].further.push(third.recipe.unwrap());
        for (url, expected) in [
            ("https://a/first", "first.exe"),
            ("https://a/second", "second.zip"),
            ("https://a/third", "third.msi"),
        ] {
            assert_eq!(name(url, &all), expected);
        }
    }
}
