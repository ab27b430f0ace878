//! What a plugin author implements, and what it is asked and may answer.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::document::Document;
use crate::output::Output;

/// Turns one document into named fields.
pub trait Extractor {
    /// What the host asks; [`Request`] unless a plugin wants its own type for the settings in `config`. Parsed
    /// from the request's JSON; a request that does not fit fails the call with the code `bad_request`.
    type Request: DeserializeOwned;

    /// Says who this plugin is. Called once when it is loaded, without a document.
    fn describe() -> Description;

    /// Extracts. A field that is not in the document has the value null: never invent one.
    ///
    /// # Errors
    /// Whatever keeps the plugin from answering: usually a page that could not be read, passed on by `?`.
    fn extract(document: &Document, request: Self::Request) -> Result<Output, Failure>;
}

/// What the host asks of an extractor.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Request {
    /// The template's JSON Schema: an object whose properties are the fields to find. `None` where the document
    /// has no template.
    pub schema: Option<Value>,
    /// The template's instructions, in prose.
    pub instructions: Option<String>,
    /// The template's settings for this extractor.
    pub config: Map<String, Value>,
    /// The file's name, as the uploader gave it; untrusted.
    pub file_name: String,
    /// The file's media type, from its content.
    pub media_type: String,
    /// The day of the call, `YYYY-MM-DD`; the only time a plugin is told.
    pub today: String,
}

/// Who a plugin is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// Its name: lower case letters, digits and `-`, starting with a letter, at most 64.
    pub name: String,
    /// Its version, such as `1.2.0`.
    pub version: String,
    /// What it does, in a sentence.
    pub description: String,
    /// JSON Schema of `config` in the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<Value>,
    /// JSON Schema of the fields' values, where they do not depend on the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
}

impl Description {
    /// Describes a plugin without settings, whose fields depend on the template.
    pub fn new(name: &str, version: &str, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            description: description.to_owned(),
            config_schema: None,
            output_schema: None,
        }
    }

    /// Adds the JSON Schema of the settings.
    #[must_use]
    pub fn with_config_schema(mut self, schema: Value) -> Self {
        self.config_schema = Some(schema);
        self
    }

    /// Adds the JSON Schema of the fields' values.
    #[must_use]
    pub fn with_output_schema(mut self, schema: Value) -> Self {
        self.output_schema = Some(schema);
        self
    }
}

/// Why an extractor, or the host on its behalf, could not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// A stable word, such as `no_total`; those of the host have a prefix, such as `decode.damaged`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}

impl Failure {
    /// A failure that will happen again.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), retryable: false }
    }
}
