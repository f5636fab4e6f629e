//! The private hosts of a source: those that it may lead to although they are in one's own network.

use reqwest::Url;

use super::network::is_metadata_name;

/// How many a source may have.
const MOST: usize = 50;

/// A host as it is compared: a name in lower case, or an IP address in its one spelling. Whatever
/// belongs to an address beside a host is refused, in words for a person.
pub fn normal(host: &str) -> Result<String, String> {
    let refused = || {
        format!(
            "'{host}' is not a host: give a name or an IP address alone, like files.example.org"
        )
    };
    let host = host.trim();
    let bare_v6 = host.parse::<std::net::Ipv6Addr>().is_ok();
    let text = if bare_v6 {
        format!("http://[{host}]/")
    } else {
        format!("http://{host}/")
    };
    let url = Url::parse(&text).map_err(|_| refused())?;
    let is_part_of_names = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let is_host_alone = match host.strip_prefix('[') {
        Some(rest) => rest.ends_with(']'),
        None => bare_v6 || !host.contains([':', '/', '\\', '@', '?', '#']),
    };
    let normal = url
        .host_str()
        .filter(|it| is_host_alone && (it.starts_with('[') || it.chars().all(is_part_of_names)))
        .ok_or_else(refused)?;
    if is_metadata_name(normal) {
        return Err(format!(
            "'{host}' is a cloud's metadata service, which no source may ask"
        ));
    }
    Ok(normal.trim_end_matches('.').to_owned())
}

/// Several, each once, in order.
pub fn normals<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, String> {
    let mut all = hosts
        .into_iter()
        .filter(|host| !host.trim().is_empty())
        .map(normal)
        .collect::<Result<Vec<_>, _>>()?;
    all.sort_unstable();
    all.dedup();
    if all.len() > MOST {
        return Err(format!("a source may have {MOST} private hosts, not more"));
    }
    Ok(all)
}

/// The host of an address.
pub fn of(address: &Url) -> &str {
    address.host_str().unwrap_or_default().trim_end_matches('.')
}

/// Whether an address is on one of a source's private hosts.
pub fn is_one(address: &Url, private_hosts: &[String]) -> bool {
    private_hosts.iter().any(|it| it == of(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_host_is_a_host_alone_in_one_spelling() {
        for (given, expected) in [
            ("Files.Example.org", Some("files.example.org")),
            (" files.example.org. ", Some("files.example.org")),
            ("10.1.2.3", Some("10.1.2.3")),
            ("0x0a010203", Some("10.1.2.3")),
            ("167838211", Some("10.1.2.3")),
            ("fd00::0001", Some("[fd00::1]")),
            ("[fd00::1]", Some("[fd00::1]")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("nexus", Some("nexus")),
            ("http://files.example.org", None),
            ("files.example.org:8080", None),
            ("files.example.org:80", None),
            ("files.example.org:", None),
            ("[fd00::1]:80", None),
            ("files.example.org/path", None),
            ("a@b", None),
            ("a b", None),
            ("*", None),
            ("", None),
            ("metadata.google.internal", None),
        ] {
            assert_eq!(normal(given).ok().as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn an_address_is_on_a_private_host_whatever_its_spelling() {
        let hosts = normals(["127.0.0.1", "Nexus.example"]).unwrap();
        for (address, expected) in [
            ("http://127.0.0.1:8080/a", true),
            ("http://2130706433/a", true),
            ("http://0177.0.0.1/a", true),
            ("http://0x7f.1/a", true),
            ("https://NEXUS.example./a", true),
            ("https://nexus.example.evil/", false),
            ("https://evil.nexus.example/", false),
            ("http://127.0.0.2/", false),
        ] {
            let url = Url::parse(address).unwrap();
            assert_eq!(is_one(&url, &hosts), expected, "{address}");
        }
    }
}
