//! Headers that a user wants sent along with every delivery: checked when they are set, sealed where they are kept.

use std::collections::BTreeMap;

use reqwest::header::{HeaderName, HeaderValue};

/// Headers by name, in lower case.
pub type CustomHeaders = BTreeMap<String, String>;

const MAX_HEADERS: usize = 20;
const MAX_NAME: usize = 100;
const MAX_VALUE: usize = 2000;

/// What decides how the request is read, by whom, and whether it is ours.
const RESERVED: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];

/// As [`RESERVED`], for all that begin like this.
const RESERVED_PREFIXES: &[&str] = &["proxy-", "sec-", "webhook-", "x-forwarded-", "x-webhook-"];

/// Checks headers and brings their names into lower case.
///
/// # Errors
/// A sentence for each that cannot be sent.
pub fn checked(headers: BTreeMap<String, String>) -> Result<CustomHeaders, Vec<String>> {
    let mut problems = Vec::new();
    if headers.len() > MAX_HEADERS {
        problems.push(format!("`customHeaders` must have at most {MAX_HEADERS} members"));
    }
    let mut checked = CustomHeaders::new();
    for (name, value) in headers.into_iter().take(MAX_HEADERS) {
        let lower = name.to_ascii_lowercase();
        let shown: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        let is_reserved = RESERVED.contains(&lower.as_str())
            || RESERVED_PREFIXES.iter().any(|prefix| lower.starts_with(prefix));
        if lower.len() > MAX_NAME || HeaderName::from_bytes(lower.as_bytes()).is_err() {
            problems.push(format!("`customHeaders` has `{shown}`, which is no name of a header"));
        } else if is_reserved {
            problems.push(format!("`customHeaders` has `{shown}`, which is set by the server itself"));
        } else if value.len() > MAX_VALUE || !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            problems.push(format!(
                "`customHeaders.{shown}` must have at most {MAX_VALUE} characters, all of them printable ASCII"
            ));
        } else if checked.insert(lower, value).is_some() {
            problems.push(format!("`customHeaders` has `{shown}` twice"));
        }
    }
    if problems.is_empty() { Ok(checked) } else { Err(problems) }
}

/// The headers as they are sent. What does not parse was not checked by [`checked`], and is left out.
pub(super) fn parsed(headers: &CustomHeaders) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    headers.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> Result<CustomHeaders, Vec<String>> {
        checked(BTreeMap::from([(name.to_owned(), value.to_owned())]))
    }

    #[test]
    fn headers_of_the_receiver_are_kept_in_lower_case() {
        assert_eq!(one("X-Api-Key", "a b~").unwrap(), BTreeMap::from([("x-api-key".into(), "a b~".into())]));
        assert!(one("Authorization", "Bearer x").is_ok());
    }

    #[test]
    fn headers_that_would_change_the_request_are_refused() {
        let reserved = "Host CONTENT-LENGTH content-type Transfer-Encoding X-Webhook-Signature webhook-id \
            Webhook-Signature Proxy-Authorization X-Forwarded-For traceparent Connection";
        for name in reserved.split_whitespace() {
            assert!(one(name, "x").is_err(), "{name}");
        }
    }

    #[test]
    fn headers_cannot_end_their_line() {
        for (name, value) in [("X-A\r\nHost", "x"), ("X A", "x"), ("", "x"), ("X-A:", "x"), ("Ü", "x")] {
            assert!(one(name, value).is_err(), "{name:?}");
        }
        for value in ["x\r\nHost: y", "x\ny", "ü", "\0", &"x".repeat(2001)] {
            assert!(one("X-A", value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_header_in_two_spellings_is_refused() {
        let both = ["X-A", "x-a"].map(|name| (name.to_owned(), "1".to_owned()));
        assert!(checked(BTreeMap::from(both)).is_err());
    }
}
