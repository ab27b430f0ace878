//! Which addresses the program may call on behalf of its users: public ones, and those that the operator allows.
//!
//! A name is judged by the addresses it resolves to, at the moment of the connection, which then goes to one of the
//! addresses that were judged: a name that resolves to something else a moment later gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::domain::network;

/// Longest address.
const MAX_URL: usize = 2000;

/// How long the check of an address waits for the name's addresses.
const LOOK_UP: Duration = Duration::from_secs(3);

/// What no public service has: (network, length of its prefix).
const RESERVED_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Carrier-grade NAT, where some clouds keep their metadata.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local, with the metadata of most clouds.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    // Azure's platform address, public by number and reachable from inside only.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// Parts of the public IPv6 range 2000::/3 that no public service has, or that lead to an IPv4 address.
const RESERVED_V6: &[(Ipv6Addr, u32)] = &[
    // Protocol assignments, with Teredo.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Why an address cannot be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no address of a web server.
    #[error(
        "is not an address that begins with `http://` or `https://`, has a host and at most {MAX_URL} characters"
    )]
    Malformed,
    /// It holds a name and password.
    #[error("has a user name or password in it; use a custom header instead")]
    Credentials,
    /// All that its host stands for is private.
    #[error(
        "leads to `{address}`, which is a private, local or reserved address; the operator can allow it (`{setting}`)"
    )]
    Private {
        /// Where it leads.
        address: IpAddr,
        /// The setting that allows networks.
        setting: &'static str,
    },
}

/// Decides which addresses may be called. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Guard {
    allows_all: bool,
    allowed_networks: Arc<[String]>,
    /// The setting that these networks come from.
    setting: &'static str,
}

impl Guard {
    /// Permits public addresses, and those of these networks, which are the value of `setting`.
    pub fn new(allowed_networks: &[String], setting: &'static str) -> Self {
        Self { allows_all: false, allowed_networks: allowed_networks.into(), setting }
    }

    /// Permits every address.
    pub fn open() -> Self {
        Self { allows_all: true, allowed_networks: Arc::new([]), setting: "" }
    }

    fn private(&self, address: IpAddr) -> Refusal {
        Refusal::Private { address, setting: self.setting }
    }

    /// Reads an address. Where its host is a number, in whatever spelling, it is judged at once.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn check_url(&self, text: &str) -> Result<Url, Refusal> {
        let url = Url::parse(text).map_err(|_| Refusal::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") || text.len() > MAX_URL {
            return Err(Refusal::Malformed);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        match literal(&url).ok_or(Refusal::Malformed)? {
            Some(address) if !self.permits(address) => Err(self.private(address)),
            _ => Ok(url),
        }
    }

    /// Reads an address and looks its host up. A host that cannot be found now may be there later.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn check(&self, text: &str) -> Result<Url, Refusal> {
        let url = self.check_url(text)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let found = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((host, 0))).await;
        let Ok(Ok(found)) = found else { return Ok(url) };
        let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        match addresses.first() {
            Some(first) if !addresses.iter().any(|address| self.permits(*address)) => {
                Err(self.private(*first))
            }
            _ => Ok(url),
        }
    }

    /// Whether an address may be called.
    pub fn permits(&self, address: IpAddr) -> bool {
        self.allows_all
            || is_public(address)
            || (!self.allowed_networks.is_empty() && network::allows(&self.allowed_networks, Some(address)))
    }
}

impl Resolve for Guard {
    /// The addresses of a name that may be called.
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let permitted: Vec<SocketAddr> =
                found.iter().copied().filter(|address| guard.permits(address.ip())).collect();
            match (permitted.is_empty(), found.first()) {
                (true, Some(refused)) => Err(guard.private(refused.ip()).into()),
                _ => Ok(Box::new(permitted.into_iter()) as Addrs),
            }
        })
    }
}

