//! Takes a line recogniser apart that comes as a `.traineddata` file: the format in which the open-source engine
//! Tesseract (version 4 and later) ships its trained networks, one file per language or script.
//!
//! Such a file is a table of offsets and the parts themselves, of which three are used here: the network, the list
//! of its characters, and the codes that spell each of them. Dictionaries and settings are left alone. All numbers
//! are little-endian.

use super::matrix::Matrix;
use super::network::{Cells, Layer, Network};

/// Places in the table of offsets.
const NETWORK: usize = 17;
const CHARACTERS: usize = 21;
const CODES: usize = 22;

/// Most parts that a file lists; files of today have 24.
const MAX_PARTS: usize = 64;
/// Most characters of one language: all ideographs of a script fit.
const MAX_CHARACTERS: usize = 100_000;
/// Most codes that spell one character.
const MAX_CODES: usize = 9;
/// Most rows and columns of one layer's weights.
const MAX_SIDE: usize = 1 << 14;
/// Most layers in one another.
const MAX_DEPTH: usize = 8;
/// Most layers after one another.
const MAX_LAYERS: usize = 32;

/// Layer flag: a list of learning rates follows.
const HAS_LEARNING_RATES: i32 = 64;
/// Weight flags: stored as bytes with a scale per row; stored in the present format.
const BYTES: u8 = 1;
const PRESENT_FORMAT: u8 = 128;

/// What is wrong with a file.
type Flaw = String;

/// A recogniser as its file describes it.
pub(super) struct Parts {
    pub(super) network: Network,
    /// The code of the class that stands for no character.
    pub(super) blank: usize,
    /// Characters with the codes that spell them, in the order of the file.
    pub(super) characters: Vec<(Box<str>, Vec<usize>)>,
}

/// Parses a `.traineddata` file.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn parse(file: &[u8]) -> Result<Parts, Flaw> {
    let mut network = Bytes(part(file, NETWORK)?);
    let layer = network.layer(MAX_DEPTH)?;
    let blank = network.settings()?;
    let network = Network::new(layer)?;
    let names = names(part(file, CHARACTERS)?)?;
    let codes = Bytes(part(file, CODES)?).codes()?;
    if names.len() != codes.len() {
        return Err(format!("it lists {} characters but {} spellings", names.len(), codes.len()));
    }
    let class_count = network.class_count();
    if blank >= class_count || codes.iter().flatten().any(|&code| code >= class_count) {
        return Err(format!("a code is not among the network's {class_count} classes"));
    }
    let characters = names.into_iter().zip(codes).filter(|(name, _)| !name.is_empty()).collect();
    Ok(Parts { network, blank, characters })
}

/// One part of a file: from its offset to the next one.
fn part(file: &[u8], wanted: usize) -> Result<&[u8], Flaw> {
    let mut bytes = Bytes(file);
    let count = bytes.count(MAX_PARTS)?;
    let offsets: Vec<i64> = (0..count).map(|_| bytes.i64()).collect::<Result<_, Flaw>>()?;
    let missing = || format!("it has no part {wanted}, as files for the legacy engine");
    let start = offsets.get(wanted).copied().filter(|&offset| offset >= 0).ok_or_else(missing)?;
    let end = offsets.iter().copied().filter(|&offset| offset > start).min();
    let start = usize::try_from(start).map_err(|_| missing())?;
    let end = end.and_then(|end| usize::try_from(end).ok()).unwrap_or(file.len());
    file.get(start..end).ok_or_else(|| format!("part {wanted} is cut off"))
}

/// The characters of the list in their order: a count, then one line each that begins with the character. Entries
/// that stand for no text are empty.
fn names(part: &[u8]) -> Result<Vec<Box<str>>, Flaw> {
    let text = std::str::from_utf8(part).map_err(|_| "its characters are not UTF-8".to_owned())?;
    let mut lines = text.lines();
    let count: usize = lines
        .next()
        .and_then(|line| line.trim().parse().ok())
        .filter(|&count| count <= MAX_CHARACTERS)
        .ok_or("its list of characters has no usable count")?;
    let names: Vec<Box<str>> = lines
        .take(count)
        .map(|line| match line.split(' ').next().unwrap_or_default() {
            "NULL" => Box::from(" "),
            // Placeholders of every file, for joined and for broken characters.
            "Joined" => Box::default(),
            broken if broken.starts_with("|Broken") => Box::default(),
            name => Box::from(name),
        })
        .collect();
    if names.len() == count { Ok(names) } else { Err("its list of characters is cut off".to_owned()) }
}

