//! Who may do what with a file or folder: its security descriptor as text, read and judged.
//!
//! Source: Microsoft, 'Security Descriptor String Format', 'ACE Strings', 'SID Strings', 'File
//! Access Rights Constants'.

/// `DELETE`, `WRITE_DAC`, `WRITE_OWNER`, `FILE_DELETE_CHILD` and `GENERIC_ALL`: who has one of them
/// on a folder can put something else in the place of what is in it, or give himself the right to.
pub(super) const REPLACES: u32 = 0x1_0000 | 0x4_0000 | 0x8_0000 | 0x40 | GENERIC_ALL;
/// Also `FILE_WRITE_DATA`, `FILE_APPEND_DATA` (on a folder: to add a file, to add a folder) and
/// `GENERIC_WRITE`.
pub(super) const WRITES: u32 = REPLACES | 0x2 | 0x4 | 0x4000_0000;
const GENERIC_ALL: u32 = 0x1000_0000;

/// The service that owns Windows's own files.
const TRUSTED_INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";

/// The two-letter rights. Those of `FA` to `FX` are the file rights that they stand for.
const RIGHTS: [(&str, u32); 21] = [
    ("GA", GENERIC_ALL),
    ("GR", 0x8000_0000),
    ("GW", 0x4000_0000),
    ("GX", 0x2000_0000),
    ("RC", 0x2_0000),
    ("SD", 0x1_0000),
    ("WD", 0x4_0000),
    ("WO", 0x8_0000),
    ("FA", 0x1F_01FF),
    ("FR", 0x12_0089),
    ("FW", 0x12_0116),
    ("FX", 0x12_00A0),
    ("CC", 0x1),
    ("DC", 0x2),
    ("LC", 0x4),
    ("SW", 0x8),
    ("RP", 0x10),
    ("WP", 0x20),
    ("DT", 0x40),
    ("LO", 0x80),
    ("CR", 0x100),
];

/// Whom an agent with an administrator's rights trusts with what it runs from.
#[derive(Debug)]
pub(super) struct Trusted {
    /// The SID of the user that the agent runs as.
    pub(super) user: String,
}

impl Trusted {
    /// Whether somebody, as a descriptor names him, is the system, an administrator by his place, or
    /// the agent's own user.
    pub(super) fn has(&self, who: &str) -> bool {
        let is_of_domain = |relative: &str| {
            who.starts_with("S-1-5-21-") && who.rsplit('-').next() == Some(relative)
        };
        // SY, BA: the system, administrators. LA, DA, EA: the account 'Administrator', the
        // administrators of the domain and of the enterprise.
        ["SY", "BA", "LA", "DA", "EA", TRUSTED_INSTALLER].contains(&who)
            || ["S-1-5-18", "S-1-5-32-544"].contains(&who)
            || ["500", "512", "519"].into_iter().any(is_of_domain)
            || who == self.user
    }
}

/// What a security descriptor says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Access {
    /// Who owns it, and so can always let himself in.
    pub(super) owner: String,
    /// Whether it takes nothing over from the folder above.
    pub(super) is_protected: bool,
    /// Who is let in; `None`: everybody, for everything.
    entries: Option<Vec<Entry>>,
}

/// Whom one entry lets in.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    who: String,
    /// None in an entry that keeps somebody out: that is not counted, which can only make the
    /// judgement harder.
    rights: u32,
    /// Only for what is in the folder, not for itself.
    inherit_only: bool,
}

impl Access {
    /// Reads a descriptor. `None` for one that is not understood.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut owner = None;
        let (mut is_protected, mut entries) = (false, None);
        for (name, value) in sections(text)? {
            match name {
                'O' => owner = Some(value.to_owned()),
                'D' => {
                    let (flags, list) = value.split_at(value.find('(').unwrap_or(value.len()));
                    if flags.contains("NO_ACCESS_CONTROL") {
                        continue;
                    }
                    is_protected = flags.contains('P');
                    let read: Option<Vec<_>> = entry_texts(list)?.into_iter().map(entry).collect();
                    entries = Some(read?);
                }
                _ => {}
            }
        }
        Some(Self {
            owner: owner?,
            is_protected,
            entries,
        })
    }

    /// Somebody who is not trusted and has one of these rights.
    pub(super) fn stranger(&self, trusted: &Trusted, rights: u32) -> Option<&str> {
        let Some(entries) = &self.entries else {
            return Some("WD");
        };
        // CO, OW: who made it, and its owner; both stand for the owner, who is looked at.
        let is_stranger = |who: &str| !trusted.has(who) && !["CO", "OW"].contains(&who);
        entries
            .iter()
            .find(|it| !it.inherit_only && it.rights & rights != 0 && is_stranger(&it.who))
            .map(|it| it.who.as_str())
    }

    /// Whether nobody but the system and administrators gets in.
    pub(super) fn is_closed(&self) -> bool {
        let is_theirs = |who: &str| ["SY", "BA", "S-1-5-18", "S-1-5-32-544"].contains(&who);
        let is_shut = |it: &Entry| it.rights == 0 || is_theirs(&it.who);
        let entries = self.entries.as_ref();
        is_theirs(&self.owner) && entries.is_some_and(|entries| entries.iter().all(is_shut))
    }
}

