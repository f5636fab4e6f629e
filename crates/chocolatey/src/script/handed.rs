//! Script blocks that commands and methods are handed: whether and how often they run is for those to
//! say that call them.

use std::rc::Rc;

use super::command::Invocation;
use super::command_names::{is_harmless, keeps_blocks};
use super::interpreter::{Flow, Interpreter, Weight, excerpt};
use super::parameters::Argument;
use super::value::{Block, Value};

/// How deep blocks are looked for in lists and tables.
const MAX_NESTED: usize = 4;

/// How many arguments, none of them known, a block is called with.
const ARGUMENTS: usize = 4;

impl Interpreter<'_> {
    /// Runs the blocks that a command is handed which calls them itself; of one that is not known to,
    /// it says what is to be found.
    pub(super) fn run_handed_to(&mut self, command: &Invocation<'_>) -> Option<String> {
        if keeps_blocks(command.name) {
            return None;
        }
        let blocks = self.handed(&command.arguments);
        if computes_properties(command.name) && self.may_hand_more(&command.arguments) {
            let what = format!(
                "what is not known may be a script block: {}",
                excerpt(command.text)
            );
            self.find(Weight::Review, command.line, what);
        }
        if blocks.is_empty() || self.extension_function(command.name).is_some() {
            return None;
        }
        let calls = is_harmless(command.name)
            || matches!(command.name, "select-object" | "sort-object" | "get-unique");
        if calls {
            self.run_blocks(&blocks, command.line);
            return None;
        }
        Some(format!(
            "hands a script block to a command: {}",
            excerpt(command.text)
        ))
    }

    /// Runs the blocks in values that are handed to what calls them itself.
    pub(super) fn run_handed(&mut self, values: &[Value], line: u32) {
        let mut blocks = Vec::new();
        for value in values {
            self.blocks_in(value, MAX_NESTED, &mut blocks);
        }
        self.run_blocks(&blocks, line);
    }

    /// The blocks in a command's arguments.
    pub(super) fn handed(&self, arguments: &[Argument]) -> Vec<Rc<Block>> {
        let mut blocks = Vec::new();
        for argument in arguments {
            match argument {
                Argument::Name(_, None) => {}
                Argument::Name(_, Some(value))
                | Argument::Value(value)
                | Argument::Splat(value) => self.blocks_in(value, MAX_NESTED, &mut blocks),
                Argument::Entries(entries) => {
                    for (_, value) in entries {
                        self.blocks_in(value, MAX_NESTED, &mut blocks);
                    }
                }
            }
        }
        blocks
    }

    /// Whether one of a command's arguments is not known at all, and so may be a block.
    fn may_hand_more(&self, arguments: &[Argument]) -> bool {
        arguments.iter().any(|argument| match argument {
            Argument::Name(_, None) => false,
            Argument::Name(_, Some(value)) | Argument::Value(value) | Argument::Splat(value) => {
                self.may_be_block(value, MAX_NESTED)
            }
            Argument::Entries(entries) => entries
                .iter()
                .any(|(_, value)| self.may_be_block(value, MAX_NESTED)),
        })
    }

    fn may_be_block(&self, value: &Value, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else {
            return true;
        };
        match value {
            // Which of two blocks it is may be asked of the device.
            Value::Unknown(_) | Value::Asked(_) => true,
            Value::Array(items) => items.all.iter().any(|it| self.may_be_block(it, depth)),
            Value::Table(id) => {
                let mut entries = self.state.tables.get(id).into_iter().flatten();
                entries.any(|(_, it)| self.may_be_block(it, depth))
            }
            _ => false,
        }
    }

    fn blocks_in(&self, value: &Value, depth: usize, blocks: &mut Vec<Rc<Block>>) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        match value {
            Value::Block(block) if !blocks.contains(block) => blocks.push(Rc::clone(block)),
            Value::Array(items) => {
                for item in &items.all {
                    self.blocks_in(item, depth, blocks);
                }
            }
            Value::List(id) => {
                if let Some(items) = self.state.lists.get(id) {
                    self.blocks_in(items, depth, blocks);
                }
            }
            Value::Table(id) => {
                for (_, item) in self.state.tables.get(id).into_iter().flatten() {
                    self.blocks_in(item, depth, blocks);
                }
            }
            _ => {}
        }
    }

    /// Runs blocks once each, as what may run or not, on what is not known.
    pub(super) fn run_blocks(&mut self, blocks: &[Rc<Block>], line: u32) {
        for block in blocks {
            let before = self.fork();
            let open = || Value::unknown("what a script block is handed is not known");
            let item = self.current_item();
            self.set_local("_", open());
            let arguments = vec![Argument::Value(open()); ARGUMENTS];
            let (_, flow) = self.uncertainly(|this| this.call_block(block, arguments, line));
            self.restore_item(item);
            let after = std::mem::take(&mut self.state);
            self.join(before, after, None);
            if !matches!(flow, Flow::Next | Flow::Return) {
                let what = "a script block that is handed over may end the script";
                self.find(Weight::Review, line, what);
            }
        }
    }
}

/// Whether a command takes properties that script blocks compute, or runs one itself, and nothing that
/// is often not known.
fn computes_properties(name: &str) -> bool {
    matches!(
        name,
        "sort-object"
            | "select-object"
            | "group-object"
            | "measure-command"
            | "format-list"
            | "format-table"
            | "format-wide"
    )
}
