//! What kind of place an IP address is: a table, and nothing else.
//!
//! Sources: IANA's IPv4 and IPv6 Special-Purpose Address Registries; RFC 4291 (mapped, compatible),
//! 6052 and 8215 (NAT64), 2765 (translated), 3056 (6to4), 4380 (Teredo), 5214 (ISATAP), 9637
//! (documentation); the clouds' own manuals for their metadata services.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What stands for a cloud's metadata service in sentences.
pub const METADATA: &str = "a cloud's metadata service";

const PRIVATE: &str = "a private network";
const THIS_MACHINE: &str = "this machine itself";
const LINK_LOCAL: &str = "a link-local network";
const CARRIER: &str = "a carrier's own network";
const DOCUMENTATION: &str = "a network for documentation";
const RESERVED: &str = "a network that is not part of the internet";
const MULTICAST: &str = "a multicast group";
const NOWHERE: &str = "the address of no machine";

/// From where an address is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// From the internet.
    Public,
    /// From one's own network: only where an administrator said so. In words: what is there.
    Own(&'static str),
    /// Nothing there is a source's business, whoever says so. In words: what is there.
    Never(&'static str),
}

/// The metadata services of AWS, Azure, Google, Oracle, Alibaba, Tencent, Scaleway, and those that
/// AWS gives to containers.
const METADATA_V4: [Ipv4Addr; 8] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(169, 254, 0, 23),
    Ipv4Addr::new(169, 254, 42, 42),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];
const METADATA_V6: [Ipv6Addr; 4] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
];
const METADATA_NAMES: [&str; 6] = [
    "metadata.google.internal",
    "metadata.goog",
    "metadata.tencentyun.com",
    "instance-data.ec2.internal",
    "instance-data",
    "metadata",
];

/// First bits of IPv4 addresses, how many count, and what is there. The first that fits counts.
const V4: [([u8; 4], u32, Reach); 16] = [
    ([0, 0, 0, 0], 8, Reach::Never(NOWHERE)),
    ([10, 0, 0, 0], 8, Reach::Own(PRIVATE)),
    ([100, 64, 0, 0], 10, Reach::Own(CARRIER)),
    ([127, 0, 0, 0], 8, Reach::Own(THIS_MACHINE)),
    ([169, 254, 0, 0], 16, Reach::Own(LINK_LOCAL)),
    ([172, 16, 0, 0], 12, Reach::Own(PRIVATE)),
    ([192, 0, 0, 0], 24, Reach::Own(RESERVED)),
    ([192, 0, 2, 0], 24, Reach::Own(DOCUMENTATION)),
    ([192, 88, 99, 0], 24, Reach::Own(RESERVED)),
    ([192, 168, 0, 0], 16, Reach::Own(PRIVATE)),
    ([198, 18, 0, 0], 15, Reach::Own(RESERVED)),
    ([198, 51, 100, 0], 24, Reach::Own(DOCUMENTATION)),
    ([203, 0, 113, 0], 24, Reach::Own(DOCUMENTATION)),
    ([224, 0, 0, 0], 4, Reach::Never(MULTICAST)),
    ([255, 255, 255, 255], 32, Reach::Never(NOWHERE)),
    ([240, 0, 0, 0], 4, Reach::Own(RESERVED)),
];

/// The same for IPv6. Of what is not in the table, `2000::/3` is the internet.
const V6: [([u16; 8], u32, Reach); 11] = [
    ([0; 8], 128, Reach::Never(NOWHERE)),
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, Reach::Own(THIS_MACHINE)),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, Reach::Own(PRIVATE)),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, Reach::Own(LINK_LOCAL)),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, Reach::Own(PRIVATE)),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, Reach::Never(MULTICAST)),
    (
        [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0],
        32,
        Reach::Own(DOCUMENTATION),
    ),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, Reach::Own(DOCUMENTATION)),
    // Protocols' own: Teredo, benchmarks, ORCHID and others.
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, Reach::Own(RESERVED)),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, Reach::Public),
    ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3, Reach::Public),
];

/// What kind of place an address is. One that carries an IPv4 address inside reaches no further than
/// that one does.
pub fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => match carried(address) {
            Carried::Instead(inner) => reach_v4(inner),
            Carried::Beside(inner) => nearer(reach_v6(address), reach_v4(inner)),
            Carried::None => reach_v6(address),
        },
    }
}

/// Whether a name is one by which a cloud's metadata service is asked.
pub fn is_metadata_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_lowercase();
    METADATA_NAMES.contains(&host.as_str())
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    if METADATA_V4.contains(&address) {
        return Reach::Never(METADATA);
    }
    let bits = address.to_bits();
    let fits =
        |first: [u8; 4], length: u32| (bits ^ u32::from_be_bytes(first)).leading_zeros() >= length;
    let found = V4.iter().find(|(first, length, _)| fits(*first, *length));
    found.map_or(Reach::Public, |(_, _, reach)| *reach)
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    if METADATA_V6.contains(&address) {
        return Reach::Never(METADATA);
    }
    let bits = address.to_bits();
    let fits = |first: [u16; 8], length: u32| {
        (bits ^ Ipv6Addr::from(first).to_bits()).leading_zeros() >= length
    };
    let found = V6.iter().find(|(first, length, _)| fits(*first, *length));
    found.map_or(Reach::Own(RESERVED), |(_, _, reach)| *reach)
}

/// Of two kinds of place the one that is reached from fewer.
fn nearer(one: Reach, other: Reach) -> Reach {
    match (one, other) {
        (Reach::Never(_), _) | (Reach::Own(_), Reach::Public | Reach::Own(_)) => one,
        _ => other,
    }
}

