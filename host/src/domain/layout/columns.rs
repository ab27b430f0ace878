//! Tells columns of running text from rows of pieces, and cuts a page into regions that are read row by row.

use std::collections::HashSet;

use super::addresses;
use super::rows::rows;
use crate::domain::geometry::Rect;
use crate::domain::page::Segment;

/// What parts columns from one another.
struct Gutter {
    /// Least width where it begins, in line heights.
    begins: f32,
    /// What must be left of it farther down.
    ends: f32,
    /// Least lines on each side.
    lines: usize,
    /// Whether its white space must be told from that between words and between cells.
    is_narrow: bool,
}

/// Wider than any white space between words.
const WIDE: Gutter = Gutter { begins: 0.8, ends: 0.8, lines: 3, is_narrow: false };

/// One that some words may be as far apart as, and that a line or another reaches into which is too long for its column. By
/// chance the spaces of a few lie under one another, so it takes more lines.
const NARROW: Gutter = Gutter { begins: 0.3, ends: 0.1, lines: 10, is_narrow: true };

/// Least width of a narrow gutter, in usual spaces between words.
const MIN_GUTTER_SPACES: f32 = 1.5;

/// Most usual width of a narrow gutter, in line heights: running text is as wide as its column nearly everywhere, cells are
/// not.
const MAX_NARROW: f32 = 2.0;

/// Part of a line's height, above and below, that may overlap the next line without joining the two.
const OVERLAP: f32 = 0.2;

/// Characters of a piece of a row from which on it may be running text: lines have over 20 even in narrow newspaper
/// columns, table cells and addresses have fewer. Half of a column's characters must be in such pieces.
const MIN_PIECE_CHARACTERS: usize = 18;

/// Part of the column's width from which on a line counts as full, and the part of the lines that must be: running
/// text breaks where the column ends, lists and cells where they please.
const FULL_LINE: f32 = 0.75;
const MIN_FULL_LINES: f32 = 0.45;

/// Least share of letters in a column's characters; columns of figures are tables.
const MIN_LETTERS: f32 = 0.6;

/// White space, in line heights, after which a line under only one of two columns no longer belongs to it.
const MAX_TAIL_GAP: f32 = 2.5;

/// White space between lines without their [`OVERLAP`], in line heights, after which a line no longer belongs to an address.
const MAX_LEADING: f32 = 1.3;

/// Most columns within columns.
const MAX_DEPTH: u32 = 8;

/// Boxes that may be looked at in vain, for each box of the page and in all: most pages have few gutters to try, and a
/// large table must not cost seconds.
const TRIALS_PER_BOX: usize = 200;
const MAX_TRIALS: usize = 1_000_000;

/// A range of x without ink.
type Gap = (f32, f32);

/// Boxes that overlap in height, directly or through others.
struct Band {
    items: Vec<usize>,
    top: f32,
    bottom: f32,
    /// Inked ranges of x, from left to right, without overlaps.
    ink: Vec<Gap>,
}

/// Segments cut where a gutter may be.
pub(super) struct Pieces {
    /// The pieces, those of a segment from left to right.
    pub(super) segments: Vec<Segment>,
    /// Which segment each was cut from.
    pub(super) origins: Vec<usize>,
    /// The usual white space between words of a segment; 0 where there is none to tell.
    pub(super) space: f32,
}

impl Pieces {
    /// Cuts segments at all white space that may be a gutter: where columns stand close, what finds lines takes two of
    /// them for one. On a row of its own the pieces become one line again.
    pub(super) fn of(whole: Vec<Segment>, line_height: f32) -> Self {
        let between = whole.iter().flat_map(|segment| segment.words.windows(2));
        let spaces = between.map(|pair| pair[1].bbox.x0 - pair[0].bbox.x1).filter(|space| *space > 0.0);
        let mut pieces = Self {
            segments: Vec::new(),
            origins: Vec::new(),
            space: median(spaces.collect()).unwrap_or(0.0),
        };
        for (origin, segment) in whole.into_iter().enumerate() {
            let letters = segment.words.iter().flat_map(|word| word.text.chars());
            if super::is_right_to_left(letters) {
                pieces.segments.push(segment);
            } else {
                pieces.cut(segment, line_height);
            }
            pieces.origins.resize(pieces.segments.len(), origin);
        }
        pieces
    }

    fn cut(&mut self, segment: Segment, line_height: f32) {
        let first = self.segments.len();
        let whole = segment.bbox;
        // Large type has large spaces.
        let min_gutter = NARROW.begins * line_height.max(whole.height());
        for word in segment.words {
            let (x0, x1) = (word.bbox.x0, word.bbox.x1);
            match self.segments.get_mut(first..).and_then(<[Segment]>::last_mut) {
                Some(piece) if x0 - piece.bbox.x1 < min_gutter => {
                    piece.bbox.x0 = piece.bbox.x0.min(x0);
                    piece.bbox.x1 = piece.bbox.x1.max(x1);
                    piece.words.push(word);
                }
                _ => self.segments.push(Segment { bbox: Rect { x0, x1, ..whole }, words: vec![word] }),
            }
        }
        if let Some([piece]) = self.segments.get_mut(first..) {
            piece.bbox = whole;
        }
    }
}

