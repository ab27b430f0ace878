//! The glue between a component's exports and an [`Extractor`]; called by [`register!`](crate::register).

use crate::bindings::ocriva::extract::{document, types};
use crate::document::Document;
use crate::extractor::{Extractor, Failure};

/// Exports an [`Extractor`] from this crate's component. Does nothing where the crate is built natively.
///
/// ```
/// use ocriva_plugin_sdk::{Description, Document, Extractor, Failure, Output, Request, register};
///
/// struct Nothing;
///
/// impl Extractor for Nothing {
///     type Request = Request;
///
///     fn describe() -> Description {
///         Description::new("nothing", "1.0.0", "Finds nothing")
///     }
///
///     fn extract(_document: &Document, _request: Request) -> Result<Output, Failure> {
///         Ok(Output::default())
///     }
/// }
///
/// register!(Nothing);
/// ```
#[macro_export]
macro_rules! register {
    ($extractor:ty) => {
        // Natively nothing calls the extractor but its tests; this tells the compiler that it is in use.
        #[cfg(not(target_family = "wasm"))]
        const _: fn() -> $crate::Description = <$extractor as $crate::Extractor>::describe;

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Component;

            impl $crate::bindings::exports::ocriva::extract::extractor::Guest for Component {
                fn describe() -> ::std::string::String {
                    $crate::guest::describe::<$extractor>()
                }

                fn extract(
                    input: &$crate::bindings::ocriva::extract::document::Doc,
                    request: ::std::string::String,
                ) -> ::std::result::Result<
                    ::std::string::String,
                    $crate::bindings::ocriva::extract::types::Failure,
                > {
                    $crate::guest::extract::<$extractor>(input, &request)
                }
            }

    $crate::bindings::export!(Component with_types_in $crate::bindings);
        };
    };
}

/// `describe` of the component.
pub fn describe<E: Extractor>() -> String {
    report_panics();
    serde_json::to_string(&E::describe()).unwrap_or_default()
}

/// `extract` of the component.
///
/// # Errors
/// A request that does not fit the extractor's type, or the extractor's own failure.
pub fn extract<E: Extractor>(input: &document::Doc, request: &str) -> Result<String, types::Failure> {
    report_panics();
    let answer = serde_json::from_str(request)
        .map_err(|error| Failure::new("bad_request", format!("request does not fit: {error}")))
        .and_then(|request| E::extract(&Document::from_host(input), request))
        .and_then(|output| {
            serde_json::to_string(&output).map_err(|error| Failure::new("bad_output", error.to_string()))
        });
    answer.map_err(|Failure { code, message, retryable }| types::Failure { code, message, retryable })
}

impl From<types::Failure> for Failure {
    fn from(types::Failure { code, message, retryable }: types::Failure) -> Self {
        Self { code, message, retryable }
    }
}

/// A panic ends the component with a trap that says nothing: its message is logged before.
fn report_panics() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| crate::log::write(5, &panic.to_string())));
}