/// An IPv4 address inside an IPv6 address.
enum Carried {
    None,
    /// Packets go to it.
    Instead(Ipv4Addr),
    /// Packets go through it, or may.
    Beside(Ipv4Addr),
}

fn carried(address: Ipv6Addr) -> Carried {
    let it = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    let last = v4(it[6], it[7]);
    match it {
        // Neither :: nor ::1 carries anything.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Carried::None,
        // IPv4-compatible, mapped, translated, NAT64.
        [0, 0, 0, 0, 0, 0 | 0xffff, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Carried::Instead(last),
        // 6to4.
        [0x2002, high, low, ..] => Carried::Beside(v4(high, low)),
        // ISATAP.
        [_, _, _, _, 0 | 0x200, 0x5efe, _, _] => Carried::Beside(last),
        _ => Carried::None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Addresses, and what is there.
    const TABLE: &[(&str, Reach)] = &[
        (
            "1.1.1.1 93.184.215.14 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 \
             126.255.255.255 128.0.0.0 169.253.255.255 169.255.0.0 172.15.255.255 \
             172.32.0.0 192.0.1.0 192.0.3.0 192.88.98.255 192.167.255.255 192.169.0.0 \
             198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 \
             223.255.255.255 2606:4700:4700::1111 2a00:1450::1 2001:200::1 2001:db7::1 \
             2001:db9::1 64:ff9b::1.1.1.1 2002:101:101::1 2606:4700::5efe:1.1.1.1 \
             ::ffff:1.1.1.1",
            Reach::Public,
        ),
        (
            "127.0.0.1 127.255.255.255 ::1 ::ffff:127.0.0.1 ::127.0.0.1",
            Reach::Own(THIS_MACHINE),
        ),
        (
            "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255 \
             fc00:: fdff::1 fec0::1 64:ff9b::10.0.0.1 2002:a00:1::1 \
             2606:4700::5efe:10.0.0.1 2606:4700::200:5efe:10.0.0.1 ::ffff:0:10.0.0.1",
            Reach::Own(PRIVATE),
        ),
        ("169.254.0.1 fe80::1 febf::1", Reach::Own(LINK_LOCAL)),
        ("100.64.0.0 100.127.255.255", Reach::Own(CARRIER)),
        (
            "192.0.2.1 198.51.100.1 203.0.113.255 2001:db8::1 3fff:fff::1",
            Reach::Own(DOCUMENTATION),
        ),
        (
            "192.0.0.8 192.88.99.1 198.18.0.0 198.19.255.255 240.0.0.0 255.255.255.254 \
             64:ff9b:1::10.0.0.1 100::1 2001::1 2001:2::1 2001:10::1 5f00::1 4000::1 1::1",
            Reach::Own(RESERVED),
        ),
        (
            "169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 192.0.0.192 \
             fd00:ec2::254 fd20:ce::254 ::ffff:169.254.169.254 64:ff9b::169.254.169.254 \
             2002:a9fe:a9fe::1 fe80::5efe:169.254.169.254",
            Reach::Never(METADATA),
        ),
        ("224.0.0.1 239.255.255.255 ff02::1", Reach::Never(MULTICAST)),
        (
            "0.0.0.0 0.1.2.3 255.255.255.255 :: ::ffff:0.0.0.0",
            Reach::Never(NOWHERE),
        ),
    ];

    #[test]
    fn every_kind_of_address_is_known() {
        for (addresses, expected) in TABLE {
            for address in addresses.split_whitespace() {
                assert_eq!(reach(address.parse().unwrap()), *expected, "{address}");
            }
        }
    }

    #[test]
    fn metadata_services_have_names_too() {
        for (name, expected) in [
            ("metadata.google.internal", true),
            ("Metadata.Google.Internal.", true),
            ("metadata", true),
            ("metadata.example", false),
            ("example.org", false),
        ] {
            assert_eq!(is_metadata_name(name), expected, "{name}");
        }
    }

    fn rank(reach: Reach) -> u8 {
        match reach {
            Reach::Public => 2,
            Reach::Own(_) => 1,
            Reach::Never(_) => 0,
        }
    }

    proptest! {
        #[test]
        fn what_carries_an_address_reaches_no_further_than_that_one(bits in 2..=u32::MAX, rest: [u16; 3]) {
            // :: and ::1 are no carriers.
            let inner = Ipv4Addr::from_bits(bits);
            let [a, b] = [(bits >> 16) as u16, bits as u16];
            let own = rank(reach(inner.into()));
            for address in [
                Ipv6Addr::new(0, 0, 0, 0, 0, 0, a, b),
                Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, a, b),
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, a, b),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a, b),
                Ipv6Addr::new(0x2002, a, b, rest[0], rest[1], 1, 0, rest[2]),
                Ipv6Addr::new(0x2606, rest[0], rest[1], rest[2], 0, 0x5efe, a, b),
                Ipv6Addr::new(0x2606, rest[0], rest[1], rest[2], 0x200, 0x5efe, a, b),
            ] {
                prop_assert!(rank(reach(address.into())) <= own, "{address}");
            }
        }

        #[test]
        fn what_the_standard_library_knows_as_special_is_never_public(v4: u32, v6: u128) {
            let v4 = Ipv4Addr::from_bits(v4);
            if v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_multicast()
                || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified()
            {
                prop_assert_ne!(reach(v4.into()), Reach::Public, "{}", v4);
            }
            for v6 in [Ipv6Addr::from_bits(v6), Ipv6Addr::from_bits(v6 >> 96)] {
                if v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()
                    || v6.is_multicast() || v6.is_unspecified()
                {
                    prop_assert_ne!(reach(v6.into()), Reach::Public, "{}", v6);
                }
            }
        }
    }
}
