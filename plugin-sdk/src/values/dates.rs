//! Dates in many languages and orders.
//!
//! Whether `03/04/2017` is in March or in April is decided for the whole document ([`Order::infer`]): one date such
//! as `11/17/2017` settles it.

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use crate::text;

/// Years outside of this range make a date implausible: nobody who has a document was born before.
const YEARS: Range<i32> = 1900..2100;
/// What the Thai calendar is ahead of the common era.
const BUDDHIST_ERA: i32 = 543;

/// A day of the Gregorian calendar; prints as `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i32,
    month: u32,
    day: u32,
}

impl Date {
    /// The date, if such a day exists and its year is plausible. Years of two digits are of this century up to 69;
    /// years after 2400 are of the Buddhist era.
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        let year = match year {
            0..70 => year + 2000,
            70..100 => year + 1900,
            2400.. => year - BUDDHIST_ERA,
            _ => year,
        };
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        ((1..=days).contains(&day) && YEARS.contains(&year)).then_some(Self { year, month, day })
    }

    /// Year of the common era.
    pub fn year(self) -> i32 {
        self.year
    }

    /// Month, from 1.
    pub fn month(self) -> u32 {
        self.month
    }

    /// Day of the month, from 1.
    pub fn day(self) -> u32 {
        self.day
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// What stands first in dates of three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// `31/12/2018`
    #[default]
    DayFirst,
    /// `12/31/2018`
    MonthFirst,
}

impl Order {
    /// Infers the order from the dates that allow only one; `fallback` where there are none.
    pub fn infer<'a>(texts: impl Iterator<Item = &'a str>, fallback: Self) -> Self {
        let (mut day_first, mut month_first) = (0, 0);
        for text in texts {
            for found in find(text, Self::DayFirst) {
                match found.evidence {
                    Some(Self::DayFirst) => day_first += 1,
                    Some(Self::MonthFirst) => month_first += 1,
                    None => {}
                }
            }
        }
        match (day_first, month_first) {
            (0, 0) => fallback,
            _ if month_first > day_first => Self::MonthFirst,
            _ => Self::DayFirst,
        }
    }
}

/// A date found in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The day.
    pub date: Date,
    /// Bytes of the text.
    pub range: Range<usize>,
    /// Whether the order of day and month was chosen, not read.
    pub is_ambiguous: bool,
    evidence: Option<Order>,
}

/// Month names by their first letters, folded; the longest match wins. English, German, French, Spanish, Italian,
/// Dutch, Portuguese, Polish, Scandinavian, Finnish, Czech, Romanian, Hungarian, Turkish, Indonesian and Thai.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen", "styczn", "stycz", "tammi", "led", "ian", "oca", "มกราคม", "มค"],
    &["feb", "fev", "fevr", "febbr", "lut", "helmi", "unor", "unora", "sub", "กมภาพนธ", "กุมภาพันธ", "กพ"],
    &["mar", "mrz", "maerz", "mrt", "maart", "maa", "mars", "brez", "marc", "มนาคม", "มีนาคม", "มีค"],
    &["apr", "avr", "abr", "kwi", "huhti", "dub", "nis", "เมษายน", "เมย"],
    &["may", "mai", "mei", "mag", "maj", "maio", "mayo", "touko", "kvet", "พฤษภาคม", "พค"],
    &["jun", "juin", "giu", "czerw", "cze", "kesa", "cerv", "iun", "haz", "มถนายน", "มิถุนายน", "มิย"],
    &["jul", "juil", "lug", "lip", "heina", "cervenc", "iul", "tem", "กรกฎาคม", "กค"],
    &["aug", "aou", "ago", "aout", "sier", "elo", "srp", "agu", "agt", "สงหาคม", "สิงหาคม", "สค"],
    &["sep", "set", "wrz", "syys", "zar", "eyl", "szept", "กนยายน", "กันยายน", "กย"],
    &["oct", "okt", "out", "ott", "paz", "loka", "rij", "eki", "ตลาคม", "ตุลาคม", "ตค"],
    &["nov", "nop", "lis", "marras", "list", "kas", "พฤศจกายน", "พฤศจิกายน", "พย"],
    &["dec", "dez", "dic", "des", "gru", "joulu", "pros", "ara", "deb", "ธนวาคม", "ธันวาคม", "ธค"],
];

