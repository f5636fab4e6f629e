//! Expressions: from a node of the tree to a value.

use tree_sitter::Node;

use super::doubt::negated;
use super::interpreter::{Flow, Interpreter, excerpt};
use super::state::{Table, set};
use super::statics::cast_value;
use super::syntax::{Source, children, named, peel};
use super::value::{Block, Value};

/// What the use of a regular expression counts for, in bytes that are looked at.
pub(super) const EXPRESSION_COST: usize = 64 * 1024;

impl Interpreter<'_> {
    pub(super) fn expression(&mut self, source: &Source, node: Node<'_>) -> Value {
        if !self.enter(source.line(node)) {
            return Value::unknown("it is nested too deep");
        }
        let value = self.expression_inside(source, peel(node));
        self.leave();
        value
    }

    fn expression_inside(&mut self, source: &Source, node: Node<'_>) -> Value {
        let text = source.of(node);
        let line = source.line(node);
        let is_text = node.kind().contains("string");
        if is_text && !self.charge(text.len()) {
            return Value::unknown("the script builds values that are too large");
        }
        match node.kind() {
            "verbatim_string_characters" => verbatim(text),
            "expandable_string_literal" => match unquote(text, '"') {
                Some(inside) => self.expand(inside, line, true),
                None => Value::unknown("the string does not end"),
            },
            "verbatim_here_string_characters" => {
                here_string(text).map_or(Value::unknown("the string does not end"), Value::text)
            }
            "expandable_here_string_literal" => match here_string(text) {
                Some(inside) => self.expand(inside, line, false),
                None => Value::unknown("the string does not end"),
            },
            "decimal_integer_literal" | "hexadecimal_integer_literal" => integer(text),
            "real_literal" => text
                .parse()
                .map_or(Value::unknown("the number is not analysed"), Value::Real),
            "variable" | "braced_variable" => {
                self.variable(text.trim_start_matches('$').trim_matches(['{', '}']))
            }
            "parenthesized_expression" | "sub_expression" => self.inner_value(source, node),
            "array_expression" => {
                let outputs = self.inner_statements(source, node);
                let outputs = self.solid_items(outputs);
                // `@($null)` has one item.
                if outputs.is_empty() && is_expression_alone(node) {
                    return Value::array(vec![Value::Null]);
                }
                Value::array(outputs.into_iter().flat_map(Value::into_items).collect())
            }
            "hash_literal_expression" => self.table(source, node),
            "array_literal_expression" => {
                let items = named(node)
                    .into_iter()
                    .map(|item| self.expression(source, item));
                Value::array(items.collect())
            }
            "script_block_expression" => {
                let inside = text
                    .trim()
                    .strip_prefix('{')
                    .and_then(|it| it.strip_suffix('}'));
                self.block(inside.unwrap_or(""), line)
            }
            "member_access" => self.member(source, node),
            "element_access" => self.element(source, node),
            "invokation_expression" => self.invocation(source, node),
            "cast_expression" => self.cast(source, node),
            "expression_with_unary_operator" => self.unary(source, node),
            "pre_increment_expression"
            | "post_increment_expression"
            | "pre_decrement_expression"
            | "post_decrement_expression" => self.increment(source, node),
            "pipeline" | "pipeline_chain" | "statement_list" | "command" => {
                let result = self.statements(source, node);
                Value::collapse(self.inside(result))
            }
            "type_literal" => Value::Type(type_name(text).into()),
            _ if node.child_count() == 3 => self.binary(source, node),
            kind => Value::unknown(format!("{} ({kind}) is not analysed", excerpt(text))),
        }
    }

    pub(super) fn block(&self, text: &str, line: u32) -> Value {
        Value::Block(
            Block {
                text: text.into(),
                line,
                script: self.script.clone(),
            }
            .into(),
        )
    }

    /// The value of `( )` and `$( )`.
    fn inner_value(&mut self, source: &Source, node: Node<'_>) -> Value {
        if node.kind() == "parenthesized_expression"
            && let [only] = named(node)[..]
        {
            let result = self.valued(source, only);
            return Value::collapse(self.inside(result));
        }
        Value::collapse(self.inner_statements(source, node))
    }

    /// The output of the statements inside of `( )`, `$( )`, `@( )`.
    fn inner_statements(&mut self, source: &Source, node: Node<'_>) -> Vec<Value> {
        let mut outputs = Vec::new();
        for child in named(node) {
            let (output, flow) = self.statements(source, child);
            outputs.extend(self.inside((output, flow)));
            if flow != Flow::Next {
                break;
            }
        }
        outputs
    }

    fn table(&mut self, source: &Source, node: Node<'_>) -> Value {
        let mut entries = Table::new();
        let bodies = named(node);
        for entry in bodies.into_iter().flat_map(named) {
            let parts = children(entry);
            let (Some(key), Some(value)) = (parts.first(), parts.get(2)) else {
                continue;
            };
            let key_node = peel(*key);
            let key = if key_node.kind() == "simple_name" {
                source.of(key_node).to_owned()
            } else {
                let key = self.expression(source, *key);
                if !key.is_known() {
                    return Value::unknown("a key of the table is not known");
                }
                key.to_text()
            };
            let result = self.statement(source, *value);
            let value = Value::collapse(self.inside(result));
            set(&mut entries, &key, value);
        }
        self.new_table(entries)
    }

    fn unary(&mut self, source: &Source, node: Node<'_>) -> Value {
        let parts = children(node);
        let [operator, operand] = parts[..] else {
            let inner = parts.first().copied();
            return inner.map_or(Value::Null, |inner| match inner.kind() {
                "expression_with_unary_operator" => {
                    Value::unknown(format!("{} is not analysed", excerpt(source.of(node))))
                }
                _ => self.expression(source, inner),
            });
        };
        let value = self.expression(source, operand);
        let value = self.solid(value);
        let result = match source.of(operator).to_ascii_lowercase().as_str() {
            "!" | "-not" => match value.truth() {
                Some(truth) => Value::Bool(!truth),
                None => Value::unknown(value.why()),
            },
            "," => return Value::array(vec![value]),
            "-" => match &value {
                Value::Int(number) => Value::Int(number.saturating_neg()),
                Value::Real(number) => Value::Real(-number),
                _ => Value::unknown("it is negated"),
            },
            "+" if matches!(value, Value::Int(_) | Value::Real(_)) => return value,
            "-join" => super::operator::operate("-join", value.clone(), &Value::text("")),
            "-split" => super::text::split_blanks(&value),
            other => Value::unknown(format!("the operator {other} is not analysed")),
        };
        self.or_asked(result, &[&value])
    }

    fn increment(&mut self, source: &Source, node: Node<'_>) -> Value {
        let text = source.of(node);
        let step = if text.contains("++") { 1 } else { -1 };
        let Some(operand) = named(node).first().map(|it| peel(*it)) else {
            return Value::unknown("it is not analysed");
        };
        let old = match self.expression(source, operand) {
            Value::Null => Value::Int(0),
            other => other,
        };
        let new = match &old {
            Value::Int(number) => Value::Int(number.saturating_add(step)),
            other => Value::unknown(other.why()),
        };
        self.assign(source, operand, "=", new.clone());
        if text.trim_start().starts_with(['+', '-']) {
            new
        } else {
            old
        }
    }

    fn binary(&mut self, source: &Source, node: Node<'_>) -> Value {
        let parts = children(node);
        let [left, operator, right] = parts[..] else {
            return Value::unknown(format!("{} is not analysed", excerpt(source.of(node))));
        };
        let operator = source.of(operator).trim().to_ascii_lowercase();
        let left = self.expression(source, left);
        let left = self.solid(left);
        // The right side runs only where the left one leaves it open.
        match (operator.as_str(), left.truth()) {
            ("-and", Some(false)) => return Value::Bool(false),
            ("-or", Some(true)) => return Value::Bool(true),
            _ => {}
        }
        let right = match operator.as_str() {
            "-and" | "-or" if left.truth().is_none() => {
                let text = source.of(parts[0]);
                let doubt = self.doubt(&left, text, source.line(parts[0]));
                let doubt = if operator == "-and" {
                    doubt
                } else {
                    negated(&doubt)
                };
                let outside = self.pending.take();
                let right = self.under(doubt.clone(), |this| this.expression(source, right));
                if let Some(flow) = self.pending.take() {
                    let state = self.fork();
                    let line = source.line(parts[0]);
                    self.depart(flow, state, Vec::new(), line, (&excerpt(text), doubt));
                }
                self.pending = outside;
                right
            }
            _ => self.expression(source, right),
        };
        let is_pattern = ["match", "replace", "split"]
            .iter()
            .any(|it| operator.contains(it));
        if is_pattern && !self.charge(EXPRESSION_COST) {
            return Value::unknown("the script applies too many regular expressions");
        }
        match operator.as_str() {
            "-match" | "-imatch" | "-cmatch" | "-notmatch" | "-inotmatch" => {
                self.match_operator(&operator, &left, &right)
            }
            "-as" => match &right {
                Value::Type(name) => {
                    let result = cast_value(name, left.clone());
                    self.or_asked(result, &[&left])
                }
                _ => Value::unknown("it is converted to a type that is not known"),
            },
            _ => self.apply(&operator, left, &right),
        }
    }
}

