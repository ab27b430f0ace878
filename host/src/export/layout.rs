//! Columns and rows of the formats that are tables: what the template says, or every field in the schema's order.
//!
//! Without columns in the template the rows begin with the file's name, the record's id and its status. A field that
//! is an object has a column for each of its members (`supplier.name`).

use indexmap::{IndexMap, IndexSet};
use serde_json::{Map, Value};

use super::cells::{Cell, Style, is_list, lookup};
use super::{Entry, Error, Rows};
use crate::domain::extraction::Extraction;
use crate::domain::schema::resolved;
use crate::domain::template::export::{ExportRows, ExportSettings};

/// Most columns: what a sheet of a workbook may have is more, what anybody reads is less.
const MAX_COLUMNS: usize = 2000;

/// How deep objects in objects become columns of their own.
const MAX_DEPTH: usize = 8;

/// Marks a column that shows the document, not the result.
const DOCUMENT_MARK: char = '@';

/// Columns that stand first where the template names none.
const FIRST_COLUMNS: [Fact; 3] = [Fact::FileName, Fact::Id, Fact::Status];

/// The fields that results have.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Paths of all fields but those of list items, in order.
    paths: IndexSet<String>,
    /// Fields that are lists of objects, with the paths of the items' fields.
    lists: IndexMap<String, IndexSet<String>>,
    /// Whether these are the fields of a list's items: lists among them stand in one cell.
    is_item: bool,
}

impl Fields {
    /// Adds the fields that a template's schema names.
    pub(super) fn add_schema(&mut self, schema: &Value) {
        self.add_properties(schema, schema, "", 0);
    }

    /// Adds the fields that a result has beyond those that are known.
    pub(super) fn add_result(&mut self, extraction: &Extraction) {
        self.add_values(&extraction.data, "", 0);
    }

    fn lists(&self) -> impl Iterator<Item = &str> {
        self.lists.keys().map(String::as_str)
    }

    /// The lists of objects, each as a table.
    pub(super) fn all_lists(&self) -> Vec<ListLayout> {
        let tables = self.lists.iter().map(|(field, columns)| ListLayout {
            field: field.clone(),
            columns: Self::leaves(columns).cloned().collect(),
        });
        tables.collect()
    }

    fn add_properties(&mut self, schema: &Value, root: &Value, prefix: &str, depth: usize) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
        for (name, property) in properties {
            // A schema may be part of itself, many times.
            if self.paths.len() >= MAX_COLUMNS {
                return;
            }
            let path = joined(prefix, name);
            let property = resolved(property, root);
            let items = property.get("items").map(|items| resolved(items, root));
            if depth >= MAX_DEPTH {
                self.add_path(path);
            } else if let Some(items) =
                items.filter(|items| !self.is_item && items.get("properties").is_some())
            {
                let mut item = Self { is_item: true, ..Self::default() };
                item.add_properties(items, root, "", depth + 1);
                self.add_list(path, item);
            } else if property.get("properties").is_some_and(Value::is_object) {
                self.add_properties(property, root, &path, depth + 1);
            } else {
                self.add_path(path);
            }
        }
    }

    fn add_values(&mut self, values: &Map<String, Value>, prefix: &str, depth: usize) {
        for (name, value) in values {
            let path = joined(prefix, name);
            match value {
                Value::Object(inner) if depth < MAX_DEPTH && !inner.is_empty() => {
                    self.add_values(inner, &path, depth + 1);
                }
                Value::Array(items) if is_list(value) => {
                    let mut list = Self::default();
                    for item in items.iter().filter_map(Value::as_object) {
                        list.add_values(item, "", depth + 1);
                    }
                    self.add_list(path, list);
                }
                _ => self.add_path(path),
            }
        }
    }

    fn add_path(&mut self, path: String) {
        if self.paths.len() < MAX_COLUMNS {
            self.paths.insert(path);
        }
    }

    fn add_list(&mut self, path: String, item: Self) {
        let fields = self.lists.entry(path.clone()).or_default();
        let room = MAX_COLUMNS.saturating_sub(fields.len());
        fields.extend(item.paths.into_iter().take(room));
        self.add_path(path);
    }

    /// The paths without those that turned out to be objects, whose members are there.
    fn leaves(paths: &IndexSet<String>) -> impl Iterator<Item = &String> {
        paths.iter().filter(|path| {
            let inside = format!("{path}.");
            !paths.iter().any(|other| other.starts_with(&inside))
        })
    }
}

