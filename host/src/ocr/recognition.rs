//! Reads lines of text.
//!
//! One network with two heads: the Latin head knows only the classes of alphabetic scripts and is a good deal
//! cheaper; the full head knows all of them and is tried on lines that the Latin head cannot make sense of, on what the
//! network saw in them the first time.

use std::collections::HashSet;
use std::sync::OnceLock;

use rayon::prelude::*;
use tract_onnx::prelude::*;

use crate::domain::raster::Raster;

use super::Error;
use super::crop::{self, LINE_HEIGHT};
use super::ctc::{self, LineWord};
use super::head::Head;
use super::ink::Ink;
use super::models::{self, ModelFile, Plan};
use super::textbox::TextBox;

/// Columns of the input per time step of the output.
const STEP: usize = 8;
/// Widths of the input are multiples of this.
const WIDTH_STEP: usize = 32;
/// Narrowest input.
const MIN_WIDTH: usize = 64;
/// Widest input; a longer line is read in pieces.
const MAX_WIDTH: usize = 1600;
/// First character of the scripts that the Latin head leaves out: CJK radicals, kana, ideographs, emoji.
const FIRST_IDEOGRAPH: char = '\u{2E80}';
/// Mean confidence below which a line is worth a second look with the full head.
const DOUBTFUL: f32 = 0.75;
/// Lines that are looked at again at first; only if one of them is in another script, all doubtful lines are.
const SAMPLE: usize = 3;
/// Height over width from which a box is taken for text that runs up or down the page.
const TALL: f32 = 1.5;
/// Height over width below which a tall box may also be a single upright character.
const SINGLE_CHARACTER: f32 = 3.0;

/// Characters that a recogniser can read.
pub(super) type Letters = HashSet<char>;

/// A line that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LineText {
    /// Where it was read: the detected box, turned if the text runs up or down.
    pub(super) place: TextBox,
    /// The words, their places as shares (0 to 1) of the box's width.
    pub(super) words: Vec<LineWord>,
    /// Where the text's ink begins and ends, as shares (0 to 1) of the box's height.
    pub(super) rows: (f32, f32),
}

impl LineText {
    /// The box around a word of the line, as tight as its ink in width and as the line's in height.
    pub(super) fn word_box(&self, word: &LineWord) -> TextBox {
        self.place.slice(word.start, word.end).band(self.rows.0, self.rows.1)
    }

    /// Mean confidence of the words by their length; 0 for a line without words.
    pub(super) fn confidence(&self) -> f32 {
        let length = |word: &LineWord| word.text.chars().count() as f32;
        let total: f32 = self.words.iter().map(length).sum();
        let sum: f32 = self.words.iter().map(|word| word.confidence * length(word)).sum();
        if total > 0.0 { sum / total } else { 0.0 }
    }

    fn has_ideographs(&self) -> bool {
        self.words.iter().any(|word| word.text.contains(|letter| letter >= FIRST_IDEOGRAPH))
    }
}

/// A line as it was read last, and what the network saw in it.
struct Seen {
    line: LineText,
    pieces: Vec<Piece>,
}

/// A part of a line that went through the network by itself.
struct Piece {
    /// Rows of [`Head::depth`] values, one per time step.
    features: Vec<f32>,
    /// Columns of its picture that show something, in time steps.
    steps: f32,
    ink: Option<Ink>,
}

/// The line recogniser.
pub(super) struct Recognizer {
    name: &'static str,
    bytes: &'static [u8],
    /// One character per line, for models that carry no list of their own.
    dictionary: Option<&'static str>,
    network: OnceLock<Result<Network, Error>>,
    full: OnceLock<Result<Head, Error>>,
}

/// The network without its last step, and the head for alphabetic scripts.
struct Network {
    /// For inputs of every width that is a multiple of [`STEP`].
    plan: Plan,
    latin: Head,
    /// All characters in the Latin head's classes.
    letters: Letters,
}

impl Recognizer {
    pub(super) fn new(name: &'static str, bytes: &'static [u8], dictionary: Option<&'static str>) -> Self {
        Self { name, bytes, dictionary, network: OnceLock::new(), full: OnceLock::new() }
    }

    /// Loads the network, so that the first page need not.
    pub(super) fn load(&self) -> Result<(), Error> {
        self.network().map(|_| ())
    }

