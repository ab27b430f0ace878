//! Addresses and networks: lists that a token may be used from, and the caller's address behind proxies.

use std::net::{IpAddr, SocketAddr};

/// One address, or all that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// Bits that count, from the first.
    length: u32,
}

impl Network {
    /// Reads `192.0.2.7`, `192.0.2.0/24` or `2001:db8::/32`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                (address, Some(length.parse::<u32>().ok()?))
            }
            Some(_) => return None,
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = length.unwrap_or(bits);
        (length <= bits).then_some(Self { address, length })
    }

    /// Whether an address lies in it. An IPv4 address in its IPv6 form is the same address.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = u32::from(network) ^ u32::from(address);
                differing.checked_shr(32_u32.saturating_sub(self.length)).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = u128::from(network) ^ u128::from(address);
                differing.checked_shr(128_u32.saturating_sub(self.length)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }

    /// Whether all of another network lies in it.
    pub fn covers(self, other: Self) -> bool {
        self.length <= other.length
            && self.address.is_ipv4() == other.address.is_ipv4()
            && self.contains(other.address)
    }
}

/// Whether a caller's address is on a list of addresses and networks. An empty list allows any; an unknown address is
/// on no other. An entry that does not parse allows nothing.
pub fn allows(list: &[String], address: Option<IpAddr>) -> bool {
    list.is_empty() || address.is_some_and(|address| is_listed(list, address))
}

/// The address of whoever sent a request that came from `peer`, with the values of its `X-Forwarded-For` headers in
/// their order. Only a proxy on the list is believed, and only what it says of its own peer: the header is walked from
/// its end, and what stands before the first address that is no such proxy may be anybody's invention.
///
/// `None` where a trusted proxy names something that is no address.
pub fn caller_address<'a>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
    trusted: &[String],
) -> Option<IpAddr> {
    let mut address = peer.to_canonical();
    for hop in forwarded.rev().flat_map(|value| value.rsplit(',')) {
        if !is_listed(trusted, address) {
            break;
        }
        address = hop_address(hop)?;
    }
    Some(address)
}

fn is_listed(list: &[String], address: IpAddr) -> bool {
    list.iter().filter_map(|entry| Network::parse(entry)).any(|network| network.contains(address))
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn hop_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entry: &str, address: &str, expected: bool) {
        assert_eq!(allows(&[entry.to_owned()], Some(address.parse().unwrap())), expected);
    }

    #[test]
    fn addresses_and_networks_are_told_apart() {
        check("192.0.2.7", "192.0.2.7", true);
        check("192.0.2.7", "192.0.2.8", false);
        check("192.0.2.0/24", "192.0.2.200", true);
        check("192.0.2.0/24", "192.0.3.1", false);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("2001:db8::/32", "2001:db8:1::1", true);
        check("2001:db8::/32", "2001:db9::1", false);
        check("::/0", "2001:db9::1", true);
    }

    #[test]
    fn an_ipv4_address_in_its_ipv6_form_is_the_same_address() {
        check("192.0.2.7", "::ffff:192.0.2.7", true);
    }

    #[test]
    fn an_entry_that_does_not_parse_allows_nothing() {
        for entry in ["", "localhost", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/+8", "192.0.2.0/x"] {
            check(entry, "192.0.2.7", false);
        }
    }

    #[test]
    fn an_unknown_address_is_only_allowed_where_any_is() {
        assert!(allows(&[], None));
        assert!(!allows(&["0.0.0.0/0".to_owned()], None));
    }

    #[test]
    fn a_network_covers_what_is_not_wider_than_itself() {
        let covers = |wide, narrow| Network::parse(wide).unwrap().covers(Network::parse(narrow).unwrap());
        assert!(covers("10.0.0.0/8", "10.1.0.0/16") && covers("10.0.0.0/8", "10.0.0.0/8"));
        assert!(!covers("10.1.0.0/16", "10.0.0.0/8") && !covers("10.0.0.0/8", "11.0.0.1"));
        assert!(!covers("0.0.0.0/0", "::1"));
    }

    #[track_caller]
    fn check_caller(peer: &str, forwarded: &[&str], trusted: &[&str], expected: Option<&str>) {
        let trusted: Vec<String> = trusted.iter().map(|entry| (*entry).to_owned()).collect();
        let found = caller_address(peer.parse().unwrap(), forwarded.iter().copied(), &trusted);
        assert_eq!(found, expected.map(|address| address.parse().unwrap()));
    }

    #[test]
    fn a_header_from_somebody_who_is_no_trusted_proxy_is_not_believed() {
        check_caller("203.0.113.9", &["192.0.2.1"], &[], Some("203.0.113.9"));
        check_caller("203.0.113.9", &["192.0.2.1"], &["10.0.0.0/8"], Some("203.0.113.9"));
    }

    #[test]
    fn forwarded_addresses_are_believed_as_far_as_trusted_proxies_vouch_for_them() {
        let proxies = ["10.0.0.0/8", "2001:db8::1"];
        check_caller("10.0.0.1", &["192.0.2.1"], &proxies, Some("192.0.2.1"));
        check_caller("10.0.0.1", &["1.1.1.1, 192.0.2.1, 10.0.0.2"], &proxies, Some("192.0.2.1"));
        check_caller("10.0.0.1", &["1.1.1.1", "192.0.2.1", "10.0.0.2"], &proxies, Some("192.0.2.1"));
        check_caller("::ffff:10.0.0.1", &["[2001:db8::9]:443, 2001:db8::1"], &proxies, Some("2001:db8::9"));
        check_caller("10.0.0.1", &["192.0.2.1:5000"], &proxies, Some("192.0.2.1"));
        check_caller("10.0.0.1", &["10.0.0.3"], &proxies, Some("10.0.0.3"));
        check_caller("10.0.0.1", &[], &proxies, Some("10.0.0.1"));
    }

    #[test]
    fn what_a_trusted_proxy_calls_no_address_is_unknown() {
        check_caller("10.0.0.1", &["192.0.2.1, unknown"], &["10.0.0.0/8"], None);
        check_caller("10.0.0.1", &["unknown, 192.0.2.1"], &["10.0.0.0/8"], Some("192.0.2.1"));
    }
}