/// What a table looks like.
#[derive(Debug)]
pub(super) struct Layout {
    columns: Vec<Column>,
    /// The list whose items have rows of their own.
    items: Option<String>,
    /// How numbers and dates are written.
    pub(super) style: Style,
}

/// A list of objects as a table of its own.
#[derive(Debug)]
pub(super) struct ListLayout {
    /// Path of the field.
    pub(super) field: String,
    /// Paths of the items' fields.
    pub(super) columns: Vec<String>,
}

/// What becomes of lists of objects that have no rows of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lists {
    /// They stand in one cell.
    InCells,
    /// They have tables of their own.
    Apart,
}

#[derive(Debug)]
struct Column {
    heading: String,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Document(Fact),
    Field(String),
    Item(String),
}

/// What a column may show of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fact {
    Id,
    FileName,
    Status,
    PageCount,
    Confidence,
    CreatedAt,
    CompletedAt,
}

impl Fact {
    const ALL: [Self; 7] = [
        Self::Id,
        Self::FileName,
        Self::Status,
        Self::PageCount,
        Self::Confidence,
        Self::CreatedAt,
        Self::CompletedAt,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::FileName => "fileName",
            Self::Status => "status",
            Self::PageCount => "pageCount",
            Self::Confidence => "confidence",
            Self::CreatedAt => "createdAt",
            Self::CompletedAt => "completedAt",
        }
    }

    fn cell(self, entry: &Entry) -> Cell {
        let document = &entry.document;
        match self {
            Self::Id => Cell::Text(document.id.clone()),
            Self::FileName => Cell::Text(document.file_name.clone()),
            Self::Status => Cell::Text(document.status.to_string()),
            Self::PageCount => document.page_count.map_or(Cell::Empty, |count| Cell::Number(count.into())),
            Self::Confidence => {
                document.confidence.and_then(serde_json::Number::from_f64).map_or(Cell::Empty, Cell::Number)
            }
            Self::CreatedAt => Cell::Text(document.created_at.to_iso()),
            Self::CompletedAt => document.completed_at.map_or(Cell::Empty, |time| Cell::Text(time.to_iso())),
        }
    }
}

impl Layout {
    /// The layout that a template's settings and a request ask for.
    ///
    /// # Errors
    /// [`Error::NoList`] where rows are to be items of a list that there is not.
    pub(super) fn new(
        settings: &ExportSettings,
        rows: &Rows,
        fields: &Fields,
        lists: Lists,
    ) -> Result<Self, Error> {
        let items = match rows {
            Rows::Template => match &settings.rows {
                ExportRows::Record => None,
                ExportRows::Items(field) => Some(field.clone()),
            },
            Rows::Records => None,
            Rows::Items => {
                let first = match &settings.rows {
                    ExportRows::Items(field) => Some(field.as_str()),
                    ExportRows::Record => fields.lists().next(),
                };
                Some(first.ok_or(Error::NoList { field: None, known: Vec::new() })?.to_owned())
            }
            Rows::ItemsOf(field) if fields.lists.contains_key(field) => Some(field.clone()),
            Rows::ItemsOf(field) => {
                let known = fields.lists().map(str::to_owned).collect();
                return Err(Error::NoList { field: Some(field.clone()), known });
            }
        };
        let style = Style { decimal: settings.decimal, dates: settings.dates };
        let columns = if settings.columns.is_empty() {
            usual_columns(fields, items.as_deref(), lists)
        } else {
            let named = settings.columns.iter().map(|column| Column {
                heading: column.heading().trim_start_matches(DOCUMENT_MARK).to_owned(),
                source: source(&column.field, items.as_deref()),
            });
            named.collect()
        };
        Ok(Self { columns, items, style })
    }

