//! Commands that work on what the pipeline hands to them.

use std::rc::Rc;

use fleetmend_model::condition::{Fact, FactKind};

use super::arguments::plain;
use super::command::Invocation;
use super::expression::EXPRESSION_COST;
use super::interpreter::{self, Flow, Interpreter, Weight, excerpt};
use super::loops::MAX_ROUNDS;
use super::parameters::{Argument, Bound, Parameter, bind, switch, value};
use super::path;
use super::value::{Block, HOLE, STAR, Value};

static SELECT: [Parameter; 9] = [
    value("property", Some(0), &[]),
    value("first", None, &[]),
    value("last", None, &[]),
    value("skip", None, &[]),
    value("index", None, &[]),
    value("expandproperty", None, &[]),
    value("excludeproperty", None, &[]),
    switch("unique", &[]),
    switch("wait", &[]),
];

static SORT: [Parameter; 4] = [
    value("property", Some(0), &[]),
    switch("descending", &[]),
    switch("unique", &[]),
    value("culture", None, &[]),
];

static FOR_EACH: [Parameter; 6] = [
    value("process", Some(0), &[]),
    value("argumentlist", None, &["args"]),
    value("begin", None, &[]),
    value("end", None, &[]),
    value("membername", None, &[]),
    value("inputobject", None, &[]),
];

static ELSEWHERE: [Parameter; 3] = [
    value("scriptblock", Some(0), &["command"]),
    value("argumentlist", None, &["args"]),
    value("name", None, &[]),
];

/// Names that are of properties, whatever the object.
const PROPERTIES: [&str; 67] = [
    "name",
    "fullname",
    "basename",
    "extension",
    "directory",
    "directoryname",
    "parent",
    "root",
    "length",
    "count",
    "key",
    "value",
    "keys",
    "values",
    "id",
    "processname",
    "path",
    "pschildname",
    "pspath",
    "psparentpath",
    "psiscontainer",
    "displayname",
    "displayversion",
    "publisher",
    "uninstallstring",
    "quietuninstallstring",
    "installlocation",
    "version",
    "versioninfo",
    "fileversion",
    "productversion",
    "status",
    "state",
    "pathname",
    "lastwritetime",
    "creationtime",
    "caption",
    "description",
    "groups",
    "matches",
    "captures",
    "index",
    "line",
    "href",
    "links",
    "content",
    "definition",
    "source",
    "major",
    "minor",
    "build",
    "revision",
    "property",
    "localpath",
    "absolutepath",
    "host",
    "mainmodule",
    "filename",
    "driveletter",
    "deviceid",
    "size",
    "freespace",
    "username",
    "packagefullname",
    "packagename",
    "taskname",
    "servicename",
];

/// How names of methods begin that change something.
const VERBS: [&str; 41] = [
    "add",
    "append",
    "change",
    "clear",
    "close",
    "continue",
    "copy",
    "create",
    "decrypt",
    "delete",
    "disable",
    "dispose",
    "enable",
    "encrypt",
    "enter",
    "execute",
    "exit",
    "flush",
    "get",
    "init",
    "install",
    "invoke",
    "kill",
    "load",
    "move",
    "open",
    "pause",
    "put",
    "refresh",
    "remove",
    "rename",
    "replace",
    "reset",
    "set",
    "start",
    "stop",
    "terminate",
    "uninstall",
    "unload",
    "wait",
    "write",
];

