//! Lists of addresses and networks that a token may be used from.

use std::net::IpAddr;

/// Whether a caller's address is on a list of addresses and networks (`192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`).
/// An empty list allows any; an unknown address is on no other. An entry that does not parse allows nothing.
pub fn allows(list: &[String], address: Option<IpAddr>) -> bool {
    list.is_empty()
        || address.is_some_and(|address| list.iter().any(|entry| contains(entry, address) == Some(true)))
}

/// Whether an entry of such a list parses.
pub fn is_entry(entry: &str) -> bool {
    let (network, length) = entry.split_once('/').unwrap_or((entry, "0"));
    let longest = match network.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.parse::<u32>().is_ok_and(|length| length <= longest)
}

fn contains(entry: &str, address: IpAddr) -> Option<bool> {
    let (network, length) = match entry.split_once('/') {
        Some((network, length)) => (network, Some(length.parse::<u32>().ok()?)),
        None => (entry, None),
    };
    match (network.parse().ok()?, address.to_canonical()) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let shift = 32_u32.checked_sub(length.unwrap_or(32))?;
            Some((u32::from(network) ^ u32::from(address)).checked_shr(shift).unwrap_or(0) == 0)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let shift = 128_u32.checked_sub(length.unwrap_or(128))?;
            Some((u128::from(network) ^ u128::from(address)).checked_shr(shift).unwrap_or(0) == 0)
        }
        _ => Some(false),
    }
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
    }

    #[test]
    fn an_ipv4_address_in_its_ipv6_form_is_the_same_address() {
        check("192.0.2.7", "::ffff:192.0.2.7", true);
    }

    #[test]
    fn an_entry_that_does_not_parse_allows_nothing() {
        for entry in ["", "localhost", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/x"] {
            check(entry, "192.0.2.7", false);
            assert!(!is_entry(entry), "{entry}");
        }
        for entry in ["192.0.2.7", "192.0.2.0/24", "::1", "2001:db8::/32"] {
            assert!(is_entry(entry), "{entry}");
        }
    }

    #[test]
    fn an_unknown_address_is_only_allowed_where_any_is() {
        assert!(allows(&[], None));
        assert!(!allows(&["0.0.0.0/0".to_owned()], None));
    }
}
