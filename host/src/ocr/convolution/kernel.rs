//! The arithmetic of [`super::Convolution`].
//!
//! One source for all processors: loops over arrays of fixed length, which the compiler turns into vector
//! instructions. It is compiled three times — as the target allows, for AVX2 with FMA, and for AVX-512 — and the
//! best one that the processor has is called. Input rows are first copied into a buffer with zeros around them and
//! with the columns of one stride phase next to one another, so that the inner loops have no cases and read
//! consecutive values.

#![expect(unsafe_code, reason = "calls functions made for instructions that a processor may not have")]

use rayon::prelude::*;

#[cfg(target_arch = "x86_64")]
use super::vector::{Avx2, Avx512};
use super::vector::{Plain, Vector};

/// Output channels that one inner loop makes at a time: with one or two vectors each, they fill the registers.
const CHANNELS: usize = 8;
/// Output rows that one inner loop makes at a time where each channel stands alone.
const ROWS: usize = 4;
/// Output rows whose input is copied at once: enough to share the rows that overlap, few enough for the cache.
const BAND: usize = 8;
/// Bands from which several threads share an image; no line of text has as many (see [`super::quantized`]).
const SHARED_BANDS: usize = 8;
/// Values of a channel from which several threads share an image; no line of text has as many.
const SHARED_PLANE: usize = 8192;
/// Widest inner loop of the three, in output columns; buffers have room for a whole one.
const MAX_LANES: usize = 32;

/// Sizes of a convolution of planes in row-major order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) out_channels: usize,
    pub(super) out_height: usize,
    pub(super) out_width: usize,
    /// Rows and columns of the kernel.
    pub(super) kernel: (usize, usize),
    /// Rows and columns from one output to the next.
    pub(super) stride: (usize, usize),
    /// Rows of zeros above and columns of zeros left of the input. Those below and to the right follow.
    pub(super) padding: (usize, usize),
}

/// One convolution.
pub(super) struct Layer<'a> {
    pub(super) sizes: Sizes,
    /// Dense: as [`pack_weights`] gives them. Depthwise: one kernel per channel, row-major.
    pub(super) weights: &'a [f32],
    /// One value per output channel.
    pub(super) bias: &'a [f32],
    /// Whether negative results become 0.
    pub(super) rectified: bool,
}

/// Puts weights in the order output channel × tap into blocks of [`CHANNELS`] channels, tap by tap; the last block
/// is filled up with zeros.
pub(super) fn pack_weights(weights: &[f32], out_channels: usize, taps: usize) -> Vec<f32> {
    let mut packed = vec![0.0; out_channels.div_ceil(CHANNELS) * CHANNELS * taps];
    for (channel, values) in weights.chunks_exact(taps.max(1)).enumerate() {
        let block = channel / CHANNELS * CHANNELS * taps;
        for (tap, value) in values.iter().enumerate() {
            packed[block + tap * CHANNELS + channel % CHANNELS] = *value;
        }
    }
    packed
}

/// Instruction sets that the arithmetic is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instructions {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Instructions {
    /// The best one that this processor has.
    fn detected() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }
}

/// How padded input rows lie in a buffer.
#[derive(Debug, Clone, Copy)]
struct Rows {
    /// Columns of one stride phase.
    phase: usize,
    /// Values of one row: all its phases.
    row: usize,
}

impl Sizes {
    fn rows(&self) -> Rows {
        let columns = self.out_width.next_multiple_of(MAX_LANES);
        let phase = columns + (self.kernel.1 - 1) / self.stride.1;
        Rows { phase, row: phase * self.stride.1 }
    }

    /// Input rows, padding included, that `count` output rows need.
    fn input_rows(&self, count: usize) -> usize {
        (count - 1) * self.stride.0 + self.kernel.0
    }

    /// Where each tap of the kernel finds its value, relative to the first one's.
    fn taps(&self, rows: Rows) -> Vec<usize> {
        let at = |y: usize, x: usize| y * rows.row + x % self.stride.1 * rows.phase + x / self.stride.1;
        (0..self.kernel.0).flat_map(|y| (0..self.kernel.1).map(move |x| at(y, x))).collect()
    }

