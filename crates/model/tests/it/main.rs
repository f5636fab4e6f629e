//! The two state machines against the design's tables, detection, uptime, and the words of the
//! database.

mod arguments;
mod deploy;
mod detection;
mod keys;
mod name_pattern;
mod release;
mod scan;
mod throttle;
mod unit;
mod uptime;