    /// Reads the text in each box, in the order of the boxes. Runs on the current rayon pool.
    pub(super) fn read(&self, page: &Raster, boxes: &[TextBox]) -> Result<Vec<LineText>, Error> {
        let mut lines = self.read_all(page, boxes)?;
        let mut doubtful: Vec<&mut Seen> =
            lines.iter_mut().filter(|seen| seen.line.confidence() < DOUBTFUL).collect();
        doubtful.sort_by(|a, b| b.line.place.width.total_cmp(&a.line.place.width));
        let mut rest = doubtful.split_off(doubtful.len().min(SAMPLE));
        if self.reread(&mut doubtful)? {
            self.reread(&mut rest)?;
        }
        Ok(lines.into_iter().map(|seen| seen.line).collect())
    }

    /// Reads some lines again with the full head and keeps what it is more certain of. Tells whether any of them
    /// turned out to be in a script that the Latin head does not know.
    fn reread(&self, chosen: &mut [&mut Seen]) -> Result<bool, Error> {
        if chosen.is_empty() {
            return Ok(false);
        }
        let head = self.full_head()?;
        let again: Vec<LineText> =
            chosen.par_iter().map(|seen| line_text(head, seen.line.place, &seen.pieces)).collect();
        let mut other_script = false;
        for (seen, line) in chosen.iter_mut().zip(again) {
            if line.has_ideographs() && line.confidence() > seen.line.confidence() {
                other_script = true;
                seen.line = line;
            }
        }
        Ok(other_script)
    }

    /// Mean confidence of reading the boxes, by the length of what was read.
    pub(super) fn confidence(&self, page: &Raster, boxes: &[TextBox]) -> Result<f32, Error> {
        let lines = self.read_all(page, boxes)?;
        let sum: f32 = lines.iter().map(|seen| seen.line.confidence()).sum();
        Ok(if lines.is_empty() { 0.0 } else { sum / lines.len() as f32 })
    }

    /// The characters that lines are read as at first; ideographs are further ones.
    pub(super) fn letters(&self) -> Result<&Letters, Error> {
        Ok(&self.network()?.letters)
    }

    fn network(&self) -> Result<&Network, Error> {
        self.network.get_or_init(|| self.load_network()).as_ref().map_err(Error::clone)
    }

    fn load_network(&self) -> Result<Network, Error> {
        let (file, latin) = self.head(|class| class.chars().all(|letter| letter < FIRST_IDEOGRAPH))?;
        let symbols = SymbolScope::default();
        let width = symbols.sym("W");
        // Without a lower bound tract takes every product for a possibly tiny one, and slow paths for sums.
        symbols
            .add_assertion(format!("W>={}", MIN_WIDTH / STEP))
            .map_err(|source| Error::model(self.name, &source))?;
        let shape = tvec![1.to_dim(), 3.to_dim(), LINE_HEIGHT.to_dim(), width.to_dim() * STEP];
        let letters = latin.classes().iter().flat_map(|class| class.chars()).collect();
        Ok(Network { plan: models::plan(self.name, file.typed(shape, symbols)?)?, latin, letters })
    }

    fn full_head(&self) -> Result<&Head, Error> {
        self.full.get_or_init(|| Ok(self.head(|_| true)?.1)).as_ref().map_err(Error::clone)
    }

    /// The model without its last step, and that step with some of its classes.
    fn head(&self, is_kept: impl Fn(&str) -> bool) -> Result<(ModelFile, Head), Error> {
        let mut file = ModelFile::parse(self.name, self.bytes)?;
        let listed = self.dictionary.or_else(|| file.metadata("character"));
        let Some(listed) = listed else {
            return Err(Error::model(self.name, &"it does not list its characters"));
        };
        // Blank, the listed characters, space.
        let mut classes: Vec<Box<str>> = vec![Box::default()];
        classes.extend(listed.split('\n').map(|text| Box::from(text.trim_end_matches('\r'))));
        if classes.len() > 2 && classes.last().is_some_and(|last| last.is_empty()) {
            classes.pop();
        }
        classes.push(Box::from(" "));
        let whole = file.take_head(classes.len())?;
        let kept: Vec<usize> = (0..classes.len()).filter(|&index| is_kept(&classes[index])).collect();
        Ok((file, Head::new(&whole, classes, &kept)))
    }

