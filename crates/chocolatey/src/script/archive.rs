//! Helpers that bring files without running them: downloads and archives.

use fleetmend_model::recipe::RecipeKind;

use super::command::Invocation;
use super::helper::Result;
use super::helper_file::OPEN_TRANSFER;
use super::installation::{Call, Step};
use super::interpreter::{Flow, Interpreter, Weight};
use super::parameters::{Bound, Parameter, bind, mandatory, switch, value};
use super::path;
use super::recipe_file::{Located, shown};
use super::state::{MAX_FILES, State};
use super::value::{HOLE, PACKAGE_ROOT, STAR, Value};

static ZIP_PACKAGE: [Parameter; 13] = [
    mandatory("packagename", Some(0), &[]),
    value("url", Some(1), &[]),
    mandatory("unziplocation", Some(2), &["destination"]),
    value("url64bit", Some(3), &["url64"]),
    value("specificfolder", None, &[]),
    value("checksum", None, &[]),
    value("checksumtype", None, &[]),
    value("checksum64", None, &[]),
    value("checksumtype64", None, &[]),
    value("options", None, &[]),
    value("file", None, &["filefullpath"]),
    value("file64", None, &["filefullpath64"]),
    switch("disablelogging", &[]),
];

static UNZIP: [Parameter; 6] = [
    value("filefullpath", Some(0), &["file"]),
    mandatory("destination", Some(1), &["unziplocation"]),
    value("specificfolder", Some(2), &[]),
    value("packagename", Some(3), &[]),
    value("filefullpath64", None, &["file64"]),
    switch("disablelogging", &[]),
];

static EXPAND_ARCHIVE: [Parameter; 3] = [
    value("filefullpath", Some(0), &["path", "literalpath"]),
    value("destination", Some(1), &["destinationpath"]),
    switch("force", &[]),
];

static WEB_FILE: [Parameter; 11] = [
    mandatory("packagename", Some(0), &[]),
    mandatory("filefullpath", Some(1), &[]),
    value("url", Some(2), &[]),
    value("url64bit", Some(3), &["url64"]),
    value("checksum", None, &[]),
    value("checksumtype", None, &[]),
    value("checksum64", None, &[]),
    value("checksumtype64", None, &[]),
    value("options", None, &[]),
    switch("getoriginalfilename", &[]),
    switch("forcedownload", &[]),
];

static SIMPLE_WEB_FILE: [Parameter; 6] = [
    value("url", Some(0), &[]),
    value("filefullpath", Some(1), &["filename"]),
    value("useragent", Some(2), &[]),
    value("options", None, &[]),
    switch("passthru", &[]),
    switch("quiet", &[]),
];

static VERIFY: [Parameter; 4] = [
    mandatory("file", Some(0), &[]),
    value("checksum", Some(1), &[]),
    value("checksumtype", Some(2), &[]),
    value("originalurl", Some(3), &[]),
];

