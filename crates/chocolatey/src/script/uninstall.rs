//! `Uninstall-ChocolateyPackage`: in an uninstall script a step of its own, in an install script a
//! change to the machine.

use std::collections::BTreeMap;

use fleetmend_model::condition::{Fact, FactKind};
use fleetmend_model::effect::{EffectKind, Machines};
use fleetmend_model::recipe::{InstallerKind, UninstallStep};

use super::command::Invocation;
use super::entries::Number;
use super::facts::{fact, names_software};
use super::helper::numbers;
use super::installation::UninstallCall;
use super::interpreter::{Flow, Interpreter, MAX_FINDINGS, Weight, excerpt};
use super::parameters::{Parameter, bind, mandatory, value};
use super::place::{PRODUCT_CODE, UNINSTALL_STRING};
use super::value::{SoughtKind, Value};

static UNINSTALL: [Parameter; 5] = [
    mandatory("packagename", Some(0), &[]),
    value("filetype", Some(1), &["installertype"]),
    value("silentargs", Some(2), &[]),
    value("file", Some(3), &[]),
    value("validexitcodes", None, &[]),
];

impl Interpreter<'_> {
    pub(super) fn uninstall(&mut self, command: &Invocation<'_>) -> (Vec<Value>, Flow) {
        let line = command.line;
        let bound = bind(&UNINSTALL, true, command.arguments.clone());
        if let Some(problem) = &bound.problem {
            let what = format!("an argument of the uninstaller: {problem}");
            self.find(Weight::Review, line, what);
        }
        let kind = match self.text(&bound, "filetype", line) {
            Ok(Some(text)) if text.eq_ignore_ascii_case("msi") => Some(InstallerKind::Msi),
            Ok(Some(text)) if text.eq_ignore_ascii_case("exe") => Some(InstallerKind::Exe),
            Ok(None) => Some(InstallerKind::Exe),
            Ok(Some(text)) => {
                let what = format!("uninstallers of the type {} are not run", excerpt(&text));
                self.find(Weight::Review, line, what);
                None
            }
            Err(()) => None,
        };
        // A step must be possible to follow: what it is made of has a name. An effect is only shown.
        let text = if self.is_uninstalling {
            Self::text_of_facts
        } else {
            Self::text_or_asked
        };
        let arguments = text(self, &bound, "silentargs", line);
        // By an MSI's product alone is it uninstalled: the file is not looked at.
        let file = match kind {
            Some(InstallerKind::Msi) => Ok(None),
            _ => text(self, &bound, "file", line),
        };
        let exit_codes: Option<Vec<i64>> = match bound.get("validexitcodes") {
            None => Some(vec![0]),
            Some(value) => numbers(value),
        };
        match (kind, arguments, file, exit_codes) {
            // There is no program to start, and that ends in an error whatever the script's errors do.
            (Some(InstallerKind::Exe), _, Ok(None), _) if bound.problem.is_none() => {
                return self.throw(line);
            }
            (Some(kind), Ok(arguments), Ok(file), Some(exit_codes)) => {
                let arguments = arguments.unwrap_or_default();
                let file = file.as_deref();
                let is_some = match kind {
                    InstallerKind::Msi => names_product(&arguments),
                    InstallerKind::Exe => file.is_some_and(|it| it.contains(char::is_alphanumeric)),
                };
                if self.nulls > 0 && !is_some {
                    return self.throw(line);
                }
                if kind == InstallerKind::Msi && !names_product(&arguments) {
                    let what = "Windows Installer is told no product to uninstall";
                    self.find(Weight::Review, line, what);
                }
                self.only_of_entries([file, Some(&arguments)], Number::One, line, |this| {
                    let step = this.uninstall_step(kind, file, &arguments, exit_codes);
                    this.uninstall_done(Some(step), command.name, line);
                });
            }
            _ if self.is_uninstalling => self.uninstall_done(None, command.name, line),
            _ => {
                let what = format!("uninstalls what is not known: {}", excerpt(command.text));
                self.find(Weight::Review, line, what);
            }
        }
        (Vec::new(), Flow::Next)
    }

    /// The run of an uninstaller, as its command says it.
    pub(super) fn uninstall_step(
        &self,
        kind: InstallerKind,
        file: Option<&str>,
        arguments: &str,
        exit_codes: Vec<i64>,
    ) -> UninstallStep {
        let from_registry = |text: &str| {
            let text = text.trim().trim_matches('"');
            text == UNINSTALL_STRING.to_string() || text == PRODUCT_CODE.to_string()
        };
        let cut = file.and_then(|text| self.cut_of_registry(text));
        let names_first = names_software(arguments) || file.is_some_and(names_software);
        let software_name = if let Some(cut) = &cut {
            Some(cut.name.clone())
        } else if names_first {
            self.first_software().map(str::to_owned)
        } else {
            self.sought_software()
        };
        UninstallStep {
            kind,
            file: file
                .filter(|text| !from_registry(text) && cut.is_none())
                .map(|text| self.facts.written_of_one(text)),
            cuts: cut.map(|it| it.cuts).unwrap_or_default(),
            arguments: self.facts.written_of_one(arguments),
            exit_codes,
            software_name,
            conditions: self.conditions().unwrap_or_default(),
            machines: Machines::All,
        }
    }

    /// The command line that the registry has for uninstalling, with what is cut off it, where a text is
    /// that.
    fn cut_of_registry(&self, text: &str) -> Option<Fact> {
        let text = Value::text(text.trim().trim_matches('"'));
        let is_own = |it: &Fact| {
            it.kind == FactKind::Software
                && it.property.as_deref() == Some("uninstallstring")
                && it.filter.is_none()
                && !it.cuts.is_empty()
        };
        self.only_fact(&text).filter(is_own)
    }

    /// Notes the run of an uninstaller: in an install script it is an effect.
    pub(super) fn uninstall_done(&mut self, step: Option<UninstallStep>, command: &str, line: u32) {
        if !self.is_uninstalling {
            if let Some(step) = step {
                self.note_uninstall(step, command, line);
            }
            return;
        }
        if self.uninstalls.len() >= MAX_FINDINGS {
            let what = "the script uninstalls too many things";
            self.find(Weight::Custom, line, what);
            return;
        }
        if self.conditions().is_none() {
            let what = "uninstalls under a condition that is not known";
            self.find(Weight::Review, line, what);
        }
        if let Some(step) = &step
            && step.kind == InstallerKind::Exe
            && step.file.is_none()
            && step.software_name.is_none()
        {
            let what = "which software's uninstaller is run is not known";
            self.find(Weight::Review, line, what);
        }
        self.uninstalls.push(UninstallCall { step });
    }

    /// Notes as an effect that a command uninstalls something.
    fn note_uninstall(&mut self, step: UninstallStep, command: &str, line: u32) {
        let codes: Vec<String> = step.exit_codes.iter().map(i64::to_string).collect();
        let kind = match step.kind {
            InstallerKind::Msi => "msi",
            InstallerKind::Exe => "exe",
        };
        let of_registry = || {
            let name = step.software_name.as_ref()?;
            let is_found = step.kind == InstallerKind::Exe;
            let fact = Fact {
                property: Some("uninstallstring".to_owned()),
                cuts: step.cuts.clone(),
                ..fact(FactKind::Software, name)
            };
            is_found.then(|| format!("<{}>", fact.label()))
        };
        let file = step.file.clone().or_else(of_registry);
        let mut operands = BTreeMap::from([
            ("silentargs".to_owned(), step.arguments),
            ("filetype".to_owned(), kind.to_owned()),
        ]);
        if !codes.is_empty() {
            operands.insert("validexitcodes".to_owned(), codes.join(", "));
        }
        operands.extend(file.map(|file| ("file".to_owned(), file)));
        operands.extend(
            step.software_name
                .map(|name| ("softwarename".to_owned(), name)),
        );
        self.note_operands(EffectKind::Uninstall, command, operands, line);
    }

    /// The pattern by which the script looks for installed software, where it has one only.
    pub(super) fn sought_software(&self) -> Option<String> {
        let mut names: Vec<&str> = self
            .state
            .scopes
            .iter()
            .flatten()
            .filter_map(|(_, value)| match value {
                Value::Array(items) => items.all.first(),
                other => Some(other),
            })
            .filter_map(|value| match value {
                Value::Sought(sought) if sought.kind == SoughtKind::Software => {
                    Some(sought.name.as_str())
                }
                _ => None,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        match names[..] {
            [one] => Some(one.to_owned()),
            [] => self.only_software().map(str::to_owned),
            _ => None,
        }
    }
}

/// Whether arguments of Windows Installer hold more than switches, properties and a log.
fn names_product(arguments: &str) -> bool {
    let mut is_log = false;
    arguments.split_whitespace().any(|word| {
        let is_switch = word.starts_with(['/', '-']) || word.contains('=');
        let is_product = !is_switch && !is_log || word.contains('{');
        let lower = word.to_ascii_lowercase();
        is_log = lower.starts_with("/l") || lower.starts_with("-l");
        is_product
    })
}
