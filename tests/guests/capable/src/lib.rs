//! A guest that uses every power there is, as the request's `config` says, and answers with what came of it.

use ocriva_plugin_sdk::http;
use ocriva_plugin_sdk::llm::{Question, Role};
use ocriva_plugin_sdk::serde_json::{Value, json};
use ocriva_plugin_sdk::{Description, Document, Extractor, Failure, Output, Warning, register};
use serde::Deserialize;

struct Capable;

#[derive(Deserialize)]
struct Request {
    config: Config,
}

#[derive(Deserialize)]
struct Config {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Now,
    Elapsed,
    Random(usize),
    Get(String),
    Set(String, String),
    /// A value of so many bytes.
    Fill(String, usize),
    Delete(String),
    Keys(String, String, u32),
    Fetch(String),
    Post(String, Value),
    Header(String, String, String),
    Ask(String),
    AskFor(String, Value),
}

impl Extractor for Capable {
    type Request = Request;

    fn describe() -> Description {
        Description::new("capable", "1.0.0", "Uses every power")
    }

    fn extract(document: &Document, request: Request) -> Result<Output, Failure> {
        let said = request.config.steps.into_iter().map(|step| {
            let message = take(document, step).unwrap_or_else(|failure| failure.code);
            Warning { code: "said".to_owned(), message, field: None, page: None }
        });
        Ok(Output { warnings: said.collect(), ..Output::default() })
    }
}

register!(Capable);

fn take(document: &Document, step: Step) -> Result<String, Failure> {
    let values = document.values();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(match step {
        Step::Now => document.now_ms().to_string(),
        Step::Elapsed => document.elapsed_ms().to_string(),
        Step::Random(count) => {
            let bytes = document.random_bytes(count);
            format!("{} {:?}", bytes.len(), bytes.iter().take(8).collect::<Vec<_>>())
        }
        Step::Get(key) => values.get(&key)?.map_or("nothing".to_owned(), text),
        Step::Set(key, value) => values.set(&key, value.as_bytes()).map(|()| "set".to_owned())?,
        Step::Fill(key, size) => values.set(&key, &vec![b'x'; size]).map(|()| "set".to_owned())?,
        Step::Delete(key) => values.delete(&key)?.to_string(),
        Step::Keys(prefix, after, cap) => values.keys(&prefix, &after, cap)?.join(" "),
        Step::Fetch(url) => answer(document, &http::Request::get(&url))?,
        Step::Post(url, body) => answer(document, &http::Request::post_json(&url, &body))?,
        Step::Header(url, name, value) => {
            answer(document, &http::Request::get(&url).with_header(&name, &value))?
        }
        Step::Ask(question) => ask(document, Question::default().with(Role::User, question))?,
        Step::AskFor(question, schema) => ask(
            document,
            Question { schema: Some(schema), ..Question::default() }.with(Role::User, question),
        )?,
    })
}

fn answer(document: &Document, request: &http::Request) -> Result<String, Failure> {
    let response = document.send(request)?;
    Ok(format!("{} {}", response.status, String::from_utf8_lossy(&response.body)))
}

fn ask(document: &Document, question: Question) -> Result<String, Failure> {
    let answer = document.complete(&question)?;
    Ok(json!([answer.content, answer.input_tokens, answer.output_tokens]).to_string())
}

#[cfg(test)]
mod tests {
    use ocriva_plugin_sdk::Fixture;

    use super::*;

    #[test]
    fn a_fixture_stands_for_every_power() {
        let fixture = Fixture::from_text("a page")
            .with_clock(1000.0)
            .with_value("rate", b"1.5")
            .with_response("https://rates.example/", http::Response::ok("2.5"))
            .with_completion("{}");
        let steps = json!([
            "now", "elapsed", { "random": 2 }, { "get": "rate" }, { "set": ["new", "1"] }, { "keys": ["", "", 9] },
            { "delete": "rate" }, { "get": "rate" }, { "fetch": "https://rates.example/" },
            { "fetch": "https://other.example/" }, { "ask": "?" }, { "ask": "?" }
        ]);
        let output = fixture.extract::<Capable>(json!({ "config": { "steps": steps } })).unwrap();
        let said: Vec<&str> = output.warnings.iter().map(|warning| warning.message.as_str()).collect();
        assert_eq!(
            said,
            [
                "1000",
                "0",
                "2 [0, 1]",
                "1.5",
                "set",
                "new rate",
                "true",
                "nothing",
                "200 2.5",
                "http.unreachable",
                "[\"{}\",0,0]",
                "llm.unavailable"
            ]
        );
    }
}
