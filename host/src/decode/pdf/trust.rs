//! Decides whether a page's own text is what a reader of the page sees.

use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::kurbo::{Point, Rect};

use super::survey::{PlacedGlyph, Survey};
use super::thai;

/// Share of glyphs without meaning from which on the text is distrusted. Single symbols of an icon font are harmless; a
/// body font without meaning is not.
const MAX_BAD_SHARE: f32 = 0.15;

/// Share of accented Latin letters and Latin-1 signs from which on text is the bytes of another encoding. Vietnamese
/// and Czech, which have the most accents, use letters beyond Latin-1 for most of them.
const MAX_LATIN_1_SHARE: f32 = 0.4;

/// Least share of letters and digits in readable text; tables of figures have over half.
const MIN_ALPHANUMERIC_SHARE: f32 = 0.3;

/// Fewer characters than this are too few for statistics, so more of them must be letters and digits.
const MIN_SAMPLE: usize = 30;
const MIN_ALPHANUMERIC_SHARE_OF_FEW: f32 = 0.5;

/// Glyphs that a page all covered by a picture must have for its text to be the page's content rather than a stamp
/// on a scan.
const GLYPHS_PER_PICTURE_PAGE: f32 = 250.0;

/// Share of the page that pictures must cover to hold text that matters.
const MIN_PICTURE_SHARE: f32 = 0.1;

/// Curves of filled shapes from which on a page without text is taken to show outlined letters, of which a word of
/// five has about 40.
const MIN_OUTLINE_CURVES: usize = 60;

/// Curves for every glyph from which on most of a page's text is outlined.
const OUTLINE_CURVES_PER_GLYPH: usize = 40;

/// Cells of the grid, on each side, on which the area covered by pictures is measured.
const GRID: usize = 32;

/// What to do with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing is on it.
    Blank,
    /// Its text can be trusted.
    Text,
    /// It must be read from its picture.
    Picture,
}

/// Judges a page of the given size in points.
pub(super) fn judge(survey: &Survey, width: f64, height: f64) -> Verdict {
    let glyphs: Vec<&PlacedGlyph> = survey.glyphs.iter().filter(|glyph| !is_space(glyph)).collect();
    let picture_share = picture_share(survey, width, height);
    if glyphs.is_empty() {
        let shows_nothing = survey.pictures.is_empty() && survey.curve_count < MIN_OUTLINE_CURVES;
        return if shows_nothing { Verdict::Blank } else { Verdict::Picture };
    }
    let stamp_on_scan =
        picture_share >= MIN_PICTURE_SHARE && (glyphs.len() as f32) < GLYPHS_PER_PICTURE_PAGE * picture_share;
    let is_outlined = survey.curve_count > MIN_OUTLINE_CURVES.max(glyphs.len() * OUTLINE_CURVES_PER_GLYPH);
    if stamp_on_scan || is_outlined || !is_upright(&glyphs) || !is_readable(&glyphs) {
        return Verdict::Picture;
    }
    Verdict::Text
}

/// The share of the page that pictures cover, from 0 to 1.
pub(super) fn picture_share(survey: &Survey, width: f64, height: f64) -> f32 {
    let mut covered = [[false; GRID]; GRID];
    let cell = |index: usize| (index as f64 + 0.5) / GRID as f64;
    for picture in &survey.pictures {
        for (row, covered) in covered.iter_mut().enumerate() {
            for (column, covered) in covered.iter_mut().enumerate() {
                *covered |= picture.bbox.contains(Point::new(cell(column) * width, cell(row) * height));
            }
        }
    }
    covered.iter().flatten().filter(|covered| **covered).count() as f32 / (GRID * GRID) as f32
}

/// The resolution, in pixels per point, of the pictures that make up the page; `None` where they do not.
pub(super) fn scan_resolution(survey: &Survey, width: f64, height: f64) -> Option<f64> {
    /// Share of the page that a scan covers; some leave a margin.
    const MIN_SCAN_SHARE: f32 = 0.6;
    /// Parts of a scan are strips and tiles; smaller pictures are logos.
    const MIN_PART_SHARE: f64 = 0.02;
    if picture_share(survey, width, height) < MIN_SCAN_SHARE {
        return None;
    }
    let is_part = |bbox: &Rect| bbox.area() >= MIN_PART_SHARE * width * height;
    let parts = survey.pictures.iter().filter(|picture| is_part(&picture.bbox));
    parts.map(|picture| picture.pixels_per_point).max_by(f64::total_cmp)
}

/// Whether most text runs from left to right. A page whose text runs otherwise has to be turned, which is done to its
/// picture.
fn is_upright(glyphs: &[&PlacedGlyph]) -> bool {
    let upright = glyphs.iter().filter(|glyph| glyph.direction.x > 0.9).count();
    upright * 2 >= glyphs.len()
}

/// Whether the characters make sense.
fn is_readable(glyphs: &[&PlacedGlyph]) -> bool {
    let (mut total, mut bad, mut latin_1, mut alphanumeric) = (0_usize, 0_usize, 0_usize, 0_usize);
    for character in glyphs.iter().flat_map(|glyph| characters(glyph)) {
        total += 1;
        match character {
            None => bad += 1,
            Some(character) if is_meaningless(thai::letter(character)) => bad += 1,
            Some('\u{a1}'..='\u{ff}') => latin_1 += 1,
            Some(character) if is_letter_like(character) => alphanumeric += 1,
            Some(_) => {}
        }
    }
    let share = |count: usize| count as f32 / total.max(1) as f32;
    if share(bad) > MAX_BAD_SHARE {
        return false;
    }
    if total < MIN_SAMPLE {
        return share(alphanumeric + latin_1) >= MIN_ALPHANUMERIC_SHARE_OF_FEW;
    }
    share(latin_1) <= MAX_LATIN_1_SHARE && share(alphanumeric + latin_1) >= MIN_ALPHANUMERIC_SHARE
}

/// The characters of a glyph; one `None` where they are unknown.
fn characters(glyph: &PlacedGlyph) -> impl Iterator<Item = Option<char>> {
    let (single, several) = match &glyph.text {
        None => (Some(None), ""),
        Some(BfString::Char(character)) => (Some(Some(*character)), ""),
        Some(BfString::String(characters)) => (None, characters.as_str()),
    };
    single.into_iter().chain(several.chars().map(Some))
}

fn is_space(glyph: &PlacedGlyph) -> bool {
    match &glyph.text {
        None => false,
        Some(BfString::Char(character)) => character.is_whitespace(),
        Some(BfString::String(characters)) => characters.chars().all(char::is_whitespace),
    }
}

/// Controls, private use, unassigned and replacement characters.
fn is_meaningless(character: char) -> bool {
    matches!(
        character,
        '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{fff0}'..='\u{ffff}'
            | '\u{f0000}'..='\u{10ffff}'
    )
}

/// Letters and digits of any script, and the marks that some scripts put on them.
fn is_letter_like(character: char) -> bool {
    // Vowel signs and tone marks of Indic, Thai, Lao, Tibetan, Burmese and Khmer are no letters to Unicode.
    character.is_alphanumeric()
        || matches!(character, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{6ff}' | '\u{900}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}
