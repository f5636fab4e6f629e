//! Commands that only print or wait. They change nothing, but one that is handed what it does not take
//! is an error, which ends the script where errors do: `Write-Warning "{0}" -f $x` is read as a
//! parameter `-f`. Source: their reference for Windows `PowerShell` 5.1.

use super::command::Invocation;
use super::interpreter::Interpreter;
use super::parameters::{Argument, Bound, Parameter, bind, switch, value};
use super::value::Value;

/// The parameters of some commands.
struct Printing {
    names: &'static [&'static str],
    parameters: &'static [Parameter],
    /// Whether what stands behind them is printed as well.
    takes_rest: bool,
}

static PRINTING: [Printing; 8] = [
    Printing {
        names: &["write-host"],
        parameters: &[
            value("object", Some(0), &[]),
            switch("nonewline", &[]),
            value("separator", None, &[]),
            value("foregroundcolor", None, &[]),
            value("backgroundcolor", None, &[]),
        ],
        takes_rest: true,
    },
    Printing {
        names: &["write-output"],
        parameters: &[
            value("inputobject", Some(0), &[]),
            switch("noenumerate", &[]),
        ],
        takes_rest: true,
    },
    Printing {
        names: &["write-warning", "write-verbose", "write-debug"],
        parameters: &[value("message", Some(0), &["msg"])],
        takes_rest: false,
    },
    Printing {
        names: &["write-information"],
        parameters: &[
            value("messagedata", Some(0), &["msg", "message"]),
            value("tags", Some(1), &[]),
        ],
        takes_rest: false,
    },
    Printing {
        names: &["write-progress"],
        parameters: &[
            value("activity", Some(0), &[]),
            value("status", Some(1), &[]),
            value("id", Some(2), &[]),
            value("percentcomplete", None, &[]),
            value("secondsremaining", None, &[]),
            value("currentoperation", None, &[]),
            value("parentid", None, &[]),
            switch("completed", &[]),
            value("sourceid", None, &[]),
        ],
        takes_rest: false,
    },
    Printing {
        names: &["start-sleep"],
        parameters: &[
            value("seconds", Some(0), &[]),
            value("milliseconds", None, &[]),
        ],
        takes_rest: false,
    },
    Printing {
        names: &["out-null"],
        parameters: &[value("inputobject", None, &[])],
        takes_rest: false,
    },
    Printing {
        names: &["out-host"],
        parameters: &[value("inputobject", None, &[]), switch("paging", &[])],
        takes_rest: false,
    },
];

/// The colours of a console.
const COLOURS: [&str; 16] = [
    "black",
    "darkblue",
    "darkgreen",
    "darkcyan",
    "darkred",
    "darkmagenta",
    "darkyellow",
    "gray",
    "darkgray",
    "blue",
    "green",
    "cyan",
    "red",
    "magenta",
    "yellow",
    "white",
];

impl Interpreter<'_> {
    /// What the statement of a command gives that only prints, and is handed what it does not take.
    pub(super) fn misused_printing(&mut self, command: &Invocation<'_>) -> Option<Vec<Value>> {
        let printing = PRINTING
            .iter()
            .find(|it| it.names.contains(&command.name))?;
        // Of what is not known it is not known whether it is taken.
        let is_open = |it: &Argument| matches!(it, Argument::Splat(it) if !matches!(it, Value::Array(_) | Value::Null));
        if command.arguments.iter().any(is_open) {
            return None;
        }
        let bound = bind(
            printing.parameters,
            printing.takes_rest,
            command.arguments.clone(),
        );
        let is_misused = bound.problem.is_some() || names_no_colour(&bound);
        is_misused.then(|| self.ended_by_error(command.line))
    }
}

/// Whether something that surely is no colour is given for one.
fn names_no_colour(bound: &Bound) -> bool {
    let given = ["foregroundcolor", "backgroundcolor"].into_iter();
    given.filter_map(|name| bound.get(name)).any(|it| {
        it.as_plain().is_some_and(|text| {
            let text = text.trim().to_ascii_lowercase();
            // By its number too, or the beginning of its name.
            let is_number = text.parse::<u8>().is_ok_and(|it| it < 16);
            let is_begun = !text.is_empty() && COLOURS.iter().any(|it| it.starts_with(&text));
            !is_number && !is_begun
        })
    })
}
