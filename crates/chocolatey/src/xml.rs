//! XML of outside data: streaming, with caps, without DTD and without entities of its own.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Error, Reader};
use thiserror::Error;

use crate::text;

/// The deepest nesting taken. Feed documents and nuspecs have less than ten levels.
pub(crate) const MAX_DEPTH: usize = 64;

/// The longest text of one element, in bytes.
pub(crate) const MAX_TEXT: usize = 1024 * 1024;

/// Why a document was not read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum XmlError {
    /// Nothing or only white space.
    #[error("the document is empty")]
    Empty,
    /// A page for browsers.
    #[error(
        "it is an HTML page, not XML: the address may be wrong, or a login or proxy page answered"
    )]
    Html,
    /// Something else.
    #[error("it is not XML: it begins with {start:?}")]
    NotXml {
        /// Its first characters.
        start: String,
    },
    /// It ends inside an element.
    #[error("it ends in the middle, inside <{inside}>: the transfer was cut off")]
    Truncated {
        /// The innermost element that is open at the end.
        inside: String,
    },
    /// It has a document type definition.
    #[error("it has a document type definition (DTD), which is refused")]
    Dtd,
    /// It uses an entity that XML does not define.
    #[error("it uses the entity &{name};, which XML does not define")]
    Entity {
        /// The entity's name.
        name: String,
    },
    /// Nested deeper than the cap.
    #[error("its elements are nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Larger than the cap on the document.
    #[error("it has {size} bytes, more than the {limit} that are read")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The cap.
        limit: usize,
    },
    /// One element's text is longer than the cap.
    #[error("the text of <{element}> is longer than {MAX_TEXT} bytes")]
    TextTooLong {
        /// The element's name.
        element: String,
    },
    /// A rule of XML is broken.
    #[error("it is not well-formed XML at byte {position}: {reason}")]
    Malformed {
        /// Offset in the decoded text.
        position: u64,
        /// What is wrong.
        reason: String,
    },
}

/// What the reader finds next.
pub(crate) enum Item<'a> {
    /// An element begins.
    Open(BytesStart<'a>),
    /// Text inside an element; one text may come in several items.
    Text(Cow<'a, str>),
    /// The innermost element ends.
    Close,
    /// The document ends, well-formed.
    End,
}

/// Decodes a document and checks that it looks like XML and fits the cap.
pub(crate) fn document(bytes: &[u8], limit: usize) -> Result<Cow<'_, str>, XmlError> {
    if bytes.len() > limit {
        return Err(XmlError::TooLarge {
            size: bytes.len(),
            limit,
        });
    }
    let text = text::decode(bytes);
    let start = text.trim_start();
    if start.is_empty() {
        return Err(XmlError::Empty);
    }
    if is_html(start) {
        return Err(XmlError::Html);
    }
    if !start.starts_with('<') {
        return Err(XmlError::NotXml {
            start: start.chars().take(20).collect(),
        });
    }
    Ok(text)
}

fn is_html(start: &str) -> bool {
    let begins = |prefix: &str| {
        start
            .get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    begins("<!doctype html") || begins("<html") || begins("<head") || begins("<body")
}

/// Reads a decoded document piece by piece.
pub(crate) struct XmlReader<'a> {
    reader: Reader<&'a [u8]>,
    /// Local names of the open elements.
    open: Vec<String>,
    seen_root: bool,
}

