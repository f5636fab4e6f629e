//! Which packages an installed row may be by its name and publisher, and how sure that is.
//!
//! The rules, in short:
//!
//! 1. A row's name without version, architecture and language must be a name that the package has
//!    for itself: its title, its id, or what its own pattern for registered names says. A maker's
//!    name before it may be there or not.
//! 2. Every further word must be explained: by the publisher, by the package's own words, or as one
//!    that says nothing (`for Windows`). One unexplained word makes the match weak: `Git` is not
//!    `Git Extensions`.
//! 3. Lines and channels must be the same: what is bound to 3.11 is not 3.12, `Beta` is not the
//!    ordinary one. Where a pattern of the package names the line, or is the row's name word for word,
//!    the packager has said so.
//! 4. The publisher must be the package's author, or at least nobody whom the catalog knows as the
//!    maker of something else. Where it says nothing, the name must be telling: a word that all the
//!    catalog uses is none.
//! 5. Of several packages the one that says most counts; where several say the same, none does.

mod beside;
mod candidate;
mod doubt;
mod index;
mod judge;
mod left_over;
mod maker;
mod repackaged;
mod row;

pub(crate) use candidate::{Candidate, Rank};
pub(crate) use index::NameIndex;
pub(crate) use maker::Maker;
pub(crate) use row::Row;
