//! The model's answer as fields: each value turned into the kind that the schema asks for, and looked for on the pages.

use ocriva_plugin_sdk::output::{Cell, Field, Output, Table, Warning};
use ocriva_plugin_sdk::page::Rect;
use ocriva_plugin_sdk::reading::{Reading, Span};
use ocriva_plugin_sdk::schema::{Kind, Search, Spec};
use ocriva_plugin_sdk::serde_json::{Map, Value, json};
use ocriva_plugin_sdk::text;
use ocriva_plugin_sdk::values::manner::Manner;

use crate::places::{Place, Places};
use crate::settings::Ungrounded;

/// Confidence of a value that is not on the pages.
const NOT_ON_PAGE: f32 = 0.2;

/// Source of a value that is not on the pages: the model's word alone.
const MODEL: &str = "model";

/// What a place beside the field's own label adds to the certainty of it, and what each further place of the same value
/// takes away where there is none.
const LABELLED: f32 = 0.06;
const ELSEWHERE: f32 = 0.05;

/// Most entries of a list.
const MAX_ENTRIES: usize = 2000;

/// Most values that a warning names.
const NAMED: usize = 5;

/// What models write for a value that is not there.
const ABSENT: [&str; 9] =
    ["", "null", "none", "na", "notavailable", "notstated", "notspecified", "notfound", "unknown"];

/// Turns an answer into fields.
pub struct Reader<'d, 'p> {
    reading: &'d Reading<'p>,
    manner: Manner,
    places: Places<'d, 'p>,
    ungrounded: Ungrounded,
    /// Values that did not fit, and those that are not on the pages, by the field that they are of.
    problems: Vec<(String, Problem)>,
    tables: Vec<Table>,
}

enum Problem {
    /// It is no value of the kind that the schema asks for.
    Unfit { place: String, wanted: &'static str },
    /// It is not on the pages.
    NotOnPage { place: String },
}

/// A value that was read.
struct Read {
    value: Value,
    /// Where it stands: empty where it does not.
    spans: Vec<Span>,
    confidence: f32,
}

/// What a value is looked for with.
struct Context<'c> {
    /// The field that it is of, and its place in that: `items` and `items[2].price`.
    field: &'c str,
    place: String,
    /// Where the other values of its row stand.
    near: Option<&'c Place>,
    /// The value beside the field's label, where there is one.
    labelled: Option<Field>,
}

impl<'d, 'p> Reader<'d, 'p> {
    /// Gets the pages ready.
    pub fn new(reading: &'d Reading<'p>, ungrounded: Ungrounded) -> Self {
        let manner = reading.manner();
        let places = Places::new(reading, manner);
        Self { reading, manner, places, ungrounded, problems: Vec::new(), tables: Vec::new() }
    }

    /// Reads an answer: a field for each property of the schema.
    pub fn read(mut self, specs: &[Spec], answer: &Map<String, Value>) -> Output {
        let mut output = Output::default();
        let search = Search::new(self.reading, self.manner, specs);
        for (index, spec) in specs.iter().enumerate() {
            if let Some(problem) = &spec.problem {
                output.warnings.push(Warning::about(&spec.name, "bad_pattern", problem.clone()));
            }
            let given = answer.get(&spec.name).unwrap_or(&Value::Null);
            let context = Context {
                field: &spec.name,
                place: spec.name.clone(),
                near: None,
                labelled: is_single(spec.kind).then(|| search.find(index, spec)),
            };
            let field =
                self.value(&search, spec, given, &context).map_or_else(Field::missing, Read::into_field);
            output.fields.insert(spec.name.clone(), field);
        }
        output.warnings.extend(warnings(&self.problems, self.ungrounded));
        output.tables = self.tables;
        output
    }

