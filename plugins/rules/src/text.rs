//! The document as one text for patterns: a line for each row, and spaces between its pieces as wide as the gaps.

use std::ops::Range;

use ocriva_plugin_sdk::page::Rect;
use ocriva_plugin_sdk::reading::{Reading, Segment, Span};

/// Text beyond this is not searched: patterns take time for each byte.
const MAX_BYTES: usize = 512 << 10;
/// Widest gap, in spaces.
const MAX_SPACES: usize = 40;

/// A text, and where its parts stand.
pub struct PageText<'d, 'p> {
    reading: &'d Reading<'p>,
    /// The text.
    pub text: String,
    pieces: Vec<(Range<usize>, usize)>,
}

/// A part of a page.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Region {
    /// Page from 1, or from the end with -1 for the last; all where it is not given.
    pub page: Option<i64>,
    /// Left, top, right and bottom in fractions of the page.
    pub area: Option<[f32; 4]>,
}

impl Region {
    /// Whether it is a part of the document rather than all of it.
    pub fn is_part(&self) -> bool {
        self.page.is_some() || self.area.is_some()
    }

    fn holds(&self, reading: &Reading, segment: &Segment) -> bool {
        let Some(page) = reading.pages().get(segment.page) else { return false };
        let count = i64::try_from(reading.pages().len()).unwrap_or(i64::MAX);
        let on_page = self.page.is_none_or(|wanted| {
            let number = if wanted < 0 { count + 1 + wanted } else { wanted };
            i64::from(page.number) == number
        });
        let inside = self.area.is_none_or(|[x0, y0, x1, y1]| {
            let area =
                Rect { x0: x0 * page.width, y0: y0 * page.height, x1: x1 * page.width, y1: y1 * page.height };
            let (x, y) = (segment.bbox.center_x(), segment.bbox.center_y());
            (area.x0..=area.x1).contains(&x) && (area.y0..=area.y1).contains(&y)
        });
        on_page && inside
    }
}

impl<'d, 'p> PageText<'d, 'p> {
    /// The text of a whole document.
    pub fn new(reading: &'d Reading<'p>) -> Self {
        Self::of(reading, Region::default())
    }

    /// The text of a region.
    pub fn within(&self, region: Region) -> Self {
        Self::of(self.reading, region)
    }

    fn of(reading: &'d Reading<'p>, region: Region) -> Self {
        let mut text = Self { reading, text: String::new(), pieces: Vec::new() };
        for row in reading.rows() {
            let mut end: Option<f32> = None;
            for index in row.segments.clone() {
                let Some(segment) = reading.segments().get(index) else { continue };
                if !region.holds(reading, segment) || text.text.len() + segment.text.len() > MAX_BYTES {
                    continue;
                }
                if let Some(end) = end {
                    let width = segment.bbox.height().max(1.0) * 0.5;
                    let spaces = ((segment.bbox.x0 - end) / width).clamp(2.0, MAX_SPACES as f32) as usize;
                    text.text.extend(std::iter::repeat_n(' ', spaces));
                }
                let start = text.text.len();
                text.text.push_str(&segment.text);
                text.pieces.push((start..text.text.len(), index));
                end = Some(segment.bbox.x1);
            }
            if end.is_some() {
                text.text.push('\n');
            }
        }
        text
    }

    /// Where a part of the text stands; its own text is that part with single spaces.
    pub fn span(&self, range: Range<usize>) -> Option<Span> {
        let first = self.pieces.partition_point(|(piece, _)| piece.end <= range.start);
        let touched = self.pieces.get(first..)?.iter().take_while(|(piece, _)| piece.start < range.end);
        let spans = touched.filter_map(|(piece, segment)| {
            let start = range.start.max(piece.start) - piece.start;
            let end = range.end.min(piece.end) - piece.start;
            self.reading.span(*segment, start..end)
        });
        Span::join(&spans.collect::<Vec<_>>())
    }
}
