//! Pages, lines and words as an extractor sees them.

use serde::{Deserialize, Serialize};

/// A rectangle in page units: origin at the top left of the upright page, `x` to the right, `y` down.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "[f32; 4]", into = "[f32; 4]")]
pub struct Rect {
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
}

impl Rect {
    /// Horizontal extent.
    pub fn width(&self) -> f32 {
        self.x1 - self.x0
    }

    /// Vertical extent.
    pub fn height(&self) -> f32 {
        self.y1 - self.y0
    }

    /// Middle between left and right.
    pub fn center_x(&self) -> f32 {
        (self.x0 + self.x1) / 2.0
    }

    /// Middle between top and bottom.
    pub fn center_y(&self) -> f32 {
        (self.y0 + self.y1) / 2.0
    }

    /// The smallest rectangle around both.
    pub fn union(&self, other: &Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }

    /// Length that both share horizontally; negative is the gap between them.
    pub fn overlap_x(&self, other: &Self) -> f32 {
        self.x1.min(other.x1) - self.x0.max(other.x0)
    }

    /// Length that both share vertically; negative is the gap between them.
    pub fn overlap_y(&self, other: &Self) -> f32 {
        self.y1.min(other.y1) - self.y0.max(other.y0)
    }
}

impl From<[f32; 4]> for Rect {
    fn from([x0, y0, x1, y1]: [f32; 4]) -> Self {
        Self { x0, y0, x1, y1 }
    }
}

impl From<Rect> for [f32; 4] {
    fn from(rect: Rect) -> Self {
        [rect.x0, rect.y0, rect.x1, rect.y1]
    }
}

/// A word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Its text, without white space.
    pub text: String,
    /// Its box.
    pub bbox: Rect,
    /// From 0 (a guess) to 1 (certain).
    pub confidence: f32,
    /// Index into [`Page::lines`].
    pub line: u32,
    /// Index of the block (column, paragraph) it stands in.
    pub block: u32,
}

/// A text line: consecutive words of one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The box around its words.
    pub bbox: Rect,
    /// Index of its first word in [`Page::words`].
    pub first_word: u32,
    /// Number of words, at least 1.
    pub word_count: u32,
    /// Index of the block it stands in.
    pub block: u32,
}

/// All text of one page, in reading order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Page number in the file, from 1.
    pub number: u32,
    /// Width of the upright page, in pixels for images and points for PDF pages.
    pub width: f32,
    /// Height of the upright page.
    pub height: f32,
    /// `text_layer` or `ocr`.
    pub source: String,
    /// Words in reading order.
    pub words: Vec<Word>,
    /// Lines in reading order; their words are consecutive.
    pub lines: Vec<Line>,
}