    /// Copies the input rows of one plane that the output rows from `first` on need; `target` holds as many rows as
    /// are wanted, with zeros at first. What is beside the input stays as it is, so that the buffer can be used again.
    fn copy_rows(&self, plane: &[f32], first: usize, rows: Rows, target: &mut [f32]) {
        for (index, target) in target.chunks_exact_mut(rows.row).enumerate() {
            let row = (first * self.stride.0 + index).checked_sub(self.padding.0);
            let start = row.filter(|row| *row < self.height).map(|row| row * self.width);
            let Some(source) = start.and_then(|start| plane.get(start..start + self.width)) else {
                target.fill(0.0);
                continue;
            };
            for (phase, target) in target.chunks_exact_mut(rows.phase).enumerate() {
                // The first column of the padded row that is both input and of this phase.
                let skipped = self.padding.1.saturating_sub(phase).div_ceil(self.stride.1);
                let column = phase + skipped * self.stride.1 - self.padding.1;
                let Some(target) = target.get_mut(skipped..) else { continue };
                let source = source.get(column..).unwrap_or_default();
                match self.stride.1 {
                    1 => {
                        let count = source.len().min(target.len());
                        target[..count].copy_from_slice(&source[..count]);
                    }
                    stride => target
                        .iter_mut()
                        .zip(source.iter().step_by(stride))
                        .for_each(|(target, source)| *target = *source),
                }
            }
        }
    }
}

