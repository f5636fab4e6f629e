//! Debian packages, built with `dpkg-deb`.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::process;
use crate::work_dir::WorkDir;

/// A Debian package to build. It always holds `/usr/share/<name>/version`, whose content is its
/// version.
#[derive(Debug, Clone)]
pub struct Deb {
    /// `Package`.
    pub name: String,
    /// `Version`.
    pub version: String,
    /// `Section`.
    pub section: String,
    /// `Depends`; empty for none.
    pub depends: String,
    /// Further lines of the control file, as `("Priority", "optional")`.
    pub fields: Vec<(String, String)>,
    /// Files: path from the root without the leading `/`, content.
    pub files: Vec<(String, String)>,
    /// Configuration files, whose changes by the administrator dpkg asks about: path, content.
    pub conffiles: Vec<(String, String)>,
    /// Maintainer scripts and other control files: name (`postinst`, `config`, `templates`),
    /// content. A content that starts with `#!` becomes executable.
    pub control_files: Vec<(String, String)>,
}

impl Deb {
    /// A package for all architectures with nothing in it but its version.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            section: "utils".to_owned(),
            depends: String::new(),
            fields: Vec::new(),
            files: Vec::new(),
            conffiles: Vec::new(),
            control_files: Vec::new(),
        }
    }

    /// Its `postinst` prints `output` to standard error and exits with `code`.
    #[must_use]
    pub fn failing_postinst(self, output: &str, code: u8) -> Self {
        let output = output.replace('\'', r"'\''");
        self.control_file(
            "postinst",
            &format!("#!/bin/sh\nprintf '%s\\n' '{output}' >&2\nexit {code}\n"),
        )
    }

    /// It asks a question of priority high by debconf, in `config` and, should that not have been
    /// run, in `postinst`. The answer ends up in `/var/lib/<name>-answer`.
    #[must_use]
    pub fn asking_by_debconf(self, default_answer: &str) -> Self {
        let name = self.name.clone();
        self.depends("debconf")
            .control_file(
                "templates",
                &format!(
                    "Template: {name}/question\nType: string\nDefault: {default_answer}\n\
                 Description: What is the answer?\n The package cannot know.\n"
                ),
            )
            .control_file(
                "config",
                &format!(
                    "#!/bin/sh\nset -e\n. /usr/share/debconf/confmodule\n\
                 db_input high {name}/question || true\ndb_go || true\n"
                ),
            )
            .control_file(
                "postinst",
                &format!(
                    "#!/bin/sh\nset -e\n. /usr/share/debconf/confmodule\n\
                 db_input high {name}/question || true\ndb_go || true\n\
                 db_get {name}/question\nprintf '%s' \"$RET\" > /var/lib/{name}-answer\ndb_stop\n"
                ),
            )
    }

    /// Adds a configuration file: path from the root without the leading `/`, content.
    #[must_use]
    pub fn conffile(mut self, path: &str, content: &str) -> Self {
        self.conffiles.push((path.to_owned(), content.to_owned()));
        self
    }

    /// Adds a file: path from the root without the leading `/`, content.
    #[must_use]
    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.files.push((path.to_owned(), content.to_owned()));
        self
    }

    /// Adds a control file: name, content.
    #[must_use]
    pub fn control_file(mut self, name: &str, content: &str) -> Self {
        self.control_files
            .push((name.to_owned(), content.to_owned()));
        self
    }

    /// Adds a field to the control file.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts the package into another section.
    #[must_use]
    pub fn section(mut self, section: &str) -> Self {
        section.clone_into(&mut self.section);
        self
    }

    /// Makes the package depend on others, written as in `Depends`.
    #[must_use]
    pub fn depends(mut self, depends: &str) -> Self {
        depends.clone_into(&mut self.depends);
        self
    }

    /// Writes the package into a folder and gives its path.
    pub fn build(&self, folder: &Path) -> Result<PathBuf> {
        let work = WorkDir::new("deb")?;
        let tree = work.path().join("tree");
        let control = tree.join("DEBIAN");
        let version_file = [(
            format!("usr/share/{}/version", self.name),
            self.version.clone(),
        )];
        for (path, content) in self
            .files
            .iter()
            .chain(&self.conffiles)
            .chain(&version_file)
        {
            ensure!(
                !path.starts_with('/'),
                "{path}: write it without the leading /"
            );
            write(&tree.join(path), content)?;
        }
        write(&control.join("control"), &self.control())?;
        if !self.conffiles.is_empty() {
            let mut list = String::new();
            for (path, _) in &self.conffiles {
                let _ = writeln!(list, "/{path}");
            }
            write(&control.join("conffiles"), &list)?;
        }
        for (name, content) in &self.control_files {
            write(&control.join(name), content)?;
        }
        // A colon, as an epoch has, is left out of file names by Debian's own tools.
        let file_version = self
            .version
            .split_once(':')
            .map_or(&*self.version, |(_, rest)| rest);
        let path = folder.join(format!("{}_{file_version}_all.deb", self.name));
        let mut dpkg_deb = Command::new("dpkg-deb");
        dpkg_deb
            .args(["--root-owner-group", "-Zgzip", "--build"])
            .arg(&tree)
            .arg(&path);
        process::run(&mut dpkg_deb, Duration::from_secs(30))?
            .success()
            .with_context(|| format!("dpkg-deb cannot build {} {}", self.name, self.version))?;
        Ok(path)
    }

    fn control(&self) -> String {
        let mut text = format!(
            "Package: {}\nVersion: {}\nArchitecture: all\nSection: {}\nPriority: optional\n\
             Maintainer: Fleetmend Tests <tests@fleetmend.invalid>\n",
            self.name, self.version, self.section
        );
        if !self.depends.is_empty() {
            let _ = writeln!(text, "Depends: {}", self.depends);
        }
        for (name, value) in &self.fields {
            let _ = writeln!(text, "{name}: {value}");
        }
        text.push_str("Description: package made by a test\n");
        text
    }
}

fn write(path: &Path, content: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, content)?;
    let mode = if content.starts_with("#!") {
        0o755
    } else {
        0o644
    };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(())
}
