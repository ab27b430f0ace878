//! Completes lines in scripts that the main recogniser does not know, or knows in part: Thai, Cyrillic, Vietnamese.
//!
//! What a line looks like to the main recogniser tells whether it is worth a look: letters that it does not know are
//! read as few characters or with little certainty, and Vietnamese shows letters that few other languages have. Of
//! such lines a sample is read by the script's own network; only where one of them turns out to be in its script,
//! the other lines of the page are read by it too. In each line the words of both readings are then laid side by
//! side: foreign words come from the script's network; amounts, dates and Latin words, which the main recogniser
//! reads better, stay as they are.

use std::sync::OnceLock;

use rayon::prelude::*;

use crate::domain::raster::Raster;

use super::Error;
use super::ctc::LineWord;
use super::lstm::ScriptReader;
use super::recognition::{Letters, LineText};

/// A script, and how a page in it gives itself away.
struct Script {
    file: &'static str,
    hint: Hint,
    /// Smallest share of letters that the main recogniser does not know, in a line of this script.
    min_share: f32,
    /// Fewest such letters in all of the sample that show that the script is on the page.
    min_letters: usize,
}

/// What makes a line worth a look.
enum Hint {
    /// The main recogniser was not sure, or read few characters.
    Doubt,
    /// It read one of these letters.
    Letters(&'static [char]),
}

/// In the order in which they are tried; a line that one of them has read is no longer in doubt for the next.
const SCRIPTS: [Script; 3] = [
    Script { file: "Thai.traineddata", hint: Hint::Doubt, min_share: 0.5, min_letters: 5 },
    // The letters of Vietnamese that the main recogniser knows and that hardly any other language has.
    Script {
        file: "vie.traineddata",
        hint: Hint::Letters(&['đ', 'Đ', 'ơ', 'Ơ', 'ư', 'Ư']),
        min_share: 0.04,
        min_letters: 3,
    },
    Script { file: "Cyrillic.traineddata", hint: Hint::Doubt, min_share: 0.5, min_letters: 5 },
];

/// Model files of the scripts; each may be missing, and is then not read.
pub(super) const FILES: [&str; 3] = [SCRIPTS[0].file, SCRIPTS[1].file, SCRIPTS[2].file];

/// Lines that are read first: only if one of them is in the script, all others are.
const SAMPLE: usize = 4;
/// Mean confidence of the main recogniser below which a line is in doubt. Of the lines of Latin receipts and forms
/// it reads 98 in 100 with more, of Thai lines none.
const DOUBTFUL: f32 = 0.85;
/// Characters per height of the line below which a line is in doubt: Latin text has 1.2 and more, Cyrillic text
/// leaves less than 1.1 of its characters nearly always.
const SPARSE: f32 = 1.1;
/// Mean confidence from which a reading shows that a line is in the script. Lines of other scripts reach 0.9 only
/// with the letters that they share.
const CONVINCING: f32 = 0.9;
/// Mean confidence that a reading must have to take part in a line.
const USABLE: f32 = 0.6;
/// By how much the main recogniser must be more certain of a whole line, to keep it, and of a word.
const LINE_MARGIN: f32 = 0.02;
const WORD_MARGIN: f32 = 0.05;
/// Least length of its word against the other's, in characters: it leaves out letters that it does not know.
const COMPLETE: f32 = 0.75;
/// Share of the shorter one that two words must overlap to be readings of the same text.
const OVERLAP: f32 = 0.3;

/// The readers of the scripts whose models are there.
#[derive(Default)]
pub(super) struct Scripts {
    readers: [OnceLock<Result<Option<ScriptReader>, Error>>; SCRIPTS.len()],
}

impl Scripts {
    /// Reads again what the main recogniser could not, in lines of one page. `known` are the letters that it knows;
    /// `model` gives the bytes of a model file by name. Runs on the current rayon pool.
    ///
    /// # Errors
    /// A model that cannot be loaded.
    pub(super) fn complete(
        &self,
        page: &Raster,
        lines: &mut [LineText],
        known: &Letters,
        model: impl Fn(&str) -> Option<&'static [u8]>,
    ) -> Result<(), Error> {
        for (script, slot) in SCRIPTS.iter().zip(&self.readers) {
            let mut candidates = script.candidates(lines);
            if candidates.is_empty() {
                continue;
            }
            let reader = slot.get_or_init(|| {
                model(script.file).map(|bytes| ScriptReader::parse(script.file, bytes)).transpose()
            });
            let Some(reader) = reader.as_ref().map_err(Error::clone)? else { continue };
            candidates.sort_by(|&a, &b| lines[b].place.width.total_cmp(&lines[a].place.width));
            candidates.sort_by_key(|&index| !script.is_hinted_by(&lines[index]));
            candidates.truncate(SAMPLE);
            let sample = read(reader, page, lines, candidates);
            let letters: usize = sample.iter().map(|(_, line)| script.letters_in(line, known)).sum();
            if letters < script.min_letters {
                continue;
            }
            let rest = (0..lines.len()).filter(|index| sample.iter().all(|(read, _)| read != index));
            let rest = rest.filter(|&index| needs_reading(&lines[index])).collect();
            let rest = read(reader, page, lines, rest);
            for (index, line) in sample.into_iter().chain(rest) {
                lines[index] = merged(&lines[index], line, known);
            }
        }
        Ok(())
    }
}

impl Script {
    /// Lines that may be in the script: those in doubt, or all of a page on which its letters are.
    fn candidates(&self, lines: &[LineText]) -> Vec<usize> {
        let all = 0..lines.len();
        match self.hint {
            Hint::Doubt => all.filter(|&index| self.is_hinted_by(&lines[index])).collect(),
            Hint::Letters(_) if lines.iter().any(|line| self.is_hinted_by(line)) => all.collect(),
            Hint::Letters(_) => Vec::new(),
        }
    }

