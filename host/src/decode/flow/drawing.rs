//! Pictures of laid out pages: a small PDF file of the page, rendered like any other.

use std::fmt::Write as _;

use encoding_rs::WINDOWS_1252;

use super::{FONT_SIZE, LINE_HEIGHT};
use crate::decode::pdf::Pdf;
use crate::decode::{Error, Limits};
use crate::domain::page::{PageSize, RawWord, Segment};
use crate::domain::raster::Raster;

/// From the bottom of a line's box up to its base line.
const DESCENT: f32 = 2.3;

/// Draws a page. Words in letters that Helvetica has not are drawn as frames.
pub(super) fn draw(size: PageSize, segments: &[Segment], limits: Limits) -> Result<Raster, Error> {
    let mut content = String::new();
    for word in segments.iter().flat_map(|segment| &segment.words) {
        draw_word(word, size, &mut content);
    }
    Pdf::open(file(size, &content).into(), None, limits)?.raster(0)
}

fn draw_word(word: &RawWord, size: PageSize, content: &mut String) {
    let (x, bottom) = (word.bbox.x0, size.height - word.bbox.y1);
    let (encoded, _, is_incomplete) = WINDOWS_1252.encode(&word.text);
    let written = if is_incomplete {
        let width = (word.bbox.width() - 1.0).max(1.0);
        let (bottom, height) = (bottom + DESCENT, LINE_HEIGHT - DESCENT - 1.0);
        writeln!(content, "{x:.2} {bottom:.2} {width:.2} {height:.2} re S")
    } else {
        let text: String = encoded.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(content, "BT /F {FONT_SIZE} Tf {x:.2} {:.2} Td <{text}> Tj ET", bottom + DESCENT)
    };
    debug_assert!(written.is_ok(), "a string takes any text");
}

/// A PDF file of one page.
fn file(size: PageSize, content: &str) -> Vec<u8> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 {} {}]/Resources<</Font<</F 5 0 R>>>>/Contents 4 0 R>>",
            size.width, size.height
        ),
        format!("<</Length {}>>\nstream\n{content}\nendstream", content.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
    ];
    let mut file = "%PDF-1.7\n".to_owned();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let start = file.len();
    let size = objects.len() + 1;
    format!("{file}{table}trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n").into_bytes()
}
