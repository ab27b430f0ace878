//! The lines of a bill that has no table heading: rows of a name and an amount that add up to its total.
//!
//! Bills of services list them in several levels, each row's parts indented below it: the rows that start at the same
//! place on the left are one level, and the outermost one that adds up is what was charged for.

use super::{Item, ROUNDING, ends_items, has_words};
use crate::business::BusinessDocument;
use crate::business::lexicon::Concept;
use crate::reading::Span;
use crate::values::amounts::rounded;

/// Fewer rows are no list.
const LEAST_ROWS: usize = 2;

/// A row of a name and one amount.
struct NamedAmount {
    row: usize,
    name: Span,
    amount: f64,
    whole: Span,
}

/// The rows that add up to a total of the document, if there are any.
pub(super) fn lines(document: &BusinessDocument, totals: &[f64]) -> Vec<(Item, Vec<usize>)> {
    let mut best: Vec<NamedAmount> = Vec::new();
    for region in regions(document) {
        let Some(level) = outermost_sum(region, totals) else { continue };
        if level.len() > best.len() {
            best = level;
        }
    }
    best.into_iter().map(into_line).collect()
}

fn into_line(found: NamedAmount) -> (Item, Vec<usize>) {
    let mut item = Item { description: Some(found.name.text), amount: Some(found.amount), ..Item::default() };
    item.take_leading_count();
    item.spans.push(found.whole);
    (item, vec![found.row])
}

/// Amounts that are said to be totals.
pub(super) fn totals(document: &BusinessDocument) -> Vec<f64> {
    let labels =
        document.labels.iter().filter(|label| is_total(label.concept) || label.concept == Concept::DueDate);
    let rows = labels.map(|label| document.row_of(label));
    let segments =
        rows.flat_map(|row| document.reading.rows().get(row).map_or(0..0, |row| row.segments.clone()));
    let amounts = segments.flat_map(|segment| document.amounts_in(segment));
    amounts
        .filter(|placed| placed.amount.is_money())
        .map(|placed| placed.amount.value)
        .filter(|value| *value > 0.0)
        .collect()
}

fn is_total(concept: Concept) -> bool {
    matches!(
        concept,
        Concept::Total | Concept::GrandTotal | Concept::Subtotal | Concept::NetTotal | Concept::AmountDue
    )
}

/// Whether a row starts with the label of a total: `Total for this invoice`.
fn is_total_row(document: &BusinessDocument, row: usize) -> bool {
    let segments = document.reading.rows().get(row).map_or(0..0, |row| row.segments.clone());
    let labels = document.labels.in_segment(segments.start);
    labels.first().is_some_and(|label| label.starts_segment && is_total(label.concept))
}

/// Rows of a name and an amount between one row of totals and the next.
fn regions(document: &BusinessDocument) -> Vec<Vec<NamedAmount>> {
    let mut regions = vec![Vec::new()];
    for row in 0..document.reading.rows().len() {
        if ends_items(document, row) || is_total_row(document, row) {
            regions.push(Vec::new());
        } else if let Some(found) = named_amount(document, row)
            && let Some(region) = regions.last_mut()
        {
            region.push(found);
        }
    }
    regions
}

fn named_amount(document: &BusinessDocument, row: usize) -> Option<NamedAmount> {
    let segments = document.reading.rows().get(row)?.segments.clone();
    let last = segments.clone().next_back()?;
    let amounts = document.amounts_in(last);
    let amount = amounts.last().filter(|placed| placed.amount.is_money())?;
    let spans: Vec<Span> =
        segments.clone().filter_map(|segment| document.reading.segment_span(segment)).collect();
    let whole = Span::join(&spans)?;
    let name = match spans.as_slice() {
        [name, _] => name.clone(),
        [_] => document.reading.span(last, 0..amount.amount.range.start)?,
        _ => return None,
    };
    // "State sales tax 6 %" has its label in the middle.
    let is_payment = document.labels.in_segment(segments.start).iter().any(|label| {
        let other = [Concept::Paid, Concept::Tendered, Concept::Change];
        label.concept == Concept::Tax || (label.starts_segment && other.contains(&label.concept))
    });
    (has_words(&name.text) && !is_payment).then_some(NamedAmount {
        row,
        name,
        amount: amount.amount.value,
        whole,
    })
}

/// The rows of the outermost level whose amounts add up to one of the totals.
fn outermost_sum(region: Vec<NamedAmount>, totals: &[f64]) -> Option<Vec<NamedAmount>> {
    let mut starts: Vec<(f32, f32)> =
        region.iter().map(|found| (found.name.bbox.x0, found.name.bbox.height())).collect();
    starts.sort_by(|left, right| left.0.total_cmp(&right.0));
    starts.dedup_by(|next, first| next.0 - first.0 < first.1 * 0.5);
    let (start, height) = starts.into_iter().find(|(start, height)| {
        let level = region.iter().filter(|found| is_at(found, *start, *height));
        let amounts: Vec<f64> = level.map(|found| found.amount).collect();
        let sum = rounded(amounts.iter().sum());
        amounts.len() >= LEAST_ROWS && totals.iter().any(|total| (total - sum).abs() < ROUNDING)
    })?;
    Some(region.into_iter().filter(|found| is_at(found, start, height)).collect())
}

fn is_at(found: &NamedAmount, start: f32, height: f32) -> bool {
    (found.name.bbox.x0 - start).abs() < height * 0.5
}

#[cfg(test)]
mod tests {
    use crate::business::BusinessDocument;
    use crate::fixture::Fixture;

    #[test]
    fn rows_that_add_up_to_the_total_are_the_lines_of_a_bill_without_a_table() {
        let pages = Fixture::from_text(
            &[
                "Amount due          30.00",
                "                         ",
                "Services                 ",
                "Broadband, June     22.00",
                "  Flat rate         20.00",
                "  Static address     2.00",
                "Telephone, June      8.00",
                "  Calls              8.00",
                "Total               30.00",
            ]
            .join("\n"),
        )
        .pages;
        let lines = BusinessDocument::new(&pages, "").items.lines;
        let found: Vec<_> = lines.iter().map(|line| (line.description.as_deref(), line.amount)).collect();
        assert_eq!(found, [(Some("Broadband, June"), Some(22.0)), (Some("Telephone, June"), Some(8.0))]);
    }
}
