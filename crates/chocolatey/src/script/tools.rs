//! Tools that scripts start, most of them Windows' own: what their command line says that they change.
//! Source: Microsoft's reference of Windows commands.

use fleetmend_model::effect::EffectKind;
use fleetmend_model::recipe::RecipeKind;

/// A tool of Windows.
#[derive(Clone, Copy)]
pub(super) struct Tool {
    /// Its name in lower case without `.exe`.
    pub(super) name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// It changes that, whatever it is told.
    Always(EffectKind),
    /// The first of its arguments says whether it changes that (first list) or only reads (second).
    Verb(EffectKind, &'static [&'static str], &'static [&'static str]),
    /// It only reads.
    Reads,
    /// `cmd /c`.
    Shell,
    Msiexec,
    Wusa,
    /// `netsh`.
    Net,
}

/// What a tool does with given arguments.
pub(super) enum Does {
    Change(EffectKind),
    Read,
    /// Another command line is run.
    Command(String),
    Install {
        kind: RecipeKind,
        file: String,
        arguments: String,
    },
    Uninstall {
        product: String,
        arguments: String,
    },
    Unknown,
}

const fn tool(name: &'static str, kind: Kind) -> Tool {
    Tool { name, kind }
}

/// Visual Studio Code and its relatives. Source: its documentation of the command line.
const EDITOR: Kind = Kind::Verb(
    EffectKind::EditorExtension,
    &["--install-extension", "--uninstall-extension"],
    &["--list-extensions", "--version"],
);

static TOOLS: [Tool; 48] = [
    tool("cmd", Kind::Shell),
    tool("msiexec", Kind::Msiexec),
    tool("wusa", Kind::Wusa),
    tool("netsh", Kind::Net),
    tool(
        "schtasks",
        Kind::Verb(
            EffectKind::ScheduledTask,
            &["/create", "/delete", "/change", "/run", "/end"],
            &["/query"],
        ),
    ),
    tool(
        "sc",
        Kind::Verb(
            EffectKind::Service,
            &[
                "create",
                "delete",
                "config",
                "start",
                "stop",
                "failure",
                "description",
                "sdset",
                "sidtype",
                "triggerinfo",
                "privs",
            ],
            &["query", "queryex", "qc", "qdescription"],
        ),
    ),
    tool(
        "net",
        Kind::Verb(EffectKind::Service, &["start", "stop"], &[]),
    ),
    tool(
        "net1",
        Kind::Verb(EffectKind::Service, &["start", "stop"], &[]),
    ),
    tool(
        "reg",
        Kind::Verb(
            EffectKind::Registry,
            &[
                "add", "delete", "import", "copy", "load", "unload", "restore",
            ],
            &["query", "compare"],
        ),
    ),
    tool("regedit", Kind::Always(EffectKind::Registry)),
    tool("regsvr32", Kind::Always(EffectKind::Component)),
    tool("regasm", Kind::Always(EffectKind::Component)),
    tool("gacutil", Kind::Always(EffectKind::Component)),
    tool("icacls", Kind::Always(EffectKind::Rights)),
    tool("cacls", Kind::Always(EffectKind::Rights)),
    tool("takeown", Kind::Always(EffectKind::Rights)),
    tool("attrib", Kind::Always(EffectKind::Files)),
    tool("setx", Kind::Always(EffectKind::EnvironmentVariable)),
    tool("taskkill", Kind::Always(EffectKind::StopProcess)),
    tool("tskill", Kind::Always(EffectKind::StopProcess)),
    tool("assoc", Kind::Always(EffectKind::FileAssociation)),
    tool("ftype", Kind::Always(EffectKind::FileAssociation)),
    tool("mklink", Kind::Always(EffectKind::Files)),
    tool("mkdir", Kind::Always(EffectKind::Files)),
    tool("md", Kind::Always(EffectKind::Files)),
    tool("rmdir", Kind::Always(EffectKind::Files)),
    tool("rd", Kind::Always(EffectKind::Files)),
    tool("del", Kind::Always(EffectKind::Files)),
    tool("copy", Kind::Always(EffectKind::Files)),
    tool("xcopy", Kind::Always(EffectKind::Files)),
    tool("robocopy", Kind::Always(EffectKind::Files)),
    tool(
        "certutil",
        Kind::Verb(
            EffectKind::Certificate,
            &["-addstore", "/addstore", "-delstore", "/delstore"],
            &["-hashfile", "-verify", "-store"],
        ),
    ),
    tool(
        "pnputil",
        Kind::Verb(
            EffectKind::Driver,
            &[
                "/add-driver",
                "/delete-driver",
                "-i",
                "-a",
                "-d",
                "/i",
                "/a",
                "/d",
            ],
            &["/enum-drivers", "-e", "/e"],
        ),
    ),
    tool("code", EDITOR),
    tool("code-insiders", EDITOR),
    tool("codium", EDITOR),
    tool("azuredatastudio", EDITOR),
    tool("whoami", Kind::Reads),
    tool("hostname", Kind::Reads),
    tool("systeminfo", Kind::Reads),
    tool("tasklist", Kind::Reads),
    tool("netstat", Kind::Reads),
    tool("where", Kind::Reads),
    tool("ipconfig", Kind::Reads),
    tool("quser", Kind::Reads),
    tool("query", Kind::Reads),
    tool("ping", Kind::Reads),
    tool("ver", Kind::Reads),
];

