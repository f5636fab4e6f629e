//! Which machines outside may be asked: none in anybody's own network, unless the source that leads
//! there names the host as one of its private hosts.
//!
//! An address in a feed or an install script is somebody else's word: followed blindly it would make
//! the server ask its own services, its neighbours, or the cloud's metadata service. So each hop of a
//! request (the address itself and every redirect) is judged: a host that is written as an IP address
//! by [`network::reach`] alone; a name by the addresses that it resolves to, and the connection goes to
//! an address that was judged and to no other.
//!
//! Where the environment names a proxy, the proxy resolves names itself. A host written as an IP
//! address, and a name that this machine can resolve, are judged all the same; of any other name only
//! the proxy knows where it leads.

mod clients;
pub mod hosts;
pub mod network;
mod resolver;

use std::fmt;
use std::net::IpAddr;

pub use clients::Outside;
use network::Reach;
pub use resolver::lookup;

/// A machine that may not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It is in somebody's own network, and nobody allowed it.
    Own {
        /// The host as the address names it.
        host: String,
        /// Where it is.
        address: IpAddr,
        /// What is there.
        network: &'static str,
    },
    /// No source has business there.
    Never {
        /// The host as the address names it.
        host: String,
        /// Where it is.
        address: IpAddr,
        /// What is there.
        what: &'static str,
    },
    /// A name of a cloud's metadata service.
    Name {
        /// The name.
        host: String,
    },
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what())?;
        match self {
            Self::Own { .. } => {
                f.write_str(": if that is right, make it a private host of the source")
            }
            Self::Never { .. } | Self::Name { .. } => Ok(()),
        }
    }
}

impl Refused {
    /// What is wrong, without a remedy.
    pub fn what(&self) -> String {
        match self {
            Self::Own {
                host,
                address,
                network,
            } => format!("the host {host} {}, in {network}", at(host, *address)),
            Self::Never {
                host,
                address,
                what,
            } => format!(
                "the host {host} {}: {what}, which is asked for nothing",
                at(host, *address)
            ),
            Self::Name { host } => format!(
                "{host} is the name of {}, which is asked for nothing",
                network::METADATA
            ),
        }
    }
}

fn at(host: &str, address: IpAddr) -> String {
    if host.trim_matches(['[', ']']).parse() == Ok(address) {
        "is an address".to_owned()
    } else {
        format!("is at {address}")
    }
}

/// Whether a host may be asked at an address.
fn judge(host: &str, address: IpAddr, is_private_host: bool) -> Result<(), Refused> {
    let host = host.to_owned();
    match network::reach(address) {
        Reach::Public => Ok(()),
        Reach::Own(_) if is_private_host => Ok(()),
        Reach::Own(network) => Err(Refused::Own {
            host,
            address,
            network,
        }),
        Reach::Never(what) => Err(Refused::Never {
            host,
            address,
            what,
        }),
    }
}

/// The refusal beneath an error of the HTTP client.
pub fn refusal(error: &reqwest::Error) -> Option<&Refused> {
    let mut cause = std::error::Error::source(error);
    while let Some(it) = cause {
        if let Some(refused) = it.downcast_ref() {
            return Some(refused);
        }
        cause = it.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_host_opens_its_own_network_and_nothing_else() {
        for (address, is_private_host, said) in [
            ("93.184.215.14", false, ""),
            ("10.1.2.3", true, ""),
            ("::1", true, ""),
            (
                "10.1.2.3",
                false,
                "the host files.example is at 10.1.2.3, in a private network: if that is right, \
                 make it a private host of the source",
            ),
            (
                "169.254.169.254",
                true,
                "the host files.example is at 169.254.169.254: a cloud's metadata service, which \
                 is asked for nothing",
            ),
            (
                "224.0.0.1",
                true,
                "the host files.example is at 224.0.0.1: a multicast group, which is asked for \
                 nothing",
            ),
        ] {
            let judged = judge("files.example", address.parse().unwrap(), is_private_host);
            let found = judged.err().map(|it| it.to_string()).unwrap_or_default();
            assert_eq!(found, said, "{address}");
        }
        let literal = judge("[::1]", "::1".parse().unwrap(), false).unwrap_err();
        assert!(
            literal
                .to_string()
                .starts_with("the host [::1] is an address, in this machine"),
            "{literal}"
        );
    }
}
