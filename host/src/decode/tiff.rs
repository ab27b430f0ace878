//! TIFF: one or more pages of scans and faxes.

use std::io::Cursor;

use bytes::Bytes;
use image::metadata::Orientation;
use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError, TiffFormatError};

use super::{Error, Limits, catch, check_pixels, photo, pixels};
use crate::domain::page::{PageSize, Unit};
use crate::domain::raster::Raster;

const FORMAT: &str = "TIFF";

/// Bit of the `NewSubfileType` tag that marks a smaller copy of another page.
const REDUCED_RESOLUTION: u32 = 1;

/// A file whose page directories have been read.
pub(super) struct Tiff {
    content: Bytes,
    limits: Limits,
    pages: Vec<Page>,
}

/// One full-size picture of the file.
struct Page {
    /// Index of its directory in the file.
    directory: usize,
    /// Size in pixels as stored.
    width: u32,
    height: u32,
    orientation: Orientation,
}

impl Tiff {
    /// Reads all page directories. A damaged directory, or one that points back, ends the list of pages.
    pub(super) fn open(content: Bytes, limits: Limits) -> Result<Self, Error> {
        let pages = catch(FORMAT, || list_pages(&content, &limits))?;
        if pages.is_empty() {
            return Err(Error::Damaged { format: FORMAT, reason: "it has no pages".into() });
        }
        Ok(Self { content, limits, pages })
    }

    /// Number of pages, at least 1.
    pub(super) fn page_count(&self) -> u32 {
        self.pages.len() as u32
    }

    /// Size of the upright page in pixels.
    pub(super) fn page_size(&self, index: u32) -> Result<PageSize, Error> {
        let page = self.page(index)?;
        let (width, height) = if photo::swaps_sides(page.orientation) {
            (page.height, page.width)
        } else {
            (page.width, page.height)
        };
        Ok(PageSize { width: width as f32, height: height as f32, unit: Unit::Pixel })
    }

    /// Decodes a page and turns it upright.
    pub(super) fn raster(&self, index: u32) -> Result<Raster, Error> {
        let page = self.page(index)?;
        check_pixels(page.width, page.height, index + 1, &self.limits)?;
        let raster = catch(FORMAT, || {
            let mut decoder = decoder(&self.content, &self.limits).map_err(convert)?;
            decoder.seek_to_image(page.directory).map_err(convert)?;
            let pixels = decode(&mut decoder, page)?;
            Ok(Raster { width: page.width, height: page.height, pixels })
        })?;
        Ok(pixels::oriented(raster, page.orientation))
    }

    fn page(&self, index: u32) -> Result<&Page, Error> {
        self.pages
            .get(index as usize)
            .ok_or(Error::NoSuchPage { page: index.saturating_add(1), page_count: self.page_count() })
    }
}

type Reader<'a> = Decoder<Cursor<&'a [u8]>>;

fn decoder<'a>(content: &'a Bytes, limits: &Limits) -> Result<Reader<'a>, TiffError> {
    // No page that is decoded has more than four channels of 16 bits.
    let most_bytes = usize::try_from(limits.max_pixels.saturating_mul(8)).unwrap_or(usize::MAX);
    let mut library_limits = tiff::decoder::Limits::default();
    library_limits.decoding_buffer_size = most_bytes;
    library_limits.intermediate_buffer_size = most_bytes;
    Ok(Decoder::new(Cursor::new(content.as_ref()))?.with_limits(library_limits))
}

fn list_pages(content: &Bytes, limits: &Limits) -> Result<Vec<Page>, Error> {
    let mut decoder = decoder(content, limits).map_err(convert)?;
    let mut pages = Vec::new();
    // Thumbnails are no pages, but they count against the limit on directories.
    for directory in 0..limits.max_pages as usize * 2 {
        let subfile: u32 = decoder.find_tag_unsigned(Tag::NewSubfileType).ok().flatten().unwrap_or(0);
        if subfile & REDUCED_RESOLUTION == 0 || (pages.is_empty() && !decoder.more_images()) {
            let (width, height) = decoder.dimensions().map_err(convert)?;
            if width == 0 || height == 0 {
                return Err(damaged("a page of it has no pixels"));
            }
            let stated: u8 = decoder.find_tag_unsigned(Tag::Orientation).ok().flatten().unwrap_or(1);
            let orientation = Orientation::from_exif(stated).unwrap_or(Orientation::NoTransforms);
            pages.push(Page { directory, width, height, orientation });
        }
        if pages.len() as u64 > u64::from(limits.max_pages) {
            break;
        }
        if !decoder.more_images() || decoder.next_image().is_err() {
            return Ok(pages);
        }
    }
    Err(Error::LimitExceeded {
        what: "pages or more".into(),
        found: u64::from(limits.max_pages) + 1,
        limit: u64::from(limits.max_pages),
        setting: "decode.max_pages",
    })
}

