//! The machine-readable zone of passports, identity cards and visas, by ICAO 9303: three lines of 30 characters (TD1), or
//! two of 36 (TD2) or 44 (TD3).
//!
//! Check digits decide how certain a value is, and settle letters and digits that recognition takes for one another.

use super::dates::Date;

/// Lengths of the lines, and how many there are.
const FORMS: [(Form, usize, usize); 3] = [(Form::Passport, 44, 2), (Form::Card, 30, 3), (Form::Visa, 36, 2)];

/// Most characters that a line of names may lack at its end: fillers there are read badly, and say nothing.
const MAX_LOST: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Passport,
    Card,
    Visa,
}

/// A value of the zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value: dates `YYYY-MM-DD`, names with spaces, `F`, `M` or `X` for the sex.
    pub value: String,
    /// Index of its line among the lines given.
    pub line: usize,
    /// Whether its check digit is right; `None` for a value that has none.
    pub is_checked: Option<bool>,
}

/// What the zone says; empty values are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Zone {
    entries: Vec<(Item, Entry)>,
}

/// The values of a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// `P`, `ID`, `V` and the like.
    DocumentCode,
    /// Three letters.
    IssuingCountry,
    /// Family names.
    Surname,
    /// First names.
    GivenNames,
    /// Number of the document.
    DocumentNumber,
    /// Three letters.
    Nationality,
    /// Day of birth.
    BirthDate,
    /// `F`, `M` or `X`.
    Sex,
    /// Last day of validity.
    ExpiryDate,
    /// What the issuer puts in: often a personal number.
    PersonalNumber,
}

impl Item {
    /// The item of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "documentCode" => Self::DocumentCode,
            "issuingCountry" => Self::IssuingCountry,
            "surname" => Self::Surname,
            "givenNames" => Self::GivenNames,
            "documentNumber" => Self::DocumentNumber,
            "nationality" => Self::Nationality,
            "birthDate" => Self::BirthDate,
            "sex" => Self::Sex,
            "expiryDate" => Self::ExpiryDate,
            "personalNumber" => Self::PersonalNumber,
            _ => return None,
        })
    }
}

impl Zone {
    /// Finds a zone among the lines of a page. `this_year` settles the century of a birth; without it the one that makes
    /// nobody older than a hundred in 2030 is taken.
    pub fn find(lines: &[String], this_year: Option<i32>) -> Option<Self> {
        let lines: Vec<Vec<char>> = lines.iter().map(|line| normalized(line)).collect();
        (0..lines.len())
            .flat_map(|start| FORMS.map(|form| (start, form)))
            .filter_map(|(start, (form, width, count))| {
                let mut zone_lines = Vec::with_capacity(count);
                for line in lines.get(start..start + count)? {
                    zone_lines.push(fitted(line, width)?);
                }
                Parser { lines: &zone_lines, first: start, this_year }.zone(form)
            })
            .max_by_key(Zone::checked)
    }

    /// A value of the zone.
    pub fn get(&self, item: Item) -> Option<&Entry> {
        self.entries.iter().find(|(known, _)| *known == item).map(|(_, entry)| entry)
    }

    fn checked(&self) -> usize {
        self.entries.iter().filter(|(_, entry)| entry.is_checked == Some(true)).count()
    }
}

/// A line in the zone's alphabet, without spaces; empty where it is something else.
fn normalized(line: &str) -> Vec<char> {
    let mut characters = Vec::with_capacity(line.len());
    for character in line.chars().filter(|character| !character.is_whitespace()) {
        match character {
            'A'..='Z' | '0'..='9' | '<' => characters.push(character),
            '‹' | '≤' | '⟨' => characters.push('<'),
            '«' => characters.extend(['<', '<']),
            _ => return Vec::new(),
        }
    }
    characters
}

/// A line of the form's width; fillers that were lost at the end of a line of names are put back.
fn fitted(line: &[char], width: usize) -> Option<Vec<char>> {
    let has_fillers = line.contains(&'<');
    let lost = width.checked_sub(line.len()).filter(|lost| *lost <= MAX_LOST)?;
    if lost > 0 && !(has_fillers && line.windows(2).any(|pair| pair == ['<', '<'])) {
        return None;
    }
    let mut line = line.to_vec();
    line.resize(width, '<');
    Some(line)
}

