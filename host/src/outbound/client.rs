//! One request and its answer. Redirects are not followed and no proxy is used: either would lead past the guard.

use std::error::Error as StdError;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;

use super::guard::{Guard, Refusal};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// How long an idle connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(30);

/// Most headers of a request.
const HEADERS: usize = 64;

/// Headers that belong to the connection and not to the one who asks.
const OURS: [&str; 8] =
    ["connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// The client cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("requests cannot be sent: TLS cannot be set up")]
pub struct StartError(#[source] reqwest::Error);

/// What is sent.
#[derive(Debug, Clone, Default)]
pub struct Outgoing {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Where to.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values that are text.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The address may not be called.
    #[error("the address {0}")]
    Refused(Refusal),
    /// The request is none.
    #[error("{0}")]
    BadRequest(String),
    /// The server cannot be reached, or breaks off.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The answer took too long.
    #[error("the answer took more than {0} seconds")]
    TimedOut(u64),
    /// The answer is too large.
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
}

/// A client that gets past the guard by no name, redirect or proxy, and whose answers take at most `timeout`.
///
/// # Errors
/// TLS cannot be set up on this machine.
pub fn guarded(guard: &Guard, timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .dns_resolver(guard.clone())
        .connect_timeout(CONNECT.min(timeout))
        .timeout(timeout)
        .pool_idle_timeout(IDLE)
        .build()
}

/// Sends requests. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    guard: Guard,
    timeout: Duration,
    most_bytes: usize,
}

impl Client {
    /// Sets up a client whose answers take at most `timeout` and `most_bytes`.
    ///
    /// # Errors
    /// TLS cannot be set up on this machine.
    pub fn new(guard: Guard, timeout: Duration, most_bytes: usize) -> Result<Self, StartError> {
        let http = guarded(&guard, timeout).map_err(StartError)?;
        Ok(Self { http, guard, timeout, most_bytes })
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn send(&self, outgoing: Outgoing) -> Result<Incoming, Error> {
        let Outgoing { method, url, headers, body } = outgoing;
        let bad = |what: &str| Error::BadRequest(what.to_owned());
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| bad("the method is none"))?;
        // Connections to numbers are made without the resolver.
        let url = self.guard.check_url(&url).map_err(Error::Refused)?;
        let request = self.http.request(method, url).headers(parsed(&headers)?).body(body);
        let mut response = request.send().await.map_err(|error| self.failed(&error))?;
        let status = response.status().as_u16();
        let told = |(name, value): (&HeaderName, &HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let headers = response.headers().iter().filter_map(told).collect();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(&error))? {
            if body.len() + chunk.len() > self.most_bytes {
                return Err(Error::TooLarge(self.most_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Incoming { status, headers, body })
    }

    fn failed(&self, error: &reqwest::Error) -> Error {
        if error.is_timeout() {
            return Error::TimedOut(self.timeout.as_secs());
        }
        let mut cause: Option<&dyn StdError> = Some(error);
        let mut reason = error.to_string();
        while let Some(source) = cause {
            if let Some(refusal) = source.downcast_ref::<Refusal>() {
                return Error::Refused(refusal.clone());
            }
            reason = source.to_string();
            cause = source.source();
        }
        Error::Unreachable(reason)
    }
}

fn parsed(headers: &[(String, String)]) -> Result<HeaderMap, Error> {
    if headers.len() > HEADERS {
        return Err(Error::BadRequest(format!("it has {} headers, the limit is {HEADERS}", headers.len())));
    }
    let mut parsed = HeaderMap::new();
    for (name, value) in headers {
        let shown: String = name.chars().take(64).collect();
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Error::BadRequest(format!("`{shown}` is not the name of a header")))?;
        if OURS.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
            return Err(Error::BadRequest(format!("the header `{name}` cannot be set")));
        }
        let value = HeaderValue::from_str(value)
            .map_err(|_| Error::BadRequest(format!("the value of the header `{name}` is none")))?;
        parsed.append(name, value);
    }
    Ok(parsed)
}
