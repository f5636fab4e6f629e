//! The one inbound port: TLS, certificates, and the keys behind them.

pub mod address;
pub mod before_file;
pub mod file_answer;
pub mod gzip;
pub mod keys;
pub mod known_keys;
pub mod listener;
pub mod paced;
pub mod pki;
pub mod plain;
pub mod private;