impl Interpreter<'_> {
    pub(super) fn pipeline_command(
        &mut self,
        command: &Invocation<'_>,
    ) -> Option<(Vec<Value>, Flow)> {
        let input = || command.input.clone().unwrap_or_default();
        let arguments = || command.arguments.clone();
        Some(match command.name {
            "foreach-object" => self.for_each(command),
            "where-object" => (self.filter(command), Flow::Next),
            "select-object" => {
                let bound = bind(&SELECT, false, arguments());
                (self.select(&bound, input()), Flow::Next)
            }
            "sort-object" => {
                let bound = bind(&SORT, false, arguments());
                (sort(&bound, input()), Flow::Next)
            }
            "start-job" | "invoke-command" => self.run_elsewhere(command),
            "get-unique" => match &input()[..] {
                [] => (Vec::new(), Flow::Next),
                [one] => (vec![one.clone()], Flow::Next),
                _ => (
                    vec![Value::unknown("what passes the pipeline is not known")],
                    Flow::Next,
                ),
            },
            _ => return None,
        })
    }

    /// `Start-Job` and `Invoke-Command` on this machine: the block is run with variables of its own.
    fn run_elsewhere(&mut self, command: &Invocation<'_>) -> (Vec<Value>, Flow) {
        let bound = bind(&ELSEWHERE, false, command.arguments.clone());
        let (Some(Value::Block(block)), None) = (bound.get("scriptblock"), &bound.problem) else {
            let what = format!(
                "has effects that are not understood: {}",
                excerpt(command.text)
            );
            self.find(Weight::Custom, command.line, what);
            return (vec![Value::unknown("it is not analysed")], Flow::Next);
        };
        let arguments = bound.get("argumentlist").cloned().unwrap_or(Value::Null);
        let arguments = arguments.into_items().into_iter().map(Argument::Value);
        let block = Rc::clone(block);
        if command.name == "start-job" {
            let what = "a job runs beside the script: when it does what is not known";
            self.find(Weight::Review, command.line, what);
        }
        let (arguments, line) = (arguments.collect(), command.line);
        let (_, flow) = self.apart(|this| this.call_block(&block, arguments, line));
        let flow = match command.name {
            "invoke-command" => flow,
            _ => Flow::Next,
        };
        (vec![Value::unknown("it comes from a job")], flow)
    }

    fn for_each(&mut self, command: &Invocation<'_>) -> (Vec<Value>, Flow) {
        let line = command.line;
        // `% { } { } { }`: begin, process, end.
        let blocks: Vec<Rc<Block>> = command
            .arguments
            .iter()
            .filter_map(|argument| match argument {
                Argument::Value(Value::Block(block)) => Some(Rc::clone(block)),
                _ => None,
            })
            .collect();
        if blocks.len() > 1 {
            let what = format!("is not analysed: {}", excerpt(command.text));
            self.find(Weight::Review, line, what);
            return (vec![Value::unknown("it comes from a pipeline")], Flow::Next);
        }
        let bound = bind(&FOR_EACH, true, command.arguments.clone());
        let input = command.input.clone().unwrap_or_else(|| {
            // Without a pipeline it runs once.
            vec![bound.get("inputobject").cloned().unwrap_or(Value::Null)]
        });
        let block = |name: &str| match bound.get(name) {
            Some(Value::Block(block)) => Some(Rc::clone(block)),
            _ => None,
        };
        let member = bound.get("membername").or(bound.get("process"));
        if let Some(name) = member.and_then(Value::as_plain) {
            let name = name.to_ascii_lowercase();
            let found = input
                .into_iter()
                .map(|item| self.member_of_each(item, &name, command))
                .flat_map(Value::into_items);
            return (found.collect(), Flow::Next);
        }
        let process = block("process").filter(|_| bound.problem.is_none());
        let Some(process) = process else {
            let what = format!("is not analysed: {}", excerpt(command.text));
            self.find(Weight::Review, line, what);
            return (vec![Value::unknown("it comes from a pipeline")], Flow::Next);
        };
        let mut outputs = Vec::new();
        if let Some(begin) = block("begin") {
            let result = self.run_block(&begin);
            outputs.extend(self.inside(result));
        }
        let before = self.current_item();
        let nothing = self.nothing_of(&input, line);
        let mut body = |this: &mut Self, item| {
            this.set_local("_", item);
            // `return` in the block ends this item alone.
            match this.bounded(interpreter::Bound::Pipeline, |this| {
                this.run_block(&process)
            }) {
                (outputs, Flow::Return) => (outputs, Flow::Next),
                other => other,
            }
        };
        let (found, mut flow) = self.each(input, line, &mut body);
        outputs.extend(found);
        if let Some(nothing) = nothing.filter(|_| flow == Flow::Next) {
            flow = self.round_of_null(nothing, line, &mut body);
        }
        self.restore_item(before);
        if let Some(end) = block("end") {
            let result = self.run_block(&end);
            outputs.extend(self.inside(result));
        }
        (outputs, flow)
    }

    /// `ForEach-Object Name`: a property, or a method with what else the command is given.
    fn member_of_each(&mut self, item: Value, name: &str, command: &Invocation<'_>) -> Value {
        let values = command.arguments.iter().cloned().filter_map(plain);
        let arguments: Vec<Value> = values.skip(1).flat_map(Value::into_items).collect();
        if arguments.is_empty() {
            let value = self.property(&item, name);
            let is_known = !matches!(value, Value::Null | Value::Unknown(_) | Value::Asked(_));
            if is_known || PROPERTIES.contains(&name) || self.is_value_of_key(&item, name) {
                return value;
            }
        }
        self.call_method(item, name, &arguments, command.text, command.line)
    }

    /// Whether a name is that of a value that the registry has: no method of keys, or of what values
    /// name, begins like it.
    fn is_value_of_key(&mut self, item: &Value, name: &str) -> bool {
        let is_name = name.chars().all(char::is_alphanumeric);
        let set = self.facts_in(&[item]).map(|id| self.facts.get(id));
        let is_of_registry = set.is_some_and(|set| {
            // Which key it is may itself be asked of the registry.
            let is_of_key = |it: &Fact| {
                it.kind == FactKind::Registry || it.name.starts_with("<from existence of registry ")
            };
            !set.is_empty() && set.iter().all(is_of_key)
        });
        is_of_registry && is_name && !VERBS.iter().any(|verb| name.starts_with(verb))
    }

    /// `Where-Object`, with a block or with an operator as a parameter.
    fn filter(&mut self, command: &Invocation<'_>) -> Vec<Value> {
        let input = command.input.clone().unwrap_or_default();
        let blocks = self.handed(&command.arguments);
        if blocks.len() > 1 || command.input.is_none() {
            self.run_blocks(&blocks, command.line);
        }
        let block = blocks.into_iter().next();
        let mut passing = Vec::new();
        let before = self.current_item();
        let is_package = input.iter().all(path::is_item_in_package);
        for item in input.iter().cloned() {
            if let (Value::Sought(sought), Some(block)) = (&item, &block)
                && let Some(narrow) = self.narrowed(sought, block)
            {
                passing.push(narrow);
                continue;
            }
            if let Some(block) = &block
                && let Some(narrow) = self.narrowed_file(&item, block)
            {
                passing.push(narrow);
                continue;
            }
            let fits = self.fits(&item, block.as_ref(), command);
            match fits.truth() {
                Some(true) => passing.push(item),
                Some(false) => {}
                None => {
                    let all = self.fit_others(&input, block.as_ref(), command);
                    self.restore_item(before);
                    let open = Value::unknown("which values pass the filter is not known");
                    return vec![match &item {
                        // Some of what is looked for: there may be none, one or many.
                        Value::Sought(sought)
                            if input.len() == 1 && self.is_of_one(&[&fits, &item]) =>
                        {
                            let told = self.told_filter(command, block.as_deref());
                            Value::Sought(Rc::new(sought.filtered(told)))
                        }
                        // Some of the package's files, whichever.
                        Value::File(_) if is_package && input.len() == 1 => path::some_of(&item),
                        Value::File(_) if is_package => path::item(&HOLE.to_string(), false, true),
                        _ => {
                            let from: Vec<&Value> =
                                input.iter().chain([&fits]).chain(&all).collect();
                            let picked = self.or_asked(open, &from);
                            if let (Value::Asked(facts), true) = (&picked, input.len() > 1) {
                                self.picked.insert(*facts);
                            }
                            picked
                        }
                    }];
                }
            }
        }
        self.restore_item(before);
        passing
    }

    /// Whether a value is of those of several that pass a filter, whichever these are.
    pub(super) fn is_picked(&mut self, value: &Value) -> bool {
        if self.picked.is_empty() {
            return false;
        }
        let Some(id) = self.facts_in(&[value]) else {
            return false;
        };
        let facts = self.facts.get(id);
        let mut picked = self.picked.iter();
        picked.any(|it| self.facts.get(*it).is_subset(&facts))
    }

    /// Whether an item passes a filter.
    fn fits(&mut self, item: &Value, block: Option<&Rc<Block>>, command: &Invocation<'_>) -> Value {
        self.set_local("_", item.clone());
        match block {
            Some(block) => {
                let (values, flow) = self.uncertainly(|this| this.run_block(block));
                if !matches!(flow, Flow::Next | Flow::Return) {
                    let what = "a filter may end the script";
                    self.find(Weight::Review, command.line, what);
                }
                Value::collapse(values)
            }
            None => self.fits_parameters(item, &command.arguments),
        }
    }

    /// What a filter asks for all of several items, where it is not known of one: what it does for the
    /// others is not left out.
    fn fit_others(
        &mut self,
        input: &[Value],
        block: Option<&Rc<Block>>,
        command: &Invocation<'_>,
    ) -> Vec<Value> {
        if input.len() < 2 {
            return Vec::new();
        }
        if input.len() > MAX_ROUNDS {
            if let Some(block) = block {
                self.run_blocks(&[Rc::clone(block)], command.line);
            }
            return vec![Value::unknown("the filter has too many values")];
        }
        let each = input.iter();
        each.map(|item| self.fits(item, block, command)).collect()
    }

    /// `Where-Object Property -operator value`.
    fn fits_parameters(&mut self, item: &Value, arguments: &[Argument]) -> Value {
        let unknown = || Value::unknown("the filter is not analysed");
        let (name, rest) = match arguments {
            [Argument::Value(name), rest @ ..] => (name, rest),
            [Argument::Name(word, Some(name)), rest @ ..]
                if word.eq_ignore_ascii_case("property") =>
            {
                (name, rest)
            }
            [Argument::Name(word, None), Argument::Value(name), rest @ ..]
                if word.eq_ignore_ascii_case("property") =>
            {
                (name, rest)
            }
            _ => return unknown(),
        };
        let Some(name) = name.as_plain() else {
            return unknown();
        };
        let value = self.property(item, &name.to_ascii_lowercase());
        match rest {
            [] => value,
            [Argument::Name(operator, None), Argument::Value(operand)] => {
                if !self.charge(EXPRESSION_COST) {
                    return unknown();
                }
                let operator = format!("-{}", operator.to_ascii_lowercase());
                if operator.contains("match") {
                    self.match_operator(&operator, &value, operand)
                } else {
                    self.apply(&operator, value, operand)
                }
            }
            _ => unknown(),
        }
    }

    fn select(&mut self, bound: &Bound, input: Vec<Value>) -> Vec<Value> {
        let unknown = || vec![Value::unknown("which values pass the filter is not known")];
        let number = |name: &str| match bound.get(name) {
            None => Ok(None),
            Some(Value::Int(number)) => usize::try_from(*number).map(Some).map_err(|_| ()),
            Some(_) => Err(()),
        };
        let (Ok(first), Ok(last), Ok(skip)) = (number("first"), number("last"), number("skip"))
        else {
            return unknown();
        };
        if bound.problem.is_some() || bound.get("index").is_some() {
            return unknown();
        }
        let picks = first.is_some() || last.is_some() || skip.is_some() || bound.is_on("unique");
        // What stands for a number of files that is not known is still the one that is picked.
        let is_open =
            |item: &Value| matches!(item, Value::Unknown(_) | Value::Sought(_) | Value::Asked(_));
        if picks && input.iter().any(is_open) && input.len() > 1 {
            let from: Vec<&Value> = input.iter().collect();
            let open = Value::unknown("which values pass the filter is not known");
            return vec![self.or_asked(open, &from)];
        }
        if (first, last) == (Some(1), None) || (first, last) == (None, Some(1)) {
            self.take_one(&input);
        }
        let mut items = input;
        let leaves_some = skip.is_some_and(|it| it > 0) && items.iter().any(is_pattern);
        if leaves_some {
            // Some of the files, whichever.
            items = items.iter().map(path::some_of).collect();
        }
        let picks = picks && !leaves_some && !items.iter().any(is_open);
        let (first, last, skip) = if picks {
            (first, last, skip)
        } else {
            (None, None, None)
        };
        if picks && bound.is_on("unique") {
            let mut unique: Vec<Value> = Vec::new();
            for item in items {
                if !unique.contains(&item) {
                    unique.push(item);
                }
            }
            items = unique;
        }
        if let Some(skip) = skip {
            // With `-Last` it is the end that is skipped.
            if last.is_some() {
                items.truncate(items.len().saturating_sub(skip));
            } else {
                items = items.into_iter().skip(skip).collect();
            }
        }
        match (first, last) {
            (Some(first), None) => items.truncate(first),
            (None, Some(last)) => items = items.split_off(items.len().saturating_sub(last)),
            (Some(_), Some(_)) => return unknown(),
            (None, None) => {}
        }
        match bound.get("expandproperty").or(bound.get("property")) {
            None => items,
            Some(name) => {
                let Some(lower) = name.as_plain().map(str::to_ascii_lowercase) else {
                    return unknown();
                };
                if bound.get("expandproperty").is_none() {
                    // An object with that property, whose other properties are gone.
                    let objects = items.into_iter().map(|item| {
                        let value = self.property(&item, &lower);
                        self.new_table(vec![(lower.as_str().into(), value)])
                    });
                    return objects.collect();
                }
                items
                    .iter()
                    .map(|item| self.property(item, &lower))
                    .flat_map(Value::into_items)
                    .collect()
            }
        }
    }

    /// `$_` as it is now.
    pub(super) fn current_item(&self) -> Option<Value> {
        self.state.scopes.last().and_then(|it| it.get("_")).cloned()
    }

    pub(super) fn restore_item(&mut self, item: Option<Value>) {
        match item {
            Some(item) => self.set_local("_", item),
            None => {
                if let Some(scope) = self.state.scopes.last_mut() {
                    scope.remove("_");
                }
            }
        }
    }
}

/// `Sort-Object`: nothing to do for one value; numbers and versions by size, plain texts by letters.
/// Whether a value stands for all files that a pattern fits.
fn is_pattern(value: &Value) -> bool {
    matches!(value, Value::File(file) if file.path.contains(STAR))
}

fn sort(bound: &Bound, mut input: Vec<Value>) -> Vec<Value> {
    let unknown = || vec![Value::unknown("the order of what is sorted is not known")];
    if input.len() < 2 {
        return input;
    }
    if bound.get("property").is_some() || bound.problem.is_some() || bound.is_on("unique") {
        return unknown();
    }
    let is_number = input.iter().all(|it| matches!(it, Value::Int(_)));
    if !is_number {
        return unknown();
    }
    input.sort_by_key(|it| match it {
        Value::Int(number) => *number,
        _ => 0,
    });
    if bound.is_on("descending") {
        input.reverse();
    }
    input
}
