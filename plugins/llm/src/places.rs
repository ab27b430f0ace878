//! Where on the pages a value stands: compared as what it is, so that `1,052.00 EUR` is the number 1052 and
//! `14 March 2026` the day 2026-03-14.

use ocriva_plugin_sdk::reading::{Reading, Span};
use ocriva_plugin_sdk::schema::Kind;
use ocriva_plugin_sdk::serde_json::Value;
use ocriva_plugin_sdk::values::amounts::{self, Amount};
use ocriva_plugin_sdk::values::dates::{self, Date, Order};
use ocriva_plugin_sdk::values::manner::Manner;
use ocriva_plugin_sdk::values::{contacts, currencies};

use crate::words::{Fit, Words};

/// Two numbers that differ by less are the same.
const SAME: f64 = 0.000_05;

/// Digits at the end of a telephone number that must be the same.
const PHONE_DIGITS: usize = 7;

/// How sure it is that what stands in a place is the value.
mod certainty {
    /// It is.
    pub const SAME: f32 = 0.95;
    /// But for its sign, or for a percentage that is given as a fraction.
    pub const SAME_AMOUNT: f32 = 0.8;
    /// It is, where the day may be the month.
    pub const SWAPPED: f32 = 0.75;
    /// A part of a longer word is.
    pub const PART: f32 = 0.75;
    /// It is but for a letter.
    pub const MISREAD: f32 = 0.7;
}

/// A place of a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Index of the page.
    pub page: usize,
    /// The words there.
    pub span: Span,
    /// From 0 to 1.
    pub certainty: f32,
}

/// What there is on the pages.
pub struct Places<'d, 'p> {
    reading: &'d Reading<'p>,
    manner: Manner,
    words: Words<'p>,
    amounts: Vec<(Amount, usize)>,
    dates: Vec<(dates::Found, usize)>,
}

impl<'d, 'p> Places<'d, 'p> {
    /// Looks at all pages.
    pub fn new(reading: &'d Reading<'p>, manner: Manner) -> Self {
        let mut places =
            Self { reading, manner, words: Words::new(reading), amounts: Vec::new(), dates: Vec::new() };
        for (index, segment) in reading.segments().iter().enumerate() {
            let amounts = amounts::find(&segment.text, manner.convention);
            places.amounts.extend(amounts.into_iter().map(|amount| (amount, index)));
            let dates = dates::find(&segment.text, manner.order);
            places.dates.extend(dates.into_iter().map(|date| (date, index)));
        }
        places
    }

    /// The places where a value of this kind stands, page after page. A truth stands nowhere.
    pub fn of(&self, kind: Kind, value: &Value) -> Vec<Place> {
        match (kind, value) {
            (_, Value::Number(number)) => {
                let found = number.as_f64().map(|number| self.numbers(number)).unwrap_or_default();
                // An account's or a document's number is no amount.
                if found.is_empty() && !number.is_f64() { self.texts(&number.to_string()) } else { found }
            }
            (Kind::Date, Value::String(text)) => self.dates(text),
            (Kind::Time, Value::String(text)) => self.by_value(|found| {
                dates::find_time(found)
                    .filter(|(time, _)| time.starts_with(text.as_str()) || text.starts_with(time.as_str()))
            }),
            (Kind::Phone, Value::String(text)) => {
                let wanted = last_digits(text);
                self.by_value(|found| {
                    contacts::find_phone(found).filter(|(phone, _)| last_digits(phone) == wanted)
                })
            }
            (Kind::Currency, Value::String(code)) => self.currencies(code),
            (Kind::Website, Value::String(address)) => {
                let name = address.split_once("://").map_or(address.as_str(), |(_, name)| name);
                self.texts(name)
            }
            (_, Value::String(text)) => self.any_text(text),
            _ => Vec::new(),
        }
    }

    /// A text as it is, or as the number or the day that it stands for.
    fn any_text(&self, text: &str) -> Vec<Place> {
        let found = self.texts(text);
        if !found.is_empty() {
            return found;
        }
        if let Some(amount) = amounts::parse(text, self.manner.convention) {
            return self.numbers(amount.value);
        }
        self.dates(text)
    }

    fn texts(&self, text: &str) -> Vec<Place> {
        let mut found = self.words.find(text);
        if found.is_empty() {
            found.extend(self.words.find_misread(text));
        }
        let place = |(page, span, fit)| Place {
            page,
            span,
            certainty: match fit {
                Fit::Whole => certainty::SAME,
                Fit::Part => certainty::PART,
                Fit::Misread(distance) => certainty::MISREAD - 0.1 * distance as f32,
            },
        };
        found.into_iter().map(place).collect()
    }

    fn numbers(&self, wanted: f64) -> Vec<Place> {
        let fit = |amount: &Amount| {
            let is_same = |value: f64| (amount.value.abs() - value.abs()).abs() < SAME;
            let has_sign = (amount.value < 0.0) == (wanted < 0.0) || wanted == 0.0;
            if is_same(wanted) {
                Some(if has_sign { certainty::SAME } else { certainty::SAME_AMOUNT })
            } else {
                (amount.is_percentage && is_same(wanted * 100.0)).then_some(certainty::SAME_AMOUNT)
            }
        };
        let found = self.amounts.iter().filter_map(|(amount, segment)| {
            let certainty = fit(amount)?;
            self.place(*segment, amount.range.clone(), certainty)
        });
        best(found.collect())
    }