    /// Reads the text in each box.
    fn read_all(&self, page: &Raster, boxes: &[TextBox]) -> Result<Vec<Seen>, Error> {
        let network = self.network()?;
        // The widest first, so that no thread starts a long line when the others are done.
        let mut order: Vec<usize> = (0..boxes.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(crop::line_width(&boxes[index])));
        let mut lines: Vec<(usize, Seen)> = order
            .into_par_iter()
            .with_max_len(1)
            .map(|index| Ok((index, self.read_box(network, page, &boxes[index])?)))
            .collect::<Result<_, Error>>()?;
        lines.sort_by_key(|(index, _)| *index);
        Ok(lines.into_iter().map(|(_, line)| line).collect())
    }

    /// Reads one box in each direction that its shape allows, and keeps the most certain reading.
    fn read_box(&self, network: &Network, page: &Raster, found: &TextBox) -> Result<Seen, Error> {
        let mut best: Option<Seen> = None;
        for place in candidates(found) {
            let pieces = self.look(network, page, place)?;
            let line = line_text(&network.latin, place, &pieces);
            if best.as_ref().is_none_or(|best| line.confidence() > best.line.confidence()) {
                best = Some(Seen { line, pieces });
            }
        }
        let nothing = || Seen {
            line: LineText { place: *found, words: Vec::new(), rows: (0.0, 1.0) },
            pieces: Vec::new(),
        };
        Ok(best.unwrap_or_else(nothing))
    }

    /// Puts a line through the network, in pieces where it is long.
    fn look(&self, network: &Network, page: &Raster, place: TextBox) -> Result<Vec<Piece>, Error> {
        let look = |(piece, width): (TextBox, usize)| {
            let content = crop::line_width(&piece).min(width);
            let image = crop::line_image(page, &piece, content, width);
            let input = Tensor::from_shape(&[1, 3, LINE_HEIGHT, width], &image)
                .map_err(|source| Error::inference(self.name, &source))?;
            let output = models::run(self.name, &network.plan, input)?;
            let features = models::floats(self.name, &output)?;
            if features.len() != width / STEP * network.latin.depth() {
                let reason = format!("it gave {} values for width {width}", features.len());
                return Err(Error::inference(self.name, &reason));
            }
            let ink = Ink::find(&image, width, content);
            Ok(Piece { features: features.to_vec(), steps: content as f32 / STEP as f32, ink })
        };
        pieces(place).into_iter().map(look).collect()
    }
}

/// What a head reads in a line.
fn line_text(head: &Head, place: TextBox, pieces: &[Piece]) -> LineText {
    let mut words = Vec::new();
    let count = pieces.len() as f32;
    for (index, piece) in pieces.iter().enumerate() {
        let share = |position: f32| (index as f32 + (position / piece.steps).clamp(0.0, 1.0)) / count;
        let probabilities = head.probabilities(&piece.features);
        let characters = ctc::decode(&probabilities, head.classes());
        words.extend(
            ctc::words(&characters, piece.features.len() / head.depth(), piece.ink.as_ref(), STEP)
                .into_iter()
                .map(|word| LineWord { start: share(word.start), end: share(word.end), ..word }),
        );
    }
    let inked = pieces.iter().map(|piece| piece.ink.as_ref().map_or((0.0, 1.0), |ink| ink.rows));
    let rows = inked.reduce(|all, next| (all.0.min(next.0), all.1.max(next.1))).unwrap_or((0.0, 1.0));
    LineText { place, words, rows }
}

/// The ways in which a box may have to be read: as it is, and a tall one up and down as well.
fn candidates(found: &TextBox) -> Vec<TextBox> {
    let ratio = found.height / found.width.max(1.0);
    let mut places = Vec::new();
    if ratio < SINGLE_CHARACTER {
        places.push(*found);
    }
    if ratio >= TALL {
        places.extend([found.turned(1), found.turned(-1)]);
    }
    places
}

/// The pieces in which a line is read, each with the width of its input.
fn pieces(place: TextBox) -> Vec<(TextBox, usize)> {
    let width = crop::line_width(&place);
    let count = width.div_ceil(MAX_WIDTH);
    (0..count)
        .map(|index| {
            let piece = place.slice(index as f32 / count as f32, (index + 1) as f32 / count as f32);
            let bucket = crop::line_width(&piece).div_ceil(WIDTH_STEP) * WIDTH_STEP;
            (piece, bucket.clamp(MIN_WIDTH, MAX_WIDTH))
        })
        .collect()
}
