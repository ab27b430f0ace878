//! Tables whose columns a template names.

use serde_json::{Map, Value};

use super::Grid;
use crate::business::totals::number;
use crate::labels::Lexicon;
use crate::reading::Span;
use crate::schema::{Kind, Spec};
use crate::values::manner::Manner;
use crate::values::{amounts, dates};

/// Fewest columns that must be found, where as many are asked for.
const MIN_FOUND: usize = 2;

/// The table with most of these columns: its index.
pub fn best(grids: &[Grid], wanted: &[Spec]) -> Option<usize> {
    let counts = grids.iter().map(|grid| places(grid, wanted).into_iter().flatten().count());
    let (index, count) = counts.enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    (count >= wanted.len().min(MIN_FOUND) && count > 0).then_some(index)
}

/// The rows with these columns, normalised by their types; what the table has no column for is null.
pub fn rows(grid: &Grid, wanted: &[Spec], manner: Manner) -> Value {
    let places = places(grid, wanted);
    let object = |row: &Vec<Option<Span>>| {
        let values = wanted.iter().zip(&places).map(|(spec, place)| {
            let cell = place.and_then(|place| row.get(place)).and_then(Option::as_ref);
            (spec.name.clone(), cell.map_or(Value::Null, |cell| typed(spec.kind, &cell.text, manner)))
        });
        Value::Object(values.collect::<Map<String, Value>>())
    };
    grid.rows.iter().map(object).collect()
}

/// For each column asked for the table's column that is headed so.
fn places(grid: &Grid, wanted: &[Spec]) -> Vec<Option<usize>> {
    let labels = wanted
        .iter()
        .enumerate()
        .flat_map(|(index, spec)| spec.labels.iter().map(move |label| (index, label.as_str())));
    let lexicon = Lexicon::new(labels);
    let mut places: Vec<Option<usize>> = wanted.iter().map(|_| None).collect();
    for (column, heading) in grid.headings.iter().enumerate() {
        let meaning = heading.as_ref().and_then(|heading| lexicon.meaning(&heading.text));
        let place = meaning.and_then(|(index, _)| places.get_mut(index));
        if let Some(place @ None) = place {
            *place = Some(column);
        }
    }
    places
}

fn typed(kind: Kind, text: &str, manner: Manner) -> Value {
    let found = match kind {
        Kind::Number | Kind::Integer => {
            amounts::parse(text, manner.convention).map(|amount| number(amount.value))
        }
        Kind::Date => dates::parse(text, manner.order).map(|found| Value::from(found.date.to_string())),
        _ => Some(Value::from(text)),
    };
    found.unwrap_or(Value::Null)
}
