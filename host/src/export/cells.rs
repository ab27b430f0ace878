//! Values of results as cells of tables.

use jiff::civil::{Date, DateTime};
use serde_json::{Map, Number, Value};

use crate::domain::template::export::{DateStyle, DecimalStyle};

/// Separates the members of a list in one cell.
const LIST_SEPARATOR: &str = "; ";

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// There is no value.
    Empty,
    /// Text, or anything that is no other kind.
    Text(String),
    /// A number.
    Number(Number),
    /// Yes or no.
    Boolean(bool),
    /// A day.
    Date(Date),
    /// A time of a day, without its zone.
    Time(DateTime),
}

/// How numbers and dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Style {
    /// What separates decimals.
    pub(super) decimal: DecimalStyle,
    /// How dates are written.
    pub(super) dates: DateStyle,
}

impl Cell {
    /// The cell for a value: a list of plain values is joined, anything deeper is compact JSON.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Empty,
            Value::Bool(boolean) => Self::Boolean(*boolean),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => dated(text).unwrap_or_else(|| Self::Text(text.clone())),
            Value::Array(items) if items.is_empty() => Self::Empty,
            Value::Array(items) if items.iter().all(is_plain) => {
                let parts: Vec<String> =
                    items.iter().map(|item| Self::of(item).written(Style::default())).collect();
                Self::Text(parts.join(LIST_SEPARATOR))
            }
            Value::Array(_) | Value::Object(_) => Self::Text(value.to_string()),
        }
    }

    /// The cell as text; empty where there is no value.
    pub(super) fn written(&self, style: Style) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => decimal(number, style.decimal),
            Self::Boolean(boolean) => boolean.to_string(),
            Self::Date(date) => date.strftime(date_pattern(style.dates)).to_string(),
            Self::Time(time) => time.strftime(&format!("{} %H:%M:%S", date_pattern(style.dates))).to_string(),
        }
    }
}

/// A value as text, in the usual style.
pub(super) fn written(value: &Value) -> String {
    Cell::of(value).written(Style::default())
}

/// The value at a path of names joined by points; `None` where there is none. A name that has points itself is found,
/// too.
pub(super) fn lookup<'a>(values: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = values.get(path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(at, _)| {
        let inner = values.get(path.get(..at)?)?.as_object()?;
        lookup(inner, path.get(at + 1..)?)
    })
}

/// Whether a value is a list of objects, such as line items.
pub(super) fn is_list(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().any(Value::is_object))
}

fn is_plain(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

/// Numbers are written out: readers of tables take an exponent for text.
fn decimal(number: &Number, style: DecimalStyle) -> String {
    let written = match number.as_f64() {
        Some(real) if number.is_f64() => real.to_string(),
        _ => number.to_string(),
    };
    match style {
        DecimalStyle::Point => written,
        DecimalStyle::Comma => written.replace('.', ","),
    }
}

fn date_pattern(style: DateStyle) -> &'static str {
    match style {
        DateStyle::Iso => "%Y-%m-%d",
        DateStyle::DayMonthYearPoints => "%d.%m.%Y",
        DateStyle::DayMonthYear => "%d/%m/%Y",
        DateStyle::MonthDayYear => "%m/%d/%Y",
    }
}

/// The date or time that a text in ISO 8601 is.
fn dated(text: &str) -> Option<Cell> {
    let bytes = text.as_bytes();
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    match text.len() {
        10 => text.parse().ok().map(Cell::Date),
        // With a zone it is a point in time, which a cell without one would misstate.
        19 if bytes.get(10) == Some(&b'T') => text.parse().ok().map(Cell::Time),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: Value, expected: &str) {
        let style = Style { decimal: DecimalStyle::Comma, dates: DateStyle::DayMonthYearPoints };
        assert_eq!(Cell::of(&value).written(style), expected);
    }

    #[test]
    fn numbers_and_dates_are_written_in_the_style_and_text_is_not() {
        check(json!(1234.5), "1234,5");
        check(json!(1e21), "1000000000000000000000");
        check(json!(0.0000001), "0,0000001");
        check(json!("2026-12-31"), "31.12.2026");
        check(json!("2026-12-31T23:59:58"), "31.12.2026 23:59:58");
        check(json!("2026-13-31"), "2026-13-31");
        check(json!("1234.5"), "1234.5");
    }

    #[test]
    fn lists_of_plain_values_are_joined_and_deeper_ones_are_json() {
        check(json!(["a", 1, null]), "a; 1; ");
        check(json!([{"a": 1}]), r#"[{"a":1}]"#);
    }

    #[test]
    fn a_path_leads_into_objects_and_to_names_with_points() {
        let values = json!({"a": {"b.c": {"d": 1}}, "a.b": 2});
        let values = values.as_object().unwrap();
        assert_eq!(lookup(values, "a.b.c.d"), Some(&json!(1)));
        assert_eq!(lookup(values, "a.b"), Some(&json!(2)));
        assert_eq!(lookup(values, "a.x"), None);
    }
}
