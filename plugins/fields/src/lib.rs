//! The plugin `fields`: reads what the template's JSON Schema asks for.
//!
//! A property that is named for a fact of business documents is read as the plugins `invoice` and `receipt` read it.
//! Any other is looked for beside its labels; lists of objects are looked for as tables.

mod synonyms;
mod tables;
#[cfg(test)]
mod tests;
mod zone;

use ocriva_plugin_sdk::business::facts::{Fact, Facts, Kind as DocumentKind};
use ocriva_plugin_sdk::business::{BusinessDocument, pages};
use ocriva_plugin_sdk::labels::Lexicon;
use ocriva_plugin_sdk::output::{Field, Warning};
use ocriva_plugin_sdk::reading::Span;
use ocriva_plugin_sdk::schema::{Kind, Search, Spec};
use ocriva_plugin_sdk::serde_json::{Map, Value};
use ocriva_plugin_sdk::{
    Description, Document, Extractor, Failure, Output, Request, completion, grid, pairs, register,
};

use zone::Zone;

/// Confidence of a list of labels and values as a whole.
const PAIRS: f32 = 0.7;

/// Reads the fields of a schema.
pub struct Fields;

impl Extractor for Fields {
    type Request = Request;

    fn describe() -> Description {
        Description::new(
            "fields",
            env!("CARGO_PKG_VERSION"),
            "Reads the fields that a template's schema asks for",
        )
        .with_config_schema(completion::config_schema())
    }

    fn extract(document: &Document, request: Request) -> Result<Output, Failure> {
        let specs = request.schema.as_ref().map(Spec::properties).unwrap_or_default();
        let pages = pages(document)?;
        let read = BusinessDocument::new(&pages, &request.today);
        let facts = Facts::read(&read, DocumentKind::of(&read));
        let zone = Zone::find(&read, &request.today);
        let reader = Reader { document: &read, facts: &facts, zone: &zone, synonyms: synonyms::facts() };
        let mut output = reader.read(&specs);
        completion::complete(document, &request.config, request.schema.as_ref(), &mut output);
        Ok(output)
    }
}

register!(Fields);

struct Reader<'d, 'p> {
    document: &'d BusinessDocument<'p>,
    facts: &'d Facts,
    zone: &'d Zone<'d, 'p>,
    synonyms: Lexicon<Fact>,
}

