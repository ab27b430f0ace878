//! The machine-readable zone as fields, with its check digits.

use ocriva_plugin_sdk::output::{Field, Warning};
use ocriva_plugin_sdk::reading::{Reading, Span};
use ocriva_plugin_sdk::serde_json::{Map, Value};
use ocriva_plugin_sdk::text;
use ocriva_plugin_sdk::values::dates::Date;
use ocriva_plugin_sdk::values::mrz::{Check, Entry, Item, Zone};

/// Confidence of a value that the zone and the printed fields agree on.
pub const AGREED: f32 = 0.97;
/// Confidence of a value whose check digit is right.
const CHECKED: f32 = 0.98;
/// Confidence of a value whose check digit is right once letters are taken for digits.
const REPAIRED: f32 = 0.9;
/// Confidence of a value that has no check digit, in a zone whose other digits are right.
const UNCHECKED: f32 = 0.88;
/// What a wrong digit anywhere in the zone takes from values without one.
const DOUBT: f32 = 0.15;
/// Confidence of a value whose check digit is wrong.
const WRONG: f32 = 0.4;

/// The zone of a document, or none.
pub struct PlacedZone<'d, 'p> {
    reading: &'d Reading<'p>,
    zone: Option<Zone>,
}

impl<'d, 'p> PlacedZone<'d, 'p> {
    /// Looks for a zone in a document's rows.
    pub fn find(reading: &'d Reading<'p>, today: Option<Date>) -> Self {
        let rows: Vec<String> = (0..reading.rows().len()).map(|row| reading.row_text(row)).collect();
        Self { reading, zone: Zone::find(&rows, today) }
    }

    /// A value of the zone, which stands where its line does.
    pub fn field(&self, item: Item) -> Field {
        let Some((zone, entry)) = self.zone.as_ref().and_then(|zone| Some((zone, zone.get(item)?))) else {
            return Field::missing();
        };
        let Some(span) = self.line(entry) else { return Field::missing() };
        let all_right = zone.checks().iter().all(|(_, is_right)| *is_right);
        let confidence = match entry.is_checked {
            Some(true) if entry.is_repaired => REPAIRED,
            Some(true) => CHECKED,
            Some(false) => WRONG,
            None if all_right => UNCHECKED,
            None => UNCHECKED - DOUBT,
        };
        Field::read(entry.value.clone(), confidence, &span)
    }

    /// Which form the zone has, and which of its check digits are right.
    pub fn checks(&self) -> Field {
        let Some(zone) = &self.zone else { return Field::missing() };
        let mut value = Map::new();
        value.insert("zone".to_owned(), Value::from(zone.form().as_str()));
        value.extend(
            zone.checks().iter().map(|(check, right)| (check.as_str().to_owned(), Value::from(*right))),
        );
        Field::computed(value, CHECKED)
    }

    /// A warning for each wrong check digit.
    pub fn warnings(&self) -> Vec<Warning> {
        let checks = self.zone.as_ref().map(Zone::checks).unwrap_or_default();
        let wrong = checks.iter().filter(|(_, is_right)| !is_right);
        wrong
            .map(|(check, _)| {
                let message = match check {
                    Check::Composite => "the check digit over the machine-readable zone is wrong".to_owned(),
                    check => format!("the check digit of `{}` is wrong", check.as_str()),
                };
                Warning::about(check.as_str(), "check_digit_wrong", message)
            })
            .collect()
    }

    fn line(&self, entry: &Entry) -> Option<Span> {
        let segments = self.reading.rows().get(entry.line)?.segments.clone();
        let spans: Vec<Span> = segments.filter_map(|segment| self.reading.segment_span(segment)).collect();
        Span::join(&spans)
    }
}

/// Whether two values are the same but for the letters that a zone cannot have (ICAO Doc 9303-3, section 6).
pub fn is_same(zone: &Value, printed: &Value) -> bool {
    let (Some(zone), Some(printed)) = (zone.as_str(), printed.as_str()) else { return zone == printed };
    let wanted = text::compact(zone);
    wanted == text::compact(printed) || wanted == text::compact(&transliterated(printed))
}

fn transliterated(name: &str) -> String {
    let mut written = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            'Ä' | 'ä' | 'Æ' | 'æ' => written.push_str("ae"),
            'Ö' | 'ö' | 'Ø' | 'ø' | 'Œ' | 'œ' => written.push_str("oe"),
            'Ü' | 'ü' => written.push_str("ue"),
            'Å' | 'å' => written.push_str("aa"),
            'Þ' | 'þ' => written.push_str("th"),
            other => written.push(other),
        }
    }
    written
}
