//! Signed statements: what may ever run on a device (releases) and who runs it now (orders).
//!
//! [`verify`] is the one place where bytes from the network become a [`Verified<Order>`], and that
//! is the only thing that an agent's executor takes.

mod envelope;
mod keys;
mod order;
mod token;

pub use fleetmend_model::hex::of as hex;

pub use envelope::{Envelope, Signature};
pub use keys::{KeyError, PublicKey, SigningKey};
pub use order::{
    Order, OrderPolicy, Refusal, SignedOrder, TrustRoot, Verified, digest_hex, sign_order,
    sign_release, verify, verify_again,
};
pub use token::{EnrolToken, TokenError};