    fn value(&mut self, search: &Search, spec: &Spec, given: &Value, context: &Context) -> Option<Read> {
        let is_choice = spec.choices.iter().any(|choice| agree(&Value::from(choice.as_str()), given));
        if is_absent(given) && !is_choice {
            return None;
        }
        match spec.kind {
            Kind::Object => self.object(spec, given, context),
            Kind::Table => self.rows(search, &spec.children, given, context),
            Kind::Pairs => {
                let columns = match spec.children.is_empty() {
                    true => texts(&["label".to_owned(), "value".to_owned()]),
                    false => spec.children.clone(),
                };
                self.rows(search, &columns, given, context)
            }
            Kind::Grid => {
                let (columns, rows) = grid(given)?;
                self.rows(search, &texts(&columns), &rows, context)
            }
            Kind::List => self.list(search, spec, given, context),
            _ => self.single(search, spec, given, context),
        }
    }

    fn object(&mut self, spec: &Spec, given: &Value, context: &Context) -> Option<Read> {
        let Value::Object(members) = given else { return self.unfit(context, "an object") };
        let search = Search::new(self.reading, self.manner, &spec.children);
        let mut values = Map::new();
        let mut parts = Vec::new();
        for (index, child) in spec.children.iter().enumerate() {
            let inner = Context {
                field: context.field,
                place: format!("{}.{}", context.place, child.name),
                near: context.near,
                labelled: (context.near.is_none() && is_single(child.kind))
                    .then(|| search.find(index, child)),
            };
            let given = members.get(&child.name).unwrap_or(&Value::Null);
            let read = self.value(&search, child, given, &inner);
            values.insert(child.name.clone(), read.as_ref().map_or(Value::Null, |read| read.value.clone()));
            parts.extend(read);
        }
        Read::of_parts(Value::Object(values), parts)
    }

    fn list(&mut self, search: &Search, spec: &Spec, given: &Value, context: &Context) -> Option<Read> {
        // A list of one is often given as its one entry.
        let entries = match given {
            Value::Array(entries) => entries.clone(),
            Value::String(text) => match search.value(Kind::List, text) {
                Some(Value::Array(entries)) => entries,
                _ => return self.unfit(context, "a list"),
            },
            Value::Object(_) => return self.unfit(context, "a list"),
            single => vec![single.clone()],
        };
        let mut item = Spec { kind: Kind::Text, ..spec.clone() };
        // Numbers stay numbers: the template's schema says in the end whether they fit.
        let mut parts = Vec::new();
        for (index, entry) in entries.iter().take(MAX_ENTRIES).enumerate() {
            item.kind = if entry.is_number() { Kind::Number } else { Kind::Text };
            let inner = Context {
                field: context.field,
                place: format!("{}[{}]", context.place, index + 1),
                near: context.near,
                labelled: None,
            };
            parts.extend(self.value(search, &item, entry, &inner));
        }
        let values: Vec<Value> = parts.iter().map(|part| part.value.clone()).collect();
        Read::of_parts(Value::Array(values), parts)
    }

    /// A list of objects: what a row has in common is that its values stand close together, and below those of the row
    /// before.
    fn rows(&mut self, search: &Search, columns: &[Spec], given: &Value, context: &Context) -> Option<Read> {
        let rows = match given {
            Value::Array(rows) => rows.iter().filter_map(Value::as_object).take(MAX_ENTRIES).collect(),
            Value::Object(row) => vec![row],
            _ => return self.unfit(context, "a list of objects"),
        };
        let mut table: Vec<Vec<Option<Read>>> = Vec::new();
        let mut above: Option<Place> = None;
        for (index, row) in rows.into_iter().enumerate() {
            let anchor = self.anchor(search, columns, row, above.as_ref());
            let read = columns.iter().map(|column| {
                let inner = Context {
                    field: context.field,
                    place: format!("{}[{}].{}", context.place, index + 1, column.name),
                    near: anchor.as_ref(),
                    labelled: None,
                };
                self.value(search, column, row.get(&column.name).unwrap_or(&Value::Null), &inner)
            });
            let read: Vec<Option<Read>> = read.collect();
            above = anchor.or(above);
            if read.iter().any(Option::is_some) {
                table.push(read);
            }
        }
        let objects = table.iter().map(|row| {
            let named = columns.iter().zip(row).map(|(column, read)| {
                (column.name.clone(), read.as_ref().map_or(Value::Null, |read| read.value.clone()))
            });
            Value::Object(named.collect())
        });
        let objects = Value::Array(objects.collect());
        // A list inside of another is no table of the document's.
        if context.near.is_none() {
            self.tables.extend(self::table(&context.place, columns, &table));
        }
        Read::of_parts(objects, table.into_iter().flatten().flatten().collect())
    }

