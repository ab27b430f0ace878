//! What a template can set.

use ocriva_plugin_sdk::serde_json::{Map, Value, json};
use ocriva_plugin_sdk::{Failure, completion};
use serde::Deserialize;

/// Tokens of the pages, about: some six pages of an invoice.
const INPUT_TOKENS: usize = 6000;

/// Tokens of an answer. Asked twice, question and answer stay below what operators allow by default.
const ANSWER_TOKENS: u64 = 2000;

/// The settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// What the model is told beside the template's instructions.
    pub instructions: String,
    /// From 0 (always the likeliest word) to 2.
    pub temperature: f64,
    /// Most tokens of an answer.
    pub max_tokens: u64,
    /// Most tokens of the pages, by estimate.
    pub max_input_tokens: usize,
    /// What becomes of a value that is not on the pages.
    pub ungrounded: Ungrounded,
}

/// What becomes of a value that is not on the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ungrounded {
    /// It stays, without a place and with little confidence.
    #[default]
    Keep,
    /// It is left out.
    Drop,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            instructions: String::new(),
            temperature: 0.0,
            max_tokens: ANSWER_TOKENS,
            max_input_tokens: INPUT_TOKENS,
            ungrounded: Ungrounded::Keep,
        }
    }
}

impl Settings {
    /// Reads the settings of a request.
    ///
    /// # Errors
    /// `bad_config` where they do not fit.
    pub fn read(config: &Map<String, Value>) -> Result<Self, Failure> {
        Deserialize::deserialize(Value::Object(config.clone()))
            .map_err(|error| Failure::new("bad_config", format!("settings do not fit: {error}")))
    }

    /// Their JSON Schema.
    pub fn schema() -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "instructions": {
                    "type": "string",
                    "maxLength": 4000,
                    "description": "What the model is told beside the template's instructions.",
                },
                "temperature": {
                    "type": "number",
                    "minimum": 0,
                    "maximum": 2,
                    "description": "0 for the likeliest answer each time, which it is unless set.",
                },
                "maxTokens": {
                    "type": "integer",
                    "minimum": 50,
                    "maximum": 50000,
                    "description": "Most tokens of an answer; 2000 unless set.",
                },
                "maxInputTokens": {
                    "type": "integer",
                    "minimum": 200,
                    "maximum": 100_000,
                    "description": "Most tokens of the pages that the model is shown, by estimate; 6000 unless set.",
                },
                "ungrounded": {
                    "enum": ["keep", "drop"],
                    "description": "What becomes of a value that is not on the pages; it is kept unless set.",
                },
                "lookups": completion::lookups_schema(),
            },
        })
    }
}
