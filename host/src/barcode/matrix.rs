//! Reads codes of dots, and stacked codes.
//!
//! QR codes show themselves by their finder patterns, wherever they are. The readers of the others look at one place,
//! and are given each busy area for itself.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use rxing::aztec::AztecReader;
use rxing::common::HybridBinarizer;
use rxing::datamatrix::DataMatrixReader;
use rxing::multi::MultipleBarcodeReader;
use rxing::pdf417::PDF417Reader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::qrcode::cpp_port::detector::FindFinderPatterns;
use rxing::{
    BinaryBitmap, DecodeHints, Luma8LuminanceSource, RXingResult, RXingResultMetadataType,
    RXingResultMetadataValue, Reader,
};

use super::luma::{Area, Luma};
use super::regions::Map;
use super::stripes::Stripes;
use super::{around, format, keep};
use crate::domain::barcode::{Barcode, BarcodeFormat};
use crate::domain::geometry::Rect;

type Bitmap = BinaryBitmap<HybridBinarizer<Luma8LuminanceSource>>;

/// How much of the edges of a busy block may run in one direction: dots of a code run in two.
const COHERENCE: f32 = 0.75;

/// Most areas that are tried, the largest first.
const MOST_AREAS: usize = 400;

/// Least width and height of an area, in blocks.
const LEAST_BLOCKS: usize = 3;

/// Most width and height of an area, in blocks: a larger code is found where the page is searched smaller.
const MOST_BLOCKS: usize = 150;

/// Most times that an area is wider than high, or the other way.
const MOST_ASPECT: usize = 5;

/// Share of its box that an area must fill: a code that stands on a corner fills half of it.
const LEAST_FILLED: f32 = 0.4;

/// Most finder patterns of a picture: a QR code has three.
const MOST_FINDERS: usize = 300;

/// Share of an area that is dark: codes are made to be dark by half, text has less ink.
const DARKNESS: RangeInclusive<f32> = 0.27..=0.75;

/// Least height and width of rows of bars that may be a stacked code, in pixels.
const LEAST_STACKED: (f32, f32) = (16.0, 100.0);

/// Share of an area from which a code that was found there leaves no room for another.
const KNOWN: f32 = 0.4;

/// Radians by which an area is turned before it is worth straightening.
const LEAST_TURN: f32 = 0.05;

/// Pixels around an area that are looked at with it.
const MARGIN: usize = 12;

/// Width and height up to which an area is tried enlarged as well.
const SMALL: usize = 120;

static HINTS: LazyLock<DecodeHints> =
    LazyLock::new(|| DecodeHints { TryHarder: Some(true), ..DecodeHints::default() });

/// Reads the codes of dots and the stacked ones; `stripes` are the areas that may be rows of the latter.
pub(super) fn read(page: &Luma, map: &Map, stripes: &[Stripes], found: &mut Vec<Barcode>) {
    on_whole_page(page, found);
    let stacked = stripes
        .iter()
        .filter(|area| area.high - area.low >= LEAST_STACKED.0 && area.to - area.from >= LEAST_STACKED.1)
        .map(|area| area.area(page, MARGIN));
    for area in stacked.chain(areas(page, map)) {
        on_area(page, area, found);
    }
}

/// QR codes and PDF417 wherever they are; QR codes light on dark as well.
fn on_whole_page(page: &Luma, found: &mut Vec<Barcode>) {
    let Some(mut bitmap) = bitmap(page) else { return };
    let mut results = qr_codes(&mut bitmap);
    results.extend(PDF417Reader.decode_multiple_with_hints(&mut bitmap, &HINTS).unwrap_or_default());
    bitmap.invert();
    results.extend(qr_codes(&mut bitmap));
    let codes = results.iter().filter_map(|result| code(result, page, |point| point));
    codes.for_each(|code| keep(found, code));
}

/// The codes of one area, whose readers find one at most.
fn on_area(page: &Luma, area: Area, found: &mut Vec<Barcode>) {
    let (left, top) = (area.x as f32, area.y as f32);
    let place = Rect::new(left, top, left + area.width as f32, top + area.height as f32);
    let is_known = |known: &Barcode| {
        known.bbox.intersection(&place).is_some_and(|common| common.area() > place.area() * KNOWN)
    };
    if found.iter().any(is_known) {
        return;
    }
    let part = page.part(area);
    let on_page = |(x, y): (f32, f32)| (left + x, top + y);
    let mut codes = on_picture(&part, on_page);
    let angle = part.grid_angle();
    if codes.is_empty() && angle.abs() > LEAST_TURN {
        codes = on_picture(&part.turned(angle), |point| on_page(part.unturned(point, angle)));
    }
    if codes.is_empty() && area.width.max(area.height) <= SMALL {
        codes = on_picture(&part.grown(2), |(x, y)| on_page((x / 2.0, y / 2.0)));
    }
    codes.into_iter().for_each(|code| keep(found, code));
}