    /// The value of a row that stands in the fewest places tells where the row is.
    fn anchor(
        &self,
        search: &Search,
        columns: &[Spec],
        row: &Map<String, Value>,
        above: Option<&Place>,
    ) -> Option<Place> {
        let places = columns.iter().filter(|column| is_single(column.kind)).filter_map(|column| {
            let value = normalised(search, column, row.get(&column.name)?)?;
            let places = self.places.of(column.kind, &value);
            (!places.is_empty()).then_some(places)
        });
        let rarest = places.min_by_key(Vec::len)?;
        let is_below = |place: &&Place| above.is_none_or(|above| is_after(place, above));
        rarest.iter().find(is_below).or_else(|| rarest.first()).cloned()
    }

    fn single(&mut self, search: &Search, spec: &Spec, given: &Value, context: &Context) -> Option<Read> {
        let Some(value) = normalised(search, spec, given) else { return self.unfit(context, wanted(spec)) };
        // What the label says, and what the model says: both find the same value.
        if let Some(field) = context.labelled.as_ref().filter(|field| agree(&field.value, &value))
            && let (Some(page), Some(bbox)) = (field.page, field.bbox)
        {
            let span = Span {
                page,
                bbox,
                text: field.text.clone().unwrap_or_default(),
                confidence: 1.0,
                source: field.source.clone().unwrap_or_default(),
            };
            let confidence = (field.confidence + LABELLED).clamp(0.0, 0.98);
            return Some(Read { value, spans: vec![span], confidence });
        }
        let places = self.places.of(spec.kind, &value);
        let Some(place) = chosen(&places, context.near) else {
            let place = context.place.clone();
            self.problems.push((context.field.to_owned(), Problem::NotOnPage { place }));
            return match self.ungrounded {
                Ungrounded::Keep => Some(Read { value, spans: Vec::new(), confidence: NOT_ON_PAGE }),
                Ungrounded::Drop => None,
            };
        };
        let others = if context.near.is_some() { 0 } else { places.len().min(4) - 1 };
        let certainty = place.certainty - ELSEWHERE * others as f32;
        let Field { value, confidence, .. } = Field::read(value, certainty, &place.span);
        Some(Read { value, spans: vec![place.span.clone()], confidence })
    }

    fn unfit(&mut self, context: &Context, wanted: &'static str) -> Option<Read> {
        let problem = Problem::Unfit { place: context.place.clone(), wanted };
        self.problems.push((context.field.to_owned(), problem));
        None
    }
}

impl Read {
    /// What is made of several values; `None` where there are none.
    fn of_parts(value: Value, parts: Vec<Self>) -> Option<Self> {
        let count = parts.len();
        let confidence = parts.iter().map(|part| part.confidence).sum::<f32>() / count.max(1) as f32;
        let spans = parts.into_iter().flat_map(|part| part.spans).collect();
        (count > 0).then_some(Self { value, spans, confidence })
    }

    fn into_field(self) -> Field {
        let Some(first) = self.spans.first() else {
            return Field { source: Some(MODEL.to_owned()), ..Field::computed(self.value, self.confidence) };
        };
        let is_list = !matches!(self.value, Value::String(_) | Value::Number(_) | Value::Bool(_));
        Field {
            text: (!is_list).then(|| first.text.clone()),
            page: Some(first.page),
            bbox: around(&self.spans, first.page),
            source: Some(first.source.clone()),
            ..Field::computed(self.value, self.confidence)
        }
    }
}

