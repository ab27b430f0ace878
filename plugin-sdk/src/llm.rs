//! The language model that the operator configured, for a plugin that asks for it in `plugin.toml`
//! (`llm = { max_tokens = 4000 }`: tokens of one call on a document, questions and answers together) and is granted it.
//!
//! What a model says is a guess: look for it on the page before you believe it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bindings::ocriva::extract::llm as host;
use crate::document::Document;
use crate::extractor::Failure;

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The one who tells the model what it is to do.
    System,
    /// The one who asks.
    User,
    /// The model.
    Assistant,
}

/// Something that is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// By whom.
    pub role: Role,
    /// What.
    pub content: String,
}

/// A question to the model.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// What was said so far.
    pub messages: Vec<Message>,
    /// Most tokens of the answer; what is left of the plugin's unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// From 0 (always the likeliest word) to 2; the model's own unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// JSON Schema of the answer. The model is told to keep to it, and may not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
}

/// The model's answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// What it says.
    pub content: String,
    /// `stop`, or `length` where it had no tokens left.
    pub finish_reason: Option<String>,
    /// Tokens of the question.
    pub input_tokens: u64,
    /// Tokens of the answer.
    pub output_tokens: u64,
}

impl Question {
    /// Adds what somebody says.
    #[must_use]
    pub fn with(mut self, role: Role, content: impl Into<String>) -> Self {
        self.messages.push(Message { role, content: content.into() });
        self
    }
}

impl Document<'_> {
    /// Asks the model. In a test, the answers that `Fixture::with_completion` gave, one after the other.
    ///
    /// # Errors
    /// `llm.refused`, `llm.bad_answer`, `llm.too_large`, and (trying again may help) `llm.unavailable` and `llm.timeout`;
    /// `plugin.denied` where no tokens are left.
    pub fn complete(&self, question: &Question) -> Result<Answer, Failure> {
        if let Some(surroundings) = self.surroundings() {
            return surroundings
                .completions
                .borrow_mut()
                .pop_front()
                .ok_or_else(|| Failure::new("llm.unavailable", "the fixture has no answer left"));
        }
        let bad = |error: serde_json::Error| Failure::new("llm.bad_answer", error.to_string());
        serde_json::from_str(&host::complete(&serde_json::to_string(question).map_err(bad)?)?).map_err(bad)
    }
}
