//! The currency of a document, and whose dollar or krone a bare sign is.

use super::Candidate;
use crate::business::BusinessDocument;
use crate::business::lexicon::Concept;
use crate::output::Field;
use crate::text;
use crate::values::currencies;

/// The currency: beside the total, beside its label, or the one named most often.
pub(super) fn read(document: &BusinessDocument, total: Option<&Candidate>) -> Field {
    for label in document.labels.of(Concept::Currency) {
        for slot in document.labels.slots(&document.reading, label).iter().take(2) {
            let code = currencies::mentions(document.reading.slot_text(slot)).first().copied();
            if let (Some(code), Some(span)) = (code, document.reading.slot_span(slot)) {
                return Field::read(code, 0.95, &span);
            }
        }
    }
    let mut counts: Vec<(&str, usize, usize)> = Vec::new();
    for (index, segment) in document.reading.segments().iter().enumerate() {
        let named = currencies::mentions(&segment.text);
        let beside = document.amounts_in(index).into_iter().filter_map(|placed| placed.amount.currency);
        for code in named.into_iter().chain(beside) {
            match counts.iter_mut().find(|(known, ..)| *known == code) {
                Some((_, count, _)) => *count += 1,
                None => counts.push((code, 1, index)),
            }
        }
    }
    let near_total = total.and_then(|total| {
        let text = document.reading.row_text(total.row);
        currencies::mentions(&total.span.text).into_iter().chain(currencies::mentions(&text)).next()
    });
    let most = counts.iter().max_by_key(|(_, count, index)| (*count, usize::MAX - index));
    let Some((code, confidence)) =
        near_total.map(|code| (code, 0.92)).or_else(|| most.map(|(code, ..)| (*code, 0.8)))
    else {
        return Field::missing();
    };
    let place = counts
        .iter()
        .find(|(known, ..)| *known == code)
        .and_then(|(.., index)| document.reading.segment_span(*index));
    let code = match code {
        "USD" => dollar_of(document),
        "SEK" | "DKK" => krone_of(document, code),
        other => other,
    };
    match place {
        Some(span) => Field::read(code, confidence, &span),
        None => Field::computed(code, confidence),
    }
}

/// Whose dollar a bare dollar sign is: that of a country which the document names.
fn dollar_of(document: &BusinessDocument) -> &'static str {
    const COUNTRIES: [(&str, &str); 8] = [
        ("Australia", "AUD"),
        ("ABN", "AUD"),
        ("Canada", "CAD"),
        // Taxes that no other country has.
        ("HST", "CAD"),
        ("QST", "CAD"),
        ("Singapore", "SGD"),
        ("Hong Kong", "HKD"),
        ("New Zealand", "NZD"),
    ];
    let texts = || document.reading.segments().iter().map(|segment| segment.text.as_str());
    if texts().any(|text| text.contains("USD") || text.contains("US Dollar")) {
        return "USD";
    }
    // A business number said with points, the form of company, a state with its postal code.
    let is_australian = |text: &str| {
        let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        let has_state = words.windows(2).any(|pair| {
            matches!(pair, ["NSW" | "VIC" | "QLD" | "TAS" | "ACT", code] if code.len() == 4 && code.chars().all(|c| c.is_ascii_digit()))
        });
        has_state || text.contains("A.B.N.") || words.contains(&"Pty")
    };
    if texts().any(is_australian) {
        return "AUD";
    }
    let named = COUNTRIES.iter().find(|(name, _)| {
        texts()
            .any(|text| text.split(|c: char| !c.is_alphabetic() && c != ' ').any(|part| part.trim() == *name))
    });
    named.map_or("USD", |(_, code)| code)
}

/// Whose krona or krone `kr` is: that of the country whose code, tax or words the document has.
fn krone_of(document: &BusinessDocument, code: &'static str) -> &'static str {
    const SIGNS: [(&str, &[&str]); 3] = [
        (
            "NOK",
            &[
                "nok",
                "mva",
                "norge",
                "belop",
                "foretaksregisteret",
                "orgnr",
                "org nr",
                "bankaxept",
                "vipps",
                "kvittering nr",
            ],
        ),
        (
            "DKK",
            &[
                "dkk",
                "cvr",
                "danmark",
                "belob",
                "ekskl moms",
                "udgor",
                "heraf",
                "dankort",
                "mobilepay",
                "byttepenge",
                "tlf",
            ],
        ),
        (
            "SEK",
            &[
                "sek", "sverige", "exkl", "varav", "momsreg", "bankgiro", "belopp", "kvitto", "swish",
                "tillbaka", "datum",
            ],
        ),
    ];
    let mut counts = [0usize; 3];
    for segment in document.reading.segments() {
        let words = text::words(&segment.text);
        for (count, (_, signs)) in counts.iter_mut().zip(&SIGNS) {
            *count += signs.iter().filter(|sign| has_words_of(&words, sign)).count();
        }
    }
    let most = counts.iter().zip(&SIGNS).max_by_key(|(count, (known, _))| (**count, *known == code));
    most.filter(|(count, _)| **count > 0).map_or(code, |(_, (known, _))| known)
}

/// Whether folded words stand in a folded text, each whole.
fn has_words_of(words: &str, wanted: &str) -> bool {
    words.match_indices(wanted).any(|(at, _)| {
        let before = words.get(..at).unwrap_or_default();
        let after = words.get(at + wanted.len()..).unwrap_or_default();
        (before.is_empty() || before.ends_with(' ')) && (after.is_empty() || after.starts_with(' '))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    fn currency_of(text: &str) -> String {
        let pages = Fixture::from_text(text).pages;
        let field = read(&BusinessDocument::new(&pages, ""), None);
        field.value.as_str().unwrap_or_default().to_owned()
    }

    #[test]
    fn a_bare_sign_is_that_of_the_country_the_document_comes_from() {
        assert_eq!(currency_of("Oak Fencing Pty Ltd\nTotal $20.00"), "AUD");
        assert_eq!(currency_of("1 Mill Road\nBallarat VIC 3350\nTotal $20.00"), "AUD");
        assert_eq!(currency_of("Total $20.00"), "USD");
        assert_eq!(currency_of("MVA 25% 5,00 kr\nTotalt 25,00 kr"), "NOK");
        assert_eq!(currency_of("CVR 12345678\nTotal 25,00 kr"), "DKK");
        assert_eq!(currency_of("varav moms 5,00 kr\nTotalt 25,00 kr"), "SEK");
        assert_eq!(currency_of("I alt 25,00 kr."), "DKK");
    }
}
