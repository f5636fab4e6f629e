//! What a check-in says of its machine: made fit to store, and told from what the last one said.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;

use fleetmend_model::device::Network;
use fleetmend_protocol::checkin::CheckIn;
use fleetmend_store::device_facts::Facts;

/// The first protocol that says anything.
pub const SINCE: u32 = 3;
/// The longest time zone's name, in bytes.
const MAX_ZONE: usize = 64;
/// The most addresses of one device, and the most gateways.
const MAX_ADDRESSES: usize = 64;
/// The most abilities of one device.
const MAX_ABILITIES: usize = 64;
/// The longest word for an ability, in bytes.
const MAX_ABILITY: usize = 32;

/// The facts in a check-in. What is none is left out: a device's word is shown, and rules are asked
/// with it.
pub fn of(request: &CheckIn) -> Facts {
    Facts {
        time_zone: zone(&request.time_zone),
        network: Network {
            addresses: addresses(&request.network.addresses),
            gateways: addresses(&request.network.gateways),
        },
        abilities: abilities(&request.abilities),
    }
}

/// Another number than before: something changed.
pub fn digest(request: &CheckIn) -> u64 {
    let mut hasher = DefaultHasher::new();
    let facts = (&request.time_zone, &request.network, &request.abilities);
    facts.hash(&mut hasher);
    hasher.finish()
}

/// Source of the characters: the tz database's 'Theory and pragmatics', names of timezones.
fn zone(name: &str) -> String {
    let is_name = name.len() <= MAX_ZONE
        && name
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"/_+-".contains(&it));
    if is_name {
        name.to_owned()
    } else {
        String::new()
    }
}

/// In their one spelling.
fn addresses(texts: &[String]) -> Vec<String> {
    let addresses = texts.iter().filter_map(|it| it.parse::<IpAddr>().ok());
    let mut addresses: Vec<IpAddr> = addresses.take(MAX_ADDRESSES).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses.iter().map(IpAddr::to_string).collect()
}

fn abilities(words: &[String]) -> Vec<String> {
    let is_word = |it: &&String| {
        (1..=MAX_ABILITY).contains(&it.len())
            && it.bytes().all(|it| it.is_ascii_lowercase() || it == b'_')
    };
    let mut words: Vec<String> = words.iter().filter(is_word).cloned().collect();
    words.sort_unstable();
    words.dedup();
    words.truncate(MAX_ABILITIES);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&it| it.to_owned()).collect()
    }

    #[test]
    fn what_is_no_zone_address_or_ability_is_left_out_and_the_rest_has_one_spelling() {
        let request = CheckIn {
            time_zone: "Etc/GMT+12".to_owned(),
            network: Network {
                addresses: texts(&["2001:DB8::0:7", "10.1.0.7", "10.1.0.7", "010.1.0.8", "<b>"]),
                gateways: texts(&["fe80::1", "fe80::1%eth0", ""]),
            },
            abilities: texts(&["restart", "apt", "apt", "start_times", "A B", "", "x\n"]),
            ..CheckIn::default()
        };
        let facts = Facts {
            time_zone: "Etc/GMT+12".to_owned(),
            network: Network {
                addresses: texts(&["10.1.0.7", "2001:db8::7"]),
                gateways: texts(&["fe80::1"]),
            },
            abilities: texts(&["apt", "restart", "start_times"]),
        };
        assert_eq!(of(&request), facts);
        for zone in ["../etc/passwd", "Europe/ Berlin", "Zürich", &"x".repeat(65)] {
            let time_zone = zone.to_owned();
            let request = CheckIn {
                time_zone,
                ..CheckIn::default()
            };
            assert_eq!(of(&request).time_zone, "", "{zone}");
        }
    }

    #[test]
    fn a_device_that_says_a_lot_is_kept_within_bounds() {
        let many = |text: &dyn Fn(usize) -> String| (0..5000).map(text).collect::<Vec<_>>();
        let request = CheckIn {
            network: Network {
                addresses: many(&|at| format!("10.0.{}.{}", at / 256, at % 256)),
                gateways: many(&|at| format!("10.1.{}.{}", at / 256, at % 256)),
            },
            abilities: many(&|at| "a".repeat(at)),
            ..CheckIn::default()
        };
        let facts = of(&request);
        assert_eq!(facts.network.addresses.len(), MAX_ADDRESSES);
        assert_eq!(facts.network.gateways.len(), MAX_ADDRESSES);
        assert_eq!(facts.abilities.len(), MAX_ABILITY);
    }

    #[test]
    fn another_fact_is_another_digest() {
        let one = CheckIn::default();
        let mut others = vec![one.clone(); 4];
        others[0].time_zone = "UTC".to_owned();
        others[1].network.addresses = texts(&["10.1.0.7"]);
        others[2].network.gateways = texts(&["10.1.0.7"]);
        others[3].abilities = texts(&["10.1.0.7"]);
        let mut all: Vec<u64> = others.iter().map(digest).collect();
        all.push(digest(&one));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 5);
        assert_eq!(
            digest(&one),
            digest(&CheckIn {
                epoch: "x".to_owned(),
                ..one.clone()
            })
        );
    }
}
