//! `Prefer: wait=SECONDS` (RFC 7240): holds an answer until documents are finished.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::Context;
use super::watch::Subject;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Longest wait, in seconds; a longer one is cut.
const MAX_SECONDS: u64 = 60;

/// A wait that was asked for and granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waited {
    seconds: u64,
}

/// Waits until all documents of the subject are finished, if the request prefers that, and for no longer than it
/// says. `None` where it does not, or where too many clients wait already: then the preference is not honoured. A
/// server that stops lets go of all who wait.
pub async fn until_finished(context: &Context, headers: &HeaderMap, subject: Subject) -> Option<Waited> {
    let seconds = preferred_seconds(headers)?;
    let mut watch = context.watcher.watch(subject)?;
    let finished = async {
        // A database that does not answer is the next statement's to tell.
        while let Ok(states) = watch.next().await {
            if states.iter().all(|state| state.status.is_final()) {
                break;
            }
        }
    };
    tokio::select! {
        () = finished => {}
        () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
        () = context.draining.cancelled() => {}
    }
    Some(Waited { seconds })
}

impl Waited {
    /// Says in an answer that the preference was honoured.
    pub fn tell(self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::try_from(format!("wait={}", self.seconds)) {
            headers.insert(PREFERENCE_APPLIED, value);
        }
    }
}

/// The seconds of the first `wait` among the preferences. One that makes no sense is passed over, as the RFC has it.
fn preferred_seconds(headers: &HeaderMap) -> Option<u64> {
    headers
        .get_all(PREFER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|preference| preference.split(';').next()?.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
        .and_then(|(_, seconds)| seconds.trim().trim_matches('"').parse::<u64>().ok())
        .filter(|seconds| *seconds > 0)
        .map(|seconds| seconds.min(MAX_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_found_among_other_preferences_and_cut_at_a_minute() {
        let seconds = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(PREFER, HeaderValue::from_static(value));
            }
            preferred_seconds(&headers)
        };
        assert_eq!(seconds(&["wait=10"]), Some(10));
        assert_eq!(seconds(&["respond-async, Wait = \"7\"; a=b"]), Some(7));
        assert_eq!(seconds(&["handling=lenient", "wait=5, wait=9"]), Some(5));
        assert_eq!(seconds(&["wait=3600"]), Some(60));
        for nothing in ["", "wait", "wait=", "wait=soon", "wait=-1", "wait=0", "await=5"] {
            assert_eq!(seconds(&[nothing]), None, "{nothing}");
        }
    }
}
