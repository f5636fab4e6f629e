//! Parsed texts, kept for the runs of one package: scripts are run for several machines, and texts in
//! them again and again.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Mutex;

use tree_sitter::{Parser, Tree};

use super::{Script, syntax};

/// The most texts whose trees are kept between runs.
const MAX_TREES: usize = 2_000;

/// How many bytes of scripts, and of texts in them, are parsed for one package.
const MAX_PARSED: usize = 1024 * 1024;

/// How many bytes of an extension's texts are kept parsed.
const MAX_SHARED: usize = 256 * 1024;

/// A script's text as it is parsed, or why it is not analysed.
type Prepared = Result<Rc<str>, &'static str>;

/// Parsed texts, shared by the runs of one package.
#[derive(Default)]
pub(super) struct Trees {
    parser: Option<Parser>,
    /// The texts of scripts, by their paths.
    scripts: HashMap<String, Prepared>,
    known: HashMap<Rc<str>, Option<Rc<Tree>>>,
    /// How many bytes were parsed.
    parsed: usize,
}

impl Trees {
    /// The text of a script as it is parsed.
    pub(super) fn prepared(&mut self, script: &Script) -> Prepared {
        self.prepared_as(&script.path, script)
    }

    /// The same of a script that has another name beside those of the package.
    pub(super) fn prepared_as(&mut self, name: &str, script: &Script) -> Prepared {
        if let Some(known) = self.scripts.get(name) {
            return known.clone();
        }
        let text = script.text().map(|text| syntax::prepare(&text).into());
        self.scripts.insert(name.to_owned(), text.clone());
        text
    }

    /// The tree of a text; `None` where the parser gave up. One of an extension's scripts is taken from
    /// what others that depend on it parsed before, and counts all the same: what is found does not
    /// depend on them.
    pub(super) fn get(&mut self, text: &Rc<str>, shared: Option<&SharedTrees>) -> Option<Rc<Tree>> {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        if self.parser.is_none() {
            self.parser = syntax::parser();
        }
        self.parsed = self.parsed.saturating_add(text.len());
        if self.parsed > MAX_PARSED {
            return None;
        }
        let parser = self.parser.as_mut()?;
        let tree = match shared {
            Some(shared) => shared.get_or(text, || syntax::parse(parser, text)),
            None => syntax::parse(parser, text),
        };
        let tree = tree.map(Rc::new);
        if self.known.len() < MAX_TREES {
            self.known.insert(Rc::clone(text), tree.clone());
        }
        tree
    }
}

/// Parsed texts of an extension, shared by all packages that depend on it.
#[derive(Debug, Default)]
pub(super) struct SharedTrees(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    trees: HashMap<Box<str>, Option<Tree>>,
    bytes: usize,
}

impl SharedTrees {
    /// What became of a text when it was parsed, before or now.
    fn get_or(&self, text: &str, parse: impl FnOnce() -> Option<Tree>) -> Option<Tree> {
        let known = self.0.lock().ok()?.trees.get(text).cloned();
        if let Some(known) = known {
            return known;
        }
        let tree = parse();
        let mut kept = self.0.lock().ok()?;
        if kept.bytes + text.len() <= MAX_SHARED && kept.trees.len() < MAX_TREES {
            kept.bytes += text.len();
            kept.trees.insert(text.into(), tree.clone());
        }
        tree
    }
}
