//! The core against a small simulated device and server.

mod checks;
mod clock_steps;
mod crashes;
mod fetches;
mod lost_state;
mod orders;
mod paths;
mod random;
mod restarted;
mod scans;
mod times;
mod world;
