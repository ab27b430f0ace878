//! The movements of a statement: rows of a table with a date and money in it, over all pages.

use ocriva_plugin_sdk::business::totals::number;
use ocriva_plugin_sdk::output::Cell;
use ocriva_plugin_sdk::page::Rect;
use ocriva_plugin_sdk::reading::{Reading, Span};
use ocriva_plugin_sdk::serde_json::Value;
use ocriva_plugin_sdk::table::{BodyRow, Piece, RawTable, Search};
use ocriva_plugin_sdk::values::dates::{self, Date};
use ocriva_plugin_sdk::values::manner::Manner;

use crate::balances::{self, Money};
use crate::columns::{self, Column};

/// Most movements of a statement.
const MAX_TRANSACTIONS: usize = 20_000;
/// Most lines of a movement's description.
const MAX_LINES: usize = 12;

/// A movement.
#[derive(Debug, Clone, Default)]
pub struct Transaction {
    /// Day of booking; that of the movement above where none is printed.
    pub date: Option<Day>,
    /// Day from which interest counts.
    pub value_date: Option<Day>,
    /// What is printed of it beside dates and amounts, line by line.
    pub description: Vec<Span>,
    /// Money in a column for what left.
    pub debit: Option<Money>,
    /// Money in a column for what came.
    pub credit: Option<Money>,
    /// Money in a column for both.
    pub amount: Option<Money>,
    /// Balance behind it.
    pub balance: Option<Money>,
    /// The movement with its sign.
    pub change: f64,
    /// Whether the balances say otherwise; `None` where there is nothing to compare.
    pub is_checked: Option<bool>,
    page: usize,
}

/// A day as it is printed.
#[derive(Debug, Clone)]
pub struct Day {
    /// The day.
    pub date: Date,
    /// Text and place.
    pub span: Span,
}

impl Transaction {
    /// The value of a column, and where it stands.
    pub fn value(&self, column: Column) -> (Value, Option<Span>) {
        let day = |day: &Option<Day>| {
            day.as_ref()
                .map_or((Value::Null, None), |day| (day.date.to_string().into(), Some(day.span.clone())))
        };
        let money = |money: &Option<Money>| {
            money
                .as_ref()
                .map_or((Value::Null, None), |money| (number(money.value.abs()), Some(money.span.clone())))
        };
        match column {
            Column::Date => day(&self.date),
            Column::ValueDate => day(&self.value_date),
            Column::Description => match Span::join(&self.description) {
                Some(span) => (Value::from(span.text.as_str()), Some(span)),
                None => (Value::Null, None),
            },
            Column::Debit => money(&self.debit),
            Column::Credit => money(&self.credit),
            Column::Amount => {
                let printed = self.amount.as_ref().or(self.debit.as_ref()).or(self.credit.as_ref());
                (number(self.change), printed.map(|money| money.span.clone()))
            }
            Column::Balance => {
                let balance = self.balance.as_ref();
                balance.map_or((Value::Null, None), |money| (number(money.value), Some(money.span.clone())))
            }
        }
    }

    /// A column as a cell of the table; what the balances contradict is half as certain.
    pub fn cell(&self, column: Column) -> Cell {
        let (value, span) = self.value(column);
        let doubt = if self.is_checked == Some(false) { 0.5 } else { 1.0 };
        match span {
            Some(span) => {
                Cell { text: span.text, bbox: Some(span.bbox), confidence: span.confidence * doubt }
            }
            None => Cell { text: value.as_str().unwrap_or_default().to_owned(), ..Cell::default() },
        }
    }

    /// The places it stands in.
    pub fn spans(&self) -> impl Iterator<Item = &Span> {
        let days = [&self.date, &self.value_date].into_iter().flatten().map(|day| &day.span);
        let money = [&self.debit, &self.credit, &self.amount, &self.balance].into_iter().flatten();
        days.chain(&self.description).chain(money.map(|money| &money.span))
    }
}

/// What the movements are read by.
pub struct Reader<'d, 'p> {
    /// The document.
    pub reading: &'d Reading<'p>,
    /// How it writes numbers and dates.
    pub manner: Manner,
    /// Last day of the statement, or the day of reading: what dates without a year are not after.
    pub until: Option<Date>,
    /// Whether a text says a balance rather than a movement.
    pub is_balance: &'d dyn Fn(&str) -> bool,
}

