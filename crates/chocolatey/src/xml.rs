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

/// What is wrong with text outside of the root element.
const OUTSIDE: &str = "text stands outside of the root element";

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
    text: &'a str,
    reader: Reader<&'a [u8]>,
    /// How many elements are open.
    depth: usize,
    seen_root: bool,
}

impl<'a> XmlReader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let text = text.trim_start_matches('\u{FEFF}').trim_start();
        Self {
            text,
            reader: reader(text),
            depth: 0,
            seen_root: false,
        }
    }

    /// The next event, looked at: what it opens and closes counts, and what is refused is an error.
    /// The end of the document is one where an element is open.
    #[inline]
    fn event(&mut self) -> Result<Event<'a>, XmlError> {
        let event = match self.reader.read_event() {
            Ok(event) => event,
            Err(error) => return Err(self.error(&error)),
        };
        match &event {
            Event::Start(_) => self.open_element()?,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::Text(text) if self.depth == 0 && !text.trim().is_empty() => {
                return Err(self.malformed(OUTSIDE));
            }
            Event::CData(_) if self.depth == 0 => return Err(self.malformed(OUTSIDE)),
            Event::DocType(_) => return Err(XmlError::Dtd),
            Event::Eof => self.end()?,
            // Not asked for: declarations, comments, processing instructions. `Empty` does not come
            // with `expand_empty_elements`.
            _ => {}
        }
        Ok(event)
    }

    /// The root element.
    pub(crate) fn root(&mut self) -> Result<BytesStart<'a>, XmlError> {
        loop {
            match self.event()? {
                Event::Start(start) => return Ok(start),
                Event::GeneralRef(_) => return Err(self.malformed(OUTSIDE)),
                Event::Eof => return Err(XmlError::Empty),
                _ => {}
            }
        }
    }

    /// The next element inside of the one that is open; nothing at that one's end. Whoever gets an
    /// element reads it to its end: its text, its own children, or by [`Self::skip`].
    pub(crate) fn child(&mut self) -> Result<Option<BytesStart<'a>>, XmlError> {
        let inside = self.depth;
        loop {
            match self.event()? {
                Event::Start(start) => return Ok(Some(start)),
                Event::End(_) if self.depth < inside => return Ok(None),
                Event::GeneralRef(reference) => drop(self.resolve(&reference)?),
                _ => {}
            }
        }
    }

    /// Goes to the end of the document, behind the root element.
    pub(crate) fn finish(&mut self) -> Result<(), XmlError> {
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::GeneralRef(_) => return Err(self.malformed(OUTSIDE)),
                _ => {}
            }
        }
    }

    fn open_element(&mut self) -> Result<(), XmlError> {
        if self.depth >= MAX_DEPTH {
            return Err(XmlError::TooDeep);
        }
        if self.depth == 0 && self.seen_root {
            return Err(self.malformed("it has more than one root element"));
        }
        self.seen_root = true;
        self.depth += 1;
        Ok(())
    }

    fn end(&self) -> Result<(), XmlError> {
        match self.inside() {
            Some(inside) => Err(XmlError::Truncated { inside }),
            None if self.seen_root => Ok(()),
            None => Err(XmlError::Empty),
        }
    }

    /// The innermost element that is open. It is looked for from the beginning on: names are wanted
    /// in errors alone, and keeping them costs more than all else.
    fn inside(&self) -> Option<String> {
        if self.depth == 0 {
            return None;
        }
        let mut again = reader(self.text);
        let mut open = Vec::new();
        while again.buffer_position() < self.reader.buffer_position() {
            match again.read_event() {
                Ok(Event::Start(start)) => open.push(local_name(&start).to_owned()),
                Ok(Event::End(_)) => drop(open.pop()),
                Ok(Event::Eof) | Err(_) => break,
                Ok(_) => {}
            }
        }
        open.truncate(self.depth);
        open.pop()
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
        let depth = self.depth;
        let mut text = String::new();
        loop {
            match self.event()? {
                Event::End(_) if self.depth < depth => return Ok(text),
                Event::Text(part) if self.depth == depth => self.push(&mut text, &part)?,
                Event::CData(part) if self.depth == depth => self.push(&mut text, &part)?,
                Event::GeneralRef(reference) => {
                    let found = self.resolve(&reference)?;
                    if self.depth == depth {
                        self.push(&mut text, found.encode_utf8(&mut [0; 4]))?;
                    }
                }
                _ => {}
            }
        }
    }

    fn push(&self, text: &mut String, part: &str) -> Result<(), XmlError> {
        if text.len() + part.len() > MAX_TEXT {
            let element = self.inside().unwrap_or_default();
            return Err(XmlError::TextTooLong { element });
        }
        text.push_str(part);
        Ok(())
    }

    /// Goes to the end of the element that was just opened.
    pub(crate) fn skip(&mut self) -> Result<(), XmlError> {
        let depth = self.depth;
        loop {
            match self.event()? {
                Event::End(_) if self.depth < depth => return Ok(()),
                Event::GeneralRef(reference) => drop(self.resolve(&reference)?),
                _ => {}
            }
        }
    }

    fn malformed(&self, reason: &str) -> XmlError {
        XmlError::Malformed {
            position: self.reader.buffer_position(),
            reason: reason.to_owned(),
        }
    }

    fn error(&self, error: &Error) -> XmlError {
        if let (Error::Syntax(_), Some(inside)) = (error, self.inside()) {
            return XmlError::Truncated { inside };
        }
        XmlError::Malformed {
            position: self.reader.error_position(),
            reason: error.to_string(),
        }
    }
}

fn reader(text: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_end_names = true;
    reader
}

/// An element's name without its prefix.
pub(crate) fn local_name<'a>(start: &'a BytesStart<'_>) -> &'a str {
    let name = start.name().0;
    // Names are short: looking at each byte is faster than what searches long texts.
    let prefix = name.bytes().rposition(|byte| byte == b':');
    prefix.map_or(name, |colon| &name[colon + 1..])
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
