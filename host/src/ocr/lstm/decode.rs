//! From probabilities of codes to characters.
//!
//! Most characters have one code; scripts with many characters spell some of them with several. The best code of
//! each time step is taken, repetitions are merged and blanks dropped (Graves et al. 2006); of the codes that
//! remain, the longest sequences that spell a character are taken.

use std::collections::HashMap;

use super::super::ctc::Character;
use super::network::Probabilities;

/// Which codes spell which characters.
pub(super) struct Spelling {
    blank: usize,
    characters: HashMap<Vec<usize>, Box<str>>,
    /// Codes of the longest spelling.
    longest: usize,
}

impl Spelling {
    pub(super) fn new(blank: usize, characters: Vec<(Box<str>, Vec<usize>)>) -> Self {
        let longest = characters.iter().map(|(_, codes)| codes.len()).max().unwrap_or(0);
        let characters = characters
            .into_iter()
            .filter(|(_, codes)| !codes.is_empty() && *codes != [blank])
            .map(|(text, codes)| (codes, text))
            .collect();
        Self { blank, characters, longest }
    }

    /// Decodes probabilities, one row per time step. These networks are sure of their spaces.
    pub(super) fn decode(&self, probabilities: &Probabilities) -> Vec<Character<'_>> {
        let codes = self.codes(probabilities);
        let mut characters = Vec::new();
        let mut space = 0.0;
        let mut rest = codes.as_slice();
        while !rest.is_empty() {
            let spelled = (1..=self.longest.min(rest.len())).rev().find_map(|count| {
                let run = rest.get(..count)?;
                let spelling: Vec<usize> = run.iter().map(|code| code.code).collect();
                Some((run, self.characters.get(&spelling)?))
            });
            let Some((run, text)) = spelled else {
                rest = &rest[1..];
                continue;
            };
            if let (Some(first), Some(last)) = (run.first(), run.last()) {
                let confidence = run.iter().map(|code| code.confidence).fold(1.0, f32::min);
                if text.trim().is_empty() {
                    space = 1.0;
                } else {
                    characters.push(Character {
                        text,
                        first: first.first,
                        last: last.last,
                        confidence,
                        space,
                    });
                    space = 0.0;
                }
            }
            rest = &rest[run.len()..];
        }
        characters
    }

    /// The codes of a line without blanks and repetitions.
    fn codes(&self, probabilities: &Probabilities) -> Vec<Code> {
        let mut codes: Vec<Code> = Vec::new();
        let mut before = self.blank;
        for (step, row) in probabilities.values.chunks_exact(probabilities.class_count.max(1)).enumerate() {
            let confidence = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let code = row.iter().position(|&value| value == confidence).unwrap_or(self.blank);
            match codes.last_mut() {
                Some(last) if code == before && code != self.blank => {
                    last.last = step;
                    last.confidence = last.confidence.max(confidence);
                }
                _ if code != self.blank => codes.push(Code { code, first: step, last: step, confidence }),
                _ => {}
            }
            before = code;
        }
        codes
    }
}

/// A code in a line: the time steps in which it was the best, and the highest of its probabilities.
struct Code {
    code: usize,
    first: usize,
    last: usize,
    confidence: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLANK: usize = 3;

    /// One time step per digit.
    fn read(steps: &str) -> Vec<(String, usize, usize)> {
        let spelling = Spelling::new(
            BLANK,
            vec![
                (" ".into(), vec![0]),
                ("a".into(), vec![1]),
                ("ä".into(), vec![1, 2]),
                ("nothing".into(), vec![BLANK]),
            ],
        );
        let values = steps
            .chars()
            .filter_map(|digit| digit.to_digit(10))
            .flat_map(|code| (0..4).map(move |class| if class == code { 0.7 } else { 0.1 }))
            .collect();
        let probabilities = Probabilities { class_count: 4, values };
        let characters = spelling.decode(&probabilities);
        characters
            .iter()
            .map(|found| {
                let space = if found.space > 0.5 { " " } else { "" };
                (format!("{space}{}", found.text), found.first, found.last)
            })
            .collect()
    }

    #[test]
    fn codes_are_merged_and_spell_the_longest_character() {
        let found = |text: &str, first: usize, last: usize| (text.to_owned(), first, last);
        assert_eq!(read("3113133"), [found("a", 1, 2), found("a", 4, 4)]);
        assert_eq!(read("3113223031"), [found("ä", 1, 5), found(" a", 9, 9)]);
        assert_eq!(read("123"), [found("ä", 0, 1)]);
    }

    #[test]
    fn codes_that_spell_nothing_are_left_out() {
        assert_eq!(read("232"), []);
        assert_eq!(read("2"), []);
        assert_eq!(read(""), []);
    }
}