impl Reader<'_, '_> {
    /// Reads all movements, in the order they are printed.
    pub fn read(&self) -> Vec<Transaction> {
        let lexicon = columns::lexicon();
        let is_money_column = |column: Column| {
            matches!(column, Column::Debit | Column::Credit | Column::Amount | Column::Balance)
        };
        let search = Search {
            lexicon: &lexicon,
            is_heading: &|found: &[Column]| {
                let has_money = found.iter().any(|column| is_money_column(*column));
                has_money && (found.len() > 2 || found.contains(&Column::Date))
            },
            is_end: &|_| false,
            is_numeric: &is_money_column,
            convention: self.manner.convention,
        };
        let tables = search.run_on(self.reading, &|row| self.starts(row));
        let mut found = Vec::new();
        if tables.iter().any(|table| !table.rows.is_empty()) {
            for table in &tables {
                self.read_table(table, &mut found);
            }
        }
        if found.is_empty() {
            found = self.read_plain();
        }
        found
    }

    /// Whether a row of the document has a date at its start and money behind it.
    fn starts(&self, row: usize) -> bool {
        let text = self.reading.row_text(row);
        self.day_at_start(&text).is_some() && has_money(&text, self.manner)
    }

    fn read_table(&self, table: &RawTable<Column>, found: &mut Vec<Transaction>) {
        let mut last_date: Option<Day> = None;
        let mut is_open = false;
        for body in table.rows.iter().take(MAX_TRANSACTIONS.saturating_sub(found.len())) {
            if (self.is_balance)(&self.reading.row_text(body.row)) {
                is_open = false;
                continue;
            }
            let mut read = self.read_row(table, body);
            let has_money = read.debit.is_some() || read.credit.is_some() || read.amount.is_some();
            if has_money && (read.date.is_some() || last_date.is_some() && !read.description.is_empty()) {
                // A day is printed once for all of its movements.
                read.date = read.date.or_else(|| last_date.clone());
                // What has no date and no text of a movement is a sum below the table.
                last_date.clone_from(&read.date);
                is_open = true;
                read.page = table.page;
                found.push(read);
            } else if let Some(above) = found.last_mut().filter(|above| is_open && above.page == table.page) {
                let goes_on = read.date.is_none() && read.balance.is_none() && !has_money;
                if goes_on && above.description.len() < MAX_LINES {
                    above.description.extend(read.description);
                } else if read.balance.is_some() && above.balance.is_none() && read.date.is_none() {
                    above.balance = read.balance;
                } else {
                    is_open = false;
                }
            }
        }
    }

    fn read_row(&self, table: &RawTable<Column>, body: &BodyRow) -> Transaction {
        let mut read = Transaction::default();
        for piece in &body.pieces {
            let concept = concept_of(table, piece);
            let mut span = piece.span.clone();
            match concept {
                Some(Column::Date | Column::ValueDate) => {
                    for slot in [Column::Date, Column::ValueDate] {
                        let is_own = concept == Some(slot) || slot == Column::ValueDate;
                        let place = if slot == Column::Date { &mut read.date } else { &mut read.value_date };
                        if is_own
                            && place.is_none()
                            && let Some((day, rest)) = self.take_day(&span)
                        {
                            *place = Some(day);
                            span = rest;
                        }
                    }
                    read.add_text(span);
                }
                Some(column @ (Column::Debit | Column::Credit | Column::Amount | Column::Balance)) => {
                    let money = balances::money(&span, self.manner.convention);
                    let place = match column {
                        Column::Debit => &mut read.debit,
                        Column::Credit => &mut read.credit,
                        Column::Balance => &mut read.balance,
                        _ => &mut read.amount,
                    };
                    match (money, place) {
                        (Some(money), place @ None) => *place = Some(money),
                        (None, Some(money)) => {
                            if !money.take_mark(&span) {
                                read.add_text(span);
                            }
                        }
                        _ => read.add_text(span),
                    }
                }
                Some(Column::Description) | None => {
                    // Date and text read as one piece.
                    if read.date.is_none()
                        && read.description.is_empty()
                        && let Some((day, rest)) = self.take_day(&span)
                    {
                        read.date = Some(day);
                        span = rest;
                    }
                    read.add_text(span);
                }
            }
        }
        read.change = match (&read.debit, &read.credit, &read.amount) {
            (Some(debit), None, _) => -debit.value.abs(),
            (None, Some(credit), _) => credit.value.abs(),
            (Some(debit), Some(credit), _) => credit.value.abs() - debit.value.abs(),
            (None, None, amount) => amount.as_ref().map_or(0.0, |amount| amount.value),
        };
        read
    }

