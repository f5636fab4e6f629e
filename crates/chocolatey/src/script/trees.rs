//! Parsed texts, kept for the runs of one package: scripts are run for several machines, and texts in
//! them again and again.

use std::collections::HashMap;
use std::rc::Rc;

use tree_sitter::{Parser, Tree};

use super::{Script, syntax};

/// The most texts whose trees are kept between runs.
const MAX_TREES: usize = 2_000;

/// How many bytes of scripts, and of texts in them, are parsed for one package.
const MAX_PARSED: usize = 1024 * 1024;

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
        if let Some(known) = self.scripts.get(&script.path) {
            return known.clone();
        }
        let text = script.text().map(|text| syntax::prepare(&text).into());
        self.scripts.insert(script.path.clone(), text.clone());
        text
    }

    /// The tree of a text; `None` where the parser gave up.
    pub(super) fn get(&mut self, text: &Rc<str>) -> Option<Rc<Tree>> {
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
        let tree = syntax::parse(self.parser.as_mut()?, text).map(Rc::new);
        if self.known.len() < MAX_TREES {
            self.known.insert(Rc::clone(text), tree.clone());
        }
        tree
    }
}
