//! What the program tells of itself: log lines, metrics, traces. Never document content, tokens or bodies.

use std::io::IsTerminal as _;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{self, Log, LogFormat};

pub mod metrics;
pub mod traces;

/// What has to be ended before the process does, so that nothing of it is lost.
#[must_use]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

/// Sends log lines of this process to standard error, and its spans to a collector where there is one, as the settings
/// say. Has to be called on the runtime where there is a collector.
///
/// # Errors
/// A filter or an address that cannot be parsed, or a process that has set up its logs already.
pub fn start(log: &Log, settings: &config::Telemetry) -> Result<Telemetry, Error> {
    let traces = match settings.otlp_endpoint.as_str() {
        "" => None,
        endpoint => Some(traces::provider(endpoint, settings.trace_share)?),
    };
    let spans = traces.as_ref().map(|provider| {
        let layer = tracing_opentelemetry::layer().with_tracer(traces::tracer(provider));
        layer.with_location(false).with_threads(false).with_tracked_inactivity(false)
    });
    let filter = EnvFilter::try_new(&log.filter)
        .map_err(|source| Error::Filter { filter: log.filter.clone(), source })?;
    let is_terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(is_terminal);
    let registry = tracing_subscriber::registry().with(filter).with(spans);
    match log.format {
        LogFormat::Text => registry.with(lines.with_target(false)).try_init(),
        LogFormat::Json => registry.with(lines.json()).try_init(),
    }
    .map_err(Error::Started)?;
    Ok(Telemetry { traces })
}

impl Telemetry {
    /// Sends what has not been sent yet.
    pub async fn stop(self) {
        let Some(traces) = self.traces else { return };
        match tokio::task::spawn_blocking(move || traces.shutdown()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans could not be sent"),
            Err(error) => tracing::warn!(%error, "the last spans could not be sent"),
        }
    }
}

/// An error with all its causes, for a log line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Why logging could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter does not parse.
    #[error("setting `log.filter` is `{filter}`, expected a level or module=level pairs")]
    Filter {
        /// As given.
        filter: String,
        /// Why.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Traces cannot be sent.
    #[error(transparent)]
    Traces(#[from] traces::StartError),
    /// There is a subscriber already.
    #[error("logging was started twice")]
    Started(#[source] tracing_subscriber::util::TryInitError),
}
