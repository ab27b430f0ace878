//! The plugin `form`: labels with what was filled in, and check boxes, of forms that nobody described.

mod boxes;
#[cfg(test)]
mod tests;

use ocriva_plugin_sdk::business::pages;
use ocriva_plugin_sdk::grid::{self, Grid, columns};
use ocriva_plugin_sdk::labels::Lexicon;
use ocriva_plugin_sdk::output::{Field, Warning};
use ocriva_plugin_sdk::pairs::{self, Pair};
use ocriva_plugin_sdk::reading::{Reading, Span};
use ocriva_plugin_sdk::schema::{Kind, Search, Spec};
use ocriva_plugin_sdk::serde_json::{Map, Value, json};
use ocriva_plugin_sdk::{Description, Document, Extractor, Failure, Output, Request, completion, register};

use boxes::CheckBox;

/// Confidence of a value whose label is marked as one, and of one that merely stands beside what may be a label.
const MARKED: f32 = 0.8;
const UNMARKED: f32 = 0.55;
/// Confidence of a check box.
const BOX: f32 = 0.85;
/// Confidence of a title: its place and size are all that tells.
const TITLE: f32 = 0.6;
/// A title is set larger than the text by this factor, or in capitals.
const TITLE_SIZE: f32 = 1.2;

/// Reads forms.
pub struct Form;

impl Extractor for Form {
    type Request = Request;

    fn describe() -> Description {
        let purpose = "Reads forms: labels with their values, and check boxes";
        Description::new("form", env!("CARGO_PKG_VERSION"), purpose)
            .with_config_schema(completion::config_schema())
            .with_output_schema(own_schema())
    }

    fn extract(document: &Document, request: Request) -> Result<Output, Failure> {
        let pages = pages(document)?;
        let reading = Reading::new(&pages);
        let filled = Filled::read(&reading);
        let schema = request.schema.filter(|schema| schema.get("properties").is_some());
        let specs = Spec::properties(schema.as_ref().unwrap_or(&own_schema()));
        let mut output = filled.output(&specs);
        completion::complete(document, &request.config, schema.as_ref(), &mut output);
        Ok(output)
    }
}

register!(Form);

fn own_schema() -> Value {
    json!({"type": "object", "properties": {
        "title": {"type": "string", "description": "Title of the form."},
        "entries": {
            "type": "array",
            "description": "Labels and their values, in the order of the pages; null where nothing was filled in.",
            "items": {"type": "object", "properties": {
                "label": {"type": "string"},
                "value": {"type": ["string", "null"]},
            }},
        },
        "checkBoxes": {
            "type": "array",
            "description": "Check boxes with the text beside them.",
            "items": {"type": "object", "properties": {
                "label": {"type": "string"},
                "checked": {"type": "boolean"},
            }},
        },
    }})
}

/// What a form says.
struct Filled<'d, 'p> {
    reading: &'d Reading<'p>,
    pairs: Vec<Pair>,
    boxes: Vec<CheckBox>,
    grids: Vec<Grid>,
}

impl<'d, 'p> Filled<'d, 'p> {
    fn read(reading: &'d Reading<'p>) -> Self {
        let boxes = boxes::find(reading);
        // Where the boxes are the choices of a question, the answer is what is checked.
        let answered = |pair: Pair| Pair { value: pair.value.and_then(boxes::answer), ..pair };
        let pairs = pairs::find(reading).into_iter().map(answered).collect();
        Self { reading, pairs, boxes, grids: grid::find(reading) }
    }

    fn output(&self, specs: &[Spec]) -> Output {
        let manner = self.reading.manner();
        let search = Search::new(self.reading, manner, specs);
        let mut output = Output::default();
        for (index, spec) in specs.iter().enumerate() {
            output.warnings.extend(
                spec.problem
                    .as_ref()
                    .map(|problem| Warning::about(&spec.name, "bad_pattern", problem.clone())),
            );
            let field = match spec.kind {
                Kind::Pairs => self.entries(spec),
                Kind::Table if has_columns(spec, ["label", "value"]) => self.entries(spec),
                Kind::Table if has_columns(spec, ["label", "checked"]) => self.check_boxes(),
                Kind::Table => {
                    let found =
                        columns::best(&self.grids, &spec.children).and_then(|best| self.grids.get(best));
                    found.map_or_else(Field::missing, |grid| Field {
                        value: columns::rows(grid, &spec.children, manner),
                        ..grid.field()
                    })
                }
                Kind::Grid => grid::largest(&self.grids).map_or_else(Field::missing, Grid::field),
                Kind::Boolean => self.checked(spec).unwrap_or_else(|| search.find(index, spec)),
                _ if !spec.choices.is_empty() => {
                    self.chosen(spec).unwrap_or_else(|| search.find(index, spec))
                }
                _ => {
                    let found = search.find(index, spec);
                    match spec.name.as_str() {
                        "title" if found.is_missing() => self.title(),
                        _ if found.is_missing() && spec.kind == Kind::Text => self.labelled(spec),
                        _ => found,
                    }
                }
            };
            output.fields.insert(spec.name.clone(), field);
        }
        output.tables = self.grids.iter().map(|grid| grid.table(None)).collect();
        output
    }

