//! Products of constant weights with the channels of each pixel, in small integers.
//!
//! A convolution whose kernel is one pixel is a matrix product: output channels × input channels by input channels ×
//! pixels. Weights are rounded once to 8 bits with a scale for each output channel; the channels of a pixel are rounded
//! as they come to 7 bits between their lowest and their highest value. With 7 bits the sum of two products fits 16
//! bits, so that every processor gives the same sums: VNNI adds four products at once, AVX2 two and two. (Dynamic
//! quantization with a scale per column and per row: Dettmers et al. 2022, "LLM.int8()", without its outliers.)
//!
//! Two products with an activation between them are made tile by tile, so that what lies between never leaves the
//! processor's cache.

#![expect(unsafe_code, reason = "calls functions made for instructions that a processor may not have")]

use rayon::prelude::*;

#[cfg(target_arch = "x86_64")]
use super::vector::{Avx2Sums, Avx512Sums, AvxVnniSums};
use super::vector::{PlainSums, Sums};

/// Pixels that are rounded and multiplied at a time.
const TILE: usize = 32;
/// Pixels that one thread makes at a time: enough to be worth a hand-over, few enough to share a page.
const BAND: usize = 64 * TILE;
/// Bands from which several threads share an image. No line of text has as many: a thread that waited for a part of one
/// would begin another, and another in that.
const SHARED_BANDS: usize = 4;
/// Input channels that lie in one word of packed weights and values.
const DEPTH: usize = 4;
/// Largest rounded value of a pixel's channel.
const MAX_VALUE: f32 = 127.0;
/// Largest rounded weight.
const MAX_WEIGHT: f32 = 127.0;
/// Added to a value from 0 to 2²² it leaves the value, rounded, in the lowest bits.
const ROUNDER: f32 = 8_388_608.0;

/// One value for each pixel of a tile.
type Row = [f32; TILE];

/// What is done to the sums of a product.
#[derive(Debug, Clone, Copy, Hash, PartialEq, Eq)]
pub(in super::super) enum Activation {
    /// Nothing.
    Identity,
    /// Negative values become 0.
    Rectifier,
    /// Gaussian error linear unit (Hendrycks and Gimpel 2016).
    Gelu,
}

/// Weights and bias of one product, rounded and packed.
#[derive(Debug, Clone)]
pub(in super::super) struct Product {
    inputs: usize,
    outputs: usize,
    /// Blocks of [`Instructions::rows`] output channels; in a block, word by word of input channels, one word for each
    /// output channel. Filled up with zeros.
    packed: Vec<u32>,
    /// Value of one step of each output channel's weights.
    scales: Vec<f32>,
    /// Sum of each output channel's weights.
    sums: Vec<f32>,
    /// One value per output channel.
    bias: Vec<f32>,
}

/// Instruction sets that the arithmetic is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instructions {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
}

impl Instructions {
    /// The best one that this processor has.
    fn detected() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
                return Self::Avx512Vnni;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni") {
                return Self::AvxVnni;
            }
            if is_x86_feature_detected!("avx2") {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }

    /// Output channels that one inner loop makes at a time: as many as the registers hold sums for.
    fn rows(self) -> usize {
        match self {
            Self::Baseline => 4,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 | Self::AvxVnni => 4,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => 12,
        }
    }
}

impl Product {
    /// Rounds weights in the order output channel × input channel; `bias` has one value per output channel.
    pub(in super::super) fn new(weights: &[f32], bias: &[f32], inputs: usize) -> Self {
        Self::for_rows(weights, bias, inputs, Instructions::detected().rows())
    }

    fn for_rows(weights: &[f32], bias: &[f32], inputs: usize, rows: usize) -> Self {
        let outputs = bias.len();
        let words = inputs.div_ceil(DEPTH);
        let mut packed = vec![0u32; outputs.div_ceil(rows) * rows * words];
        let (mut scales, mut sums) = (Vec::with_capacity(outputs), Vec::with_capacity(outputs));
        for (output, weights) in weights.chunks_exact(inputs.max(1)).enumerate() {
            let largest = weights.iter().fold(0.0f32, |largest, weight| largest.max(weight.abs()));
            let scale = if largest > 0.0 { largest / MAX_WEIGHT } else { 1.0 };
            let block = output / rows * rows * words;
            let mut sum = 0;
            for (input, weight) in weights.iter().enumerate() {
                let rounded = (weight / scale).round() as i8;
                let word = &mut packed[block + input / DEPTH * rows + output % rows];
                *word |= u32::from(rounded as u8) << (8 * (input % DEPTH));
                sum += i32::from(rounded);
            }
            scales.push(scale);
            sums.push(sum as f32 * scale);
        }
        Self { inputs, outputs, packed, scales, sums, bias: bias.to_vec() }
    }