/// The box around those of the spans that are on a page.
fn around(spans: &[Span], page: u32) -> Option<Rect> {
    let boxes = spans.iter().filter(|span| span.page == page).map(|span| span.bbox);
    boxes.reduce(|left, right| left.union(&right))
}

/// The place that is meant: the nearest to the others of its row, or the first of those that fit best.
fn chosen<'l>(places: &'l [Place], near: Option<&Place>) -> Option<&'l Place> {
    let Some(near) = near else { return places.first() };
    let distance = |place: &Place| {
        let rows = (place.span.bbox.center_y() - near.span.bbox.center_y()).abs();
        place.page.abs_diff(near.page) as f32 * 100_000.0 + rows
    };
    places.iter().min_by(|left, right| distance(left).total_cmp(&distance(right)))
}

fn is_after(place: &Place, other: &Place) -> bool {
    (place.page, place.span.bbox.center_y()) > (other.page, other.span.bbox.y1)
}

/// Whether this is the kind of a single value.
fn is_single(kind: Kind) -> bool {
    !matches!(kind, Kind::Object | Kind::Table | Kind::Grid | Kind::Pairs | Kind::List)
}

fn is_absent(given: &Value) -> bool {
    match given {
        Value::Null => true,
        // "No" and the like are values where a truth is asked for, and none of these.
        Value::String(text) => {
            ABSENT.contains(&text::compact(text).as_str()) && !text.chars().any(|c| "€$£¥%".contains(c))
        }
        Value::Array(entries) => entries.is_empty(),
        _ => false,
    }
}

/// A value as the schema asks for it; `None` where it cannot be one.
fn normalised(search: &Search, spec: &Spec, given: &Value) -> Option<Value> {
    if !spec.choices.is_empty() {
        let text = shown(given)?;
        let is_same = |choice: &&String| text::compact(choice) == text::compact(&text);
        return spec.choices.iter().find(is_same).map(|choice| Value::from(choice.as_str()));
    }
    match (spec.kind, given) {
        (Kind::Number, Value::Number(number)) => {
            Some(number.as_f64().and_then(whole).unwrap_or_else(|| given.clone()))
        }
        (Kind::Boolean, Value::Bool(_)) => Some(given.clone()),
        (Kind::Integer, Value::Number(number)) => whole(number.as_f64()?),
        (Kind::Text, _) => shown(given).map(|text| Value::from(text.trim())),
        // A number in place of a text, such as an account's.
        (Kind::Phone | Kind::Iban, Value::Number(number)) => search.value(spec.kind, &number.to_string()),
        (Kind::Website | Kind::Email | Kind::Phone, Value::String(text)) => {
            Some(search.value(spec.kind, text).unwrap_or_else(|| Value::from(text.trim())))
        }
        (kind, Value::String(text)) => search.value(kind, text),
        _ => None,
    }
}

fn whole(number: f64) -> Option<Value> {
    (number.fract() == 0.0 && number.abs() < 9e15).then(|| Value::from(number as i64))
}

/// A single value as text.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// Whether two values are the same but for how they are written.
fn agree(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => text::compact(left) == text::compact(right),
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        _ => left == right && !left.is_null(),
    }
}

/// What a single value has to be, in words.
fn wanted(spec: &Spec) -> &'static str {
    match spec.kind {
        _ if !spec.choices.is_empty() => "one of the template's choices",
        Kind::Number => "a number",
        Kind::Integer => "a whole number",
        Kind::Boolean => "true or false",
        Kind::Date => "a date",
        Kind::Time => "a time of day",
        Kind::Email => "an e-mail address",
        Kind::Website => "a web address",
        Kind::Phone => "a telephone number",
        Kind::Iban => "an IBAN",
        Kind::Currency => "a currency",
        Kind::Text | Kind::Object | Kind::Table | Kind::Grid | Kind::Pairs | Kind::List => "a text",
    }
}