/// Whether brackets hold one variable or property, and no command or statement.
fn is_expression_alone(node: Node<'_>) -> bool {
    let mut inner = node;
    while inner.named_child_count() == 1
        && !matches!(
            inner.kind(),
            "variable" | "member_access" | "element_access"
        )
    {
        match inner.named_child(0) {
            Some(child) => inner = child,
            None => return false,
        }
    }
    matches!(
        inner.kind(),
        "variable" | "member_access" | "element_access"
    )
}

/// A type's name in lower case, without its brackets, `System.` and common namespaces.
pub(super) fn type_name(text: &str) -> String {
    let lower = text.trim().to_ascii_lowercase().replace(' ', "");
    let inner = lower.strip_prefix('[').unwrap_or(&lower);
    let inner = inner.strip_suffix(']').unwrap_or(inner);
    let inner = inner.strip_prefix("system.").unwrap_or(inner);
    match inner {
        "management.automation.switchparameter" | "switchparameter" => "switch".to_owned(),
        other => other.to_owned(),
    }
}

fn verbatim(text: &str) -> Value {
    unquote(text, '\'').map_or(Value::unknown("the string does not end"), |inside| {
        Value::text(inside.replace("''", "'"))
    })
}

fn unquote(text: &str, quote: char) -> Option<&str> {
    text.trim().strip_prefix(quote)?.strip_suffix(quote)
}

