//! The one inbound port: TLS, certificates, and the keys behind them.

pub mod keys;
pub mod listener;
pub mod paced;
pub mod pki;
