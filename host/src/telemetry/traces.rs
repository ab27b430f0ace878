//! Traces: which part of the work on a document took how long, across processes, sent to an OpenTelemetry collector.
//!
//! The spans are those of the log. Where one trace goes on in another process, or at another time, its W3C trace context
//! (`traceparent`) is carried along: by a request, by a run in the queue, by an event.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, SpanData};
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Name of the header, and of the member of a carried context.
pub const TRACEPARENT: &str = "traceparent";

/// How long the collector may take for one batch of spans.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be sent to `{endpoint}` (setting `telemetry.otlp_endpoint`)")]
pub struct StartError {
    endpoint: String,
    source: opentelemetry_otlp::ExporterBuildError,
}

/// Sends the spans of this process to the collector at `endpoint`, such as `http://collector:4318`, by OTLP over HTTP.
/// `share`, from 0 to 1, of the traces that begin here are sent, and all that others have begun and send.
///
/// # Errors
/// The endpoint is no address.
pub(super) fn provider(endpoint: &str, share: f64) -> Result<SdkTracerProvider, StartError> {
    let address = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(address)
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|source| StartError { endpoint: endpoint.to_owned(), source })?;
    let resource = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", "ocriva"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ])
        .build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(OnRuntime { exporter: Arc::new(exporter), runtime: Handle::current() })
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share))))
        .with_resource(resource)
        .build())
}

/// The part of `provider` that makes spans.
pub(super) fn tracer(provider: &SdkTracerProvider) -> SdkTracer {
    provider.tracer("ocriva")
}

/// The W3C trace context of what is being done, to be carried along; `None` where nothing is traced.
pub fn current() -> Option<String> {
    let context = Span::current().context();
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(TRACEPARENT).filter(|_| context.span().span_context().is_valid())
}

/// Makes a span, which must not have been entered yet, part of the trace whose W3C trace context was carried here. One
/// that does not parse begins a trace of its own.
pub fn continue_from(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent else { return };
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    // Refused where nothing is traced; then there is nothing to continue either.
    let _ = span.set_parent(context);
}

/// Exports on the runtime: the library calls from a thread of its own, on which the HTTP client cannot work.
#[derive(Debug)]
struct OnRuntime {
    exporter: Arc<SpanExporter>,
    runtime: Handle,
}

impl opentelemetry_sdk::trace::SpanExporter for OnRuntime {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exporter = Arc::clone(&self.exporter);
        let exported = self.runtime.spawn(async move { exporter.export(batch).await });
        exported.await.map_err(|error| OTelSdkError::InternalFailure(error.to_string()))?
    }

    fn set_resource(&mut self, resource: &Resource) {
        // Called once, before the first export: nobody else has the exporter yet.
        if let Some(exporter) = Arc::get_mut(&mut self.exporter) {
            exporter.set_resource(resource);
        }
    }
}
