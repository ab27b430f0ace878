//! Weights, and the arithmetic of the network: products with them, and the two curves of its neurons.
//!
//! Weights and values are whole numbers from −127 to 127, kept as floats: sums of their products stay far below
//! 2²⁴, so that they are exact in any order and the same on every processor. The loops run over arrays of fixed
//! length, which the compiler turns into vector instructions; they are compiled three times, and the best version
//! that the processor has is called.

#![expect(unsafe_code, reason = "calls functions made for instructions that a processor may not have")]

/// What 1.0 is as a whole number: weights and values are shares of it.
pub(super) const ONE: f32 = 127.0;

/// Outputs that one inner loop makes at a time.
const LANES: usize = 32;
/// Rows of inputs that one inner loop multiplies with the same weights.
const ROWS: usize = 3;

/// A layer's weights: for each output one weight per input, a bias and a scale.
pub(super) struct Matrix {
    inputs: usize,
    outputs: usize,
    /// Blocks of [`LANES`] outputs, the last filled up with zeros; in a block input by input.
    weights: Vec<[f32; LANES]>,
    /// One value per output, the scale applied.
    bias: Vec<f32>,
    /// Makes an output of the whole-number sum.
    scale: Vec<f32>,
}

impl Matrix {
    /// Takes per output its weights and its bias, both as signed bytes, and their scale.
    pub(super) fn new<'a>(inputs: usize, rows: impl Iterator<Item = (&'a [u8], u8, f32)>) -> Self {
        let mut matrix =
            Self { inputs, outputs: 0, weights: Vec::new(), bias: Vec::new(), scale: Vec::new() };
        let signed = |byte: u8| f32::from(i8::from_le_bytes([byte]));
        for (row, bias, scale) in rows {
            let (block, lane) = (matrix.outputs / LANES, matrix.outputs % LANES);
            matrix.weights.resize((block + 1) * inputs, [0.0; LANES]);
            for (weights, byte) in matrix.weights[block * inputs..].iter_mut().zip(row) {
                weights[lane] = signed(*byte);
            }
            matrix.bias.push(signed(bias) * scale);
            matrix.scale.push(scale / ONE);
            matrix.outputs += 1;
        }
        matrix
    }

    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Multiplies every row of `inputs` by the weights.
    ///
    /// `inputs` holds rows of [`Matrix::inputs`] values, `outputs` gets as many rows of [`Matrix::outputs`].
    pub(super) fn multiply(&self, inputs: &[f32], outputs: &mut [f32]) {
        Instructions::detected().multiply(self, inputs, outputs);
    }

    #[inline(always)]
    fn multiply_rows(&self, inputs: &[f32], outputs: &mut [f32]) {
        if self.inputs == 0 || self.outputs == 0 {
            return;
        }
        let inputs = inputs.chunks(ROWS * self.inputs);
        for (inputs, outputs) in inputs.zip(outputs.chunks_mut(ROWS * self.outputs)) {
            for (block, weights) in self.weights.chunks_exact(self.inputs).enumerate() {
                let first = block * LANES;
                let mut store = |row: usize, sums: &[f32; LANES]| {
                    let Some(outputs) = outputs.chunks_exact_mut(self.outputs).nth(row) else { return };
                    let parameters = self.scale[first..].iter().zip(&self.bias[first..]);
                    for ((output, sum), (scale, bias)) in
                        outputs[first..].iter_mut().zip(sums).zip(parameters)
                    {
                        *output = sum * scale + bias;
                    }
                };
                if inputs.len() == ROWS * self.inputs {
                    let rows: [&[f32]; ROWS] =
                        std::array::from_fn(|row| &inputs[row * self.inputs..(row + 1) * self.inputs]);
                    for (row, sums) in sums(weights, rows).iter().enumerate() {
                        store(row, sums);
                    }
                } else {
                    for (row, inputs) in inputs.chunks_exact(self.inputs).enumerate() {
                        let [sums] = sums(weights, [inputs]);
                        store(row, &sums);
                    }
                }
            }
        }
    }
}

/// The products' sums of some rows of inputs with one block of weights.
#[inline(always)]
fn sums<const COUNT: usize>(weights: &[[f32; LANES]], rows: [&[f32]; COUNT]) -> [[f32; LANES]; COUNT] {
    let rows = rows.map(|row| &row[..weights.len()]);
    let mut sums = [[0.0f32; LANES]; COUNT];
    for (index, weights) in weights.iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(&rows) {
            let input = row[index];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += weight * input;
            }
        }
    }
    sums
}

/// Replaces values by their hyperbolic tangents as whole numbers.
pub(super) fn tanh_all(values: &mut [f32]) {
    Instructions::detected().tanh_all(values);
}

/// One step of the cells of a recurrent layer (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al.
/// 2000).
///
/// `gates` holds what the four gates' weights gave for each cell: cell, input, forget, output. `states` are carried
/// from step to step; `outputs` are whole numbers.
pub(super) fn step(gates: [&[f32]; 4], states: &mut [f32], outputs: &mut [f32]) {
    Instructions::detected().step(gates, states, outputs);
}

/// A state beyond this is cut, as in training.
const MAX_STATE: f32 = 100.0;

#[inline(always)]
fn step_cells(gates: [&[f32]; 4], states: &mut [f32], outputs: &mut [f32]) {
    let [cells, input, forget, output] = gates;
    let gates = cells.iter().zip(input).zip(forget.iter().zip(output));
    for (((cell, input), (forget, gate)), (state, output)) in gates.zip(states.iter_mut().zip(outputs)) {
        let next = *state * logistic(*forget) + tanh(*cell) * logistic(*input);
        *state = next.clamp(-MAX_STATE, MAX_STATE);
        *output = whole(tanh(*state) * logistic(*gate));
    }
}

