//! The import `http`: requests to hosts that the manifest names and the operator allows.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::bindings::ocriva::extract::{http, types};
use super::super::imports::{CallState, failure};
use super::super::journal::cut;
use super::{beyond, passing};
use crate::outbound::{Error, Incoming, Outgoing};

/// A plugin's request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    #[serde(default = "get")]
    method: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

fn get() -> String {
    "GET".to_owned()
}

#[derive(Serialize)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
}

type Answered = Result<(String, Vec<u8>), types::Failure>;

impl http::Host for CallState {
    async fn send(&mut self, request: String, body: Vec<u8>) -> wasmtime::Result<Answered> {
        self.budget.host_call()?;
        if !self.budget.http_request() {
            let allowed = self.budget.limits().http_requests;
            return Ok(Err(beyond(allowed, "requests to other servers", "http_requests")));
        }
        let outgoing = match self.permitted(&request, body) {
            Ok(outgoing) => outgoing,
            Err(failure) => return Ok(Err(failure)),
        };
        let services = Arc::clone(&self.services);
        let Some(web) = &services.web else {
            return Ok(Err(failure("http.denied", "no host may be reached".to_owned())));
        };
        Ok(match web.send(outgoing).await {
            Ok(answer) => told(answer),
            Err(error) => Err(refused(&error)),
        })
    }
}

impl CallState {
    fn permitted(&self, request: &str, body: Vec<u8>) -> Result<Outgoing, types::Failure> {
        let bad = |message: String| failure("http.bad_request", message);
        let Request { method, url, headers } =
            serde_json::from_str(request).map_err(|error| bad(format!("request does not fit: {error}")))?;
        let (scheme, host, port) = crate::outbound::address(&url)
            .ok_or_else(|| bad(format!("`{}` is not an address", cut(&url, 200))))?;
        if scheme != "https" && !self.services.allows_unencrypted {
            return Err(failure("http.denied", "only addresses with `https://` may be called".to_owned()));
        }
        if !self.powers.reach(&host, port) {
            let message = format!(
                "the host `{}` at port {port} is not among those that the manifest asks for and the operator allows \
                 (setting `plugins.http.hosts`)",
                cut(&host, 200)
            );
            return Err(failure("http.denied", message));
        }
        Ok(Outgoing { method, url, headers: headers.into_iter().collect(), body })
    }
}

fn told(Incoming { status, headers, body }: Incoming) -> Answered {
    let answer = Answer { status, headers: headers.into_iter().collect() };
    let json = serde_json::to_string(&answer)
        .map_err(|error| failure("http.bad_answer", format!("the answer cannot be told: {error}")))?;
    Ok((json, body))
}

fn refused(error: &Error) -> types::Failure {
    let message = error.to_string();
    match error {
        Error::Refused(_) => failure("http.denied", message),
        Error::BadRequest(_) => failure("http.bad_request", message),
        Error::TooLarge(_) => failure("http.too_large", message),
        Error::Unreachable(_) => passing("http.unreachable", message),
        Error::TimedOut(_) => passing("http.timeout", message),
    }
}
