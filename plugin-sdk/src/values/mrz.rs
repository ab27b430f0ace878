//! The machine-readable zone of passports, identity cards and visas, by ICAO Doc 9303 (parts 4 to 7): cards of three
//! lines of 30 characters (TD1) or two of 36 (TD2), passports of two lines of 44 (TD3), visas of two lines of 44 or 36
//! (MRV-A, MRV-B).
//!
//! Check digits (part 3, 4.9) decide how certain a value is. A letter that recognition takes for a digit is made the
//! digit only where the check digit is right then. The other way round nothing is tried: among so many letters one
//! fits in ten cases by chance.

use super::dates::Date;

/// Most characters that a line of names may lack at its end: fillers there are read badly, and say nothing.
const MAX_LOST: usize = 10;

/// Fewest right check digits of a zone: lines that merely have the form seldom have one.
const MIN_RIGHT: usize = 2;

/// The year in which nobody is older than a hundred where the day of reading is not known.
const ASSUMED_YEAR: i32 = 2030;

/// The forms of zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A card with three lines.
    Td1,
    /// A card with two lines.
    Td2,
    /// A passport.
    Td3,
    /// A visa over a whole page.
    MrvA,
    /// A smaller visa.
    MrvB,
}

/// A part of a zone: line, first column, length.
#[derive(Debug, Clone, Copy)]
struct Part(usize, usize, usize);

/// Where a form has its values.
struct Layout {
    width: usize,
    lines: usize,
    /// First letters of the document codes.
    codes: &'static [char],
    number: Part,
    nationality: Part,
    birth: Part,
    sex: Part,
    expiry: Part,
    names: Part,
    optional: Part,
    more_optional: Option<Part>,
    /// Whether the optional data has a check digit behind it.
    optional_is_checked: bool,
    /// Column of the last line but the names' that has the check digit over all, and what it is over.
    composite: Option<(Part, &'static [Part])>,
}

const CARD_CODES: &[char] = &['A', 'C', 'I', 'P'];

impl Form {
    const ALL: [Self; 5] = [Self::Td3, Self::Td1, Self::Td2, Self::MrvA, Self::MrvB];

    /// Its name in ICAO 9303.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Td1 => "TD1",
            Self::Td2 => "TD2",
            Self::Td3 => "TD3",
            Self::MrvA => "MRV-A",
            Self::MrvB => "MRV-B",
        }
    }

    fn layout(self) -> Layout {
        let two_lines = Layout {
            width: 44,
            lines: 2,
            codes: &['P'],
            number: Part(1, 0, 9),
            nationality: Part(1, 10, 3),
            birth: Part(1, 13, 6),
            sex: Part(1, 20, 1),
            expiry: Part(1, 21, 6),
            names: Part(0, 5, 39),
            optional: Part(1, 28, 14),
            more_optional: None,
            optional_is_checked: false,
            composite: None,
        };
        match self {
            Self::Td3 => Layout {
                optional_is_checked: true,
                composite: Some((Part(1, 43, 1), &[Part(1, 0, 10), Part(1, 13, 7), Part(1, 21, 22)])),
                ..two_lines
            },
            Self::MrvA => Layout { codes: &['V'], optional: Part(1, 28, 16), ..two_lines },
            Self::Td2 => Layout {
                width: 36,
                codes: CARD_CODES,
                names: Part(0, 5, 31),
                optional: Part(1, 28, 7),
                composite: Some((Part(1, 35, 1), &[Part(1, 0, 10), Part(1, 13, 7), Part(1, 21, 14)])),
                ..two_lines
            },
            Self::MrvB => Layout {
                width: 36,
                codes: &['V'],
                names: Part(0, 5, 31),
                optional: Part(1, 28, 8),
                ..two_lines
            },
            Self::Td1 => Layout {
                width: 30,
                lines: 3,
                codes: CARD_CODES,
                number: Part(0, 5, 9),
                nationality: Part(1, 15, 3),
                birth: Part(1, 0, 6),
                sex: Part(1, 7, 1),
                expiry: Part(1, 8, 6),
                names: Part(2, 0, 30),
                optional: Part(0, 15, 15),
                more_optional: Some(Part(1, 18, 11)),
                optional_is_checked: false,
                composite: Some((
                    Part(1, 29, 1),
                    &[Part(0, 5, 25), Part(1, 0, 7), Part(1, 8, 7), Part(1, 18, 11)],
                )),
            },
        }
    }
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
    /// Whether letters were taken for the digits that they look like, so that the check digit is right.
    pub is_repaired: bool,
}

