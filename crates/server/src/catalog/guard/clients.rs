//! The HTTP clients for everything outside, and which of them an address is asked by.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Client, ClientBuilder, Url};

use super::network::is_metadata_name;
use super::resolver::{Judging, Proxies, judged, lookup};
use super::{Refused, hosts, judge};

/// How long a source may be silent in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(60);

/// The clients. Each has connections of its own: one that led to a private host is never used for
/// an address that may not go there.
pub struct Outside {
    /// For the internet.
    public: Client,
    /// For private hosts.
    private: Client,
    /// For what goes through a proxy, where the environment names one.
    proxied: Option<Client>,
    matcher: Matcher,
}

impl Outside {
    /// Makes the clients, as the environment has it.
    pub fn new() -> anyhow::Result<Self> {
        let matcher = Matcher::from_system();
        let names: BTreeSet<String> = ["http://proxied.invalid/", "https://proxied.invalid/"]
            .into_iter()
            .filter_map(|any| matcher.intercept(&any.parse().ok()?))
            .filter_map(|proxy| Some(proxy.uri().host()?.to_lowercase()))
            .collect();
        let has_authorities = has_authorities();
        let builder = || {
            if has_authorities {
                builder()
            } else {
                builder().tls_certs_only([])
            }
        };
        let mut proxied = None;
        if !names.is_empty() {
            let shown: Vec<&str> = names.iter().map(String::as_str).collect();
            tracing::info!(
                "sources are read through the proxy {}, as the environment says: names that this \
                 machine cannot resolve lead where the proxy lets them",
                shown.join(", ")
            );
            proxied = Some(builder().dns_resolver(Proxies { names }).build()?);
        }
        let direct = |are_private_hosts| {
            let resolver = Judging { are_private_hosts };
            builder().no_proxy().dns_resolver(resolver).build()
        };
        Ok(Self {
            public: direct(false)?,
            private: direct(true)?,
            proxied,
            matcher,
        })
    }

    /// The client that an address is asked by, or why it is not asked.
    pub async fn client(
        &self,
        address: &Url,
        private_hosts: &[String],
    ) -> Result<&Client, Refused> {
        let host = address.host_str().unwrap_or_default();
        let is_private_host = hosts::is_one(address, private_hosts);
        let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        if let Some(literal) = literal {
            // The client resolves no address that is written as one.
            judge(host, literal, is_private_host)?;
        } else if is_metadata_name(host) {
            return Err(Refused::Name {
                host: host.to_owned(),
            });
        }
        if let Some(proxied) = self.proxied.as_ref().filter(|_| self.is_proxied(address)) {
            if literal.is_none() {
                // What cannot be resolved here only the proxy can judge.
                for found in lookup(host).await.unwrap_or_default() {
                    judge(host, found, is_private_host)?;
                }
            }
            return Ok(proxied);
        }
        Ok(if is_private_host {
            &self.private
        } else {
            &self.public
        })
    }

    /// Whether an address may be asked, as far as this machine can tell without asking it. A name
    /// that cannot be resolved now is judged when it is asked.
    pub async fn look(&self, address: &Url, private_hosts: &[String]) -> Result<(), Refused> {
        self.client(address, private_hosts).await?;
        if let Some(name) = address.domain().filter(|_| !self.is_proxied(address)) {
            let found = lookup(name).await.unwrap_or_default();
            judged(name, found, hosts::is_one(address, private_hosts))?;
        }
        Ok(())
    }

    fn is_proxied(&self, address: &Url) -> bool {
        let uri = address.as_str().parse();
        uri.is_ok_and(|uri| self.matcher.intercept(&uri).is_some())
    }
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("Fleetmend/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(15))
        .read_timeout(SILENCE)
        // Each hop is judged before it is made.
        .redirect(reqwest::redirect::Policy::none())
}

/// A minimal Debian has no certificates of public authorities. Folders and devices need none.
fn has_authorities() -> bool {
    let Err(error) = builder().build() else {
        return true;
    };
    tracing::warn!(
        "sources at https:// addresses cannot be read: this machine has no usable CA certificates \
         ({error}): install its package ca-certificates, then start the server again"
    );
    false
}
