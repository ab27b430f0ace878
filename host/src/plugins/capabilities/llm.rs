//! The import `llm`: the language model that the operator configured, by OpenAI's chat completions.
//!
//! Where the model is and what opens it stays here: plugins see neither the address, nor the secret, nor what an error's
//! body says.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::bindings::ocriva::extract::{llm, types};
use super::super::imports::{CallState, failure};
use super::{beyond, passing};
use crate::config;
use crate::outbound::{Client, Error, Guard, Outgoing, StartError};

/// Bytes of a question for each of its tokens, to guess them by before it is asked.
const BYTES_OF_A_TOKEN: u64 = 4;

/// The model.
pub(crate) struct Model {
    client: Client,
    address: String,
    name: String,
    api_key: String,
}

/// A plugin's question.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Question {
    messages: Vec<Message>,
    max_tokens: Option<u64>,
    temperature: Option<f64>,
    schema: Option<Value>,
}

#[derive(Serialize, Deserialize)]
struct Message {
    role: Role,
    content: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    System,
    User,
    Assistant,
}

/// The model's answer, as far as it is of interest.
#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    usage: Option<TokenUse>,
}

#[derive(Deserialize)]
struct Choice {
    message: Content,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    content: Option<String>,
}

/// What an endpoint counts, where it does.
#[derive(Deserialize, Clone, Copy, Default)]
struct TokenUse {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    content: String,
    finish_reason: Option<String>,
    input_tokens: u64,
    output_tokens: u64,
}

impl Model {
    /// `None` where the operator configured none.
    pub(super) fn new(settings: &config::PluginLlm) -> Result<Option<Self>, StartError> {
        if settings.base_url.is_empty() {
            return Ok(None);
        }
        let most = usize::try_from(settings.max_response_kib.saturating_mul(1 << 10)).unwrap_or(usize::MAX);
        // The operator chose the address: it is often a private one.
        let client = Client::new(Guard::open(), Duration::from_secs(settings.timeout_seconds), most)?;
        Ok(Some(Self {
            client,
            address: format!("{}/chat/completions", settings.base_url.trim_end_matches('/')),
            name: settings.model.clone(),
            api_key: settings.api_key.clone(),
        }))
    }

    async fn ask(&self, question: &Question, max_tokens: u64) -> Result<Completion, types::Failure> {
        let mut body = json!({
            "model": self.name,
            "messages": question.messages,
            "max_tokens": max_tokens,
            "stream": false,
        });
        if let Some(temperature) = question.temperature {
            body["temperature"] = temperature.into();
        }
        if let Some(schema) = &question.schema {
            body["response_format"] = json!({
                "type": "json_schema",
                "json_schema": { "name": "answer", "schema": schema, "strict": true },
            });
        }
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if !self.api_key.is_empty() {
            headers.push(("authorization".to_owned(), format!("Bearer {}", self.api_key)));
        }
        let outgoing = Outgoing {
            method: "POST".to_owned(),
            url: self.address.clone(),
            headers,
            body: body.to_string().into_bytes(),
        };
        let answer = self.client.send(outgoing).await.map_err(|error| unanswered(&error))?;
        match answer.status {
            200..300 => serde_json::from_slice(&answer.body).map_err(|_| {
                failure("llm.bad_answer", "the model's answer is not a chat completion".to_owned())
            }),
            status @ (408 | 429 | 500..) => {
                Err(passing("llm.unavailable", format!("the model answers with the status {status}")))
            }
            status => Err(failure("llm.refused", format!("the model answers with the status {status}"))),
        }
    }
}

impl llm::Host for CallState {
    async fn complete(&mut self, request: String) -> wasmtime::Result<Result<String, types::Failure>> {
        self.budget.host_call()?;
        match self.complete_within_budget(&request).await {
            Ok(answer) => Ok(Ok(serde_json::to_string(&answer)?)),
            Err(failure) => Ok(Err(failure)),
        }
    }
}

impl CallState {
    async fn complete_within_budget(&mut self, request: &str) -> Result<Answer, types::Failure> {
        let services = Arc::clone(&self.services);
        let model = services.model.as_ref().ok_or_else(|| {
            failure("llm.unavailable", "no language model is configured (settings `plugins.llm`)".to_owned())
        })?;
        let question: Question = serde_json::from_str(request)
            .map_err(|error| failure("llm.bad_request", format!("request does not fit: {error}")))?;
        let allowed = self.powers.llm_tokens;
        let left = allowed.saturating_sub(self.budget.llm_tokens());
        let guess = request.len() as u64 / BYTES_OF_A_TOKEN;
        if guess >= left {
            return Err(beyond(allowed, "tokens of the language model", "capabilities.llm.max_tokens"));
        }
        let for_answer = left - guess;
        let max_tokens = question.max_tokens.map_or(for_answer, |asked| asked.clamp(1, for_answer));
        let completion = model.ask(&question, max_tokens).await?;
        let first = completion.choices.into_iter().next();
        let Some(Choice { message: Content { content: Some(content) }, finish_reason }) = first else {
            return Err(failure("llm.bad_answer", "the model's answer is empty".to_owned()));
        };
        let TokenUse { prompt_tokens, completion_tokens } = completion.usage.unwrap_or_default();
        let guessed_output = content.len() as u64 / BYTES_OF_A_TOKEN;
        let (input_tokens, output_tokens) =
            (prompt_tokens.unwrap_or(guess), completion_tokens.unwrap_or(guessed_output));
        let estimated = if prompt_tokens.is_none() { input_tokens } else { 0 }
            + if completion_tokens.is_none() { output_tokens } else { 0 };
        self.budget.llm_tokens_used(input_tokens.saturating_add(output_tokens), estimated);
        Ok(Answer { content, finish_reason, input_tokens, output_tokens })
    }
}

/// The message names no address: where the model is, is the operator's business.
fn unanswered(error: &Error) -> types::Failure {
    tracing::warn!(%error, "the language model does not answer");
    match error {
        Error::TimedOut(_) => passing("llm.timeout", error.to_string()),
        Error::TooLarge(_) => failure("llm.too_large", error.to_string()),
        Error::Refused(_) | Error::BadRequest(_) | Error::Unreachable(_) => {
            passing("llm.unavailable", "the model cannot be reached".to_owned())
        }
    }
}
