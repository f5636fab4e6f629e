//! Where a machine is in the network, from what the system lists.

use std::net::IpAddr;

use fleetmend_model::device::Network;

/// The most addresses that are said, and the most gateways.
const MOST: usize = 32;

/// Leaves out addresses that say nothing of the place: loopback, link-local, and none. The order does
/// not change with the system's.
pub(crate) fn network(addresses: Vec<IpAddr>, gateways: Vec<IpAddr>) -> Network {
    let is_place = |it: &IpAddr| match it {
        IpAddr::V4(it) => !it.is_loopback() && !it.is_link_local() && !it.is_unspecified(),
        IpAddr::V6(it) => !it.is_loopback() && !it.is_unicast_link_local() && !it.is_unspecified(),
    };
    let addresses = addresses.into_iter().filter(is_place).collect();
    let gateways = gateways.into_iter().filter(|it| !it.is_unspecified());
    Network {
        addresses: texts(addresses),
        gateways: texts(gateways.collect()),
    }
}

fn texts(mut addresses: Vec<IpAddr>) -> Vec<String> {
    addresses.sort_unstable();
    addresses.dedup();
    let texts = addresses.iter().take(MOST).map(IpAddr::to_string);
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_every_machine_has_are_left_out_and_the_order_is_always_the_same() {
        let all = |texts: &[&str]| texts.iter().map(|it| it.parse().unwrap()).collect();
        let found = network(
            all(&[
                "2001:db8::7",
                "::1",
                "fe80::7",
                "192.168.1.7",
                "127.0.0.1",
                "169.254.3.4",
                "10.1.0.7",
                "192.168.1.7",
                "0.0.0.0",
            ]),
            all(&["fe80::1", "10.1.0.1", "10.1.0.1", "::"]),
        );
        assert_eq!(found.addresses, ["10.1.0.7", "192.168.1.7", "2001:db8::7"]);
        assert_eq!(found.gateways, ["10.1.0.1", "fe80::1"]);
        let many = (0..200).map(|at| IpAddr::from([10, 0, 0, at])).collect();
        assert_eq!(network(many, Vec::new()).addresses.len(), MOST);
    }
}
