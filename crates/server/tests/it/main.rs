//! The server as a browser and a program see it: a real one, over TLS, with its own data folder.

mod api;
mod changes;
mod empty_pages;
mod hostile_texts;
mod pages;
mod seed;
mod sign_in;
mod site;
