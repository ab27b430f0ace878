//! The plugin `bank-statement`: account, period, balances and movements of statements, with the running balance as the
//! check.

mod balances;
mod check;
mod columns;
mod period;
#[cfg(test)]
mod tests;
mod transactions;

use ocriva_plugin_sdk::business::pages;
use ocriva_plugin_sdk::business::totals::number;
use ocriva_plugin_sdk::labels::Lexicon;
use ocriva_plugin_sdk::output::{Field, Table, Warning};
use ocriva_plugin_sdk::reading::{Reading, Span};
use ocriva_plugin_sdk::schema::{Kind, Known, Search, Spec, Wanted, without_hints};
use ocriva_plugin_sdk::serde_json::{self, Map, Value, json};
use ocriva_plugin_sdk::text;
use ocriva_plugin_sdk::values::currencies;
use ocriva_plugin_sdk::values::dates::{self, Order};
use ocriva_plugin_sdk::values::manner::Manner;
use ocriva_plugin_sdk::{Description, Document, Extractor, Failure, Output, Request, completion, register};

use balances::{Money, Which};
use check::Outcome;
use columns::Column;
use period::Period;
use transactions::{Reader, Transaction};

/// What a statement says, by the names of its fields; the hints say where they are printed.
const SCHEMA: &str = include_str!("schema.json");

/// Confidence of movements whose balances agree, of those without any, and the least.
const CHECKED: f32 = 0.97;
const UNCHECKED: f32 = 0.75;
const LEAST: f32 = 0.3;
/// Confidence of a balance beside its label, and of one that the balances of the movements give.
const LABELLED: f32 = 0.85;
const COMPUTED: f32 = 0.6;
/// What a check that is passed or failed changes.
const CHECK: f32 = 0.12;
/// Confidence of a currency that is mentioned somewhere.
const MENTIONED: f32 = 0.7;
/// Most warnings about rows.
const MAX_WARNINGS: usize = 20;

/// Balances inside a table that are neither at its start nor at its end.
const CARRIED: &[&str] = &[
    "balance carried forward",
    "carried forward",
    "balance brought forward",
    "brought forward",
    "balance c/f",
    "balance b/f",
    "subtotal",
    "total",
    "totals",
    "zwischensaldo",
    "übertrag",
    "saldovortrag",
    "summe",
    "a reporter",
    "report",
    "solde reporté",
    "suma y sigue",
    "saldo parcial",
    "riporto",
    "a riportare",
    "transport",
];

/// Words of banks' names.
const BANKS: &[&str] = &[
    "bank",
    "banque",
    "banco",
    "banca",
    "bankas",
    "banka",
    "sparkasse",
    "caisse",
    "caja",
    "cassa",
    "raiffeisen",
    "volksbank",
    "bancorp",
    "bankhaus",
];

/// Reads bank statements.
pub struct BankStatement;

impl Extractor for BankStatement {
    type Request = Request;

    fn describe() -> Description {
        let purpose =
            "Reads bank statements: account, period, balances and movements, checked by the balances";
        Description::new("bank-statement", env!("CARGO_PKG_VERSION"), purpose)
            .with_config_schema(completion::config_schema())
            .with_output_schema(without_hints(&own_schema()))
    }

    fn extract(document: &Document, request: Request) -> Result<Output, Failure> {
        let pages = pages(document)?;
        let reading = Reading::new(&pages);
        let wanted = Known::new(&own_schema()).wanted(request.schema.as_ref());
        let mut output = Statement::read(&reading, &request.today, &wanted).output(&wanted);
        completion::complete(document, &request.config, request.schema.as_ref(), &mut output);
        Ok(output)
    }
}

register!(BankStatement);

/// Whether a short line has a word for banks in it, and reads as a name.
fn is_bank(line: &str) -> bool {
    let words = text::words(line);
    let is_word = |word: &str| {
        BANKS.contains(&word) || word.len() > 6 && (word.ends_with("bank") || word.ends_with("sparkasse"))
    };
    let is_name = !line.contains([':', '@', '.']) && !line.chars().any(|c| c.is_ascii_digit());
    words.split(' ').count() <= 6 && is_name && words.split(' ').any(is_word) && !words.contains("statement")
}

fn own_schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap_or_default()
}

/// What a document says.
struct Statement<'d, 'p> {
    reading: &'d Reading<'p>,
    manner: Manner,
    period: Option<Period>,
    opening: Option<Money>,
    closing: Option<Money>,
    transactions: Vec<Transaction>,
    outcome: Outcome,
}

