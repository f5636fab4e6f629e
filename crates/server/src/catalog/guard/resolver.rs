//! Resolves names for the HTTP client, and gives it judged addresses alone: what it connects to is
//! what was judged.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{Refused, judge};

/// How long a name server may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who knows the addresses of names.
pub trait Names: Send + Sync {
    /// All addresses of a name.
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// This machine.
pub struct System;

impl Names for System {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move { lookup(&name).await })
    }
}

/// Gives the addresses of a name that may be asked.
pub struct Judging {
    /// Who knows them.
    pub names: Arc<dyn Names>,
    /// Whether the names that this one is asked for are private hosts.
    pub are_private_hosts: bool,
}

impl Resolve for Judging {
    fn resolve(&self, name: Name) -> Resolving {
        let are_private_hosts = self.are_private_hosts;
        let found = self.names.lookup(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await?;
            let judged = judged(name.as_str(), found, are_private_hosts)?;
            let addresses: Addrs = Box::new(judged.into_iter());
            Ok(addresses)
        })
    }
}

/// The addresses that may be asked; those that may not are left out as long as another is there.
pub fn judged(
    name: &str,
    found: Vec<IpAddr>,
    is_private_host: bool,
) -> Result<Vec<SocketAddr>, Refused> {
    let mut judged = Vec::new();
    let mut refused = None;
    for address in found {
        match judge(name, address, is_private_host) {
            // The client puts the port in.
            Ok(()) => judged.push(SocketAddr::new(address, 0)),
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(refused) if judged.is_empty() => Err(refused),
        _ => Ok(judged),
    }
}

/// Resolves the names of the proxies that the environment names, wherever they are, and no others.
pub struct Proxies {
    pub names: BTreeSet<String>,
}

impl Resolve for Proxies {
    fn resolve(&self, name: Name) -> Resolving {
        let is_proxy = self.names.contains(&name.as_str().to_lowercase());
        Box::pin(async move {
            if !is_proxy {
                return Err(io::Error::other("it is not the proxy").into());
            }
            let found = lookup(name.as_str()).await?;
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
            let addresses: Addrs = Box::new(found);
            Ok(addresses)
        })
    }
}

/// All addresses of a name, as this machine knows them.
pub async fn lookup(name: &str) -> io::Result<Vec<IpAddr>> {
    let found = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((name, 0)))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no name server answered"))??;
    Ok(found.map(|it| it.ip()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_names_addresses_only_those_that_may_be_asked_are_connected_to() {
        let [public, private, metadata] =
            ["93.184.215.14", "10.0.0.1", "169.254.169.254"].map(|it| it.parse().unwrap());
        for (found, is_private_host, expected) in [
            (vec![public], false, Some(vec![public])),
            (vec![private, public], false, Some(vec![public])),
            (vec![private], false, None),
            (vec![private, metadata], false, None),
            (vec![private, metadata], true, Some(vec![private])),
            (vec![metadata], true, None),
            (vec![], false, Some(vec![])),
        ] {
            let judged = judged("a.example", found.clone(), is_private_host).ok();
            let judged: Option<Vec<IpAddr>> =
                judged.map(|it| it.iter().map(SocketAddr::ip).collect());
            assert_eq!(judged, expected, "{found:?} {is_private_host}");
        }
    }

    #[tokio::test]
    async fn the_proxys_way_resolves_the_proxy_alone() {
        let proxies = Proxies {
            names: BTreeSet::from(["localhost".to_owned()]),
        };
        assert!(proxies.resolve("LocalHost".parse().unwrap()).await.is_ok());
        assert!(proxies.resolve("other".parse().unwrap()).await.is_err());
    }
}