/// Finds dates in a text, from left to right.
pub fn find(text: &str, order: Order) -> Vec<Found> {
    let tokens = tokens(text);
    let mut found: Vec<Found> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let rest = tokens.get(at..).unwrap_or_default();
        match numeric(text, rest, order).or_else(|| named(text, rest)).or_else(|| packed(rest)) {
            Some((date, used)) => {
                found.push(date);
                at += used;
            }
            None => at += 1,
        }
    }
    found
}

/// The date that a text is, with nothing else but a time of day or a weekday beside it.
pub fn parse(text: &str, order: Order) -> Option<Found> {
    find(text, order).into_iter().next()
}

/// The day and month at the start of a text that gives no year (`03.03.`, `15/03`, `3 Mar`): month, day and bytes.
pub fn find_without_year(text: &str, order: Order) -> Option<(u32, u32, Range<usize>)> {
    let tokens = tokens(text);
    let number = |index: usize| match tokens.get(index)?.kind {
        Kind::Number { value, digits } if digits <= 2 => u32::try_from(value).ok(),
        _ => None,
    };
    let word = |index: usize| match &tokens.get(index)?.kind {
        Kind::Word(word) => month_of(word),
        _ => None,
    };
    let mark = |index: usize| match tokens.get(index)?.kind {
        Kind::Mark(mark @ ('.' | '/' | '-')) => Some(mark),
        _ => None,
    };
    let begin = tokens.first()?.range.start;
    let (month, day, last) = if let (Some(day), Some(month)) = (number(0), word(1)) {
        (month, day, 1)
    } else if let (Some(day), Some('.'), Some(month)) = (number(0), mark(1), word(2)) {
        (month, day, 2)
    } else if let (Some(month), Some(day)) = (word(0), number(1)) {
        (month, day, 1)
    } else {
        let (first, sign, second) = (number(0)?, mark(1)?, number(2)?);
        // "12.50" is an amount; a date with points has one behind the month as well.
        let ends = mark(3) == Some('.');
        if sign == '.' && !ends {
            return None;
        }
        let last = if ends { 3 } else { 2 };
        match order {
            Order::MonthFirst if sign != '.' && first <= 12 => (first, second, last),
            _ => (second, first, last),
        }
    };
    // A leap year, so that the 29th of February is one.
    Date::new(2000, month, day)?;
    let end = tokens.get(last)?.range.end;
    let glued = text.get(end..)?.starts_with(|c: char| c.is_alphanumeric());
    (!glued && begin <= 2).then_some((month, day, begin..end))
}

/// Finds a time of day (`14:05`, `2:05:10 PM`, `18h30`) and returns it as `HH:MM` or `HH:MM:SS` with its bytes.
pub fn find_time(text: &str) -> Option<(String, Range<usize>)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let starts = bytes.get(at).is_some_and(u8::is_ascii_digit)
            && !at
                .checked_sub(1)
                .and_then(|before| bytes.get(before))
                .is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b':' | b'-'));
        if starts && let Some(found) = time_at(text, at) {
            return Some(found);
        }
        at += 1;
    }
    None
}

fn time_at(text: &str, start: usize) -> Option<(String, Range<usize>)> {
    let (hour, at) = digits_at(text, start, 2)?;
    let sign = text.get(at..)?.chars().next().filter(|c| matches!(c, ':' | 'h' | '.'))?;
    let (minute, mut end) = digits_at(text, at + 1, 2).filter(|(_, end)| *end == at + 3)?;
    let mut second = None;
    if text.get(end..).is_some_and(|rest| rest.starts_with(sign))
        && let Some((value, after)) = digits_at(text, end + 1, 2).filter(|(_, after)| *after == end + 3)
    {
        second = Some(value);
        end = after;
    }
    // "10.25" alone is an amount; with seconds it is a time.
    if sign == '.' && second.is_none() {
        return None;
    }
    let rest = text.get(end..)?;
    let half = rest.trim_start().get(..2).map(str::to_uppercase).filter(|half| half == "AM" || half == "PM");
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let hour = match half.as_deref() {
        Some("PM") if hour < 12 => hour + 12,
        Some("AM") if hour == 12 => 0,
        _ => hour,
    };
    if half.is_some() {
        end += rest.len() - rest.trim_start().len() + 2;
    }
    let valid = hour < 24 && minute < 60 && second.is_none_or(|second| second < 60);
    let seconds = second.map(|second| format!(":{second:02}")).unwrap_or_default();
    valid.then(|| (format!("{hour:02}:{minute:02}{seconds}"), start..end))
}