impl Reader<'_, '_> {
    fn read(&self, specs: &[Spec]) -> Output {
        let mut output = Output::default();
        let search = Search::new(&self.document.reading, self.document.manner(), specs);
        let mut named = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            if let Some(problem) = &spec.problem {
                output.warnings.push(Warning::about(&spec.name, "bad_pattern", problem.clone()));
            }
            let field = match spec.kind {
                Kind::Object => self.object(spec, &mut output),
                Kind::Table => self.table(spec, &mut output),
                Kind::Grid => {
                    let grids = grid::find(&self.document.reading);
                    let largest = grid::largest(&grids);
                    output.tables.extend(largest.map(|grid| grid.table(Some(&spec.name))));
                    largest.map_or_else(Field::missing, grid::Grid::field)
                }
                Kind::Pairs => self.pairs(spec),
                _ if spec.mrz.is_some_and(|item| self.zone.has(item)) => {
                    spec.mrz.map_or_else(Field::missing, |item| self.zone.field(item))
                }
                _ => {
                    let fact = self.fact(spec);
                    named.extend(fact.map(|fact| (spec.name.as_str(), fact)));
                    let known = fact.map(|fact| self.facts.field(fact)).filter(|field| !field.is_missing());
                    known.unwrap_or_else(|| search.find(index, spec))
                }
            };
            output.fields.insert(spec.name.clone(), field);
        }
        output.warnings.extend(self.facts.warnings_for(&named));
        output
    }

    /// The fact a property is named for, if its type allows it and no hint says otherwise.
    fn fact(&self, spec: &Spec) -> Option<Fact> {
        if spec.has_hints() || !spec.choices.is_empty() {
            return None;
        }
        let (fact, _) = spec
            .labels
            .iter()
            .take(3)
            .find_map(|label| self.synonyms.meaning(label).filter(|(_, distance)| *distance == 0))?;
        let fits = match spec.kind {
            Kind::Number | Kind::Integer => synonyms::is_number(fact),
            Kind::Date => synonyms::is_date(fact),
            Kind::Text => fact != Fact::LineItems,
            Kind::Time => fact == Fact::Time,
            Kind::Email => fact == Fact::Email,
            Kind::Website => fact == Fact::Website,
            Kind::Phone => fact == Fact::Phone,
            Kind::Iban => fact == Fact::Iban,
            Kind::Currency => fact == Fact::Currency,
            Kind::Boolean | Kind::List | Kind::Object | Kind::Table | Kind::Grid | Kind::Pairs => false,
        };
        fits.then_some(fact)
    }

    /// An object: its properties, or null where none was found.
    fn object(&self, spec: &Spec, output: &mut Output) -> Field {
        let inner = self.read(&spec.children);
        output.warnings.extend(inner.warnings);
        output.tables.extend(inner.tables);
        let found: Vec<&Field> = inner.fields.values().filter(|field| !field.is_missing()).collect();
        let Some(first) = found.first() else { return Field::missing() };
        let confidence = found.iter().map(|field| field.confidence).sum::<f32>() / found.len() as f32;
        let on_page = found.iter().filter(|field| field.page == first.page);
        let bbox = on_page.filter_map(|field| field.bbox).reduce(|left, right| left.union(&right));
        let value: Map<String, Value> =
            inner.fields.iter().map(|(name, field)| (name.clone(), field.value.clone())).collect();
        Field {
            value: Value::Object(value),
            confidence,
            page: first.page,
            bbox,
            source: first.source.clone(),
            text: None,
        }
    }

    /// Everything that has a label: objects whose first property is the label, and whose second is the value.
    fn pairs(&self, spec: &Spec) -> Field {
        let names: Vec<&str> = spec.children.iter().map(|child| child.name.as_str()).collect();
        let (label_name, value_name) = match names.as_slice() {
            [label, value, ..] => (*label, *value),
            _ => ("label", "value"),
        };
        let found = pairs::find(&self.document.reading);
        let filled: Vec<(&Span, &Span)> =
            found.iter().filter_map(|pair| Some((&pair.label, pair.value.as_ref()?))).collect();
        let Some((_, first)) = filled.first() else { return Field::missing() };
        let on_page = filled.iter().filter(|(_, value)| value.page == first.page);
        let bbox = on_page.map(|(_, value)| value.bbox).reduce(|left, right| left.union(&right));
        let whole = Span { bbox: bbox.unwrap_or(first.bbox), ..(*first).clone() };
        let objects = filled.iter().map(|(label, value)| {
            let named = [(label_name, label), (value_name, value)];
            let object = named.map(|(name, span)| (name.to_owned(), Value::from(span.text.as_str())));
            Value::Object(object.into_iter().collect::<Map<String, Value>>())
        });
        Field { text: None, ..Field::read(objects.collect::<Vec<_>>(), PAIRS, &whole) }
    }

    /// A list of objects: a table with its headings, else the lines of goods under the names asked for.
    fn table(&self, spec: &Spec, output: &mut Output) -> Field {
        let is_items = !spec.has_hints()
            && spec
                .labels
                .iter()
                .take(3)
                .any(|label| matches!(self.synonyms.meaning(label), Some((Fact::LineItems, 0))));
        let (field, table) =
            if is_items { tables::items(self.document, self.facts, spec) } else { (Field::missing(), None) };
        let (field, table) =
            if field.is_missing() { tables::read(self.document, spec) } else { (field, table) };
        output.tables.extend(table);
        field
    }
}
