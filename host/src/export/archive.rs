//! A zip archive of files that are made of single documents: searchable PDFs, or pictures of pages.
//!
//! A document that cannot be shown does not keep the others from being there: it is named, with the reason, in a text
//! file at the end.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;

use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

use super::output::Output;
use super::{Entry, Error, Form, Part, Scope, pdf, pictures};
use crate::decode::Limits;
use crate::domain::export::ExportFormat;

/// The file that names what is not there, and why.
const LEFT_OUT: &str = "left-out.txt";

/// Writes an archive.
pub(super) struct Archive {
    archive: ZipWriter<StreamWriter<Output>>,
    limits: Limits,
    content: Content,
    names: HashSet<String>,
    left_out: String,
    /// The document that is open between its parts.
    open: Option<Open>,
}

/// What becomes of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// One searchable PDF.
    Pdf,
    /// A picture of each page.
    Pictures(Scope),
}

struct Open {
    document: pictures::Pages,
    /// What its files' names begin with.
    stem: String,
}

impl Archive {
    /// An archive of searchable PDFs.
    pub(super) fn of_pdfs(output: Output, limits: Limits) -> Self {
        Self::new(output, limits, Content::Pdf)
    }

    /// An archive of pictures of pages; of several documents, each has a folder.
    pub(super) fn of_pictures(output: Output, limits: Limits, scope: Scope) -> Self {
        Self::new(output, limits, Content::Pictures(scope))
    }

    fn new(output: Output, limits: Limits, content: Content) -> Self {
        Self {
            archive: ZipWriter::new_stream(output),
            limits,
            content,
            names: HashSet::new(),
            left_out: String::new(),
            open: None,
        }
    }

    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        // What is in them is compressed already.
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        self.archive.start_file(name, options).map_err(std::io::Error::from)?;
        Ok(self.archive.write_all(bytes)?)
    }

    fn add_pdf(&mut self, entry: &Entry) -> Result<Part, Error> {
        let pdf = pdf::searchable(entry, self.limits)?;
        let name = self.free_name(stem(&entry.document.file_name), ExportFormat::Pdf.extension());
        self.add(&name, &pdf)?;
        Ok(Part::Last)
    }

    fn add_picture(&mut self, entry: &Entry, part: u32, scope: Scope) -> Result<Part, Error> {
        let open = match self.open.take() {
            Some(open) if part > 0 => open,
            _ => Open {
                document: pictures::Pages::open(entry, self.limits)?,
                stem: match scope {
                    Scope::Record => String::new(),
                    Scope::Batch => format!("{}/", self.free_name(&entry.document.file_name, "")),
                },
            },
        };
        let Some(number) = open.document.numbers().nth(part as usize) else { return Ok(Part::Last) };
        let picture = open.document.picture(entry, number)?;
        let extension = ExportFormat::Image.extension();
        self.add(&format!("{}page-{number:03}.{extension}", open.stem), &picture)?;
        let is_last = open.document.numbers().nth(part as usize + 1).is_none();
        self.open = (!is_last).then_some(open);
        Ok(if is_last { Part::Last } else { Part::More })
    }

    /// A name that no other file of the archive has, whatever the case of letters.
    fn free_name(&mut self, stem: &str, extension: &str) -> String {
        let point = if extension.is_empty() { "" } else { "." };
        let mut name = format!("{stem}{point}{extension}");
        let mut number = 1_u32;
        while !self.names.insert(name.to_lowercase()) {
            number += 1;
            name = format!("{stem} ({number}){point}{extension}");
        }
        name
    }
}

impl Form for Archive {
    fn record(&mut self, entry: &Entry, part: u32) -> Result<Part, Error> {
        let written = match self.content {
            Content::Pdf => self.add_pdf(entry),
            Content::Pictures(scope) => self.add_picture(entry, part, scope),
        };
        match written {
            Err(
                reason @ (Error::FileGone { .. }
                | Error::NoResult { .. }
                | Error::NoSuchPage { .. }
                | Error::Decode { .. }
                | Error::Pdf { .. }),
            ) if self.content != Content::Pictures(Scope::Record) => {
                self.open = None;
                let _infallible = writeln!(self.left_out, "{}: {reason}", entry.document.id);
                Ok(Part::Last)
            }
            written => written,
        }
    }

    fn end(mut self: Box<Self>) -> Result<Option<File>, Error> {
        if !self.left_out.is_empty() {
            let name = self.free_name(LEFT_OUT, "");
            let left_out = std::mem::take(&mut self.left_out);
            self.add(&name, left_out.as_bytes())?;
        }
        self.archive.finish().map_err(std::io::Error::from)?;
        Ok(None)
    }
}

/// A file's name without its extension.
fn stem(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}
