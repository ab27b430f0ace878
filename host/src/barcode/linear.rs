//! Reads codes of bars: lines are laid across an area of stripes, each is read for itself, and what several of them say
//! is a code.
//!
//! One line alone is not believed: print, text and rulings beside each other give a short code now and then.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use rxing::common::BitArray;
use rxing::oned::{Code39Reader, Code128Reader, ITFReader, MultiFormatUPCEANReader, OneDReader};
use rxing::{DecodeHints, RXingResult, RXingResultMetadataType, RXingResultMetadataValue};

use super::luma::Luma;
use super::stripes::Stripes;
use super::{around, format};
use crate::domain::barcode::{Barcode, BarcodeFormat};

/// Lines laid across an area.
const LINES: usize = 15;

/// Samples for each pixel of a line: the edges of bars of two pixels lie between pixels.
const SAMPLES_PER_PIXEL: f32 = 2.0;

/// Most samples of a line.
const MOST_SAMPLES: f32 = 16_000.0;

/// Share of an area's length that is read beyond its ends, for the quiet zone that readers want to see.
const BEYOND: f32 = 0.08;

/// The same in pixels, at least.
const LEAST_BEYOND: f32 = 24.0;

/// How far around a sample its threshold comes from, in pixels. The widest bar of a coarse code must be within.
const SURROUNDINGS: usize = 24;

/// Share of the line's contrast that there must be around a sample for its own threshold.
const LEAST_CONTRAST: f32 = 0.3;

/// How much of the second difference is taken away to undo blur; each is tried.
const SHARPENING: [f32; 2] = [0.0, 3.0];

/// Most codes in one line.
const MOST_IN_LINE: usize = 8;

/// Samples below which nothing can be read in a rest of a line.
const LEAST_REST: usize = 60;

/// Symbology identifier of GS1-128.
const GS1_128: &str = "]C1";

static HINTS: LazyLock<DecodeHints> = LazyLock::new(|| DecodeHints {
    TryHarder: Some(true),
    // Separators of GS1-128 come as U+001D.
    AssumeGs1: Some(true),
    PossibleFormats: Some(HashSet::from([
        rxing::BarcodeFormat::EAN_13,
        rxing::BarcodeFormat::EAN_8,
        rxing::BarcodeFormat::UPC_A,
        rxing::BarcodeFormat::UPC_E,
    ])),
    ..DecodeHints::default()
});

/// What lines said of one code.
struct Votes {
    lines: usize,
    /// Where it lies across the stripes, in pixels: the widest that was seen.
    from: f32,
    to: f32,
    /// The first and the last line.
    low: f32,
    high: f32,
    symbology: String,
}

/// One code in one line.
struct Sighting {
    format: BarcodeFormat,
    text: String,
    symbology: String,
    /// First and last sample.
    from: usize,
    to: usize,
}

/// Reads the codes of bars.
pub(super) fn read(page: &Luma, areas: &[Stripes]) -> Vec<Barcode> {
    areas.iter().flat_map(|area| read_area(page, area)).collect()
}

fn read_area(page: &Luma, area: &Stripes) -> Vec<Barcode> {
    let length = area.to - area.from;
    let beyond = (length * BEYOND).max(LEAST_BEYOND);
    let (first, last) = (area.from - beyond, area.to + beyond);
    let step = ((last - first) / MOST_SAMPLES).max(1.0 / SAMPLES_PER_PIXEL);
    let mut votes: BTreeMap<(BarcodeFormat, String), Votes> = BTreeMap::new();
    for line in 0..LINES {
        let along = area.low + (area.high - area.low) * (line as f32 + 0.5) / LINES as f32;
        let samples = sample(page, area, (first, last), step, along);
        let mut seen: Vec<Sighting> = Vec::new();
        for sharpening in SHARPENING {
            for sighting in sightings(&black(&samples, sharpening)) {
                let is_new = !seen.iter().any(|other| sighting.from <= other.to && other.from <= sighting.to);
                if is_new {
                    seen.push(sighting);
                }
            }
        }
        for Sighting { format, text, symbology, from, to } in seen {
            let (from, to) = (first + from as f32 * step, first + to as f32 * step);
            let new = || Votes { lines: 0, from, to, low: along, high: along, symbology };
            let votes = votes.entry((format, text)).or_insert_with(new);
            votes.lines += 1;
            votes.from = votes.from.min(from);
            votes.to = votes.to.max(to);
            votes.high = along;
        }
    }
    let mut believed: Vec<_> = votes
        .into_iter()
        .filter(|((format, text), votes)| votes.lines >= lines_wanted(*format, text))
        .collect();
    believed.sort_by_key(|(_, votes)| std::cmp::Reverse(votes.lines));
    let mut kept: Vec<(BarcodeFormat, String, Votes)> = Vec::new();
    for ((format, text), votes) in believed {
        // Of two readings of one place, the one that more lines agree on.
        if !kept.iter().any(|(_, _, other)| votes.from < other.to && other.from < votes.to) {
            kept.push((format, text, votes));
        }
    }
    let spacing = (area.high - area.low) / LINES as f32;
    kept.into_iter().filter_map(|(format, text, votes)| code(area, spacing, format, text, votes)).collect()
}

/// How many lines must agree: the fewer checks a format has of its own, the more.
fn lines_wanted(format: BarcodeFormat, text: &str) -> usize {
    match format {
        BarcodeFormat::Code39 | BarcodeFormat::Itf => 5,
        BarcodeFormat::Ean8 | BarcodeFormat::UpcE => 4,
        BarcodeFormat::Code128 if text.len() < 4 => 4,
        _ => 2,
    }
}

