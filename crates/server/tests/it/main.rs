//! The server as a browser and a program see it: a real one, over TLS, with its own data folder.

mod addresses;
mod agent;
mod agent_reports;
mod api;
mod cancel;
mod changes;
mod clocked;
mod command_line;
mod deadlines;
mod empty_pages;
mod enrolment;
mod failing_work;
mod folder;
mod handed_out;
mod hostile_texts;
mod keys;
mod lost_state;
mod pages;
mod partial_scan;
mod restarted;
mod seed;
mod sign_in;
mod site;
mod slow_clients;
mod stop;
mod waiting_scans;
