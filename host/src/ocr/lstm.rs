//! Reads lines in scripts that the main recogniser does not know, with the small recurrent networks that Tesseract's
//! `tessdata_fast` collection has for each language and script.
//!
//! Of these only the networks are used, on this module's own arithmetic: one file per script is parsed by [`file`],
//! [`line`] brings a line to the form that they were trained with, [`network`] and [`matrix`] do the arithmetic and
//! [`decode`] makes characters of what comes out.

mod decode;
mod file;
mod line;
mod matrix;
mod network;

use crate::domain::raster::Raster;

use super::Error;
use super::ctc::{self, LineWord};
use super::textbox::TextBox;

use decode::Spelling;
use network::Network;

/// Widest input in columns; a longer line is squeezed into it. A line across a page has up to 3000.
const MAX_WIDTH: usize = 6000;
/// A recogniser of lines in one script.
pub(super) struct ScriptReader {
    network: Network,
    spelling: Spelling,
}

impl ScriptReader {
    /// Parses a `.traineddata` file.
    ///
    /// # Errors
    /// A file that is damaged or of a kind that is not supported.
    pub(super) fn parse(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        let parts = file::parse(bytes).map_err(|flaw| Error::model(name, &flaw))?;
        Ok(Self { network: parts.network, spelling: Spelling::new(parts.blank, parts.characters) })
    }

    /// Reads the words of a line, their places as shares (0 to 1) of the box's width.
    pub(super) fn read(&self, page: &Raster, found: &TextBox) -> Vec<LineWord> {
        let height = self.network.height();
        let width = (height as f32 * found.width / found.height.max(1.0)).round() as usize;
        let width = width.clamp(self.network.stride() * 2, MAX_WIDTH);
        let line = line::grey_line(page, found, width, height);
        let probabilities = self.network.run(&line);
        let step_count = width / self.network.stride();
        let share = |step: f32| (step * self.network.stride() as f32 / width as f32).clamp(0.0, 1.0);
        let characters = self.spelling.decode(&probabilities);
        ctc::words(&characters, step_count, None, self.network.stride())
            .into_iter()
            .map(|word| LineWord {
                text: composed(word.text),
                start: share(word.start),
                end: share(word.end),
                ..word
            })
            .collect()
    }
}

/// Thai's vowel sara am as one character: the networks spell it in two parts, before or after a tone mark.
fn composed(text: String) -> String {
    const CIRCLE: char = '\u{E4D}';
    const LEG: char = '\u{E32}';
    const WHOLE: char = '\u{E33}';
    if !text.contains(CIRCLE) {
        return text;
    }
    let mut composed = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != CIRCLE {
            composed.push(letter);
            continue;
        }
        let tone = letters.next_if(|next| ('\u{E48}'..='\u{E4B}').contains(next));
        composed.extend(tone);
        composed.push(if letters.next_if_eq(&LEG).is_some() { WHOLE } else { CIRCLE });
    }
    composed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thai_vowels_in_two_parts_become_one() {
        assert_eq!(composed("กํา".to_owned()), "กำ");
        assert_eq!(composed("นํ้า".to_owned()), "น้ำ");
        assert_eq!(composed("น้ํา".to_owned()), "น้ำ");
        assert_eq!(composed("กํ abc".to_owned()), "กํ abc");
    }

    #[test]
    fn damaged_files_are_errors() {
        for bytes in [&b""[..], &[24, 0, 0, 0], &[255; 400], &[0; 400]] {
            assert!(ScriptReader::parse("tha.traineddata", bytes).is_err());
        }
    }
}