fn digits_at(text: &str, start: usize, most: usize) -> Option<(u32, usize)> {
    let digits: String = text.get(start..)?.chars().take_while(char::is_ascii_digit).take(most).collect();
    Some((digits.parse().ok()?, start + digits.len()))
}

#[derive(Debug, Clone)]
struct Token {
    kind: Kind,
    range: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Number { value: i32, digits: usize },
    Word(String),
    Mark(char),
}

/// Numbers, words and punctuation of a text; spaces are left out. Letters and digits that touch are apart
/// (`05JAN2017`), and look-alike letters inside a number are digits (`2O17`).
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut characters = text.char_indices().peekable();
    while let Some((start, c)) = characters.next() {
        let mut end = start + c.len_utf8();
        if c.is_ascii_digit() {
            while let Some(&(at, next)) = characters.peek() {
                let misread = matches!(next, 'O' | 'o')
                    && text
                        .get(at + 1..)
                        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == 'O'));
                if !next.is_ascii_digit() && !misread {
                    break;
                }
                end = at + 1;
                characters.next();
            }
            let digits: String = text.get(start..end).unwrap_or_default().replace(['O', 'o'], "0");
            let value = digits.parse().unwrap_or(i32::MAX);
            tokens.push(Token { kind: Kind::Number { value, digits: digits.len() }, range: start..end });
        } else if is_letter(c) {
            while let Some(&(at, next)) = characters.peek().filter(|(_, next)| is_letter(*next)) {
                end = at + next.len_utf8();
                characters.next();
            }
            tokens.push(Token {
                kind: Kind::Word(text::compact(text.get(start..end).unwrap_or_default())),
                range: start..end,
            });
        } else if !c.is_whitespace() {
            tokens.push(Token { kind: Kind::Mark(c), range: start..end });
        }
    }
    tokens
}

/// Letters, with the vowel and tone marks of Thai.
fn is_letter(c: char) -> bool {
    c.is_alphabetic() || ('\u{e31}'..='\u{e4e}').contains(&c)
}

