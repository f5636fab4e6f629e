//! Commands that change files: what they leave behind, and what of the package is gone behind them.

use std::collections::BTreeMap;

use fleetmend_model::effect::EffectKind;
use fleetmend_model::recipe::FileOrigin;

use super::command::Invocation;
use super::interpreter::{Interpreter, Weight, excerpt};
use super::left::Left;
use super::location::is_relative;
use super::parameters::Bound;
use super::path;
use super::recipe_file::Located;
use super::shim::skips_auto_uninstaller;
use super::state::{MAX_FILES, Removed, State};
use super::value::{HOLE, STAR, Value};

impl Interpreter<'_> {
    /// A change of files by a static method; `false`: its operands are not known.
    pub(super) fn note_files(&mut self, method: &str, arguments: &[Value], line: u32) -> bool {
        let paths: Vec<String> = arguments.iter().map(Value::to_path).collect();
        // Where a process is, `Set-Location` does not change.
        if paths.first().is_some_and(|path| is_relative(path)) {
            return false;
        }
        if paths.iter().all(|path| path::is_passing(path)) {
            for path in paths.iter().filter_map(|path| path::in_package(path)) {
                if !method.ends_with("createdirectory") {
                    self.remove(&path, Vec::new(), true);
                }
            }
            return true;
        }
        let mut operands = BTreeMap::new();
        for (place, value) in arguments.iter().enumerate() {
            let Some(text) = self.operand(value, self.is_certain_but_patterns()) else {
                return false;
            };
            operands.insert(format!("argument{}", place + 1), text);
        }
        for path in &paths {
            self.overwrite(path);
        }
        self.note_operands(EffectKind::Files, method, operands, line);
        true
    }

    /// `Remove-Item`, `New-Item` and those that write. In the package's folder and the one for
    /// temporary files they leave nothing behind that an installation is made of.
    pub(super) fn change_files(&mut self, bound: &Bound, command: &Invocation<'_>) -> Vec<Value> {
        let mut targets: Vec<Value> = bound
            .get("path")
            .cloned()
            .map(Value::into_items)
            .unwrap_or_default();
        if let Some(name) = bound.get("name")
            && matches!(command.name, "new-item" | "new-folder")
        {
            let name = name.to_path();
            targets = match &targets[..] {
                [] => vec![Value::text(name)],
                _ => targets
                    .iter()
                    .map(|folder| Value::text(path::join(&folder.to_path(), &name)))
                    .collect(),
            };
        }
        let nothing = bound.get("path").is_some() && targets.is_empty();
        let paths: Vec<String> = targets.iter().map(Value::to_path).collect();
        let all = |test: &dyn Fn(&str) -> bool| {
            nothing || (!paths.is_empty() && paths.iter().all(|path| test(path)))
        };
        let output = match &targets[..] {
            [one] if command.name.starts_with("new-") => vec![one.clone()],
            _ => Vec::new(),
        };
        if matches!(
            command.name,
            "set-content"
                | "add-content"
                | "clear-content"
                | "out-file"
                | "new-item"
                | "export-clixml"
                | "export-csv"
                | "tee-object"
        ) && !(command.name == "new-item" && is_folder(bound, command.name))
        {
            for path in &paths {
                self.overwrite(path);
            }
        }
        match command.name {
            "remove-item" | "clear-item" | "clear-content"
                if all(&path::is_passing) && paths.iter().any(|path| self.is_unpacked(path)) =>
            {
                self.remove_passing(&paths, bound, command);
                self.note_effect(EffectKind::Files, bound, command);
                return output;
            }
            "remove-item" | "clear-item" | "clear-content" if all(&path::is_passing) => {
                self.remove_passing(&paths, bound, command);
                return output;
            }
            "new-item" | "new-folder"
                if all(&path::is_passing) && is_folder(bound, command.name) =>
            {
                return output;
            }
            // Settings that the package keeps in its own folder for its other scripts.
            "export-clixml" | "export-csv" if all(&path::is_passing) => return output,
            // Marks for the shim generator, and files that are gone with the temporary folder.
            "set-content" | "add-content" | "out-file" | "new-item" | "export-clixml"
            | "export-csv"
                if all(&|path| is_mark(path) || is_temporary(path)) =>
            {
                for path in &paths {
                    self.mark(path);
                }
                return output;
            }
            _ => {}
        }
        let kind = if all(&is_registry) {
            EffectKind::Registry
        } else if all(&|path| is_other_provider(path)) {
            let what = format!("changes what is no file: {}", excerpt(command.text));
            self.find(Weight::Custom, command.line, what);
            return output;
        } else {
            EffectKind::Files
        };
        self.note_effect(kind, bound, command);
        output
    }

    /// Whether a path is of what an archive or an installer brought into the package's folder, and not
    /// the archive itself or another of the package's own files.
    fn is_unpacked(&self, path: &str) -> bool {
        let lower = path::key(path);
        // What the install script brought there goes with the package's folder.
        if self.is_from_install(&lower) {
            return false;
        }
        if self.offered.contains(&lower)
            || self.is_passed_on(&lower)
            || self.state.logs.contains(&lower)
        {
            return false;
        }
        let is_below = self
            .state
            .brought_into()
            .any(|folder| super::recipe_file::below(&lower, folder).is_some());
        let Some(inside) = path::in_package(&lower).filter(|_| is_below) else {
            return is_below
                && !self
                    .state
                    .downloads
                    .iter()
                    .any(|(known, _)| *known == lower);
        };
        let inside = inside.replace(STAR, "*");
        let fits = |own: &str| path::matches(&inside, &own.to_lowercase());
        let is_archive = self.state.unpacked.iter().any(|(_, archive)| {
            matches!(&archive.origin, FileOrigin::Embedded { path }
                if fits(path))
        });
        let is_download = self
            .state
            .downloads
            .iter()
            .filter_map(|(known, _)| path::in_package(known))
            .any(|known| fits(&known));
        !is_archive && !is_download && !self.package.paths.iter().any(|own| fits(own))
    }

    /// Says what was changed of an archive whose installer is run by its place in that: the recipe names
    /// no folder that it is unpacked into.
    pub(super) fn name_archives(&mut self) {
        let unpacked = self.state.unpacked.iter();
        let used = unpacked.filter(|(_, archive)| {
            let call = archive.call.and_then(|call| self.calls.get(call));
            let step = call.and_then(|call| call.step.as_ref());
            step.is_some_and(|step| step.is_used)
        });
        let names: Vec<(String, String)> = used
            .map(|(folder, archive)| {
                let origin = match &archive.origin {
                    FileOrigin::Embedded { path } => path.as_str(),
                    FileOrigin::Url { url } => url.split(['?', '#']).next().unwrap_or(url),
                };
                let folder = self.facts.written(folder).to_lowercase();
                (folder + "\\", format!("<{}>\\", path::leaf(origin)))
            })
            .collect();
        let files = self.effects.iter_mut().map(|it| &mut it.effect);
        for effect in files.filter(|it| it.kind == EffectKind::Files) {
            for operand in ["path", "destination"] {
                let Some(text) = effect.operands.get_mut(operand) else {
                    continue;
                };
                for (folder, name) in &names {
                    let mut from = 0;
                    while let Some(at) = text[from..].to_ascii_lowercase().find(folder.as_str()) {
                        let at = from + at;
                        text.replace_range(at..at + folder.len(), name);
                        from = at + name.len();
                    }
                }
            }
        }
    }

    /// Whether a path is that of an archive or installer which came out of an archive and was unpacked or
    /// run in turn: that the archive brings it is no step of its own.
    fn is_passed_on(&self, lower: &str) -> bool {
        let is_used = |archive: &Located| {
            let call = archive.call.and_then(|call| self.calls.get(call));
            let step = call.and_then(|call| call.step.as_ref());
            step.is_some_and(|step| step.is_used)
        };
        let unpacked = &self.state.unpacked;
        unpacked.iter().any(|(folder, archive)| {
            let Some(rest) = super::recipe_file::below(lower, folder) else {
                return false;
            };
            let rest = rest.replace('\\', "/").replace(STAR, "*");
            let is_it = |other: &Located| {
                let inside = other.inside.as_ref().map(|it| it.to_lowercase());
                other.origin == archive.origin && inside.as_deref() == Some(rest.as_str())
            };
            let mut run = self.calls.iter().filter_map(|call| call.step.as_ref());
            archive.inside.is_none()
                && is_used(archive)
                && (unpacked.iter().any(|(_, other)| is_it(other))
                    || run.any(|step| is_it(&step.file)))
        })
    }

    /// Remembers what `Remove-Item` and its like take of the package's folder.
    fn remove_passing(&mut self, paths: &[String], bound: &Bound, command: &Invocation<'_>) {
        let except: Option<Vec<String>> = bound
            .get("exclude")
            .cloned()
            .map(Value::into_items)
            .unwrap_or_default()
            .iter()
            .map(|it| it.as_plain().map(str::to_lowercase))
            .collect();
        let narrows = ["include", "filter"];
        let is_all = except.is_some()
            && command.name == "remove-item"
            && narrows.iter().all(|name| bound.get(name).is_none());
        for path in paths {
            if let Some(inside) = path::in_package(path) {
                let is_all = is_all && !self.is_one_of_files(path);
                self.remove(&inside, except.clone().unwrap_or_default(), is_all);
            }
        }
    }

    /// Remembers that files of the package are gone: all that the path names, or some of them.
    fn remove(&mut self, inside: &str, except: Vec<String>, is_all: bool) {
        // Of what is not listed it is not known which files it is.
        let is_sure = is_all && !inside.contains([STAR, HOLE]);
        let pattern = inside.to_lowercase().replace([STAR, HOLE], "*");
        // In these patterns one `*` fits folders too, or none.
        let pattern = pattern.replace("**/", "");
        for pattern in [format!("{pattern}/*"), pattern] {
            let except = except.clone();
            self.state.remove(Removed {
                pattern,
                except,
                is_sure,
            });
        }
    }

    pub(super) fn move_files(&mut self, bound: &Bound, command: &Invocation<'_>) {
        let (Some(from), Some(to)) = (bound.get("path"), bound.get("destination")) else {
            let what = format!("changes files: {}", excerpt(command.text));
            self.find(Weight::Custom, command.line, what);
            return;
        };
        let (from, mut to) = (from.to_path(), to.to_path());
        if command.name == "rename-item" && !to.contains(['\\', '/']) {
            to = path::join(&path::parent(&from), &to);
        }
        if (self.is_unpacked(&from) || self.is_unpacked(&to))
            && path::is_passing(&from)
            && path::is_passing(&to)
        {
            self.note_effect(EffectKind::Files, bound, command);
        }
        if path::is_passing(&from) && path::is_passing(&to) {
            // Within what passes: only where the bytes are from then on counts.
            let is_one = !from.contains(['*', '?', HOLE]) && !to.contains(HOLE);
            if is_one {
                let name = path::leaf(&from);
                let inside = path::join(&to, &name);
                for path in [&inside, &to] {
                    self.mark(path);
                }
                self.move_marks(&from, [&inside, &to], command.name);
                let state = &mut self.state;
                for path in [&inside, &to] {
                    State::remember(&mut state.copies, &mut state.unsure, path, from.clone());
                }
            } else if let Some(inside) = path::in_package(&to) {
                // Files that are not known lie there from now on.
                self.state.remove(Removed {
                    pattern: format!("{}*", inside.to_lowercase()),
                    except: Vec::new(),
                    is_sure: false,
                });
            }
            return;
        }
        self.move_marks(&from, [&to, &to], command.name);
        // What lies there from now on is not the package's own.
        for path in [&to, &path::join(&to, &path::leaf(&from))] {
            self.overwrite(path);
        }
        self.note_effect(EffectKind::Files, bound, command);
    }

    /// Takes the marks that the package brings in a folder along with that.
    fn move_marks(&mut self, from: &str, [inside, to]: [&str; 2], command: &str) {
        let Some(folder) = path::in_package(from) else {
            return;
        };
        let goes_into =
            command != "rename-item" && path::in_package(to).is_some_and(|it| self.is_folder(&it));
        let to = if goes_into { inside } else { to };
        let lower = format!("{}/", folder.to_lowercase());
        let own = self.package.paths.iter();
        let own: Vec<&String> = own
            .filter(|it| it.to_lowercase().starts_with(&lower))
            .collect();
        for path in &own {
            let rest = path::tail(path, &path.to_lowercase()[lower.len()..]);
            match self.left(path) {
                Left::All => self.mark(&path::join(to, rest)),
                Left::Perhaps => self.uncertainly(|this| this.mark(&path::join(to, rest))),
                Left::Nothing => {}
            }
        }
        if !own.is_empty() && command != "copy-item" {
            self.remove(&folder, Vec::new(), true);
        }
    }

    /// Keeps in mind that the script itself writes what lies at a path.
    pub(super) fn overwrite(&mut self, path: &str) {
        if path::is_passing(path) && self.state.unsure.len() < MAX_FILES {
            self.state.unsure.insert(path::key(path));
        }
    }
}

