//! A web page that stands alone: no scripts, nothing from elsewhere, every text escaped.

use std::fmt::Write as _;
use std::fs::File;

use quick_xml::escape::escape;

use super::outline::{Grid, Outline};
use super::output::Output;
use super::{Entry, Error, Form, Part};

const STYLE: &str = include_str!("html/style.css");

/// Writes HTML.
pub(super) struct Html {
    output: Output,
}

impl Html {
    /// Makes a writer, and writes the head of a page with this title.
    pub(super) fn new(output: Output, title: &str) -> Self {
        let head = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
            escape(title)
        );
        output.put(head.as_bytes());
        Self { output }
    }
}

impl Form for Html {
    fn record(&mut self, entry: &Entry, _part: u32) -> Result<Part, Error> {
        let outline = Outline::new(entry);
        let mut html = String::new();
        let id = escape(entry.document.id.as_str());
        let _infallible = writeln!(html, "<article id=\"{id}\">\n<h1>{}</h1>\n<dl>", escape(outline.title));
        for (name, value) in &outline.facts {
            let _infallible = writeln!(html, "<dt>{name}</dt><dd>{}</dd>", escape(value));
        }
        html.push_str("</dl>\n");
        if !outline.fields.is_empty() {
            let headings = ["Field", "Value", "Confidence", "Page"].map(str::to_owned);
            let rows = outline.fields.iter().map(|field| {
                vec![field.name.clone(), field.value.clone(), field.per_cent(), field.page_number()]
            });
            add_table(&mut html, "Fields", &headings, &rows.collect::<Vec<_>>());
        }
        for Grid { title, columns, rows } in &outline.grids {
            add_table(&mut html, title, columns, rows);
        }
        if !outline.warnings.is_empty() {
            html.push_str("<h2>Warnings</h2>\n<ul>\n");
            for warning in &outline.warnings {
                let _infallible = writeln!(html, "<li>{}</li>", escape(*warning));
            }
            html.push_str("</ul>\n");
        }
        for page in &outline.pages {
            let title = page.number.map_or("Text".to_owned(), |number| format!("Text of page {number}"));
            let _infallible = writeln!(html, "<h2>{title}</h2>\n<pre>\n{}</pre>", escape(page.text));
        }
        html.push_str("</article>\n");
        self.output.put(html.as_bytes());
        Ok(Part::Last)
    }

    fn end(self: Box<Self>) -> Result<Option<File>, Error> {
        self.output.put(b"</body>\n</html>\n");
        Ok(None)
    }
}

fn add_table(html: &mut String, title: &str, headings: &[String], rows: &[Vec<String>]) {
    let _infallible = writeln!(html, "<h2>{}</h2>\n<table>", escape(title));
    let mut add_row = |tag: &str, cells: &[String]| {
        html.push_str("<tr>");
        for cell in cells {
            let _infallible = write!(html, "<{tag}>{}</{tag}>", escape(cell.as_str()));
        }
        html.push_str("</tr>\n");
    };
    if !headings.is_empty() {
        add_row("th", headings);
    }
    for row in rows {
        add_row("td", row);
    }
    html.push_str("</table>\n");
}
