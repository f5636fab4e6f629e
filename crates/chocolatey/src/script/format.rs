//! The format operator `-f`. Source of the forms: .NET, 'Composite formatting'.

use super::interpreter::MAX_TEXT;
use super::value::Value;

/// The widest that a number is padded to.
const MAX_WIDTH: usize = 64;

/// `-f`: places `{0}`, and whole numbers with `D`, `X` or zeros.
pub(super) fn format(left: &Value, right: &Value) -> Value {
    let Value::Text(pattern) = left else {
        return Value::unknown("the format is not known");
    };
    let arguments = match right {
        Value::Array(items) => items.all.clone(),
        other => vec![other.clone()],
    };
    let mut result = String::new();
    let mut rest = pattern.as_ref();
    while let Some(at) = rest.find(['{', '}']) {
        result.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(behind) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
            result.push_str(&rest[..1]);
            rest = behind;
            continue;
        }
        let place = rest.strip_prefix('{').and_then(|it| it.split_once('}'));
        let written = place.and_then(|(place, _)| item(place, &arguments));
        let (Some((_, behind)), Some(written)) = (place, written) else {
            return Value::unknown("the format is not analysed");
        };
        result.push_str(&written);
        if result.len() > MAX_TEXT {
            return Value::unknown("the text is too long");
        }
        rest = behind;
    }
    result.push_str(rest);
    Value::text(result)
}

/// One place: `0`, `0:D2`.
fn item(place: &str, arguments: &[Value]) -> Option<String> {
    let (number, form) = match place.split_once(':') {
        Some((number, form)) => (number, Some(form)),
        None => (place, None),
    };
    let argument = arguments.get(number.trim().parse::<usize>().ok()?)?;
    let Some(form) = form else {
        return Some(argument.to_text());
    };
    let Value::Int(number) = argument else {
        return None;
    };
    let width = |text: &str| {
        let width = if text.is_empty() {
            0
        } else {
            text.parse().ok()?
        };
        (width <= MAX_WIDTH && *number >= 0).then_some(width)
    };
    if !form.is_empty() && form.chars().all(|c| c == '0') {
        let width = width(&form.len().to_string())?;
        return Some(format!("{number:0width$}"));
    }
    match form.chars().next()? {
        'D' | 'd' => {
            let width = width(&form[1..])?;
            Some(format!("{number:0width$}"))
        }
        'X' => {
            let width = width(&form[1..])?;
            Some(format!("{number:0width$X}"))
        }
        'x' => {
            let width = width(&form[1..])?;
            Some(format!("{number:0width$x}"))
        }
        _ => None,
    }
}
