//! Plans as text, and what holds for every plan.

mod asked;
mod auto;
mod deadline;
mod fleet;
mod fleets;
mod gate;
mod gate_properties;
mod jitter;
mod night;
mod night_aged;
mod night_properties;
mod night_rings;
mod night_versions;
mod offered_twice;
mod pin;
mod policy;
mod properties;
mod ring;
mod schedule;
mod schedule_properties;
mod select;
mod texts;
mod window;
mod window_properties;
mod zoned;
