//! The plugin `rules`: reads a document by a JSON document of anchors, patterns, regions, types and lines, in the spirit of
//! invoice2data's templates. It has no knowledge of its own.

mod field;
mod lines;
mod rules;
mod schema;
#[cfg(test)]
mod tests;
mod text;

use ocriva_plugin_sdk::business::pages;
use ocriva_plugin_sdk::output::{Field, Warning};
use ocriva_plugin_sdk::reading::Reading;
use ocriva_plugin_sdk::values::manner::Manner;
use ocriva_plugin_sdk::{Description, Document, Extractor, Failure, Output, Request, completion, register};

use rules::{RuleSet, Rules};
use text::PageText;

/// Reads by rules.
pub struct ByRules;

impl Extractor for ByRules {
    type Request = Request;

    fn describe() -> Description {
        let purpose = "Reads a document by rules: anchors, patterns, regions, types and lines, without code";
        Description::new("rules", env!("CARGO_PKG_VERSION"), purpose).with_config_schema(schema::config())
    }

    fn extract(document: &Document, request: Request) -> Result<Output, Failure> {
        let sets = Rules::parse(&request.config)?;
        let pages = pages(document)?;
        let reading = Reading::new(&pages);
        let text = PageText::new(&reading);
        let mut output = match sets.matching(&text) {
            Some(set) => Reader::new(&reading, &text, set).read(),
            None => no_set(&sets),
        };
        completion::complete(document, &request.config, request.schema.as_ref(), &mut output);
        Ok(output)
    }
}

register!(ByRules);

/// The answer where no set of rules is for the document.
fn no_set(rules: &Rules) -> Output {
    let mut output = Output::default();
    for name in rules.sets.iter().flat_map(RuleSet::names) {
        output.fields.insert(name.to_owned(), Field::missing());
    }
    output.warnings.push(Warning {
        code: "rules_not_matched".to_owned(),
        message: "no set of rules has its keywords in this document".to_owned(),
        field: None,
        page: None,
    });
    output
}

/// A document and the rules that it is read by.
struct Reader<'d, 'p> {
    reading: &'d Reading<'p>,
    text: &'d PageText<'d, 'p>,
    set: &'d RuleSet,
    manner: Manner,
}

impl<'d, 'p> Reader<'d, 'p> {
    fn new(reading: &'d Reading<'p>, text: &'d PageText<'d, 'p>, set: &'d RuleSet) -> Self {
        let inferred = reading.manner();
        let manner = Manner {
            convention: set.convention.unwrap_or(inferred.convention),
            order: set.order.unwrap_or(inferred.order),
        };
        Self { reading, text, set, manner }
    }

    fn read(&self) -> Output {
        let mut output = Output::default();
        field::read(self, &mut output);
        for rule in &self.set.lines {
            lines::read(self, rule, &mut output);
        }
        for name in &self.set.required {
            if output.fields.get(name).is_none_or(Field::is_missing) {
                let message = format!("`{name}` is required by the rules and was not found");
                output.warnings.push(Warning::about(name, "required_missing", message));
            }
        }
        output
    }
}
