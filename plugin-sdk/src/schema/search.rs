//! Finding the value of a property: beside its labels, or anywhere where its form says enough.

use crate::business::lexicon::{self, Concept};
use crate::business::totals::number;
use crate::labels::{Label, Labels, Lexicon};
use crate::output::Field;
use crate::page::Rect;
use crate::reading::{Place, Reading, Slot, Span};
use crate::text;
use crate::values::manner::Manner;
use crate::values::{amounts, contacts, currencies, dates, identifiers};
use regex_lite::Regex;
use serde_json::Value;

use super::spec::{Kind, Spec};

/// Confidence of a well-formed value right behind its label.
const LABELLED: f32 = 0.85;
/// Confidence of a value that was found by its form alone.
const BY_FORM: f32 = 0.55;

/// Confidence of a value in a line that a pattern fits.
const BY_PATTERN: f32 = 0.75;

/// What a label in the document belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// The property with this index.
    Property(usize),
    /// Something else: it ends the values before it.
    Other,
}

/// The labels of a set of properties in a document.
pub struct Search<'d, 'p> {
    reading: &'d Reading<'p>,
    manner: Manner,
    labels: Labels<Target>,
}

struct Parsed {
    value: Value,
    range: std::ops::Range<usize>,
    /// Above 0 where the form itself is telling.
    quality: f32,
}

impl<'d, 'p> Search<'d, 'p> {
    /// Finds the labels of all properties; what is a label of business documents ends values, too.
    pub fn new(reading: &'d Reading<'p>, manner: Manner, specs: &[Spec]) -> Self {
        let business = lexicon::lexicon();
        let own = specs.iter().enumerate().flat_map(|(index, spec)| {
            spec.labels.iter().map(move |label| (Target::Property(index), label.as_str()))
        });
        // The same thing in other languages, where the business lexicon knows the name. Its words must be exact:
        // "member id" is not any number.
        let translated =
            specs.iter().enumerate().filter(|(_, spec)| !spec.has_own_labels).flat_map(|(index, spec)| {
                let known = spec.labels.iter().find_map(|label| {
                    business
                        .meaning(label)
                        .filter(|(concept, distance)| *distance == 0 && is_specific(*concept))
                });
                known.into_iter().flat_map(move |(concept, _)| {
                    lexicon::phrases(concept).map(move |phrase| (Target::Property(index), phrase))
                })
            });
        let others = ALL_CONCEPTS
            .iter()
            .flat_map(|concept| lexicon::phrases(*concept).map(|phrase| (Target::Other, phrase)));
        let lexicon = Lexicon::new(own.chain(translated).chain(others));
        Self { reading, manner, labels: Labels::find(reading, &lexicon) }
    }

    /// The value of the property with this index.
    pub fn find(&self, index: usize, spec: &Spec) -> Field {
        let labels = self.labels.of(Target::Property(index));
        let mut found: Vec<(f32, Field)> = labels.filter_map(|label| self.beside(label, spec)).collect();
        if let (true, Some(pattern)) = (found.is_empty(), &spec.anywhere) {
            found = self.anywhere(spec, pattern);
        }
        if found.is_empty() && !spec.has_own_labels {
            found = self.by_form(spec);
        }
        let best = found.into_iter().reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map_or_else(Field::missing, |(_, field)| field)
    }

    /// The value of this kind that a text has, normalised as the document writes numbers and dates.
    pub fn value(&self, kind: Kind, text: &str) -> Option<Value> {
        self.parse_kind(kind, text).map(|parsed| parsed.value)
    }

    /// The first well-formed value around a label.
    fn beside(&self, label: &Label<Target>, spec: &Spec) -> Option<(f32, Field)> {
        let slots = self.labels.slots(self.reading, label);
        let quality = if label.starts_segment { 0.0 } else { -0.2 }
            + if label.ends_sharply { 0.05 } else { 0.0 }
            - label.distance as f32 * 0.1;
        // The label itself says that a box is ticked.
        if spec.kind == Kind::Boolean
            && let Some(field) = self.tick(label)
        {
            return Some((LABELLED + quality, field));
        }
        for (rank, slot) in slots.iter().take(5).enumerate() {
            if spec.place.is_some_and(|place| place != slot.place) {
                continue;
            }
            let text = self.reading.slot_text(slot);
            let Some(parsed) = self.parse(spec, text) else { continue };
            let Some(span) =
                self.value_span(spec, slot, &parsed).filter(|span| self.is_in_area(spec, slot, span))
            else {
                continue;
            };
            let place = match slot.place {
                Place::Behind => 0.0,
                Place::Right => -0.02,
                Place::Below => -0.15,
            };
            let confidence =
                (LABELLED + quality + place + parsed.quality * 0.1 - rank as f32 * 0.03).clamp(0.2, 0.95);
            let value = if spec.lines > 1 && spec.kind == Kind::Text {
                Value::from(span.text.clone())
            } else {
                parsed.value
            };
            return Some((confidence, Field::read(value, confidence, &span)));
        }
        None
    }