/// The tool of a name in lower case, with or without `.exe`.
pub(super) fn find(name: &str) -> Option<Tool> {
    let name = name.strip_suffix(".exe").unwrap_or(name);
    TOOLS.iter().find(|it| it.name == name).copied()
}

/// Whether a program of that name does what a script, a package or a project tells it.
pub(super) fn takes_scripts(name: &str) -> bool {
    const EXACT: [&str; 38] = [
        "powershell",
        "pwsh",
        "cmd",
        "wscript",
        "cscript",
        "mshta",
        "rundll32",
        "wsl",
        "bash",
        "sh",
        "python",
        "pythonw",
        "py",
        "pip",
        "pip3",
        "node",
        "npm",
        "npx",
        "yarn",
        "ruby",
        "gem",
        "perl",
        "php",
        "java",
        "javaw",
        "dotnet",
        "choco",
        "nuget",
        "git",
        "msbuild",
        "winget",
        "scoop",
        "vagrant",
        "docker",
        "sikulix",
        "msiexec",
        "nircmd",
        "forfiles",
    ];
    EXACT.contains(&name) || name.starts_with("autohotkey") || name.starts_with("autoit")
}

impl Tool {
    pub(super) fn does(self, words: &[String]) -> Does {
        let lower = |place: usize| {
            words
                .get(place)
                .map(|it| it.to_ascii_lowercase())
                .unwrap_or_default()
        };
        match self.kind {
            Kind::Always(kind) => Does::Change(kind),
            Kind::Reads => Does::Read,
            Kind::Verb(kind, changes, reads) => {
                // A machine's name may stand in front (`sc \\machine …`); that is not this device.
                let has = |list: &[&str]| {
                    let first = lower(0);
                    list.contains(&first.as_str())
                        || first.starts_with(['/', '-'])
                            && words
                                .iter()
                                .any(|it| list.contains(&it.to_ascii_lowercase().as_str()))
                };
                if has(changes) {
                    Does::Change(kind)
                } else if has(reads) {
                    Does::Read
                } else {
                    Does::Unknown
                }
            }
            Kind::Net => match (lower(0).as_str(), lower(1).as_str()) {
                ("advfirewall", "firewall") if lower(2) == "show" => Does::Read,
                ("advfirewall" | "firewall", _) => Does::Change(EffectKind::Firewall),
                _ => Does::Unknown,
            },
            Kind::Shell => match lower(0).as_str() {
                "/c" | "/k" => {
                    let command = words.get(1..).unwrap_or_default();
                    let command = match command {
                        [one] => one.clone(),
                        many => many
                            .iter()
                            .map(|it| quoted(it))
                            .collect::<Vec<_>>()
                            .join(" "),
                    };
                    // More than one command, or a redirection.
                    if command.contains(['&', '|', '<', '>', '^', '%', '\n']) {
                        Does::Unknown
                    } else {
                        Does::Command(command)
                    }
                }
                _ => Does::Unknown,
            },
            Kind::Msiexec => msiexec(words),
            Kind::Wusa => match words {
                [file, rest @ ..] if !file.starts_with('/') => Does::Install {
                    kind: RecipeKind::Msu,
                    file: file.clone(),
                    arguments: rest.join(" "),
                },
                _ => Does::Unknown,
            },
        }
    }
}

