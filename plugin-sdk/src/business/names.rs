//! Telling names of companies and lines of addresses from other text.

mod mending;
mod words;

use crate::reading::Segment;
use crate::text;

pub use mending::{mend_address, mend_form};

use words::{LEGAL_FORMS, PLACE_ENDINGS, PLACES, PLACES_WITH_NUMBER, SHORT_LEGAL_FORMS, THAI_PLACES, TRADES};

/// Legal forms that stand in front of the name, folded.
const LEADING_FORMS: &[&str] =
    &["บรษท", "หจก", "株式会社", "sarl", "sas", "sasu", "eurl", "snc", "scea", "gaec", "earl"];

/// Whether a text has the legal form of a company in it, and the byte behind the last one.
pub fn legal_form_end(text: &str) -> Option<usize> {
    let is_led = text.split_once(' ').is_some_and(|(first, rest)| {
        LEADING_FORMS.contains(&text::compact(first).as_str())
            && first.chars().all(|c| !c.is_lowercase())
            && has_letter(rest)
            // "SAS au capital de 80 000 €" goes on with a name above it.
            && !text::words(rest).starts_with("au capital")
    });
    let mut end = is_led.then_some(text.len());
    for (start, word) in words_with_places(text) {
        let folded = text::compact(word);
        let bare = word.trim_matches(|c: char| matches!(c, ',' | '(' | ')' | ';' | ':' | '-' | '"'));
        let is_short_form = || {
            let is_register =
                text.get(start + word.len()..).is_some_and(|rest| text::compact(rest).starts_with("reg"));
            if is_register {
                return false;
            }
            let capitals = bare.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase);
            let pointed = bare.matches('.').count() >= 2
                || bare.contains('/')
                || (folded == "co" && bare.ends_with('.'));
            // A form stands behind a name, never first.
            start > 0
                && (SHORT_LEGAL_FORMS.contains(&folded.as_str())
                    && ((capitals
                        && (folded != "as" || text.contains(char::is_lowercase))
                        && folded != "co")
                        || pointed
                        || bare == "Oy"
                        || bare == "Co."))
        };
        let glued = || {
            ["sdnbhd", "gmbh", "bhd", "sdn"]
                .iter()
                .any(|form| folded.ends_with(form) && folded.len() > form.len() + 2)
        };
        // "BHD.XY": what recognition glued behind the form is no part of it.
        if let Some((form, rest)) = word.split_once('.')
            && rest.chars().filter(|c| c.is_alphabetic()).count() >= 2
            && start + form.len() > 4
            && LEGAL_FORMS.contains(&text::compact(form).as_str())
        {
            end = Some(start + form.len() + 1);
            continue;
        }
        let is_leading = start == 0 && is_led;
        // "Lda. Carmen Soto" starts with an academic title.
        let is_form = start > 0 && LEGAL_FORMS.contains(&folded.as_str());
        if !is_leading && (is_form || is_short_form() || glued()) {
            end = Some(start + word.trim_end_matches([',', ';', ':']).len());
        }
    }
    end
}

/// Whether a text is a legal form and nothing else.
pub fn is_only_form(text: &str) -> bool {
    let folded = text::words(text);
    !folded.is_empty()
        && folded.split(' ').all(|word| LEGAL_FORMS.contains(&word) || SHORT_LEGAL_FORMS.contains(&word))
}