/// What a check digit is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Number of the document.
    DocumentNumber,
    /// Day of birth.
    BirthDate,
    /// Last day of validity.
    ExpiryDate,
    /// Optional data of a passport.
    PersonalNumber,
    /// Nearly all of the zone.
    Composite,
}

impl Check {
    /// Its name, as that of the value it is over.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DocumentNumber => "documentNumber",
            Self::BirthDate => "birthDate",
            Self::ExpiryDate => "expiryDate",
            Self::PersonalNumber => "personalNumber",
            Self::Composite => "composite",
        }
    }
}

/// What the zone says; empty values are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    form: Form,
    entries: Vec<(Item, Entry)>,
    checks: Vec<(Check, bool)>,
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
    /// Finds a zone among the lines of a document: the one with most right check digits. `today` settles the century of
    /// dates; without it nobody is taken to be older than a hundred in 2030.
    pub fn find(lines: &[String], today: Option<Date>) -> Option<Self> {
        let lines: Vec<Vec<char>> = lines.iter().map(|line| normalized(line)).collect();
        let mut best: Option<Self> = None;
        for start in 0..lines.len() {
            for form in Form::ALL {
                let layout = form.layout();
                let zone = fitted_lines(&lines, start, &layout)
                    .and_then(|lines| Parser { lines, first: start, today, layout }.zone(form));
                let Some(zone) = zone.filter(|zone| zone.right() >= MIN_RIGHT) else { continue };
                if best.as_ref().is_none_or(|best| zone.right() > best.right()) {
                    best = Some(zone);
                }
            }
        }
        best
    }

    /// Which form it has.
    pub fn form(&self) -> Form {
        self.form
    }

    /// A value of the zone.
    pub fn get(&self, item: Item) -> Option<&Entry> {
        self.entries.iter().find(|(known, _)| *known == item).map(|(_, entry)| entry)
    }

    /// The check digits, and whether each is right.
    pub fn checks(&self) -> &[(Check, bool)] {
        &self.checks
    }

    fn right(&self) -> usize {
        self.checks.iter().filter(|(_, is_right)| *is_right).count()
    }
}

/// A line in the zone's alphabet, without spaces; empty where it is something else.
fn normalized(line: &str) -> Vec<char> {
    let mut characters = Vec::with_capacity(line.len());
    // Small letters are recognition's where the line is one of the zone at all.
    let has_fillers = line.contains("<<");
    for character in line.chars().filter(|character| !character.is_whitespace()) {
        match character {
            'A'..='Z' | '0'..='9' | '<' => characters.push(character),
            'a'..='z' if has_fillers => characters.push(character.to_ascii_uppercase()),
            '‹' | '≤' | '⟨' => characters.push('<'),
            '«' => characters.extend(['<', '<']),
            _ => return Vec::new(),
        }
    }
    characters
}

fn fitted_lines(lines: &[Vec<char>], start: usize, layout: &Layout) -> Option<Vec<Vec<char>>> {
    let found = lines.get(start..start + layout.lines)?;
    found.iter().map(|line| fitted(line, layout.width)).collect()
}

/// A line of the form's width; fillers that were lost at the end of a line of names are put back.
fn fitted(line: &[char], width: usize) -> Option<Vec<char>> {
    let has_fillers = line.windows(2).any(|pair| pair == ['<', '<']);
    let lost = width.checked_sub(line.len()).filter(|lost| *lost <= MAX_LOST)?;
    if lost > 0 && !has_fillers {
        return None;
    }
    let mut line = line.to_vec();
    line.resize(width, '<');
    Some(line)
}

struct Parser {
    lines: Vec<Vec<char>>,
    /// Index of the zone's first line among those given.
    first: usize,
    today: Option<Date>,
    layout: Layout,
}

/// A part with its check digit.
struct Checked {
    text: Vec<char>,
    is_right: bool,
    is_repaired: bool,
}

