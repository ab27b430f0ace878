//! Values of a passport's machine-readable zone, as fields.

use ocriva_plugin_sdk::business::BusinessDocument;
use ocriva_plugin_sdk::output::Field;
use ocriva_plugin_sdk::values::dates::{self, Order};
use ocriva_plugin_sdk::values::mrz::{self, Entry, Item};

/// Confidence of a value whose check digit is right.
const CHECKED: f32 = 0.98;
/// Confidence of a value that has no check digit.
const UNCHECKED: f32 = 0.85;
/// Confidence of a value whose check digit is wrong.
const WRONG: f32 = 0.4;

/// The zone of a document, or none.
pub struct Zone<'d, 'p> {
    document: &'d BusinessDocument<'p>,
    zone: Option<mrz::Zone>,
}

impl<'d, 'p> Zone<'d, 'p> {
    /// Looks for a zone in a document's rows. `today` as a request has it.
    pub fn find(document: &'d BusinessDocument<'p>, today: &str) -> Self {
        let rows: Vec<String> =
            (0..document.reading.rows().len()).map(|row| document.reading.row_text(row)).collect();
        let today = dates::parse(today, Order::DayFirst).map(|found| found.date);
        Self { document, zone: mrz::Zone::find(&rows, today) }
    }

    /// Whether the zone has such a value.
    pub fn has(&self, item: Item) -> bool {
        self.entry(item).is_some()
    }

    /// A value of the zone, which stands where its line does.
    pub fn field(&self, item: Item) -> Field {
        let Some(entry) = self.entry(item) else { return Field::missing() };
        let Some(row) = self.document.reading.rows().get(entry.line) else { return Field::missing() };
        let Some(span) = self.document.reading.segment_span(row.segments.start) else {
            return Field::missing();
        };
        let confidence = match entry.is_checked {
            Some(true) => CHECKED,
            Some(false) => WRONG,
            None => UNCHECKED,
        };
        Field::read(entry.value.clone(), confidence, &span)
    }

    fn entry(&self, item: Item) -> Option<&Entry> {
        self.zone.as_ref()?.get(item)
    }
}