fn code(area: &Stripes, spacing: f32, format: BarcodeFormat, text: String, votes: Votes) -> Option<Barcode> {
    let (low, high) = (votes.low - spacing / 2.0, votes.high + spacing / 2.0);
    let corners = [(votes.from, low), (votes.to, low), (votes.from, high), (votes.to, high)];
    let bbox = around(corners.map(|(across, along)| area.place(across, along)))?;
    // Lines that miss the code say nothing about it.
    let crossing = ((high - low) / spacing.max(f32::EPSILON)).round().max(1.0);
    Some(Barcode {
        format,
        text,
        bytes: Vec::new(),
        bbox,
        confidence: (votes.lines as f32 / crossing).clamp(0.5, 1.0),
        symbology: votes.symbology,
        error_correction: None,
    })
}

/// The brightness along a line, each the mean of three neighbours along the bars.
fn sample(page: &Luma, area: &Stripes, (first, last): (f32, f32), step: f32, along: f32) -> Vec<f32> {
    let count = ((last - first) / step) as usize;
    let at = |across: f32, along: f32| {
        let (x, y) = area.place(across, along);
        // Whole coordinates are corners in the area, and middles in the picture.
        page.sample(x - 0.5, y - 0.5)
    };
    let mean = |across: f32| [-1.0, 0.0, 1.0].iter().map(|side| at(across, along + side)).sum::<f32>() / 3.0;
    (0..count).map(|index| mean(first + index as f32 * step)).collect()
}

/// Which samples are black: those below the middle between the darkest and the lightest around them.
fn black(samples: &[f32], sharpening: f32) -> Vec<bool> {
    // Neighbours a pixel away, as samples are interpolated in between.
    let reach = SAMPLES_PER_PIXEL as usize;
    let sharp: Vec<f32> = (0..samples.len())
        .map(|index| {
            let at = |index: usize| samples.get(index).copied().unwrap_or(255.0);
            let here = at(index);
            if index < reach || index + reach >= samples.len() {
                return here;
            }
            here + sharpening * (here - (at(index - reach) + at(index + reach)) / 2.0)
        })
        .collect();
    let range = |part: &[f32]| {
        part.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), sample| {
            (low.min(*sample), high.max(*sample))
        })
    };
    let (darkest, lightest) = range(&sharp);
    let width = SURROUNDINGS * reach;
    // The range of each stretch of half the width: that around a sample is the range of three of them.
    let stretches: Vec<(f32, f32)> = sharp.chunks(width.max(1)).map(range).collect();
    sharp
        .iter()
        .enumerate()
        .map(|(index, sample)| {
            let middle = index / width.max(1);
            let near = stretches.iter().take(middle + 2).skip(middle.saturating_sub(1));
            let (low, high) = near.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), stretch| {
                (low.min(stretch.0), high.max(stretch.1))
            });
            let is_flat = high - low < (lightest - darkest) * LEAST_CONTRAST;
            let threshold = if is_flat { (darkest + lightest) / 2.0 } else { (low + high) / 2.0 };
            *sample < threshold
        })
        .collect()
}

/// The codes in one line: what is left of one and what is right of it are read again.
fn sightings(black: &[bool]) -> Vec<Sighting> {
    let mut found = Vec::new();
    let mut open = vec![(0, black.len())];
    while let Some((start, end)) = open.pop() {
        let rest = black.get(start..end).unwrap_or_default();
        if rest.len() < LEAST_REST || found.len() >= MOST_IN_LINE {
            continue;
        }
        for sighting in sight(rest) {
            let (from, to) = (start + sighting.from, start + sighting.to);
            if found.iter().any(|other: &Sighting| from <= other.to && other.from <= to) {
                continue;
            }
            open.extend([(start, from), (to, end)]);
            found.push(Sighting { from, to, ..sighting });
        }
    }
    found
}

/// What each reader finds in a stretch, read forwards and backwards.
fn sight(black: &[bool]) -> Vec<Sighting> {
    let mut row = BitArray::with_size(black.len());
    for index in (0..).zip(black).filter_map(|(index, black)| black.then_some(index)) {
        row.set(index);
    }
    let mut found = Vec::new();
    for backwards in [false, true] {
        if backwards {
            row.reverse();
        }
        let results = [
            MultiFormatUPCEANReader::new(&HINTS).decode_row(0, &row, &HINTS),
            Code128Reader.decode_row(0, &row, &HINTS),
            Code39Reader::new().decode_row(0, &row, &HINTS),
            ITFReader::default().decode_row(0, &row, &HINTS),
        ];
        let sightings =
            results.iter().flatten().filter_map(|result| sighting(result, black.len(), backwards));
        found.extend(sightings.filter(|sighting| !sighting.text.is_empty()));
    }
    found
}

fn sighting(result: &RXingResult, length: usize, backwards: bool) -> Option<Sighting> {
    let places = result.getPoints().iter().map(|point| (point.x.max(0.0) as usize).min(length));
    let (mut from, mut to) = (places.clone().min()?, places.max()?);
    if backwards {
        (from, to) = (length - to, length - from);
    }
    if to <= from {
        return None;
    }
    let metadata = result.getRXingResultMetadata();
    let symbology = match metadata.get(&RXingResultMetadataType::SYMBOLOGY_IDENTIFIER) {
        Some(RXingResultMetadataValue::SymbologyIdentifier(symbology)) => symbology.clone(),
        _ => String::new(),
    };
    // A GS1-128 is told with its symbology identifier in front; what the metadata say of it depends on what follows.
    let (text, symbology) = match result.getText().strip_prefix(GS1_128) {
        Some(text) => (text.to_owned(), GS1_128.to_owned()),
        None => (result.getText().to_owned(), symbology),
    };
    Some(Sighting { format: format(*result.getBarcodeFormat())?, text, symbology, from, to })
}