/// Decodes the current page to RGB.
fn decode(decoder: &mut Reader<'_>, page: &Page) -> Result<Vec<u8>, Error> {
    let color = decoder.colortype().map_err(convert)?;
    let mut decoded = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut decoded).map_err(convert)?;
    let mut samples = match decoded {
        DecodingResult::U8(samples) => samples,
        // The high byte is what an 8-bit scan would have had.
        DecodingResult::U16(samples) => samples.into_iter().map(|sample| (sample >> 8) as u8).collect(),
        _ => return Err(unsupported("samples of this kind are")),
    };
    let (width, height) = (page.width as usize, page.height as usize);
    let bits = color.bit_depth();
    if bits < 8 {
        if !matches!(color, ColorType::Gray(1 | 2 | 4)) {
            return Err(unsupported(format_args!("{bits} bits a sample in colour are")));
        }
        let stride = layout.row_stride.map_or(0, std::num::NonZeroUsize::get);
        return Ok(unpack(&samples, width, height, stride, bits));
    }
    let channels = usize::from(color.num_samples());
    if layout.planes > 1 {
        samples = interleave(&samples, width * height, channels);
    }
    if samples.len() < width * height * channels {
        return Err(damaged("its pixels do not fill its size"));
    }
    samples.truncate(width * height * channels);
    match color {
        ColorType::Gray(_) => Ok(samples.iter().flat_map(|&grey| [grey; 3]).collect()),
        ColorType::RGB(_) => Ok(samples),
        ColorType::RGBA(_) => Ok(pixels::on_white(samples)),
        ColorType::CMYK(_) => Ok(pixels::cmyk_to_rgb(samples)),
        ColorType::YCbCr(_) => Ok(pixels::ycbcr_to_rgb(&samples)),
        // Grey with further channels, mostly alpha, which says nothing about what is written.
        ColorType::GrayA(_) | ColorType::Multiband { num_samples: 2, .. } => {
            Ok(samples.chunks_exact(2).flat_map(|pair| [pair[0]; 3]).collect())
        }
        other => Err(unsupported(format_args!("colours of the kind {other:?} are"))),
    }
}

/// Spreads packed grey samples of 1, 2 or 4 bits, whose rows begin on a byte, to RGB.
fn unpack(packed: &[u8], width: usize, height: usize, stride: usize, bits: u8) -> Vec<u8> {
    let per_byte = usize::from(8 / bits);
    let mask = (1_u16 << bits) - 1;
    let mut rgb = Vec::with_capacity(width * height * 3);
    for row in 0..height {
        let row = packed.get(row * stride..).unwrap_or_default();
        for x in 0..width {
            // A scan that ends early is white below.
            let byte = row.get(x / per_byte).copied().unwrap_or(0xff);
            let shift = 8 - bits as usize * (x % per_byte + 1);
            let grey = ((u16::from(byte) >> shift) & mask) * 255 / mask;
            rgb.extend([grey as u8; 3]);
        }
    }
    rgb
}

/// Puts channels that are stored one after the other side by side.
fn interleave(planes: &[u8], pixel_count: usize, channels: usize) -> Vec<u8> {
    let mut samples = Vec::with_capacity(pixel_count * channels);
    for pixel in 0..pixel_count {
        for channel in 0..channels {
            samples.push(planes.get(channel * pixel_count + pixel).copied().unwrap_or(0));
        }
    }
    samples
}

fn convert(error: TiffError) -> Error {
    match error {
        TiffError::UnsupportedError(error) => {
            Error::Unsupported(format!("this kind of TIFF is not supported: {error}"))
        }
        TiffError::FormatError(TiffFormatError::CycleInOffsets) => damaged("its list of pages never ends"),
        error => damaged(error),
    }
}

fn damaged(reason: impl std::fmt::Display) -> Error {
    Error::Damaged { format: FORMAT, reason: reason.to_string() }
}

fn unsupported(what: impl std::fmt::Display) -> Error {
    Error::Unsupported(format!("this kind of TIFF is not supported: {what} not read"))
}