fn is_folder(bound: &Bound, name: &str) -> bool {
    name == "new-folder"
        || bound.get("itemtype").is_some_and(|kind| {
            let kind = kind.to_text().to_lowercase();
            kind.starts_with("dir") || kind == "container" || kind == "d"
        })
}

/// Files of the package that only tell Chocolatey's shim generator what to leave out, and its automatic
/// uninstaller that it has nothing to do; `.ignore` alone is one that the packager meant to put there.
fn is_mark(path: &str) -> bool {
    let is_bare = path.starts_with('.') && !path.contains(['\\', '/']);
    if path::in_package(path).is_none() && !is_bare {
        return false;
    }
    if path::in_package(path).is_some_and(|it| skips_auto_uninstaller(&it)) {
        return true;
    }
    let extension = path.rsplit_once('.').map_or("", |(_, end)| end);
    extension.eq_ignore_ascii_case("ignore") || extension.eq_ignore_ascii_case("gui")
}

fn is_temporary(path: &str) -> bool {
    path::is_passing(path) && path::in_package(path).is_none()
}

pub(super) fn is_registry(path: &str) -> bool {
    let lower = path.to_lowercase();
    [
        "hklm:",
        "hkcu:",
        "hkcr:",
        "hku:",
        "registry::",
        "hkey_",
        "microsoft.powershell.core\\registry::",
    ]
    .iter()
    .any(|it| lower.starts_with(it))
}

/// Whether a path is in a provider that is neither files nor the registry (`Cert:`, `Env:`).
fn is_other_provider(path: &str) -> bool {
    path.split_once(':')
        .is_some_and(|(drive, _)| drive.len() > 1 && drive.chars().all(|c| c.is_ascii_alphabetic()))
}
