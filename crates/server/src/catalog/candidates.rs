//! Which packages some device may have: only of those is the nupkg fetched. Cheap and generous;
//! what is really installed is reconcile's to say.

use std::collections::HashSet;

/// The names that devices know software by.
#[derive(Debug, Default)]
pub struct Names {
    squashed: Vec<String>,
    words: HashSet<String>,
    ids: HashSet<String>,
}

impl Names {
    /// From `DisplayName`s and the ids of Chocolatey's own records.
    pub fn new<'a>(
        names: impl IntoIterator<Item = &'a str>,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut all = Self::default();
        for name in names {
            all.words.extend(words(name));
            all.squashed.push(squash(name));
        }
        all.squashed.sort_unstable();
        all.squashed.dedup();
        all.ids.extend(ids.into_iter().map(family));
        all
    }

    /// Whether a package with this id and title may be one of them.
    pub fn may_have(&self, id: &str, title: &str) -> bool {
        let family = family(id);
        if self.ids.contains(&family) {
            return true;
        }
        let is_named = |text: &str| {
            let text = squash(text);
            text.len() >= 3 && self.squashed.iter().any(|name| name.contains(&text))
        };
        let title = title.split(['(', '[']).next().unwrap_or_default();
        is_named(&family)
            || is_named(title)
            || words(title)
                .next()
                .is_some_and(|word| self.words.contains(&word))
    }
}

/// A package's id without what tells its kinds apart.
fn family(id: &str) -> String {
    let id = id.to_lowercase();
    let id = id
        .strip_suffix(".install")
        .or_else(|| id.strip_suffix(".portable"))
        .unwrap_or(&id);
    id.to_owned()
}

fn squash(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() >= 4)
        .map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn a_package_is_fetched_only_if_some_device_may_have_it() {
        let names = Names::new(
            [
                "7-Zip 24.09 (x64)",
                "Mozilla Firefox (x64 de)",
                "Google Chrome",
            ],
            ["notepadplusplus.install"],
        );
        for (id, title, expected) in [
            ("7zip.install", "7-Zip (Install)", true),
            ("firefox", "Mozilla Firefox", true),
            ("googlechrome", "Google Chrome", true),
            ("notepadplusplus", "Notepad++", true),
            ("vlc", "VLC media player", false),
            ("git.install", "Git", false),
        ] {
            assert_eq!(names.may_have(id, title), expected, "{id}");
        }
    }
}
