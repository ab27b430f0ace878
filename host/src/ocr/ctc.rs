//! From the recogniser's class probabilities per time step to words.
//!
//! Greedy decoding of connectionist temporal classification (Graves et al. 2006): the best class of each step,
//! repetitions merged, blanks dropped. Where words end is told by the network's spaces and by the picture's white columns.

use super::crop::LINE_HEIGHT;
use super::ink::Ink;

/// Logit of a space between two characters for each picture height of white columns between them beyond what is usual
/// within the line's words.
const GAP_WEIGHT: f32 = 8.0;
/// Logit for each factor of ten in the network's probability of a space.
const NETWORK_WEIGHT: f32 = 3.0;
/// The network's probability of a space, from below: less says no more.
const MIN_NETWORK: f32 = 1e-3;
/// Logit where the network is certain and the gap is usual.
const BIAS: f32 = 2.5;
/// Logit between two characters of a number: half-empty figures and points stand apart in many typefaces, and a number
/// in two pieces is worse than two numbers in one.
const NUMBER_BIAS: f32 = -1.6;
/// Gap beyond the usual, in picture heights, that stands for one that is not known.
const UNKNOWN_GAP: f32 = 0.05;
/// Widest gap that counts, in picture heights.
const MAX_GAP: f32 = 0.5;

/// A character as it was decoded; never a space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Character<'a> {
    /// Usually one `char`.
    pub(super) text: &'a str,
    /// First time step in which it was the best class.
    pub(super) first: usize,
    /// Last one.
    pub(super) last: usize,
    /// Highest probability among its steps.
    pub(super) confidence: f32,
    /// Highest probability of a space in the steps since the character before it; of the first character nothing.
    pub(super) space: f32,
}

impl Character<'_> {
    /// The middle of its steps, in steps.
    fn center(&self) -> f32 {
        (self.first + self.last + 1) as f32 / 2.0
    }

    fn is_of_number(&self) -> bool {
        self.text.chars().all(|letter| letter.is_ascii_digit() || letter == '.' || letter == ',')
    }
}

/// A word of one line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LineWord {
    pub(super) text: String,
    /// Mean of the characters' probabilities, as the network gives them.
    pub(super) confidence: f32,
    /// The lowest of them.
    pub(super) least: f32,
    /// Where it begins, in time steps.
    pub(super) start: f32,
    /// Where it ends, in time steps.
    pub(super) end: f32,
}

/// Decodes `probabilities`, one row of `classes.len()` values per time step. Class 0 is the blank, the last one the
/// space.
pub(super) fn decode<'a>(probabilities: &[f32], classes: &'a [Box<str>]) -> Vec<Character<'a>> {
    let mut characters: Vec<Character<'a>> = Vec::new();
    let mut before = 0;
    let mut space = 0.0f32;
    for (step, row) in probabilities.chunks_exact(classes.len().max(1)).enumerate() {
        let (class, probability) = best(row);
        space = space.max(row.last().copied().unwrap_or(0.0));
        match characters.last_mut() {
            Some(last) if class == before && last.last + 1 == step => {
                last.last = step;
                last.confidence = last.confidence.max(probability);
                space = row.last().copied().unwrap_or(0.0);
            }
            _ => {
                if let Some(text) = classes.get(class).filter(|text| !text.trim().is_empty()) {
                    let confidence = probability;
                    characters.push(Character { text, first: step, last: step, confidence, space });
                    space = row.last().copied().unwrap_or(0.0);
                }
            }
        }
        before = class;
    }
    characters
}

/// The most probable class and its probability.
fn best(row: &[f32]) -> (usize, f32) {
    let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    (row.iter().position(|&value| value == highest).unwrap_or(0), highest)
}

