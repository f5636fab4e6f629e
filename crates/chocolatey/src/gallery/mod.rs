//! A NuGet v2 feed of one's own: package versions in memory, and the answers that NuGet and
//! Chocolatey clients ask for.
//!
//! The protocol is `OData` v2 with NuGet's entity type (`V2FeedPackage`); what of it clients use was
//! read off their requests. Addresses in documents are absolute: clients do not resolve them.

mod budget;
mod document;
mod entry;
mod filter;
mod filter_text;
mod index;
mod order;
mod properties;
mod query;
mod request;

pub use document::{error, metadata, service};
pub use entry::{Item, escape};
pub use index::{Document, Gallery, PAGE};
pub use request::{BadRequest, MAX_QUERY, Request, Resource, named_version};
