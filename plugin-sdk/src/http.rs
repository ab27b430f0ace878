//! Requests to servers, for a plugin that names their hosts in `plugin.toml` (`http = { hosts = ["api.example.org"] }`),
//! where the operator grants `http` and allows these hosts.
//!
//! Addresses begin with `https://`. Redirects are not followed, and private addresses are out of reach. Waiting is not
//! processor time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bindings::ocriva::extract::http as host;
use crate::document::Document;
use crate::extractor::Failure;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Where to.
    pub url: String,
    /// Names and values. Those of the connection (`host`, `content-length` …) cannot be set.
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(skip)]
    pub body: Vec<u8>,
}

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(skip)]
    pub body: Vec<u8>,
}

impl Request {
    /// A request that only asks.
    pub fn get(url: &str) -> Self {
        Self { method: "GET".to_owned(), url: url.to_owned(), ..Self::default() }
    }

    /// A request that brings JSON.
    pub fn post_json(url: &str, body: &serde_json::Value) -> Self {
        Self {
            method: "POST".to_owned(),
            url: url.to_owned(),
            headers: BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]),
            body: body.to_string().into_bytes(),
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }
}

impl Response {
    /// An answer of status 200, for tests.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: BTreeMap::new(), body: body.into() }
    }
}

impl Document<'_> {
    /// Sends a request and waits for the answer. In a test, the answer that `Fixture::with_response` gave the address.
    ///
    /// # Errors
    /// `http.denied` for an address that may not be called, `http.bad_request`, `http.too_large`, and (trying again may
    /// help) `http.unreachable` and `http.timeout`; `plugin.denied` beyond the limit `http_requests`.
    pub fn send(&self, request: &Request) -> Result<Response, Failure> {
        if let Some(surroundings) = self.surroundings() {
            return surroundings.responses.get(&request.url).cloned().ok_or_else(|| {
                let message = format!("the fixture has no answer for `{}`", request.url);
                Failure { retryable: true, ..Failure::new("http.unreachable", message) }
            });
        }
        let bad = |error: serde_json::Error| Failure::new("http.bad_request", error.to_string());
        let (answer, body) = host::send(&serde_json::to_string(request).map_err(bad)?, &request.body)?;
        let answer: Response = serde_json::from_str(&answer).map_err(bad)?;
        Ok(Response { body, ..answer })
    }
}
