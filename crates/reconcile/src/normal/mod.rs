//! Names and publishers as they are compared: without what changes from version to version and from
//! machine to machine.
//!
//! What a vendor writes into `DisplayName` is the product's name mixed with its version, the
//! architecture, the language and words of the installer. [`Name`] takes them apart; nothing of it is
//! thrown away that could tell two products apart: numbers stay words, and the channel (`Beta`,
//! `ESR`) is kept beside the name.

mod architecture;
mod channel;
mod fold;
mod name;
mod publisher;
mod renamed;
mod strip;
mod token;
mod version_text;
mod vocabulary;

pub use architecture::Architecture;
pub use channel::Channel;
pub(crate) use channel::channel_word;
pub(crate) use fold::fold;
pub(crate) use name::is_platform;
pub use name::{Name, Word};
pub use publisher::Publisher;
pub(crate) use publisher::is_legal_form;
pub(crate) use version_text::number_parts;
pub(crate) use vocabulary::{is_component, is_edition, is_empty_word, is_silent, is_soft};