struct Parser<'l> {
    lines: &'l [Vec<char>],
    /// Index of the zone's first line among those given.
    first: usize,
    this_year: Option<i32>,
}

impl Parser<'_> {
    fn zone(&self, form: Form) -> Option<Zone> {
        let code = self.text(0, 0, 2)?;
        if !code.starts_with(['P', 'I', 'A', 'C', 'V']) {
            return None;
        }
        // Line and column of: number, birth, sex, expiry, nationality, names.
        let (number, birth, sex, expiry, nationality, names) = match form {
            Form::Passport | Form::Visa => ((1, 0), (1, 13), (1, 20), (1, 21), (1, 10), (0, 5)),
            Form::Card => ((0, 5), (1, 0), (1, 7), (1, 8), (1, 15), (2, 0)),
        };
        let personal = match form {
            Form::Passport => (1, 28, 14),
            Form::Visa => (1, 28, 7),
            Form::Card => (0, 15, 15),
        };
        let mut zone = Zone::default();
        let mut add = |item: Item, line: usize, found: Option<(String, Option<bool>)>| {
            if let Some((value, is_checked)) = found.filter(|(value, _)| !value.is_empty()) {
                zone.entries.push((item, Entry { value, line: self.first + line, is_checked }));
            }
        };
        let plain = |line, column, length| self.text(line, column, length).map(|text| (text, None));
        add(Item::DocumentCode, 0, Some((code, None)));
        add(Item::IssuingCountry, 0, plain(0, 2, 3));
        let (surname, given_names) = self.names(names);
        add(Item::Surname, names.0, Some((surname, None)));
        add(Item::GivenNames, names.0, Some((given_names, None)));
        add(Item::DocumentNumber, number.0, self.checked(number, 9));
        add(Item::Nationality, nationality.0, plain(nationality.0, nationality.1, 3));
        add(Item::BirthDate, birth.0, self.date(birth, Century::Past));
        add(Item::Sex, sex.0, self.sex(sex));
        add(Item::ExpiryDate, expiry.0, self.date(expiry, Century::Coming));
        add(Item::PersonalNumber, personal.0, plain(personal.0, personal.1, personal.2));
        // A zone has dates; two lines that merely have the width are something else.
        (zone.get(Item::BirthDate).is_some() && zone.get(Item::ExpiryDate).is_some()).then_some(zone)
    }

    fn part(&self, line: usize, column: usize, length: usize) -> Option<&[char]> {
        self.lines.get(line)?.get(column..column + length)
    }

    /// A part as text: fillers are spaces inside and nothing at the ends.
    fn text(&self, line: usize, column: usize, length: usize) -> Option<String> {
        let text: String = self.part(line, column, length)?.iter().collect();
        Some(text.replace('<', " ").split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// A part with a check digit behind it. Where the digit is not right, letters that look like digits are tried.
    fn checked(&self, (line, column): (usize, usize), length: usize) -> Option<(String, Option<bool>)> {
        let part = self.part(line, column, length)?;
        let digit = digit_like(*self.part(line, column + length, 1)?.first()?);
        let as_digits: Vec<char> = part.iter().copied().map(digit_like).collect();
        for candidate in [part, &as_digits] {
            if check_digit(candidate) == digit.to_digit(10) {
                let text: String = candidate.iter().collect();
                return Some((text.trim_end_matches('<').replace('<', " "), Some(true)));
            }
        }
        Some((self.text(line, column, length)?, Some(false)))
    }

    fn date(&self, place: (usize, usize), century: Century) -> Option<(String, Option<bool>)> {
        let (text, is_checked) = self.checked(place, 6)?;
        let digits: String = text.chars().map(digit_like).collect();
        let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i32>().ok();
        let (year, month, day) = (number(0..2)?, number(2..4)?, number(4..6)?);
        let this_year = self.this_year.unwrap_or(2030);
        let year = match century {
            Century::Past if this_year / 100 * 100 + year > this_year => this_year / 100 * 100 + year - 100,
            Century::Past | Century::Coming => this_year / 100 * 100 + year,
        };
        let date = Date::new(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)?;
        Some((date.to_string(), is_checked))
    }

    fn sex(&self, (line, column): (usize, usize)) -> Option<(String, Option<bool>)> {
        let word = match self.part(line, column, 1)?.first()? {
            'F' => "F",
            'M' => "M",
            'X' | '<' => "X",
            _ => return None,
        };
        Some((word.to_owned(), None))
    }

    fn names(&self, (line, column): (usize, usize)) -> (String, String) {
        let rest = self.lines.get(line).and_then(|line| line.get(column..)).unwrap_or_default();
        let text: String = rest.iter().collect();
        let spaced = |text: &str| text.replace('<', " ").split_whitespace().collect::<Vec<_>>().join(" ");
        match text.split_once("<<") {
            Some((surname, given_names)) => (spaced(surname), spaced(given_names)),
            None => (spaced(&text), String::new()),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Century {
    /// The last hundred years.
    Past,
    /// This century: documents hold for some ten years.
    Coming,
}

/// The digit that a letter is easily taken for.
fn digit_like(character: char) -> char {
    match character {
        'O' | 'Q' | 'D' => '0',
        'I' | 'L' => '1',
        'Z' => '2',
        'S' => '5',
        'G' => '6',
        'B' => '8',
        other => other,
    }
}

/// The check digit of a part: weights 7, 3 and 1; letters count from 10, fillers 0.
fn check_digit(part: &[char]) -> Option<u32> {
    let mut sum = 0;
    for (character, weight) in part.iter().zip([7, 3, 1].into_iter().cycle()) {
        let value = match character {
            '<' => 0,
            other => other.to_digit(36)?,
        };
        sum += value * weight;
    }
    Some(sum % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The specimens of ICAO 9303.
    const PASSPORT: [&str; 2] =
        ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"];
    const CARD: [&str; 3] = [
        "I<UTOD231458907<<<<<<<<<<<<<<<",
        "7408122F1204159UTO<<<<<<<<<<<6",
        "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    ];

    fn found(lines: &[&str]) -> Option<Zone> {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        Zone::find(&lines, Some(2026))
    }

    #[track_caller]
    fn check(zone: &Zone, item: Item, value: &str, is_checked: Option<bool>) {
        let entry = zone.get(item).expect("the value is there");
        assert_eq!((entry.value.as_str(), entry.is_checked), (value, is_checked));
    }

    #[test]
    fn a_passport_is_read_wherever_its_zone_stands() {
        let zone = found(&["PASSPORT", "Utopia", PASSPORT[0], PASSPORT[1], "page 2"]).unwrap();
        check(&zone, Item::DocumentNumber, "L898902C3", Some(true));
        check(&zone, Item::Surname, "ERIKSSON", None);
        check(&zone, Item::GivenNames, "ANNA MARIA", None);
        check(&zone, Item::BirthDate, "1974-08-12", Some(true));
        check(&zone, Item::ExpiryDate, "2012-04-15", Some(true));
        check(&zone, Item::Sex, "F", None);
        check(&zone, Item::PersonalNumber, "ZE184226B", None);
        assert_eq!(zone.get(Item::DocumentNumber).unwrap().line, 3);
    }

    #[test]
    fn a_card_has_three_lines() {
        let zone = found(&CARD).unwrap();
        check(&zone, Item::DocumentNumber, "D23145890", Some(true));
        check(&zone, Item::Nationality, "UTO", None);
        check(&zone, Item::GivenNames, "ANNA MARIA", None);
    }

    #[test]
    fn letters_that_look_like_digits_are_settled_by_the_check_digit() {
        let misread = PASSPORT[1].replace("7408122", "74O8I22");
        check(&found(&[PASSPORT[0], &misread]).unwrap(), Item::BirthDate, "1974-08-12", Some(true));
    }

    #[test]
    fn a_wrong_check_digit_is_told() {
        let misread = PASSPORT[1].replace("L898902C3", "L898902C4");
        check(&found(&[PASSPORT[0], &misread]).unwrap(), Item::DocumentNumber, "L898902C4", Some(false));
    }

    #[test]
    fn spaces_and_lost_fillers_do_no_harm() {
        let spaced = "P<UTOERIKSSON<<ANNA<MARIA <<<< <<<<<<<<";
        check(&found(&[spaced, PASSPORT[1]]).unwrap(), Item::Surname, "ERIKSSON", None);
    }

    #[test]
    fn other_lines_are_no_zone() {
        assert_eq!(found(&["INVOICE 2026", "TOTAL 12.00"]), None);
        assert_eq!(found(&[&"A".repeat(44), &"1".repeat(44)]), None);
    }
}