/// Splits a line of `step_count` time steps, each of `step_width` columns of its picture, into words.
///
/// The network was trained on text without spaces as well and leaves many of them out, above all beside colons; the
/// white columns of the picture tell where they are. Both are weighed by a logistic regression, fitted to 22,000 pairs
/// of neighbouring characters in receipts (SROIE) and forms (FUNSD): it halves the spaces that are missed or made up.
///
/// The network marks the middle of each character; a word reaches half a character further on both sides, but no
/// further than half way to its neighbour, and from there to the edge of the nearest ink.
pub(super) fn words(
    characters: &[Character<'_>],
    step_count: usize,
    ink: Option<&Ink>,
    step_width: usize,
) -> Vec<LineWord> {
    let half = pitch(characters) / 2.0;
    let columns = step_width.max(1) as f32;
    let gaps: Vec<Option<(f32, f32)>> = characters
        .windows(2)
        .map(|pair| Some(ink?.gap(pair[0].center() * columns, pair[1].center() * columns)))
        .collect();
    let usual = usual_gap(characters, &gaps);
    let mut words: Vec<LineWord> = Vec::new();
    let mut group: Vec<Character<'_>> = Vec::new();
    let mut left = 0.0f32;
    for (index, character) in characters.iter().enumerate() {
        group.push(*character);
        let gap = gaps.get(index).copied().flatten();
        let next = characters.get(index + 1);
        if let Some(next) = next
            && !is_space(character, next, gap.map(|gap| (gap.1 - gap.0 - usual) / LINE_HEIGHT as f32))
        {
            continue;
        }
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let right = match (next, gap) {
            (Some(_), Some(gap)) if gap.1 > gap.0 => (gap.0 + gap.1) / 2.0 / columns,
            (Some(next), _) => (last.center() + next.center()) / 2.0,
            (None, _) => step_count as f32,
        };
        let start = (first.center() - half).max(left);
        let end = (last.center() + half).min(right);
        let reach = (start - half, end + half);
        let found = ink.and_then(|ink| ink.extent(reach.0.max(left) * columns, reach.1.min(right) * columns));
        // Ink that ends before the middle of a character is not the word's.
        let (start, end) = match found {
            Some((from, to)) if from / columns <= first.center() && to / columns >= last.center() => {
                (from / columns, to / columns)
            }
            _ => (start, end),
        };
        words.push(LineWord {
            text: group.iter().map(|character| character.text).collect(),
            confidence: group.iter().map(|character| character.confidence).sum::<f32>() / group.len() as f32,
            least: group.iter().map(|character| character.confidence).fold(1.0, f32::min),
            start,
            end,
        });
        group.clear();
        left = right;
    }
    words
}

/// Whether two neighbouring characters belong to two words. `gap` is the white between them beyond the usual, in picture
/// heights.
fn is_space(left: &Character<'_>, right: &Character<'_>, gap: Option<f32>) -> bool {
    let mut logit = BIAS
        + GAP_WEIGHT * gap.unwrap_or(UNKNOWN_GAP).min(MAX_GAP)
        + NETWORK_WEIGHT * right.space.max(MIN_NETWORK).log10();
    if left.is_of_number() && right.is_of_number() {
        logit += NUMBER_BIAS;
    }
    logit > 0.0
}

/// The median of the white between characters of one word, in columns; 0 where it is not known.
fn usual_gap(characters: &[Character<'_>], gaps: &[Option<(f32, f32)>]) -> f32 {
    let inside = characters.iter().skip(1).zip(gaps).filter(|(right, _)| right.space < 0.5);
    let mut widths: Vec<f32> = inside.filter_map(|(_, gap)| gap.map(|(from, to)| to - from)).collect();
    widths.sort_by(f32::total_cmp);
    widths.get(widths.len() / 2).copied().unwrap_or(0.0)
}

/// Usual distance in steps between the middles of neighbouring characters of one word.
fn pitch(characters: &[Character<'_>]) -> f32 {
    /// For a line without two neighbouring characters: a character about as wide as half the line's height.
    const ALONE: f32 = 3.0;
    let mut distances: Vec<f32> = characters
        .windows(2)
        .filter(|pair| pair[1].space < 0.5)
        .map(|pair| pair[1].center() - pair[0].center())
        .collect();
    distances.sort_by(f32::total_cmp);
    distances.get(distances.len() / 2).copied().unwrap_or(ALONE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn classes() -> Vec<Box<str>> {
        ["", "a", "b", "1", " "].map(Box::from).to_vec()
    }

    /// One time step per letter: `-` is the blank.
    fn probabilities(steps: &str) -> Vec<f32> {
        let row = |letter: char| {
            let class = "-ab1 ".find(letter).unwrap();
            (0..5).map(move |index| if index == class { 0.8 } else { 0.05 })
        };
        steps.chars().flat_map(row).collect()
    }

    fn text(steps: &str) -> String {
        decode(&probabilities(steps), &classes()).iter().map(|character| character.text).collect()
    }

    #[test]
    fn repetitions_are_one_character_unless_a_blank_is_between_them() {
        assert_eq!(text("--aa-a-bb--"), "aab");
        assert_eq!(text("ab1"), "ab1");
        assert_eq!(text("----"), "");
        assert_eq!(text(""), "");
    }

    #[test]
    fn a_character_knows_its_steps_and_its_best_probability() {
        let mut rows = probabilities("-aa-");
        rows[2 * 5 + 1] = 0.9;
        let expected = Character { text: "a", first: 1, last: 2, confidence: 0.9, space: 0.05 };
        assert_eq!(decode(&rows, &classes()), [expected]);
    }

    #[test]
    fn spaces_separate_words_and_never_make_empty_ones() {
        let classes = classes();
        let rows = probabilities(" -a-b-  -1-a- ");
        let words = words(&decode(&rows, &classes), 14, None, 8);
        assert_eq!(words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), ["ab", "1a"]);
        assert!((words[0].start - 1.5).abs() < 1e-6 && (words[0].end - 5.5).abs() < 1e-6, "{words:?}");
        assert!((words[0].confidence - 0.8).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn words_follow_one_another_within_the_line(steps in "[-ab1 ]{0,60}") {
            let classes = classes();
            let rows = probabilities(&steps);
            let words = words(&decode(&rows, &classes), steps.len(), None, 8);
            let mut reached = 0.0;
            for word in words {
                prop_assert!(!word.text.is_empty() && word.start >= reached && word.end > word.start, "{word:?}");
                prop_assert!(word.end <= steps.len() as f32);
                reached = word.end;
            }
        }
    }
}