/// A name for somebody, as a person knows it where there is one.
pub(super) fn name(who: &str) -> String {
    match who {
        "WD" | "S-1-1-0" => "Everyone",
        "AU" | "S-1-5-11" => "Authenticated Users",
        "BU" | "S-1-5-32-545" => "Users",
        "IU" | "S-1-5-4" => "Interactive",
        "PU" => "Power Users",
        "BG" => "Guests",
        _ => return format!("the account {who}"),
    }
    .to_owned()
}

/// The parts `O:…`, `G:…`, `D:…` and `S:…`. Conditions in entries may have any characters.
fn sections(text: &str) -> Option<Vec<(char, &str)>> {
    let mut starts = Vec::new();
    let mut depth = 0_u32;
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            ':' if depth == 0 => starts.push(at.checked_sub(1)?),
            _ => {}
        }
    }
    if depth > 0 {
        return None;
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let parts = starts.iter().zip(ends).map(|(start, end)| {
        let name = text.get(*start..*start + 1)?.chars().next()?;
        Some((name, text.get(*start + 2..end)?))
    });
    parts.collect()
}

/// The insides of `(…)(…)`.
fn entry_texts(list: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    let (mut depth, mut start) = (0_u32, 0);
    for (at, character) in list.char_indices() {
        match character {
            '(' => {
                depth += 1;
                if depth == 1 {
                    start = at + 1;
                }
            }
            ')' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    found.push(&list[start..at]);
                }
            }
            _ => {}
        }
    }
    Some(found)
}

fn entry(text: &str) -> Option<Entry> {
    let mut fields = text.splitn(7, ';');
    let (kind, flags, rights) = (fields.next()?, fields.next()?, mask(fields.next()?)?);
    let who = fields.nth(2)?.to_owned();
    // A, XA: allowed, allowed under a condition. OA, ZA: for an object of a directory.
    let lets_in = ["A", "XA", "OA", "ZA"].contains(&kind);
    Some(Entry {
        who,
        rights: if lets_in { rights } else { 0 },
        inherit_only: flags.as_bytes().chunks(2).any(|flag| flag == b"IO"),
    })
}

