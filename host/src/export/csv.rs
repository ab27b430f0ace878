//! Comma-separated values as RFC 4180 has them: UTF-8, a line of headings, lines that end in CR LF.

use std::fs::File;

use super::cells::Cell;
use super::layout::Layout;
use super::output::Output;
use super::{ByteOrderMark, Entry, Error, Form, Part};

/// First characters by which programs that open such a file take a cell for a formula.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Writes CSV.
pub(super) struct Csv {
    writer: csv::Writer<Output>,
    layout: Layout,
}

impl Csv {
    /// Makes a writer, and writes the headings.
    pub(super) fn new(output: Output, layout: Layout, mark: ByteOrderMark) -> Result<Self, Error> {
        if mark == ByteOrderMark::Present {
            output.put("\u{feff}".as_bytes());
        }
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(output);
        writer.write_record(layout.headings().map(|heading| guarded(heading.to_owned()))).map_err(failed)?;
        Ok(Self { writer, layout })
    }
}

impl Form for Csv {
    fn record(&mut self, entry: &Entry, _part: u32) -> Result<Part, Error> {
        for row in self.layout.rows(entry) {
            let cells = row.into_iter().map(|cell| match cell {
                Cell::Text(text) => guarded(text),
                cell => cell.written(self.layout.style),
            });
            self.writer.write_record(cells).map_err(failed)?;
        }
        self.writer.flush()?;
        Ok(Part::Last)
    }

    fn end(mut self: Box<Self>) -> Result<Option<File>, Error> {
        self.writer.flush()?;
        Ok(None)
    }
}

/// Text that no program runs: what begins like a formula and is no number gets an apostrophe in front.
fn guarded(text: String) -> String {
    if text.starts_with(FORMULA_STARTS) && text.parse::<f64>().is_err() { format!("'{text}") } else { text }
}

fn failed(error: csv::Error) -> Error {
    Error::Write(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_begins_like_a_formula_is_guarded_and_numbers_are_not() {
        for text in ["=1+1", "@sum(A1)", "+49 30 123", "-", "\t=1", "=cmd|' /C calc'!A0"] {
            assert_eq!(guarded(text.to_owned()), format!("'{text}"));
        }
        for text in ["-12.50", "+3", "1-2", "", "a=b"] {
            assert_eq!(guarded(text.to_owned()), text);
        }
    }
}