    /// The place of a value; for a text of several lines with the lines below it.
    fn value_span(&self, spec: &Spec, slot: &Slot, parsed: &Parsed) -> Option<Span> {
        let range = slot.range.start + parsed.range.start..slot.range.start + parsed.range.end;
        let first = self.reading.span(slot.segment, range.clone())?;
        let printed = self.reading.segments().get(slot.segment)?.text.get(range)?.to_owned();
        let first = Span { text: printed, ..first };
        if spec.lines < 2 || spec.kind != Kind::Text {
            return Some(first);
        }
        let mut lines = vec![first.clone()];
        let mut last = first.bbox;
        for index in self.reading.below(slot.segment, &first.bbox) {
            let Some(segment) = self.reading.segments().get(index) else { break };
            let height = last.height().max(1.0);
            let aligned = (segment.bbox.x0 - first.bbox.x0).abs() < height * 1.5;
            if lines.len() >= spec.lines
                || !aligned
                || segment.bbox.y0 - last.y1 > height * 1.5
                || self.labels.starts(index)
            {
                break;
            }
            lines.extend(self.reading.segment_span(index));
            last = segment.bbox;
        }
        Span::join(&lines)
    }

    /// Values that their form alone tells: a pattern, an address, an account, one of the choices.
    fn by_form(&self, spec: &Spec) -> Vec<(f32, Field)> {
        let telling = spec.pattern.is_some()
            || spec.area.is_some()
            || !spec.choices.is_empty()
            || matches!(spec.kind, Kind::Email | Kind::Website | Kind::Iban);
        if !telling {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (index, segment) in self.reading.segments().iter().enumerate() {
            let slot = Slot { segment: index, range: 0..segment.text.len(), place: Place::Behind };
            let Some(parsed) = self.parse(spec, &segment.text) else { continue };
            let Some(span) =
                self.value_span(spec, &slot, &parsed).filter(|span| self.is_in_area(spec, &slot, span))
            else {
                continue;
            };
            let prose = if segment.word_count() > 9 { 0.1 } else { 0.0 };
            let confidence = BY_FORM + parsed.quality * 0.2 - prose;
            found.push((confidence, Field::read(parsed.value, confidence, &span)));
        }
        found
    }

    /// Values of the property's kind in lines that a pattern fits.
    fn anywhere(&self, spec: &Spec, pattern: &Regex) -> Vec<(f32, Field)> {
        let lines = self.reading.segments().iter().enumerate();
        let found = lines.filter_map(|(index, segment)| {
            let captures = pattern.captures(&segment.text)?;
            let part = captures.get(1).or_else(|| captures.get(0))?;
            let parsed = self.parse_kind(spec.kind, part.as_str())?;
            let range = part.start() + parsed.range.start..part.start() + parsed.range.end;
            let slot = Slot { segment: index, range: 0..segment.text.len(), place: Place::Behind };
            let span = self.reading.span(index, range).filter(|span| self.is_in_area(spec, &slot, span))?;
            Some((BY_PATTERN, Field::read(parsed.value, BY_PATTERN, &span)))
        });
        found.collect()
    }

    fn is_in_area(&self, spec: &Spec, slot: &Slot, span: &Span) -> bool {
        let pages = self.reading.pages();
        let page_index = self.reading.segments().get(slot.segment).map_or(0, |segment| segment.page);
        let Some(page) = pages.get(page_index) else { return false };
        let on_page = spec.page.is_none_or(|wanted| {
            let count = i64::try_from(pages.len()).unwrap_or(i64::MAX);
            let number = if wanted < 0 { count + 1 + wanted } else { wanted };
            i64::from(span.page) == number
        });
        let inside = spec.area.is_none_or(|[x0, y0, x1, y1]| {
            let area =
                Rect { x0: x0 * page.width, y0: y0 * page.height, x1: x1 * page.width, y1: y1 * page.height };
            (area.x0..=area.x1).contains(&span.bbox.center_x())
                && (area.y0..=area.y1).contains(&span.bbox.center_y())
        });
        on_page && inside
    }

    /// Reads a value of the property's kind from a text.
    fn parse(&self, spec: &Spec, text: &str) -> Option<Parsed> {
        if let Some(pattern) = &spec.pattern {
            let captures = pattern.captures(text)?;
            let found =
                captures.get(1).or_else(|| captures.get(0)).filter(|found| !found.range().is_empty())?;
            let inner = self.parse_kind(spec.kind, found.as_str()).filter(|_| spec.kind != Kind::Text);
            let value = inner.map_or_else(|| Value::from(found.as_str().trim()), |parsed| parsed.value);
            return Some(Parsed { value, range: found.range(), quality: 1.0 });
        }
        if !spec.choices.is_empty() {
            return choice(&spec.choices, text);
        }
        self.parse_kind(spec.kind, text)
            .filter(|parsed| spec.kind != Kind::Number || !is_rate(spec) || parsed.quality >= 0.0)
    }

    fn parse_kind(&self, kind: Kind, text: &str) -> Option<Parsed> {
        match kind {
            Kind::Number | Kind::Integer => self.parse_number(kind, text),
            Kind::Date => {
                let found = dates::find(text, self.manner.order).into_iter().next()?;
                Some(Parsed { value: Value::from(found.date.to_string()), range: found.range, quality: 0.8 })
            }
            Kind::Time => dates::find_time(text).map(|(time, range)| Parsed {
                value: Value::from(time),
                range,
                quality: 0.8,
            }),
            Kind::Email => contacts::find_email(text).map(|(value, range)| Parsed {
                value: Value::from(value),
                range,
                quality: 1.0,
            }),
            Kind::Website => contacts::find_website(text).map(|(value, range)| Parsed {
                value: Value::from(value),
                range,
                quality: 0.9,
            }),
            Kind::Phone => contacts::find_phone(text).map(|(value, range)| Parsed {
                value: Value::from(value),
                range,
                quality: 0.6,
            }),
            Kind::Iban => {
                let found = identifiers::find_iban(text)?;
                Some(Parsed {
                    value: Value::from(found.value),
                    range: found.range,
                    quality: if found.is_checked { 1.0 } else { 0.0 },
                })
            }
            Kind::Currency => {
                let code = *currencies::mentions(text).first()?;
                Some(Parsed { value: Value::from(code), range: 0..text.len(), quality: 0.5 })
            }
            Kind::Boolean => truth(text).map(|value| Parsed {
                value: Value::from(value),
                range: 0..text.len(),
                quality: 0.5,
            }),
            Kind::Text => plain(text),
            Kind::List => list(text),
            Kind::Object | Kind::Table | Kind::Grid | Kind::Pairs => None,
        }
    }

    fn parse_number(&self, kind: Kind, text: &str) -> Option<Parsed> {
        let found = amounts::find(text, self.manner.convention);
        let fits = |amount: &&amounts::Amount| kind == Kind::Number || amount.value.fract() == 0.0;
        let money = found.iter().filter(fits).find(|amount| amount.is_money());
        let amount = money.or_else(|| found.iter().find(fits));
        if let Some(amount) = amount {
            let quality = if amount.is_money() { 0.5 } else { 0.0 };
            return Some(Parsed { value: number(amount.value), range: amount.range.clone(), quality });
        }
        // Digits that are too many for an amount are a whole number's all the same.
        let bare = text.trim_matches(|c: char| !c.is_ascii_digit());
        let whole: i64 = (kind == Kind::Integer && bare.chars().all(|c| c.is_ascii_digit()))
            .then(|| bare.parse().ok())
            .flatten()?;
        let start = text.find(bare)?;
        Some(Parsed { value: Value::from(whole), range: start..start + bare.len(), quality: 0.0 })
    }

    /// A tick box beside a label: `[x] Paid`, `☒ Paid`.
    fn tick(&self, label: &Label<Target>) -> Option<Field> {
        let segment = self.reading.segments().get(label.segment)?;
        let before = segment.text.get(..label.range.start)?.trim();
        let after = segment.text.get(label.range.end..)?.trim();
        let ticked = [before, after].into_iter().find_map(box_state)?;
        let span = self.reading.segment_span(label.segment)?;
        Some(Field::read(Value::from(ticked), LABELLED, &span))
    }
}

/// Concepts whose phrases all mean one thing, so that they translate a name.
fn is_specific(concept: Concept) -> bool {
    !matches!(
        concept,
        Concept::Other
            | Concept::OtherNumber
            | Concept::OtherDate
            | Concept::NoTotal
            | Concept::Title
            | Concept::Tendered
            | Concept::TaxSummary
            | Concept::Registration
    )
}

const ALL_CONCEPTS: &[Concept] = &[
    Concept::DocumentNumber,
    Concept::OrderNumber,
    Concept::CustomerNumber,
    Concept::OtherNumber,
    Concept::DocumentDate,
    Concept::AnyDate,
    Concept::DueDate,
    Concept::OtherDate,
    Concept::Time,
    Concept::Subtotal,
    Concept::GrandTotal,
    Concept::Total,
    Concept::AmountDue,
    Concept::PaymentMethod,
    Concept::TaxId,
    Concept::CustomerTaxId,
    Concept::Iban,
    Concept::Bic,
    Concept::Phone,
    Concept::Email,
    Concept::Website,
    Concept::Customer,
    Concept::Delivery,
];

fn is_rate(spec: &Spec) -> bool {
    spec.words.ends_with("rate") || spec.words.ends_with("percent") || spec.words.ends_with("percentage")
}

/// Whether a text is a tick box, and ticked.
pub fn box_state(text: &str) -> Option<bool> {
    match text.trim_matches([' ', ':']) {
        "☒" | "☑" | "✓" | "✔" | "✗" | "✘" | "[x]" | "[X]" | "(x)" | "(X)" | "X" | "x" => {
            Some(true)
        }
        "☐" | "□" | "[ ]" | "[]" | "( )" => Some(false),
        _ => None,
    }
}

fn truth(text: &str) -> Option<bool> {
    if let Some(state) = box_state(text.trim()) {
        return Some(state);
    }
    let folded = text::words(text);
    match folded.split(' ').next().unwrap_or_default() {
        "yes" | "ja" | "oui" | "si" | "sim" | "true" | "y" | "tak" | "selected" | "checked" => Some(true),
        "no" | "nein" | "non" | "nee" | "nao" | "false" | "n" | "nie" | "unselected" | "unchecked" => {
            Some(false)
        }
        _ => None,
    }
}

/// The longest of the choices that the text has as words.
fn choice(choices: &[String], text: &str) -> Option<Parsed> {
    let lexicon = Lexicon::new(choices.iter().enumerate().map(|(index, choice)| (index, choice.as_str())));
    let found = lexicon.find_in(text).into_iter().max_by_key(|(range, ..)| range.len())?;
    let (range, index, distance) = found;
    let value = choices.get(index)?.clone();
    Some(Parsed { value: Value::from(value), range, quality: 0.8 - distance as f32 * 0.3 })
}

/// The text without the punctuation around it.
fn plain(text: &str) -> Option<Parsed> {
    let is_edge = |c: char| {
        c.is_whitespace()
            || matches!(c, ':' | ';' | '=' | '|' | '_' | '•' | '●' | '*' | '–' | '·' | '>' | '.' | ',')
    };
    let trimmed = text.trim_start_matches(|c: char| is_edge(c) || c == '-').trim_end_matches(is_edge);
    let start = text.find(trimmed)?;
    trimmed.chars().any(char::is_alphanumeric).then(|| Parsed {
        value: Value::from(trimmed),
        range: start..start + trimmed.len(),
        quality: 0.0,
    })
}

fn list(text: &str) -> Option<Parsed> {
    let parsed = plain(text)?;
    let trimmed = parsed.value.as_str()?;
    let values: Vec<Value> =
        trimmed.split([',', ';']).map(str::trim).filter(|part| !part.is_empty()).map(Value::from).collect();
    Some(Parsed { value: Value::from(values), ..parsed })
}