fn mask(text: &str) -> Option<u32> {
    if let Some(hex) = text.strip_prefix("0x") {
        return u32::from_str_radix(hex, 16).ok();
    }
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return text.parse().ok();
    }
    let words = text.as_bytes().chunks(2).map(|word| {
        let known = RIGHTS.iter().find(|(name, _)| name.as_bytes() == word);
        known.map(|(_, rights)| rights)
    });
    words.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "S-1-5-21-1-2-3-1001";

    fn access(text: &str) -> Access {
        Access::read(text).unwrap_or_else(|| panic!("not read: {text}"))
    }

    fn stranger(text: &str, rights: u32) -> Option<String> {
        let trusted = Trusted {
            user: "S-1-5-18".to_owned(),
        };
        access(text).stranger(&trusted, rights).map(str::to_owned)
    }

    #[test]
    fn folders_of_windows_itself_let_nobody_else_replace_what_is_in_them() {
        for (place, descriptor) in [
            (
                r"C:\",
                "O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464G:S-1-5-80-9560088\
                 85-3418522649-1831038044-1853292631-2271478464D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA\
                 )(A;OICI;0x1200a9;;;BU)(A;OICIIO;SDGXGWGR;;;AU)(A;;LC;;;AU)",
            ),
            (
                r"C:\ProgramData",
                "O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;\
                 BU)(A;CI;DCLCRPCR;;;BU)",
            ),
            (
                r"C:\Program Files",
                "O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464D:PAI(A;;FA;;;S-1-\
                 5-80-956008885-3418522649-1831038044-1853292631-2271478464)(A;CIIO;GA;;;S-1-5-80-9\
                 56008885-3418522649-1831038044-1853292631-2271478464)(A;;0x1301bf;;;SY)(A;OICIIO;G\
                 A;;;SY)(A;;0x1301bf;;;BA)(A;OICIIO;GA;;;BA)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)(\
                 A;OICIIO;GA;;;CO)(A;;0x1200a9;;;AC)(A;OICIIO;GXGR;;;AC)",
            ),
        ] {
            assert_eq!(stranger(descriptor, REPLACES), None, "{place}");
            let trusted = Trusted {
                user: USER.to_owned(),
            };
            assert!(trusted.has(&access(descriptor).owner), "{place}");
        }
    }

    #[test]
    fn who_else_may_do_what_is_told_by_name_and_right() {
        let folder = |entries: &str| format!("O:BAG:BAD:AI{entries}");
        for (entries, replaces, writes) in [
            ("(A;OICI;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;LA)", None, None),
            ("(A;ID;0x1200a9;;;BU)", None, None),
            ("(A;ID;0x1301bf;;;AU)", Some("AU"), Some("AU")),
            ("(A;CIID;DCLCRPCR;;;BU)", None, Some("BU")),
            ("(A;;LC;;;AU)", None, Some("AU")),
            ("(A;;FA;;;WD)", Some("WD"), Some("WD")),
            ("(A;;GW;;;WD)", None, Some("WD")),
            ("(A;;0x40;;;BU)", Some("BU"), Some("BU")),
            ("(A;;WO;;;S-1-5-21-1-2-3-1001)", Some(USER), Some(USER)),
            ("(A;;FA;;;S-1-5-21-1-2-3-512)", None, None),
            ("(A;;FA;;;CO)(A;;FA;;;OW)", None, None),
            ("(A;OICIIO;FA;;;BU)", None, None),
            ("(A;IOOICI;FA;;;BU)", None, None),
            ("(D;;FA;;;BU)", None, None),
            ("(D;;FA;;;BU)(A;;FA;;;BU)", Some("BU"), Some("BU")),
            (
                "(XA;;FA;;;BU;(@User.Title == \"a:b\"))",
                Some("BU"),
                Some("BU"),
            ),
        ] {
            let text = folder(entries);
            assert_eq!(stranger(&text, REPLACES).as_deref(), replaces, "{entries}");
            assert_eq!(stranger(&text, WRITES).as_deref(), writes, "{entries}");
        }
        for open in ["O:BAG:BA", "O:BAD:NO_ACCESS_CONTROL"] {
            assert_eq!(stranger(open, REPLACES).as_deref(), Some("WD"), "{open}");
        }
        assert_eq!(
            stranger("O:BAD:P", WRITES),
            None,
            "an empty list is for nobody"
        );
    }

    #[test]
    fn only_what_is_for_system_and_administrators_alone_is_closed() {
        for (text, is_closed) in [
            ("O:BAG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)", true),
            ("O:SYD:P(A;OICI;FA;;;S-1-5-18)", true),
            ("O:BAD:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)", true),
            ("O:BAD:P(D;OICI;FA;;;BU)(A;OICI;FA;;;BA)", true),
            ("O:BAD:PAI(A;OICI;FA;;;SY)(A;OICIIO;GR;;;BU)", false),
            ("O:LAD:P(A;OICI;FA;;;SY)", false),
            ("O:BAD:PNO_ACCESS_CONTROL", false),
            ("O:BA", false),
        ] {
            assert_eq!(access(text).is_closed(), is_closed, "{text}");
        }
        assert!(access("O:BAD:PAI(A;;FA;;;SY)").is_protected);
        assert!(!access("O:BAD:AI(A;;FA;;;SY)").is_protected);
    }

    #[test]
    fn what_is_not_a_descriptor_is_not_guessed_at() {
        for text in [
            "",
            "D:(A;;FA;;;BA)",
            "O:BAD:(A;;FA;;;BA",
            "O:BAD:A;;FA;;;BA)",
            "O:BAD:(A;;ZZ;;;BA)",
            "O:BAD:(A;;0xgg;;;BA)",
            "O:BAD:(A;;FAF;;;BA)",
            "O:BAD:(A;;FA)",
            ":",
        ] {
            assert_eq!(Access::read(text), None, "{text}");
        }
    }

    #[test]
    fn people_are_named_as_windows_names_them() {
        assert_eq!(name("BU"), "Users");
        assert_eq!(name(USER), format!("the account {USER}"));
    }
}