/// `msiexec /i FILE …`, `/x FILE|{code} …`, in any order.
fn msiexec(words: &[String]) -> Does {
    let mut action: Option<(char, String)> = None;
    let mut rest: Vec<String> = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let lower = word.to_ascii_lowercase();
        let verb = lower.strip_prefix(['/', '-']).unwrap_or("");
        let found = match verb {
            "i" | "package" => Some(('i', None)),
            "x" | "uninstall" => Some(('x', None)),
            "p" | "update" => Some(('p', None)),
            _ if verb.starts_with(['i', 'x', 'p']) && verb[1..].starts_with('{') => {
                Some((verb.chars().next().unwrap_or('i'), word.get(2..)))
            }
            _ => None,
        };
        match found {
            Some((what, attached)) => {
                let operand = match attached {
                    Some(attached) => Some(attached.to_owned()),
                    None => words.next().cloned(),
                };
                match (operand, &action) {
                    (Some(operand), None) => action = Some((what, operand)),
                    _ => return Does::Unknown,
                }
            }
            None => rest.push(quoted(word)),
        }
    }
    let arguments = rest.join(" ");
    match action {
        Some(('i', file)) => Does::Install {
            kind: RecipeKind::Msi,
            file,
            arguments,
        },
        Some(('p', file)) => Does::Install {
            kind: RecipeKind::Msp,
            file,
            arguments,
        },
        Some(('x', product)) => Does::Uninstall { product, arguments },
        _ => Does::Unknown,
    }
}

fn quoted(word: &str) -> String {
    if word.contains(char::is_whitespace) && !word.contains('"') {
        format!("\"{word}\"")
    } else {
        word.to_owned()
    }
}

/// The words of a command line that name what a tool writes.
pub(super) fn written<'w>(name: &str, kind: EffectKind, words: &'w [String]) -> Vec<&'w str> {
    // These name first what they read.
    let reads = usize::from(matches!(name, "copy" | "xcopy" | "robocopy"));
    let words = words.iter().filter(|it| !it.starts_with('/')).skip(reads);
    let changes = kind == EffectKind::Files && name != "attrib";
    words.filter(|_| changes).map(String::as_str).collect()
}

/// A command line's words, without the quotes around them.
pub(super) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut is_open, mut has_word) = (false, false);
    for c in line.chars() {
        match c {
            '"' => {
                is_open = !is_open;
                has_word = true;
            }
            c if c.is_whitespace() && !is_open => {
                if std::mem::take(&mut has_word) {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => {
                word.push(c);
                has_word = true;
            }
        }
    }
    if has_word {
        words.push(word);
    }
    words
}

/// What of a command line stands behind its first word.
pub(super) fn rest(line: &str) -> String {
    let line = line.trim_start();
    let mut is_open = false;
    let end = line.find(|c: char| {
        if c == '"' {
            is_open = !is_open;
        }
        c.is_whitespace() && !is_open
    });
    end.map_or(String::new(), |at| line[at..].trim().to_owned())
}

/// Whether a command line tells an installer not to ask a person.
pub(super) fn is_silent(arguments: &str) -> bool {
    const SILENT: [&str; 26] = [
        "/s",
        "-s",
        "--s",
        "/q",
        "-q",
        "/qn",
        "-qn",
        "/qb",
        "-qb",
        "/qb!",
        "/quiet",
        "-quiet",
        "--quiet",
        "/silent",
        "-silent",
        "--silent",
        "/verysilent",
        "-verysilent",
        "--verysilent",
        "/passive",
        "-passive",
        "--passive",
        "/unattended",
        "--unattended",
        "--unattendedmodeui",
        "-unattended",
    ];
    let words = words(arguments);
    let mut before = String::new();
    for word in &words {
        let lower = word.to_ascii_lowercase();
        let name = lower.split(['=', ':']).next().unwrap_or("");
        let is_mode = (before == "--mode" && lower == "unattended")
            || lower.starts_with("/v\"/q")
            || lower.starts_with("/v/q");
        if SILENT.contains(&name) || is_mode {
            return true;
        }
        before = lower;
    }
    false
}