/// Three numbers with the same mark between them.
fn numeric(text: &str, tokens: &[Token], order: Order) -> Option<(Found, usize)> {
    let number = |index: usize| match tokens.get(index)?.kind {
        Kind::Number { value, digits } if digits <= 4 => Some((value, digits)),
        _ => None,
    };
    let mark = |index: usize| match tokens.get(index)?.kind {
        Kind::Mark(mark @ ('/' | '.' | '\'')) => Some(mark),
        // Dashes of any kind, as they are printed or recognised.
        Kind::Mark('-' | '–' | '−' | '~' | '_') => Some('-'),
        _ => None,
    };
    if let Some(found) = ideographic(tokens) {
        return Some(found);
    }
    let (first, first_digits) = number(0)?;
    let spaced = mark(1).is_none();
    let (second_at, third_at, used) = if spaced { (1, 2, 3) } else { (2, 4, 5) };
    let (second, second_digits) = number(second_at)?;
    let (third, third_digits, end) = last_number(tokens, third_at)?;
    if !spaced && mark(3)? != mark(1)? {
        return None;
    }
    let range = tokens.first()?.range.start..end;
    if follows_code(text, range.start) {
        return None;
    }
    let printed = text.get(range.clone())?;
    // "1. 2. 3" is a list; "20 17 2018" without marks needs four digits at one end; more spaces are a table.
    let four = first_digits == 4 || third_digits == 4;
    let too_loose = printed.matches(' ').count() > 4 || (spaced && !(four && second_digits == 2));
    let continues = tokens.get(used).is_some_and(|next| {
        next.range.start == range.end && (next.kind == Kind::Mark('/') || matches!(next.kind, Kind::Mark('-' | '.')) && matches!(tokens.get(used + 1), Some(Token { kind: Kind::Number { .. }, range: after }) if after.start == next.range.end && third_digits != 4))
    });
    if too_loose || second_digits > 2 || continues {
        return None;
    }
    let unsigned = |value: i32| u32::try_from(value).ok();
    let found = |date: Date, evidence: Option<Order>, is_ambiguous: bool| {
        Some((Found { date, range: range.clone(), is_ambiguous, evidence }, used))
    };
    if first_digits == 4 {
        return found(Date::new(first, unsigned(second)?, unsigned(third)?)?, None, false);
    }
    if first_digits > 2 || (third_digits != 4 && third_digits != 2) {
        return None;
    }
    let day_first = Date::new(third, unsigned(second)?, unsigned(first)?);
    let month_first = Date::new(third, unsigned(first)?, unsigned(second)?);
    // Two digits all over may also start with the year: only where nothing else fits.
    let year_first = (third_digits == 2 && first_digits == 2)
        .then(|| Date::new(first, unsigned(second)?, unsigned(third)?))
        .flatten();
    // Points as marks put the day first wherever they are used.
    let order = if mark(1) == Some('.') { Order::DayFirst } else { order };
    match (day_first, month_first, order) {
        (Some(date), Some(other), Order::DayFirst) => found(date, None, date != other),
        (Some(other), Some(date), Order::MonthFirst) => found(date, None, date != other),
        (Some(date), None, _) => found(date, (mark(1) != Some('.')).then_some(Order::DayFirst), false),
        (None, Some(date), _) => found(date, Some(Order::MonthFirst), false),
        (None, None, _) => found(year_first?, None, true),
    }
}

/// The last number of a date, its digits and the byte behind it; the hour may be glued to a year (`201815:28`).
fn last_number(tokens: &[Token], at: usize) -> Option<(i32, usize, usize)> {
    let token = tokens.get(at)?;
    let Kind::Number { value, digits } = token.kind else { return None };
    let hour = matches!(tokens.get(at + 1), Some(Token { kind: Kind::Mark(':'), .. }));
    match digits {
        0..=4 => Some((value, digits, token.range.end)),
        5 if hour => Some((value / 10, 4, token.range.start + 4)),
        6 if hour => Some((value / 100, 4, token.range.start + 4)),
        _ => None,
    }
}

/// Whether one to three letters touch what starts at `start`: an article number such as `HD03-04-06`, not `DATE25/12/2018`.
fn follows_code(text: &str, start: usize) -> bool {
    let before = text.get(..start).unwrap_or_default();
    let letters = before.chars().rev().take_while(|c| c.is_alphabetic()).count();
    (1..=3).contains(&letters)
}

/// `2018年12月25日`
fn ideographic(tokens: &[Token]) -> Option<(Found, usize)> {
    let number = |index: usize| match tokens.get(index)?.kind {
        Kind::Number { value, .. } => Some(value),
        _ => None,
    };
    let is = |index: usize, words: &[&str]| {
        matches!(&tokens.get(index)?.kind, Kind::Word(word) if words.contains(&word.as_str())).then_some(())
    };
    is(1, &["年", "년"])?;
    is(3, &["月", "월"])?;
    let date = Date::new(number(0)?, u32::try_from(number(2)?).ok()?, u32::try_from(number(4)?).ok()?)?;
    Some((
        Found {
            date,
            range: tokens.first()?.range.start..tokens.get(4)?.range.end,
            is_ambiguous: false,
            evidence: None,
        },
        5,
    ))
}

