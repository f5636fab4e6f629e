//! Commands: which of them only compute or print, which install, and which have effects that are
//! not understood.

use tree_sitter::Node;

use super::expand::variable_length;
use super::installer::Helper;
use super::interpreter::{Interpreter, Weight, excerpt};
use super::parameters::{Argument, Bound, Parameter, bind, switch, value};
use super::path;
use super::syntax::Source;
use super::value::{HOLE, PACKAGE_ROOT, Value};
use super::words;

/// Commands that print, wait or read: no effect on the machine, an output that is not known.
const HARMLESS: [&str; 45] = [
    "write-host",
    "write-warning",
    "write-verbose",
    "write-debug",
    "write-information",
    "write-progress",
    "write-functioncalllogmessage",
    "out-null",
    "out-string",
    "out-host",
    "update-sessionenvironment",
    "start-sleep",
    "set-strictmode",
    "test-path",
    "get-content",
    "resolve-path",
    "get-toolslocation",
    "get-environmentvariable",
    "get-uninstallregistrykey",
    "get-appinstalllocation",
    "get-osarchitecturewidth",
    "get-processorbits",
    "get-osbitness",
    "get-itemproperty",
    "get-itempropertyvalue",
    "get-wmiobject",
    "get-ciminstance",
    "get-process",
    "get-service",
    "get-command",
    "get-date",
    "get-culture",
    "get-uiculture",
    "get-module",
    "get-location",
    "get-packagecachelocation",
    "get-filehash",
    "get-random",
    "sort-object",
    "measure-object",
    "select-string",
    "format-list",
    "format-table",
    "test-processadminrights",
    "get-effectiveproxy",
];

/// Short names of commands.
const ALIASES: [(&str, &str); 24] = [
    ("%", "foreach-object"),
    ("foreach", "foreach-object"),
    ("?", "where-object"),
    ("where", "where-object"),
    ("select", "select-object"),
    ("sort", "sort-object"),
    ("echo", "write-output"),
    ("write", "write-output"),
    ("gci", "get-childitem"),
    ("ls", "get-childitem"),
    ("dir", "get-childitem"),
    ("gi", "get-item"),
    ("rm", "remove-item"),
    ("ri", "remove-item"),
    ("del", "remove-item"),
    ("erase", "remove-item"),
    ("rd", "remove-item"),
    ("sleep", "start-sleep"),
    ("cat", "get-content"),
    ("gc", "get-content"),
    ("gp", "get-itemproperty"),
    ("gwmi", "get-wmiobject"),
    ("refreshenv", "update-sessionenvironment"),
    ("ni", "new-item"),
];

/// Commands that change files, and nothing where all of them are in the package's own folder.
const FILE_COMMANDS: [&str; 8] = [
    "remove-item",
    "set-content",
    "add-content",
    "clear-content",
    "out-file",
    "new-item",
    "mkdir",
    "md",
];

static FILE_PARAMETERS: [Parameter; 11] = [
    value("path", Some(0), &["literalpath", "filepath", "pspath"]),
    value("value", Some(1), &[]),
    value("itemtype", None, &["type"]),
    value("name", None, &[]),
    value("encoding", None, &[]),
    value("include", None, &[]),
    value("exclude", None, &[]),
    value("filter", None, &[]),
    switch("force", &[]),
    switch("recurse", &[]),
    switch("nonewline", &[]),
];

static JOIN_PATH: [Parameter; 3] = [
    value("path", Some(0), &["pspath"]),
    value("childpath", Some(1), &[]),
    switch("resolve", &[]),
];

static SPLIT_PATH: [Parameter; 8] = [
    value("path", Some(0), &["literalpath", "pspath"]),
    switch("parent", &[]),
    switch("leaf", &[]),
    switch("qualifier", &[]),
    switch("noqualifier", &[]),
    switch("resolve", &[]),
    switch("isabsolute", &[]),
    switch("leafbase", &[]),
];

static GET_FILES: [Parameter; 11] = [
    value("path", Some(0), &["literalpath", "pspath"]),
    value("filter", Some(1), &[]),
    value("include", None, &[]),
    value("exclude", None, &[]),
    value("depth", None, &[]),
    value("attributes", None, &[]),
    switch("recurse", &["s"]),
    switch("force", &[]),
    switch("file", &[]),
    switch("directory", &["d", "ad"]),
    switch("name", &[]),
];