fn has_letter(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

/// Whether a text names a trade, as shops without legal form do.
pub fn names_trade(text: &str) -> bool {
    let folded = text::words(text);
    let is_trade = |word: &&str| TRADES.contains(word);
    folded.split(' ').any(|word| is_trade(&word)) && !is_only_trade(text)
}

/// Whether a text says what a business is and not who: "Bistro & Cafe".
pub fn is_only_trade(text: &str) -> bool {
    let folded = text::words(text);
    let mut words = folded.split(' ').filter(|word| word.len() > 2).peekable();
    words.peek().is_some() && words.all(|word| TRADES.contains(&word))
}

/// Whether the first word of a text is a trade or a legal form: the line goes on with a name above it.
pub fn starts_with_form(text: &str) -> bool {
    // "MOTOR SDN. BHD.": nothing but trades before the form.
    let name = legal_form_end(text).and_then(|end| text.get(..end)).map(text::words).unwrap_or_default();
    let is_form = |word: &str| LEGAL_FORMS.contains(&word) || SHORT_LEGAL_FORMS.contains(&word);
    let mut named = name.split(' ').filter(|word| !is_form(word)).peekable();
    if !name.is_empty() && named.peek().is_some() && named.all(|word| TRADES.contains(&word)) {
        return true;
    }
    let folded = text::words(text);
    let first = folded.split(' ').next().unwrap_or_default();
    matches!(
        first,
        "enterprise"
            | "enterprises"
            | "trading"
            | "sdn"
            | "bhd"
            | "ltd"
            | "limited"
            | "restaurant"
            | "services"
            | "holdings"
            | "gmbh"
            | "inc"
    )
}

/// Whether a line looks like part of an address: a street, a building, a postal code with a town.
pub fn is_address_line(text: &str) -> bool {
    let folded = text::words(text);
    let words: Vec<&str> = folded.split(' ').collect();
    let has_digit = words.iter().any(|word| word.chars().any(|c| c.is_ascii_digit()));
    let has_place = words.iter().any(|word| PLACES.contains(word))
        || (has_digit && words.len() > 1 && words.iter().any(|word| PLACES_WITH_NUMBER.contains(word)));
    let is_thai =
        THAI_PLACES.iter().any(|place| text.contains(place)) && (has_digit || text.contains("กรุงเทพ"));
    let has_ending = words.iter().any(|word| {
        PLACE_ENDINGS.iter().any(|ending| word.len() > ending.len() + 2 && word.ends_with(ending))
    });
    let house_number = matches!(words.as_slice(), ["no", number, ..] if number.starts_with(|c: char| c.is_ascii_digit()) || number.len() <= 2)
        || words.first().is_some_and(|first| {
            first.len() > 2 && first.starts_with("no") && first.chars().skip(2).all(|c| c.is_ascii_digit())
        });
    let starts_with_number =
        text.trim_start().starts_with(|c: char| c.is_ascii_digit()) && text.contains(',') && words.len() > 2;
    is_thai
        || (has_place && (has_digit || words.len() > 1))
        || (has_ending && has_digit)
        || house_number
        || starts_with_number
        || is_town_line(text)
}

/// Whether a line has a postal code and a town: `69100 Villeurbanne`, `Larch, TX, 98342`, `1025 RX Amsterdam`.
pub fn is_town_line(text: &str) -> bool {
    // A number in brackets is a company's.
    let text = text.split(" (").next().unwrap_or(text);
    let words: Vec<&str> = text
        .split([' ', ',', '-'])
        .map(|word| word.trim_matches(['.', '(', ')']))
        .filter(|word| !word.is_empty())
        .collect();
    if starts_with_parted_code(text) {
        return true;
    }
    let is_code = |word: &str| (4..=6).contains(&word.len()) && word.chars().all(|c| c.is_ascii_digit());
    let is_british =
        words.windows(2).any(|pair| matches!(pair, [out, inward] if is_outward(out) && is_inward(inward)));
    let codes = words.iter().filter(|word| is_code(word)).count();
    let names = words
        .iter()
        .filter(|word| {
            word.chars().count() >= 2
                && word.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '’' | '/'))
        })
        .count();
    let edge = words.first().is_some_and(|word| is_code(word))
        || words.iter().rev().take(3).any(|word| is_code(word))
        || words.get(1).is_some_and(|word| is_code(word));
    (is_british || ((1..=2).contains(&codes) && edge && names >= 1))
        && words.len() <= 10
        && !text.contains(':')
}

