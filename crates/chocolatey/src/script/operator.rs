//! Operators of two operands, on values that need no tables.

use super::interpreter::MAX_TEXT;
use super::pattern;
use super::value::{HOLE, INSTALL_LOCATION, STAR, Value};

/// The most items of a range.
const MAX_RANGE: i64 = 1_000;

/// Applies an operator.
pub(super) fn operate(operator: &str, left: Value, right: &Value) -> Value {
    let plain = operator
        .strip_prefix("-i")
        .filter(|rest| is_comparison(rest))
        .or_else(|| operator.strip_prefix('-'))
        .unwrap_or(operator);
    match plain {
        "and" | "or" | "xor" => logical(plain, &left, right),
        "+" => add(left, right),
        "*" => multiply(&left, right),
        // `-` alone has nothing behind the dash.
        "/" | "%" | "" => arithmetic(operator, &left, right),
        ".." => range(&left, right),
        "f" => super::format::format(&left, right),
        "join" => join(&left, right),
        "split" => pattern::split(&left, right),
        "replace" => replace(left, right, false),
        "creplace" => replace(left, right, true),
        "contains" => contains(&left, right),
        "notcontains" => not(contains(&left, right)),
        "in" => contains(right, &left),
        "notin" => not(contains(right, &left)),
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "ceq" | "cne" | "like" | "notlike" => {
            compare_all(plain, &left, right)
        }
        "is" | "isnot" => is_type(plain == "is", &left, right),
        _ => Value::unknown(format!("the operator {operator} is not analysed")),
    }
}

fn is_comparison(rest: &str) -> bool {
    matches!(
        rest,
        "eq" | "ne"
            | "lt"
            | "le"
            | "gt"
            | "ge"
            | "like"
            | "notlike"
            | "replace"
            | "split"
            | "contains"
            | "notcontains"
            | "in"
            | "notin"
    )
}

fn unknown_operand() -> Value {
    Value::unknown("what it compares is not known")
}

fn not(value: Value) -> Value {
    match value {
        Value::Bool(it) => Value::Bool(!it),
        other => other,
    }
}

fn logical(operator: &str, left: &Value, right: &Value) -> Value {
    match (operator, left.truth(), right.truth()) {
        ("and", Some(false), _) | ("and", _, Some(false)) => Value::Bool(false),
        ("or", Some(true), _) | ("or", _, Some(true)) => Value::Bool(true),
        (_, Some(left), Some(right)) => Value::Bool(match operator {
            "and" => left && right,
            "or" => left || right,
            _ => left != right,
        }),
        _ => Value::unknown("a part of the condition is not known"),
    }
}

/// Comparisons of a list give the items that fit.
fn compare_all(operator: &str, left: &Value, right: &Value) -> Value {
    let Value::Array(items) = left else {
        return compare(operator, left, right).map_or_else(unknown_operand, Value::Bool);
    };
    let mut fitting = Vec::new();
    for item in &items.all {
        match compare(operator, item, right) {
            Some(true) => fitting.push(item.clone()),
            Some(false) => {}
            None => return unknown_operand(),
        }
    }
    Value::array(fitting)
}

fn compare(operator: &str, left: &Value, right: &Value) -> Option<bool> {
    match operator {
        "eq" => equal(left, right, false),
        "ne" => equal(left, right, false).map(|it| !it),
        "ceq" => equal(left, right, true),
        "cne" => equal(left, right, true).map(|it| !it),
        "like" => pattern::like(left, right),
        "notlike" => pattern::like(left, right).map(|it| !it),
        _ => {
            let order = order(left, right)?;
            Some(match operator {
                "lt" => order.is_lt(),
                "le" => order.is_le(),
                "gt" => order.is_gt(),
                _ => order.is_ge(),
            })
        }
    }
}

/// `-eq` of single values: the right one is converted to the left one's type.
fn equal(left: &Value, right: &Value, with_case: bool) -> Option<bool> {
    let may_be_null = |value: &Value| match value {
        Value::Text(text) => text.contains(INSTALL_LOCATION),
        other => other.may_be_none(),
    };
    match (left, right) {
        (Value::Unknown(_), _) | (_, Value::Unknown(_)) => None,
        (Value::Null, Value::Null) => Some(true),
        (Value::Null, other) | (other, Value::Null) => {
            if may_be_null(other) {
                None
            } else {
                Some(false)
            }
        }
        (Value::Bool(left), right) => right.truth().map(|right| *left == right),
        (Value::Text(left), _) => {
            // Two different texts of places may still be the same folder.
            if left.is_empty() && matches!(right, Value::Text(text) if !text.is_empty()) {
                return right.truth().map(|it| !it);
            }
            let right_text = match right {
                Value::Text(text) => text.as_ref().to_owned(),
                Value::Int(_) | Value::Real(_) | Value::Bool(_) | Value::Version(_) => {
                    right.to_text()
                }
                _ => return None,
            };
            if super::place::is_plain(left) && super::place::is_plain(&right_text) {
                return Some(if with_case {
                    **left == *right_text
                } else {
                    left.to_lowercase() == right_text.to_lowercase()
                });
            }
            // The same place, whatever it is on a device.
            if **left == *right_text && !left.contains([HOLE, STAR]) {
                return Some(true);
            }
            if right_text.is_empty() {
                return Value::Text(left.clone()).truth().map(|it| !it);
            }
            None
        }
        (Value::Table(left), Value::Table(right)) => Some(left == right),
        (Value::Table(_), other) => (!other.may_be_none()).then_some(false),
        _ => order(left, right).map(std::cmp::Ordering::is_eq),
    }
}

