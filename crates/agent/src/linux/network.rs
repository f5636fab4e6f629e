//! Addresses and default gateways, as the kernel lists them.
//!
//! Source: proc(5), `/proc/net/route`, `/proc/net/if_inet6`; the kernel's `fib_trie.c` (a leaf `|-- A`,
//! below it `/32 host LOCAL` for an address of the machine) and `route.c` of IPv6.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fleetmend_model::device::Network;

/// `RTF_GATEWAY`.
const GATEWAY: u32 = 2;
/// `IFA_F_TEMPORARY`, `IFA_F_DADFAILED`, `IFA_F_DEPRECATED` and `IFA_F_TENTATIVE`: an address that is
/// another one tomorrow, or is none yet.
const PASSING: u32 = 0x01 | 0x08 | 0x20 | 0x40;

/// Where this machine is.
pub(super) fn network() -> Network {
    let read = |name| fs::read_to_string(format!("/proc/net/{name}")).unwrap_or_default();
    let mut addresses = addresses_v4(&read("fib_trie"));
    addresses.extend(addresses_v6(&read("if_inet6")));
    let mut gateways = gateways_v4(&read("route"));
    gateways.extend(gateways_v6(&read("ipv6_route")));
    crate::network::network(addresses, gateways)
}

fn addresses_v4(trie: &str) -> Vec<IpAddr> {
    let mut leaf = None;
    let mut addresses = Vec::new();
    for line in trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL" {
            addresses.extend(leaf.map(IpAddr::V4));
        }
    }
    addresses
}

fn addresses_v6(list: &str) -> Vec<IpAddr> {
    let address = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let flags = u32::from_str_radix(fields.get(4)?, 16).ok()?;
        (flags & PASSING == 0).then(|| v6(fields[0]))?
    };
    list.lines().filter_map(address).collect()
}

fn gateways_v4(table: &str) -> Vec<IpAddr> {
    let gateway = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| u32::from_str_radix(fields.get(at)?, 16).ok();
        let is_default = number(1)? == 0 && number(7)? == 0 && number(3)? & GATEWAY != 0;
        // As it lies in memory.
        let address = number(2)?.to_ne_bytes();
        is_default.then(|| IpAddr::from(address))
    };
    table.lines().filter_map(gateway).collect()
}

fn gateways_v6(table: &str) -> Vec<IpAddr> {
    let gateway = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let flags = u32::from_str_radix(fields.get(8)?, 16).ok()?;
        let is_default = fields[1] == "00" && v6(fields[0])? == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        (is_default && flags & GATEWAY != 0).then(|| v6(fields[4]))?
    };
    table.lines().filter_map(gateway).collect()
}

/// Thirty-two hexadecimal digits.
fn v6(digits: &str) -> Option<IpAddr> {
    let is_whole = digits.len() == 32;
    let number = u128::from_str_radix(digits, 16).ok()?;
    is_whole.then(|| IpAddr::V6(Ipv6Addr::from_bits(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(addresses: Vec<IpAddr>) -> Vec<String> {
        addresses.iter().map(IpAddr::to_string).collect()
    }

    #[test]
    fn the_machines_own_addresses_are_read() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     \
                    |-- 10.1.0.7\n        /32 host LOCAL\n     |-- 10.1.0.255\n        /32 link \
                    BROADCAST\nLocal:\n     |-- 127.0.0.1\n        /32 host LOCAL\n";
        assert_eq!(texts(addresses_v4(trie)), ["10.1.0.7", "127.0.0.1"]);
        let list = "20010db8000000000000000000000007 02 40 00 80 eth0\n\
                    20010db800000000abcdef0123456789 02 40 00 01 eth0\n\
                    20010db8000000000000000000000008 02 40 00 c0 eth0\n\
                    fe800000000000000000000000000007 02 40 20 80 eth0\n";
        assert_eq!(texts(addresses_v6(list)), ["2001:db8::7", "fe80::7"]);
    }

    #[test]
    fn the_gateways_of_default_routes_are_read() {
        let gateway = u32::from_ne_bytes([10, 1, 0, 1]);
        let table = format!(
            "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
             eth0\t00000000\t{gateway:08X}\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
             eth0\t0000010A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
             tun0\t00000000\t{gateway:08X}\t0003\t0\t0\t0\t00000080\t0\t0\t0\n"
        );
        assert_eq!(texts(gateways_v4(&table)), ["10.1.0.1"]);
        let none = "0".repeat(32);
        let router = "fe800000000000000000000000000001";
        let table = format!(
            "{none} 00 {none} 00 {router} 00000400 00000001 00000000 00000003 eth0\n\
             20010db8000000000000000000000000 40 {none} 00 {none} 00000100 1 0 00000001 eth0\n\
             {none} 00 {none} 00 {none} ffffffff 00000001 00000000 00200200 lo\n"
        );
        assert_eq!(texts(gateways_v6(&table)), ["fe80::1"]);
    }

    #[test]
    fn this_machines_lists_are_read_without_its_loopback() {
        let network = network();
        assert!(
            network
                .addresses
                .iter()
                .all(|it| !it.starts_with("127.") && it != "::1")
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(?s)[ 0-9a-f|/\\-\\.\\n]{0,200}") {
            let _ = (addresses_v4(&text), addresses_v6(&text));
            let _ = (gateways_v4(&text), gateways_v6(&text));
        }
    }
}
