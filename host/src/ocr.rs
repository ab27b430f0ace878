//! Reads the words of a page's picture: text detection, line recognition, upright turn and skew, on CPU with
//! tract and the PP-OCR models, and on code of its own for further scripts.
//!
//! The steps, in order: [`orientation`] tells which way is up, [`detection`] finds lines of text, their angles tell
//! the skew, [`crop`] cuts the lines out, [`recognition`] reads them and [`ctc`] makes words of what it read. [`scripts`] has
//! lines that [`recognition`] does not know the letters of read by the networks in [`lstm`].
//!
//! Synchronous and CPU-bound: call it on a blocking thread. Knows nothing of files, plugins or storage.

mod confidence;
mod convolution;
mod crop;
mod ctc;
mod detection;
mod head;
mod ink;
mod lstm;
mod models;
mod orientation;
mod recognition;
mod regions;
mod resample;
mod scripts;
mod textbox;
mod upright;

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::OnceLock;

use rayon::{ThreadPool, ThreadPoolBuilder};
use sha2::{Digest, Sha256};

use crate::config::OcrMode;
use crate::domain::geometry::{Rect, Turn};
use crate::domain::page::{RawWord, Segment};
use crate::domain::raster::Raster;

use detection::Detector;
use models::ModelFile;
use orientation::Classifier;
use recognition::{LineText, Recognizer};
use scripts::Scripts;
use textbox::TextBox;
use upright::Deskew;

/// Version of the method, part of [`Engine::fingerprint`]: raise it with every change that changes readings.
const METHOD_VERSION: u32 = 4;

const DETECTION: &str = "det_tiny.onnx";
const RECOGNITION: &str = "rec_small.onnx";
const FAST_RECOGNITION: &str = "rec_tiny.onnx";
const FAST_DICTIONARY: &str = "rec_tiny_dict.txt";
const ORIENTATION: &str = "orientation.onnx";

/// Mean confidence below which a line is noise: a texture, a logo, a signature.
const MIN_CONFIDENCE: f32 = 0.5;
/// Probability from which the page orientation classifier is believed enough to look closer at its answer.
const MIN_TURN_PROBABILITY: f32 = 0.5;
/// Lines that are read in both directions to make sure of a page's orientation.
const DIRECTION_SAMPLE: usize = 5;
/// Mean confidence that lines of a page must reach in another direction before the page is turned: text in a script
/// that is not known reads badly in all of them.
const MIN_TURNED_CONFIDENCE: f32 = 0.75;
/// By how much a direction must read better than the upright one.
const DIRECTION_MARGIN: f32 = 0.1;
/// Skew in degrees below which a page is taken as straight.
const MIN_SKEW: f32 = 0.3;
/// Width over height from which a box's angle is good enough to tell the page's skew.
const SKEW_ELONGATION: f32 = 4.0;
/// Fewest pixels around a part of a page that is read by itself, so that text at its edge is found.
const AREA_MARGIN: f32 = 16.0;

/// Why a page could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A model file is missing, damaged or not the expected model.
    #[error("OCR model `{model}` cannot be loaded: {reason}")]
    Model {
        /// File name.
        model: String,
        /// What is wrong.
        reason: String,
    },
    /// A model failed on this input.
    #[error("OCR model `{model}` failed: {reason}")]
    Inference {
        /// File name.
        model: String,
        /// What is wrong.
        reason: String,
    },
    /// The threads that read could not be started.
    #[error("threads for OCR cannot be started: {reason}")]
    Threads {
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    /// A stable word for the public error code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Model { .. } => "ocr.model",
            Self::Inference { .. } => "ocr.inference",
            Self::Threads { .. } => "ocr.threads",
        }
    }

    fn model(model: &str, reason: &dyn Display) -> Self {
        Self::Model { model: model.to_owned(), reason: format!("{reason:#}") }
    }

    fn inference(model: &str, reason: &dyn Display) -> Self {
        Self::Inference { model: model.to_owned(), reason: format!("{reason:#}") }
    }
}

