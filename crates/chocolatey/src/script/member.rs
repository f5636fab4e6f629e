//! Properties, elements and method calls of values.

use std::rc::Rc;

use fleetmend_model::condition::FactKind;
use tree_sitter::Node;

use super::interpreter::{Interpreter, Weight, excerpt};
use super::path;
use super::state::Table;
use super::syntax::{Source, children, named};
use super::text;
use super::value::{
    Filter, INSTALL_LOCATION, Object, PRODUCT_CODE, Sought, SoughtKind, TableId, UNINSTALL_STRING,
    Value,
};

/// Methods that only compute.
const HARMLESS_METHODS: [&str; 34] = [
    "tolower",
    "toupper",
    "tolowerinvariant",
    "toupperinvariant",
    "tostring",
    "trim",
    "trimstart",
    "trimend",
    "replace",
    "split",
    "substring",
    "startswith",
    "endswith",
    "contains",
    "containskey",
    "indexof",
    "lastindexof",
    "equals",
    "gettype",
    "compareto",
    "getvalue",
    "getvaluenames",
    "getsubkeynames",
    "padleft",
    "padright",
    "getenumerator",
    "insert",
    "tochararray",
    "trimstart",
    "getresponseheader",
    "toarray",
    "match",
    "matches",
    "ismatch",
];

