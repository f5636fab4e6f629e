//! Puts the paths of files into a script in place of their addresses.

use super::encoding::Encoding;
use super::{Placed, Refused};
use crate::script::literals::{Literal, literals};
use crate::script::{Script, as_address};

/// Stands at the end of a script that is signed.
const SIGNATURE: &str = "# SIG # Begin signature block";
/// How much of a text must be fixed for it to be taken for an address of which parts are not, in bytes.
const FIXED: usize = 8;

/// A script's new bytes; nothing where it names none of the addresses.
pub(super) fn script(script: &Script, files: &[Placed]) -> Result<Option<Vec<u8>>, Refused> {
    let path = &script.path;
    let Some((encoding, text)) = Encoding::read(&script.bytes) else {
        return Ok(None);
    };
    let Some(found) = literals(&text) else {
        return Ok(None);
    };
    let mut changed = String::with_capacity(text.len());
    let mut at = 0;
    for literal in found {
        if literal.range.start < at {
            continue;
        }
        let Some(file) = file_of(&literal, files) else {
            continue;
        };
        changed.push_str(&text[at..literal.range.start]);
        changed.push_str(&expression(&file.path));
        at = literal.range.end;
    }
    if at == 0 {
        return Ok(None);
    }
    if text.contains(SIGNATURE) {
        return Err(Refused::new(format!(
            "{path} is signed, and would not be any more"
        )));
    }
    changed.push_str(&text[at..]);
    encoding
        .write(&changed)
        .map(Some)
        .ok_or_else(|| Refused::new(format!("{path} cannot be written in its encoding")))
}

/// The file whose address a text is, or becomes. Where it could become that of several, none: the proof
/// tells whether it was right.
fn file_of<'f>(literal: &Literal, files: &'f [Placed]) -> Option<&'f Placed> {
    let parts = with_places(&literal.parts);
    if let [whole] = &parts[..] {
        return files.iter().find(|it| is_same(whole, &it.local.url));
    }
    let fixed: usize = parts.iter().map(String::len).sum();
    let mut fitting = files
        .iter()
        .filter(|it| fixed >= FIXED && fits(&parts, &it.local.url));
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}

/// Whether a text is an address, as the helpers take it.
fn is_same(text: &str, url: &str) -> bool {
    text == url || as_address(text.trim()) == url
}

/// Parts with those that the operator -f fills in taken out as well.
fn with_places(parts: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    for part in parts {
        let mut rest = part.as_str();
        while let Some((before, behind)) = place(rest) {
            all.push(before.to_owned());
            rest = behind;
        }
        all.push(rest.to_owned());
    }
    all
}

/// What is before and behind the first `{0}`.
fn place(text: &str) -> Option<(&str, &str)> {
    let start = text.find('{')?;
    let (inside, behind) = text[start + 1..].split_once('}')?;
    let is_number = !inside.is_empty() && inside.chars().all(|c| c.is_ascii_digit());
    is_number.then_some((&text[..start], behind))
}

/// Whether a text begins with the first part, ends with the last one, and has the others in between, in
/// order.
fn fits(parts: &[String], text: &str) -> bool {
    let (Some((first, rest)), true) = (parts.split_first(), parts.len() > 1) else {
        return false;
    };
    let Some((last, middle)) = rest.split_last() else {
        return false;
    };
    let inside = text
        .strip_prefix(first.as_str())
        .and_then(|it| it.strip_suffix(last.as_str()));
    let Some(mut inside) = inside else {
        return false;
    };
    for part in middle {
        match inside.find(part.as_str()) {
            Some(at) => inside = &inside[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// What names a file of the package in a script: one line, without anything that could be expanded but
/// the folder.
fn expression(path: &str) -> String {
    format!(
        "\"$env:ChocolateyPackageFolder\\{}\"",
        path.replace('/', "\\")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internalize::Local;

    fn placed(url: &str, path: &str) -> Placed {
        Placed {
            local: Local {
                url: url.to_owned(),
                sha256: String::new(),
                length: 1,
            },
            path: path.to_owned(),
        }
    }

    fn changed(text: &str) -> Option<String> {
        let files = [
            placed("https://a.example/1.0/x.exe", "tools/x.exe"),
            placed("https://a.example/1.0/x64.exe", "tools/x64.exe"),
        ];
        let it = Script {
            path: "tools/chocolateyInstall.ps1".to_owned(),
            bytes: text.as_bytes().to_vec(),
        };
        let bytes = script(&it, &files).unwrap()?;
        Some(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn addresses_become_paths_and_nothing_else_changes() {
        const X: &str = "\"$env:ChocolateyPackageFolder\\tools\\x.exe\"";
        const X64: &str = "\"$env:ChocolateyPackageFolder\\tools\\x64.exe\"";
        for (text, expected) in [
            (
                "$a = 'https://a.example/1.0/x.exe' # it\n",
                format!("$a = {X} # it\n"),
            ),
            (
                "$a = \"https://a.example/1.0/x64.exe\"",
                format!("$a = {X64}"),
            ),
            (
                "$a = \"https://a.example/$v/x64.exe\"",
                format!("$a = {X64}"),
            ),
            (
                "$a = 'https://a.example/{0}/x.exe' -f $v",
                format!("$a = {X} -f $v"),
            ),
            (
                "Get-It https://a.example/1.0/x.exe -b",
                format!("Get-It {X} -b"),
            ),
            (
                "$a = @{ url = 'https://a.example/1.0/x.exe'; url64 = \"$b/1.0/x64.exe\" }",
                format!("$a = @{{ url = {X}; url64 = {X64} }}"),
            ),
        ] {
            assert_eq!(changed(text), Some(expected), "{text}");
        }
        for text in [
            "$a = 'https://a.example/2.0/x.exe'",
            "# 'https://a.example/1.0/x.exe'",
            // It could become either.
            "$a = \"https://a.example/1.0/$name\"",
            "$a = \"$b.exe\"",
            "$a = 'https://a.example/'",
        ] {
            assert_eq!(changed(text), None, "{text}");
        }
    }

    #[test]
    fn a_signed_script_is_not_changed() {
        let text = format!("$a = 'https://a.example/1.0/x.exe'\n{SIGNATURE}\n# abc\n");
        let it = Script {
            path: "tools/chocolateyInstall.ps1".to_owned(),
            bytes: text.into_bytes(),
        };
        let files = [placed("https://a.example/1.0/x.exe", "tools/x.exe")];
        let why = script(&it, &files).unwrap_err().to_string();
        assert!(why.contains("is signed"), "{why}");
    }
}
