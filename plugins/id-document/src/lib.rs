//! The plugin `id-document`: passports, identity cards, visas, residence permits and driving licences, by their
//! machine-readable zone with its check digits and by their printed fields.

#[cfg(test)]
mod tests;
mod zone;

use ocriva_plugin_sdk::business::pages;
use ocriva_plugin_sdk::output::{Field, Warning};
use ocriva_plugin_sdk::reading::Reading;
use ocriva_plugin_sdk::schema::{Known, Search, Spec, Wanted, without_hints};
use ocriva_plugin_sdk::serde_json::{self, Value};
use ocriva_plugin_sdk::values::dates::{self, Order};
use ocriva_plugin_sdk::values::mrz::Item;
use ocriva_plugin_sdk::{Description, Document, Extractor, Failure, Output, Request, completion, register};

use zone::PlacedZone;

/// The field that says which check digits are right.
const CHECKS: &str = "checks";

/// What a document says, by the names of its fields; the hints say where they are printed.
const SCHEMA: &str = include_str!("schema.json");

/// Reads identity documents.
pub struct IdDocument;

impl Extractor for IdDocument {
    type Request = Request;

    fn describe() -> Description {
        let purpose = "Reads passports, identity cards, visas and driving licences, with check digits";
        Description::new("id-document", env!("CARGO_PKG_VERSION"), purpose)
            .with_config_schema(completion::config_schema())
            .with_output_schema(without_hints(&own_schema()))
    }

    fn extract(document: &Document, request: Request) -> Result<Output, Failure> {
        let pages = pages(document)?;
        let reading = Reading::new(&pages);
        let today = dates::parse(&request.today, Order::DayFirst).map(|found| found.date);
        let wanted = Known::new(&own_schema()).wanted(request.schema.as_ref());
        let zone = PlacedZone::find(&reading, today);
        let mut output = read(&reading, &zone, &wanted);
        output.warnings.extend(zone.warnings());
        completion::complete(document, &request.config, request.schema.as_ref(), &mut output);
        Ok(output)
    }
}

register!(IdDocument);

fn own_schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap_or_default()
}

fn read(reading: &Reading, zone: &PlacedZone, wanted: &[Wanted]) -> Output {
    let specs: Vec<Spec> = wanted.iter().map(|wanted| wanted.spec.clone()).collect();
    let search = Search::new(reading, reading.manner(), &specs);
    let mut output = Output::default();
    for (index, Wanted { spec, known }) in wanted.iter().enumerate() {
        output.warnings.extend(
            spec.problem.as_ref().map(|problem| Warning::about(&spec.name, "bad_pattern", problem.clone())),
        );
        let field = if known.as_deref() == Some(CHECKS) {
            zone.checks()
        } else {
            let printed = search.find(index, spec);
            match spec.mrz {
                Some(item) => both(item, &spec.name, zone.field(item), printed, &mut output.warnings),
                None => printed,
            }
        };
        output.fields.insert(spec.name.clone(), field);
    }
    output
}

/// One field of what the zone says and what is printed: the zone's where its check digit is right, else the likelier.
fn both(item: Item, name: &str, zone: Field, printed: Field, warnings: &mut Vec<Warning>) -> Field {
    if zone.is_missing() || printed.is_missing() {
        return if zone.is_missing() { printed } else { zone };
    }
    if zone::is_same(&zone.value, &printed.value) {
        // Names are printed with the letters that the zone has no place for.
        let is_name = matches!(item, Item::Surname | Item::GivenNames);
        let mut kept = if is_name { printed } else { zone };
        kept.confidence = kept.confidence.max(zone::AGREED);
        return kept;
    }
    let is_comparable = matches!(item, Item::DocumentNumber | Item::BirthDate | Item::ExpiryDate);
    if is_comparable {
        let message = format!(
            "`{name}` reads {} in the machine-readable zone, and {} where it is printed",
            zone.value, printed.value
        );
        warnings.push(Warning::about(name, "zones_differ", message));
    }
    if printed.confidence > zone.confidence { printed } else { zone }
}
