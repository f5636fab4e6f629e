//! `WScript.Shell`: the shortcuts that scripts make by it, and the folders that it names.

use std::collections::BTreeMap;

use fleetmend_model::effect::EffectKind;

use super::interpreter::{Interpreter, Weight, excerpt};
use super::place;
use super::value::{TableId, Value};

/// The entry by which a table is an object that is understood; no script can write it.
pub(super) const IS: &str = "\0is";
const SHELL: &str = "shell";
const FOLDERS: &str = "folders";
const SHORTCUT: &str = "shortcut";
/// The entry with a shortcut's own path.
const PATH: &str = "fullname";

/// What a shortcut has.
const PROPERTIES: [&str; 7] = [
    "targetpath",
    "arguments",
    "workingdirectory",
    "iconlocation",
    "description",
    "windowstyle",
    "hotkey",
];

impl Interpreter<'_> {
    pub(super) fn new_shell(&mut self) -> Value {
        let folders = self.new_table(vec![(IS.into(), Value::text(FOLDERS))]);
        self.new_table(vec![
            (IS.into(), Value::text(SHELL)),
            ("SpecialFolders".into(), folders),
        ])
    }

    /// A method of such an object; `None`: it is none, or the method is not understood.
    pub(super) fn shell_method(
        &mut self,
        id: TableId,
        name: &str,
        arguments: &[Value],
        line: u32,
    ) -> Option<Value> {
        let is = self.state.entry(id, IS)?.as_plain()?.to_owned();
        match (is.as_str(), name, arguments) {
            (SHELL, "createshortcut", [path]) => Some(self.new_table(vec![
                (IS.into(), Value::text(SHORTCUT)),
                (PATH.into(), path.clone()),
            ])),
            (SHELL, "specialfolders", [folder]) | (FOLDERS, "item", [folder]) => {
                Some(special_folder(folder))
            }
            (SHELL, "expandenvironmentstrings", [text]) => {
                Some(self.or_asked(Value::unknown("it is expanded on the device"), &[text]))
            }
            (SHORTCUT, "save", []) => {
                self.save_shortcut(id, line);
                Some(Value::Null)
            }
            _ => None,
        }
    }

    /// What a shortcut has that the script does not set: it may be there already. `None`: it is none.
    pub(super) fn shortcut_property(&mut self, id: TableId, name: &str) -> Option<Value> {
        let is = self.state.entry(id, IS)?.as_plain()?.to_owned();
        let path = self.state.entry(id, PATH).cloned();
        match path.filter(|_| is == SHORTCUT) {
            Some(path) if PROPERTIES.contains(&name) => Some(self.fact_of_path(&path, Some(name))),
            _ => Some(Value::unknown("what such an object has is not known")),
        }
    }

    fn save_shortcut(&mut self, id: TableId, line: u32) {
        let mut operands = BTreeMap::new();
        let names = std::iter::once(PATH).chain(PROPERTIES);
        for name in names {
            let Some(value) = self.state.entry(id, name).cloned() else {
                continue;
            };
            let key = if name == PATH {
                "shortcutfilepath"
            } else {
                name
            };
            let Some(text) = self.operand(&value, self.is_certain_but_patterns()) else {
                let what = format!("makes a shortcut with {} that is not known", excerpt(key));
                self.find(Weight::Review, line, what);
                return;
            };
            operands.insert(key.to_owned(), text);
        }
        self.note_operands(EffectKind::Shortcut, "createshortcut", operands, line);
    }
}

fn special_folder(name: &Value) -> Value {
    let unknown = || Value::unknown("the folder is not known");
    let Some(name) = name.as_plain().map(str::to_ascii_lowercase) else {
        return unknown();
    };
    let folder = match name.as_str() {
        "allusersdesktop" => "commondesktopdirectory",
        "allusersstartmenu" => "commonstartmenu",
        "allusersprograms" => "commonprograms",
        other => other,
    };
    place::of_folder(folder).map_or_else(unknown, Value::text)
}
