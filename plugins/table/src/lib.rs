//! The plugin `table`: all tables of a document to rows, by the places of their cells.

#[cfg(test)]
mod tests;

use ocriva_plugin_sdk::business::pages;
use ocriva_plugin_sdk::grid::{self, Grid, columns};
use ocriva_plugin_sdk::output::{Field, Warning};
use ocriva_plugin_sdk::reading::Reading;
use ocriva_plugin_sdk::schema::{Kind, Search, Spec};
use ocriva_plugin_sdk::serde_json::{Map, Value, json};
use ocriva_plugin_sdk::{Description, Document, Extractor, Failure, Output, Request, completion, register};
use serde::Deserialize;

/// Confidence of the list of all tables.
const CONFIDENCE: f32 = 0.6;

/// Reads tables.
pub struct Tables;

/// The settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Settings {
    headings: Headings,
    minimum_rows: usize,
    minimum_columns: usize,
}

/// Whether the first row of a table is one of headings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Headings {
    /// Where it looks like one.
    #[default]
    Auto,
    /// Always.
    First,
    /// Never.
    None,
}

impl Extractor for Tables {
    type Request = Request;

    fn describe() -> Description {
        Description::new("table", env!("CARGO_PKG_VERSION"), "Reads all tables to rows")
            .with_config_schema(config_schema())
            .with_output_schema(output_schema())
    }

    fn extract(document: &Document, request: Request) -> Result<Output, Failure> {
        let settings: Settings = Deserialize::deserialize(Value::Object(request.config.clone()))
            .map_err(|error| Failure::new("bad_config", format!("settings do not fit: {error}")))?;
        let pages = pages(document)?;
        let reading = Reading::new(&pages);
        let grids = settings.apply(grid::find(&reading));
        let mut output = match request.schema.as_ref().map(Spec::properties) {
            Some(specs) if !specs.is_empty() => by_schema(&reading, &grids, &specs),
            _ => plain(&grids),
        };
        completion::complete(document, &request.config, request.schema.as_ref(), &mut output);
        Ok(output)
    }
}

register!(Tables);

impl Settings {
    fn apply(&self, grids: Vec<Grid>) -> Vec<Grid> {
        let fits =
            |grid: &Grid| grid.rows.len() >= self.minimum_rows && grid.headings.len() >= self.minimum_columns;
        let headed = |grid: Grid| match self.headings {
            Headings::Auto => grid,
            Headings::First => grid.with_headings(),
            Headings::None => grid.without_headings(),
        };
        grids.into_iter().map(headed).filter(fits).collect()
    }
}

/// All tables, and the rows of the largest.
fn plain(grids: &[Grid]) -> Output {
    let mut output = Output::default();
    let largest = grid::largest(grids);
    output.fields.insert("rows".to_owned(), largest.map_or_else(Field::missing, Grid::field));
    output.fields.insert("tables".to_owned(), all(grids));
    output.tables = grids.iter().map(|grid| grid.table(None)).collect();
    output
}

/// All tables as one field.
fn all(grids: &[Grid]) -> Field {
    if grids.is_empty() {
        return Field::missing();
    }
    let tables = grids
        .iter()
        .map(|grid| json!({"page": grid.page(), "columns": grid.names(), "rows": grid.objects()}));
    Field::computed(tables.collect::<Vec<_>>(), CONFIDENCE)
}

/// The lists that a template asks for: those with named columns from the table that has most of them, others from the
/// largest one. What is no list is looked for beside its labels.
fn by_schema(reading: &Reading, grids: &[Grid], specs: &[Spec]) -> Output {
    let mut output = Output::default();
    let manner = reading.manner();
    let search = Search::new(reading, manner, specs);
    let mut named: Vec<Option<&str>> = grids.iter().map(|_| None).collect();
    for (index, spec) in specs.iter().enumerate() {
        output.warnings.extend(
            spec.problem.as_ref().map(|problem| Warning::about(&spec.name, "bad_pattern", problem.clone())),
        );
        let chosen = match spec.kind {
            Kind::Table if is_list_of_tables(spec) => {
                output.fields.insert(spec.name.clone(), all(grids));
                continue;
            }
            Kind::Table => columns::best(grids, &spec.children),
            Kind::Grid => largest_index(grids),
            _ => {
                output.fields.insert(spec.name.clone(), search.find(index, spec));
                continue;
            }
        };
        let found = chosen.and_then(|chosen| Some((grids.get(chosen)?, named.get_mut(chosen)?)));
        let field = found.map_or_else(Field::missing, |(grid, name)| {
            *name = Some(spec.name.as_str());
            match spec.kind {
                Kind::Table => Field { value: columns::rows(grid, &spec.children, manner), ..grid.field() },
                _ => grid.field(),
            }
        });
        output.fields.insert(spec.name.clone(), field);
    }
    output.tables = grids.iter().zip(named).map(|(grid, name)| grid.table(name)).collect();
    output
}

/// Whether a list has the objects of the field `tables`.
fn is_list_of_tables(spec: &Spec) -> bool {
    spec.children.iter().any(|child| child.name == "rows")
        && spec.children.iter().any(|child| child.name == "columns")
}

fn largest_index(grids: &[Grid]) -> Option<usize> {
    let largest = grid::largest(grids)?;
    grids.iter().position(|grid| std::ptr::eq(grid, largest))
}

fn config_schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "headings": {
                "enum": ["auto", "first", "none"],
                "description": "Whether the first row of a table is one of headings: where it looks like one (`auto`, unless set), always (`first`) or never (`none`).",
            },
            "minimumRows": {
                "type": "integer", "minimum": 1, "maximum": 1000,
                "description": "Tables with fewer rows below the headings are left out.",
            },
            "minimumColumns": {
                "type": "integer", "minimum": 2, "maximum": 60,
                "description": "Tables with fewer columns are left out.",
            },
            "lookups": completion::lookups_schema(),
        },
    })
}

fn output_schema() -> Value {
    let rows = json!({"type": "array", "items": {"type": "object", "additionalProperties": {"type": ["string", "null"]}}});
    let mut fields = Map::new();
    fields.insert("rows".to_owned(), rows.clone());
    fields.insert(
        "tables".to_owned(),
        json!({"type": "array", "items": {"type": "object", "properties": {
            "page": {"type": "integer"},
            "columns": {"type": "array", "items": {"type": "string"}},
            "rows": rows,
        }}}),
    );
    json!({"type": "object", "properties": fields})
}
