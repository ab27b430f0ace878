//! Pages as PNG: upright and straight, as they were read.

use std::fs::File;

use super::output::Output;
use super::{Entry, Error, Form, Part};
use crate::decode::{self, Limits};
use crate::domain::extraction::PageRecord;
use crate::domain::format::{sniff, unsupported};
use crate::ocr;

/// Writes the picture of one page.
pub(super) struct Picture {
    output: Output,
    limits: Limits,
    page: u32,
}

impl Picture {
    /// Makes a writer for the page of this number, from 1.
    pub(super) fn new(output: Output, limits: Limits, page: u32) -> Self {
        Self { output, limits, page }
    }
}

impl Form for Picture {
    fn record(&mut self, entry: &Entry, _part: u32) -> Result<Part, Error> {
        let pages = Pages::open(entry, self.limits)?;
        self.output.put(&pages.picture(entry, self.page)?);
        Ok(Part::Last)
    }

    fn end(self: Box<Self>) -> Result<Option<File>, Error> {
        Ok(None)
    }
}

/// A document whose pages can be shown.
pub(super) struct Pages {
    document: decode::Document,
    /// Numbers of the pages that were read.
    read: Vec<u32>,
}

impl Pages {
    /// Opens the file of a record.
    pub(super) fn open(entry: &Entry, limits: Limits) -> Result<Self, Error> {
        let document = open(entry, limits)?;
        let pages = entry.extraction.as_ref().map_or(&[][..], |extraction| &extraction.pages);
        let mut read: Vec<u32> = pages.iter().map(|page| page.page).collect();
        if read.is_empty() {
            read.extend(1..=document.page_count());
        }
        Ok(Self { document, read })
    }

    /// The numbers of the pages that were read; of all pages where none was.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.read.iter().copied()
    }

    /// The picture of a page, as a PNG file.
    pub(super) fn picture(&self, entry: &Entry, number: u32) -> Result<Vec<u8>, Error> {
        let page_count = self.document.page_count();
        let Some(index) = number.checked_sub(1).filter(|index| *index < page_count) else {
            let file_name = entry.document.file_name.clone();
            return Err(Error::NoSuchPage { file_name, page: number, page_count });
        };
        let mut raster = self.document.raster(index).map_err(|reason| undecodable(entry, reason))?;
        if let Some(page) = page_record(entry, number) {
            raster = ocr::upright(raster, page.rotation, page.skew);
        }
        decode::png(&raster).map_err(|reason| undecodable(entry, reason))
    }
}

/// What the result says of a page.
pub(super) fn page_record(entry: &Entry, number: u32) -> Option<&PageRecord> {
    entry.extraction.as_ref()?.pages.iter().find(|page| page.page == number)
}

/// Opens the file of a record.
pub(super) fn open(entry: &Entry, limits: Limits) -> Result<decode::Document, Error> {
    let document = &entry.document;
    if entry.extraction.is_none() {
        let (file_name, status) = (document.file_name.clone(), document.status.as_str());
        return Err(Error::NoResult { file_name, status });
    }
    let Some(file) = &entry.file else {
        return Err(Error::FileGone { file_name: document.file_name.clone() });
    };
    let opened = match sniff(file, &document.file_name) {
        Some(format) => decode::open(file.clone(), format, None, limits),
        None => Err(decode::Error::Unsupported(unsupported(file))),
    };
    opened.map_err(|reason| undecodable(entry, reason))
}

/// The error for a file that cannot be decoded.
pub(super) fn undecodable(entry: &Entry, reason: decode::Error) -> Error {
    Error::Decode { file_name: entry.document.file_name.clone(), reason }
}