    fn dates(&self, text: &str) -> Vec<Place> {
        let Some(wanted) = dates::parse(text, Order::DayFirst).map(|found| found.date) else {
            return Vec::new();
        };
        let swapped = Date::new(wanted.year(), wanted.day(), wanted.month());
        let found = self.dates.iter().filter_map(|(found, segment)| {
            let certainty = if found.date == wanted {
                certainty::SAME
            } else if found.is_ambiguous && Some(found.date) == swapped {
                certainty::SWAPPED
            } else {
                return None;
            };
            self.place(*segment, found.range.clone(), certainty)
        });
        best(found.collect())
    }

    fn currencies(&self, code: &str) -> Vec<Place> {
        let of_words = self.words.iter().filter(|(_, word, _)| currencies::parse(&word.text) == Some(code));
        let found: Vec<Place> = of_words
            .filter_map(|(index, word, page)| {
                Some(Place { page: index, span: page.span(&[word])?, certainty: certainty::SAME })
            })
            .collect();
        if !found.is_empty() {
            return found;
        }
        let segments = self.reading.segments().iter().enumerate();
        let mentions = segments.filter(|(_, segment)| currencies::mentions(&segment.text).contains(&code));
        mentions
            .filter_map(|(index, segment)| self.place(index, 0..segment.text.len(), certainty::SAME))
            .collect()
    }

    /// The segments in which a value is found, with the place in them.
    fn by_value(&self, find: impl Fn(&str) -> Option<(String, std::ops::Range<usize>)>) -> Vec<Place> {
        let segments = self.reading.segments().iter().enumerate();
        let found = segments.filter_map(|(index, segment)| {
            let (_, range) = find(&segment.text)?;
            self.place(index, range, certainty::SAME)
        });
        found.collect()
    }

    fn place(&self, segment: usize, range: std::ops::Range<usize>, certainty: f32) -> Option<Place> {
        let page = self.reading.segments().get(segment)?.page;
        Some(Place { page, span: self.reading.span(segment, range)?, certainty })
    }
}

/// The places that fit best.
fn best(places: Vec<Place>) -> Vec<Place> {
    let most = places.iter().map(|place| place.certainty).fold(0.0, f32::max);
    places.into_iter().filter(|place| place.certainty >= most).collect()
}

fn last_digits(phone: &str) -> String {
    let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
    digits.get(digits.len().saturating_sub(PHONE_DIGITS)..).unwrap_or_default().iter().collect()
}

#[cfg(test)]
mod tests {
    use ocriva_plugin_sdk::Fixture;
    use ocriva_plugin_sdk::serde_json::json;

    use super::*;

    const LETTER: &str = "Bright Paper Ltd        Phone +44 (0)20 7946 0018\n\
                          Date: 14 March 2026     Time 09:05\n\
                          Discount   -5.00        VAT 19 %\n\
                          Account 4711 0815       Total   1,052.00 EUR\n\
                          Due 03/04/2026          https://www.example.org/pay";

    fn places(kind: Kind, value: Value) -> Vec<(String, f32)> {
        let pages = Fixture::from_text(LETTER).pages;
        let reading = Reading::new(&pages);
        let places = Places::new(&reading, reading.manner());
        places.of(kind, &value).into_iter().map(|place| (place.span.text, place.certainty)).collect()
    }

    #[test]
    fn values_are_found_as_what_they_are() {
        for (kind, value, printed) in [
            (Kind::Number, json!(1052), "1,052.00 EUR"),
            (Kind::Number, json!(1052.0), "1,052.00 EUR"),
            (Kind::Date, json!("2026-03-14"), "14 March 2026"),
            (Kind::Time, json!("09:05"), "09:05"),
            (Kind::Phone, json!("+442079460018"), "+44 (0)20 7946 0018"),
            (Kind::Currency, json!("EUR"), "EUR"),
            (Kind::Integer, json!(47_110_815), "4711 0815"),
            (Kind::Website, json!("http://www.example.org/pay"), "https://www.example.org/pay"),
            (Kind::Text, json!("bright paper LTD."), "Bright Paper Ltd"),
            (Kind::Text, json!("2026-03-14"), "14 March 2026"),
            (Kind::Text, json!("1052.00"), "1,052.00"),
        ] {
            let found = places(kind, value.clone());
            assert_eq!(found.first().map(|(text, _)| text.as_str()), Some(printed), "{value}: {found:?}");
        }
    }

    #[test]
    fn what_is_not_there_has_no_place() {
        for (kind, value) in [
            (Kind::Number, json!(1053)),
            (Kind::Date, json!("2026-03-15")),
            (Kind::Currency, json!("USD")),
            (Kind::Phone, json!("+442079460019")),
            (Kind::Text, json!("Bright Ink Ltd")),
            (Kind::Boolean, json!(true)),
        ] {
            assert_eq!(places(kind, value.clone()), [], "{value}");
        }
    }

    #[test]
    fn another_sign_a_fraction_and_a_swapped_day_are_less_certain() {
        for (kind, value) in
            [(Kind::Number, json!(5)), (Kind::Number, json!(0.19)), (Kind::Date, json!("2026-03-04"))]
        {
            let found = places(kind, value.clone());
            assert!(found.len() == 1 && found[0].1 < certainty::SAME, "{value}: {found:?}");
        }
    }
}
