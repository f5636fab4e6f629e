//! `Get-ToolsLocation`: the variables of the person that it sets. Source: its own text.

use std::collections::BTreeMap;

use fleetmend_model::condition::FactKind;
use fleetmend_model::effect::EffectKind;

use super::interpreter::Interpreter;
use super::value::Value;

const LOCATION: &str = "ChocolateyToolsLocation";
const OLD: &str = "ChocolateyBinRoot";
const OLDER: &str = "chocolatey_bin_root";

/// A variable that is set: its name, its value and when that is.
type Set = (&'static str, &'static str, &'static str);

/// The folder is set where it has none, to that of the older variables if there is one; these are
/// emptied. One without a drive gets Windows'. Where the person has no variables of their own, an
/// elevated run sets the folder for the machine.
const SETS: [Set; 5] = [
    (
        LOCATION,
        r"%SystemDrive%\tools",
        "$env:ChocolateyToolsLocation -eq $null -and $env:ChocolateyBinRoot -eq $null -and $env:chocolatey_bin_root -eq $null",
    ),
    (
        LOCATION,
        "<variable ChocolateyBinRoot, else variable chocolatey_bin_root>",
        r#"$env:ChocolateyToolsLocation -eq $null -and ($env:ChocolateyBinRoot -ne $null -or $env:chocolatey_bin_root -ne $null) -and ($toolsLocation -imatch "^\w:")"#,
    ),
    (
        OLDER,
        "",
        "$env:ChocolateyToolsLocation -eq $null -and $env:chocolatey_bin_root -ne $null",
    ),
    (
        OLD,
        "",
        "$env:ChocolateyToolsLocation -eq $null -and ($env:ChocolateyBinRoot -ne $null -or $env:chocolatey_bin_root -ne $null)",
    ),
    (
        LOCATION,
        r"%SystemDrive%\<the folder without a drive>",
        r#"-not ($toolsLocation -imatch "^\w:")"#,
    ),
];

/// Whose variable it is.
fn scope(name: &str) -> &'static str {
    match name {
        LOCATION => "User, or Machine where that cannot be written",
        _ => "User",
    }
}

impl Interpreter<'_> {
    /// Notes what it sets.
    pub(super) fn note_tools_location(&mut self, line: u32) {
        let asked: Vec<Value> = [LOCATION, OLD, OLDER]
            .iter()
            .map(|name| self.fact(FactKind::Variable, name))
            .collect();
        let asked = Value::array(asked);
        for (name, value, condition) in SETS {
            let doubt = self.doubt(&asked, condition, line);
            let operands = BTreeMap::from([
                ("name".to_owned(), name.to_owned()),
                ("scope".to_owned(), scope(name).to_owned()),
                ("value".to_owned(), value.to_owned()),
            ]);
            self.under(doubt, |this| {
                let kind = EffectKind::EnvironmentVariable;
                this.note_operands(kind, "get-toolslocation", operands, line);
            });
        }
    }
}
