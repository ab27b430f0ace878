//! Groups the glyphs of a page into words and segments.
//!
//! Glyphs are first joined in drawing order into pieces along one baseline, in the direction in which they are
//! written; pieces of one baseline are then joined by position, because producers draw words, and even letters, in any
//! order. Spaces come from space glyphs and from gaps.

use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::kurbo::{Point, Vec2};

use super::survey::PlacedGlyph;
use super::thai;
use crate::domain::geometry::Rect;
use crate::domain::layout::is_right_to_left;
use crate::domain::page::{RawWord, Segment};

/// Least gap between two words, in ems. A space is 0.2 to 0.33 em wide and justified text may squeeze it to 0.18;
/// kerning opens gaps of up to 0.1 em within words.
const WORD_GAP: f64 = 0.16;

/// What a gap must exceed the usual gap of letter-spaced text by to part words, in ems.
const SPACED_WORD_GAP: f64 = 0.15;

/// Gaps needed to tell letter-spaced text from a list of single letters.
const MIN_SPACED_GAPS: usize = 4;

/// Least gap between two segments, in ems: wider than any word space of justified text, narrower than a table's.
const SEGMENT_GAP: f64 = 1.2;

/// Farthest that a glyph may stand off the baseline of its neighbour, in ems: sub- and superscripts do.
const BASELINE_SHIFT: f64 = 0.45;

/// How far pieces of one row may differ in their baselines, in ems.
const ROW_TOLERANCE: f64 = 0.15;

/// Most marks drawn on their own whose letters are searched for.
const MAX_LOOSE_MARKS: usize = 2000;

/// Extent of a line above and below its baseline, in ems. Fonts' own figures vary from 0.7 to 1.1 without telling
/// more about where the ink is; these enclose capitals and descenders of nearly all.
const ASCENT: f64 = 0.8;
const DESCENT: f64 = 0.22;

/// Cosine of the largest angle (1 degree) between baselines that count as parallel.
const PARALLEL: f64 = 0.999_85;

/// A glyph in the coordinates of its own baseline.
#[derive(Debug, Clone)]
struct Cell {
    /// Empty for a space.
    text: String,
    start: f64,
    end: f64,
}

/// Glyphs that follow one another on one baseline.
#[derive(Debug, Clone)]
struct Piece {
    direction: Vec2,
    /// Distance of the baseline from the page's origin, along the normal that points down from upright text.
    baseline: f64,
    em: f64,
    cells: Vec<Cell>,
}

/// Puts glyphs into words and segments.
pub(super) fn segments(glyphs: &[PlacedGlyph]) -> Vec<Segment> {
    let pieces = join_by_position(attach_marks(join_in_drawing_order(glyphs)));
    pieces.iter().flat_map(split).collect()
}

fn join_in_drawing_order(glyphs: &[PlacedGlyph]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for glyph in glyphs {
        let direction = snap(glyph.direction);
        let origin = glyph.origin.to_vec2();
        let start = origin.dot(direction);
        let baseline = origin.dot(normal(direction));
        let cell = Cell { text: text(glyph), start, end: start + glyph.advance };
        if let Some(piece) = pieces.last_mut()
            && piece.continues_with(&cell, direction, baseline, glyph.em)
        {
            piece.em = piece.em.max(glyph.em);
            piece.cells.push(cell);
            continue;
        }
        // A space at the start of a piece parts nothing.
        if !cell.text.is_empty() {
            pieces.push(Piece { direction, baseline, em: glyph.em, cells: vec![cell] });
        }
    }
    pieces
}

impl Piece {
    fn start(&self) -> f64 {
        self.cells.first().map_or(0.0, |cell| cell.start)
    }

    fn end(&self) -> f64 {
        self.cells.iter().fold(f64::MIN, |end, cell| end.max(cell.end))
    }

    /// Whether all glyphs of another piece are in their places here too: bold type is sometimes faked, and shadows
    /// drawn, by showing the same text twice.
    fn shows(&self, other: &Self) -> bool {
        other.start() < self.end()
            && other.cells.iter().all(|cell| {
                let is_same =
                    |own: &Cell| own.text == cell.text && (own.start - cell.start).abs() < 0.3 * self.em;
                cell.text.is_empty() || self.cells.iter().any(is_same)
            })
    }

    /// Whether a glyph that is drawn next belongs to this piece.
    fn continues_with(&self, cell: &Cell, direction: Vec2, baseline: f64, em: f64) -> bool {
        let Some(last) = self.cells.last() else { return false };
        let larger = self.em.max(em);
        if direction.dot(self.direction) <= PARALLEL {
            return false;
        }
        let (shift, gap) = ((baseline - self.baseline).abs(), cell.start - last.end);
        // Accents are drawn over or under the letter before, wherever their own origin is.
        let is_accent = cell.end - cell.start < 0.05 * em || cell.text.chars().all(is_mark);
        if is_accent && !cell.text.is_empty() {
            return shift <= larger && gap < 0.3 * larger && cell.start >= last.start - larger;
        }
        shift <= BASELINE_SHIFT * larger && gap < SEGMENT_GAP * larger && gap > -0.3 * larger
    }
}

