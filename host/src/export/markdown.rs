//! Markdown (GitHub's, for its tables): a heading for each record, its fields, lists, tables, warnings and text.

use std::fmt::Write as _;
use std::fs::File;

use super::outline::{Grid, Outline};
use super::output::Output;
use super::{Entry, Error, Form, Part};

/// Writes Markdown.
pub(super) struct Markdown {
    output: Output,
    is_first: bool,
}

impl Markdown {
    /// Makes a writer.
    pub(super) fn new(output: Output) -> Self {
        Self { output, is_first: true }
    }
}

impl Form for Markdown {
    fn record(&mut self, entry: &Entry, _part: u32) -> Result<Part, Error> {
        let outline = Outline::new(entry);
        let mut text = String::new();
        if !self.is_first {
            text.push('\n');
        }
        self.is_first = false;
        let _infallible = writeln!(text, "# {}\n", escaped(outline.title));
        for (name, value) in &outline.facts {
            let _infallible = writeln!(text, "- {name}: {}", escaped(value));
        }
        if !outline.fields.is_empty() {
            let _infallible = writeln!(text, "\n## Fields\n");
            let headings = ["Field", "Value", "Confidence", "Page"].map(str::to_owned);
            let rows = outline.fields.iter().map(|field| {
                vec![field.name.clone(), field.value.clone(), field.per_cent(), field.page_number()]
            });
            add_table(&mut text, &headings, &rows.collect::<Vec<_>>());
        }
        for Grid { title, columns, rows } in &outline.grids {
            let _infallible = writeln!(text, "\n## {}\n", escaped(title));
            add_table(&mut text, columns, rows);
        }
        if !outline.warnings.is_empty() {
            let _infallible = writeln!(text, "\n## Warnings\n");
            for warning in &outline.warnings {
                let _infallible = writeln!(text, "- {}", escaped(warning));
            }
        }
        for page in &outline.pages {
            let _infallible = match page.number {
                Some(number) => writeln!(text, "\n## Text of page {number}\n"),
                None => writeln!(text, "\n## Text\n"),
            };
            let fence = fence(page.text);
            let _infallible = writeln!(text, "{fence}text\n{}\n{fence}", page.text);
        }
        self.output.put(text.as_bytes());
        Ok(Part::Last)
    }

    fn end(self: Box<Self>) -> Result<Option<File>, Error> {
        Ok(None)
    }
}

/// A table needs headings; where there are none they stay empty.
fn add_table(text: &mut String, headings: &[String], rows: &[Vec<String>]) {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0).max(headings.len());
    if width == 0 {
        return;
    }
    let row = |cells: &[String]| {
        let cells = (0..width).map(|index| cells.get(index).map_or_else(String::new, |cell| escaped(cell)));
        cells.fold(String::from("|"), |row, cell| format!("{row} {cell} |"))
    };
    let _infallible = writeln!(text, "{}\n|{}", row(headings), " --- |".repeat(width));
    for cells in rows {
        let _infallible = writeln!(text, "{}", row(cells));
    }
}

/// Text on one line in which nothing means anything to Markdown or HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (index, character) in text.trim().char_indices() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '#' | '+' | '-' | '=' if index == 0 => {
                escaped.push('\\');
                escaped.push(character);
            }
            '\n' => escaped.push_str("<br>"),
            character if character.is_control() => escaped.push(' '),
            character => escaped.push(character),
        }
    }
    escaped
}

/// A fence that is longer than any run of backticks in the text.
fn fence(text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}
