//! What a script cuts off a text that only the device knows, before it uses it.

use serde::{Deserialize, Serialize};

/// A change of a text that depends on nothing else: [`Cut::apply`] does it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "cut", rename_all = "snake_case")]
pub enum Cut {
    /// Each occurrence of a text is replaced by another.
    Replace {
        /// What is replaced; never empty.
        from: String,
        /// What stands there instead.
        to: String,
        /// Whether the letter case of what is replaced does not matter: of ASCII letters, all that
        /// it has.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        any_case: bool,
    },
    /// Characters are taken off.
    Trim {
        /// These characters; empty: blanks of all kinds.
        set: String,
        /// At which ends.
        ends: Ends,
    },
    /// The text is split, and one of its parts taken.
    Part {
        /// What stands between the parts: each of these characters, or all of it as one text in any
        /// letter case; never empty.
        at: String,
        /// Whether each of the characters stands between parts.
        each: bool,
        /// Which part, from 0; negative: from the end, the last is -1. `None`: all of them, as a list.
        place: Option<i64>,
    },
    /// Of a path the folder above it, as `Split-Path` gives it.
    Folder,
}

/// The ends of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// Both.
    Both,
    /// Where it begins.
    Start,
    /// Where it ends.
    End,
}

impl Cut {
    /// What is left of a text; `None`: nothing, for it has no such part.
    pub fn apply(&self, text: &str) -> Option<String> {
        Some(match self {
            Self::Replace { from, to, any_case } if *any_case => {
                pieces(text, from).collect::<Vec<_>>().join(to)
            }
            Self::Replace { from, to, .. } => text.replace(from.as_str(), to),
            Self::Trim { set, ends } => {
                let is_cut = |c: char| {
                    if set.is_empty() {
                        c.is_whitespace()
                    } else {
                        set.contains(c)
                    }
                };
                match ends {
                    Ends::Both => text.trim_matches(is_cut),
                    Ends::Start => text.trim_start_matches(is_cut),
                    Ends::End => text.trim_end_matches(is_cut),
                }
                .to_owned()
            }
            Self::Folder => {
                let separators = ['\\', '/'];
                let path = text.trim_end_matches(separators);
                let at = path.rfind(separators)?;
                // The folder above all on a drive keeps its end.
                let end = at + usize::from(path[..at].ends_with(':'));
                path[..end].to_owned()
            }
            Self::Part { at, each, place } => {
                let parts: Vec<&str> = if *each {
                    text.split(|c| at.contains(c)).collect()
                } else {
                    pieces(text, at).collect()
                };
                let place = (*place)?;
                let place = if place < 0 {
                    place.checked_add_unsigned(parts.len() as u64)?
                } else {
                    place
                };
                (*parts.get(usize::try_from(place).ok()?)?).to_owned()
            }
        })
    }

    /// It in words, behind the name of the text.
    pub fn label(&self) -> String {
        match self {
            Self::Replace { from, to, any_case } => {
                let case = if *any_case { " in any letter case" } else { "" };
                if to.is_empty() {
                    format!("without each '{from}'{case}")
                } else {
                    format!("with '{to}' for each '{from}'{case}")
                }
            }
            Self::Trim { set, ends } => {
                let what = if set.is_empty() {
                    "blanks".to_owned()
                } else {
                    format!("any of '{set}'")
                };
                let place = match ends {
                    Ends::Both => "at both ends",
                    Ends::Start => "at its start",
                    Ends::End => "at its end",
                };
                format!("without {what} {place}")
            }
            Self::Folder => "the folder above".to_owned(),
            Self::Part { at, each, place } => {
                let at = if *each {
                    format!("split at any of '{at}'")
                } else {
                    format!("split at '{at}' in any letter case")
                };
                match place {
                    Some(place) if *place < 0 => format!("{at}, part {place} from the end"),
                    Some(place) => format!("{at}, part {place} from 0"),
                    None => at,
                }
            }
        }
    }

    /// Whether it leaves a list of texts.
    pub fn is_list(&self) -> bool {
        matches!(self, Self::Part { place: None, .. })
    }
}

/// The pieces of a text between the occurrences of another, ASCII letters in any case.
fn pieces<'t>(text: &'t str, at: &str) -> impl Iterator<Item = &'t str> {
    let (lower, at) = (text.to_ascii_lowercase(), at.to_ascii_lowercase());
    let mut ends: Vec<(usize, usize)> = Vec::new();
    let mut begin = 0;
    if !at.is_empty() {
        for (found, _) in lower.match_indices(&at) {
            ends.push((begin, found));
            begin = found + at.len();
        }
    }
    ends.push((begin, text.len()));
    ends.into_iter().map(move |(from, to)| &text[from..to])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_leaves_what_the_script_would() {
        let quotes = "\"C:\\A b\\u.exe\" /x";
        let replace = |from: &str, to: &str, any_case| Cut::Replace {
            from: from.to_owned(),
            to: to.to_owned(),
            any_case,
        };
        let trim = |set: &str, ends| Cut::Trim {
            set: set.to_owned(),
            ends,
        };
        let part = |at: &str, each, place| Cut::Part {
            at: at.to_owned(),
            each,
            place: Some(place),
        };
        for (cut, text, left) in [
            (replace("\"", "", false), quotes, Some("C:\\A b\\u.exe /x")),
            (replace("/i", "/X", true), "m /I{1}", Some("m /X{1}")),
            (replace("/i", "/X", false), "m /I{1}", Some("m /I{1}")),
            (trim("\"", Ends::Both), "\"\"a\"", Some("a")),
            (trim("\" ", Ends::End), "\"a\" ", Some("\"a")),
            (trim("", Ends::Start), " a ", Some("a ")),
            (part("\"", true, 1), quotes, Some("C:\\A b\\u.exe")),
            (part("\"", true, -1), quotes, Some(" /x")),
            (part("\"", true, 3), quotes, None),
            (part("\"", true, -4), quotes, None),
            (part(" /X", false, 0), quotes, Some("\"C:\\A b\\u.exe\"")),
            (part(" /S", false, 0), "ß /s", Some("ß")),
            (Cut::Folder, "C:\\A b\\u.exe", Some("C:\\A b")),
            (Cut::Folder, "C:\\u.exe", Some("C:\\")),
            (Cut::Folder, "u.exe", None),
        ] {
            assert_eq!(cut.apply(text).as_deref(), left, "{cut:?} of {text}");
        }
    }

    #[test]
    fn a_list_is_no_text() {
        let cut = Cut::Part {
            at: "\"".to_owned(),
            each: true,
            place: None,
        };
        assert!(cut.is_list());
        assert_eq!(cut.apply("a"), None);
    }
}
