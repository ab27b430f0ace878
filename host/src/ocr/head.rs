//! The last step of the line recogniser: from what the network saw to the probabilities of characters.

use super::convolution::quantized::{Activation, Pointwise, Product};
use super::models::LinearHead;

/// Classes whose values are put from planes into rows at a time, so that the planes stay in the cache.
const BLOCK: usize = 16;

/// A linear classifier of time steps: `softmax(features · weights + bias)`.
pub(super) struct Head {
    /// The blank first, the space last.
    classes: Vec<Box<str>>,
    product: Product,
}

impl Head {
    /// Keeps some of a classifier's classes, by index.
    pub(super) fn new(whole: &LinearHead, mut classes: Vec<Box<str>>, kept: &[usize]) -> Self {
        let columns = classes.len();
        let depth = whole.weights.len() / columns.max(1);
        let weights: Vec<f32> = kept
            .iter()
            .flat_map(|&class| whole.weights.iter().skip(class).step_by(columns.max(1)).copied())
            .collect();
        let bias: Vec<f32> = kept.iter().filter_map(|&class| whole.bias.get(class).copied()).collect();
        let classes = kept.iter().map(|&class| std::mem::take(&mut classes[class])).collect();
        Self { classes, product: Product::new(&weights, &bias, depth) }
    }

    /// The characters, by class.
    pub(super) fn classes(&self) -> &[Box<str>] {
        &self.classes
    }

    /// Values that the network gives for each time step.
    pub(super) fn depth(&self) -> usize {
        self.product.inputs()
    }

    /// Probabilities of the classes, a row per time step; `features` has a row of [`Head::depth`] values for each.
    pub(super) fn probabilities(&self, features: &[f32]) -> Vec<f32> {
        let (depth, count) = (self.depth().max(1), self.classes.len());
        let steps = features.len() / depth;
        let mut planes = vec![0.0; features.len()];
        for (step, row) in features.chunks_exact(depth).enumerate() {
            for (channel, value) in row.iter().enumerate() {
                planes[channel * steps + step] = *value;
            }
        }
        let mut logits = vec![0.0; count * steps];
        let product = Pointwise {
            first: &self.product,
            activation: Activation::Identity,
            second: None,
            residual: None,
        };
        product.run(&planes, &mut logits);
        softmax(&mut logits, steps);
        let mut rows = vec![0.0; count * steps];
        for (block, planes) in logits.chunks((BLOCK * steps).max(1)).enumerate() {
            for (step, row) in rows.chunks_exact_mut(count.max(1)).enumerate() {
                let values = planes.iter().skip(step).step_by(steps);
                row[block * BLOCK..].iter_mut().zip(values).for_each(|(target, value)| *target = *value);
            }
        }
        rows
    }
}

/// Makes probabilities of logits, a plane of `steps` values for each class.
fn softmax(planes: &mut [f32], steps: usize) {
    let mut highest = vec![f32::NEG_INFINITY; steps];
    for plane in planes.chunks_exact(steps.max(1)) {
        highest.iter_mut().zip(plane).for_each(|(highest, value)| *highest = highest.max(*value));
    }
    let mut sums = vec![0.0f32; steps];
    for plane in planes.chunks_exact_mut(steps.max(1)) {
        for ((value, highest), sum) in plane.iter_mut().zip(&highest).zip(&mut sums) {
            *value = exponential(*value - highest);
            *sum += *value;
        }
    }
    sums.iter_mut().for_each(|sum| *sum = 1.0 / *sum);
    for plane in planes.chunks_exact_mut(steps.max(1)) {
        plane.iter_mut().zip(&sums).for_each(|(value, factor)| *value *= factor);
    }
}

/// `eˣ` for `x` up to 0, within 10⁻⁵ of its value: a power of two times a polynomial, which the compiler makes
/// vector instructions of.
#[inline]
fn exponential(x: f32) -> f32 {
    /// Taylor coefficients of 2ˣ.
    const TERMS: [f32; 6] =
        [1.0, std::f32::consts::LN_2, 0.240_226_5, 0.055_504_11, 0.009_618_129, 0.001_333_356];
    /// Added to a small number and taken off again, it leaves the nearest whole one.
    const ROUNDER: f32 = 12_582_912.0;
    let power = (x.max(-87.0)) * std::f32::consts::LOG2_E;
    let whole = (power + ROUNDER) - ROUNDER;
    let rest = power - whole;
    let [first @ .., last] = TERMS;
    let factor = first.iter().rev().fold(last, |sum, term| sum * rest + term);
    factor * f32::from_bits(((whole as i32 + 127) << 23).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_near_the_exact_one() {
        for index in 0..8000 {
            let x = -index as f32 / 100.0;
            let (found, exact) = (f64::from(exponential(x)), f64::from(x).exp());
            assert!((found - exact).abs() <= 1e-5 * exact, "{x}: {found} {exact}");
        }
        assert!(exponential(-1000.0) < 1e-37);
    }

    #[test]
    fn probabilities_are_rows_of_the_kept_classes_that_sum_to_one() {
        // Three inputs, four classes; class 2 is left out.
        let whole = LinearHead {
            weights: vec![4.0, 0.0, 9.0, 0.0, 0.0, 4.0, 9.0, 0.0, 0.0, 0.0, 9.0, 4.0],
            bias: vec![0.0, 0.0, 9.0, 1.0],
        };
        let classes = ["", "a", "b", " "].map(Box::from).to_vec();
        let head = Head::new(&whole, classes, &[0, 1, 3]);
        assert_eq!(head.classes().iter().map(|class| &**class).collect::<Vec<_>>(), ["", "a", " "]);
        let rows = head.probabilities(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(rows.len(), 6);
        let expected = |logits: [f32; 3]| {
            let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
            logits.map(|logit| logit.exp() / sum)
        };
        let both = [expected([4.0, 0.0, 1.0]), expected([0.0, 4.0, 1.0])];
        for (row, expected) in rows.chunks(3).zip(both) {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            for (found, expected) in row.iter().zip(expected) {
                assert!((found - expected).abs() < 0.01, "{row:?} {expected:?}");
            }
        }
    }
}
