//! Objects of .NET that a script makes: which are known data, and which only hold data or compute.

use std::rc::Rc;

use super::interpreter::Interpreter;
use super::pattern;
use super::statics::is_list;
use super::value::{FileItem, Value};

/// Types whose objects only hold data, compute or read: making one changes nothing. What their
/// methods do is a matter of its own.
const HARMLESS_OBJECTS: [&str; 45] = [
    // What addresses, asks and names.
    "uri",
    "uribuilder",
    "net.networkcredential",
    "net.webclient",
    "net.webproxy",
    "management.automation.pscredential",
    "security.principal.ntaccount",
    "security.principal.securityidentifier",
    "security.principal.windowsidentity",
    "security.principal.windowsprincipal",
    // A rule takes effect only where it is written to something.
    "security.accesscontrol.directorysecurity",
    "security.accesscontrol.filesecurity",
    "security.accesscontrol.filesystemaccessrule",
    "security.accesscontrol.registryaccessrule",
    // Texts and numbers.
    "text.asciiencoding",
    "text.stringbuilder",
    "text.unicodeencoding",
    "text.utf8encoding",
    "text.regularexpressions.regex",
    "regex",
    "globalization.cultureinfo",
    "random",
    "datetime",
    "timespan",
    "guid",
    "version",
    "string",
    "object",
    // What holds others.
    "collections.bitarray",
    "collections.queue",
    "collections.stack",
    "collections.sortedlist",
    "collections.specialized.ordereddictionary",
    "collections.specialized.stringcollection",
    "collections.specialized.namevaluecollection",
    "data.datacolumn",
    "data.datatable",
    // Digests and readers.
    "security.cryptography.md5cryptoserviceprovider",
    "security.cryptography.sha1managed",
    "security.cryptography.sha256managed",
    "io.memorystream",
    "io.streamreader",
    "io.stringreader",
    "xml",
    "xml.xmldocument",
];

fn is_harmless(kind: &str) -> bool {
    HARMLESS_OBJECTS.contains(&kind)
        || [
            "dictionary",
            "hashset",
            "queue",
            "stack",
            "sorteddictionary",
        ]
        .iter()
        .any(|name| {
            kind.strip_prefix("collections.generic.")
                .is_some_and(|it| it.strip_prefix(name).is_some_and(|it| it.starts_with('[')))
        })
}

impl Interpreter<'_> {
    /// What a constructor gives, by its type's name in lower case and its arguments; `None`: what
    /// it does is not understood.
    pub(super) fn constructed(&mut self, kind: &str, items: &[Value]) -> Option<Value> {
        Some(match (kind, items) {
            ("version", [Value::Int(_), ..]) => version_of(items),
            ("version", [text]) => self.cast_to("version", text.clone()),
            ("regex" | "text.regularexpressions.regex", [pattern]) => pattern::object(pattern),
            (list, [] | [Value::Int(_)]) if is_list(list) => self.new_list(Vec::new()),
            (list, [items @ Value::Array(_)]) if is_list(list) => self.cast_to(list, items.clone()),
            ("net.webclient", []) => self.new_web_client(),
            ("psobject" | "hashtable" | "collections.hashtable" | "pscustomobject", []) => {
                self.new_table(Vec::new())
            }
            ("hashtable" | "collections.hashtable", [Value::Table(id)]) => {
                let entries = self.state.tables.get(id).cloned().unwrap_or_default();
                self.new_table(entries)
            }
            ("hashtable" | "collections.hashtable", [other]) => Value::unknown(other.why()),
            ("collections.specialized.ordereddictionary", []) => {
                let table = self.new_table(Vec::new());
                if let Value::Table(id) = table {
                    self.state.ordered.insert(id);
                }
                table
            }
            ("io.fileinfo" | "io.directoryinfo", [path, ..]) => Value::File(Rc::new(FileItem {
                path: path.to_path(),
                is_folder: kind == "io.directoryinfo",
                is_text_full: true,
            })),
            (kind, _) if is_harmless(kind) => {
                let unknown = Value::unknown(format!("a {kind} is known only at run time"));
                let from: Vec<&Value> = items.iter().collect();
                self.or_asked(unknown, &from)
            }
            _ => return None,
        })
    }
}

fn version_of(items: &[Value]) -> Value {
    let number = |it: &Value| match it {
        Value::Int(number) => Some(*number),
        _ => None,
    };
    let numbers: Option<Vec<i64>> = items.iter().map(number).collect();
    match numbers {
        Some(numbers) if (2..=4).contains(&numbers.len()) => Value::Version(numbers.into()),
        _ => Value::unknown("it is no version"),
    }
}
