//! Script blocks that commands and methods are handed: whether and how often they run is for those to
//! say that call them.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::command::Invocation;
use super::command_names::{is_harmless, keeps_blocks};
use super::interpreter::{Flow, Interpreter, Weight, excerpt};
use super::parameters::Argument;
use super::value::{Block, Value};

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
        let blocks = self.blocks_in(values);
        self.run_blocks(&blocks, line);
    }

    /// The blocks in a command's arguments.
    pub(super) fn handed(&self, arguments: &[Argument]) -> Vec<Rc<Block>> {
        self.blocks_in(arguments.iter().flat_map(Argument::values))
    }

    fn blocks_in<'v>(&self, values: impl IntoIterator<Item = &'v Value>) -> Vec<Rc<Block>> {
        let mut blocks = Vec::new();
        self.each_within(values, &mut |it| {
            if let Value::Block(block) = it
                && !blocks.contains(block)
            {
                blocks.push(Rc::clone(block));
            }
        });
        blocks
    }

    /// Whether one of a command's arguments is not known at all, and so may be a block.
    fn may_hand_more(&self, arguments: &[Argument]) -> bool {
        let mut may = false;
        self.each_within(arguments.iter().flat_map(Argument::values), &mut |it| {
            // Which of two blocks it is may be asked of the device.
            may |= matches!(it, Value::Unknown(_) | Value::Asked(_));
        });
        may
    }

    /// Tells all values and what is in them: each table and list once, however many have it.
    fn each_within<'v>(
        &self,
        values: impl IntoIterator<Item = &'v Value>,
        tell: &mut impl FnMut(&Value),
    ) {
        let (mut tables, mut lists) = (BTreeSet::new(), BTreeSet::new());
        let mut open: Vec<&Value> = values.into_iter().collect();
        open.reverse();
        while let Some(value) = open.pop() {
            tell(value);
            match value {
                Value::Array(items) => open.extend(items.all.iter().rev()),
                Value::List(id) if lists.insert(*id) => open.extend(self.state.lists.get(id)),
                Value::Table(id) if tables.insert(*id) => {
                    let entries = self.state.tables.get(id).into_iter().flatten();
                    open.extend(entries.rev().map(|it| &it.1));
                }
                _ => {}
            }
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
