//! Downloads: the headers that Chocolatey's helpers are told to send, and what other commands than
//! these bring.

use std::collections::BTreeMap;

use fleetmend_model::recipe::RecipeKind;

use super::archive::brought;
use super::command::Invocation;
use super::helper::Result;
use super::interpreter::{Flow, Interpreter, Weight};
use super::parameters::{Bound, Parameter, bind, switch, value};
use super::path;
use super::recipe_file::Located;
use super::state::State;
use super::value::{TableId, Value};

static WEB_REQUEST: [Parameter; 13] = [
    value("uri", Some(0), &[]),
    value("outfile", None, &[]),
    value("headers", None, &[]),
    value("useragent", None, &[]),
    value("method", None, &[]),
    value("body", None, &[]),
    value("timeoutsec", None, &[]),
    value("maximumredirection", None, &[]),
    value("proxy", None, &[]),
    value("sessionvariable", None, &["sv"]),
    value("websession", None, &[]),
    switch("usebasicparsing", &[]),
    switch("passthru", &[]),
];

static BITS_TRANSFER: [Parameter; 6] = [
    value("source", Some(0), &[]),
    value("destination", Some(1), &[]),
    value("displayname", Some(2), &[]),
    value("description", Some(4), &[]),
    value("priority", Some(3), &[]),
    value("transfertype", None, &[]),
];

impl Interpreter<'_> {
    /// `-Options @{ Headers = @{ … } }` of a helper; what else is in it is a finding.
    pub(super) fn headers(&mut self, bound: &Bound, line: u32) -> BTreeMap<String, String> {
        let mut headers = BTreeMap::new();
        let options = match bound.get("options") {
            Some(Value::Table(id)) => self.state.tables.get(id).cloned().unwrap_or_default(),
            Some(other) if other.truth() != Some(false) => {
                self.find(Weight::Custom, line, "the argument options is not analysed");
                return headers;
            }
            _ => return headers,
        };
        let mut is_known = true;
        for (name, value) in options {
            match value {
                Value::Table(id) if name.eq_ignore_ascii_case("headers") => {
                    is_known &= self.read_headers(id, &mut headers);
                }
                other => is_known &= other.truth() == Some(false),
            }
        }
        if !is_known {
            let what = "the argument options is not analysed: the download needs headers";
            self.find(Weight::Custom, line, what);
        }
        headers
    }

    /// Reads a table of headers; `false`: one of them is not known.
    pub(super) fn read_headers(&self, id: TableId, headers: &mut BTreeMap<String, String>) -> bool {
        let entries = self.state.tables.get(&id).cloned().unwrap_or_default();
        for (name, value) in entries {
            let Some(text) = value.as_plain() else {
                return false;
            };
            if text.contains(['\r', '\n', '\0']) {
                return false;
            }
            headers.insert(name.to_ascii_lowercase(), text.to_owned());
        }
        true
    }

    /// `Invoke-WebRequest` and `Start-BitsTransfer`.
    pub(super) fn web_command(&mut self, command: &Invocation<'_>) -> Result {
        let parameters: &'static [Parameter] = match command.name {
            "start-bitstransfer" => &BITS_TRANSFER,
            _ => &WEB_REQUEST,
        };
        let bound = bind(parameters, false, command.arguments.clone());
        let line = command.line;
        let sends = ["body", "websession", "transfertype"];
        let is_get = bound.get("method").is_none_or(|it| {
            it.as_plain()
                .is_some_and(|it| it.eq_ignore_ascii_case("get"))
        });
        if bound.problem.is_some() || !is_get || sends.iter().any(|it| bound.get(it).is_some()) {
            let what = format!(
                "has effects that are not understood: {}",
                super::interpreter::excerpt(command.text)
            );
            self.find(Weight::Custom, line, what);
            return (
                vec![Value::unknown("it comes from the internet")],
                Flow::Next,
            );
        }
        let target = bound.get("outfile").or(bound.get("destination")).cloned();
        let source = bound.get("uri").or(bound.get("source")).cloned();
        let Some(target) = target else {
            return (
                vec![Value::unknown("it comes from the internet")],
                Flow::Next,
            );
        };
        let mut headers = BTreeMap::new();
        let is_known = match bound.get("headers") {
            Some(Value::Table(id)) => self.read_headers(*id, &mut headers),
            Some(_) => false,
            None => true,
        };
        match bound
            .get("useragent")
            .map(|it| it.as_plain().map(str::to_owned))
        {
            Some(Some(agent)) => {
                headers.insert("user-agent".to_owned(), agent);
            }
            Some(None) => {
                let what = "the download needs a user agent of its own";
                self.find(Weight::Review, line, what);
            }
            None => {}
        }
        if !is_known {
            let what = "the download needs headers that are not known";
            self.find(Weight::Review, line, what);
        }
        self.fetch(&source.unwrap_or(Value::Null), &target, headers, line);
        (Vec::new(), Flow::Next)
    }

    /// A download of an address to a path, without a checksum.
    pub(super) fn fetch(
        &mut self,
        address: &Value,
        target: &Value,
        headers: BTreeMap<String, String>,
        line: u32,
    ) {
        self.find_unknown_condition(line);
        let address = address.as_plain().map(str::to_owned);
        let file = address.and_then(|it| self.remote(&it, None, line));
        let path = Some(target.to_path()).filter(|it| target.is_known() && path::is_full(it));
        let (Some(file), Some(path)) = (file, path) else {
            let what = "what is downloaded, or where it is written, is not known";
            self.find(Weight::Review, line, what);
            self.call_done(line, None);
            return;
        };
        let file = Located { headers, ..file };
        let step = brought(RecipeKind::File, &file, self.facts.written(&path));
        let call = self.call_done(line, Some(step));
        let located = Located {
            call: Some(call),
            ..file
        };
        let state = &mut self.state;
        State::remember(&mut state.downloads, &mut state.unsure, &path, located);
    }
}
