//! Documents, packages and scripts as they are and as an enemy would write them.

mod feed;
mod gallery;
mod gallery_clients;
mod gallery_hostile;
mod internalize;
mod nupkg;
mod nuspec;
mod package;
mod script;
mod script_archive;
mod script_condition;
mod script_effect;
mod script_extension;
mod script_failure;
mod script_flow;
mod script_hidden;
mod script_hostile;
mod script_location;
mod script_machine;
mod script_order;
mod script_parameters;
mod script_program;
mod script_sources;
mod script_uninstall;
mod script_value;
mod script_variable;
