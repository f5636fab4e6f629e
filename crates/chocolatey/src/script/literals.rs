//! The texts that stand in a script as such, and where.

use std::ops::Range;

use tree_sitter::Node;

use super::syntax;

/// A text of a script, as it is written there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal {
    /// Where it stands, with its quotes, in bytes.
    pub(crate) range: Range<usize>,
    /// What of it is fixed: between two parts there is something that only its run knows.
    pub(crate) parts: Vec<String>,
}

/// All texts of a script in one piece, in order. `None` where the parser gave up.
pub(crate) fn literals(text: &str) -> Option<Vec<Literal>> {
    let mut parser = syntax::parser()?;
    // The grammar reads some last lines rightly only where a line break ends them.
    let text = &format!("{text}\n");
    let tree = syntax::parse(&mut parser, text)?;
    let mut found = Vec::new();
    let (mut commands, mut comments) = (Vec::new(), Vec::new());
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        let literal = read(node, text);
        let enter = literal.is_none();
        match node.kind() {
            "command" => commands.push(node.byte_range()),
            "comment" => comments.push(node.byte_range()),
            _ => {}
        }
        found.extend(literal);
        if enter && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                let quoted = found.iter().map(|it: &Literal| it.range.clone());
                let closed: Vec<Range<usize>> = quoted.chain(comments).collect();
                for command in commands {
                    found.extend(bare_addresses(text, command, &closed));
                }
                found.sort_by_key(|it| it.range.start);
                found.dedup();
                return Some(found);
            }
        }
    }
}

/// Addresses that stand among a command's words without quotes. The grammar takes some of them apart.
fn bare_addresses(text: &str, command: Range<usize>, closed: &[Range<usize>]) -> Vec<Literal> {
    let words = text.get(command.clone()).unwrap_or_default();
    let ends = |c: char| c.is_whitespace() || ";,|(){}'\"`$@<>".contains(c);
    let mut found = Vec::new();
    for (place, _) in words.match_indices("http") {
        let start = command.start + place;
        let word = words[place..].split(ends).next().unwrap_or_default();
        let is_address = word.starts_with("http://") || word.starts_with("https://");
        let stands_alone = words[..place].ends_with(char::is_whitespace)
            && words[place + word.len()..]
                .chars()
                .next()
                .is_none_or(|c| !"$(`'\"".contains(c));
        if is_address && stands_alone && !closed.iter().any(|it| it.contains(&start)) {
            found.push(Literal {
                range: start..start + word.len(),
                parts: vec![word.to_owned()],
            });
        }
    }
    found
}

fn read(node: Node<'_>, text: &str) -> Option<Literal> {
    let range = node.byte_range();
    let written = text.get(range.clone())?;
    let parts = match node.kind() {
        "verbatim_string_characters" => {
            let inside = written.strip_prefix('\'')?.strip_suffix('\'')?;
            vec![inside.replace("''", "'")]
        }
        "expandable_string_literal" => expandable(node, text)?,
        _ => return None,
    };
    Some(Literal { range, parts })
}

/// The fixed parts of a text in double quotes. `None` where it has escapes: no address needs them.
fn expandable(node: Node<'_>, text: &str) -> Option<Vec<String>> {
    let range = node.byte_range();
    let (mut at, end) = (range.start + 1, range.end.checked_sub(1)?);
    let mut parts = Vec::new();
    let mut cursor = node.walk();
    for child in node.children(&mut cursor) {
        let inner = child.byte_range();
        if matches!(child.kind(), "variable" | "sub_expression") && inner.start >= at {
            parts.push(text.get(at..inner.start)?.to_owned());
            at = inner.end;
        }
    }
    parts.push(text.get(at..end)?.to_owned());
    let is_plain = |part: &String| !part.contains(['`', '"', '$', '\n', '\r']);
    parts.iter().all(is_plain).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_with_what_is_fixed_in_them() {
        let script = "$a = @{ url = 'https://a/it''s'; b = \"https://a/$v/$($v + 'x')/b\" }\n\
                      Install-It acme https://a/1.0/c.exe \"`$x\" # 'no' https://a/no\n\
                      Install-It https://a/$v/d.exe \"$(Get-It https://a/e)\"\n";
        let found = literals(script).unwrap();
        let shown: Vec<(&str, Vec<&str>)> = found
            .iter()
            .map(|it| {
                let parts = it.parts.iter().map(String::as_str).collect();
                (&script[it.range.clone()], parts)
            })
            .collect();
        for expected in [
            ("'https://a/it''s'", vec!["https://a/it's"]),
            (
                "\"https://a/$v/$($v + 'x')/b\"",
                vec!["https://a/", "/", "/b"],
            ),
            ("https://a/1.0/c.exe", vec!["https://a/1.0/c.exe"]),
        ] {
            assert!(shown.contains(&expected), "{expected:?} in {shown:?}");
        }
        assert!(
            !shown
                .iter()
                .any(|(text, _)| *text == "'no'" || *text == "\"`$x\"")
        );
    }
}