    pub(in super::super) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }
}

/// One product or two, the activation after the first, and what is added in the end.
pub(in super::super) struct Pointwise<'a> {
    pub(in super::super) first: &'a Product,
    pub(in super::super) activation: Activation,
    pub(in super::super) second: Option<&'a Product>,
    /// As large as the output.
    pub(in super::super) residual: Option<&'a [f32]>,
}

/// Room for what one tile needs.
struct Scratch {
    /// The input, then what lies between two products; a row per channel.
    rows: Vec<Row>,
    between: Vec<Row>,
    rounded: Rounded,
    sums: Vec<[i32; TILE]>,
}

/// The pixels of a tile, rounded.
struct Rounded {
    /// For each word of input channels, one word per pixel.
    words: Vec<[u32; TILE]>,
    /// Lowest value of each pixel's channels.
    lowest: Row,
    /// Value of one step of each pixel's channels.
    scale: Row,
}

impl Pointwise<'_> {
    /// Multiplies `input`, planes of as many pixels as those of `output`. Shares bands of pixels with the threads of
    /// the current rayon pool where there are several.
    pub(in super::super) fn run(&self, input: &[f32], output: &mut [f32]) {
        self.run_with(Instructions::detected(), input, output);
    }

    fn run_with(&self, instructions: Instructions, input: &[f32], output: &mut [f32]) {
        let last = self.second.unwrap_or(self.first);
        let pixels = output.len() / last.outputs.max(1);
        if pixels == 0 {
            return;
        }
        let count = pixels.div_ceil(BAND);
        let mut bands: Vec<Vec<&mut [f32]>> = (0..count).map(|_| Vec::with_capacity(last.outputs)).collect();
        for plane in output.chunks_exact_mut(pixels) {
            for (band, part) in bands.iter_mut().zip(plane.chunks_mut(BAND)) {
                band.push(part);
            }
        }
        let each = |(index, mut band): (usize, Vec<&mut [f32]>)| match instructions {
            // SAFETY: plain arithmetic runs everywhere.
            Instructions::Baseline => unsafe {
                self.band::<PlainSums, 4, 1, 4>(input, pixels, index * BAND, &mut band)
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Instructions::detected` and the tests choose only what the processor has.
            Instructions::Avx2 => unsafe { self.band_avx2(input, pixels, index * BAND, &mut band) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Instructions::AvxVnni => unsafe { self.band_avx_vnni(input, pixels, index * BAND, &mut band) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Instructions::Avx512Vnni => unsafe { self.band_avx512(input, pixels, index * BAND, &mut band) },
        };
        if count < SHARED_BANDS {
            bands.into_iter().enumerate().for_each(each);
        } else {
            bands.into_par_iter().enumerate().with_max_len(1).for_each(each);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn band_avx2(&self, input: &[f32], pixels: usize, first: usize, band: &mut [&mut [f32]]) {
        // SAFETY: this function runs only where these instructions are.
        unsafe { self.band::<Avx2Sums, 8, 2, 4>(input, pixels, first, band) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,avxvnni")]
    fn band_avx_vnni(&self, input: &[f32], pixels: usize, first: usize, band: &mut [&mut [f32]]) {
        // SAFETY: this function runs only where these instructions are.
        unsafe { self.band::<AvxVnniSums, 8, 2, 4>(input, pixels, first, band) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vnni")]
    fn band_avx512(&self, input: &[f32], pixels: usize, first: usize, band: &mut [&mut [f32]]) {
        // SAFETY: this function runs only where these instructions are.
        unsafe { self.band::<Avx512Sums, 16, 2, 12>(input, pixels, first, band) }
    }

    /// Makes the output's pixels from `first` on, as many as `band` has; one slice per output channel.
    ///
    /// # Safety
    /// The processor has the instructions of `S`.
    #[inline(always)]
    unsafe fn band<S: Sums<LANES>, const LANES: usize, const VECTORS: usize, const ROWS: usize>(
        &self,
        input: &[f32],
        pixels: usize,
        first: usize,
        band: &mut [&mut [f32]],
    ) {
        let count = band.first().map_or(0, |part| part.len());
        let widest = self.first.inputs.max(self.first.outputs);
        let between = if self.second.is_some() { self.first.outputs } else { 0 };
        let last = self.second.unwrap_or(self.first);
        let mut scratch = Scratch {
            rows: vec![[0.0; TILE]; self.first.inputs],
            between: vec![[0.0; TILE]; between],
            rounded: Rounded {
                words: vec![[0; TILE]; widest.div_ceil(DEPTH)],
                lowest: [0.0; TILE],
                scale: [0.0; TILE],
            },
            sums: vec![[0; TILE]; ROWS],
        };
        for at in (0..count).step_by(TILE) {
            let length = TILE.min(count - at);
            for (row, plane) in scratch.rows.iter_mut().zip(input.chunks_exact(pixels)) {
                let source = &plane[first + at..first + at + length];
                match source.first_chunk::<TILE>() {
                    Some(whole) => *row = *whole,
                    None => row[..length].copy_from_slice(source),
                }
            }
            scratch.rounded.round(&scratch.rows);
            if self.second.is_some() {
                let between = &mut scratch.between;
                // SAFETY: as for this function.
                unsafe {
                    multiply::<S, LANES, VECTORS, ROWS>(
                        self.first,
                        &scratch.rounded,
                        &mut scratch.sums,
                        |output, mut row| {
                            activate(self.activation, &mut row);
                            between[output] = row;
                        },
                    );
                }
                scratch.rounded.round(&scratch.between);
            }
            // SAFETY: as for this function.
            unsafe {
                multiply::<S, LANES, VECTORS, ROWS>(
                    last,
                    &scratch.rounded,
                    &mut scratch.sums,
                    |output, mut row| {
                        if self.second.is_none() {
                            activate(self.activation, &mut row);
                        }
                        if let Some(residual) = self.residual {
                            let from = output * pixels + first + at;
                            for (value, more) in row.iter_mut().zip(&residual[from..from + length]) {
                                *value += more;
                            }
                        }
                        let target = &mut band[output][at..at + length];
                        match target.first_chunk_mut::<TILE>() {
                            Some(whole) => *whole = row,
                            None => target.copy_from_slice(&row[..length]),
                        }
                    },
                );
            }
        }
    }
}

impl Rounded {
    /// Rounds the channels of each pixel, a row per channel.
    #[inline(always)]
    fn round(&mut self, rows: &[Row]) {
        let mut lowest = [f32::INFINITY; TILE];
        let mut highest = [f32::NEG_INFINITY; TILE];
        for row in rows {
            for pixel in 0..TILE {
                lowest[pixel] = if row[pixel] < lowest[pixel] { row[pixel] } else { lowest[pixel] };
                highest[pixel] = if row[pixel] > highest[pixel] { row[pixel] } else { highest[pixel] };
            }
        }
        let mut steps = [0.0; TILE];
        for pixel in 0..TILE {
            let range = highest[pixel] - lowest[pixel];
            self.scale[pixel] = range / MAX_VALUE;
            steps[pixel] = if range > f32::MIN_POSITIVE { MAX_VALUE / range } else { 0.0 };
        }
        self.lowest = lowest;
        for (word, rows) in self.words.iter_mut().zip(rows.chunks(DEPTH)) {
            *word = [0; TILE];
            for (place, row) in rows.iter().enumerate() {
                for pixel in 0..TILE {
                    let value = (row[pixel] - lowest[pixel]) * steps[pixel] + ROUNDER;
                    word[pixel] |= (value.to_bits() & 0x7f) << (8 * place);
                }
            }
        }
    }
}

/// Multiplies a tile, and gives each output channel's row.
///
/// # Safety
/// The processor has the instructions of `S`.
#[inline(always)]
unsafe fn multiply<S: Sums<LANES>, const LANES: usize, const VECTORS: usize, const ROWS: usize>(
    product: &Product,
    tile: &Rounded,
    sums: &mut [[i32; TILE]],
    mut take: impl FnMut(usize, Row),
) {
    let words = product.inputs.div_ceil(DEPTH);
    let tile_words = &tile.words[..words];
    for (block, weights) in product.packed.chunks_exact(words * ROWS).enumerate() {
        let (weights, _) = weights.as_chunks::<ROWS>();
        for from in (0..TILE).step_by(LANES * VECTORS) {
            // SAFETY: the caller has the instructions.
            let found = unsafe { block_sums::<S, LANES, VECTORS, ROWS>(tile_words, from, weights) };
            for (sums, found) in sums.iter_mut().zip(found) {
                let (lanes, _) = sums[from..].as_chunks_mut::<LANES>();
                for (lanes, found) in lanes.iter_mut().zip(found) {
                    // SAFETY: as above.
                    *lanes = unsafe { found.lanes() };
                }
            }
        }
        let first = block * ROWS;
        for (output, sums) in (first..product.outputs).zip(sums.iter()) {
            let (scale, sum, bias) = (product.scales[output], product.sums[output], product.bias[output]);
            let mut row = [0.0; TILE];
            for pixel in 0..TILE {
                row[pixel] =
                    sums[pixel] as f32 * (tile.scale[pixel] * scale) + (tile.lowest[pixel] * sum + bias);
            }
            take(output, row);
        }
    }
}

/// Sums of [`Instructions::rows`] output channels for some vectors of pixels.
///
/// # Safety
/// The processor has the instructions of `S`.
#[inline(always)]
unsafe fn block_sums<S: Sums<LANES>, const LANES: usize, const VECTORS: usize, const ROWS: usize>(
    words: &[[u32; TILE]],
    from: usize,
    weights: &[[u32; ROWS]],
) -> [[S; VECTORS]; ROWS] {
    // SAFETY: the caller has the instructions.
    unsafe {
        let mut sums = [[S::zero(); VECTORS]; ROWS];
        for (word, weights) in words.iter().zip(weights) {
            let (values, _) = word[from..].as_chunks::<LANES>();
            let Some(values) = values.first_chunk::<VECTORS>() else { return sums };
            for (sums, weight) in sums.iter_mut().zip(weights) {
                for (sum, values) in sums.iter_mut().zip(values) {
                    *sum = sum.plus_products(values, *weight);
                }
            }
        }
        sums
    }
}

#[inline(always)]
fn activate(activation: Activation, row: &mut Row) {
    match activation {
        Activation::Identity => {}
        Activation::Rectifier => row.iter_mut().for_each(|value| *value = value.max(0.0)),
        Activation::Gelu => row.iter_mut().for_each(|value| *value = gelu(*value)),
    }
}

/// `x · Φ(x)`, Φ being the normal distribution function.
///
/// Φ − ½ is an odd polynomial fitted to it on ±3.75, beyond which it keeps its value: off by at most 2·10⁻⁵ inside and
/// by 10⁻⁴ of `x` outside, a small part of one step of what is rounded to 7 bits next.
#[inline(always)]
fn gelu(x: f32) -> f32 {
    const LIMIT: f32 = 3.75;
    const COEFFICIENTS: [f32; 8] = [
        0.398_803_93,
        -0.066_142_18,
        0.009_670_319,
        -0.001_056_573_1,
        8.291_135e-5,
        -4.363_917_3e-6,
        1.361_344_7e-7,
        -1.882_927_7e-9,
    ];
    let inside = x.clamp(-LIMIT, LIMIT);
    let square = inside * inside;
    let [first @ .., last] = COEFFICIENTS;
    let polynomial = first.iter().rev().fold(last, |sum, coefficient| sum * square + coefficient);
    x * (0.5 + inside * polynomial)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition in floats.
    fn reference(
        weights: &[f32],
        bias: &[f32],
        activation: impl Fn(f32) -> f32,
        input: &[f32],
        pixels: usize,
    ) -> Vec<f32> {
        let inputs = input.len() / pixels;
        let mut output = Vec::new();
        for (weights, bias) in weights.chunks_exact(inputs).zip(bias) {
            for pixel in 0..pixels {
                let products =
                    weights.iter().enumerate().map(|(at, weight)| weight * input[at * pixels + pixel]);
                output.push(activation(products.sum::<f32>() + bias));
            }
        }
        output
    }

    /// How far a product can be off: half a step of each value times its weight, and half a step of each weight times
    /// its value; whatever the input is off is passed on by the weights.
    fn bound(weights: &[f32], input: &[f32], pixels: usize, passed_on: f32) -> f32 {
        let inputs = input.len() / pixels;
        let largest = input.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        let heaviest = weights.iter().fold(0.0f32, |largest, weight| largest.max(weight.abs()));
        let step = 2.0 * largest / MAX_VALUE;
        let sum: f32 = weights
            .chunks_exact(inputs)
            .map(|row| row.iter().map(|weight| weight.abs()).sum())
            .fold(0.0, f32::max);
        (step / 2.0 + passed_on) * sum + heaviest / MAX_WEIGHT / 2.0 * largest * inputs as f32 + 1e-4
    }

    fn exact_gelu(x: f32) -> f32 {
        // Φ by its series (Marsaglia 2004), exact to double precision in the range of the tests.
        let x = f64::from(x);
        let (mut term, mut sum, mut odd) = (x, x, 1.0);
        for _ in 0..200 {
            odd += 2.0;
            term *= x * x / odd;
            sum += term;
        }
        (x * (0.5 + sum * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt())) as f32
    }

    fn available() -> Vec<Instructions> {
        let mut all = vec![Instructions::Baseline];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                all.push(Instructions::Avx2);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni") {
                all.push(Instructions::AvxVnni);
            }
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
                all.push(Instructions::Avx512Vnni);
            }
        }
        all
    }

    fn noise(count: usize, seed: usize) -> Vec<f32> {
        (0..count)
            .map(|index| ((index * 7919 + seed * 104_729 + index * index % 971) % 2003) as f32 / 1001.0 - 1.0)
            .collect()
    }

    #[test]
    fn the_polynomial_is_the_activation() {
        for index in -800..=800 {
            let x = index as f32 / 100.0;
            let tolerance = 3e-5 + if x.abs() > 3.75 { x.abs() * 1e-4 } else { 0.0 };
            assert!((gelu(x) - exact_gelu(x)).abs() < tolerance, "{x}: {} {}", gelu(x), exact_gelu(x));
        }
    }

    proptest! {
        #[test]
        fn every_instruction_set_gives_the_same_values_near_the_reference(
            (inputs, between, outputs) in (1usize..40, 1usize..40, 1usize..40),
            pixels in 1usize..80,
            two: bool,
            residual: bool,
            activation in 0usize..3,
            seed in 0usize..1000,
        ) {
            let activation = [Activation::Identity, Activation::Rectifier, Activation::Gelu][activation];
            let exact = |x: f32| match activation {
                Activation::Identity => x,
                Activation::Rectifier => x.max(0.0),
                Activation::Gelu => exact_gelu(x),
            };
            let between = if two { between } else { outputs };
            let input = noise(inputs * pixels, seed);
            let (weights, bias) = (noise(between * inputs, seed + 1), noise(between, seed + 2));
            let (more_weights, more_bias) = (noise(outputs * between, seed + 3), noise(outputs, seed + 4));
            let mut expected = reference(&weights, &bias, exact, &input, pixels);
            // The steepest activation is 1.13 times as steep as none.
            let mut tolerance = 1.13 * bound(&weights, &input, pixels, 0.0);
            if two {
                tolerance = bound(&more_weights, &expected, pixels, tolerance);
                expected = reference(&more_weights, &more_bias, |x| x, &expected, pixels);
            }
            let more = noise(outputs * pixels, seed + 5);
            if residual {
                expected.iter_mut().zip(&more).for_each(|(value, more)| *value += more);
            }
            let mut first_found: Option<Vec<f32>> = None;
            for instructions in available() {
                let first = Product::for_rows(&weights, &bias, inputs, instructions.rows());
                let second = Product::for_rows(&more_weights, &more_bias, between, instructions.rows());
                let operation = Pointwise {
                    first: &first,
                    activation,
                    second: two.then_some(&second),
                    residual: residual.then_some(&more[..]),
                };
                let mut output = vec![9.0; expected.len()];
                operation.run_with(instructions, &input, &mut output);
                for (found, expected) in output.iter().zip(&expected) {
                    prop_assert!((found - expected).abs() < tolerance, "{instructions:?}: {found} {expected} ± {tolerance}");
                }
                if let Some(first_found) = &first_found {
                    prop_assert_eq!(&output, first_found, "{:?}", instructions);
                }
                first_found = Some(output);
            }
        }

        #[test]
        fn bands_of_a_large_image_are_put_together(pixels in 4 * BAND - 40..5 * BAND + 40) {
            let input = noise(4 * pixels, 7);
            let product = Product::new(&[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0], &[0.0, 1.0], 4);
            let mut output = vec![9.0; 2 * pixels];
            let operation =
                Pointwise { first: &product, activation: Activation::Identity, second: None, residual: None };
            operation.run(&input, &mut output);
            for pixel in 0..pixels {
                prop_assert!((output[pixel] - input[pixel]).abs() < 0.02);
                prop_assert!((output[pixels + pixel] - 2.0 * input[3 * pixels + pixel] - 1.0).abs() < 0.04);
            }
        }
    }
}