/// Scheme, host and port of an address, as a client would read it; `None` for what is none.
pub fn address(text: &str) -> Option<(String, String, u16)> {
    let url = Url::parse(text).ok()?;
    let port = url.port_or_known_default()?;
    Some((url.scheme().to_owned(), url.host_str()?.to_owned(), port))
}

/// The address a URL's host is, where it is one and no name; `None` without a host.
fn literal(url: &Url) -> Option<Option<IpAddr>> {
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Some(host.parse().ok())
}

/// Whether an address belongs to the public internet.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !RESERVED_V4.iter().any(|(network, length)| {
            let shift = 32 - length;
            (u32::from(*network) ^ u32::from(address)) >> shift == 0
        }),
        IpAddr::V6(address) => match address.segments() {
            // NAT64 stands for the IPv4 address in its last bits.
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                is_public(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)).into())
            }
            [first, ..] if first & 0xe000 != 0x2000 => false,
            _ => !RESERVED_V6.iter().any(|(network, length)| {
                let shift = 128 - length;
                (u128::from(*network) ^ u128::from(address)) >> shift == 0
            }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(networks: &[&str]) -> Guard {
        let networks: Vec<String> = networks.iter().map(|network| (*network).to_owned()).collect();
        Guard::new(&networks, "webhooks.allowed_networks")
    }

    #[test]
    fn reserved_addresses_are_refused() {
        let refused = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 \
            169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.168.1.1 198.18.0.1 224.0.0.1 239.1.1.1 \
            240.0.0.1 255.255.255.255 168.63.129.16 :: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 fe80::1 \
            fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 2001:0:1::1 2002:7f00:1::1 64:ff9b::7f00:1 100::1";
        for address in refused.split_whitespace() {
            assert!(!guard(&[]).permits(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_permitted() {
        let permitted = "1.1.1.1 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 172.15.255.255 172.32.0.1 \
            192.167.255.255 223.255.255.255 2606:4700::1111 2a00:1450::1 ::ffff:1.1.1.1 64:ff9b::101:101";
        for address in permitted.split_whitespace() {
            assert!(guard(&[]).permits(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn numbers_are_judged_in_every_spelling() {
        let spellings = "http://127.0.0.1/ http://2130706433/ http://0177.0.0.1/ http://0x7f000001/ http://127.1/ \
            http://0/ http://[::1]:8080/ http://[::ffff:7f00:1]/ http://[::ffff:127.0.0.1]/ \
            http://169.254.169.254/latest/ https://10.1.2.3:8443/hook http://1\u{ff12}7.0.0.1/";
        for spelling in spellings.split_whitespace() {
            let refused = guard(&[]).check_url(spelling);
            assert!(matches!(refused, Err(Refusal::Private { .. })), "{spelling}: {refused:?}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_web_server_is_refused() {
        for text in ["", "example.org", "ftp://example.org", "file:///etc/passwd", "http://"] {
            let refused = guard(&[]).check_url(text);
            assert!(refused.is_err(), "{text}: {refused:?}");
        }
        let long = format!("https://example.org/{}", "x".repeat(2000));
        assert_eq!(guard(&[]).check_url(&long), Err(Refusal::Malformed));
        assert_eq!(guard(&[]).check_url("https://me:word@example.org/"), Err(Refusal::Credentials));
        assert!(guard(&[]).check_url("https://example.org:8443/hook?a=b").is_ok());
    }

    #[test]
    fn the_operator_can_allow_networks() {
        let some = guard(&["10.1.0.0/16"]);
        assert!(some.permits("10.1.2.3".parse().unwrap()));
        assert!(!some.permits("10.2.0.1".parse().unwrap()));
        assert!(Guard::open().permits("127.0.0.1".parse().unwrap()));
    }

    #[tokio::test]
    async fn a_name_is_judged_by_its_addresses() {
        let refused = guard(&[]).check("http://localhost:1/").await;
        assert!(
            matches!(refused, Err(Refusal::Private { address, .. }) if address.is_loopback()),
            "{refused:?}"
        );
        assert!(Guard::open().check("http://localhost:1/").await.is_ok());
    }
}
