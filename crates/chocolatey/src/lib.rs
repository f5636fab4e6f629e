//! Reads what Chocolatey sources and packages hold: feed documents, nuspec, nupkg and install
//! scripts; and answers as such a source does. Pure: from bytes to data, without files and
//! sockets. Every input is outside data.

pub mod dependency;
pub mod gallery;
pub mod internalize;
pub mod nupkg;
pub mod nuspec;
pub mod odata;
pub mod script;
mod text;
mod xml;

pub use text::decode;
pub use xml::XmlError;