/// Whether a text starts with a postal code in two parts and a name: `34-500 Zakopane`, `3800-164 Aveiro`, `370 01 Písek`.
fn starts_with_parted_code(text: &str) -> bool {
    let is_digits =
        |part: &str, length: usize| part.len() == length && part.chars().all(|c| c.is_ascii_digit());
    let text = text.trim_start();
    // A country may stand in front: "CZ-370 01".
    let bare = text.trim_start_matches(|c: char| c.is_ascii_uppercase()).trim_start_matches('-');
    let bare = if text.len() - bare.len() <= 3 { bare } else { text };
    let mut words = bare.split([' ', ',']).filter(|word| !word.is_empty());
    let Some(first) = words.next() else { return false };
    let hyphened = first
        .split_once('-')
        .is_some_and(|(left, right)| (is_digits(left, 2) || is_digits(left, 4)) && is_digits(right, 3));
    let parted = is_digits(first, 3) && words.next().is_some_and(|second| is_digits(second, 2));
    let names = words.take_while(|word| {
        word.chars().all(|c| c.is_alphabetic() || matches!(c, '.' | '-' | '\'' | '(' | ')'))
    });
    (hyphened || parted) && !text.contains(':') && names.count() >= 1
}

fn is_outward(word: &str) -> bool {
    (2..=4).contains(&word.len())
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.chars().any(|c| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn is_inward(word: &str) -> bool {
    let characters: Vec<char> = word.chars().collect();
    matches!(characters.as_slice(), [digit, first, second] if digit.is_ascii_digit() && first.is_ascii_uppercase() && second.is_ascii_uppercase())
}

/// Whether a text is a number of a company register, alone or in brackets: `(789417-W)`, `002043319-W`.
pub fn is_registration_number(text: &str) -> bool {
    let bare = text.trim_matches(|c: char| matches!(c, '(' | ')' | '[' | ']' | ' ' | '.' | ':'));
    let digits = bare.chars().filter(char::is_ascii_digit).count();
    let letters = bare.chars().filter(|c| c.is_alphabetic()).count();
    let bracketed = text.trim_start().starts_with('(');
    digits >= 5
        && letters <= 3
        && bare.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ' '))
        && (letters > 0 || bracketed)
        && !bare.contains("  ")
}

/// A company's name without what is printed behind it: a register number in brackets, a capital, a second part.
pub fn clean_name(text: &str) -> &str {
    let mut name = text.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, ':' | '-' | '|' | '*' | '•' | '●' | ',' | '=' | '~' | '_')
    });
    for separator in [" - ", " | ", " ● ", " • ", " · ", " – ", "|", "●", "•"] {
        if let Some((first, rest)) = name.split_once(separator)
            && (is_address_line(rest)
                || legal_form_end(first).is_some()
                || rest.chars().any(|c| c.is_ascii_digit()))
            && first.chars().filter(|c| c.is_alphabetic()).count() >= 3
        {
            name = first.trim_end();
        }
    }
    if let Some(at) =
        name.char_indices().filter(|(_, c)| *c == '(').map(|(at, _)| at).find(|at| {
            name.get(*at..).and_then(|rest| rest.split(')').next()).is_some_and(is_bracketed_number)
        })
    {
        name = name.get(..at).unwrap_or(name).trim_end();
    }
    for stamp in [" POSTED", " PAID", " COPY", " RECEIVED", " DUPLICATE"] {
        name = name.strip_suffix(stamp).unwrap_or(name);
    }
    if let Some(end) = legal_form_end(name)
        && !ends_with_first_half(name.get(..end).unwrap_or(name))
        && (name.get(end..).is_some_and(|rest| rest.starts_with(' ') || rest.starts_with(','))
            || name.get(..end).is_some_and(|form| form.ends_with('.')))
        && !name.get(end..).is_some_and(|rest| rest.trim_start().starts_with(['(', '&']))
        && !goes_on_behind_form(name, end)
    {
        name = name.get(..end).unwrap_or(name);
    }
    let name = name.trim_end_matches([',', ';', ':', ' ']);
    // A form in full takes no point; the one behind it ends a sentence.
    let last = name.rsplit(' ').next().map(text::compact).unwrap_or_default();
    if WHOLE_FORMS.contains(&last.as_str()) { name.trim_end_matches('.') } else { name }
}