/// The nearest whole number for a value from −1 to 1.
#[inline(always)]
fn whole(value: f32) -> f32 {
    /// Adding and taking away a number of which floats of this size have no fraction rounds to whole numbers.
    const NO_FRACTION: f32 = 12_582_912.0;
    (value * ONE + NO_FRACTION) - NO_FRACTION
}

/// Hyperbolic tangent to within 1e−5: Lambert's continued fraction, cut after seven terms.
#[inline(always)]
fn tanh(value: f32) -> f32 {
    /// The fraction leaves the curve beyond this, where the curve is 1 to within 1e−4.
    const STRAIGHT: f32 = 4.97;
    let x = value.clamp(-STRAIGHT, STRAIGHT);
    let square = x * x;
    let above = x * (135_135.0 + square * (17_325.0 + square * (378.0 + square)));
    let below = 135_135.0 + square * (62_370.0 + square * (3_150.0 + square * 28.0));
    above / below
}

#[inline(always)]
fn logistic(value: f32) -> f32 {
    0.5 + 0.5 * tanh(0.5 * value)
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
            if is_x86_feature_detected!("avx2") {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }

    fn multiply(self, matrix: &Matrix, inputs: &[f32], outputs: &mut [f32]) {
        match self {
            Self::Baseline => matrix.multiply_rows(inputs, outputs),
            // SAFETY: `detected` found the instructions.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { multiply_avx2(matrix, inputs, outputs) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { multiply_avx512(matrix, inputs, outputs) },
        }
    }

    fn tanh_all(self, values: &mut [f32]) {
        match self {
            Self::Baseline => values.iter_mut().for_each(|value| *value = whole(tanh(*value))),
            // SAFETY: `detected` found the instructions; AVX-512 includes them.
            #[cfg(target_arch = "x86_64")]
            _ => unsafe { tanh_all_avx2(values) },
        }
    }

    fn step(self, gates: [&[f32]; 4], states: &mut [f32], outputs: &mut [f32]) {
        match self {
            Self::Baseline => step_cells(gates, states, outputs),
            // SAFETY: `detected` found the instructions; AVX-512 includes them.
            #[cfg(target_arch = "x86_64")]
            _ => unsafe { step_avx2(gates, states, outputs) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn multiply_avx2(matrix: &Matrix, inputs: &[f32], outputs: &mut [f32]) {
    matrix.multiply_rows(inputs, outputs);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn multiply_avx512(matrix: &Matrix, inputs: &[f32], outputs: &mut [f32]) {
    matrix.multiply_rows(inputs, outputs);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn tanh_all_avx2(values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = whole(tanh(*value)));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn step_avx2(gates: [&[f32]; 4], states: &mut [f32], outputs: &mut [f32]) {
    step_cells(gates, states, outputs);
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// The products one by one, in whole numbers.
    fn plainly(rows: &[Vec<u8>], scales: &[f32], inputs: &[f32], count: usize) -> Vec<f32> {
        let signed = |byte: u8| i64::from(byte as i8);
        inputs
            .chunks_exact(count)
            .flat_map(|values| {
                rows.iter().zip(scales).map(move |(row, scale)| {
                    let products = row.iter().zip(values).map(|(&byte, &value)| signed(byte) * value as i64);
                    products.sum::<i64>() as f32 * (scale / ONE) + signed(row[count]) as f32 * scale
                })
            })
            .collect()
    }

    fn instructions() -> Vec<Instructions> {
        let mut known = vec![Instructions::Baseline];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                known.push(Instructions::Avx2);
            }
            if is_x86_feature_detected!("avx512f") {
                known.push(Instructions::Avx512);
            }
        }
        known
    }

    proptest! {
        #[test]
        fn products_are_those_of_whole_numbers_with_any_instructions(
            (rows, scales, inputs) in (1usize..70, 1usize..70, 1usize..11).prop_flat_map(|(inputs, outputs, count)| (
                vec(vec(any::<u8>(), inputs + 1), outputs),
                vec(0.001f32..1.0, outputs),
                vec((-127i8..=127).prop_map(f32::from), inputs * count),
            ))
        ) {
            let count = rows[0].len() - 1;
            let parts = rows.iter().zip(&scales).map(|(row, scale)| (&row[..count], row[count], *scale));
            let matrix = Matrix::new(count, parts);
            let expected = plainly(&rows, &scales, &inputs, count);
            for known in instructions() {
                let mut outputs = vec![0.0; expected.len()];
                known.multiply(&matrix, &inputs, &mut outputs);
                prop_assert_eq!(&outputs, &expected, "{:?}", known);
            }
        }

        #[test]
        fn the_curves_stay_near_the_true_ones(value in -200f32..200.0) {
            prop_assert!((tanh(value) - value.tanh()).abs() < 2e-4);
            prop_assert!((logistic(value) - 1.0 / (1.0 + (-value).exp())).abs() < 2e-4);
            prop_assert!((whole(tanh(value)) - (tanh(value) * ONE).round_ties_even()).abs() < 1e-3);
        }
    }

    #[test]
    fn a_cell_keeps_its_state_behind_closed_gates_and_takes_the_input_through_open_ones() {
        let (open, closed) = ([50.0f32], [-50.0f32]);
        let (mut state, mut output) = ([0.5f32], [0.0f32]);
        step([&open, &closed, &open, &open], &mut state, &mut output);
        assert!((state[0] - 0.5).abs() < 1e-3 && (output[0] - (0.5f32.tanh() * ONE).round()).abs() < 1e-3);
        step([&open, &open, &closed, &closed], &mut state, &mut output);
        assert!((state[0] - 1.0).abs() < 1e-3 && output[0].abs() < 1e-3);
    }
}