impl<'d, 'p> Statement<'d, 'p> {
    fn read(reading: &'d Reading<'p>, today: &str, wanted: &[Wanted]) -> Self {
        let manner = reading.manner();
        let own = Known::new(&own_schema()).wanted(None);
        let labels = |name: &str| -> Vec<String> {
            let same = wanted.iter().chain(&own).filter(|wanted| wanted.known.as_deref() == Some(name));
            same.flat_map(|wanted| wanted.spec.labels.iter().cloned()).collect()
        };
        let (opening_labels, closing_labels) = (labels("openingBalance"), labels("closingBalance"));
        let opening = balances::labelled(reading, &opening_labels, Which::First, manner.convention);
        let closing = balances::labelled(reading, &closing_labels, Which::Last, manner.convention);
        let period = period::find(reading, manner.order);
        let until = period.as_ref().map(|period| period.end.0);
        let until = until.or_else(|| dates::parse(today, Order::DayFirst).map(|found| found.date));
        let balance_words = Lexicon::new(
            opening_labels
                .iter()
                .chain(&closing_labels)
                .map(String::as_str)
                .chain(CARRIED.iter().copied())
                .map(|label| ((), label)),
        );
        let is_balance = |text: &str| {
            // "Balance" alone may be a word of a movement: the phrase stands at the start, behind a date at most.
            balance_words.find_in(text).first().is_some_and(|(range, ..)| {
                let before = text.get(..range.start).unwrap_or_default();
                !before.chars().any(char::is_alphabetic) || dates::parse(before, manner.order).is_some()
            })
        };
        let mut transactions = Reader { reading, manner, until, is_balance: &is_balance }.read();
        let value = |money: &Option<Money>| money.as_ref().map(|money| money.value);
        let outcome = check::check(&mut transactions, value(&opening), value(&closing));
        Self { reading, manner, period, opening, closing, transactions, outcome }
    }

    fn output(&self, wanted: &[Wanted]) -> Output {
        let specs: Vec<Spec> = wanted.iter().map(|wanted| wanted.spec.clone()).collect();
        let search = Search::new(self.reading, self.manner, &specs);
        let (before, behind) = check::ends(&self.transactions, self.outcome.is_newest_first);
        let mut output = Output::default();
        for (index, Wanted { spec, known }) in wanted.iter().enumerate() {
            if let Some(problem) = &spec.problem {
                output.warnings.push(Warning::about(&spec.name, "bad_pattern", problem.clone()));
            }
            let find = || search.find(index, spec);
            let day = |found: Option<&(dates::Date, Span)>| {
                found.map_or_else(find, |(date, span)| Field::read(date.to_string(), LABELLED, span))
            };
            let field = match known.as_deref() {
                Some("periodStart") => day(self.period.as_ref().map(|period| &period.start)),
                Some("periodEnd") => day(self.period.as_ref().map(|period| &period.end)),
                Some("openingBalance") => self.balance(self.opening.as_ref(), before),
                Some("closingBalance") => self.balance(self.closing.as_ref(), behind),
                Some("currency") => self.currency(find()),
                Some("bankName") => self.bank(find()),
                Some("checks") => self.checks(),
                Some("transactions") if spec.kind == Kind::Table => self.transactions(spec, &mut output),
                _ => find(),
            };
            output.fields.insert(spec.name.clone(), field);
        }
        let name_of = |known: &str| {
            wanted
                .iter()
                .find(|wanted| wanted.known.as_deref() == Some(known))
                .map_or(known, |wanted| wanted.spec.name.as_str())
                .to_owned()
        };
        output.warnings.extend(self.warnings(&name_of("transactions"), &name_of("closingBalance")));
        output
    }

    fn balance(&self, printed: Option<&Money>, computed: Option<f64>) -> Field {
        match (printed, computed) {
            (Some(money), _) => {
                let mut field = Field::read(number(money.value), LABELLED, &money.span);
                match self.outcome.closing {
                    Some(true) => field.adjust(CHECK),
                    Some(false) => field.adjust(-2.0 * CHECK),
                    None => {}
                }
                field
            }
            (None, Some(value)) => Field::computed(number(value), COMPUTED),
            (None, None) => Field::missing(),
        }
    }

    /// The bank beside its label, else the first line that names one: "Bank of Zenith" has no label.
    fn bank(&self, labelled: Field) -> Field {
        let is_labelled = labelled.bbox.is_some_and(|found| {
            self.reading.segments().iter().any(|segment| {
                segment.bbox.overlap_y(&found) > 0.0
                    && segment.bbox.overlap_x(&found) > -found.height() * 20.0
                    && segment.text.contains(':')
            })
        });
        if is_labelled {
            return labelled;
        }
        let segments = self.reading.segments().iter().enumerate().filter(|(_, segment)| segment.page == 0);
        let named = segments.filter(|(_, segment)| is_bank(&segment.text)).find_map(|(index, _)| {
            let span = self.reading.segment_span(index)?;
            Some(Field::read(span.text.as_str(), MENTIONED, &span))
        });
        named.unwrap_or(labelled)
    }