/// Whether the name itself stands behind the form, as of Finnish companies: `Kiinteistö Oy Rantapuisto`.
fn goes_on_behind_form(name: &str, end: usize) -> bool {
    let (Some(before), Some(rest)) = (name.get(..end), name.get(end..)) else { return false };
    let words: Vec<&str> = before.split(' ').collect();
    let is_finnish = words.len() == 2 && words.last().is_some_and(|form| text::compact(form) == "oy");
    let rest: Vec<&str> = rest.split_whitespace().collect();
    is_finnish
        && (1..=3).contains(&rest.len())
        && rest.iter().all(|word| word.starts_with(char::is_uppercase))
}

/// Legal forms that are no abbreviations with a point, folded.
const WHOLE_FORMS: &[&str] =
    &["limited", "incorporated", "corporation", "gmbh", "llc", "plc", "llp", "ag", "kg", "sarl"];

/// Whether a name ends in the first word of a legal form of two, so that the next belongs to it whatever was read.
fn ends_with_first_half(name: &str) -> bool {
    let last = name.rsplit(' ').next().map(text::compact).unwrap_or_default();
    matches!(last.as_str(), "sdn" | "pvt" | "pte" | "pty")
}

fn is_bracketed_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    digits >= 4 && letters <= 3
}

/// Whether a segment is in larger type than most of its page.
pub fn is_large(segment: &Segment, usual_height: f32) -> bool {
    segment.bbox.height() > usual_height * 1.35
}

fn words_with_places(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(' ').scan(0, |at, word| {
        let start = *at;
        *at += word.len() + 1;
        Some((start, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companies_are_known_by_their_legal_form() {
        for name in [
            "Bei Spiel GmbH",
            "Coolblue B.V.",
            "Amazon Web Services, Inc.",
            "SKCA HARDWARE & TIMBER SDN. BHD.",
            "QualityHosting AG",
            "Oravel Stays Pvt. Ltd.",
            "MR.D.I.Y(M)SDN BHD",
        ] {
            assert!(legal_form_end(name).is_some(), "{name}");
        }
        for text in ["as soon as possible", "NO REFUND", "12 Spa Road Ab"] {
            assert_eq!(legal_form_end(text).filter(|_| text != "12 Spa Road Ab"), None, "{text}");
        }
    }

    #[test]
    fn names_lose_numbers_and_addresses_behind_them() {
        assert_eq!(clean_name("99 SPEED MART S/B (519537-X)"), "99 SPEED MART S/B");
        assert_eq!(clean_name("QualityHosting AG - Uferweg 40-42 - D-63571 Gelnhausen"), "QualityHosting AG");
        assert_eq!(clean_name("Acme GmbH | Europa-Allee 1980 | 60486 Frankfurt,"), "Acme GmbH");
        assert_eq!(
            clean_name("AIK HUAT HARDWARE ENTERPRISE (SETIA ALAM) SDN BHD"),
            "AIK HUAT HARDWARE ENTERPRISE (SETIA ALAM) SDN BHD"
        );
    }

    #[test]
    fn address_lines_have_a_street_or_a_town() {
        for line in [
            "NO 290, JALAN AIR PANAS,",
            "69100 Villeurbanne",
            "Larch, TX, 98342",
            "1025 RX Amsterdam",
            "Bahnstr. 42",
            "27 rue Henri Rolland",
            "D-63571 Gelnhausen",
            "50490, KUALA LUMPUR",
            "SW1A 1AA London",
        ] {
            assert!(is_address_line(line), "{line}");
        }
        for line in ["THANK YOU", "TAX INVOICE", "Theodor Est", "BOOK TALK"] {
            assert!(!is_address_line(line), "{line}");
        }
    }

    #[test]
    fn register_numbers_stand_alone() {
        assert!(is_registration_number("(789417-W)"));
        assert!(is_registration_number("002043319-W"));
        assert!(!is_registration_number("81200 JOHOR BAHRU"));
    }
}