impl Interpreter<'_> {
    pub(super) fn member(&mut self, source: &Source, node: Node<'_>) -> Value {
        let whole = source.of(node);
        let lower = whole.to_ascii_lowercase().replacen("$script:", "$", 1);
        if let Some(rest) = lower.strip_prefix("$myinvocation.") {
            let script = self.script_path();
            return match rest {
                "mycommand.definition"
                | "mycommand.path"
                | "mycommand.source"
                | "pscommandpath"
                | "mycommand.scriptblock.file" => Value::text(script),
                "psscriptroot" => Value::text(path::parent(&script)),
                "mycommand.name" => Value::text(path::leaf(&script)),
                _ => Value::unknown(format!("{} is known only at run time", excerpt(whole))),
            };
        }
        let parts = children(node);
        let (Some(target), Some(name)) = (parts.first(), parts.last()) else {
            return Value::unknown("a part of the expression is missing");
        };
        let is_static = parts.iter().any(|part| part.kind() == "::");
        let target = self.expression(source, *target);
        let name = self.member_name(source, "member_access", *name);
        if !name.is_known() {
            return Value::unknown("the property's name is not known");
        }
        let name = name.to_text().to_ascii_lowercase();
        match &target {
            Value::Type(type_name) if is_static => self.static_property(&type_name.clone(), &name),
            _ => self.property(&target, &name),
        }
    }

    /// A property of a value, by its lower-case name.
    pub(super) fn property(&mut self, target: &Value, name: &str) -> Value {
        let target = &self.solid(target.clone());
        if let Some(count) = self.count_of_objects(target, name) {
            return count;
        }
        if let Some(names) = self.names_of_values(target, name) {
            return names;
        }
        let result = self.known_property(target, name);
        if matches!(result, Value::Unknown(_))
            && matches!(target, Value::Sought(_) | Value::Asked(_))
            && let Some(asked) = self.property_asked(target, name)
        {
            return asked;
        }
        self.or_asked(result, &[target])
    }

    pub(super) fn element(&mut self, source: &Source, node: Node<'_>) -> Value {
        let parts = named(node);
        let [target, index] = parts[..] else {
            return Value::unknown("a part of the expression is missing");
        };
        let target = self.expression(source, target);
        let target = self.solid(target);
        let index = self.expression(source, index);
        if let Value::Int(place) = index
            && let Some(part) = self.part_of_split(&target, place)
        {
            return part;
        }
        if matches!(index, Value::Int(0 | -1)) {
            let items = match &target {
                Value::Array(items) => &items.all[..],
                one => std::slice::from_ref(one),
            };
            if let [Value::File(_)] = items {
                self.take_one(items);
            }
        }
        match (&target, &index) {
            // Of exactly one, it is that one.
            (Value::Sought(sought), Value::Int(0 | -1)) if self.is_one(sought) => return target,
            // Of a text it is a character, of several texts one of these.
            (_, Value::Int(_)) if self.is_one_or_more_texts(&target) => {
                return Value::unknown("whether it is a text or several is known only at run time");
            }
            _ => {}
        }
        if let Some(value) = self.named_value(&target, &index) {
            return value;
        }
        let result = self.known_element(&target, &index, source.of(node));
        self.or_asked(result, &[&target, &index])
    }

    /// Whether a value is something that the registry has of software: of one entry a text, of several a
    /// list.
    fn is_one_or_more_texts(&self, target: &Value) -> bool {
        match target {
            Value::Asked(id) => self.facts.is_of_software(*id),
            Value::Text(_) => target.may_be_none(),
            _ => false,
        }
    }

    fn known_element(&self, target: &Value, index: &Value, text: &str) -> Value {
        let at = |length: usize, at: i64| {
            let at = if at < 0 { length as i64 + at } else { at };
            usize::try_from(at).ok()
        };
        match (target, index) {
            (Value::Array(_) | Value::Text(_), Value::Bool(is_one)) => {
                self.known_element(target, &Value::Int(i64::from(*is_one)), text)
            }
            (Value::Table(id), Value::Bool(_)) => self
                .state
                .entry(*id, &index.to_text())
                .cloned()
                .unwrap_or(Value::Null),
            (Value::Table(id), Value::Text(key)) if index.is_known() => {
                self.state.entry(*id, key).cloned().unwrap_or(Value::Null)
            }
            (Value::Array(items), _) if items.all.len() > 1 && has_open_number(&items.all) => {
                Value::unknown("how many are in the list is not known")
            }
            (Value::Array(items), Value::Int(place)) => at(items.all.len(), *place)
                .and_then(|at| items.all.get(at).cloned())
                .unwrap_or(Value::Null),
            (Value::Array(items), Value::Array(places)) => {
                let picked: Option<Vec<Value>> = places
                    .all
                    .iter()
                    .map(|place| match place {
                        Value::Int(place) => Some(
                            at(items.all.len(), *place)
                                .and_then(|at| items.all.get(at).cloned())
                                .unwrap_or(Value::Null),
                        ),
                        _ => None,
                    })
                    .collect();
                picked.map_or(Value::unknown("its place is not known"), Value::array)
            }
            (Value::Text(_), Value::Int(place)) if target.as_plain().is_some() => {
                let chars: Vec<char> = target.to_text().chars().collect();
                at(chars.len(), *place)
                    .and_then(|at| chars.get(at))
                    .map_or(Value::Null, |c| Value::text(c.to_string()))
            }
            (Value::Version(_) | Value::File(_), Value::Int(0)) => target.clone(),
            (Value::Table(id), Value::Int(_)) => self
                .state
                .entry(*id, &index.to_text())
                .cloned()
                .unwrap_or(Value::Null),
            (Value::Null, _) => Value::Null,
            _ => Value::unknown(format!("{} is not known", excerpt(text))),
        }
    }

    pub(super) fn invocation(&mut self, source: &Source, node: Node<'_>) -> Value {
        let whole = source.of(node);
        let line = source.line(node);
        let parts = children(node);
        let (Some(target), Some(arguments)) = (parts.first(), parts.last()) else {
            return Value::unknown("a part of the expression is missing");
        };
        let is_static = parts.iter().any(|part| part.kind() == "::");
        let name = parts
            .iter()
            .find(|part| part.kind() == "member_name")
            .map(|part| source.of(*part).to_ascii_lowercase())
            .unwrap_or_default();
        let arguments: Vec<Value> = named(*arguments)
            .into_iter()
            .flat_map(|it| match it.kind() {
                "argument_expression_list" => named(it),
                _ => vec![it],
            })
            .map(|argument| self.expression(source, argument))
            .collect();
        let target = self.expression(source, *target);
        if let (true, Value::Type(type_name)) = (is_static, &target) {
            let arguments: Vec<Value> = arguments.into_iter().map(Value::into_argument).collect();
            return self.static_call(&type_name.clone(), &name, &arguments, whole, line);
        }
        self.call_method(target, &name, &arguments, whole, line)
    }

    /// Calls a method of a value, by its lower-case name.
    pub(super) fn call_method(
        &mut self,
        target: Value,
        name: &str,
        arguments: &[Value],
        whole: &str,
        line: u32,
    ) -> Value {
        if self.nulls > 0 && target == Value::Null {
            if self.errors_end(None) {
                let thrown = self.throw(line);
                self.inside(thrown);
            }
            return Value::Null;
        }
        if let Value::Table(id) = target
            && let Some(value) = self.shell_method(id, name, arguments, line)
        {
            return value;
        }
        if let Some(value) = self.table_method(&target, name, arguments) {
            return value;
        }
        if let Some(value) = self.web_client_method(&target, name, arguments, line) {
            return value;
        }
        if let Value::List(id) = target
            && let Some(value) = self.list_method(id, name, arguments)
        {
            return value;
        }
        let target = self.solid(target);
        if let (Value::Array(_), "getenumerator", []) = (&target, name, arguments) {
            return target;
        }
        if let Value::Sought(sought) = &target {
            match (sought.kind, name) {
                (SoughtKind::Process, "closemainwindow" | "kill") => {
                    self.note_stop(sought, name, line);
                    return Value::unknown("whether a program ends is known only at run time");
                }
                (_, "waitforexit" | "waitforstatus" | "refresh") => {
                    return Value::unknown("whether a program ends is known only at run time");
                }
                _ => {}
            }
        }
        if matches!(target, Value::Object(Object::Started))
            && matches!(
                name,
                "waitforexit" | "waitforinputidle" | "refresh" | "dispose" | "close"
            )
        {
            return Value::unknown("whether a program ends is known only at run time");
        }
        self.run_handed(arguments, line);
        let is_harmless = HARMLESS_METHODS.contains(&name);
        let from: Vec<&Value> = std::iter::once(&target).chain(arguments).collect();
        if let Some(value) = self.regex_method(&target, name, arguments) {
            return value;
        }
        if let Some(cut) = self.cut_by_method(&target, name, arguments) {
            return cut;
        }
        if let Some(value) = text::method(&target, name, arguments) {
            return self.or_asked(value, &from);
        }
        let unknown = Value::unknown(format!("{} is not analysed", excerpt(whole)));
        if is_harmless {
            return self.or_asked(unknown, &from);
        }
        let what = format!("calls a method that is not understood: {}", excerpt(whole));
        self.find(Weight::Custom, line, what);
        unknown
    }

    /// Methods of list objects that change them; `None`: it is none that is understood.
    fn list_method(&mut self, id: TableId, name: &str, arguments: &[Value]) -> Option<Value> {
        let mut items = match self.state.lists.get(&id) {
            Some(Value::Array(items)) => items.all.clone(),
            _ => return None,
        };
        match (name, arguments) {
            ("add", [item]) => items.push(item.clone()),
            ("addrange", [more]) => {
                let more = self.solid(more.clone());
                items.extend(more.into_items());
            }
            ("insert", [Value::Int(at), item]) => {
                let at = usize::try_from(*at).ok().filter(|at| *at <= items.len())?;
                items.insert(at, item.clone());
            }
            ("clear", []) => items.clear(),
            ("toarray" | "getenumerator", []) => return Some(Value::array(items)),
            _ => return None,
        }
        let list = Value::array(items);
        if !self.charge(list.weight()) {
            return None;
        }
        self.state.lists.insert(id, list);
        Some(Value::Null)
    }

    /// Methods of tables.
    fn table_method(&mut self, target: &Value, name: &str, arguments: &[Value]) -> Option<Value> {
        let Value::Table(id) = target else {
            return None;
        };
        let key = arguments.first().filter(|key| key.is_known());
        match (name, key, arguments.get(1)) {
            ("containskey" | "contains", Some(key), None) => {
                Some(Value::Bool(self.state.entry(*id, &key.to_text()).is_some()))
            }
            ("add" | "set_item", Some(key), Some(value)) => {
                self.state.set_entry(*id, &key.to_text(), value.clone());
                Some(Value::Null)
            }
            ("get_item" | "item", Some(key), None) => Some(
                self.state
                    .entry(*id, &key.to_text())
                    .cloned()
                    .unwrap_or(Value::Null),
            ),
            ("remove", Some(key), None) => {
                let key = key.to_text();
                if let Some(entries) = self.state.tables.get_mut(id) {
                    entries.retain(|(name, _)| !name.eq_ignore_ascii_case(&key));
                }
                Some(Value::Null)
            }
            ("clone", None, None) => {
                let entries = self.state.tables.get(id).cloned().unwrap_or_default();
                Some(self.new_table(entries))
            }
            ("clear", None, None) => {
                self.state.tables.insert(*id, Vec::new());
                Some(Value::Null)
            }
            ("getenumerator", None, None) => {
                let entries = self.entries_in_some_order(*id);
                let pairs = entries.into_iter().map(|(key, value)| {
                    self.new_table(vec![
                        ("Key".into(), Value::Text(key.clone())),
                        ("Name".into(), Value::Text(key)),
                        ("Value".into(), value),
                    ])
                });
                let pairs: Vec<Value> = pairs.collect();
                Some(Value::array(pairs))
            }
            _ => None,
        }
    }

    /// A table's entries in the order of this run, where the table has none of its own.
    fn entries_in_some_order(&mut self, table: TableId) -> Table {
        let mut entries = self.state.tables.get(&table).cloned().unwrap_or_default();
        if entries.len() > 1 && !self.state.ordered.contains(&table) {
            self.asked.order = true;
            if self.profile.reverses_tables {
                entries.reverse();
            }
        }
        entries
    }

    fn known_property(&mut self, target: &Value, name: &str) -> Value {
        match (target, name) {
            (Value::Table(id), key) => {
                if let Some(value) = self.state.entry(*id, key) {
                    return value.clone();
                }
                if self.is_web_client(*id) {
                    return Value::unknown("what a web client has is not known");
                }
                if let Some(asked) = self.shortcut_property(*id, key) {
                    return asked;
                }
                let entries = self.entries_in_some_order(*id);
                match key {
                    "count" => Value::Int(entries.len() as i64),
                    "keys" => {
                        let keys = entries.into_iter().map(|(key, _)| Value::Text(key));
                        Value::array(keys.collect())
                    }
                    "values" => {
                        let values = entries.into_iter().map(|(_, value)| value);
                        Value::array(values.collect())
                    }
                    _ => Value::Null,
                }
            }
            (Value::Null, "count" | "length") => Value::Int(0),
            (Value::Null, _) => Value::Null,
            (Value::Array(items), "count" | "length") if has_open_number(&items.all) => {
                Value::unknown("how many are in the list is not known")
            }
            (Value::Array(items), "count" | "length") => Value::Int(items.all.len() as i64),
            (Value::Array(items), _) => {
                let all = items.all.clone();
                let found: Vec<Value> = all
                    .iter()
                    .map(|item| self.property(item, name))
                    .flat_map(Value::into_items)
                    .collect();
                Value::collapse(found)
            }
            (Value::File(_), "count" | "length" | "exists") if target.may_be_none() => {
                Value::unknown("what is on the device is known only at run time")
            }
            (Value::File(file), _) => file_property(file, name),
            (Value::Version(parts), _) => {
                let place = ["major", "minor", "build", "revision"]
                    .iter()
                    .position(|it| *it == name);
                match place {
                    Some(place) => Value::Int(parts.get(place).copied().unwrap_or(-1)),
                    None => Value::unknown("the version's property is not known"),
                }
            }
            (Value::Text(_), "count" | "length") if target.may_be_none() => {
                Value::unknown("what is on the device is known only at run time")
            }
            (Value::Text(text), "length") if super::place::is_plain(text) => {
                Value::Int(text.encode_utf16().count() as i64)
            }
            (Value::Bool(_) | Value::Int(_) | Value::Text(_), "count") => Value::Int(1),
            (Value::Sought(sought), _) => self.sought_property(&Rc::clone(sought), name),
            (Value::Object(object), _) => self.object_property(*object, name),
            (Value::Unknown(why), _) => Value::Unknown(why.clone()),
            _ => Value::unknown(format!("the property {} is not known", excerpt(name))),
        }
    }

    fn object_property(&mut self, object: Object, name: &str) -> Value {
        match (object, name) {
            (Object::OsVersion, "version") => self.windows_version(),
            (Object::OsVersion, "platform") => Value::text("Win32NT"),
            (Object::OperatingSystem, "version") => {
                let version = self.windows_version();
                let parts = version.to_text();
                Value::text(parts.trim_end_matches(".0"))
            }
            (Object::OperatingSystem, "buildnumber")
            | (Object::CurrentVersion, "currentbuild" | "currentbuildnumber") => {
                Value::text(self.build().to_string())
            }
            (Object::OperatingSystem, "osarchitecture") => {
                Value::text(format!("{}-bit", self.bits()))
            }
            // On a 32-bit Windows it is 32, whatever the processor could do.
            (Object::Processor, "addresswidth") => Value::Int(self.bits()),
            (Object::CurrentVersion, "currentmajorversionnumber") => Value::Int(10),
            (Object::CurrentVersion, "currentminorversionnumber") => Value::Int(0),
            (Object::CurrentVersion, "currentversion") => Value::text("6.3"),
            // Chocolatey hosts Windows PowerShell 5.1, which every Windows of the profiles has.
            (Object::PsVersionTable, "psversion") => Value::Version([5, 1].into()),
            (Object::Started, _) => {
                self.reads_exit_code |= name == "exitcode";
                Value::unknown("what a program ends with is known only at run time")
            }
            (Object::PsVersionTable, _) => Value::unknown(format!(
                "the property {} differs between machines",
                excerpt(name)
            )),
            (_, name) => self.fact(FactKind::Windows, &excerpt(name)),
        }
    }

    /// `10.0.build.0`.
    pub(super) fn windows_version(&mut self) -> Value {
        Value::Version([10, 0, i64::from(self.build()), 0].into())
    }
}