impl Parser {
    fn zone(mut self, form: Form) -> Option<Zone> {
        let code = self.text(Part(0, 0, 2))?;
        if !code.starts_with(self.layout.codes) {
            return None;
        }
        let Layout { number, nationality, birth, sex, expiry, names, optional, .. } = self.layout;
        let mut zone = Zone { form, entries: Vec::new(), checks: Vec::new() };
        zone.add(self.first, Item::DocumentCode, 0, code);
        zone.add(self.first, Item::IssuingCountry, 0, self.text(Part(0, 2, 3))?);
        let (surname, given_names) = self.names(names);
        zone.add(self.first, Item::Surname, names.0, surname);
        zone.add(self.first, Item::GivenNames, names.0, given_names);
        zone.add(self.first, Item::Nationality, nationality.0, self.text(nationality)?);
        zone.add(self.first, Item::Sex, sex.0, self.sex(sex));

        let (number_found, rest) = match self.long_number(number, optional) {
            Some((long, used)) => (long, Part(optional.0, optional.1 + used, optional.2 - used)),
            None => (self.checked(number)?, optional),
        };
        let value = spaced(&number_found.text);
        zone.add_checked(
            self.first,
            (Item::DocumentNumber, Check::DocumentNumber),
            number.0,
            value,
            &number_found,
        );
        for (part, names, is_birth) in [
            (birth, (Item::BirthDate, Check::BirthDate), true),
            (expiry, (Item::ExpiryDate, Check::ExpiryDate), false),
        ] {
            let found = self.checked(part)?;
            let date = self.date(&found.text, is_birth).map(|date| date.to_string()).unwrap_or_default();
            zone.add_checked(self.first, names, part.0, date, &found);
        }
        self.optional(&mut zone, rest)?;
        if let Some(is_right) = self.composite() {
            zone.checks.push((Check::Composite, is_right));
        }
        Some(zone)
    }

    /// Optional data: checked in passports, where a filler may stand for the check digit of nothing.
    fn optional(&mut self, zone: &mut Zone, part: Part) -> Option<()> {
        let value = self.text(part)?;
        if self.layout.optional_is_checked && !value.is_empty() {
            let found = self.checked(part)?;
            let value = spaced(&found.text);
            zone.add_checked(
                self.first,
                (Item::PersonalNumber, Check::PersonalNumber),
                part.0,
                value,
                &found,
            );
        } else if !value.is_empty() {
            zone.add(self.first, Item::PersonalNumber, part.0, value);
        } else if let Some(more) = self.layout.more_optional {
            zone.add(self.first, Item::PersonalNumber, more.0, self.text(more)?);
        }
        Some(())
    }

    fn part(&self, Part(line, column, length): Part) -> Option<&[char]> {
        self.lines.get(line)?.get(column..column + length)
    }

    /// A part as text: fillers are spaces inside and nothing at the ends.
    fn text(&self, part: Part) -> Option<String> {
        Some(spaced(self.part(part)?))
    }

    /// A part with a check digit behind it. Where the digit is not right, letters that look like digits are tried, one
    /// or all of them; what fits in several ways is left as it was read. What is right counts for the digit over all.
    fn checked(&mut self, part: Part) -> Option<Checked> {
        let Part(line, column, length) = part;
        let text = self.part(part)?.to_vec();
        let digit = digit_like(*self.part(Part(line, column + length, 1))?.first()?);
        // A filler is the check digit of nothing.
        let wanted = if digit == '<' { 0 } else { digit.to_digit(10).unwrap_or(10) };
        let mut fitting: Vec<Vec<char>> = Vec::new();
        if check_digit(&text) != Some(wanted) {
            let all: Vec<char> = text.iter().copied().map(digit_like).collect();
            let one = (0..text.len()).map(|at| {
                let mut changed = text.clone();
                if let Some(place) = changed.get_mut(at) {
                    *place = digit_like(*place);
                }
                changed
            });
            for candidate in one.chain([all]) {
                if check_digit(&candidate) == Some(wanted) && !fitting.contains(&candidate) {
                    fitting.push(candidate);
                }
            }
        } else {
            fitting.push(text.clone());
        }
        let [only] = fitting.as_slice() else {
            return Some(Checked { text, is_right: false, is_repaired: false });
        };
        let found = Checked { text: only.clone(), is_right: true, is_repaired: *only != text };
        if let Some(place) = self.lines.get_mut(line).and_then(|line| line.get_mut(column..=column + length))
        {
            for (place, character) in place.iter_mut().zip(found.text.iter().copied().chain([digit])) {
                *place = character;
            }
        }
        Some(found)
    }

    /// A number too long for its place goes on in the optional data, with its check digit at the end; also how much of
    /// the data it takes.
    fn long_number(&self, number: Part, optional: Part) -> Option<(Checked, usize)> {
        let is_card = self.layout.composite.is_some() && !self.layout.optional_is_checked;
        let behind = *self.part(Part(number.0, number.1 + number.2, 1))?.first()?;
        let rest: Vec<char> = self.part(optional)?.iter().copied().take_while(|c| *c != '<').collect();
        let (digit, more) = rest.split_last()?;
        if !is_card || behind != '<' || more.is_empty() {
            return None;
        }
        let text: Vec<char> = self.part(number)?.iter().chain(more).copied().collect();
        let is_right = check_digit(&text) == digit_like(*digit).to_digit(10);
        Some((Checked { text, is_right, is_repaired: false }, rest.len()))
    }

