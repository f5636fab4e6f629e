//! Documents, packages and scripts as they are and as an enemy would write them.

mod feed;
mod nupkg;
mod nuspec;
mod package;
mod script;
mod script_hostile;
