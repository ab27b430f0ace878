//! Tells columns of running text from rows of pieces, and cuts a page into regions that are read row by row.

use super::rows::rows;
use crate::domain::geometry::Rect;
use crate::domain::page::Segment;

/// Least width of the white space between columns, in line heights.
const MIN_GUTTER: f32 = 0.8;

/// Part of a line's height, above and below, that may overlap the next line without joining the two.
const OVERLAP: f32 = 0.2;

/// Least lines of a column.
const MIN_LINES: usize = 3;

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

/// Cuts a page into regions in reading order; each is to be read row by row.
pub(super) fn regions(segments: &[Segment], boxes: &[Rect], line_height: f32) -> Vec<Vec<usize>> {
    let budget = (boxes.len() * TRIALS_PER_BOX).min(MAX_TRIALS);
    let mut cutter = Cutter { segments, boxes, line_height, budget, regions: Vec::new() };
    cutter.cut((0..boxes.len()).collect(), 0);
    cutter.regions
}

struct Cutter<'a> {
    segments: &'a [Segment],
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
            let Some((after, left, right)) = self.columns(&bands, next) else {
                by_rows.extend(&band.items);
                next += 1;
                continue;
            };
            if !by_rows.is_empty() {
                self.regions.push(std::mem::take(&mut by_rows));
            }
            self.cut(left, depth + 1);
            self.cut(right, depth + 1);
            next = after;
        }
        if !by_rows.is_empty() {
            self.regions.push(by_rows);
        }
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
    fn columns(&mut self, bands: &[Band], first: usize) -> Option<(usize, Vec<usize>, Vec<usize>)> {
        let band = bands.get(first)?;
        let min_width = MIN_GUTTER * self.line_height;
        let gaps = band.ink.windows(2).map(|pair| (pair[0].1, pair[1].0));
        for gap in gaps.filter(|gap| gap.1 - gap.0 >= min_width) {
            let (after, gutter) = self.follow(bands, first, gap);
            let items: Vec<usize> =
                bands.get(first..after)?.iter().flat_map(|band| band.items.iter().copied()).collect();
            if items.len() > self.budget {
                return None;
            }
            let middle = (gutter.0 + gutter.1) / 2.0;
            let (left, right): (Vec<usize>, Vec<usize>) =
                items.iter().partition(|&&item| self.bbox(item).center().0 < middle);
            // Half the lines would not do on either side, whatever they say.
            if left.len() < MIN_LINES || right.len() < MIN_LINES {
                continue;
            }
            self.budget -= items.len();
            if self.is_running_text(&left) && self.is_running_text(&right) {
                return Some((after, left, right));
            }
        }
        None
    }

    /// Follows a gap down the page: the index of the first band that closes it, and what remains of it until there.
    fn follow(&self, bands: &[Band], first: usize, gap: Gap) -> (usize, Gap) {
        let min_width = MIN_GUTTER * self.line_height;
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

    /// Whether boxes on one side of a gutter are lines of running text.
    fn is_running_text(&self, items: &[usize]) -> bool {
        let lines = rows(self.boxes, items, self.line_height);
        if lines.len() < MIN_LINES {
            return false;
        }
        let width =
            lines.iter().map(|line| line.bbox).reduce(|a, b| a.union(&b)).map_or(0.0, |bbox| bbox.width());
        let full = lines.iter().filter(|line| line.bbox.width() >= FULL_LINE * width).count();
        if (full as f32) < MIN_FULL_LINES * lines.len() as f32 {
            return false;
        }
        let (mut letters, mut characters, mut in_long_pieces) = (0_usize, 0_usize, 0_usize);
        for segment in items.iter().filter_map(|&item| self.segments.get(item)) {
            let before = characters;
            for character in segment.words.iter().flat_map(|word| word.text.chars()) {
                characters += 1;
                letters += usize::from(character.is_alphabetic());
            }
            if characters - before >= MIN_PIECE_CHARACTERS {
                in_long_pieces += characters - before;
            }
        }
        in_long_pieces * 2 >= characters && letters as f32 >= MIN_LETTERS * characters as f32
    }
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