/// What was read from a raster.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The turn that made the page upright.
    pub turn: Turn,
    /// Degrees clockwise of skew that were corrected, after the turn.
    pub skew_degrees: f32,
    /// Size in pixels of the upright page.
    pub width: u32,
    /// Size in pixels of the upright page.
    pub height: u32,
    /// What was found, with boxes in pixels of the upright page; not yet in reading order.
    pub segments: Vec<Segment>,
}

/// The reader: loads its models on first use and is shared by all threads.
///
/// Any number of threads may call it at once; together they use the threads it was made with.
pub struct Engine {
    threads: usize,
    model: Box<ModelSource>,
    pool: OnceLock<Result<Pool, Error>>,
    detector: OnceLock<Result<Detector, Error>>,
    classifier: OnceLock<Result<Classifier, Error>>,
    accurate: OnceLock<Result<Recognizer, Error>>,
    fast: OnceLock<Result<Recognizer, Error>>,
    scripts: Scripts,
    fingerprints: [OnceLock<String>; 2],
}

/// Gives the bytes of a model file by name.
type ModelSource = dyn Fn(&str) -> Option<&'static [u8]> + Send + Sync;

/// The reader's threads.
struct Pool {
    threads: ThreadPool,
}

impl Engine {
    /// Makes a reader. `model` gives the bytes of a model file by name (see `xtask`); nothing is loaded yet.
    pub fn new(
        settings: &crate::config::Ocr,
        model: impl Fn(&str) -> Option<&'static [u8]> + Send + Sync + 'static,
    ) -> Self {
        Self {
            threads: settings.threads,
            model: Box::new(model),
            pool: OnceLock::new(),
            detector: OnceLock::new(),
            classifier: OnceLock::new(),
            accurate: OnceLock::new(),
            fast: OnceLock::new(),
            scripts: Scripts::default(),
            fingerprints: [OnceLock::new(), OnceLock::new()],
        }
    }

