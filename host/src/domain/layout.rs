//! Puts the segments of a page into lines, blocks and reading order.

use super::page::{Line, PageSize, Segment, Word};

/// Words and lines in reading order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arranged {
    /// Words in reading order.
    pub words: Vec<Word>,
    /// Lines in reading order; their words are consecutive.
    pub lines: Vec<Line>,
}

/// Arranges segments: pieces of one row become one line ("rows stay rows"), and text columns are read one after
/// the other ("columns stay columns").
pub fn arrange(segments: Vec<Segment>, size: PageSize) -> Arranged {
    let _ = (segments, size);
    unimplemented!("decode helper")
}