/// Dates with a month name: `7. Mai 2014`, `August 3 , 2014`, `1er juillet 2015`, `25 de diciembre de 2018`,
/// `01-NOV-2017`.
fn named(text: &str, tokens: &[Token]) -> Option<(Found, usize)> {
    let start = tokens.first()?.range.start;
    let (day, month, mut at) = match &tokens.first()?.kind {
        Kind::Number { value, digits } if *digits <= 2 => {
            let at = skip(tokens, 1, &["st", "nd", "rd", "th", "er", "de", "of", "ส", "den"]);
            let Kind::Word(word) = &tokens.get(at)?.kind else { return None };
            (*value, month_of(word)?, at + 1)
        }
        Kind::Word(word) => {
            let month = month_of(word)?;
            let at = skip(tokens, 1, &[]);
            let Kind::Number { value, digits } = tokens.get(at)?.kind else { return None };
            if digits > 2 {
                return None;
            }
            (value, month, skip_only(tokens, at + 1, &["st", "nd", "rd", "th"]))
        }
        _ => return None,
    };
    at = skip(tokens, at, &["de", "del", "of", "พศ"]);
    let Token { kind: Kind::Number { value: year, digits }, range } = tokens.get(at)? else { return None };
    if *digits != 4 && *digits != 2 || text.get(start..range.end)?.len() > 40 {
        return None;
    }
    let date = Date::new(*year, month, u32::try_from(day).ok()?)?;
    Some((Found { date, range: start..range.end, is_ambiguous: false, evidence: None }, at + 1))
}

/// Eight digits, as `20181225`, or `25122018` where marks were not recognised.
fn packed(tokens: &[Token]) -> Option<(Found, usize)> {
    let Token { kind: Kind::Number { value, digits: 8 }, range } = tokens.first()? else { return None };
    let part = |divisor: i32, modulus: i32| u32::try_from(value / divisor % modulus).ok();
    let year_first = Date::new(value / 10_000, part(100, 100)?, part(1, 100)?)
        .filter(|_| (19_500_000..21_000_000).contains(value));
    let day_first = || {
        Date::new(value % 10_000, part(10_000, 100)?, part(1_000_000, 100)?)
            .filter(|_| (1990..2060).contains(&(value % 10_000)))
    };
    let date = year_first.or_else(day_first)?;
    Some((Found { date, range: range.clone(), is_ambiguous: true, evidence: None }, 1))
}

/// Skips marks and the given words.
fn skip(tokens: &[Token], from: usize, words: &[&str]) -> usize {
    let rest = tokens.get(from..).unwrap_or_default();
    let skipped = rest.iter().take(4).take_while(|token| match &token.kind {
        Kind::Mark(mark) => matches!(mark, '.' | ',' | '-' | '/' | '\'' | 'º' | 'ª' | '–' | '°'),
        Kind::Word(word) => words.contains(&word.as_str()),
        Kind::Number { .. } => false,
    });
    from + skipped.count()
}

fn skip_only(tokens: &[Token], from: usize, words: &[&str]) -> usize {
    let skipped = matches!(tokens.get(from).map(|token| &token.kind), Some(Kind::Word(word)) if words.contains(&word.as_str()));
    from + usize::from(skipped)
}

/// The month a folded word names, by its first letters.
fn month_of(word: &str) -> Option<u32> {
    let length = word.chars().count();
    if length < 2 || (length < 3 && word.is_ascii()) || length > 14 {
        return None;
    }
    // Every word of a document is asked about: the names are folded once.
    static NAMES: LazyLock<Vec<(String, usize, usize)>> = LazyLock::new(|| {
        let named = MONTHS.iter().enumerate();
        named
            .flat_map(|(index, names)| names.iter().map(move |name| (text::compact(name), name.len(), index)))
            .collect()
    });
    NAMES
        .iter()
        .filter(|(name, ..)| {
            word.starts_with(name.as_str()) && (length == name.chars().count() || length > 3)
        })
        .max_by_key(|(_, printed, _)| *printed)
        .and_then(|(.., index)| u32::try_from(index + 1).ok())
        .filter(|_| !NOT_MONTHS.contains(&word))
}