    /// What stands above the columns.
    pub(super) fn headings(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.heading.as_str())
    }

    /// The lists that have no rows of their own in this layout, each as a table.
    pub(super) fn other_lists(&self, fields: &Fields) -> Vec<ListLayout> {
        let mut lists = fields.all_lists();
        lists.retain(|list| self.items.as_ref() != Some(&list.field));
        lists
    }

    /// The rows of a record: one, or one for each item of its list, and one where there are none.
    pub(super) fn rows(&self, entry: &Entry) -> Vec<Vec<Cell>> {
        let nothing = Map::new();
        let data = entry.extraction.as_ref().map_or(&nothing, |extraction| &extraction.data);
        let items: Vec<&Map<String, Value>> =
            self.items.as_ref().map(|field| objects(data, field)).unwrap_or_default();
        if items.is_empty() {
            return vec![self.row(entry, data, None)];
        }
        items.into_iter().map(|item| self.row(entry, data, Some(item))).collect()
    }

    fn row(&self, entry: &Entry, data: &Map<String, Value>, item: Option<&Map<String, Value>>) -> Vec<Cell> {
        let value = |found: Option<&Value>| found.map_or(Cell::Empty, Cell::of);
        self.columns
            .iter()
            .map(|column| match &column.source {
                Source::Document(fact) => fact.cell(entry),
                Source::Field(path) => value(lookup(data, path)),
                Source::Item(path) => value(item.and_then(|item| lookup(item, path))),
            })
            .collect()
    }
}

impl ListLayout {
    /// The rows of a record, one for each item.
    pub(super) fn rows(&self, data: &Map<String, Value>) -> Vec<Vec<Cell>> {
        let row = |item: &Map<String, Value>| {
            self.columns.iter().map(|path| lookup(item, path).map_or(Cell::Empty, Cell::of)).collect()
        };
        objects(data, &self.field).into_iter().map(row).collect()
    }
}

/// The objects of a list.
fn objects<'a>(data: &'a Map<String, Value>, field: &str) -> Vec<&'a Map<String, Value>> {
    let items = lookup(data, field).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_object).collect()
}

fn usual_columns(fields: &Fields, items: Option<&str>, lists: Lists) -> Vec<Column> {
    let mut columns: Vec<Column> = FIRST_COLUMNS
        .into_iter()
        .map(|fact| Column { heading: fact.name().to_owned(), source: Source::Document(fact) })
        .collect();
    for path in Fields::leaves(&fields.paths) {
        match fields.lists.get(path) {
            Some(members) if items == Some(path.as_str()) => {
                columns.extend(Fields::leaves(members).map(|member| Column {
                    heading: joined(path, member),
                    source: Source::Item(member.clone()),
                }));
            }
            Some(_) if lists == Lists::Apart => {}
            _ => columns.push(Column { heading: path.clone(), source: Source::Field(path.clone()) }),
        }
    }
    columns
}

fn source(field: &str, items: Option<&str>) -> Source {
    if let Some(name) = field.strip_prefix(DOCUMENT_MARK)
        && let Some(fact) = Fact::ALL.into_iter().find(|fact| fact.name() == name)
    {
        return Source::Document(fact);
    }
    let member = items.and_then(|items| field.strip_prefix(items)).and_then(|rest| rest.strip_prefix('.'));
    member.map_or_else(|| Source::Field(field.to_owned()), |member| Source::Item(member.to_owned()))
}

fn joined(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}