/// Cuts a page into regions in reading order; each is to be read row by row.
pub(super) fn regions(pieces: &Pieces, boxes: &[Rect], line_height: f32) -> Vec<Vec<usize>> {
    let budget = (boxes.len() * TRIALS_PER_BOX).min(MAX_TRIALS);
    let mut cutter = Cutter { pieces, boxes, line_height, budget, regions: Vec::new() };
    cutter.cut((0..boxes.len()).collect(), 0);
    cutter.regions
}

struct Cutter<'a> {
    pieces: &'a Pieces,
    boxes: &'a [Rect],
    line_height: f32,
    budget: usize,
    regions: Vec<Vec<usize>>,
}

impl Cutter<'_> {
    fn cut(&mut self, items: Vec<usize>, depth: u32) {
        if depth >= MAX_DEPTH {
            self.regions.push(items);
            return;
        }
        let bands = self.bands(items);
        let mut by_rows: Vec<usize> = Vec::new();
        let mut next = 0;
        while let Some(band) = bands.get(next) {
            // The one that reaches farther: where lines end early, a narrow gutter looks wide for a while.
            let kinds = [NARROW, WIDE];
            let found = kinds.iter().filter_map(|kind| self.columns(&bands, next, kind));
            let columns = found.max_by_key(|(after, ..)| *after);
            if let Some((after, left, right)) = columns {
                self.end_of_rows(&mut by_rows);
                self.cut(left, depth + 1);
                self.cut(right, depth + 1);
                next = after;
            } else if let Some((after, blocks)) = self.addresses(&bands, next) {
                self.end_of_rows(&mut by_rows);
                self.regions.extend(blocks);
                next = after;
            } else {
                by_rows.extend(&band.items);
                next += 1;
            }
        }
        self.end_of_rows(&mut by_rows);
    }

    fn end_of_rows(&mut self, by_rows: &mut Vec<usize>) {
        if !by_rows.is_empty() {
            self.regions.push(std::mem::take(by_rows));
        }
    }

    /// Addresses side by side that begin at a band: the index of the band after them, and each block.
    fn addresses(&self, bands: &[Band], first: usize) -> Option<(usize, Vec<Vec<usize>>)> {
        let band = bands.get(first)?;
        let starts = first == 0
            || bands.get(first - 1).is_some_and(|above| band.top - above.bottom > self.max_leading());
        if !starts || band.ink.len() < 2 {
            return None;
        }
        let dense = bands.get(first..)?.windows(2);
        let after =
            first + 1 + dense.take_while(|pair| pair[1].top - pair[0].bottom <= self.max_leading()).count();
        let items: Vec<usize> =
            bands.get(first..after)?.iter().flat_map(|band| band.items.iter().copied()).collect();
        let blocks = addresses::side_by_side(&self.pieces.segments, self.boxes, &items, self.line_height)?;
        Some((after, blocks))
    }

    fn max_leading(&self) -> f32 {
        MAX_LEADING * self.line_height
    }

    fn bbox(&self, item: usize) -> Rect {
        self.boxes.get(item).copied().unwrap_or_default()
    }

    /// Cuts at white space that runs across.
    fn bands(&self, mut items: Vec<usize>) -> Vec<Band> {
        let top = |bbox: &Rect| bbox.y0 + OVERLAP * bbox.height();
        let bottom = |bbox: &Rect| bbox.y1 - OVERLAP * bbox.height();
        items.sort_by(|&a, &b| top(&self.bbox(a)).total_cmp(&top(&self.bbox(b))));
        let mut bands: Vec<Band> = Vec::new();
        for item in items {
            let bbox = self.bbox(item);
            match bands.last_mut() {
                Some(band) if top(&bbox) < band.bottom => {
                    band.items.push(item);
                    band.bottom = band.bottom.max(bottom(&bbox));
                }
                _ => bands.push(Band {
                    items: vec![item],
                    top: top(&bbox),
                    bottom: bottom(&bbox),
                    ink: Vec::new(),
                }),
            }
        }
        for band in &mut bands {
            band.ink = ink(band.items.iter().map(|&item| self.bbox(item)));
        }
        bands
    }

    /// The columns that begin at a band: the index of the band after them, and what is in the left one and in the rest.
    fn columns(
        &mut self,
        bands: &[Band],
        first: usize,
        kind: &Gutter,
    ) -> Option<(usize, Vec<usize>, Vec<usize>)> {
        let band = bands.get(first)?;
        let min_width = kind.begins * self.line_height;
        let gaps = band.ink.windows(2).map(|pair| (pair[0].1, pair[1].0));
        for gap in gaps.filter(|gap| gap.1 - gap.0 >= min_width) {
            let (after, gutter) = self.follow(bands, first, gap, kind);
            let items: Vec<usize> =
                bands.get(first..after)?.iter().flat_map(|band| band.items.iter().copied()).collect();
            if items.len() > self.budget {
                return None;
            }
            let middle = (gutter.0 + gutter.1) / 2.0;
            let (left, right): (Vec<usize>, Vec<usize>) =
                items.iter().partition(|&&item| self.bbox(item).center().0 < middle);
            // Half the lines would not do on either side, whatever they say.
            if left.len() < kind.lines || right.len() < kind.lines {
                continue;
            }
            self.budget -= items.len();
            if (!kind.is_narrow || self.parts_lines(&left, &items))
                && self.is_running_text(&left, kind.lines)
                && self.is_running_text(&right, kind.lines)
            {
                return Some((after, left, right));
            }
        }
        None
    }

    /// Follows a gap down the page: the index of the first band that closes it, and what remains of it until there.
    fn follow(&self, bands: &[Band], first: usize, gap: Gap, kind: &Gutter) -> (usize, Gap) {
        let min_width = kind.ends * self.line_height;
        let mut gutter = gap;
        let mut after = first + 1;
        while let Some(band) = bands.get(after) {
            let Some(narrower) = widest_common(gutter, &band.ink).filter(|gap| gap.1 - gap.0 >= min_width)
            else {
                break;
            };
            let is_one_sided = band.ink.first().is_some_and(|ink| ink.0 >= narrower.1)
                || band.ink.last().is_some_and(|ink| ink.1 <= narrower.0);
            let above = bands.get(after - 1).map_or(band.top, |above| above.bottom);
            if is_one_sided && band.top - above > MAX_TAIL_GAP * self.line_height {
                break;
            }
            gutter = narrower;
            after += 1;
        }
        (after, gutter)
    }

    /// Whether the white space that parts what is left of a narrow gutter from the rest is wider than that between words,
    /// which lies under one another too in lines that say the same and in those of a typewriter, and not as wide as that
    /// between cells.
    fn parts_lines(&self, left: &[usize], all: &[usize]) -> bool {
        let left: HashSet<usize> = left.iter().copied().collect();
        let mut gaps = Vec::new();
        for line in rows(self.boxes, all, self.line_height) {
            for pair in
                line.items.windows(2).filter(|pair| left.contains(&pair[0]) != left.contains(&pair[1]))
            {
                gaps.push(self.bbox(pair[1]).x0 - self.bbox(pair[0]).x1);
            }
        }
        let range = MIN_GUTTER_SPACES * self.pieces.space..=MAX_NARROW * self.line_height;
        median(gaps).is_none_or(|gap| range.contains(&gap))
    }

    /// Whether boxes on one side of a gutter are lines of running text.
    fn is_running_text(&self, items: &[usize], min_lines: usize) -> bool {
        let lines = rows(self.boxes, items, self.line_height);
        if lines.len() < min_lines {
            return false;
        }
        let width =
            lines.iter().map(|line| line.bbox).reduce(|a, b| a.union(&b)).map_or(0.0, |bbox| bbox.width());
        let full = lines.iter().filter(|line| line.bbox.width() >= FULL_LINE * width).count();
        if (full as f32) < MIN_FULL_LINES * lines.len() as f32 {
            return false;
        }
        let (mut letters, mut characters, mut in_long_pieces) = (0_usize, 0_usize, 0_usize);
        for line in &lines {
            let parts =
                line.items.chunk_by(|&a, &b| self.pieces.origins.get(a) == self.pieces.origins.get(b));
            for part in parts {
                let before = characters;
                let segments = part.iter().filter_map(|&item| self.pieces.segments.get(item));
                let words = segments.flat_map(|segment| &segment.words);
                for character in words.flat_map(|word| word.text.chars()) {
                    characters += 1;
                    letters += usize::from(character.is_alphabetic());
                }
                if characters - before >= MIN_PIECE_CHARACTERS {
                    in_long_pieces += characters - before;
                }
            }
        }
        in_long_pieces * 2 >= characters && letters as f32 >= MIN_LETTERS * characters as f32
    }
}

fn median(mut values: Vec<f32>) -> Option<f32> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f32::total_cmp).1)
}

/// The ranges of x that boxes cover.
fn ink(boxes: impl Iterator<Item = Rect>) -> Vec<Gap> {
    let mut ranges: Vec<Gap> = boxes.map(|bbox| (bbox.x0, bbox.x1)).collect();
    ranges.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut merged: Vec<Gap> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.0 <= last.1 => last.1 = last.1.max(range.1),
            _ => merged.push(range),
        }
    }
    merged
}

/// The widest part of a gap that ink leaves free.
fn widest_common(gap: Gap, ink: &[Gap]) -> Option<Gap> {
    // The first range that could reach into the gap.
    let from = ink.partition_point(|range| range.1 <= gap.0);
    let mut start = gap.0;
    let mut widest: Option<Gap> = None;
    let mut consider = |free: Gap| {
        if free.1 > free.0 && widest.is_none_or(|widest| free.1 - free.0 > widest.1 - widest.0) {
            widest = Some(free);
        }
    };
    for range in ink.iter().skip(from).take_while(|range| range.0 < gap.1) {
        consider((start, range.0));
        start = start.max(range.1);
    }
    consider((start, gap.1));
    widest
}
