//! Searchable PDF: the pages as they are, with an invisible layer of the words that were read.
//!
//! A PDF whose pages all have a text layer that can be trusted is already searchable and leaves as it came. Of any
//! other PDF the pages are embedded as they are, and a JPEG stays the JPEG it is. A page is drawn anew, as a picture,
//! only where it has more than its content shows: a text of its own that was not trusted, and would be found beside
//! ours, or annotations.

mod font;
mod placement;

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;
use krilla::color::rgb;
use krilla::configure::{ConfigurationBuilder, PdfVersion};
use krilla::error::KrillaError;
use krilla::geom::{Point, Size, Transform};
use krilla::image::{BitsPerComponent, CustomImage, Image, ImageColorspace};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule};
use krilla::pdf::{Pdf, PdfDocument};
use krilla::surface::Surface;
use krilla::{Document, SerializeSettings};

use self::font::{DESCENT_EM, InvisibleFont, Run};
use self::placement::{Placement, WordPlaces};
use super::output::Output;
use super::pictures::{open, page_record, undecodable};
use super::{Entry, Error, Form, Part};
use crate::decode::{self, Limits};
use crate::domain::extraction::PageRecord;
use crate::domain::format::{Format, sniff};
use crate::domain::geometry::{Rect, Turn};
use crate::domain::page::{PageSize, TextSource, Unit};
use crate::domain::raster::Raster;

/// The longer side of a page that is made of a picture, in points: that of A4.
const PICTURE_SIDE: f32 = 841.89;

/// Sides that a page may have, in points.
const SIDES: std::ops::RangeInclusive<f32> = 3.0..=14_400.0;

/// Least space between two words of a line, in heights of the first.
const LEAST_GAP: f32 = 0.15;

/// Writes the searchable PDF of one record.
pub(super) struct Searchable {
    output: Output,
    limits: Limits,
}

impl Searchable {
    /// Makes a writer.
    pub(super) fn new(output: Output, limits: Limits) -> Self {
        Self { output, limits }
    }
}

impl Form for Searchable {
    fn record(&mut self, entry: &Entry, _part: u32) -> Result<Part, Error> {
        self.output.put(&searchable(entry, self.limits)?);
        Ok(Part::Last)
    }

    fn end(self: Box<Self>) -> Result<Option<File>, Error> {
        Ok(None)
    }
}

/// The searchable PDF of a record.
pub(super) fn searchable(entry: &Entry, limits: Limits) -> Result<Bytes, Error> {
    let document = open(entry, limits)?;
    let content = entry.file.clone().unwrap_or_default();
    let is_pdf = sniff(&content, &entry.document.file_name) == Some(Format::Pdf);
    let pages = entry.extraction.as_ref().map_or(&[][..], |extraction| &extraction.pages);
    if is_pdf && pages.iter().all(|page| page.source == TextSource::TextLayer) {
        return Ok(content);
    }
    let unwritable = |reason: String| Error::Pdf { file_name: entry.document.file_name.clone(), reason };
    let written = decode::isolated(|| {
        let original = match is_pdf {
            true => Some(Original::read(&content)?),
            false => None,
        };
        let book = Book { entry, document: &document, original };
        // Pages of a newer file can only stand in a file that calls itself as new.
        match book.write(PdfVersion::Pdf17) {
            Err(Unwritten::Library(KrillaError::Pdf(..))) => book.write(PdfVersion::Pdf20),
            written => written,
        }
    });
    match written {
        Ok(Ok(pdf)) => Ok(pdf.into()),
        Ok(Err(Unwritten::Page(reason))) => Err(undecodable(entry, reason)),
        Ok(Err(Unwritten::Library(error))) => Err(unwritable(error.to_string())),
        Ok(Err(Unwritten::Other(reason))) => Err(unwritable(reason.to_owned())),
        Err(_) => Err(unwritable("its structure cannot be interpreted".to_owned())),
    }
}

