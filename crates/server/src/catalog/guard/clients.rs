//! The HTTP clients for everything outside, and which of them an address is asked by.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Client, ClientBuilder, Url};

use super::network::is_metadata_name;
use super::resolver::{Judging, Names, Proxies, System, judged};
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
    names: Arc<dyn Names>,
}

impl Outside {
    /// Makes the clients, as the environment has it.
    pub fn new() -> anyhow::Result<Self> {
        Self::with(Arc::new(System), Matcher::from_system())
    }

    /// The same, with somebody who knows the addresses of names, and these proxies.
    fn with(known: Arc<dyn Names>, matcher: Matcher) -> anyhow::Result<Self> {
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
            let resolver = Judging {
                names: Arc::clone(&known),
                are_private_hosts,
            };
            builder().no_proxy().dns_resolver(resolver).build()
        };
        Ok(Self {
            public: direct(false)?,
            private: direct(true)?,
            proxied,
            matcher,
            names: known,
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
                for found in self.lookup(host).await {
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
            let found = self.lookup(name).await;
            judged(name, found, hosts::is_one(address, private_hosts))?;
        }
        Ok(())
    }

    /// The addresses of a name; none where it cannot be resolved.
    async fn lookup(&self, name: &str) -> Vec<IpAddr> {
        let found = self.names.lookup(name.to_owned()).await;
        found.unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::TcpListener;

    use futures_util::future::BoxFuture;
    use parking_lot::Mutex;

    use super::super::refusal;
    use super::*;

    /// A name server that answers each question with the next of its answers.
    struct Turning(Mutex<Vec<IpAddr>>);

    impl Turning {
        fn answering(answers: &[&str]) -> Arc<Self> {
            let answers = answers.iter().rev().map(|it| it.parse().unwrap());
            Arc::new(Self(Mutex::new(answers.collect())))
        }
    }

    impl Names for Turning {
        fn lookup(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            let next = self.0.lock().pop().ok_or(io::ErrorKind::NotFound.into());
            Box::pin(async { next.map(|it| vec![it]) })
        }
    }

    fn outside(names: Arc<dyn Names>) -> Outside {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Outside::with(names, Matcher::builder().build()).unwrap()
    }

    fn site() -> (TcpListener, Url) {
        let site = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        site.set_nonblocking(true).unwrap();
        let port = site.local_addr().unwrap().port();
        let address = format!("http://turning.example:{port}/").parse();
        (site, address.unwrap())
    }

    #[tokio::test]
    async fn a_name_that_is_public_when_it_is_looked_at_and_private_when_it_is_asked_is_refused() {
        let (site, address) = site();
        let names = Turning::answering(&["93.184.215.14", "127.0.0.1"]);
        let outside = outside(names);
        outside.look(&address, &[]).await.unwrap();
        let client = outside.client(&address, &[]).await.unwrap();
        let error = client.get(address.clone()).send().await.unwrap_err();
        let refused = refusal(&error).expect("it is refused, and not asked in vain");
        assert!(
            refused
                .to_string()
                .contains("turning.example is at 127.0.0.1"),
            "{refused}"
        );
        let nobody = site.accept().unwrap_err();
        assert_eq!(nobody.kind(), io::ErrorKind::WouldBlock);
    }

    #[tokio::test]
    async fn what_is_connected_to_is_the_address_that_was_judged() {
        let (site, address) = site();
        let names = Turning::answering(&["127.0.0.1", "169.254.169.254"]);
        let outside = outside(Arc::clone(&names) as Arc<dyn Names>);
        let hosts = ["turning.example".to_owned()];
        let client = outside.client(&address, &hosts).await.unwrap();
        let asked = client.get(address.clone());
        let asked = tokio::spawn(asked.timeout(Duration::from_secs(30)).send());
        let came = async {
            loop {
                match site.accept() {
                    Ok(_) => return,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        let came = tokio::time::timeout(Duration::from_secs(30), came).await;
        came.expect("it is asked where the first answer was");
        asked.abort();
        assert_eq!(names.0.lock().len(), 1, "nobody looked it up again");
    }
}
