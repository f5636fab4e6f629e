//! Under which addresses and names the server is reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::ensure;

/// What every address of a server starts with.
const SCHEME: &str = "https://";

/// The address by which this machine itself reaches a server that listens at `ip`.
pub fn local_url(ip: IpAddr, port: u16) -> String {
    let local = match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("{SCHEME}{}", SocketAddr::new(local, port))
}

/// The address by which others reach a server that listens at `ip`, unless they are told another:
/// by this machine's name; on the loopback interface, by that.
pub fn default_url(ip: IpAddr, port: u16) -> String {
    match host_name().filter(|_| !ip.is_loopback()) {
        Some(name) => format!("{SCHEME}{name}:{port}"),
        None => local_url(ip, port),
    }
}

/// An address that an administrator gave, without a slash at its end.
pub fn checked(url: &str) -> anyhow::Result<String> {
    let url = url.trim_end_matches('/');
    let is_usable = url.starts_with(SCHEME)
        && !host_of(url).is_empty()
        && !url.chars().any(|it| it.is_whitespace() || it.is_control());
    ensure!(
        is_usable,
        "'{url}' is not an address of a server: it must be like https://patch.example.org:8443"
    );
    Ok(url.to_owned())
}

/// The names and addresses in the server's certificate: those of its addresses, and this machine's.
pub fn names(urls: &[&str]) -> Vec<String> {
    let mut names = vec![
        "localhost".to_owned(),
        Ipv4Addr::LOCALHOST.to_string(),
        Ipv6Addr::LOCALHOST.to_string(),
    ];
    names.extend(urls.iter().map(|url| host_of(url).to_owned()));
    names.extend(host_name());
    names.sort();
    names.dedup();
    names
}

fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("COMPUTERNAME").ok())?;
    let name = name.trim().to_lowercase();
    (!name.is_empty() && name.is_ascii()).then_some(name)
}

/// The host of an `https` address, without port and brackets.
fn host_of(url: &str) -> &str {
    let rest = url.strip_prefix(SCHEME).unwrap_or(url);
    let host = rest.split('/').next().unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => host,
    };
    host.trim_matches(['[', ']'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_names_the_host_of_every_form_of_address() {
        for (url, host) in [
            ("https://patch.example.org", "patch.example.org"),
            ("https://patch.example.org:8443", "patch.example.org"),
            ("https://patch.example.org:8443/behind", "patch.example.org"),
            ("https://192.0.2.7:8443", "192.0.2.7"),
            ("https://[::1]:8443", "::1"),
        ] {
            assert_eq!(host_of(url), host);
            assert!(names(&[url]).iter().any(|it| it == host));
        }
    }

    #[test]
    fn this_machine_reaches_the_server_in_the_family_that_it_listens_in() {
        for (listen, url) in [
            ("0.0.0.0", "https://127.0.0.1:8443"),
            ("::", "https://[::1]:8443"),
            ("127.0.0.1", "https://127.0.0.1:8443"),
            ("::1", "https://[::1]:8443"),
            ("192.0.2.7", "https://192.0.2.7:8443"),
        ] {
            assert_eq!(local_url(listen.parse().unwrap(), 8443), url);
        }
        for loopback in ["127.0.0.1", "::1"] {
            let ip = loopback.parse().unwrap();
            assert_eq!(default_url(ip, 8443), local_url(ip, 8443));
        }
    }

    #[test]
    fn only_an_https_address_with_a_host_is_taken() {
        for (url, taken) in [
            (
                "https://patch.example.org",
                Some("https://patch.example.org"),
            ),
            (
                "https://patch.example.org:8443/",
                Some("https://patch.example.org:8443"),
            ),
            (
                "https://[2001:db8::1]:8443",
                Some("https://[2001:db8::1]:8443"),
            ),
            ("http://patch.example.org", None),
            ("patch.example.org:8443", None),
            ("https://", None),
            ("https://:8443", None),
            ("https://two words", None),
            ("", None),
        ] {
            assert_eq!(checked(url).ok().as_deref(), taken, "{url}");
        }
    }
}
