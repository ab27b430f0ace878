//! How well pictures were read: words against labels, and whether confidences mean what they say.
//!
//! Words are compared as bags, free of order: case-folded, compatibility characters resolved, without punctuation at
//! either end.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;

/// Words that were read, that there are, and that are both.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Words {
    pub(crate) matching: usize,
    pub(crate) read: usize,
    pub(crate) labelled: usize,
}

impl Words {
    /// Compares what was read with what there is.
    pub(crate) fn compare(read: &str, labelled: &str) -> Self {
        let mut left: HashMap<String, usize> = bag(labelled);
        let labelled = left.values().sum();
        let mut words = Self { matching: 0, read: 0, labelled };
        for word in plain_words(read) {
            words.read += 1;
            words.matching += usize::from(take(&mut left, &word));
        }
        words
    }

    /// Counts of several pictures together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            matching: self.matching + other.matching,
            read: self.read + other.read,
            labelled: self.labelled + other.labelled,
        }
    }

    /// The harmonic mean of precision and recall, from 0 to 1; `None` where there are no words.
    pub(crate) fn f1(self) -> Option<f64> {
        let all = self.read + self.labelled;
        (all > 0).then(|| 2.0 * self.matching as f64 / all as f64)
    }
}

/// A label file: `X.json` beside a picture `X`, as far as it matters here.
#[derive(Deserialize)]
struct Label {
    #[serde(default)]
    text_lines: Vec<LabelledLine>,
    /// False where words are not separated by spaces.
    #[serde(default = "yes")]
    word_score: bool,
    /// False where the labels are not all of the text.
    #[serde(default = "yes")]
    text_score: bool,
}

#[derive(Deserialize)]
struct LabelledLine {
    text: String,
}

fn yes() -> bool {
    true
}

/// The text on a picture as its label says; `None` where there is no label with words.
pub(crate) fn labelled(picture: &Path) -> Option<String> {
    let mut name = picture.as_os_str().to_owned();
    name.push(".json");
    let label: Label = serde_json::from_str(&std::fs::read_to_string(name).ok()?).ok()?;
    let lines: Vec<String> = label.text_lines.into_iter().map(|line| line.text).collect();
    (label.word_score && label.text_score && !lines.is_empty()).then(|| lines.join("\n"))
}

/// How often words of a range of confidence are right.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Bin {
    pub(crate) words: usize,
    pub(crate) right: usize,
    /// Of all confidences.
    pub(crate) sum: f64,
}

/// Confidences in ten steps, and how often words of each are right.
#[derive(Debug, Default)]
pub(crate) struct Reliability {
    pub(crate) bins: [Bin; 10],
}

impl Reliability {
    /// Adds the words of a picture. Of equal words, the most certain are taken for the labelled ones.
    pub(crate) fn add(&mut self, words: &[(String, f64)], labelled: &str) {
        let mut left = bag(labelled);
        let mut words: Vec<(String, f64)> = words
            .iter()
            .flat_map(|(text, confidence)| plain_words(text).map(|word| (word, *confidence)))
            .collect();
        words.sort_by(|a, b| b.1.total_cmp(&a.1));
        for (word, confidence) in words {
            let bin = &mut self.bins[((confidence * 10.0) as usize).min(9)];
            bin.words += 1;
            bin.right += usize::from(take(&mut left, &word));
            bin.sum += confidence;
        }
    }

    /// Mean distance of a word's confidence from the share of right words in its range; `None` without words.
    pub(crate) fn error(&self) -> Option<f64> {
        let words: usize = self.bins.iter().map(|bin| bin.words).sum();
        let off: f64 = self.bins.iter().map(|bin| (bin.sum - bin.right as f64).abs()).sum();
        (words > 0).then(|| off / words as f64)
    }
}

fn bag(text: &str) -> HashMap<String, usize> {
    let mut bag = HashMap::new();
    for word in plain_words(text) {
        *bag.entry(word).or_default() += 1;
    }
    bag
}

/// Takes a word out of a bag, if it is there.
fn take(bag: &mut HashMap<String, usize>, word: &str) -> bool {
    match bag.get_mut(word) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    }
}

fn plain_words(text: &str) -> impl Iterator<Item = String> {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    let words: Vec<String> = folded
        .split_whitespace()
        .map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric() && letter != '_').to_owned())
        .filter(|word| !word.is_empty())
        .collect();
    words.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_match_whatever_their_order_case_and_edges() {
        let words = Words::compare("(total): 9.00 RM\nThanks thanks", "TOTAL RM 9.00 thanks you");
        assert_eq!(words, Words { matching: 4, read: 5, labelled: 5 });
        assert!((words.f1().unwrap() - 0.8).abs() < 1e-9);
        assert_eq!(Words::compare("", "").f1(), None);
    }

    #[test]
    fn reliability_counts_words_by_their_confidence() {
        let mut reliability = Reliability::default();
        let words = [("Total".to_owned(), 0.95), ("total".to_owned(), 0.35), ("x".to_owned(), 1.0)];
        reliability.add(&words, "total");
        assert_eq!(reliability.bins[9], Bin { words: 2, right: 1, sum: 1.95 });
        assert_eq!(reliability.bins[3], Bin { words: 1, right: 0, sum: 0.35 });
        assert!((reliability.error().unwrap() - (0.95 + 0.35) / 3.0).abs() < 1e-9);
    }
}