/// Words that start like a month and stand beside numbers.
const NOT_MONTHS: &[&str] = &[
    "market", "mart", "mark", "marked", "junction", "junior", "separate", "setia", "list", "order", "mayor",
    "segment", "decimal", "article", "general", "ledger", "lista",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_read_in_many_languages_and_orders() {
        let cases = [
            ("25/12/2018 8:13:39 PM", "2018-12-25"),
            ("19-09-17 15:39", "2017-09-19"),
            ("2020-11-21", "2020-11-21"),
            ("7. Mai 2014", "2014-05-07"),
            ("August 3 , 2014", "2014-08-03"),
            ("February 19th, 2019", "2019-02-19"),
            ("05 JAN 2017 12:41PM", "2017-01-05"),
            ("05JAN2017", "2017-01-05"),
            ("01-NOV-2017", "2017-11-01"),
            ("02 Juillet 2015", "2015-07-02"),
            ("1er février 2020", "2020-02-01"),
            ("25 de diciembre de 2018", "2018-12-25"),
            ("19 april 2014", "2014-04-19"),
            ("3 marzo 2021", "2021-03-03"),
            ("12 października 2019", "2019-10-12"),
            ("2018年12月25日", "2018-12-25"),
            ("15 สิงหาคม 2562", "2019-08-15"),
            ("31.01.2014", "2014-01-31"),
            ("28 Agustus 2019", "2019-08-28"),
            ("11/17/2017", "2017-11-17"),
            ("03/02/201815:28", "2018-02-03"),
            ("05~05-17", "2017-05-05"),
            ("27032018", "2018-03-27"),
            ("DATE25/12/2018", "2018-12-25"),
        ];
        for (text, expected) in cases {
            let found = parse(text, Order::DayFirst).map(|found| found.date.to_string());
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn dates_without_a_year_have_a_day_and_a_month() {
        let found = |text: &str| find_without_year(text, Order::DayFirst).map(|(month, day, _)| (month, day));
        assert_eq!(found("03.12. Rent"), Some((12, 3)));
        assert_eq!(found("15/03 Salary"), Some((3, 15)));
        assert_eq!(found("3 Mar Salary"), Some((3, 3)));
        assert_eq!(found("Feb 29 Salary"), Some((2, 29)));
        assert_eq!(
            find_without_year("03/15", Order::MonthFirst).map(|(month, day, _)| (month, day)),
            Some((3, 15))
        );
        for text in ["12.50", "31.02.", "Rent 03.12.", "4/5ths", "15 boxes"] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_that_are_no_dates_are_left_alone() {
        for text in [
            "03-7832 6929",
            "192.168.1.1",
            "1.234,56",
            "12/240",
            "99/99/2018",
            "31.02.2018",
            "18023/103/T0052",
            "16 market 12",
        ] {
            assert_eq!(parse(text, Order::DayFirst), None, "{text}");
        }
    }

    #[test]
    fn one_clear_date_settles_the_order_of_all() {
        let order = Order::infer(["11/03/2017", "11/17/2017"].into_iter(), Order::DayFirst);
        assert_eq!(order, Order::MonthFirst);
        assert_eq!(
            parse("11/03/2017", order).map(|found| found.date.to_string()).as_deref(),
            Some("2017-11-03")
        );
    }

    #[test]
    fn times_of_day_are_read_with_and_without_halves() {
        let time = |text| find_time(text).map(|(time, _)| time);
        assert_eq!(time("25/12/2018 8:13:39 PM").as_deref(), Some("20:13:39"));
        assert_eq!(time("02:49PM").as_deref(), Some("14:49"));
        assert_eq!(time("TIME: 10.00.53PM").as_deref(), Some("22:00:53"));
        assert_eq!(time("12.50"), None);
        assert_eq!(time("99:10"), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(year in 1970i32..2069, month in 1u32..13, day in 1u32..29) {
            let date = Date::new(year, month, day).expect("every month has 28 days");
            let short = year % 100;
            for printed in [
                date.to_string(),
                format!("{day:02}.{month:02}.{year}"),
                format!("{day}/{month}/{year}"),
                format!("{day:02}-{month:02}-{short:02}"),
                format!("{day} {} {year}", MONTHS[month as usize - 1][0]),
            ] {
                let read = parse(&printed, Order::DayFirst).map(|found| found.date);
                prop_assert_eq!(read, Some(date), "{}", printed);
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,40}") {
            let _ = find(&text, Order::DayFirst);
            let _ = find_time(&text);
        }
    }
}