    fn is_hinted_by(&self, line: &LineText) -> bool {
        match self.hint {
            Hint::Doubt => line.confidence() < DOUBTFUL || is_sparse(line),
            Hint::Letters(letters) => line.words.iter().any(|word| word.text.contains(letters)),
        }
    }

    /// Letters of this script in a reading, if it shows that the line is in the script; else none.
    fn letters_in(&self, line: &LineText, known: &Letters) -> usize {
        let letters = count(&line.words, char::is_alphabetic);
        let own = count(&line.words, |letter| is_own(letter, known));
        let is_in_script = line.confidence() >= CONVINCING && own as f32 >= self.min_share * letters as f32;
        if is_in_script { own } else { 0 }
    }
}

fn read(
    reader: &ScriptReader,
    page: &Raster,
    lines: &[LineText],
    chosen: Vec<usize>,
) -> Vec<(usize, LineText)> {
    chosen
        .into_par_iter()
        .with_max_len(1)
        .map(|index| {
            let place = lines[index].place;
            (index, LineText { words: reader.read(page, &place), ..lines[index].clone() })
        })
        .collect()
}

/// A letter or digit of the script: the main recogniser does not know it.
fn is_own(letter: char, known: &Letters) -> bool {
    letter.is_alphanumeric() && !letter.is_ascii() && !known.contains(&letter)
}

fn count(words: &[LineWord], is_counted: impl Fn(char) -> bool) -> usize {
    words.iter().flat_map(|word| word.text.chars()).filter(|&letter| is_counted(letter)).count()
}

fn characters(words: &[LineWord]) -> f32 {
    count(words, |_| true) as f32
}

/// Whether a line has too few characters for its length.
fn is_sparse(line: &LineText) -> bool {
    characters(&line.words) * line.place.height < SPARSE * line.place.width
}

/// Whether a line of a page in another script may hold words in it: all but plain amounts and numbers.
fn needs_reading(line: &LineText) -> bool {
    line.confidence() < DOUBTFUL || is_sparse(line) || count(&line.words, char::is_alphabetic) > 0
}

/// A line of the words that the main recogniser and a script's reader have read best.
fn merged(main: &LineText, other: LineText, known: &Letters) -> LineText {
    let has_own = count(&other.words, |letter| is_own(letter, known)) > 0;
    let main_is_surer =
        is_complete(&main.words, &other.words, 0.95) && main.confidence() > other.confidence() + LINE_MARGIN;
    let groups = groups(&main.words, &other.words);
    let is_convincing = groups.iter().any(|group| group.is_convincing(known));
    if !has_own || (main_is_surer && !is_convincing) || other.confidence() < USABLE {
        return main.clone();
    }
    let words = groups.into_iter().flat_map(|group| group.best(known)).collect();
    LineText { place: main.place, words, rows: main.rows }
}

/// Words of both readings that stand at the same place.
#[derive(Default)]
struct Group {
    main: Vec<LineWord>,
    other: Vec<LineWord>,
    start: f32,
    end: f32,
}

impl Group {
    /// Whether the script's reading has its own letters and is clearly the surer one.
    fn is_convincing(&self, known: &Letters) -> bool {
        let (main, other) = (certainty(&self.main), certainty(&self.other));
        let has_own = count(&self.other, |letter| is_own(letter, known)) > 0;
        has_own && other >= CONVINCING && other > main + WORD_MARGIN
    }

