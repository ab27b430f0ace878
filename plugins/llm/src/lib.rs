//! The plugin `llm`: asks the operator's language model for what the template's schema asks for, and believes what it
//! finds on the pages.
//!
//! An answer is a guess. Each value of it is looked for among the words: one that stands there has their place and a
//! confidence that follows from them; one that does not has no place, little confidence and a warning.

mod answer;
mod excerpt;
mod fields;
mod layout;
mod places;
mod question;
mod settings;
#[cfg(test)]
mod tests;
mod words;

use ocriva_plugin_sdk::llm::{Answer, Question};
use ocriva_plugin_sdk::reading::Reading;
use ocriva_plugin_sdk::schema::Spec;
use ocriva_plugin_sdk::serde_json::{Map, Value};
use ocriva_plugin_sdk::{Description, Document, Extractor, Failure, Output, Request, completion, register};

use excerpt::Excerpt;
use fields::Reader;
use settings::Settings;

/// Fewer tokens for the pages are not worth a question.
const FEWEST_TOKENS: usize = 200;

/// What an endpoint says that has used up its tokens.
const CUT: &str = "length";

/// Asks the model.
pub struct LanguageModel;

impl Extractor for LanguageModel {
    type Request = Request;

    fn describe() -> Description {
        Description::new(
            "llm",
            env!("CARGO_PKG_VERSION"),
            "Asks a language model for the fields of a template's schema, and looks for its answers on the pages",
        )
        .with_config_schema(Settings::schema())
    }

    fn extract(document: &Document, request: Request) -> Result<Output, Failure> {
        let settings = Settings::read(&request.config)?;
        let specs = request.schema.as_ref().map(Spec::properties).unwrap_or_default();
        if specs.is_empty() {
            let message = "the plugin `llm` reads what a template's schema asks for, and there is none";
            return Err(Failure::new("no_schema", message));
        }
        let Asked { answer, excerpt } = ask(document, &specs, &request, &settings)?;
        let reading = Reading::new(&excerpt.pages);
        let mut output = Reader::new(&reading, settings.ungrounded).read(&specs, &answer);
        output.warnings.extend(excerpt.warning);
        completion::complete(document, &request.config, request.schema.as_ref(), &mut output);
        Ok(output)
    }
}

register!(LanguageModel);

/// What the model answered, and what it was shown.
struct Asked {
    answer: Map<String, Value>,
    excerpt: Excerpt,
}

/// Asks, with fewer pages where the operator allows fewer tokens than the template.
fn ask(
    document: &Document,
    specs: &[Spec],
    request: &Request,
    settings: &Settings,
) -> Result<Asked, Failure> {
    let mut tokens = settings.max_input_tokens;
    loop {
        let excerpt = Excerpt::read(document, tokens)?;
        if excerpt.text.is_empty() {
            return Ok(Asked { answer: Map::new(), excerpt });
        }
        match converse(document, question::first(specs, request, settings, &excerpt), specs) {
            Ok(answer) => return Ok(Asked { answer, excerpt }),
            // Nothing was sent yet.
            Err(Refused::NoTokens(_)) if tokens / 2 >= FEWEST_TOKENS => {
                tokens = (tokens / 2).min(excerpt.tokens());
            }
            Err(Refused::NoTokens(failure) | Refused::Other(failure)) => return Err(failure),
        }
    }
}

/// Why there is no answer.
enum Refused {
    /// The operator allows fewer tokens than the first question needs.
    NoTokens(Failure),
    Other(Failure),
}

/// A question, and another one where the answer cannot be read.
fn converse(document: &Document, question: Question, specs: &[Spec]) -> Result<Map<String, Value>, Refused> {
    let (question, first) = put(document, question).map_err(|failure| match failure.code.as_str() {
        "plugin.denied" => Refused::NoTokens(failure),
        _ => Refused::Other(failure),
    })?;
    let problem = match read(&first, specs) {
        Ok(answer) => return Ok(answer),
        Err(Unreadable::Cut(failure)) => return Err(Refused::Other(failure)),
        Err(Unreadable::Malformed(problem)) => problem,
    };
    let again = question::again(&question, &first.content, &problem);
    let second = document.complete(&again).map_err(Refused::Other)?;
    read(&second, specs).map_err(|unreadable| {
        Refused::Other(match unreadable {
            Unreadable::Cut(failure) => failure,
            Unreadable::Malformed(problem) => {
                let message = format!("the model was asked twice, and its answer cannot be read: {problem}");
                Failure::new("llm.bad_answer", message)
            }
        })
    })
}

/// Puts a question; once more in words alone to an endpoint that takes no schemas.
fn put(document: &Document, question: Question) -> Result<(Question, Answer), Failure> {
    match document.complete(&question) {
        Err(failure) if failure.code == "llm.refused" => {
            let in_words = Question { schema: None, ..question };
            let answer = document.complete(&in_words)?;
            Ok((in_words, answer))
        }
        answer => Ok((question, answer?)),
    }
}

/// Why an answer is none.
enum Unreadable {
    /// What is wrong with it; another answer may be better.
    Malformed(String),
    /// It ended too early, as another one would.
    Cut(Failure),
}

fn read(answer: &Answer, specs: &[Spec]) -> Result<Map<String, Value>, Unreadable> {
    answer::read(&answer.content, specs).map_err(|problem| match answer.finish_reason.as_deref() {
        Some(CUT) => {
            let tokens = answer.output_tokens;
            let message = format!(
                "the model's answer was cut after {tokens} tokens (setting `maxTokens`, or what the operator allows)"
            );
            Unreadable::Cut(Failure::new("answer_cut", message))
        }
        _ => Unreadable::Malformed(problem),
    })
}
