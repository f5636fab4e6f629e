//! Addresses of a network, and ranges of addresses.

use core::net::IpAddr;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::SelectError;

/// A network as `10.1.0.0/16` or `2001:db8::/32`; without a length one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    first: IpAddr,
    length: u8,
}

/// From one address to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawRange")]
pub struct Range {
    from: IpAddr,
    to: IpAddr,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRange {
    from: IpAddr,
    to: IpAddr,
}

/// An address that a device says it has. IPv4 inside of IPv6 is IPv4. `None`: it is no address.
pub fn address(text: &str) -> Option<IpAddr> {
    // Link-local addresses may have a zone behind them.
    let text = text.split('%').next().unwrap_or(text);
    let address: IpAddr = text.trim().parse().ok()?;
    Some(address.to_canonical())
}

/// The family, and the bits from the left.
fn bits(address: IpAddr) -> (u8, u128) {
    match address {
        IpAddr::V4(it) => (32, u128::from(it.to_bits()) << 96),
        IpAddr::V6(it) => (128, it.to_bits()),
    }
}

/// The first bits of an address, the rest 0.
fn cut(bits: u128, length: u8) -> u128 {
    match length {
        0 => 0,
        _ => bits & (u128::MAX << (128 - u32::from(length.min(128)))),
    }
}

impl Network {
    /// Whether an address lies in it.
    pub fn has(&self, address: IpAddr) -> bool {
        let ((family, first), (other, bits)) = (bits(self.first), bits(address));
        family == other && cut(bits, self.length) == first
    }
}

impl FromStr for Network {
    type Err = SelectError;

    fn from_str(text: &str) -> Result<Self, SelectError> {
        let bad = || SelectError::Network(text.chars().take(60).collect());
        let (first, length) = match text.trim().split_once('/') {
            Some((first, length)) => (first, Some(length.parse::<u8>().map_err(|_| bad())?)),
            None => (text.trim(), None),
        };
        let first: IpAddr = first.parse().map_err(|_| bad())?;
        let (longest, all) = bits(first);
        let length = length.unwrap_or(longest);
        if length > longest {
            return Err(bad());
        }
        if cut(all, length) != all {
            return Err(SelectError::BehindNetwork {
                text: text.trim().to_owned(),
                length,
            });
        }
        Ok(Self { first, length })
    }
}

impl TryFrom<String> for Network {
    type Error = SelectError;

    fn try_from(text: String) -> Result<Self, SelectError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.length == bits(self.first).0 {
            return self.first.fmt(f);
        }
        write!(f, "{}/{}", self.first, self.length)
    }
}

impl Range {
    /// From one address to another of its kind that is not lower.
    pub fn new(from: IpAddr, to: IpAddr) -> Result<Self, SelectError> {
        if from.is_ipv4() != to.is_ipv4() || from > to {
            return Err(SelectError::Range { from, to });
        }
        Ok(Self { from, to })
    }

    /// Whether an address lies in it.
    pub fn has(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.from.is_ipv4() && (self.from..=self.to).contains(&address)
    }
}

impl TryFrom<RawRange> for Range {
    type Error = SelectError;

    fn try_from(raw: RawRange) -> Result<Self, SelectError> {
        Self::new(raw.from, raw.to)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.from, self.to)
    }
}