impl Interpreter<'_> {
    /// `Install-ChocolateyZipPackage`: downloads an archive, or takes an embedded one, and unpacks it.
    pub(super) fn install_archive(&mut self, command: &Invocation<'_>) -> Result {
        let bound = self.bind_helper(command, &ZIP_PACKAGE);
        let archive = match self.file(&bound, command.line, ["url", "url64bit"]) {
            Ok(Some(file)) => Some(file),
            Ok(None) => return self.no_file(command.line),
            Err(()) => None,
        };
        self.unpack_into(&bound, archive, "unziplocation", command.line)
    }

    /// `Get-ChocolateyUnzip` and `Expand-Archive`.
    pub(super) fn unpack(&mut self, command: &Invocation<'_>) -> Result {
        let parameters: &'static [Parameter] = match command.name {
            "expand-archive" => &EXPAND_ARCHIVE,
            _ => &UNZIP,
        };
        let mut bound = self.bind_helper(command, parameters);
        let names = ["filefullpath", "filefullpath64"];
        if command.name == "expand-archive" {
            self.resolve(&mut bound, &["filefullpath", "destination"], command);
        }
        let archive = match self.file(&bound, command.line, names) {
            Ok(Some(file)) => Some(file),
            Ok(None) => return self.no_file(command.line),
            Err(()) => None,
        };
        if bound.get("packagename").is_some() && !bound.is_on("disablelogging") {
            self.note_logs(names.iter().filter_map(|it| bound.get(it)));
        }
        self.unpack_into(&bound, archive, "destination", command.line)
    }

    /// Where Chocolatey lists what it unpacks of archives: in the package's folder, by their names.
    fn note_logs<'v>(&mut self, archives: impl Iterator<Item = &'v Value>) {
        for archive in archives {
            let name = path::leaf(&archive.to_path());
            if self.state.logs.len() < MAX_FILES && !name.contains([STAR, HOLE]) {
                let log = format!("{PACKAGE_ROOT}\\{name}.txt");
                self.state.logs.insert(path::key(&log));
            }
        }
    }

    fn unpack_into(
        &mut self,
        bound: &Bound,
        archive: Option<Located>,
        destination: &str,
        line: u32,
    ) -> Result {
        let folder = match self.path_argument(bound, destination, line) {
            Ok(Some(folder)) if path::is_full(&folder) => Some(folder),
            Ok(_) => {
                self.find(
                    Weight::Review,
                    line,
                    "the archive is unpacked where no full path says",
                );
                None
            }
            Err(()) => None,
        };
        let specific = self.text(bound, "specificfolder", line);
        let step = match (&archive, &folder, specific) {
            (Some(archive), Some(folder), Ok(part)) if bound.problem.is_none() => {
                let step = brought(RecipeKind::Archive, archive, self.facts.written(folder));
                Some(Step {
                    part: part.as_deref().map(shown),
                    ..step
                })
            }
            _ => None,
        };
        let call = self.call_done(line, step);
        let Some(folder) = folder else {
            return (vec![Value::unknown("the folder is not known")], Flow::Next);
        };
        if let Some(archive) = archive {
            let key = path::key(folder.trim_end_matches(['\\', '/']));
            let archive = Located {
                call: Some(call),
                ..archive
            };
            // What lay in the folder before is still there.
            if self.state.unpacked.len() < MAX_FILES {
                self.state.unpacked.push((key, archive));
            } else {
                self.state.unsure.insert(key);
            }
        }
        (vec![Value::text(folder)], Flow::Next)
    }

    /// `Get-ChocolateyWebFile`.
    pub(super) fn download(&mut self, command: &Invocation<'_>) -> Result {
        let line = command.line;
        let parameters: &'static [Parameter] = match command.name {
            "get-webfile" => &SIMPLE_WEB_FILE,
            _ => &WEB_FILE,
        };
        let bound = self.bind_helper(command, parameters);
        let agent = bound.get("useragent").cloned().unwrap_or(Value::Null);
        let file = match self.file(&bound, line, ["url", "url64bit"]) {
            Ok(Some(file)) => Some(self.with_agent(file, &agent, line)),
            Ok(None) => return self.no_file(line),
            Err(()) => None,
        };
        let target = self
            .path_argument(&bound, "filefullpath", line)
            .ok()
            .flatten();
        let target = target.filter(|it| path::is_full(it));
        // Its server may name it.
        let original = target
            .as_deref()
            .filter(|_| bound.is_on("getoriginalfilename"))
            .map(|target| path::join(&path::parent(target), &STAR.to_string()));
        let step = match (&file, original.as_ref().or(target.as_ref())) {
            (Some(file), Some(target)) if bound.problem.is_none() => {
                Some(brought(RecipeKind::File, file, self.facts.written(target)))
            }
            _ => None,
        };
        if target.is_none() {
            self.find(
                Weight::Review,
                line,
                "where the download is written is not known",
            );
        }
        let call = self.call_done(line, step);
        let Some(target) = target else {
            return (
                vec![Value::unknown("the download is not known")],
                Flow::Next,
            );
        };
        let mut paths = vec![target.clone()];
        paths.extend(original);
        if let Some(file) = file {
            for path in &paths {
                let located = Located {
                    call: Some(call),
                    ..file.clone()
                };
                let state = &mut self.state;
                State::remember(&mut state.downloads, &mut state.unsure, path, located);
            }
        }
        let output = paths.pop().unwrap_or(target);
        (vec![Value::text(output)], Flow::Next)
    }
}