fn here_string(text: &str) -> Option<&str> {
    let (_, inside) = text.split_once('\n')?;
    let (inside, _) = inside.rsplit_once('\n').unwrap_or(("", ""));
    Some(inside.strip_suffix('\r').unwrap_or(inside))
}

/// As PowerShell reads it: eight digits are 32 bits, of which the first is the sign.
fn hexadecimal(digits: &str) -> Option<i64> {
    if digits.len() <= 8 {
        let bits = u32::from_str_radix(digits, 16).ok()?;
        return Some(i64::from(bits.cast_signed()));
    }
    u64::from_str_radix(digits, 16).ok().map(u64::cast_signed)
}

pub(super) fn integer(text: &str) -> Value {
    let lower = text.to_ascii_lowercase();
    let (digits, factor) = match lower {
        ref it if it.ends_with("kb") => (it[..it.len() - 2].to_owned(), 1024),
        ref it if it.ends_with("mb") => (it[..it.len() - 2].to_owned(), 1024 * 1024),
        ref it if it.ends_with("gb") => (it[..it.len() - 2].to_owned(), 1024 * 1024 * 1024),
        it => (it, 1),
    };
    let parsed = match digits.strip_prefix("0x") {
        Some(hex) => hexadecimal(hex),
        None => digits.parse().ok(),
    };
    parsed.and_then(|it: i64| it.checked_mul(factor)).map_or(
        Value::unknown(format!("the number {} is not analysed", excerpt(text))),
        Value::Int,
    )
}