    fn best(self, known: &Letters) -> Vec<LineWord> {
        if self.main.is_empty() {
            return self.other;
        }
        let (main, other) = (certainty(&self.main), certainty(&self.other));
        let margin =
            if count(&self.other, |letter| is_own(letter, known)) > 0 { WORD_MARGIN } else { -WORD_MARGIN };
        if self.other.is_empty() || (is_complete(&self.main, &self.other, COMPLETE) && main > other + margin)
        {
            self.main
        } else {
            self.other
        }
    }
}

/// Whether a reading has at least `share` as many characters as another.
fn is_complete(words: &[LineWord], other: &[LineWord], share: f32) -> bool {
    characters(words) >= share * characters(other)
}

/// Mean confidence of words by their length.
fn certainty(words: &[LineWord]) -> f32 {
    let sum: f32 = words.iter().map(|word| word.confidence * word.text.chars().count() as f32).sum();
    sum / characters(words).max(1.0)
}

/// Puts words that overlap together, from left to right.
fn groups(main: &[LineWord], other: &[LineWord]) -> Vec<Group> {
    let mut words: Vec<(bool, &LineWord)> =
        main.iter().map(|word| (true, word)).chain(other.iter().map(|word| (false, word))).collect();
    words.sort_by(|(_, a), (_, b)| a.start.total_cmp(&b.start));
    let mut groups: Vec<Group> = Vec::new();
    for (is_main, word) in words {
        let overlaps = |group: &Group| {
            let shorter = (word.end - word.start).min(group.end - group.start);
            group.end.min(word.end) - word.start > OVERLAP * shorter
        };
        if !groups.last().is_some_and(overlaps) {
            groups.push(Group { start: word.start, end: word.end, ..Group::default() });
        }
        if let Some(group) = groups.last_mut() {
            group.end = group.end.max(word.end);
            if is_main { group.main.push(word.clone()) } else { group.other.push(word.clone()) }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use crate::domain::geometry::Rect;

    use super::super::textbox::TextBox;
    use super::*;

    /// Words as `text confidence start end`, one a line, on a line ten times as wide as high.
    fn line(words: &str) -> LineText {
        let words = words.lines().map(|line| {
            let mut parts = line.split_whitespace();
            let text = parts.next().unwrap().to_owned();
            let mut number = || parts.next().unwrap().parse().unwrap();
            let confidence = number();
            LineWord { text, confidence, least: confidence, start: number(), end: number() }
        });
        LineText {
            place: TextBox::upright(Rect::new(0.0, 0.0, 300.0, 30.0)),
            words: words.collect(),
            rows: (0.0, 1.0),
        }
    }

    fn known() -> Letters {
        ('!'..='~').chain("đơưăâêôáàéèíìóòúù".chars()).collect()
    }

    fn merge(main: &str, other: &str) -> String {
        let words = merged(&line(main), line(other), &known()).words;
        words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_in_the_script_replace_what_was_left_of_them_and_latin_ones_stay() {
        assert_eq!(
            merge("Ka 0.8 0.02 0.2\nLavazza 0.99 0.3 0.7", "Кава 1 0 0.22\nГауагга 0.86 0.31 0.72"),
            "Кава Lavazza"
        );
        assert_eq!(
            merge("H 0.5 0 0.1\n80.90 0.98 0.6 0.9", "Хлеб 0.99 0 0.3\n80.9о 0.98 0.6 0.9"),
            "Хлеб 80.9о"
        );
        assert_eq!(merge("80.90 0.97 0.6 0.9", "Хлеб 0.99 0 0.3\n8090 0.99 0.6 0.9"), "Хлеб 80.90");
    }

    #[test]
    fn a_line_that_the_main_recogniser_is_sure_of_stays() {
        let english = "Thank 0.99 0 0.4\nyou! 0.99 0.5 0.9";
        assert_eq!(merge(english, "Тһапк 0.9 0 0.4\nуои! 0.9 0.5 0.9"), "Thank you!");
        assert_eq!(merge(english, "Thank 1 0 0.4\nyou! 1 0.5 0.9"), "Thank you!");
        assert_eq!(merge("Tax 0.7 0 0.9", "Тах 0.5 0 0.9"), "Tax", "noise is not trusted");
    }

    #[test]
    fn vietnamese_words_get_their_marks() {
        let main = "nhân 0.99 0 0.2\nloi 0.99 0.25 0.4\nlà 0.99 0.5 0.6\n10.000đ 0.99 0.7 0.95";
        let other = "nhân 0.99 0 0.2\nloại 1 0.25 0.4\nlà 0.99 0.5 0.6\n10.000d 0.99 0.7 0.95";
        assert_eq!(merge(main, other), "nhân loại là 10.000đ");
    }

    #[test]
    fn only_lines_that_give_cause_are_looked_at() {
        let [thai, vietnamese, _] = &SCRIPTS;
        let latin = line("Everyone 0.99 0 0.5\nhas 0.99 0.6 0.9");
        assert!(!thai.is_hinted_by(&latin) && !vietnamese.is_hinted_by(&latin));
        assert!(thai.is_hinted_by(&line(", 0.99 0.4 0.5")), "one comma in a long line");
        assert!(thai.is_hinted_by(&line("nsanaaNSaviaau 0.42 0 0.9")));
        assert!(vietnamese.is_hinted_by(&line("đng 0.99 0 0.9")));
        assert!(thai.letters_in(&line("โดยที่การไม่นำพา 0.98 0 0.9"), &known()) > thai.min_letters);
        assert!(thai.letters_in(&line("=๐ 0.98 0 0.9"), &known()) < thai.min_letters);
        assert_eq!(thai.letters_in(&line("CBTpYHAnYecTBOTaล 0.98 0 0.9"), &known()), 0);
    }
}