/// Why there is no PDF.
enum Unwritten {
    /// A page cannot be decoded.
    Page(decode::Error),
    /// The library refuses.
    Library(KrillaError),
    /// Something else, in words.
    Other(&'static str),
}

impl From<decode::Error> for Unwritten {
    fn from(error: decode::Error) -> Self {
        Self::Page(error)
    }
}

impl From<KrillaError> for Unwritten {
    fn from(error: KrillaError) -> Self {
        Self::Library(error)
    }
}

/// The uploaded PDF.
struct Original(PdfDocument);

impl Original {
    fn read(content: &Bytes) -> Result<Self, Unwritten> {
        let pdf = Pdf::new(Arc::new(content.to_vec()));
        let pdf = pdf.map_err(|_| Unwritten::Other("its structure cannot be interpreted"))?;
        Ok(Self(PdfDocument::new(Arc::new(pdf))))
    }
}

/// What a page shows.
enum Face<'a> {
    /// The page of the uploaded PDF, untouched.
    Untouched(&'a PdfDocument),
    /// The page of the uploaded PDF, to be drawn upon.
    Embedded(&'a PdfDocument),
    /// A picture, turned clockwise to be displayed.
    Picture(Image, Turn),
}

/// A record that is being made into a PDF.
struct Book<'a> {
    entry: &'a Entry,
    document: &'a decode::Document,
    original: Option<Original>,
}

impl Book<'_> {
    fn write(&self, version: PdfVersion) -> Result<Vec<u8>, Unwritten> {
        let configuration = ConfigurationBuilder::new().with_version(version).finish();
        let settings = SerializeSettings {
            configuration: configuration.map_err(|_| Unwritten::Other("its version is not supported"))?,
            enable_tagging: false,
            ..SerializeSettings::default()
        };
        let mut pdf = Document::new_with(settings);
        let title = self.entry.document.file_name.clone();
        pdf.set_metadata(Metadata::new().title(title).producer("Ocriva".to_owned()));
        let mut font = InvisibleFont::new().ok_or(Unwritten::Other("its font cannot be made"))?;
        for index in 0..self.document.page_count() {
            self.add_page(&mut pdf, index, &mut font)?;
        }
        Ok(pdf.finish()?)
    }

    fn add_page(&self, pdf: &mut Document, index: u32, font: &mut InvisibleFont) -> Result<(), Unwritten> {
        let record = page_record(self.entry, index + 1);
        let displayed = self.document.page_size(index)?;
        let face = self.face(index, record)?;
        if let Face::Untouched(original) = face {
            pdf.embed_pdf_pages(original, &[index as usize]);
            return Ok(());
        }
        let points_per_unit = match displayed.unit {
            Unit::Point => 1.0,
            Unit::Pixel => PICTURE_SIDE / displayed.width.max(displayed.height),
        };
        let side = |units: f32| (units * points_per_unit).clamp(*SIDES.start(), *SIDES.end());
        let (width, height) = (side(displayed.width), side(displayed.height));
        let size = Size::from_wh(width, height).ok_or(Unwritten::Other("a page has no size"))?;
        let mut page = pdf.start_page_with(PageSettings::new(size));
        let mut surface = page.surface();
        match face {
            Face::Embedded(original) => surface.draw_pdf_page(original, size, index as usize),
            Face::Picture(image, turn) => draw_picture(&mut surface, image, turn, size),
            Face::Untouched(_) => {}
        }
        if let Some(record) = record {
            let to_points = Transform::from_scale(width / displayed.width, height / displayed.height);
            surface.push_transform(&to_points);
            draw_words(&mut surface, record, displayed, font);
            surface.pop();
        }
        surface.finish();
        page.finish();
        Ok(())
    }

    fn face(&self, index: u32, record: Option<&PageRecord>) -> Result<Face<'_>, Unwritten> {
        if let Some(Original(original)) = &self.original {
            if record.is_none_or(|record| record.source == TextSource::TextLayer) {
                return Ok(Face::Untouched(original));
            }
            if self.document.is_all_picture(index)? {
                return Ok(Face::Embedded(original));
            }
        }
        if let Some((jpeg, turn)) = self.document.jpeg() {
            // What the library does not take is drawn from its pixels.
            if let Ok(image) = Image::from_jpeg(jpeg.to_vec().into(), false) {
                return Ok(Face::Picture(image, turn));
            }
        }
        Ok(Face::Picture(picture(self.document.raster(index)?)?, Turn::None))
    }
}

