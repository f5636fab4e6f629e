//! Enrolment: a one-time token and a key of the device's own become a certificate.

use fleetmend_model::DeviceId;
use fleetmend_model::device::Host;
use fleetmend_trust::TrustRoot;
use serde::{Deserialize, Serialize};

/// What a new agent sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// [`crate::CURRENT`] of the agent.
    pub protocol: u32,
    /// The agent's own version.
    pub agent_version: String,
    /// The token's secret, lower-case hexadecimal.
    pub secret: String,
    /// A PKCS#10 certificate signing request with the device's own key, PEM.
    pub signing_request: String,
    /// The machine.
    pub host: Host,
}

/// What it becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolReply {
    /// The device's id, for people.
    pub device: DeviceId,
    /// The device's certificate, PEM.
    pub certificate: String,
    /// The CA's certificate, PEM.
    pub ca: String,
    /// Whose orders and releases the agent accepts from now on.
    pub trust: TrustRoot,
}