    /// Whether the digit over nearly all of the zone is right; `None` where the form has none.
    fn composite(&self) -> Option<bool> {
        let (digit, parts) = self.layout.composite?;
        let digit = digit_like(*self.part(digit)?.first()?).to_digit(10);
        let over: Vec<char> =
            parts.iter().filter_map(|part| self.part(*part)).flat_map(|part| part.iter().copied()).collect();
        Some(check_digit(&over) == digit)
    }

    /// A date of two digits each. A birth lies in the last hundred years, an expiry within fifty years of today.
    fn date(&self, text: &[char], is_birth: bool) -> Option<Date> {
        let number = |at: usize| {
            let digits: String = text.get(at..at + 2)?.iter().collect();
            digits.parse::<u32>().ok()
        };
        let (year, month, day) = (i32::try_from(number(0)?).ok()?, number(2)?, number(4)?);
        let this_year = self.today.map_or(ASSUMED_YEAR, Date::year);
        let latest = if is_birth { this_year } else { this_year + 49 };
        let mut year = latest / 100 * 100 + year;
        if year > latest {
            year -= 100;
        }
        let date = Date::new(year, month, day)?;
        match self.today {
            // Born later this year a hundred years ago.
            Some(today) if is_birth && date > today => Date::new(year - 100, month, day),
            _ => Some(date),
        }
    }

    fn sex(&self, part: Part) -> String {
        let word = match self.part(part).and_then(<[char]>::first) {
            Some('F') => "F",
            Some('M') => "M",
            Some('X' | '<') => "X",
            _ => "",
        };
        word.to_owned()
    }

    /// Surname and given names; behind more fillers nothing follows but what recognition made of fillers.
    fn names(&self, part: Part) -> (String, String) {
        let text: String = self.part(part).unwrap_or_default().iter().collect();
        let mut names = text.split("<<");
        let name = |text: Option<&str>| spaced(&text.unwrap_or_default().chars().collect::<Vec<_>>());
        (name(names.next()), name(names.next()))
    }
}

impl Zone {
    fn add(&mut self, first: usize, item: Item, line: usize, value: String) {
        if !value.is_empty() {
            let entry = Entry { value, line: first + line, is_checked: None, is_repaired: false };
            self.entries.push((item, entry));
        }
    }

    fn add_checked(
        &mut self,
        first: usize,
        (item, check): (Item, Check),
        line: usize,
        value: String,
        found: &Checked,
    ) {
        self.checks.push((check, found.is_right));
        if !value.is_empty() {
            let (is_checked, is_repaired) = (Some(found.is_right), found.is_repaired);
            self.entries.push((item, Entry { value, line: first + line, is_checked, is_repaired }));
        }
    }
}