    /// Reads a page. One that is given away and not upright is turned where it lies; of one that is lent, a copy is.
    ///
    /// # Errors
    /// A model that cannot be loaded or fails.
    pub fn read<'a>(&self, raster: impl Into<Cow<'a, Raster>>, mode: OcrMode) -> Result<Reading, Error> {
        let mut page: Cow<'_, Raster> = raster.into();
        if whole(&page).is_none() {
            let (width, height) = (page.width, page.height);
            return Ok(Reading { turn: Turn::None, skew_degrees: 0.0, width, height, segments: Vec::new() });
        }
        // What the first page has to load is loaded side by side.
        let guess = || self.classifier()?.turn(&page).and_then(|guess| self.detector().map(|_| guess));
        let (guess, loaded) = self.pool()?.run(|| rayon::join(guess, || self.recognizer(mode)?.load()));
        let (guess, probability) = guess.and_then(|guess| loaded.map(|()| guess))?;
        let mut turn = if probability < MIN_TURN_PROBABILITY { Turn::None } else { guess };
        page = turned(page, turn);
        let mut boxes = self.detect(&page)?;
        let mut sure = turn == Turn::None && !mostly_tall(&boxes);
        let mut lines = if sure { self.recognize(&page, &boxes, mode)? } else { Vec::new() };
        if sure && !boxes.is_empty() && mean_confidence(&lines) < MIN_CONFIDENCE {
            sure = false;
        }
        if !sure {
            let more = self.further_turn(&page, &boxes, mode)?;
            if more != Turn::None {
                turn = sum(turn, more);
                page = turned(page, more);
                boxes = self.detect(&page)?;
                lines.clear();
            }
            if lines.is_empty() {
                lines = self.recognize(&page, &boxes, mode)?;
            }
        }
        let skew_degrees = skew_degrees(&lines);
        let deskew = Deskew::new(page.width, page.height, skew_degrees.to_radians());
        let (width, height) = deskew.canvas;
        Ok(Reading { turn, skew_degrees, width, height, segments: segments(&lines, &deskew) })
    }

    /// Reads a part of a page that is upright already (see [`upright`]); boxes are in pixels of the page.
    ///
    /// # Errors
    /// A model that cannot be loaded or fails.
    pub fn read_area(&self, page: &Raster, area: Rect, mode: OcrMode) -> Result<Vec<Segment>, Error> {
        let Some(page) = whole(page) else { return Ok(Vec::new()) };
        let bounds = Rect { x0: 0.0, y0: 0.0, x1: page.width as f32, y1: page.height as f32 };
        let Some(area) = area.intersection(&bounds) else { return Ok(Vec::new()) };
        let margin = AREA_MARGIN.max(area.height().min(area.width()) / 4.0);
        let (part, left, top) = cut(page, &area, margin);
        let inside = |found: &TextBox| {
            let (x, y) = found.center;
            area.x0 <= x + left && x + left <= area.x1 && area.y0 <= y + top && y + top <= area.y1
        };
        let mut boxes = self.detect(&part)?;
        if boxes.is_empty() {
            // Too tight or too large a cut for the detector: take the area itself as one line.
            let line = Rect { x0: area.x0 - left, y0: area.y0 - top, x1: area.x1 - left, y1: area.y1 - top };
            boxes.push(TextBox::upright(line));
        }
        let lines = self.recognize(&part, &boxes, mode)?;
        let mut segments = Vec::new();
        for line in lines.iter().filter(|line| line.confidence() >= MIN_CONFIDENCE) {
            let words = line.words.iter().filter(|word| inside(&line.word_box(word)));
            segments.extend(segment(words.map(|word| {
                let found = line.word_box(word).bounds();
                let bbox =
                    Rect { x0: found.x0 + left, y0: found.y0 + top, x1: found.x1 + left, y1: found.y1 + top };
                RawWord {
                    text: word.text.clone(),
                    bbox: bbox.intersection(&bounds).unwrap_or(bbox),
                    confidence: confidence::calibrated(word.least),
                }
            })));
        }
        Ok(segments)
    }

    /// Digest of the models and the version of the method that `mode` uses: two readings with the same digest of
    /// the same pixels are equal. Part of the cache key.
    pub fn fingerprint(&self, mode: OcrMode) -> &str {
        let (slot, names): (_, &[&str]) = match mode {
            OcrMode::Accurate => (&self.fingerprints[0], &[DETECTION, ORIENTATION, RECOGNITION]),
            OcrMode::Fast => {
                (&self.fingerprints[1], &[DETECTION, ORIENTATION, FAST_RECOGNITION, FAST_DICTIONARY])
            }
        };
        slot.get_or_init(|| {
            let mut digest = Sha256::new();
            digest.update(METHOD_VERSION.to_le_bytes());
            for name in names.iter().chain(&scripts::FILES) {
                let bytes = (self.model)(name).unwrap_or_default();
                digest.update((bytes.len() as u64).to_le_bytes());
                digest.update(bytes);
            }
            hex::encode(digest.finalize())
        })
    }

    fn detect(&self, page: &Raster) -> Result<Vec<TextBox>, Error> {
        self.pool()?.run(|| self.detector()?.boxes(page))
    }

    fn recognize(&self, page: &Raster, boxes: &[TextBox], mode: OcrMode) -> Result<Vec<LineText>, Error> {
        if boxes.is_empty() {
            return Ok(Vec::new());
        }
        self.pool()?.run(|| {
            let recognizer = self.recognizer(mode)?;
            let mut lines = recognizer.read(page, boxes)?;
            self.scripts.complete(page, &mut lines, recognizer.letters()?, &self.model)?;
            Ok(lines)
        })
    }

    /// The turn that a page still needs, judged by reading its longest lines in both directions.
    fn further_turn(&self, page: &Raster, boxes: &[TextBox], mode: OcrMode) -> Result<Turn, Error> {
        let mut longest: Vec<TextBox> = boxes.to_vec();
        longest.sort_by(|a, b| b.width.max(b.height).total_cmp(&a.width.max(a.height)));
        longest.truncate(DIRECTION_SAMPLE);
        let (tall, wide): (Vec<TextBox>, Vec<TextBox>) =
            longest.into_iter().partition(|found| found.height > found.width);
        let mut directions: Vec<(Turn, Vec<TextBox>)> = Vec::new();
        if tall.len() > wide.len() {
            directions.push((Turn::Clockwise270, tall.iter().map(|found| found.turned(1)).collect()));
            directions.push((Turn::Clockwise90, tall.iter().map(|found| found.turned(-1)).collect()));
        } else {
            directions.push((Turn::None, wide.clone()));
            directions.push((Turn::Half, wide.iter().map(|found| found.reversed()).collect()));
        }
        let mut upright = 0.0;
        let mut best = (Turn::None, MIN_TURNED_CONFIDENCE);
        for (turn, boxes) in directions {
            let confidence = self.pool()?.run(|| self.recognizer(mode)?.confidence(page, &boxes))?;
            match turn {
                Turn::None => upright = confidence,
                _ if confidence > best.1 && confidence > upright + DIRECTION_MARGIN => {
                    best = (turn, confidence)
                }
                _ => {}
            }
        }
        Ok(best.0)
    }

    fn pool(&self) -> Result<&Pool, Error> {
        loaded(&self.pool, || Pool::new(self.threads))
    }

    fn detector(&self) -> Result<&Detector, Error> {
        loaded(&self.detector, || Detector::new(ModelFile::parse(DETECTION, self.bytes(DETECTION)?)?))
    }

    fn classifier(&self) -> Result<&Classifier, Error> {
        loaded(&self.classifier, || Classifier::new(ModelFile::parse(ORIENTATION, self.bytes(ORIENTATION)?)?))
    }

    fn recognizer(&self, mode: OcrMode) -> Result<&Recognizer, Error> {
        match mode {
            OcrMode::Accurate => {
                loaded(&self.accurate, || Ok(Recognizer::new(RECOGNITION, self.bytes(RECOGNITION)?, None)))
            }
            OcrMode::Fast => loaded(&self.fast, || {
                let dictionary = std::str::from_utf8(self.bytes(FAST_DICTIONARY)?)
                    .map_err(|source| Error::model(FAST_DICTIONARY, &source))?;
                Ok(Recognizer::new(FAST_RECOGNITION, self.bytes(FAST_RECOGNITION)?, Some(dictionary)))
            }),
        }
    }

    fn bytes(&self, name: &str) -> Result<&'static [u8], Error> {
        (self.model)(name).ok_or_else(|| Error::model(name, &"there is no such file"))
    }
}