/// Whether an item stands for any number of them.
fn has_open_number(items: &[Value]) -> bool {
    items.iter().any(Value::may_be_none)
}

fn file_property(file: &super::value::FileItem, name: &str) -> Value {
    let leaf = path::leaf(&file.path);
    let (stem, extension) = match leaf.rfind('.') {
        Some(at) => (leaf[..at].to_owned(), leaf[at..].to_owned()),
        None => (leaf.clone(), String::new()),
    };
    match name {
        "fullname" | "path" | "providerpath" | "pspath" | "versioninfo.filename" => {
            Value::text(file.path.as_str())
        }
        "name" | "pschildname" => Value::text(leaf),
        "basename" => Value::text(stem),
        "extension" => Value::text(extension),
        "directoryname" | "psparentpath" => Value::text(path::parent(&file.path)),
        "directory" | "parent" => Value::File(
            super::value::FileItem {
                path: path::parent(&file.path),
                is_folder: true,
                is_text_full: name == "directory",
            }
            .into(),
        ),
        "psiscontainer" => Value::Bool(file.is_folder),
        "exists" => Value::Bool(true),
        "count" => Value::Int(1),
        _ => Value::unknown(format!("the property {} is not known", excerpt(name))),
    }
}

impl Interpreter<'_> {
    fn sought_property(&mut self, sought: &Sought, name: &str) -> Value {
        let of_software = |this: &mut Self, mark| this.of_software(&sought.name, mark);
        if sought.filter != Filter::None {
            return Value::unknown("which of what is found it is of is known only at run time");
        }
        match (sought.kind, name) {
            (SoughtKind::Software, "uninstallstring") => of_software(self, UNINSTALL_STRING),
            (SoughtKind::Software, "pschildname") => of_software(self, PRODUCT_CODE),
            (SoughtKind::Software, "installlocation") => of_software(self, INSTALL_LOCATION),
            (SoughtKind::Process, "name" | "processname") | (SoughtKind::Service, "name")
                if !sought.name.contains(['*', '?']) =>
            {
                Value::text(sought.name.as_str())
            }
            _ => Value::unknown(format!(
                "the {} of what is found on the device is not known",
                excerpt(name)
            )),
        }
    }
}