impl Interpreter<'_> {
    /// Runs a command on what the pipeline hands to it; gives its output.
    pub(super) fn command(
        &mut self,
        source: &Source,
        node: Node<'_>,
        input: Option<Vec<Value>>,
    ) -> Vec<Value> {
        let line = source.line(node);
        let text = source.text.get(node.start_byte()..).unwrap_or("");
        let (found, length) = words::split(text);
        if length != source.of(node).trim_end().len() {
            let what = format!(
                "the command is not read reliably: {}",
                excerpt(source.of(node))
            );
            self.find(Weight::Review, line, what);
        }
        let mut found = found.into_iter().map(|word| word.text);
        let Some(first) = found.next() else {
            return Vec::new();
        };
        let text = &text[..length];
        if first == "&" || first == "." {
            return self.call(first, found.next().unwrap_or(""), text, line);
        }
        let name = first.to_ascii_lowercase();
        let name = name.strip_suffix(".exe").unwrap_or(&name);
        let name = ALIASES
            .iter()
            .find(|(short, _)| *short == name)
            .map_or(name, |(_, long)| long);
        if self.functions.contains(name) {
            let what = format!(
                "calls a function of the script, which is not analysed: {}",
                excerpt(text)
            );
            self.find(Weight::Custom, line, what);
            return vec![Value::unknown(format!(
                "{name} is a function of the script"
            ))];
        }
        let found: Vec<&str> = found.collect();
        self.known_command(name, &found, text, input, line)
    }

    /// `& …` and `. …`.
    fn call(&mut self, operator: &str, target: &str, text: &str, line: u32) -> Vec<Value> {
        if let Value::Block(body, first_line) = self.word_value(target, line) {
            return self
                .run_source(&Source {
                    text: body,
                    first_line,
                })
                .0;
        }
        let what = match operator {
            "." => format!(
                "runs another script, which is not analysed: {}",
                excerpt(text)
            ),
            _ => format!("starts a program: {}", excerpt(text)),
        };
        self.find(Weight::Custom, line, what);
        vec![Value::unknown("it comes from another script or program")]
    }

    fn known_command(
        &mut self,
        name: &str,
        words: &[&str],
        text: &str,
        input: Option<Vec<Value>>,
        line: u32,
    ) -> Vec<Value> {
        let is_file_command = FILE_COMMANDS.contains(&name);
        let is_harmless = HARMLESS.contains(&name);
        let helper = Helper::by_name(name);
        let is_known = is_file_command
            || is_harmless
            || helper.is_some()
            || matches!(
                name,
                "join-path"
                    | "split-path"
                    | "get-item"
                    | "get-childitem"
                    | "foreach-object"
                    | "where-object"
                    | "select-object"
                    | "write-output"
                    | "get-packageparameters"
                    | "import-module"
            );
        if !is_known {
            let what = format!("has effects that are not understood: {}", excerpt(text));
            self.find(Weight::Custom, line, what);
            return vec![Value::unknown(format!("{} is not analysed", excerpt(name)))];
        }
        let arguments = self.arguments(words, line);
        if let Some(helper) = helper {
            self.install(helper, arguments, line);
            return Vec::new();
        }
        if is_file_command {
            self.file_command(arguments, input, text, line);
            return Vec::new();
        }
        match name {
            "out-null"
            | "out-host"
            | "write-host"
            | "write-warning"
            | "write-verbose"
            | "write-debug"
            | "write-information"
            | "write-progress"
            | "start-sleep"
            | "set-strictmode"
            | "update-sessionenvironment" => Vec::new(),
            "write-output" => arguments.into_iter().filter_map(plain).collect(),
            "join-path" => vec![join_path(&bind(&JOIN_PATH, false, arguments))],
            "split-path" => vec![split_path(&bind(&SPLIT_PATH, false, arguments))],
            "get-item" | "get-childitem" => {
                self.get_files(&bind(&GET_FILES, false, arguments), name == "get-item")
            }
            "foreach-object" => self.for_each(arguments, input.unwrap_or_default(), text, line),
            "where-object" | "select-object" => select(input.unwrap_or_default(), name, words),
            "get-packageparameters" => match arguments.into_iter().find_map(plain) {
                Some(value) if value.truth() != Some(false) => {
                    vec![Value::unknown(
                        "the package parameters are given in the script",
                    )]
                }
                _ => vec![Value::Table(Vec::new())],
            },
            "import-module" => {
                let module = arguments.into_iter().find_map(plain).map(|it| it.to_text());
                let module = module.unwrap_or_default().to_lowercase();
                let is_chocolatey =
                    module.starts_with("chocolatey") && !module.contains(['\\', '/']);
                if !is_chocolatey {
                    let what = format!("loads a module that is not analysed: {}", excerpt(text));
                    self.find(Weight::Custom, line, what);
                }
                Vec::new()
            }
            _ => vec![Value::unknown(format!("{name} is known only at run time"))],
        }
    }

    /// Evaluates a command's words.
    pub(super) fn arguments(&mut self, words: &[&str], line: u32) -> Vec<Argument> {
        let mut arguments = Vec::new();
        let mut skip_target = false;
        for word in words {
            if std::mem::take(&mut skip_target) {
                continue;
            }
            if let Some(target) = redirection(word) {
                // Into nothing or another stream; a redirection into a file writes it.
                skip_target = target.is_empty();
                if !target.is_empty()
                    && !target.starts_with('&')
                    && !target.eq_ignore_ascii_case("$null")
                {
                    let what = format!("writes its output into a file: {}", excerpt(word));
                    self.find(Weight::Review, line, what);
                }
                continue;
            }
            if let Some((name, attached)) = parameter_name(word) {
                let attached = attached.map(|text| self.word_value(text, line));
                arguments.push(Argument::Name(name.to_owned(), attached));
            } else if let Some(name) = word
                .strip_prefix('@')
                .filter(|it| !it.starts_with(['(', '{', '"', '\'']))
            {
                arguments.push(Argument::Splat(self.variable(name)));
            } else {
                arguments.push(Argument::Value(self.word_value(word, line)));
            }
        }
        // `-Name: value`
        let mut joined: Vec<Argument> = Vec::new();
        for argument in arguments {
            match (joined.last_mut(), argument) {
                (Some(Argument::Name(name, attached @ None)), Argument::Value(value))
                    if name.ends_with(':') =>
                {
                    name.pop();
                    *attached = Some(value);
                }
                (_, argument) => joined.push(argument),
            }
        }
        joined
    }

    fn word_value(&mut self, word: &str, line: u32) -> Value {
        let items = words::items(word);
        if items.len() > 1 {
            return Value::Array(
                items
                    .into_iter()
                    .map(|item| self.item_value(item, line))
                    .collect(),
            );
        }
        self.item_value(word.trim(), line)
    }

    fn item_value(&mut self, item: &str, line: u32) -> Value {
        let first = item.chars().next().unwrap_or(' ');
        if is_expression(item) {
            return self.run_expression(item, line);
        }
        if first == '{' {
            let inside = item.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
            return Value::Block(inside.unwrap_or("").to_owned(), line);
        }
        if item.contains(['"', '\'']) {
            return Value::unknown(format!("{} is not analysed", excerpt(item)));
        }
        self.expand(item, line, false)
    }

    fn get_files(&mut self, bound: &Bound, is_item: bool) -> Vec<Value> {
        let Some(Value::Text(text)) = bound.get("path") else {
            return vec![Value::unknown(
                "which files there are is known only at run time",
            )];
        };
        let plain = [
            "filter",
            "include",
            "exclude",
            "recurse",
            "directory",
            "name",
            "depth",
        ]
        .iter()
        .all(|name| bound.get(name).is_none());
        let has_wildcard = text.contains(['*', '?']);
        if plain
            && (is_item || has_wildcard)
            && let Some(found) = path::glob(text, &self.package.paths)
            && (self.package.is_complete || !found.is_empty())
        {
            return found;
        }
        if path::in_package(text).is_some() {
            return vec![Value::Text(format!("{PACKAGE_ROOT}\\{HOLE}"))];
        }
        vec![Value::unknown(
            "which files there are is known only at run time",
        )]
    }

    fn for_each(
        &mut self,
        arguments: Vec<Argument>,
        input: Vec<Value>,
        text: &str,
        line: u32,
    ) -> Vec<Value> {
        let block = arguments.into_iter().find_map(plain);
        let Some(Value::Block(body, first_line)) = block else {
            let what = format!("is not analysed: {}", excerpt(text));
            self.find(Weight::Review, line, what);
            return vec![Value::unknown("it comes from a pipeline")];
        };
        let mut outputs = Vec::new();
        for item in input {
            let is_known = item.is_known();
            self.variables.insert("_".to_owned(), item);
            let source = Source {
                text: body.clone(),
                first_line,
            };
            if is_known {
                outputs.extend(self.run_source(&source).0);
            } else {
                outputs.extend(self.uncertainly(|this| this.run_source(&source)).0);
            }
        }
        self.variables.remove("_");
        outputs
    }

    /// A command that changes files: no effect behind the installation in the package's own folder,
    /// which exists only where Chocolatey installs.
    fn file_command(
        &mut self,
        arguments: Vec<Argument>,
        input: Option<Vec<Value>>,
        text: &str,
        line: u32,
    ) {
        let bound = bind(&FILE_PARAMETERS, false, arguments);
        let target = bound
            .get("path")
            .cloned()
            .or_else(|| input.map(Value::Array));
        let nothing = matches!(&target, Some(Value::Array(items)) if items.is_empty());
        let inside = target.as_ref().is_some_and(path::is_in_package) || nothing;
        if inside && bound.problem.is_none() && !self.installs.is_empty() {
            return;
        }
        let what = format!("changes files: {}", excerpt(text));
        self.find(Weight::Custom, line, what);
    }
}

