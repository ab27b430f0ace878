//! A font without shapes, in which every character has a glyph of its own: text that can be found and copied in any
//! script, and never seen. Only the glyphs that are used go into a file.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use krilla::text::{Font, GlyphId, KrillaGlyph};

use crate::domain::layout::is_right_to_left;

/// How far the font reaches below its baseline, in font sizes.
pub(super) const DESCENT_EM: f32 = 0.2;

/// Width of every glyph, in font sizes.
const ADVANCE_EM: f32 = 0.5;

/// Units per em, and the same measures in them.
const UNITS: u16 = 1000;
const DESCENT: u16 = (DESCENT_EM * UNITS as f32) as u16;
const ADVANCE: u16 = (ADVANCE_EM * UNITS as f32) as u16;

/// As many glyphs as a font can have: the glyph of a character of the basic plane is its code point.
const GLYPHS: u16 = u16::MAX;

/// Code points that no character has: the glyphs of characters beyond the basic plane.
const SURROGATES: Range<u16> = 0xd800..0xe000;

/// The glyph of all characters that have no room any more; their text is right all the same.
const REPLACEMENT: u16 = 0xfffd;

/// The name under which viewers list the font.
const NAME: &str = "Invisible";

static FILE: LazyLock<Arc<Vec<u8>>> = LazyLock::new(|| Arc::new(file()));

/// The font of one PDF.
pub(super) struct InvisibleFont {
    font: Font,
    /// Glyphs of characters beyond the basic plane.
    further: HashMap<char, u16>,
}

/// Text in this font.
pub(super) struct Run {
    /// What it says, in the order of its glyphs.
    pub(super) text: String,
    /// Its glyphs from left to right.
    pub(super) glyphs: Vec<KrillaGlyph>,
    /// Its width in font sizes.
    pub(super) width_em: f32,
}

impl InvisibleFont {
    /// Makes the font; `None` where the library does not take it.
    pub(super) fn new() -> Option<Self> {
        Some(Self { font: Font::new(Arc::clone(&FILE).into(), 0)?, further: HashMap::new() })
    }

    /// The font itself.
    pub(super) fn font(&self) -> Font {
        self.font.clone()
    }

    /// Sets text. What is written from right to left is set as it stands on the page, since readers of PDF turn it
    /// around.
    pub(super) fn run(&mut self, text: &str) -> Run {
        let shown = text.chars().filter(|character| !character.is_control());
        let text: String =
            if is_right_to_left(text.chars()) { shown.rev().collect() } else { shown.collect() };
        let glyphs: Vec<KrillaGlyph> = text
            .char_indices()
            .map(|(start, character)| {
                let glyph = GlyphId::new(self.glyph(character).into());
                let place = start..start + character.len_utf8();
                KrillaGlyph::new(glyph, ADVANCE_EM, 0.0, 0.0, 0.0, place, None)
            })
            .collect();
        let width_em = glyphs.len() as f32 * ADVANCE_EM;
        Run { text, glyphs, width_em }
    }

    fn glyph(&mut self, character: char) -> u16 {
        if let Ok(code) = u16::try_from(u32::from(character)) {
            return code.min(GLYPHS - 1);
        }
        let next =
            u16::try_from(self.further.len()).ok().and_then(|taken| SURROGATES.start.checked_add(taken));
        match next.filter(|glyph| SURROGATES.contains(glyph)) {
            Some(free) => *self.further.entry(character).or_insert(free),
            None => self.further.get(&character).copied().unwrap_or(REPLACEMENT),
        }
    }
}

/// The font as a TrueType file of empty glyphs.
fn file() -> Vec<u8> {
    // In the order of their tags, as readers expect them.
    let tables: [(&[u8; 4], Vec<u8>); 8] = [
        (b"glyf", vec![0; 4]),
        (b"head", head()),
        (b"hhea", hhea()),
        (b"hmtx", words(&[ADVANCE]).into_iter().chain(vec![0; 2 * usize::from(GLYPHS)]).collect()),
        (b"loca", vec![0; 2 * (usize::from(GLYPHS) + 1)]),
        (b"maxp", maxp()),
        (b"name", name()),
        (b"post", words(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
    ];
    let mut file = words(&[1, 0, 8, 128, 3, 0]);
    let mut offset = file.len() + tables.len() * 16;
    for (tag, table) in &tables {
        file.extend_from_slice(*tag);
        // Nobody compares the checksums of a font that only goes through a subsetter.
        for field in [0, offset as u32, table.len() as u32] {
            file.extend_from_slice(&field.to_be_bytes());
        }
        offset += table.len().next_multiple_of(4);
    }
    for (_, table) in tables {
        let padding = table.len().next_multiple_of(4) - table.len();
        file.extend(table);
        file.extend(std::iter::repeat_n(0, padding));
    }
    file
}

/// Version, revision, checksum, magic number, flags, units, two dates, bounds, style, least size, direction, formats.
fn head() -> Vec<u8> {
    let mut head = words(&[1, 0, 1, 0, 0, 0, 0x5f0f, 0x3cf5, 0, UNITS]);
    head.extend(words(&[0, 0, 0, 0, 0, 0, 0, 0]));
    head.extend(words(&[0, DESCENT.wrapping_neg(), ADVANCE, UNITS - DESCENT, 0, 8, 2, 0, 0]));
    head
}

/// Version, ascent, descent, gap, greatest advance, bearings, slope of the caret, reserved words, count of metrics.
fn hhea() -> Vec<u8> {
    let mut hhea = words(&[1, 0, UNITS - DESCENT, DESCENT.wrapping_neg(), 0, ADVANCE, 0, 0, 0, 1, 0]);
    hhea.extend(words(&[0, 0, 0, 0, 0, 0, 1]));
    hhea
}

/// Version, count of glyphs, and the room that their programs need: none.
fn maxp() -> Vec<u8> {
    words(&[1, 0, GLYPHS, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0])
}

/// One record: the PostScript name in UTF-16 for Windows.
fn name() -> Vec<u8> {
    let utf16: Vec<u16> = NAME.encode_utf16().collect();
    let mut name = words(&[0, 1, 18, 3, 1, 0x409, 6, 2 * utf16.len() as u16, 0]);
    name.extend(words(&utf16));
    name
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glyphs(run: &Run) -> Vec<u32> {
        run.glyphs.iter().map(|glyph| glyph.glyph_id.to_u32()).collect()
    }

    #[test]
    fn every_character_has_a_glyph_of_its_own() {
        let mut font = InvisibleFont::new().unwrap();
        assert_eq!(glyphs(&font.run("aä€ก漢")), ['a', 'ä', '€', 'ก', '漢'].map(u32::from));
        let beyond = glyphs(&font.run("𝒜😀𝒜"));
        assert_eq!(beyond[0], beyond[2]);
        assert_ne!(beyond[0], beyond[1]);
        assert_eq!(glyphs(&font.run("a\u{0}\nb")), ['a', 'b'].map(u32::from));
    }

    #[test]
    fn hebrew_and_arabic_are_set_as_they_stand_on_the_page() {
        let mut font = InvisibleFont::new().unwrap();
        assert_eq!(font.run("שלום").text, "םולש");
        assert_eq!(font.run("2026").text, "2026");
    }
}