impl<'a> XmlReader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text.trim_start_matches('\u{FEFF}').trim_start());
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = true;
        Self {
            reader,
            open: Vec::new(),
            seen_root: false,
        }
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn next(&mut self) -> Result<Item<'a>, XmlError> {
        loop {
            let event = self
                .reader
                .read_event()
                .map_err(|error| self.error(&error))?;
            match event {
                Event::Start(start) => {
                    self.open_element(&start)?;
                    return Ok(Item::Open(start));
                }
                Event::End(_) => {
                    self.open.pop();
                    return Ok(Item::Close);
                }
                Event::Text(text) => {
                    let content = text.into_inner();
                    if !self.open.is_empty() {
                        return Ok(Item::Text(content));
                    }
                    if !content.trim().is_empty() {
                        return Err(self.malformed("text stands outside of the root element"));
                    }
                }
                Event::CData(text) if !self.open.is_empty() => {
                    return Ok(Item::Text(text.into_inner()));
                }
                Event::CData(_) => {
                    return Err(self.malformed("text stands outside of the root element"));
                }
                Event::GeneralRef(reference) => {
                    return Ok(Item::Text(Cow::Borrowed("")).with_char(self.resolve(&reference)?));
                }
                Event::DocType(_) => return Err(XmlError::Dtd),
                Event::Eof => return self.end(),
                // Not asked for: declarations, comments, processing instructions. `Empty` does not
                // come with `expand_empty_elements`.
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::Empty(_) => {}
            }
        }
    }

    fn open_element(&mut self, start: &BytesStart<'_>) -> Result<(), XmlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(XmlError::TooDeep);
        }
        if self.open.is_empty() && self.seen_root {
            return Err(self.malformed("it has more than one root element"));
        }
        self.seen_root = true;
        self.open.push(local_name(start).to_owned());
        Ok(())
    }

    fn end(&self) -> Result<Item<'a>, XmlError> {
        match self.open.last() {
            Some(inside) => Err(XmlError::Truncated {
                inside: inside.clone(),
            }),
            None if self.seen_root => Ok(Item::End),
            None => Err(XmlError::Empty),
        }
    }

    fn resolve(&self, reference: &quick_xml::events::BytesRef<'_>) -> Result<char, XmlError> {
        match reference.resolve_char_ref() {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(error) => return Err(self.malformed(&error.to_string())),
        }
        match &**reference {
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "amp" => Ok('&'),
            "quot" => Ok('"'),
            "apos" => Ok('\''),
            name => Err(XmlError::Entity {
                name: name.chars().take(40).collect(),
            }),
        }
    }

    /// The text of the element that was just opened, up to its end; elements inside are left out.
    pub(crate) fn read_text(&mut self) -> Result<String, XmlError> {
        let depth = self.depth();
        let mut text = String::new();
        while self.depth() >= depth {
            if let Item::Text(part) = self.next()? {
                if self.depth() != depth {
                    continue;
                }
                if text.len() + part.len() > MAX_TEXT {
                    let element = self.open.last().cloned().unwrap_or_default();
                    return Err(XmlError::TextTooLong { element });
                }
                text.push_str(&part);
            }
        }
        Ok(text)
    }

    /// Goes to the end of the element that was just opened.
    pub(crate) fn skip(&mut self) -> Result<(), XmlError> {
        let depth = self.depth();
        while self.depth() >= depth {
            self.next()?;
        }
        Ok(())
    }

    fn malformed(&self, reason: &str) -> XmlError {
        XmlError::Malformed {
            position: self.reader.buffer_position(),
            reason: reason.to_owned(),
        }
    }

    fn error(&self, error: &Error) -> XmlError {
        if let (Error::Syntax(_), Some(inside)) = (error, self.open.last()) {
            return XmlError::Truncated {
                inside: inside.clone(),
            };
        }
        XmlError::Malformed {
            position: self.reader.error_position(),
            reason: error.to_string(),
        }
    }
}

impl Item<'_> {
    /// The text item that holds one character.
    fn with_char(self, found: char) -> Self {
        match self {
            Item::Text(_) => Item::Text(Cow::Owned(found.to_string())),
            other => other,
        }
    }
}

/// An element's name without its prefix.
pub(crate) fn local_name<'a>(start: &'a BytesStart<'_>) -> &'a str {
    let name = start.name().0;
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// An attribute's value by its name without prefix; `None` where it is absent or not well-formed.
pub(crate) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    start.attributes().flatten().find_map(|attribute| {
        let key = attribute.key.0;
        let local = key.rsplit_once(':').map_or(key, |(_, local)| local);
        if local != name {
            return None;
        }
        attribute
            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
            .ok()
            .map(Cow::into_owned)
    })
}