/// Columns of texts.
fn texts(names: &[String]) -> Vec<Spec> {
    let properties: Map<String, Value> =
        names.iter().map(|name| (name.clone(), json!({"type": "string"}))).collect();
    let specs = Spec::properties(&json!({"properties": properties}));
    specs.into_iter().map(|spec| Spec { kind: Kind::Text, ..spec }).collect()
}

/// The columns of a table of any kind, and its rows as objects of them.
fn grid(given: &Value) -> Option<(Vec<String>, Value)> {
    if let Value::Array(rows) = given {
        let columns = rows.iter().filter_map(Value::as_object).flat_map(Map::keys);
        let mut names: Vec<String> = Vec::new();
        columns.for_each(|name| {
            if !names.contains(name) {
                names.push(name.clone());
            }
        });
        return Some((names, given.clone()));
    }
    let entries = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut columns: Vec<String> = Vec::new();
    for (index, name) in entries(given.get("columns")?).iter().enumerate() {
        let name = shown(name).filter(|name| !name.trim().is_empty() && !columns.contains(name));
        columns.push(name.unwrap_or_else(|| format!("column_{}", index + 1)));
    }
    let rows = entries(given.get("rows")?).into_iter().map(|row| {
        let cells = columns.iter().cloned().zip(entries(&row));
        Value::Object(cells.collect())
    });
    let rows = Value::Array(rows.collect());
    Some((columns, rows))
}

/// A list of objects as a table of the result; `None` where nothing of it is on the pages.
fn table(name: &str, columns: &[Spec], rows: &[Vec<Option<Read>>]) -> Option<Table> {
    let spans: Vec<Span> = rows.iter().flatten().flatten().flat_map(|read| read.spans.clone()).collect();
    let page = spans.first()?.page;
    let cell = |read: &Option<Read>| {
        let Some(read) = read else { return Cell::default() };
        let text = read.spans.first().map(|span| span.text.clone());
        Cell {
            text: text.or_else(|| shown(&read.value)).unwrap_or_default(),
            bbox: read.spans.first().and_then(|span| around(&read.spans, span.page)),
            confidence: read.confidence,
        }
    };
    Some(Table {
        name: Some(name.to_owned()),
        page,
        bbox: around(&spans, page),
        columns: columns.iter().map(|column| column.name.clone()).collect(),
        rows: rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
    })
}

/// A warning for each field with values that did not fit, and one for each with values that are not on the pages.
fn warnings(problems: &[(String, Problem)], ungrounded: Ungrounded) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut fields: Vec<&String> = problems.iter().map(|(field, _)| field).collect();
    fields.dedup();
    for field in fields {
        let of_field = || problems.iter().filter(|(other, _)| other == field).map(|(_, problem)| problem);
        let unfit = of_field().filter_map(|problem| match problem {
            Problem::Unfit { place, wanted } => Some(format!("`{place}` is not {wanted}")),
            Problem::NotOnPage { .. } => None,
        });
        let missing = of_field().filter_map(|problem| match problem {
            Problem::NotOnPage { place } => Some(format!("`{place}`")),
            Problem::Unfit { .. } => None,
        });
        if let Some(listed) = listed(unfit.collect(), "; ") {
            let message = format!("the model's answer does not fit, and was left out: {listed}");
            warnings.push(Warning::about(field, "value_rejected", message));
        }
        if let Some(listed) = listed(missing.collect(), ", ") {
            let end = if ungrounded == Ungrounded::Drop { ", and was left out" } else { "" };
            let message = format!("the model's value is not on the pages{end}: {listed}");
            warnings.push(Warning::about(field, "not_on_page", message));
        }
    }
    warnings
}

/// The first of several, with the number of the others; `None` for none.
fn listed(all: Vec<String>, separator: &str) -> Option<String> {
    let shown = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join(separator);
    match all.len() {
        0 => None,
        count if count > NAMED => Some(format!("{shown} and {} more", count - NAMED)),
        _ => Some(shown),
    }
}