/// A cursor over bytes.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Flaw> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("it is cut off")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], Flaw> {
        self.take(SIZE)?.try_into().map_err(|_| "it is cut off".to_owned())
    }

    fn byte(&mut self) -> Result<u8, Flaw> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn i32(&mut self) -> Result<i32, Flaw> {
        self.array().map(i32::from_le_bytes)
    }

    fn i64(&mut self) -> Result<i64, Flaw> {
        self.array().map(i64::from_le_bytes)
    }

    fn f64(&mut self) -> Result<f64, Flaw> {
        self.array().map(f64::from_le_bytes)
    }

    /// A number from 0 to `most`.
    fn count(&mut self, most: usize) -> Result<usize, Flaw> {
        let found = self.i32()?;
        usize::try_from(found)
            .ok()
            .filter(|&count| count <= most)
            .ok_or_else(|| format!("it holds {found} where at most {most} can be"))
    }

    fn text(&mut self) -> Result<&'a str, Flaw> {
        let length = self.count(1 << 12)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| "a name in it is not UTF-8".to_owned())
    }

    /// A layer with those inside of it.
    fn layer(&mut self, depth: usize) -> Result<Layer, Flaw> {
        if self.byte()? != 0 {
            return Err("its layers are numbered, not named: it is from before version 4".to_owned());
        }
        let kind = self.text()?;
        // Whether the layer is still trained, and whether errors are passed back through it.
        self.take(2)?;
        let flags = self.i32()?;
        let inputs = self.count(MAX_SIDE)?;
        let outputs = self.count(MAX_SIDE)?;
        // The number of weights, and the name that the makers gave the layer.
        self.i32()?;
        self.text()?;
        match kind {
            "Input" => {
                let [_batch, height, _width, depth] = [self.i32()?, self.i32()?, self.i32()?, self.i32()?]
                    .map(|side| usize::try_from(side).ok());
                self.i32()?;
                match (height, depth) {
                    (Some(height @ 8..=128), Some(1)) => Ok(Layer::Input { height }),
                    _ => Err("its input is not a grey line of fixed height".to_owned()),
                }
            }
            "Convolve" => {
                let (columns, rows) = (self.count(8)?, self.count(8)?);
                Ok(Layer::Window { columns, rows })
            }
            "Maxpool" => {
                let (columns, rows) = (self.count(16)?.max(1), self.count(16)?.max(1));
                Ok(Layer::MaxPool { columns, rows })
            }
            "Series" => Ok(Layer::Series(self.layers(depth, flags)?)),
            "XYTranspose" => Ok(Layer::Transposed(Box::new(self.only_layer(depth, flags)?))),
            "RTLReversed" => Ok(Layer::Reversed(Box::new(self.only_layer(depth, flags)?))),
            "LSTM" => self.recurrent(inputs, outputs).map(Layer::Recurrent),
            "SummLSTM" => self.recurrent(inputs, outputs).map(Layer::Summary),
            "Tanh" => {
                let weights = self.weights(inputs, outputs)?;
                Ok(Layer::Series(vec![Layer::Dense(weights.matrix()), Layer::Tanh]))
            }
            "Softmax" => Ok(Layer::Softmax(self.weights(inputs, outputs)?.matrix())),
            _ => Err(format!("its layer `{kind}` is of a kind that is not supported")),
        }
    }

    fn layers(&mut self, depth: usize, flags: i32) -> Result<Vec<Layer>, Flaw> {
        let depth = depth.checked_sub(1).ok_or("its layers lie too deep in one another")?;
        let count = self.count(MAX_LAYERS)?;
        let layers = (0..count).map(|_| self.layer(depth)).collect::<Result<_, Flaw>>()?;
        if flags & HAS_LEARNING_RATES != 0 {
            let count = self.count(MAX_LAYERS)?;
            self.take(count * size_of::<f32>())?;
        }
        Ok(layers)
    }

    fn only_layer(&mut self, depth: usize, flags: i32) -> Result<Layer, Flaw> {
        let mut layers = self.layers(depth, flags)?;
        match (layers.pop(), layers.is_empty()) {
            (Some(layer), true) => Ok(layer),
            _ => Err("a turned layer does not hold one other".to_owned()),
        }
    }

    /// The gates of a recurrent layer, each with weights for the inputs and for the cells' own outputs.
    fn recurrent(&mut self, inputs: usize, outputs: usize) -> Result<Cells, Flaw> {
        let width = self.count(MAX_SIDE)?;
        if width != inputs + outputs {
            return Err("a recurrent layer has inputs of an unsupported kind".to_owned());
        }
        let mut gates = Vec::new();
        for _ in 0..4 {
            gates.push(self.weights(width, outputs)?);
        }
        let rows = || gates.iter().flat_map(Weights::rows);
        let from_input = Matrix::new(inputs, rows().map(|(row, bias, scale)| (&row[..inputs], bias, scale)));
        let from_output = Matrix::new(outputs, rows().map(|(row, _, scale)| (&row[inputs..], 0, scale)));
        Ok(Cells::new(from_input, from_output))
    }

    /// Weights as bytes, one row per output with its bias last, and a scale per row.
    fn weights(&mut self, inputs: usize, outputs: usize) -> Result<Weights<'a>, Flaw> {
        let mode = self.byte()?;
        if mode & PRESENT_FORMAT == 0 || mode & BYTES == 0 {
            return Err("its weights are not bytes: only the `fast` kind of files is supported".to_owned());
        }
        let (rows, columns) = (self.count(MAX_SIDE)?, self.count(MAX_SIDE)?);
        // The value of an empty element.
        self.byte()?;
        if rows != outputs || columns != inputs + 1 {
            return Err(format!(
                "it has {rows} × {columns} weights for {inputs} inputs and {outputs} outputs"
            ));
        }
        let bytes = self.take(rows * columns)?;
        let scale_count = self.count(MAX_SIDE)?;
        let scales: Vec<f32> =
            (0..scale_count).map(|_| Ok(self.f64()? as f32)).collect::<Result<_, Flaw>>()?;
        if scales.len() < rows || scales.iter().any(|scale| !scale.is_finite()) {
            return Err("its weights lack their scales".to_owned());
        }
        Ok(Weights { inputs, bytes, scales })
    }

    /// What follows the network: the blank's code is the only setting that matters for reading.
    fn settings(&mut self) -> Result<usize, Flaw> {
        self.text()?;
        // Flags of training, and two counts of its rounds.
        self.take(3 * size_of::<i32>())?;
        self.count(MAX_SIDE)
    }

    /// For each character the codes that spell it.
    fn codes(&mut self) -> Result<Vec<Vec<usize>>, Flaw> {
        let count = self.count(MAX_CHARACTERS)?;
        let spelling = |_| {
            // Whether the character is its own normal form.
            self.byte()?;
            let length = self.count(MAX_CODES)?;
            (0..length).map(|_| self.count(MAX_SIDE)).collect()
        };
        (0..count).map(spelling).collect()
    }
}

/// Weights as they are stored.
struct Weights<'a> {
    inputs: usize,
    /// Per output its signed weights and its bias.
    bytes: &'a [u8],
    scales: Vec<f32>,
}

impl Weights<'_> {
    /// Per output its weights, its bias and its scale.
    fn rows(&self) -> impl Iterator<Item = (&[u8], u8, f32)> {
        let rows = self.bytes.chunks_exact(self.inputs + 1).filter_map(|row| row.split_last());
        rows.zip(&self.scales).map(|((bias, row), scale)| (row, *bias, *scale))
    }

    fn matrix(&self) -> Matrix {
        Matrix::new(self.inputs, self.rows())
    }
}
