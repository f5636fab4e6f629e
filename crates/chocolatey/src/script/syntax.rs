//! The tree of a script, under caps.

use std::ops::ControlFlow;
use std::rc::Rc;

use tree_sitter::{Node, ParseOptions, ParseState, Parser, Tree};

/// How often the parser reports progress before it is stopped; real scripts need one report for each
/// 50 bytes.
const MAX_PROGRESS: u32 = 6_000;

pub(super) use super::prepare::prepare;

/// A text and the line on which it stands in its script.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) text: Rc<str>,
    pub(super) first_line: u32,
}

impl Source {
    pub(super) fn of<'s>(&'s self, node: Node<'_>) -> &'s str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    pub(super) fn line(&self, node: Node<'_>) -> u32 {
        self.first_line + u32::try_from(node.start_position().row).unwrap_or(u32::MAX / 2)
    }
}

/// A parser of `PowerShell`; `None` where the grammar does not fit it, which a test rules out.
pub(super) fn parser() -> Option<Parser> {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_powershell::LANGUAGE.into())
        .ok()?;
    Some(parser)
}

/// Parses a text; `None` where the parser gave up.
pub(super) fn parse(parser: &mut Parser, text: &str) -> Option<Tree> {
    let mut calls = 0_u32;
    let mut progress = |_: &ParseState| {
        calls += 1;
        if calls > MAX_PROGRESS {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let bytes = text.as_bytes();
    let tree = parser.parse_with_options(
        &mut |at: usize, _| bytes.get(at..).unwrap_or_default(),
        None,
        Some(options),
    );
    parser.reset();
    tree
}

/// Levels of the grammar that say nothing where they have one child.
const WRAPPERS: [&str; 18] = [
    "pipeline",
    "pipeline_chain",
    "logical_expression",
    "bitwise_expression",
    "comparison_expression",
    "additive_expression",
    "multiplicative_expression",
    "format_expression",
    "range_expression",
    "array_literal_expression",
    "unary_expression",
    "left_assignment_expression",
    "argument_expression",
    "logical_argument_expression",
    "bitwise_argument_expression",
    "comparison_argument_expression",
    "additive_argument_expression",
    "string_literal",
];

/// The same, of arguments of methods.
const MORE_WRAPPERS: [&str; 6] = [
    "multiplicative_argument_expression",
    "format_argument_expression",
    "range_argument_expression",
    "integer_literal",
    "key_expression",
    "command_name_expr",
];

/// The node inside of all levels that say nothing.
pub(super) fn peel(mut node: Node<'_>) -> Node<'_> {
    while node.child_count() == 1
        && (WRAPPERS.contains(&node.kind()) || MORE_WRAPPERS.contains(&node.kind()))
    {
        match node.child(0) {
            Some(child) => node = child,
            None => break,
        }
    }
    node
}

/// The named children without comments.
pub(super) fn named(node: Node<'_>) -> Vec<Node<'_>> {
    let mut all = children(node);
    all.retain(Node::is_named);
    all
}

/// The node's children without comments.
pub(super) fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.children(&mut cursor)
        .filter(|child| child.kind() != "comment")
        .collect()
}

/// The first error in the tree that is not inside of a command (whose words are read apart).
pub(super) fn first_error(root: Node<'_>) -> Option<Node<'_>> {
    if !root.has_error() {
        return None;
    }
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            return Some(node);
        }
        let enter = node.has_error() && node.kind() != "command";
        if enter && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return None;
            }
        }
    }
}
