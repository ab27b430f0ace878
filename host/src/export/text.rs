//! Plain text: `name: value` lines, tables with tabs between their cells, then the text of the pages.
//!
//! A single record without fields is its text and nothing else.

use std::fmt::Write as _;
use std::fs::File;

use super::outline::{Grid, Outline};
use super::output::Output;
use super::{Entry, Error, Form, Part, Scope};

/// Separates the text of pages.
const PAGE_BREAK: char = '\u{c}';

/// Writes plain text.
pub(super) struct Text {
    output: Output,
    scope: Scope,
    is_first: bool,
}

impl Text {
    /// Makes a writer.
    pub(super) fn new(output: Output, scope: Scope) -> Self {
        Self { output, scope, is_first: true }
    }
}

impl Form for Text {
    fn record(&mut self, entry: &Entry, _part: u32) -> Result<Part, Error> {
        let outline = Outline::new(entry);
        let mut text = String::new();
        if !self.is_first {
            text.push('\n');
        }
        self.is_first = false;
        if self.scope == Scope::Batch {
            let underline = "=".repeat(outline.title.chars().count());
            let _infallible = writeln!(text, "{}\n{underline}\n", outline.title);
            if entry.extraction.is_none() {
                for (name, value) in &outline.facts {
                    let _infallible = writeln!(text, "{name}: {}", one_line(value));
                }
            }
        }
        for field in &outline.fields {
            let _infallible = writeln!(text, "{}: {}", field.name, one_line(&field.value));
        }
        for grid in &outline.grids {
            add_grid(&mut text, grid);
        }
        let has_fields = !outline.fields.is_empty() || !outline.grids.is_empty();
        for (index, page) in outline.pages.iter().enumerate() {
            match (index, has_fields) {
                (0, true) => text.push('\n'),
                (0, false) => {}
                _ => text.push(PAGE_BREAK),
            }
            let _infallible = writeln!(text, "{}", page.text);
        }
        self.output.put(text.as_bytes());
        Ok(Part::Last)
    }

    fn end(self: Box<Self>) -> Result<Option<File>, Error> {
        Ok(None)
    }
}

fn add_grid(text: &mut String, grid: &Grid) {
    let _infallible = writeln!(text, "\n{}", grid.title);
    let headings = (!grid.columns.is_empty()).then_some(&grid.columns);
    for row in headings.into_iter().chain(&grid.rows) {
        let cells: Vec<String> = row.iter().map(|cell| one_line(cell)).collect();
        let _infallible = writeln!(text, "{}", cells.join("\t"));
    }
}

/// A value on one line and in one cell.
fn one_line(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}