/// Puts marks that were drawn on their own onto their letters.
fn attach_marks(pieces: Vec<Piece>) -> Vec<Piece> {
    let is_marks = |piece: &Piece| piece.cells.iter().flat_map(|cell| cell.text.chars()).all(is_mark);
    let (marks, mut pieces): (Vec<Piece>, Vec<Piece>) = pieces.into_iter().partition(is_marks);
    for mark in marks.into_iter().take(MAX_LOOSE_MARKS) {
        let (start, em) = (mark.start(), mark.em);
        let bearer = pieces.iter_mut().find(|piece| {
            piece.direction.dot(mark.direction) > PARALLEL
                && (piece.baseline - mark.baseline).abs() < 0.6 * em
                && piece.start() <= start
                && start <= piece.end() + 0.2 * em
        });
        match bearer {
            Some(piece) => {
                let after =
                    piece.cells.iter().rposition(|cell| cell.start <= start).map_or(0, |index| index + 1);
                piece.cells.splice(after..after, mark.cells);
            }
            None => pieces.push(mark),
        }
    }
    pieces
}

/// Joins pieces that stand side by side on one baseline.
fn join_by_position(mut pieces: Vec<Piece>) -> Vec<Piece> {
    let angle = |piece: &Piece| (piece.direction.atan2() * 100.0).round();
    pieces.sort_by(|a, b| angle(a).total_cmp(&angle(b)).then(a.baseline.total_cmp(&b.baseline)));
    let mut joined = Vec::with_capacity(pieces.len());
    let mut row: Vec<Piece> = Vec::new();
    for piece in pieces {
        let is_same_row = row.last().is_some_and(|last| {
            last.direction.dot(piece.direction) > PARALLEL
                && piece.baseline - last.baseline <= ROW_TOLERANCE * last.em.min(piece.em)
        });
        if !is_same_row {
            join_row(&mut row, &mut joined);
        }
        row.push(piece);
    }
    join_row(&mut row, &mut joined);
    joined
}

/// Joins the neighbours of one row and moves them to `joined`.
fn join_row(row: &mut Vec<Piece>, joined: &mut Vec<Piece>) {
    row.sort_by(|a, b| a.start().total_cmp(&b.start()));
    let mut open: Option<Piece> = None;
    for piece in row.drain(..) {
        let Some(before) = &mut open else {
            open = Some(piece);
            continue;
        };
        let larger = before.em.max(piece.em);
        if before.shows(&piece) {
            continue;
        }
        let gap = piece.start() - before.end();
        let is_close = gap > -0.3 * larger && gap < SEGMENT_GAP * larger;
        if is_close && before.em.min(piece.em) > 0.5 * larger {
            before.em = larger;
            before.cells.extend(piece.cells);
        } else {
            joined.extend(open.replace(piece));
        }
    }
    joined.extend(open);
}

/// Splits a piece into words, and at wide gaps into segments.
fn split(piece: &Piece) -> Vec<Segment> {
    let word_gap = word_gap(piece);
    let mut segments = Vec::new();
    let mut words: Vec<Vec<&Cell>> = Vec::new();
    let mut word: Vec<&Cell> = Vec::new();
    let mut end: Option<f64> = None;
    for cell in &piece.cells {
        if cell.text.is_empty() {
            words.extend(take(&mut word));
            continue;
        }
        let gap = end.map_or(0.0, |end| cell.start - end);
        if gap > word_gap {
            words.extend(take(&mut word));
        }
        if gap > SEGMENT_GAP * piece.em + word_gap {
            segments.extend(segment(piece, &std::mem::take(&mut words)));
        }
        word.push(cell);
        end = Some(end.map_or(cell.end, |end| end.max(cell.end)));
    }
    words.extend(take(&mut word));
    segments.extend(segment(piece, &words));
    segments
}

fn take<'a>(word: &mut Vec<&'a Cell>) -> Option<Vec<&'a Cell>> {
    (!word.is_empty()).then(|| std::mem::take(word))
}

