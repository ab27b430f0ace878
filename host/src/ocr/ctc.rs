//! From the recogniser's class probabilities per time step to words.
//!
//! Greedy decoding of connectionist temporal classification (Graves et al. 2006): the best class of each step,
//! repetitions merged, blanks dropped.

/// A character as it was decoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Character<'a> {
    /// Usually one `char`; a space separates words.
    pub(super) text: &'a str,
    /// First time step in which it was the best class.
    pub(super) first: usize,
    /// Last one.
    pub(super) last: usize,
    /// Highest probability among its steps.
    pub(super) confidence: f32,
}

impl Character<'_> {
    /// The middle of its steps, in steps.
    fn center(&self) -> f32 {
        (self.first + self.last + 1) as f32 / 2.0
    }

    fn is_space(&self) -> bool {
        self.text.chars().all(char::is_whitespace)
    }
}

/// A word of one line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LineWord {
    pub(super) text: String,
    /// Mean of the characters' probabilities.
    pub(super) confidence: f32,
    /// Where it begins, in time steps.
    pub(super) start: f32,
    /// Where it ends, in time steps.
    pub(super) end: f32,
}

/// Decodes `probabilities`, one row of `classes.len()` values per time step. Class 0 is the blank.
pub(super) fn decode<'a>(probabilities: &[f32], classes: &'a [Box<str>]) -> Vec<Character<'a>> {
    let mut characters: Vec<Character<'a>> = Vec::new();
    let mut before = 0;
    for (step, row) in probabilities.chunks_exact(classes.len().max(1)).enumerate() {
        let (class, probability) = best(row);
        match characters.last_mut() {
            Some(last) if class == before && class != 0 => {
                last.last = step;
                last.confidence = last.confidence.max(probability);
            }
            _ if class != 0 => {
                if let Some(text) = classes.get(class) {
                    characters.push(Character { text, first: step, last: step, confidence: probability });
                }
            }
            _ => {}
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

/// Splits a line of `step_count` time steps into words.
///
/// The network marks the middle of each character; a word reaches half a character further on both sides, but no
/// further than half way to its neighbour.
pub(super) fn words(characters: &[Character<'_>], step_count: usize) -> Vec<LineWord> {
    let half = pitch(characters) / 2.0;
    let mut words: Vec<LineWord> = Vec::new();
    for group in characters.split(Character::is_space) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        words.push(LineWord {
            text: group.iter().map(|character| character.text).collect(),
            confidence: group.iter().map(|character| character.confidence).sum::<f32>() / group.len() as f32,
            start: (first.center() - half).max(0.0),
            end: (last.center() + half).min(step_count as f32),
        });
    }
    for index in 1..words.len() {
        let (before, after) = words.split_at_mut(index);
        if let (Some(left), Some(right)) = (before.last_mut(), after.first_mut())
            && left.end > right.start
        {
            let middle = (left.end + right.start) / 2.0;
            left.end = middle;
            right.start = middle;
        }
    }
    words
}

/// Usual distance in steps between the middles of neighbouring characters of one word.
fn pitch(characters: &[Character<'_>]) -> f32 {
    /// For a line without two neighbouring characters: a character about as wide as half the line's height.
    const ALONE: f32 = 3.0;
    let mut distances: Vec<f32> = characters
        .windows(2)
        .filter_map(|pair| match pair {
            [a, b] if !a.is_space() && !b.is_space() => Some(b.center() - a.center()),
            _ => None,
        })
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
        let expected = Character { text: "a", first: 1, last: 2, confidence: 0.9 };
        assert_eq!(decode(&rows, &classes()), [expected]);
    }

    #[test]
    fn spaces_separate_words_and_never_make_empty_ones() {
        let classes = classes();
        let rows = probabilities(" -a-b-  -1-a- ");
        let words = words(&decode(&rows, &classes), 14);
        assert_eq!(words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), ["ab", "1a"]);
        assert!((words[0].start - 1.5).abs() < 1e-6 && (words[0].end - 5.5).abs() < 1e-6, "{words:?}");
        assert!((words[0].confidence - 0.8).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn words_follow_one_another_within_the_line(steps in "[-ab1 ]{0,60}") {
            let classes = classes();
            let rows = probabilities(&steps);
            let words = words(&decode(&rows, &classes), steps.len());
            let mut reached = 0.0;
            for word in words {
                prop_assert!(!word.text.is_empty() && word.start >= reached && word.end > word.start, "{word:?}");
                prop_assert!(word.end <= steps.len() as f32);
                reached = word.end;
            }
        }
    }
}
