//! A Word document (Office Open XML, ECMA-376): a heading for each record, its fields, lists and tables as tables,
//! and its text.
//!
//! The body is written as the records come, so that a batch of any size takes no more memory than its largest record.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;

use quick_xml::escape::escape;
use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

use super::outline::{Grid, Outline};
use super::output::Output;
use super::xml::legal;
use super::{Entry, Error, Form, Part};

/// The parts of the package beside the body, each under its name.
const PARTS: [(&str, &str); 4] = [
    ("[Content_Types].xml", include_str!("docx/content_types.xml")),
    ("_rels/.rels", include_str!("docx/package_relationships.xml")),
    ("word/_rels/document.xml.rels", include_str!("docx/document_relationships.xml")),
    ("word/styles.xml", include_str!("docx/styles.xml")),
];

/// The part with the text.
const BODY: &str = "word/document.xml";

const BODY_START: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<w:document \
                          xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>";

/// A4 with margins of 20 mm, in twentieths of a point.
const BODY_END: &str = "<w:sectPr><w:pgSz w:w=\"11906\" w:h=\"16838\"/><w:pgMar w:top=\"1134\" w:right=\"1134\" \
                        w:bottom=\"1134\" w:left=\"1134\" w:header=\"567\" w:footer=\"567\" w:gutter=\"0\"/>\
                        </w:sectPr></w:body></w:document>";

/// Cells of a row; word processors take no more columns.
const MAX_COLUMNS: usize = 63;

/// Writes a Word document.
pub(super) struct Docx {
    package: ZipWriter<StreamWriter<Output>>,
    is_first: bool,
}

impl Docx {
    /// Makes a writer, and writes all that comes before the first record.
    pub(super) fn new(output: Output) -> Result<Self, Error> {
        let mut package = ZipWriter::new_stream(output);
        for (name, content) in PARTS {
            package.start_file(name, SimpleFileOptions::default()).map_err(std::io::Error::from)?;
            package.write_all(content.as_bytes())?;
        }
        package.start_file(BODY, SimpleFileOptions::default()).map_err(std::io::Error::from)?;
        package.write_all(BODY_START.as_bytes())?;
        Ok(Self { package, is_first: true })
    }
}

impl Form for Docx {
    fn record(&mut self, entry: &Entry, _part: u32) -> Result<Part, Error> {
        let outline = Outline::new(entry);
        let mut body = String::new();
        if !self.is_first {
            body.push_str("<w:p><w:r><w:br w:type=\"page\"/></w:r></w:p>");
        }
        self.is_first = false;
        paragraph(&mut body, "Heading1", outline.title);
        for (name, value) in &outline.facts {
            paragraph(&mut body, "Fact", &format!("{name}: {value}"));
        }
        if !outline.fields.is_empty() {
            paragraph(&mut body, "Heading2", "Fields");
            let headings = ["Field", "Value", "Confidence", "Page"].map(str::to_owned);
            let rows = outline.fields.iter().map(|field| {
                vec![field.name.clone(), field.value.clone(), field.per_cent(), field.page_number()]
            });
            table(&mut body, &headings, &rows.collect::<Vec<_>>());
        }
        for Grid { title, columns, rows } in &outline.grids {
            paragraph(&mut body, "Heading2", title);
            table(&mut body, columns, rows);
        }
        if !outline.warnings.is_empty() {
            paragraph(&mut body, "Heading2", "Warnings");
            for warning in &outline.warnings {
                paragraph(&mut body, "Normal", warning);
            }
        }
        for page in &outline.pages {
            let title = page.number.map_or("Text".to_owned(), |number| format!("Text of page {number}"));
            paragraph(&mut body, "Heading2", &title);
            for line in page.text.lines() {
                paragraph(&mut body, "Normal", line);
            }
        }
        self.package.write_all(body.as_bytes())?;
        Ok(Part::Last)
    }

    fn end(mut self: Box<Self>) -> Result<Option<File>, Error> {
        self.package.write_all(BODY_END.as_bytes())?;
        self.package.finish().map_err(std::io::Error::from)?;
        Ok(None)
    }
}

fn paragraph(body: &mut String, style: &str, text: &str) {
    let _infallible = write!(body, "<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr>");
    for (index, line) in text.lines().enumerate() {
        let line_break = if index > 0 { "<w:br/>" } else { "" };
        let line = legal(line);
        let text = escape(&line);
        let _infallible = write!(body, "<w:r>{line_break}<w:t xml:space=\"preserve\">{text}</w:t></w:r>");
    }
    body.push_str("</w:p>");
}

/// A table whose first row, where there are headings, is repeated on each page.
fn table(body: &mut String, headings: &[String], rows: &[Vec<String>]) {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0).max(headings.len()).min(MAX_COLUMNS);
    if width == 0 {
        return;
    }
    body.push_str(
        "<w:tbl><w:tblPr><w:tblStyle w:val=\"Grid\"/><w:tblW w:w=\"0\" w:type=\"auto\"/></w:tblPr>",
    );
    body.push_str("<w:tblGrid>");
    body.push_str(&"<w:gridCol/>".repeat(width));
    body.push_str("</w:tblGrid>");
    if !headings.is_empty() {
        table_row(body, "<w:trPr><w:tblHeader/></w:trPr>", "TableHeading", headings, width);
    }
    for cells in rows {
        table_row(body, "", "TableText", cells, width);
    }
    // Two tables without a paragraph between them would be one.
    body.push_str("</w:tbl><w:p/>");
}

fn table_row(body: &mut String, properties: &str, style: &str, cells: &[String], width: usize) {
    let _infallible = write!(body, "<w:tr>{properties}");
    for index in 0..width {
        body.push_str("<w:tc>");
        paragraph(body, style, cells.get(index).map_or("", String::as_str));
        body.push_str("</w:tc>");
    }
    body.push_str("</w:tr>");
}