/// What the readers find, dark on light or else light on dark.
fn on_picture(picture: &Luma, place: impl Fn((f32, f32)) -> (f32, f32)) -> Vec<Barcode> {
    let Some(mut bitmap) = bitmap(picture) else { return Vec::new() };
    for _ in 0..2 {
        let mut results = qr_codes(&mut bitmap);
        results.extend(DataMatrixReader.decode_with_hints(&mut bitmap, &HINTS));
        results.extend(AztecReader.decode_with_hints(&mut bitmap, &HINTS));
        results.extend(PDF417Reader.decode_with_hints(&mut bitmap, &HINTS));
        let codes: Vec<Barcode> = results.iter().filter_map(|result| code(result, picture, &place)).collect();
        if !codes.is_empty() {
            return codes;
        }
        bitmap.invert();
    }
    Vec::new()
}

/// All QR codes of a picture. The library tries finder patterns by threes, which takes minutes where a picture is made of
/// them.
fn qr_codes(bitmap: &mut Bitmap) -> Vec<RXingResult> {
    if FindFinderPatterns(bitmap.get_black_matrix(), true, 0).len() > MOST_FINDERS {
        return Vec::new();
    }
    QrReader.decode_multiple_with_hints(bitmap, &HINTS).unwrap_or_default()
}

/// The areas that are busy in all directions and have about the shape of a code.
fn areas(page: &Luma, map: &Map) -> Vec<Area> {
    let belongs = |column, row| {
        let is_mixed = map.surroundings(column, row).coherence() < COHERENCE;
        (is_mixed && map.is_busy(column, row)).then_some(())
    };
    let mut areas: Vec<Area> = map
        .regions(belongs, |(), ()| true)
        .iter()
        .filter(|region| {
            let (width, height, filled) = region.shape();
            let (short, long) = (width.min(height), width.max(height));
            let is_shaped = short >= LEAST_BLOCKS && long <= short * MOST_ASPECT && filled >= LEAST_FILLED;
            is_shaped && long <= MOST_BLOCKS && DARKNESS.contains(&region.darkness(page))
        })
        .map(|region| region.area(page, MARGIN))
        .collect();
    areas.sort_by_key(|area| std::cmp::Reverse(area.width * area.height));
    areas.truncate(MOST_AREAS);
    areas
}

fn bitmap(page: &Luma) -> Option<Bitmap> {
    let (width, height) = (u32::try_from(page.width).ok()?, u32::try_from(page.height).ok()?);
    let source = Luma8LuminanceSource::new(page.pixels.clone(), width, height).ok()?;
    Some(BinaryBitmap::new(HybridBinarizer::new(source)))
}

/// A result of the library; `place` tells where on the page a point of the picture is.
fn code(result: &RXingResult, picture: &Luma, place: impl Fn((f32, f32)) -> (f32, f32)) -> Option<Barcode> {
    let format = format(*result.getBarcodeFormat())?;
    let metadata = result.getRXingResultMetadata();
    // Of a PDF417 the library tells where it is on the picture that it turned.
    let turned = match metadata.get(&RXingResultMetadataType::ORIENTATION) {
        Some(RXingResultMetadataValue::Orientation(degrees)) if format == BarcodeFormat::Pdf417 => *degrees,
        _ => 0,
    };
    let (right, bottom) = (picture.width as f32 - 1.0, picture.height as f32 - 1.0);
    let points = result.getPoints().iter().map(|point| match turned {
        90 => (right - point.y, point.x),
        180 => (right - point.x, bottom - point.y),
        270 => (point.y, bottom - point.x),
        _ => (point.x, point.y),
    });
    let bbox = around(points.map(place))?;
    let symbology = match metadata.get(&RXingResultMetadataType::SYMBOLOGY_IDENTIFIER) {
        Some(RXingResultMetadataValue::SymbologyIdentifier(symbology)) => symbology.clone(),
        _ => String::new(),
    };
    let error_correction = match metadata.get(&RXingResultMetadataType::ERROR_CORRECTION_LEVEL) {
        Some(RXingResultMetadataValue::ErrorCorrectionLevel(level)) if !level.is_empty() => {
            Some(level.clone())
        }
        _ => None,
    };
    let encoded = match format {
        // Of a QR code the library tells the bytes of its content, of others those of the code words.
        BarcodeFormat::QrCode | BarcodeFormat::MicroQrCode => result.getRawBytes().to_vec(),
        _ => match metadata.get(&RXingResultMetadataType::BYTE_SEGMENTS) {
            Some(RXingResultMetadataValue::ByteSegments(segments)) => segments.concat(),
            _ => Vec::new(),
        },
    };
    let text = result.getText().to_owned();
    if text.is_empty() {
        return None;
    }
    let bytes = if encoded == text.as_bytes() { Vec::new() } else { encoded };
    Some(Barcode { format, text, bytes, bbox, confidence: 1.0, symbology, error_correction })
}