    /// The currency beside its label, else the one that is mentioned most.
    fn currency(&self, labelled: Field) -> Field {
        if !labelled.is_missing() {
            return labelled;
        }
        let mut counts: Vec<(&str, usize, usize)> = Vec::new();
        for (index, segment) in self.reading.segments().iter().enumerate() {
            for code in currencies::mentions(&segment.text) {
                match counts.iter_mut().find(|(known, ..)| *known == code) {
                    Some((_, count, _)) => *count += 1,
                    None => counts.push((code, 1, index)),
                }
            }
        }
        let most = counts.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best });
        let field = most.and_then(|(code, _, segment)| {
            Some(Field::read(code, MENTIONED, &self.reading.segment_span(segment)?))
        });
        field.unwrap_or_else(Field::missing)
    }

    fn checks(&self) -> Field {
        if self.transactions.is_empty() {
            return Field::missing();
        }
        let value = json!({"runningBalance": self.outcome.running, "closingBalance": self.outcome.closing});
        Field::computed(value, CHECKED)
    }

    /// The movements under the names that the schema gives their columns.
    fn transactions(&self, spec: &Spec, output: &mut Output) -> Field {
        let lexicon = columns::lexicon();
        let named: Vec<(String, Option<Column>)> = spec
            .children
            .iter()
            .map(|child| {
                let own =
                    columns::ALL.iter().find(|(_, name)| *name == child.name).map(|(column, _)| *column);
                let column = own.or_else(|| lexicon.meaning(&child.words).map(|(column, _)| column));
                (child.name.clone(), column)
            })
            .collect();
        let spans: Vec<&Span> = self.transactions.iter().flat_map(Transaction::spans).collect();
        let Some(first) = spans.first() else { return Field::missing() };
        let on_page = spans.iter().filter(|span| span.page == first.page).map(|span| span.bbox);
        let bbox = on_page.reduce(|left, right| left.union(&right)).unwrap_or(first.bbox);
        let object = |transaction: &Transaction| {
            let values = named.iter().map(|(name, column)| {
                (name.clone(), column.map_or(Value::Null, |column| transaction.value(column).0))
            });
            Value::Object(values.collect::<Map<String, Value>>())
        };
        let objects: Vec<Value> = self.transactions.iter().map(object).collect();
        output.tables.push(Table {
            name: Some(spec.name.clone()),
            page: first.page,
            bbox: Some(bbox),
            columns: named.iter().map(|(name, _)| name.clone()).collect(),
            rows: self
                .transactions
                .iter()
                .map(|transaction| {
                    let cell = |column: &Option<Column>| column.map(|column| transaction.cell(column));
                    named.iter().map(|(_, column)| cell(column).unwrap_or_default()).collect()
                })
                .collect(),
        });
        let whole = Span { bbox, ..(*first).clone() };
        Field { text: None, ..Field::read(objects, self.certainty(), &whole) }
    }

    /// How sure the movements are: by the share of them that the balances confirm or contradict.
    fn certainty(&self) -> f32 {
        let count = self.transactions.len().max(1) as f32;
        let compared =
            self.transactions.iter().filter(|transaction| transaction.is_checked.is_some()).count();
        let broken = self.outcome.broken.len() as f32 / count;
        let base = match self.outcome.closing {
            Some(true) => CHECKED,
            _ => UNCHECKED + (CHECKED - UNCHECKED) * compared as f32 / count,
        };
        let failed =
            if self.outcome.closing == Some(false) && self.outcome.broken.is_empty() { CHECK } else { 0.0 };
        (base - 0.6 * broken - failed).max(LEAST)
    }

    fn warnings(&self, transactions: &str, closing: &str) -> Vec<Warning> {
        let broken = self.outcome.broken.iter().filter_map(|(index, expected)| {
            let transaction = self.transactions.get(*index)?;
            let printed = transaction.balance.as_ref()?;
            let message = format!(
                "the balance of row {} is {:.2}, by the movements it is {expected:.2}",
                index + 1,
                printed.value
            );
            let page = Some(printed.span.page);
            Some(Warning { page, ..Warning::about(transactions, "balance_mismatch", message) })
        });
        let mut warnings: Vec<Warning> = broken.take(MAX_WARNINGS).collect();
        if let (Some(false), Some(opening), Some(end)) = (self.outcome.closing, &self.opening, &self.closing)
        {
            let sum: f64 = self.transactions.iter().map(|transaction| transaction.change).sum();
            let message = format!(
                "the closing balance is {:.2}, by the movements it is {:.2}",
                end.value,
                opening.value + sum
            );
            warnings.push(Warning::about(closing, "closing_balance_mismatch", message));
        }
        warnings
    }
}