/// Draws a picture over the whole page.
fn draw_picture(surface: &mut Surface<'_>, image: Image, turn: Turn, page: Size) {
    let (width, height) = (page.width(), page.height());
    let (stored_width, stored_height) = if turn.swaps_sides() { (height, width) } else { (width, height) };
    let Some(stored) = Size::from_wh(stored_width, stored_height) else { return };
    let turned = Placement::turned(turn, f64::from(stored_width), f64::from(stored_height));
    surface.push_transform(&turned.into());
    surface.draw_image(image, stored);
    surface.pop();
}

/// Draws the words of a page, in the units of the displayed page, so that nobody sees them.
fn draw_words(surface: &mut Surface<'_>, record: &PageRecord, displayed: PageSize, font: &mut InvisibleFont) {
    surface.set_fill(Some(Fill {
        paint: rgb::Color::black().into(),
        opacity: NormalizedF32::ZERO,
        rule: FillRule::default(),
    }));
    let places = WordPlaces::new(record, displayed);
    for line in &record.lines {
        for (index, word) in line.words.iter().enumerate() {
            let next = line.words.get(index + 1);
            let bbox = next.map_or(word.bbox, |next| apart(word.bbox, next.bbox));
            draw_run(surface, &font.run(&word.text), font, &places, bbox);
            if let Some(next) = next {
                // So that copied words do not run together.
                draw_run(surface, &font.run(" "), font, &places, gap(bbox, next.bbox));
            }
        }
    }
}

/// The box of a word, cut where it would touch the next one: readers of PDF would take the two for one.
fn apart(word: Rect, next: Rect) -> Rect {
    let least = LEAST_GAP * word.height();
    let middle = word.center().0;
    if next.x0 >= word.x0 {
        Rect { x1: word.x1.min(next.x0 - least).max(middle), ..word }
    } else {
        Rect { x0: word.x0.max(next.x1 + least).min(middle), ..word }
    }
}

/// The space between a word and the next one.
fn gap(word: Rect, next: Rect) -> Rect {
    let least = LEAST_GAP * word.height();
    if next.x0 >= word.x0 {
        Rect { x0: word.x1, x1: next.x0.max(word.x1 + least), ..word }
    } else {
        Rect { x0: next.x1.min(word.x0 - least), x1: word.x0, ..word }
    }
}

/// Draws text so that it fills a box.
fn draw_run(surface: &mut Surface<'_>, run: &Run, font: &InvisibleFont, places: &WordPlaces, bbox: Rect) {
    let stretch = bbox.width() / (run.width_em * bbox.height());
    if run.glyphs.is_empty() || !stretch.is_finite() || stretch <= 0.0 {
        return;
    }
    // The baseline lies below the middle, as far above the bottom as the font goes below it.
    let place = places.place(bbox, (0.5 - DESCENT_EM) * bbox.height());
    surface.push_transform(&place.stretched(f64::from(stretch)).into());
    surface.draw_glyphs(Point::from_xy(0.0, 0.0), &run.glyphs, font.font(), &run.text, bbox.height(), false);
    surface.pop();
}

/// The picture of a page; one without colours has a third of the samples.
fn picture(raster: Raster) -> Result<Image, Unwritten> {
    let is_grey =
        raster.pixels.chunks_exact(3).all(|pixel| pixel.iter().all(|sample| Some(sample) == pixel.first()));
    let (width, height) = (raster.width, raster.height);
    let (color_space, samples) = match is_grey {
        true => (ImageColorspace::Luma, raster.pixels.into_iter().step_by(3).collect()),
        false => (ImageColorspace::Rgb, raster.pixels),
    };
    let samples = Samples { width, height, color_space, samples: Arc::new(samples) };
    Image::from_custom(samples, false).map_err(|_| Unwritten::Other("a picture cannot be embedded"))
}

/// 8-bit samples, row by row.
#[derive(Debug, Clone, Hash)]
struct Samples {
    width: u32,
    height: u32,
    color_space: ImageColorspace,
    samples: Arc<Vec<u8>>,
}

impl CustomImage for Samples {
    fn color_channel(&self) -> &[u8] {
        &self.samples
    }

    fn alpha_channel(&self) -> Option<&[u8]> {
        None
    }

    fn bits_per_component(&self) -> BitsPerComponent {
        BitsPerComponent::Eight
    }

    fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn icc_profile(&self) -> Option<&[u8]> {
        None
    }

    fn color_space(&self) -> ImageColorspace {
        self.color_space
    }
}