/// The order of numbers and versions.
fn order(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::Version(left), right) => {
            let right = match right {
                Value::Version(right) => right.clone(),
                Value::Text(text) => match super::statics::version(text) {
                    Value::Version(right) => right,
                    _ => return None,
                },
                _ => return None,
            };
            // A part that is not there is less than 0.
            let part = |parts: &[i64], place: usize| parts.get(place).copied().unwrap_or(-1);
            (0..4)
                .map(|place| part(left, place).cmp(&part(&right, place)))
                .find(|it| it.is_ne())
                .or(Some(std::cmp::Ordering::Equal))
        }
        // Digits and dots have the same order in every language.
        (Value::Text(left), Value::Text(right)) if is_dotted(left) && is_dotted(right) => {
            Some(left.cmp(right))
        }
        (Value::Int(_) | Value::Real(_), _) => number(left)?.partial_cmp(&number(right)?),
        _ => None,
    }
}

fn is_dotted(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Real(number) => Some(*number),
        Value::Bool(it) => Some(f64::from(u8::from(*it))),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn contains(list: &Value, item: &Value) -> Value {
    let items = list.clone().into_items();
    let mut is_open = false;
    for it in &items {
        match equal(it, item, false) {
            Some(true) => return Value::Bool(true),
            Some(false) => {}
            None => is_open = true,
        }
    }
    if is_open {
        unknown_operand()
    } else {
        Value::Bool(false)
    }
}

pub(super) fn add(left: Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Text(left), right) => {
            let right = right.to_text();
            if left.len() + right.len() > MAX_TEXT {
                return Value::unknown("the text is too long");
            }
            Value::text(left.as_ref().to_owned() + &right)
        }
        (left @ (Value::Int(_) | Value::Real(_)), right) => arithmetic("+", &left, right),
        (Value::Array(items), right) => {
            let mut all = items.all.clone();
            all.extend(right.clone().into_items());
            Value::array(all)
        }
        (Value::Null, right) => right.clone(),
        (left @ Value::Unknown(_), _) => left,
        _ => Value::unknown("what is added is not known"),
    }
}

fn arithmetic(operator: &str, left: &Value, right: &Value) -> Value {
    let unknown = || Value::unknown("what it computes with is not known");
    let whole = |value: &Value| match value {
        Value::Int(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok(),
        Value::Null => Some(0),
        _ => None,
    };
    if let (Some(left), Some(right)) = (whole(left), whole(right)) {
        let result = match operator {
            "+" => left.checked_add(right),
            "-" => left.checked_sub(right),
            "%" => left.checked_rem(right),
            "/" if right != 0 && left % right == 0 => left.checked_div(right),
            _ => None,
        };
        return result.map_or_else(unknown, Value::Int);
    }
    unknown()
}

fn multiply(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => left
            .checked_mul(*right)
            .map_or(Value::unknown("the number is too large"), Value::Int),
        // `$null` is 0, a truth value 0 or 1.
        (Value::Text(_), Value::Null) => multiply(left, &Value::Int(0)),
        (Value::Text(_), Value::Bool(is_on)) => multiply(left, &Value::Int(i64::from(*is_on))),
        (Value::Text(text), Value::Int(times))
            if *times >= 0 && text.len().saturating_mul(*times as usize) <= MAX_TEXT =>
        {
            Value::text(text.repeat(*times as usize))
        }
        _ => Value::unknown("what is multiplied is not known"),
    }
}

fn range(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Int(from), Value::Int(to)) if from.abs_diff(*to) < MAX_RANGE as u64 => {
            let items: Vec<Value> = if from <= to {
                (*from..=*to).map(Value::Int).collect()
            } else {
                (*to..=*from).rev().map(Value::Int).collect()
            };
            Value::array(items)
        }
        _ => Value::unknown("the range is not known"),
    }
}

fn join(left: &Value, right: &Value) -> Value {
    let items = left.clone().into_items();
    if items.iter().any(|item| matches!(item, Value::Unknown(_))) {
        return Value::unknown("a part of what is joined is not known");
    }
    let texts: Vec<String> = items.iter().map(Value::to_text).collect();
    let joined = texts.join(&right.to_text());
    if joined.len() > MAX_TEXT {
        return Value::unknown("the text is too long");
    }
    Value::text(joined)
}

/// `-replace`, on each item of a list.
fn replace(left: Value, right: &Value, with_case: bool) -> Value {
    let (from, to) = match right {
        Value::Array(items) => match &items.all[..] {
            [from, to] => (from.clone(), to.clone()),
            [from] => (from.clone(), Value::text("")),
            _ => return Value::unknown("the pattern is not known"),
        },
        from => (from.clone(), Value::text("")),
    };
    match left {
        Value::Array(items) => Value::array(
            items
                .all
                .iter()
                .map(|item| pattern::replace(item, &from, &to, with_case))
                .collect(),
        ),
        one => pattern::replace(&one, &from, &to, with_case),
    }
}

fn is_type(wanted: bool, value: &Value, kind: &Value) -> Value {
    let Value::Type(kind) = kind else {
        return Value::unknown("its type is not known");
    };
    if value.may_be_none() {
        return Value::unknown("its type is not known");
    }
    let fits = match (value, kind.as_ref()) {
        (Value::Text(_), "string")
        | (Value::Bool(_), "bool" | "boolean")
        | (Value::Int(_), "int" | "int32")
        | (Value::Array(_), "array" | "object[]")
        | (Value::Table(_), "hashtable" | "collections.hashtable")
        | (Value::Version(_), "version") => true,
        (
            _,
            "string"
            | "bool"
            | "boolean"
            | "int"
            | "int32"
            | "array"
            | "object[]"
            | "hashtable"
            | "collections.hashtable"
            | "version"
            | "switch",
        ) => false,
        _ => return Value::unknown("its type is not known"),
    };
    Value::Bool(fits == wanted)
}