/// Characters as text: fillers are spaces inside and nothing at the ends.
fn spaced(part: &[char]) -> String {
    let text: String = part.iter().collect();
    text.replace('<', " ").split_whitespace().collect::<Vec<_>>().join(" ")
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
    const SMALL_CARD: [&str; 2] =
        ["I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"];
    const VISA: [&str; 2] =
        ["V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L8988901C4XXX4009078F96121096ZE184226B<<<<<<"];

    fn found(lines: &[&str]) -> Option<Zone> {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        Zone::find(&lines, Date::new(2026, 6, 1))
    }

    #[track_caller]
    fn check(zone: &Zone, item: Item, value: &str, is_checked: Option<bool>) {
        let entry = zone.get(item).expect("the value is there");
        assert_eq!((entry.value.as_str(), entry.is_checked), (value, is_checked));
    }

    #[test]
    fn a_passport_is_read_wherever_its_zone_stands() {
        let zone = found(&["PASSPORT", "Utopia", PASSPORT[0], PASSPORT[1], "page 2"]).unwrap();
        assert_eq!(zone.form(), Form::Td3);
        check(&zone, Item::DocumentNumber, "L898902C3", Some(true));
        check(&zone, Item::Surname, "ERIKSSON", None);
        check(&zone, Item::GivenNames, "ANNA MARIA", None);
        check(&zone, Item::BirthDate, "1974-08-12", Some(true));
        check(&zone, Item::ExpiryDate, "2012-04-15", Some(true));
        check(&zone, Item::Sex, "F", None);
        check(&zone, Item::PersonalNumber, "ZE184226B", Some(true));
        assert_eq!(zone.get(Item::DocumentNumber).unwrap().line, 3);
        assert!(zone.checks().contains(&(Check::Composite, true)));
        assert_eq!(zone.checks().len(), 5);
    }

    #[test]
    fn cards_have_three_lines_or_two() {
        for (lines, form) in [(&CARD[..], Form::Td1), (&SMALL_CARD[..], Form::Td2)] {
            let zone = found(lines).unwrap();
            assert_eq!(zone.form(), form);
            check(&zone, Item::DocumentNumber, "D23145890", Some(true));
            check(&zone, Item::Nationality, "UTO", None);
            check(&zone, Item::GivenNames, "ANNA MARIA", None);
            assert!(zone.checks().iter().all(|(_, is_right)| *is_right), "{:?}", zone.checks());
        }
    }

    #[test]
    fn a_visa_has_no_digit_over_all() {
        let zone = found(&VISA).unwrap();
        assert_eq!(zone.form(), Form::MrvA);
        check(&zone, Item::DocumentNumber, "L8988901C", Some(true));
        check(&zone, Item::BirthDate, "1940-09-07", Some(true));
        assert_eq!(zone.checks().len(), 3);
    }

    #[test]
    fn a_long_number_goes_on_in_the_optional_data() {
        let digit = check_digit(&"D23145890AB112234566".chars().collect::<Vec<_>>()).unwrap();
        let first = format!("I<UTOD23145890<AB112234566{digit}<<<");
        let zone = found(&[&first, CARD[1], CARD[2]]).unwrap();
        check(&zone, Item::DocumentNumber, "D23145890AB112234566", Some(true));
        assert_eq!(zone.get(Item::PersonalNumber), None);
    }

    #[test]
    fn letters_that_look_like_digits_are_settled_by_the_check_digit() {
        let misread = PASSPORT[1].replace("7408122", "74O8I22");
        let zone = found(&[PASSPORT[0], &misread]).unwrap();
        check(&zone, Item::BirthDate, "1974-08-12", Some(true));
        assert!(zone.get(Item::BirthDate).unwrap().is_repaired);
        assert!(zone.checks().contains(&(Check::Composite, true)));
    }

    #[test]
    fn a_wrong_check_digit_is_told_and_nothing_is_guessed() {
        let misread = PASSPORT[1].replace("L898902C3", "L898902C4");
        let zone = found(&[PASSPORT[0], &misread]).unwrap();
        check(&zone, Item::DocumentNumber, "L898902C4", Some(false));
        assert!(zone.checks().contains(&(Check::Composite, false)));
    }

    #[test]
    fn births_lie_in_the_past_and_expiries_near_today() {
        let dated = |birth: &str, expiry: &str| {
            let digit = |text: &str| check_digit(&text.chars().collect::<Vec<_>>()).unwrap();
            let second = format!("{birth}{}F{expiry}{}UTO<<<<<<<<<<<6", digit(birth), digit(expiry));
            let zone = found(&[CARD[0], &second, CARD[2]]).unwrap();
            [Item::BirthDate, Item::ExpiryDate].map(|item| zone.get(item).unwrap().value.clone())
        };
        assert_eq!(dated("260531", "351231"), ["2026-05-31", "2035-12-31"]);
        assert_eq!(dated("260602", "990101"), ["1926-06-02", "1999-01-01"]);
    }

    #[test]
    fn spaces_lost_fillers_and_what_was_made_of_fillers_do_no_harm() {
        let spaced = "P<UTOERIKSSON<<ANNA<MARIA <<<< <<<<<<<<";
        check(&found(&[spaced, PASSPORT[1]]).unwrap(), Item::Surname, "ERIKSSON", None);
        let misread = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<K<<<C<<<<<<";
        check(&found(&[misread, PASSPORT[1]]).unwrap(), Item::GivenNames, "ANNA MARIA", None);
    }

    #[test]
    fn other_lines_are_no_zone() {
        assert_eq!(found(&["INVOICE 2026", "TOTAL 12.00"]), None);
        assert_eq!(found(&[&"A".repeat(44), &"1".repeat(44)]), None);
        assert_eq!(found(&[PASSPORT[0], &PASSPORT[0].replace("P<", "PP")]), None);
    }
}