impl Pool {
    fn new(threads: usize) -> Result<Self, Error> {
        let threads = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("ocr-{index}"))
            .build()
            .map_err(|source| Error::Threads { reason: source.to_string() })?;
        Ok(Self { threads })
    }

    /// Runs work on the reader's threads.
    ///
    /// tract itself stays on one thread: it holds scratch memory of the thread while it shares a product, and a
    /// thread that waits for its share could begin another line or page with the same memory.
    fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.threads.install(work)
    }
}

/// The upright page to which the boxes of a [`Reading`] with this `turn` and `skew_degrees` belong.
pub fn upright(raster: Raster, turn: Turn, skew_degrees: f32) -> Raster {
    if whole(&raster).is_none() || (turn == Turn::None && skew_degrees == 0.0) {
        return raster;
    }
    let page = raster.turned(turn);
    if skew_degrees == 0.0 {
        return page;
    }
    Deskew::new(page.width, page.height, skew_degrees.to_radians()).apply(&page)
}

fn loaded<T>(
    slot: &OnceLock<Result<T, Error>>,
    load: impl FnOnce() -> Result<T, Error>,
) -> Result<&T, Error> {
    slot.get_or_init(load).as_ref().map_err(Error::clone)
}

/// The raster, if it has the pixels that its size promises.
fn whole(raster: &Raster) -> Option<&Raster> {
    let expected = (raster.width as usize).checked_mul(raster.height as usize)?.checked_mul(3)?;
    (expected > 0 && raster.pixels.len() == expected).then_some(raster)
}

