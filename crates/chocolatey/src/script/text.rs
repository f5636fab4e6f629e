//! Methods of texts and of other plain values. They compute on texts that are wholly known: a place
//! on the device could hold anything.

use super::interpreter::MAX_TEXT;
use super::value::Value;

/// A method's value; `None` where it is not understood.
pub(super) fn method(target: &Value, name: &str, arguments: &[Value]) -> Option<Value> {
    match (target, name, arguments) {
        (Value::Unknown(why), ..) if is_computed(name) => {
            return Some(Value::Unknown(why.clone()));
        }
        (Value::Text(_) | Value::Int(_) | Value::Version(_) | Value::Bool(_), "tostring", []) => {
            return Some(Value::text(target.to_text()));
        }
        (Value::Array(items), "contains", [wanted]) if target.is_known() => {
            let found = items.all.iter().any(|item| item == wanted);
            return Some(Value::Bool(found));
        }
        _ => {}
    }
    let Value::Text(text) = target else {
        return None;
    };
    if let ("trim" | "trimend", []) = (name, arguments) {
        // Blanks at the end of a path are none of the place at its beginning.
        return Some(Value::text(if name == "trim" {
            text.trim()
        } else {
            text.trim_end()
        }));
    }
    let text = target.as_plain()?;
    of_plain(text, name, arguments)
}

fn is_computed(name: &str) -> bool {
    matches!(
        name,
        "tolower"
            | "toupper"
            | "tostring"
            | "trim"
            | "trimend"
            | "trimstart"
            | "replace"
            | "substring"
            | "split"
            | "startswith"
            | "endswith"
    )
}

fn of_plain(text: &str, name: &str, arguments: &[Value]) -> Option<Value> {
    let plain: Vec<Option<String>> = arguments
        .iter()
        .map(|it| it.as_plain().map(str::to_owned))
        .collect();
    let first = plain.first().cloned().flatten();
    let second = plain.get(1).cloned().flatten();
    let number = |place: usize| match arguments.get(place) {
        Some(Value::Int(number)) => usize::try_from(*number).ok(),
        _ => None,
    };
    Some(match (name, arguments.len()) {
        ("tolower" | "tolowerinvariant", 0) => Value::text(text.to_lowercase()),
        ("toupper" | "toupperinvariant", 0) => Value::text(text.to_uppercase()),
        ("trimstart", 0) => Value::text(text.trim_start()),
        ("trim" | "trimstart" | "trimend", _) => {
            let set: Vec<char> = plain
                .into_iter()
                .collect::<Option<Vec<_>>>()?
                .concat()
                .chars()
                .collect();
            Value::text(match name {
                "trim" => text.trim_matches(&set[..]),
                "trimstart" => text.trim_start_matches(&set[..]),
                _ => text.trim_end_matches(&set[..]),
            })
        }
        ("replace", 2) => replace(text, &first?, &second?),
        ("startswith", 1) => Value::Bool(text.starts_with(&first?)),
        ("endswith", 1) => Value::Bool(text.ends_with(&first?)),
        ("contains", 1) => Value::Bool(text.contains(&first?)),
        ("equals", 1) => Value::Bool(text == first?),
        ("indexof", 1) => Value::Int(place(text, text.find(&first?))),
        ("lastindexof", 1) => Value::Int(place(text, text.rfind(&first?))),
        ("substring", 1 | 2) => {
            let units: Vec<char> = text.chars().collect();
            let from = number(0)?;
            let to = if arguments.len() == 2 {
                from.checked_add(number(1)?)?
            } else {
                units.len()
            };
            Value::text(units.get(from..to)?.iter().collect::<String>())
        }
        ("insert", 2) => {
            let at = number(0)?;
            let mut units: Vec<char> = text.chars().collect();
            if at > units.len() {
                return None;
            }
            units.splice(at..at, second?.chars());
            Value::text(units.into_iter().collect::<String>())
        }
        ("padleft" | "padright", 1 | 2) => {
            let width = number(0)?.min(1024);
            let fill = second.unwrap_or_else(|| " ".to_owned());
            let missing = width.saturating_sub(text.chars().count());
            let fill = fill.repeat(missing);
            Value::text(if name == "padleft" {
                fill + text
            } else {
                text.to_owned() + &fill
            })
        }
        // .NET Framework splits at each of the characters.
        ("split", 1) => {
            let set: Vec<char> = first?.chars().collect();
            let parts = text.split(&set[..]).map(Value::text);
            Value::array(parts.collect())
        }
        ("tochararray", 0) => {
            Value::array(text.chars().map(|c| Value::text(c.to_string())).collect())
        }
        _ => return None,
    })
}

fn place(text: &str, at: Option<usize>) -> i64 {
    at.map_or(-1, |at| text[..at].encode_utf16().count() as i64)
}

fn replace(text: &str, from: &str, to: &str) -> Value {
    if from.is_empty() {
        return Value::unknown("an empty text is replaced");
    }
    let growth = text.matches(from).count().saturating_mul(to.len());
    if growth > MAX_TEXT {
        return Value::unknown("the text is too long");
    }
    Value::text(text.replace(from, to))
}

/// `-split` without a pattern.
pub(super) fn split_blanks(value: &Value) -> Value {
    match value.as_plain() {
        Some(text) => Value::array(text.split_whitespace().map(Value::text).collect()),
        None => Value::unknown("what is split is not known"),
    }
}
