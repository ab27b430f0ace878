//! How a document writes numbers and dates, settled once for all of it.

use super::amounts::Convention;
use super::currencies;
use super::dates::Order;

/// A document's way of writing numbers and dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Manner {
    /// Which sign starts the decimals.
    pub convention: Convention,
    /// Whether day or month stands first.
    pub order: Order,
}

impl Manner {
    /// Infers both from a document's texts.
    pub fn infer<'t>(texts: impl Iterator<Item = &'t str> + Clone) -> Self {
        let convention = Convention::infer(texts.clone());
        let order = Order::infer(texts.clone(), usual_order(texts, convention));
        Self { convention, order }
    }
}

/// The order of day and month that is usual where a document seems to come from: the month stands first in the
/// United States, where amounts have points and currencies a dollar sign, and addresses a state and ZIP code.
fn usual_order<'t>(texts: impl Iterator<Item = &'t str> + Clone, convention: Convention) -> Order {
    if convention == Convention::Comma {
        return Order::DayFirst;
    }
    let has_dollars = texts.clone().any(|text| currencies::mentions(text).contains(&"USD"));
    let has_zip = texts.clone().any(has_state_and_zip);
    if has_zip || (has_dollars && !texts.clone().any(|text| text.contains("GST") || text.contains("ABN"))) {
        Order::MonthFirst
    } else {
        Order::DayFirst
    }
}

/// Whether a text has two capitals and five digits at the end of an address line (`Seattle, WA 98109`).
fn has_state_and_zip(text: &str) -> bool {
    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    words.windows(2).any(|pair| match pair {
        [state, zip] => {
            let zip = zip.split('-').next().unwrap_or_default();
            let is_state = state.len() == 2 && state.chars().all(|c| c.is_ascii_uppercase());
            is_state && zip.len() == 5 && zip.chars().all(|c| c.is_ascii_digit()) && words.len() > 2
        }
        _ => false,
    })
}