/// The least gap that parts words of this piece. Letter-spaced text has wide gaps everywhere, so its word gaps must be
/// wider still.
fn word_gap(piece: &Piece) -> f64 {
    let mut gaps: Vec<f64> = piece
        .cells
        .windows(2)
        .filter(|pair| pair.iter().all(|cell| !cell.text.is_empty()))
        .map(|pair| pair[1].start - pair[0].end)
        .collect();
    let plain = WORD_GAP * piece.em;
    if gaps.len() < MIN_SPACED_GAPS {
        return plain;
    }
    let quarter = gaps.len() / 4;
    let (_, usual, _) = gaps.select_nth_unstable_by(quarter, f64::total_cmp);
    plain.max(*usual + SPACED_WORD_GAP * piece.em)
}

fn segment(piece: &Piece, words: &[Vec<&Cell>]) -> Option<Segment> {
    let mut words: Vec<RawWord> =
        words.iter().map(|cells| raw_word(piece, cells)).fold(Vec::new(), |mut words, word| {
            if let Some(before) = words.last_mut()
                && thai::continues(&mut before.text, &word.text)
            {
                before.bbox = before.bbox.union(&word.bbox);
            } else {
                words.push(word);
            }
            words
        });
    if is_right_to_left(words.iter().flat_map(|word| word.text.chars())) {
        words.reverse();
    }
    let bbox = words.iter().map(|word| word.bbox).reduce(|bbox, word| bbox.union(&word))?;
    Some(Segment { words, bbox })
}

fn raw_word(piece: &Piece, cells: &[&Cell]) -> RawWord {
    let start = cells.iter().fold(f64::MAX, |start, cell| start.min(cell.start));
    let end = cells.iter().fold(f64::MIN, |end, cell| end.max(cell.end));
    let forward = cells.iter().flat_map(|cell| cell.text.chars());
    // Glyphs stand in visual order; text is in reading order.
    let text: String = if is_right_to_left(forward.clone()) {
        cells.iter().rev().flat_map(|cell| cell.text.chars()).collect()
    } else {
        forward.collect()
    };
    let corner = |along: f64, below: f64| -> Point {
        (piece.direction * along + normal(piece.direction) * (piece.baseline + below)).to_point()
    };
    let (top, bottom) = (-ASCENT * piece.em, DESCENT * piece.em);
    let corners = [corner(start, top), corner(end, top), corner(start, bottom), corner(end, bottom)];
    let bbox = corners
        .map(|corner| Rect::new(corner.x as f32, corner.y as f32, corner.x as f32, corner.y as f32))
        .into_iter()
        .reduce(|bbox, corner| bbox.union(&corner))
        .unwrap_or_default();
    RawWord { text: thai::typed(text), bbox, confidence: 1.0 }
}

/// Whether a character is a mark that stands over or under another: accents, Hebrew and Arabic points, Thai and Lao vowel
/// signs and tone marks.
fn is_mark(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36f}'
            | '\u{591}'..='\u{5c7}'
            | '\u{610}'..='\u{61a}'
            | '\u{64b}'..='\u{65f}'
            | '\u{e31}'
            | '\u{e34}'..='\u{e3a}'
            | '\u{e47}'..='\u{e4e}'
            | '\u{eb1}'
            | '\u{eb4}'..='\u{ebc}'
            | '\u{ec8}'..='\u{ece}'
    )
}

/// Takes a direction that is within a degree of an axis for that axis.
fn snap(direction: Vec2) -> Vec2 {
    let axes = [Vec2::new(1.0, 0.0), Vec2::new(0.0, 1.0), Vec2::new(-1.0, 0.0), Vec2::new(0.0, -1.0)];
    axes.into_iter().find(|axis| axis.dot(direction) > PARALLEL).unwrap_or(direction)
}

/// The direction a quarter turn clockwise from a baseline: down, for upright text.
fn normal(direction: Vec2) -> Vec2 {
    Vec2::new(-direction.y, direction.x)
}

/// What a glyph adds to a word: nothing for spaces and for what cannot be shown.
fn text(glyph: &PlacedGlyph) -> String {
    let mut text = String::new();
    match &glyph.text {
        Some(BfString::Char(character)) => push(*character, &mut text),
        Some(BfString::String(characters)) => {
            characters.chars().for_each(|character| push(character, &mut text))
        }
        None => push(char::REPLACEMENT_CHARACTER, &mut text),
    }
    text
}

fn push(character: char, text: &mut String) {
    match character {
        // Ligatures as their letters.
        '\u{fb00}' => text.push_str("ff"),
        '\u{fb01}' => text.push_str("fi"),
        '\u{fb02}' => text.push_str("fl"),
        '\u{fb03}' => text.push_str("ffi"),
        '\u{fb04}' => text.push_str("ffl"),
        '\u{fb05}' | '\u{fb06}' => text.push_str("st"),
        // A hyphen that is shown is a hyphen.
        '\u{ad}' => text.push('-'),
        // Marks without width or shape.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {}
        _ if character.is_whitespace() || character.is_control() => {}
        _ => text.push(character),
    }
}
