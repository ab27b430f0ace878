//! What a page says: words, lines and blocks with their boxes.

use serde::{Deserialize, Serialize};

use super::geometry::{Rect, Turn};

/// Trade-off between speed and accuracy of reading.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum OcrMode {
    /// The smallest models: less than half the time, not for amounts.
    Fast,
    /// The best models.
    Accurate,
}

impl OcrMode {
    /// Every mode, in the order in which messages list them.
    pub const ALL: [Self; 2] = [Self::Fast, Self::Accurate];

    /// The word, as stored and as sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Accurate => "accurate",
        }
    }

    /// The mode for a word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }
}

/// Unit of every coordinate of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Pixels of the upright image.
    #[serde(rename = "px")]
    Pixel,
    /// 1/72 inch, for PDF pages.
    #[serde(rename = "pt")]
    Point,
}

/// Size of an upright page.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PageSize {
    /// Width in `unit`, greater than zero.
    pub width: f32,
    /// Height in `unit`, greater than zero.
    pub height: f32,
    /// Unit of both, and of every box on the page.
    pub unit: Unit,
}

/// Where a page's words come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextSource {
    /// The document's own text, positioned by its producer.
    TextLayer,
    /// Optical character recognition of the page's picture.
    Ocr,
}

/// One word as it was found, before the page's reading order is known.
#[derive(Debug, Clone, PartialEq)]
pub struct RawWord {
    /// The word's text, without white space.
    pub text: String,
    /// Its box in page units.
    pub bbox: Rect,
    /// From 0 (a guess) to 1 (certain).
    pub confidence: f32,
}

/// A run of words that follow one another on one baseline without a wide gap: one detected text box, or one
/// stretch of a PDF's text line. [`super::layout`] puts segments into lines, blocks and reading order.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// The words from left to right (in reading direction); never empty.
    pub words: Vec<RawWord>,
    /// The box around all of them.
    pub bbox: Rect,
}

/// A word in its place in the page's reading order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// The word's text, without white space.
    pub text: String,
    /// Its box in page units.
    pub bbox: Rect,
    /// From 0 (a guess) to 1 (certain).
    pub confidence: f32,
    /// Index into [`PageText::lines`].
    pub line: u32,
    /// Index of the block (column, paragraph, table cell group) the word stands in, from 0.
    pub block: u32,
}

/// A text line: consecutive words of one row within one block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The box around its words.
    pub bbox: Rect,
    /// Index of the first word in [`PageText::words`].
    pub first_word: u32,
    /// Number of words, at least 1.
    pub word_count: u32,
    /// Index of the block, from 0.
    pub block: u32,
}

/// All text of one page, in reading order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageText {
    /// Size of the upright page.
    pub size: PageSize,
    /// The turn that was applied to make the page upright; all coordinates are of the upright page.
    pub turn: Turn,
    /// Skew that was corrected before reading, in degrees clockwise; 0 for a text layer.
    pub skew_degrees: f32,
    /// Where the words come from.
    pub source: TextSource,
    /// Words in reading order.
    pub words: Vec<Word>,
    /// Lines in reading order; their words are consecutive.
    pub lines: Vec<Line>,
}

impl PageText {
    /// The words of a line.
    pub fn line_words(&self, line: &Line) -> &[Word] {
        let first = line.first_word as usize;
        self.words.get(first..first + line.word_count as usize).unwrap_or_default()
    }

    /// The page as plain text: one line of text per line, an empty line between blocks.
    pub fn plain_text(&self) -> String {
        let mut text = String::new();
        let mut block = None;
        for line in &self.lines {
            if block.is_some_and(|before| before != line.block) {
                text.push('\n');
            }
            block = Some(line.block);
            for (index, word) in self.line_words(line).iter().enumerate() {
                if index > 0 {
                    text.push(' ');
                }
                text.push_str(&word.text);
            }
            text.push('\n');
        }
        text
    }
}