impl Interpreter<'_> {
    /// A download for which its server is told who asks.
    fn with_agent(&mut self, mut file: Located, agent: &Value, line: u32) -> Located {
        match agent.as_plain() {
            Some(agent) => {
                let name = "user-agent".to_owned();
                file.headers.insert(name, agent.to_owned());
            }
            None if agent.truth() == Some(false) => {}
            None => {
                let what = "the download needs a user agent of its own";
                self.find(Weight::Review, line, what);
            }
        }
        file
    }

    /// `Get-ChecksumValid`: what was downloaded before must have that digest.
    pub(super) fn verify(&mut self, command: &Invocation<'_>) -> Result {
        let line = command.line;
        let bound = bind(&VERIFY, true, command.arguments.clone());
        let path = self.path_argument(&bound, "file", line).ok().flatten();
        let checksum = self.checksum(&bound, line, false, "checksum");
        let (Some(path), Ok(Some(checksum))) = (path, checksum) else {
            return (Vec::new(), Flow::Next);
        };
        let key = path::key(&path);
        for (known, file) in &mut self.state.downloads {
            if *known != key {
                continue;
            }
            file.checksum = Some(checksum.clone());
            if let Some(step) = file
                .call
                .and_then(|call| self.calls.get_mut(call))
                .and_then(|call| call.step.as_mut())
            {
                step.file.checksum = Some(checksum.clone());
            }
        }
        self.forgive_transfers();
        (Vec::new(), Flow::Next)
    }

    /// Takes back what was found of downloads that the script checks afterwards, in every case.
    fn forgive_transfers(&mut self) {
        if !self.is_certain() {
            return;
        }
        let is_checked = |call: &Call| {
            let step = call.step.as_ref();
            step.is_some_and(|step| step.file.checksum.is_some())
        };
        let calls = &self.calls;
        self.findings.retain(|(_, finding)| {
            let mut there = calls
                .iter()
                .filter(|call| *call.site.0 == *finding.file && call.site.1 == finding.line)
                .peekable();
            finding.what != OPEN_TRANSFER || there.peek().is_none() || !there.all(is_checked)
        });
    }
}

impl Interpreter<'_> {
    /// Says of each installer out of an archive which folder of the package that is left in.
    pub(super) fn name_folders_left(&mut self) {
        for at in 0..self.calls.len() {
            let step = self.calls[at].step.as_ref();
            let out_of = step.filter(|it| it.destination.is_none() && it.file.inside.is_some());
            let folder = out_of.and_then(|it| self.folder_left(it.file.call?));
            if let Some(step) = &mut self.calls[at].step
                && folder.is_some()
            {
                step.destination = folder;
            }
        }
    }

    /// The folder of the package that a call unpacked an archive into, where nothing takes it away.
    fn folder_left(&self, call: usize) -> Option<String> {
        let mut unpacked = self.state.unpacked.iter();
        let (folder, _) = unpacked.find(|(_, archive)| archive.call == Some(call))?;
        let inside = path::in_package(folder)?;
        // Any name: single files may be gone, which is said of them.
        let any = format!("{inside}/{HOLE}");
        let is_left = !self.is_removed(any.trim_start_matches('/'));
        let step = self.calls.get(call)?.step.as_ref()?;
        step.destination.clone().filter(|_| is_left)
    }
}

/// A step that puts a file, or what an archive holds, into place.
pub(super) fn brought(kind: RecipeKind, file: &Located, destination: String) -> Step {
    Step {
        destination: Some(destination),
        ..Step::new(kind, file.clone())
    }
}