    /// All labels with their values, under the names of the schema's first two columns.
    fn entries(&self, spec: &Spec) -> Field {
        let names: Vec<&str> = spec.children.iter().map(|child| child.name.as_str()).collect();
        let (label_name, value_name) = match names.as_slice() {
            [label, value, ..] => (*label, *value),
            _ => ("label", "value"),
        };
        let objects = self.pairs.iter().map(|pair| {
            let value = pair.value.as_ref().map_or(Value::Null, |span| Value::from(span.text.as_str()));
            object([(label_name, Value::from(pair.label.text.as_str())), (value_name, value)])
        });
        let marked = self.pairs.iter().filter(|pair| pair.is_marked).count() as f32;
        let share = marked / self.pairs.len().max(1) as f32;
        let spans = self.pairs.iter().flat_map(|pair| [Some(&pair.label), pair.value.as_ref()]).flatten();
        list(objects.collect(), UNMARKED + (MARKED - UNMARKED) * share, spans)
    }

    fn check_boxes(&self) -> Field {
        let objects = self.boxes.iter().map(|found| {
            object([
                ("label", Value::from(found.label.text.as_str())),
                ("checked", Value::from(found.is_checked)),
            ])
        });
        list(objects.collect(), BOX, self.boxes.iter().map(|found| &found.label))
    }

    /// The box that has one of the property's labels.
    fn checked(&self, spec: &Spec) -> Option<Field> {
        let lexicon = Lexicon::new(spec.labels.iter().map(|label| ((), label.as_str())));
        let found = self.boxes.iter().find(|found| lexicon.meaning(&found.label.text).is_some())?;
        Some(Field::read(found.is_checked, BOX, &found.label))
    }

    /// The choice whose box is checked.
    fn chosen(&self, spec: &Spec) -> Option<Field> {
        let lexicon =
            Lexicon::new(spec.choices.iter().enumerate().map(|(index, choice)| (index, choice.as_str())));
        let mut choices =
            self.boxes.iter().filter_map(|found| Some((lexicon.meaning(&found.label.text)?.0, found)));
        let (choice, found) = choices.find(|(_, found)| found.is_checked)?;
        Some(Field::read(spec.choices.get(choice)?.as_str(), BOX, &found.label))
    }

    /// The value of the pair that has one of the property's labels.
    fn labelled(&self, spec: &Spec) -> Field {
        let lexicon = Lexicon::new(spec.labels.iter().map(|label| ((), label.as_str())));
        let value = self.pairs.iter().find_map(|pair| {
            lexicon.meaning(&pair.label.text)?;
            pair.value.as_ref()
        });
        value.map_or_else(Field::missing, |span| Field::read(span.text.as_str(), MARKED, span))
    }

    /// The first line before all labels that is set larger than the text, or in capitals.
    fn title(&self) -> Field {
        let mut heights: Vec<f32> =
            self.reading.segments().iter().map(|segment| segment.bbox.height()).collect();
        heights.sort_by(f32::total_cmp);
        let usual = heights.get(heights.len() / 2).copied().unwrap_or_default();
        let first_label = self.pairs.first().map_or(f32::MAX, |pair| pair.label.bbox.y0);
        let is_title = |text: &str, height: f32| {
            let letters = text.chars().filter(|c| c.is_alphabetic());
            let in_capitals = letters.clone().all(char::is_uppercase) && letters.count() > 3;
            in_capitals || height > usual * TITLE_SIZE
        };
        let found = self.reading.rows().iter().take_while(|row| row.page == 0 && row.bbox.y1 <= first_label);
        let found = found.filter(|row| row.segments.len() == 1).find_map(|row| {
            let span = self.reading.segment_span(row.segments.start)?;
            is_title(&span.text, span.bbox.height()).then_some(span)
        });
        found.map_or_else(Field::missing, |span| Field::read(span.text.as_str(), TITLE, &span))
    }
}

fn has_columns(spec: &Spec, names: [&str; 2]) -> bool {
    names.iter().all(|name| spec.children.iter().any(|child| child.name == *name))
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let named = members.map(|(name, value)| (name.to_owned(), value));
    Value::Object(named.into_iter().collect::<Map<String, Value>>())
}

/// A list as a field whose place is that of its parts on the first page.
fn list<'s>(objects: Vec<Value>, confidence: f32, spans: impl Iterator<Item = &'s Span>) -> Field {
    let spans: Vec<&Span> = spans.collect();
    let Some(first) = spans.first() else { return Field::missing() };
    let on_page = spans.iter().filter(|span| span.page == first.page).map(|span| span.bbox);
    let bbox = on_page.reduce(|left, right| left.union(&right)).unwrap_or(first.bbox);
    let place = Span { bbox, ..(*first).clone() };
    Field { text: None, ..Field::read(objects, confidence, &place) }
}
