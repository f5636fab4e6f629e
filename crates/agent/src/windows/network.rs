//! Addresses and default gateways, as the IP Helper API lists them.

#![allow(
    unsafe_code,
    reason = "the list is linked by pointers; each use says why it is right"
)]

use std::net::IpAddr;

use fleetmend_model::device::Network;
use windows_sys::Win32::Foundation::{ERROR_BUFFER_OVERFLOW, ERROR_SUCCESS};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_INCLUDE_GATEWAYS, GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_DNS_SERVER,
    GAA_FLAG_SKIP_FRIENDLY_NAME, GAA_FLAG_SKIP_MULTICAST, GetAdaptersAddresses,
    IP_ADAPTER_ADDRESSES_LH,
};
use windows_sys::Win32::NetworkManagement::Ndis::IfOperStatusUp;
use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, AF_UNSPEC, IpDadStatePreferred, IpSuffixOriginRandom, SOCKADDR_IN,
    SOCKADDR_IN6, SOCKET_ADDRESS,
};

/// How much room a list is given first, in bytes. Source: the API's page recommends 15 KB.
const FIRST_ROOM: u32 = 15 * 1024;
/// How often more is given: the list may grow in between.
const TRIES: usize = 4;
/// The most entries of one list.
const MOST: usize = 1000;

/// Where this machine is. Nothing where Windows does not say.
pub(super) fn network() -> Network {
    let (mut addresses, mut gateways) = (Vec::new(), Vec::new());
    // `u64`: the list is aligned as its structures are.
    let mut list: Vec<u64> = Vec::new();
    if !read(&mut list) {
        return Network::default();
    }
    let mut next: *const IP_ADAPTER_ADDRESSES_LH = list.as_ptr().cast();
    for _ in 0..MOST {
        // SAFETY: null, or into `list`, which the API filled and which lives to the end.
        let Some(adapter) = (unsafe { next.as_ref() }) else {
            break;
        };
        next = adapter.Next;
        if adapter.OperStatus != IfOperStatusUp {
            continue;
        }
        let mut unicast = adapter.FirstUnicastAddress;
        for _ in 0..MOST {
            // SAFETY: as above.
            let Some(it) = (unsafe { unicast.as_ref() }) else {
                break;
            };
            // One made at random is another tomorrow.
            if it.DadState == IpDadStatePreferred && it.SuffixOrigin != IpSuffixOriginRandom {
                addresses.extend(address(&it.Address));
            }
            unicast = it.Next;
        }
        let mut gateway = adapter.FirstGatewayAddress;
        for _ in 0..MOST {
            // SAFETY: as above.
            let Some(it) = (unsafe { gateway.as_ref() }) else {
                break;
            };
            gateways.extend(address(&it.Address));
            gateway = it.Next;
        }
    }
    crate::network::network(addresses, gateways)
}

/// Fills the list.
fn read(list: &mut Vec<u64>) -> bool {
    let flags = GAA_FLAG_INCLUDE_GATEWAYS
        | GAA_FLAG_SKIP_ANYCAST
        | GAA_FLAG_SKIP_MULTICAST
        | GAA_FLAG_SKIP_DNS_SERVER
        | GAA_FLAG_SKIP_FRIENDLY_NAME;
    let mut room = FIRST_ROOM;
    for _ in 0..TRIES {
        list.resize((room as usize).div_ceil(8), 0);
        // SAFETY: the list has at least `room` bytes.
        let result = unsafe {
            GetAdaptersAddresses(
                u32::from(AF_UNSPEC),
                flags,
                std::ptr::null(),
                list.as_mut_ptr().cast(),
                &raw mut room,
            )
        };
        match result {
            ERROR_SUCCESS => return true,
            ERROR_BUFFER_OVERFLOW => {}
            _ => return false,
        }
    }
    false
}

fn address(socket: &SOCKET_ADDRESS) -> Option<IpAddr> {
    // SAFETY: null, or an address whose family says how long it is; the family comes first in each.
    let family = unsafe { socket.lpSockaddr.as_ref() }?.sa_family;
    let length = usize::try_from(socket.iSockaddrLength).ok()?;
    match family {
        AF_INET if length >= size_of::<SOCKADDR_IN>() => {
            // SAFETY: it is that long. It need not be aligned for it.
            let v4: SOCKADDR_IN =
                unsafe { socket.lpSockaddr.cast::<SOCKADDR_IN>().read_unaligned() };
            // SAFETY: any four bytes are an address.
            let bytes = unsafe { v4.sin_addr.S_un.S_addr }.to_ne_bytes();
            Some(IpAddr::from(bytes))
        }
        AF_INET6 if length >= size_of::<SOCKADDR_IN6>() => {
            // SAFETY: it is that long. It need not be aligned for it.
            let v6: SOCKADDR_IN6 =
                unsafe { socket.lpSockaddr.cast::<SOCKADDR_IN6>().read_unaligned() };
            // SAFETY: any sixteen bytes are an address.
            Some(IpAddr::from(unsafe { v6.sin6_addr.u.Byte }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machines_adapters_are_read_without_its_loopback() {
        let mut list = Vec::new();
        assert!(read(&mut list));
        let network = network();
        let is_loopback = |it: &String| it.starts_with("127.") || it == "::1";
        assert!(!network.addresses.iter().any(is_loopback), "{network:?}");
    }
}