impl Layer<'_> {
    /// Convolves with every output channel made of all input channels.
    pub(super) fn dense(&self, input: &[f32], output: &mut [f32]) {
        self.dense_with(Instructions::detected(), input, output);
    }

    /// Convolves each channel with a kernel of its own.
    pub(super) fn depthwise(&self, input: &[f32], output: &mut [f32]) {
        self.depthwise_with(Instructions::detected(), input, output);
    }

    fn dense_with(&self, instructions: Instructions, input: &[f32], output: &mut [f32]) {
        let sizes = &self.sizes;
        let count = sizes.out_height.div_ceil(BAND);
        let mut bands: Vec<Vec<&mut [f32]>> =
            (0..count).map(|_| Vec::with_capacity(sizes.out_channels)).collect();
        for plane in output.chunks_exact_mut((sizes.out_height * sizes.out_width).max(1)) {
            for (band, rows) in bands.iter_mut().zip(plane.chunks_mut(BAND * sizes.out_width)) {
                band.push(rows);
            }
        }
        let each = |buffer: &mut Vec<f32>, (index, mut band): (usize, Vec<&mut [f32]>)| match instructions {
            // SAFETY: plain arithmetic runs everywhere.
            Instructions::Baseline => unsafe {
                self.dense_band::<Plain, 4, 1>(input, index * BAND, &mut band, buffer)
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Instructions::detected` and the tests choose only what the processor has.
            Instructions::Avx2 => unsafe { self.dense_band_avx2(input, index * BAND, &mut band, buffer) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Instructions::Avx512 => unsafe { self.dense_band_avx512(input, index * BAND, &mut band, buffer) },
        };
        if count < SHARED_BANDS {
            let mut buffer = Vec::new();
            bands.into_iter().enumerate().for_each(|band| each(&mut buffer, band));
        } else {
            bands.into_par_iter().enumerate().for_each_init(Vec::new, each);
        }
    }

    fn depthwise_with(&self, instructions: Instructions, input: &[f32], output: &mut [f32]) {
        let sizes = &self.sizes;
        let planes = (sizes.height * sizes.width).max(1);
        let out_planes = (sizes.out_height * sizes.out_width).max(1);
        let each = |buffer: &mut Vec<f32>, (channel, (input, output)): (usize, (&[f32], &mut [f32]))| {
            match instructions {
                // SAFETY: plain arithmetic runs everywhere.
                Instructions::Baseline => unsafe {
                    self.plane::<Plain, 4, 1>(channel, input, output, buffer)
                },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: `Instructions::detected` and the tests choose only what the processor has.
                Instructions::Avx2 => unsafe { self.plane_avx2(channel, input, output, buffer) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Instructions::Avx512 => unsafe { self.plane_avx512(channel, input, output, buffer) },
            }
        };
        if planes < SHARED_PLANE {
            let mut buffer = Vec::new();
            let channels = input.chunks_exact(planes).zip(output.chunks_exact_mut(out_planes)).enumerate();
            channels.for_each(|channel| each(&mut buffer, channel));
        } else {
            let channels = input.par_chunks_exact(planes).zip(output.par_chunks_exact_mut(out_planes));
            channels.enumerate().for_each_init(Vec::new, each);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn dense_band_avx2(&self, input: &[f32], first: usize, band: &mut [&mut [f32]], buffer: &mut Vec<f32>) {
        // SAFETY: this function runs only where these instructions are.
        unsafe { self.dense_band::<Avx2, 8, 1>(input, first, band, buffer) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    fn dense_band_avx512(&self, input: &[f32], first: usize, band: &mut [&mut [f32]], buffer: &mut Vec<f32>) {
        // SAFETY: this function runs only where these instructions are.
        unsafe { self.dense_band::<Avx512, 16, 2>(input, first, band, buffer) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn plane_avx2(&self, channel: usize, input: &[f32], output: &mut [f32], buffer: &mut Vec<f32>) {
        // SAFETY: this function runs only where these instructions are.
        unsafe { self.plane::<Avx2, 8, 2>(channel, input, output, buffer) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    fn plane_avx512(&self, channel: usize, input: &[f32], output: &mut [f32], buffer: &mut Vec<f32>) {
        // SAFETY: this function runs only where these instructions are.
        unsafe { self.plane::<Avx512, 16, 2>(channel, input, output, buffer) }
    }

    /// Makes the output rows from `first` on, as many as `band` has; one slice of whole rows per output channel.
    /// The inner loop makes `VECTORS` vectors of columns in each of [`CHANNELS`] channels.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    #[inline(always)]
    unsafe fn dense_band<V: Vector<LANES>, const LANES: usize, const VECTORS: usize>(
        &self,
        input: &[f32],
        first: usize,
        band: &mut [&mut [f32]],
        buffer: &mut Vec<f32>,
    ) {
        let sizes = &self.sizes;
        let count = band.first().map_or(0, |rows| rows.len() / sizes.out_width.max(1));
        if count == 0 {
            return;
        }
        let rows = sizes.rows();
        let taps = sizes.taps(rows);
        let plane = sizes.input_rows(count) * rows.row;
        buffer.resize(plane * sizes.channels, 0.0);
        let planes = input.chunks_exact(sizes.height * sizes.width);
        for (source, target) in planes.zip(buffer.chunks_exact_mut(plane)) {
            sizes.copy_rows(source, first, rows, target);
        }
        let weights = self.weights.chunks_exact(sizes.channels * taps.len() * CHANNELS);
        for ((outputs, weights), bias) in
            band.chunks_mut(CHANNELS).zip(weights).zip(self.bias.chunks(CHANNELS))
        {
            for y in 0..count {
                for x in (0..sizes.out_width).step_by(LANES * VECTORS) {
                    let start = y * sizes.stride.0 * rows.row + x;
                    let planes = buffer.chunks_exact(plane).filter_map(|plane| plane.get(start..));
                    // SAFETY: as for this function.
                    let sums = unsafe { dense_sums::<V, LANES, VECTORS>(planes, &taps, weights) };
                    for ((output, sums), bias) in outputs.iter_mut().zip(sums).zip(bias) {
                        let row = &mut output[y * sizes.out_width..(y + 1) * sizes.out_width];
                        // SAFETY: as for this function.
                        unsafe { self.store(row, x, sums, *bias) };
                    }
                }
            }
        }
    }

    /// Makes one output plane from the input plane of the same channel. The inner loop makes `VECTORS` vectors of
    /// columns in each of [`ROWS`] rows.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    #[inline(always)]
    unsafe fn plane<V: Vector<LANES>, const LANES: usize, const VECTORS: usize>(
        &self,
        channel: usize,
        input: &[f32],
        output: &mut [f32],
        buffer: &mut Vec<f32>,
    ) {
        let sizes = &self.sizes;
        let rows = sizes.rows();
        let taps = sizes.taps(rows);
        let weights = &self.weights[channel * taps.len()..(channel + 1) * taps.len()];
        let bias = self.bias[channel];
        let whole = sizes.out_height.next_multiple_of(ROWS);
        buffer.resize(sizes.input_rows(whole) * rows.row, 0.0);
        sizes.copy_rows(input, 0, rows, buffer);
        let below = sizes.stride.0 * rows.row;
        for (block, output) in output.chunks_mut(ROWS * sizes.out_width).enumerate() {
            for x in (0..sizes.out_width).step_by(LANES * VECTORS) {
                let source = &buffer[block * ROWS * below + x..];
                // SAFETY: as for this function.
                let sums = unsafe { plane_sums::<V, LANES, VECTORS>(source, below, &taps, weights) };
                for (row, sums) in output.chunks_exact_mut(sizes.out_width).zip(sums) {
                    // SAFETY: as for this function.
                    unsafe { self.store(row, x, sums, bias) };
                }
            }
        }
    }

    /// Finishes sums and puts as many of them as fit into a row from column `x` on.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    #[inline(always)]
    unsafe fn store<V: Vector<LANES>, const LANES: usize, const VECTORS: usize>(
        &self,
        row: &mut [f32],
        x: usize,
        sums: [V; VECTORS],
        bias: f32,
    ) {
        let lowest = if self.rectified { 0.0 } else { f32::NEG_INFINITY };
        for (sums, output) in sums.into_iter().zip(row[x..].chunks_mut(LANES)) {
            // SAFETY: as for this function.
            let sums = unsafe { sums.lanes() };
            let finished: [f32; LANES] = std::array::from_fn(|lane| (sums[lane] + bias).max(lowest));
            match output.first_chunk_mut::<LANES>() {
                Some(whole) => *whole = finished,
                None => output.iter_mut().zip(finished).for_each(|(output, value)| *output = value),
            }
        }
    }
}

/// Sums for [`CHANNELS`] output channels and some vectors of columns; `planes` begin at the first tap's value.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn dense_sums<'a, V: Vector<LANES>, const LANES: usize, const VECTORS: usize>(
    planes: impl Iterator<Item = &'a [f32]>,
    taps: &[usize],
    weights: &[f32],
) -> [[V; VECTORS]; CHANNELS] {
    // SAFETY: the caller has the instructions.
    unsafe {
        let mut sums = [[V::splat(0.0); VECTORS]; CHANNELS];
        for (plane, weights) in planes.zip(weights.chunks_exact(taps.len() * CHANNELS)) {
            let (weights, _) = weights.as_chunks::<CHANNELS>();
            for (tap, weights) in taps.iter().zip(weights) {
                let (values, _) = plane[*tap..].as_chunks::<LANES>();
                let Some(values) = values.first_chunk::<VECTORS>() else { return sums };
                for (sums, weight) in sums.iter_mut().zip(weights) {
                    let weight = V::splat(*weight);
                    for (sum, values) in sums.iter_mut().zip(values) {
                        *sum = sum.plus_product(V::load(values), weight);
                    }
                }
            }
        }
        sums
    }
}

/// Sums for [`ROWS`] rows and some vectors of columns of one channel; `plane` begins at the first tap's value, and
/// each output row's input lies `below` values after the one before.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn plane_sums<V: Vector<LANES>, const LANES: usize, const VECTORS: usize>(
    plane: &[f32],
    below: usize,
    taps: &[usize],
    weights: &[f32],
) -> [[V; VECTORS]; ROWS] {
    let furthest = taps.iter().copied().max().unwrap_or(0) + (ROWS - 1) * below + LANES * VECTORS;
    assert!(furthest <= plane.len(), "the rows of {} values end before {furthest}", plane.len());
    // SAFETY: the caller has the instructions; the last value that is read is before `furthest`.
    unsafe {
        let mut sums = [[V::splat(0.0); VECTORS]; ROWS];
        for (tap, weight) in taps.iter().zip(weights) {
            let weight = V::splat(*weight);
            for (row, sums) in sums.iter_mut().enumerate() {
                let values = plane.as_ptr().add(row * below + tap).cast::<[f32; LANES]>();
                for (vector, sum) in sums.iter_mut().enumerate() {
                    *sum = sum.plus_product(V::load(&*values.add(vector)), weight);
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, without any of the tricks.
    fn reference(sizes: &Sizes, depthwise: bool, input: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f32> {
        let (kernel_height, kernel_width) = sizes.kernel;
        let mut output = Vec::new();
        for channel in 0..sizes.out_channels {
            for y in 0..sizes.out_height {
                for x in 0..sizes.out_width {
                    let mut sum = bias[channel];
                    let sources = if depthwise { channel..channel + 1 } else { 0..sizes.channels };
                    for (index, source) in sources.enumerate() {
                        for ky in 0..kernel_height {
                            for kx in 0..kernel_width {
                                let row = (y * sizes.stride.0 + ky).wrapping_sub(sizes.padding.0);
                                let column = (x * sizes.stride.1 + kx).wrapping_sub(sizes.padding.1);
                                if row >= sizes.height || column >= sizes.width {
                                    continue;
                                }
                                let per_output = if depthwise { 1 } else { sizes.channels };
                                let weight = weights[((channel * per_output + index) * kernel_height + ky)
                                    * kernel_width
                                    + kx];
                                sum += weight * input[(source * sizes.height + row) * sizes.width + column];
                            }
                        }
                    }
                    output.push(sum);
                }
            }
        }
        output
    }

    fn available() -> Vec<Instructions> {
        let mut all = vec![Instructions::Baseline];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(Instructions::Avx2);
            }
            if Instructions::detected() == Instructions::Avx512 {
                all.push(Instructions::Avx512);
            }
        }
        all
    }

    fn noise(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|index| ((index * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect()
    }

    proptest! {
        #[test]
        fn every_instruction_set_gives_the_reference_result(
            depthwise: bool,
            rectified: bool,
            (channels, out_channels) in (1usize..20, 1usize..20),
            (height, width) in (1usize..30, 1usize..80),
            kernel in (1usize..8, 1usize..8),
            stride in (1usize..3, 1usize..3),
            padding in (0usize..4, 0usize..4),
            seed in 0usize..1000,
        ) {
            let out = |size: usize, kernel: usize, stride: usize, padding: usize| {
                (size + 2 * padding).checked_sub(kernel).map(|rest| rest / stride + 1)
            };
            let (Some(out_height), Some(out_width)) =
                (out(height, kernel.0, stride.0, padding.0), out(width, kernel.1, stride.1, padding.1))
            else {
                return Ok(());
            };
            let out_channels = if depthwise { channels } else { out_channels };
            let sizes =
                Sizes { channels, height, width, out_channels, out_height, out_width, kernel, stride, padding };
            let input = noise(channels * height * width, seed);
            let taps = kernel.0 * kernel.1 * if depthwise { 1 } else { channels };
            let weights = noise(out_channels * taps, seed + 1);
            let bias = noise(out_channels, seed + 2);
            let mut expected = reference(&sizes, depthwise, &input, &weights, &bias);
            if rectified {
                expected.iter_mut().for_each(|value| *value = value.max(0.0));
            }
            let packed = if depthwise { weights } else { pack_weights(&weights, out_channels, taps) };
            let layer = Layer { sizes, weights: &packed, bias: &bias, rectified };
            for instructions in available() {
                let mut output = vec![9.0; expected.len()];
                match depthwise {
                    true => layer.depthwise_with(instructions, &input, &mut output),
                    false => layer.dense_with(instructions, &input, &mut output),
                }
                for (found, expected) in output.iter().zip(&expected) {
                    prop_assert!((found - expected).abs() < 1e-3, "{instructions:?}: {found} {expected}");
                }
            }
        }
    }
}
