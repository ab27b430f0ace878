//! How a document was or is to be paid.

use serde_json::Value;

use super::BusinessDocument;
use super::lexicon::Concept;
use crate::output::Field;
use crate::reading::Place;
use crate::text;

/// Words for cash.
const CASH: &[&str] = &[
    "cash",
    "tunai",
    "bar",
    "bargeld",
    "barzahlung",
    "especes",
    "efectivo",
    "metalico",
    "contanti",
    "contante",
    "contant",
    "numerario",
    "dinheiro",
    "gotowka",
    "kontant",
    "kontanter",
    "nakit",
    "kateinen",
    "hotove",
    "hotovost",
    "numerar",
    "keszpenz",
    "เงินสด",
    "現金",
    "现金",
];
/// Words for cards.
const CARD: &[&str] = &[
    "card",
    "visa",
    "master",
    "mastercard",
    "amex",
    "american express",
    "maestro",
    "karte",
    "kartenzahlung",
    "kreditkarte",
    "girocard",
    "carte",
    "cb",
    "tarjeta",
    "carta",
    "bancomat",
    "elettronico",
    "pin",
    "pinnen",
    "pinbetaling",
    "bankpas",
    "debit",
    "credit",
    "multibanco",
    "cartao",
    "karta",
    "kort",
    "bankkort",
    "dankort",
    "kartou",
    "korttimaksu",
    "pankkikortti",
    "bankkartya",
    "kredi karti",
    "nets",
    "บัตรเครดิต",
];
/// Other means that receipts name.
const OTHERS: &[&str] = &[
    "wallet",
    "tng",
    "touch n go",
    "swish",
    "vipps",
    "mobilepay",
    "bizum",
    "twint",
    "blik",
    "mb way",
    "paypal",
];
/// Words of terms of payment, folded: they say when, not how.
const TERMS: &[&str] = &[
    "day", "days", "tag", "tage", "tagen", "jour", "jours", "dia", "dias", "giorni", "gg", "dagen", "dagar",
    "dage", "dni", "dnu", "paivaa", "nap", "net", "netto", "eom",
];

/// Names of means of payment, folded, that stand on their own beside an amount.
const PAYMENT_BRANDS: &[&str] = &[
    "ideal",
    "paypal",
    "klarna",
    "visa",
    "mastercard",
    "american express",
    "bancontact",
    "giropay",
    "girocard",
    "sofort",
    "sofortuberweisung",
    "apple pay",
    "google pay",
    "amazon pay",
    "swish",
    "vipps",
    "mobilepay",
    "bizum",
    "twint",
    "blik",
    "przelewy24",
    "multibanco",
    "mb way",
    "maestro",
    "alipay",
    "wechat pay",
    "grabpay",
    "promptpay",
    "stripe",
];

/// The means of payment: behind its label as printed, else `cash`, `card` or the name of another where a receipt says
/// what was handed over.
pub(super) fn method(document: &BusinessDocument) -> Field {
    for label in document.labels.of(Concept::PaymentMethod).filter(|label| label.starts_segment) {
        // "Cash" is a label of its own, and the value here.
        let near = document.reading.around(label.segment, label.range.clone()).into_iter().find(|slot| {
            let text = document.reading.slot_text(slot);
            let letters = text.chars().filter(|c| c.is_alphabetic()).count();
            let other = document.labels.in_segment(slot.segment).iter().any(|other| {
                other.range.start >= slot.range.start
                    && other.starts_segment
                    && other.concept != Concept::Tendered
            });
            (2..if slot.place == Place::Below { 20 } else { 40 }).contains(&letters) && !other
        });
        let Some(slot) = near else { continue };
        let text = document.reading.slot_text(&slot).trim_matches(|c: char| !c.is_alphanumeric() && c != ')');
        let Some(span) = document.reading.slot_span(&slot).filter(|_| !text.is_empty() && !is_terms(text))
        else {
            continue;
        };
        return Field::read(Value::from(text), 0.8, &span);
    }
    for label in document.labels.of(Concept::Tendered).filter(|label| label.starts_segment) {
        let Some(segment) = document.reading.segments().get(label.segment) else { continue };
        let amount = document.amounts_in(label.segment).into_iter().find(|placed| placed.amount.is_money());
        let end = amount.map_or(segment.text.len(), |placed| placed.amount.range.start);
        let row = document.reading.row_segments(segment.row);
        let words: Vec<&str> = row.iter().map(|other| other.text.as_str()).collect();
        let Some(means) = means_in(&words.join(" ")) else { continue };
        let Some(span) = document.reading.span(label.segment, label.range.start..end.max(label.range.end))
        else {
            continue;
        };
        let value = means.map_or_else(|| Value::from(span.text.trim()), Value::from);
        return Field::read(value, 0.7, &span);
    }
    payment_brand(document)
}

/// `cash`, `card`, or nothing for another means, where a text names one.
fn means_in(text: &str) -> Option<Option<&'static str>> {
    let folded = format!(" {} ", text::words(text));
    let names =
        |words: &[&str]| words.iter().any(|word| folded.contains(&format!(" {} ", text::words(word))));
    if names(CASH) {
        Some(Some("cash"))
    } else if names(CARD) {
        Some(Some("card"))
    } else {
        names(OTHERS).then_some(None)
    }
}

/// Whether a text says when to pay and not how: `30 days net`.
fn is_terms(text: &str) -> bool {
    let folded = text::words(text);
    let has_term = folded.split(' ').any(|word| TERMS.contains(&word));
    has_term && folded.contains(|c: char| c.is_ascii_digit()) && means_in(text).is_none()
}

/// The name of a means of payment that starts a text: `"iDEAL" op 21 april`.
fn payment_brand(document: &BusinessDocument) -> Field {
    for (index, segment) in document.reading.segments().iter().enumerate() {
        if document.items.contains_row(segment.row) || segment.word_count() > 9 {
            continue;
        }
        let folded = text::words(&segment.text);
        let brand = PAYMENT_BRANDS.iter().find(|brand| {
            folded.strip_prefix(**brand).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        });
        let Some(brand) = brand else { continue };
        // As many words as the brand has.
        let ends = segment.word_ranges().map(|range| range.end);
        let Some(end) = ends.take(brand.split(' ').count()).last() else { continue };
        let Some(span) = document.reading.span(index, 0..end) else { continue };
        let name = span.text.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
        return Field::read(Value::from(name), 0.6, &span);
    }
    Field::missing()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    fn method_of(rows: &[&str]) -> Value {
        let pages = Fixture::from_text(&rows.join("\n")).pages;
        method(&BusinessDocument::new(&pages, "")).value
    }

    #[test]
    fn what_was_handed_over_is_cash_or_a_card() {
        assert_eq!(method_of(&["SUMME EUR   14,25", "Gegeben BAR   20,00", "Rückgeld   -5,75"]), "cash");
        assert_eq!(method_of(&["TOTAL   44,52", "Entregado efectivo   50,00"]), "cash");
        assert_eq!(method_of(&["TOTAL TTC   58,00 €", "CB   58,00 €"]), "card");
        assert_eq!(method_of(&["TOTAL   19.96", "VISA DEBIT ****4410   19.96"]), "card");
    }

    #[test]
    fn terms_of_payment_do_not_say_how() {
        assert_eq!(method_of(&["Payment terms: 30 days net", "Total 5.00"]), Value::Null);
        assert_eq!(method_of(&["Payment terms: bank transfer", "Total 5.00"]), "bank transfer");
    }
}