fn plain(argument: Argument) -> Option<Value> {
    match argument {
        Argument::Value(value) => Some(value),
        Argument::Name(_, attached) => attached,
        Argument::Splat(_) => None,
    }
}

/// `-Name`, `-Name:` or `-Name:value`; not `-1`.
fn parameter_name(word: &str) -> Option<(&str, Option<&str>)> {
    let rest = word.strip_prefix('-')?;
    if !rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return None;
    }
    match rest.split_once(':') {
        Some((_, "")) | None => Some((rest, None)),
        Some((name, attached)) => Some((name, Some(attached))),
    }
}

/// The target behind a redirection's sign; empty where it is the next word.
fn redirection(word: &str) -> Option<&str> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '*');
    let target = rest.strip_prefix(">>").or_else(|| rest.strip_prefix('>'))?;
    (word.len() - rest.len() <= 1).then_some(target)
}

/// Whether a word is an expression by itself, and not a bare word with variables in it.
fn is_expression(item: &str) -> bool {
    let bytes = item.as_bytes();
    match bytes.first() {
        Some(b'(') => true,
        Some(b'"') => item.len() > 1 && item.ends_with('"'),
        Some(b'\'') => item.len() > 1 && item.ends_with('\''),
        Some(b'@') => matches!(bytes.get(1), Some(b'(' | b'{' | b'"' | b'\'')),
        Some(b'$') if bytes.get(1) == Some(&b'(') => words::skip_brackets(bytes, 1) == bytes.len(),
        Some(b'$') => {
            let length = variable_length(&item[1..]);
            let rest = item.get(1 + length..).unwrap_or("");
            let is_member = rest.strip_prefix('.').is_some_and(|it| {
                it.starts_with(|c: char| c.is_alphabetic() || c == '_') && !it.contains(['\\', '/'])
            });
            length > 0 && (rest.is_empty() || rest.starts_with('[') || is_member)
        }
        Some(b'-') => item.len() > 1 && bytes[1..].iter().all(u8::is_ascii_digit),
        Some(byte) if byte.is_ascii_digit() => bytes.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn join_path(bound: &Bound) -> Value {
    match (bound.get("path"), bound.get("childpath"), &bound.problem) {
        (Some(folder), Some(child), None) if !bound.is_on("resolve") => {
            Value::Text(path::join(&folder.to_text(), &child.to_text()))
        }
        _ => Value::unknown("the arguments of Join-Path are not understood"),
    }
}

fn split_path(bound: &Bound) -> Value {
    let Some(Value::Text(text)) = bound.get("path") else {
        return Value::unknown("the path is not known");
    };
    let other = [
        "qualifier",
        "noqualifier",
        "resolve",
        "isabsolute",
        "leafbase",
    ];
    if bound.problem.is_some() || other.iter().any(|name| bound.is_on(name)) {
        return Value::unknown("the arguments of Split-Path are not understood");
    }
    Value::Text(if bound.is_on("leaf") {
        path::leaf(text)
    } else {
        path::parent(text)
    })
}

/// What is left of a pipeline's values behind a filter.
fn select(input: Vec<Value>, name: &str, words: &[&str]) -> Vec<Value> {
    let all_in_package = !input.is_empty() && input.iter().all(path::is_in_package);
    let takes_one = name == "select-object"
        && matches!(words, [first, "1"] if first.eq_ignore_ascii_case("-first")
            || first.eq_ignore_ascii_case("-last"));
    if takes_one && input.len() == 1 {
        return input;
    }
    if all_in_package
        && !words
            .iter()
            .any(|word| word.to_ascii_lowercase().starts_with("-exp"))
    {
        return vec![Value::Text(format!("{PACKAGE_ROOT}\\{HOLE}"))];
    }
    vec![Value::unknown("which values pass the filter is not known")]
}
