//! `System.Net.WebClient`: what it is told to send, and what it downloads.

use std::collections::BTreeMap;

use super::interpreter::{Interpreter, Weight};
use super::shell_object::IS;
use super::value::{TableId, Value};

const WEB_CLIENT: &str = "webclient";
const HEADERS: &str = "Headers";

/// Settings that say how a download is made and not what it is: Chocolatey's own helper signs in as
/// the account that runs it, too, where a server or proxy asks for that.
const TRANSFER: [&str; 5] = [
    IS,
    "usedefaultcredentials",
    "proxy",
    "encoding",
    "cachepolicy",
];

impl Interpreter<'_> {
    pub(super) fn new_web_client(&mut self) -> Value {
        let headers = self.new_table(Vec::new());
        self.new_table(vec![
            (IS.into(), Value::text(WEB_CLIENT)),
            (HEADERS.into(), headers),
        ])
    }

    pub(super) fn is_web_client(&self, id: TableId) -> bool {
        let is = self.state.entry(id, IS).and_then(Value::as_plain);
        is == Some(WEB_CLIENT)
    }

    /// A method of a web client; `None`: it is none, or the method is not understood.
    pub(super) fn web_client_method(
        &mut self,
        target: &Value,
        name: &str,
        arguments: &[Value],
        line: u32,
    ) -> Option<Value> {
        let id = match target {
            Value::Table(id) if self.is_web_client(*id) => *id,
            _ => return None,
        };
        match (name, arguments) {
            ("downloadfile", [address, path]) => {
                let headers = self.sent_headers(id, line);
                self.fetch(address, path, headers, line);
                Some(Value::Null)
            }
            ("dispose", []) => Some(Value::Null),
            _ if name.starts_with("download") => Some(Value::unknown("it comes from the internet")),
            _ => None,
        }
    }

    /// The headers that a web client sends; what else it was told is a finding.
    fn sent_headers(&mut self, id: TableId, line: u32) -> BTreeMap<String, String> {
        let mut headers = BTreeMap::new();
        let mut is_known = true;
        for (name, value) in self.state.tables.get(&id).cloned().unwrap_or_default() {
            match value {
                Value::Table(table) if name.eq_ignore_ascii_case(HEADERS) => {
                    is_known &= self.read_headers(table, &mut headers);
                }
                _ => is_known &= TRANSFER.iter().any(|it| name.eq_ignore_ascii_case(it)),
            }
        }
        if !is_known {
            let what = "the download needs headers or settings that are not known";
            self.find(Weight::Review, line, what);
        }
        headers
    }
}