    /// Movements of a document without headings: rows that start with a date, with an amount and often a balance at
    /// the right.
    fn read_plain(&self) -> Vec<Transaction> {
        let mut found: Vec<(Transaction, Vec<Money>)> = Vec::new();
        for row in (0..self.reading.rows().len()).filter(|row| self.starts(*row)) {
            let Some(document_row) = self.reading.rows().get(row) else { continue };
            let mut read = Transaction { page: document_row.page, ..Transaction::default() };
            let mut money = Vec::new();
            let spans =
                document_row.segments.clone().filter_map(|segment| self.reading.segment_span(segment));
            for (index, mut span) in spans.enumerate() {
                if index == 0
                    && let Some((day, rest)) = self.take_day(&span)
                {
                    read.date = Some(day);
                    span = rest;
                }
                let is_amount = has_money(&span.text, self.manner)
                    && span.text.chars().filter(|c| c.is_alphabetic()).count() < 4;
                match balances::money(&span, self.manner.convention).filter(|_| is_amount) {
                    Some(amount) => money.push(amount),
                    None => read.add_text(span),
                }
            }
            if read.date.is_some() && !money.is_empty() && !(self.is_balance)(&self.reading.row_text(row)) {
                found.push((read, money));
            }
        }
        let with_balance = found.iter().filter(|(_, money)| money.len() > 1).count();
        let has_balances = with_balance * 2 > found.len();
        let finish = |(mut read, mut money): (Transaction, Vec<Money>)| {
            read.balance = if has_balances && money.len() > 1 { money.pop() } else { None };
            read.amount = money.pop();
            read.change = read.amount.as_ref().map_or(0.0, |amount| amount.value);
            read
        };
        found.into_iter().take(MAX_TRANSACTIONS).map(finish).collect()
    }

    /// The day that a piece starts with, and what is left of the piece.
    fn take_day(&self, span: &Span) -> Option<(Day, Span)> {
        let (date, end) = self.day_at_start(&span.text)?;
        let printed = span.text.get(..end)?.trim().to_owned();
        let rest = span.text.get(end..)?.trim().to_owned();
        Some((
            Day { date, span: Span { text: printed, ..span.clone() } },
            Span { text: rest, ..span.clone() },
        ))
    }

    /// The day at the start of a text, and the byte behind it.
    fn day_at_start(&self, text: &str) -> Option<(Date, usize)> {
        let found = dates::find(text, self.manner.order).into_iter().next();
        if let Some(found) = found.filter(|found| found.range.start <= 2) {
            return Some((found.date, found.range.end));
        }
        let (month, day, range) = dates::find_without_year(text, self.manner.order)?;
        let until = self.until?;
        let this_year = Date::new(until.year(), month, day);
        // A statement of January has days of December.
        let date =
            this_year.filter(|date| *date <= until).or_else(|| Date::new(until.year() - 1, month, day))?;
        Some((date, range.end))
    }
}

impl Transaction {
    fn add_text(&mut self, span: Span) {
        if span.text.chars().any(char::is_alphanumeric) {
            self.description.push(span);
        }
    }
}

/// What a piece's column means. A heading "Amount" over columns for debit and credit is none of its own: the nearer of
/// the two is meant.
fn concept_of(table: &RawTable<Column>, piece: &Piece) -> Option<Column> {
    let concept = table.columns.get(piece.column)?.concept?;
    let of = |wanted: Column| table.columns.iter().find(|column| column.concept == Some(wanted));
    let (Column::Amount, Some(debit), Some(credit)) = (concept, of(Column::Debit), of(Column::Credit)) else {
        return Some(concept);
    };
    let distance = |bbox: &Rect| {
        let edges = [bbox.x0 - piece.span.bbox.x0, bbox.x1 - piece.span.bbox.x1];
        edges.into_iter().map(f32::abs).fold(f32::MAX, f32::min)
    };
    Some(if distance(&debit.bbox) < distance(&credit.bbox) { Column::Debit } else { Column::Credit })
}

fn has_money(text: &str, manner: Manner) -> bool {
    let found = ocriva_plugin_sdk::values::amounts::find(text, manner.convention);
    found.iter().any(|amount| amount.is_money())
}
