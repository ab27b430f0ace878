//! Lists of hosts that may be reached.

/// Hosts by name: `api.example.org` (port 443), `api.example.org:8443`, `*.example.org` for all below, `*` for any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hosts(Vec<Pattern>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    name: String,
    /// The ports 443 and 80 where there is none.
    port: Option<u16>,
}

impl Hosts {
    pub(super) fn new(hosts: &[String]) -> Self {
        let pattern = |host: &String| {
            let (name, port) = match host.rsplit_once(':') {
                Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
                _ => (host.as_str(), None),
            };
            Pattern { name: name.to_ascii_lowercase(), port }
        };
        Self(hosts.iter().map(pattern).collect())
    }

    /// Whether a host may be reached at a port.
    pub(super) fn include(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.0.iter().any(|Pattern { name, port: allowed }| {
            let is_any = name == "*";
            let fits_port = match allowed {
                Some(allowed) => *allowed == port,
                None => is_any || matches!(port, 443 | 80),
            };
            let is_below = |parent: &str| {
                host.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            };
            fits_port && (is_any || *name == host || name.strip_prefix("*.").is_some_and(is_below))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn include(pattern: &str, host: &str, port: u16) -> bool {
        Hosts::new(&[pattern.to_owned()]).include(host, port)
    }

    #[test]
    fn a_host_is_reached_by_its_name_and_port() {
        assert!(include("api.example.org", "API.example.org.", 443));
        assert!(!include("api.example.org", "api.example.org", 8443));
        assert!(include("api.example.org:8443", "api.example.org", 8443));
        assert!(!include("api.example.org", "example.org", 443));
        assert!(!include("api.example.org", "api.example.org.evil.example", 443));
        assert!(include("127.0.0.1:9000", "127.0.0.1", 9000));
    }

    #[test]
    fn a_star_stands_for_what_is_below_a_name_or_for_any() {
        assert!(include("*.example.org", "a.b.example.org", 443));
        assert!(!include("*.example.org", "example.org", 443));
        assert!(!include("*.example.org", "badexample.org", 443));
        assert!(include("*", "example.org", 9000));
        assert!(!Hosts::default().include("example.org", 443));
    }
}