fn turned(page: Cow<'_, Raster>, turn: Turn) -> Cow<'_, Raster> {
    match turn {
        Turn::None => page,
        _ => Cow::Owned(page.into_owned().turned(turn)),
    }
}

fn sum(first: Turn, second: Turn) -> Turn {
    Turn::from_degrees(i32::from(first.degrees()) + i32::from(second.degrees())).unwrap_or_default()
}

/// Whether most of the text, by its length, runs up or down.
fn mostly_tall(boxes: &[TextBox]) -> bool {
    let length = |found: &TextBox| found.width.max(found.height);
    let total: f32 = boxes.iter().map(length).sum();
    let tall: f32 = boxes.iter().filter(|found| found.height > 2.0 * found.width).map(length).sum();
    tall > total / 2.0
}

fn mean_confidence(lines: &[LineText]) -> f32 {
    let sum: f32 = lines.iter().map(LineText::confidence).sum();
    if lines.is_empty() { 0.0 } else { sum / lines.len() as f32 }
}

/// Skew of a page in degrees clockwise, to a hundredth: the median angle of its long lines, weighted by length; 0
/// for a straight page.
fn skew_degrees(lines: &[LineText]) -> f32 {
    let mut angles: Vec<(f32, f32)> = lines
        .iter()
        .map(|line| &line.place)
        .filter(|place| place.width > SKEW_ELONGATION * place.height && place.angle.abs() < 0.8)
        .map(|place| (place.angle.to_degrees(), place.width))
        .collect();
    angles.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half: f32 = angles.iter().map(|angle| angle.1).sum::<f32>() / 2.0;
    let mut passed = 0.0;
    let median = angles.iter().find(|angle| {
        passed += angle.1;
        passed >= half
    });
    match median {
        Some((degrees, _)) if degrees.abs() >= MIN_SKEW => (degrees * 100.0).round() / 100.0,
        _ => 0.0,
    }
}

/// The lines as segments on the upright page, without noise.
fn segments(lines: &[LineText], deskew: &Deskew) -> Vec<Segment> {
    let page = Rect { x0: 0.0, y0: 0.0, x1: deskew.canvas.0 as f32, y1: deskew.canvas.1 as f32 };
    lines
        .iter()
        .filter(|line| line.confidence() >= MIN_CONFIDENCE)
        .filter_map(|line| {
            segment(line.words.iter().map(|word| {
                let bbox = deskew.place(&line.word_box(word)).bounds();
                RawWord {
                    text: word.text.clone(),
                    bbox: bbox.intersection(&page).unwrap_or(bbox),
                    confidence: confidence::calibrated(word.least),
                }
            }))
        })
        .collect()
}

/// One segment of some words, if there are any.
fn segment(words: impl Iterator<Item = RawWord>) -> Option<Segment> {
    let words: Vec<RawWord> = words.collect();
    let bbox = words.iter().map(|word| word.bbox).reduce(|all, next| all.union(&next))?;
    Some(Segment { words, bbox })
}

/// A part of a page with a margin, and where its left top corner lies on the page.
fn cut(page: &Raster, area: &Rect, margin: f32) -> (Raster, f32, f32) {
    let left = (area.x0 - margin).max(0.0) as u32;
    let top = (area.y0 - margin).max(0.0) as u32;
    let right = ((area.x1 + margin).ceil() as u32).clamp(left + 1, page.width.max(left + 1));
    let bottom = ((area.y1 + margin).ceil() as u32).clamp(top + 1, page.height.max(top + 1));
    let rows = page.pixels.chunks_exact(page.width as usize * 3);
    let pixels = rows
        .skip(top as usize)
        .take((bottom - top) as usize)
        .flat_map(|row| row.iter().skip(left as usize * 3).take((right - left) as usize * 3))
        .copied()
        .collect();
    (Raster { width: right - left, height: bottom - top, pixels }, left as f32, top as f32)
}
