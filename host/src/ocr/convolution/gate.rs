//! The operator that weighs the channels of an image by what all of it looks like: squeeze and excitation (Hu et al.
//! 2018).
//!
//! In a model it is a dozen small nodes between two that go over the whole image; here it is one.

use std::sync::Arc;

use rayon::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::math::{Add, Max, Min, Mul};
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer};

use super::pointwise::Matrix;
use super::{Replacement, constant, follower};

/// Values of an image from which several threads share it; no line of text has as many (see [`super::quantized`]).
const SHARED: usize = 1 << 19;
/// Sums that are added up side by side.
const LANES: usize = 16;

/// Multiplies each channel with a factor from 0 to 1, made of the means of all channels.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    /// Axis of the channels; axes before it have one place, those after it are the image's.
    axis: usize,
    narrow: Arc<Dense>,
    wide: Arc<Dense>,
    /// Whether the image itself is added to the result.
    residual: bool,
}

/// Sums of products of a few values.
#[derive(Debug)]
struct Dense {
    inputs: usize,
    /// Output × input.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl From<Matrix> for Dense {
    fn from(matrix: Matrix) -> Self {
        Self { inputs: matrix.inputs, weights: matrix.weights, bias: matrix.bias }
    }
}

impl Dense {
    fn apply(&self, values: &[f32], (lowest, highest): (f32, f32)) -> Vec<f32> {
        let rows = self.weights.chunks_exact(self.inputs.max(1)).zip(&self.bias);
        rows.map(|(row, bias)| {
            let sum: f32 = row.iter().zip(values).map(|(weight, value)| weight * value).sum();
            (sum + bias).clamp(lowest, highest)
        })
        .collect()
    }
}

impl Gate {
    /// The operator for a node that sums the channels of an image up, and those after it; `None` where the node stays as
    /// it is.
    pub(super) fn at(model: &TypedModel, id: usize) -> TractResult<Option<Replacement>> {
        let node = model.node(id);
        let (Some(sum), &[image]) = (node.op_as::<Reduce>(), &*node.inputs) else { return Ok(None) };
        let shape = &model.outlet_fact(image)?.shape;
        let Some(axis) = sum.axes.first().and_then(|first| first.checked_sub(1)) else { return Ok(None) };
        let whole = sum.reducer == Reducer::Sum
            && sum.axes.iter().copied().eq(axis + 1..shape.rank())
            && shape.iter().take(axis).all(|side| side.is_one());
        // The mean's divisor, which tract makes of the image's size.
        let Some(_) = follower::<Mul>(model, id)?.filter(|_| whole) else { return Ok(None) };
        let Some(mean) = model.single_succ(id)? else { return Ok(None) };
        let Some((narrow, last)) = dense(model, mean.id)? else { return Ok(None) };
        let Some(last) = limit::<Max>(model, last, 0.0)? else { return Ok(None) };
        let Some((wide, last)) = dense(model, last)? else { return Ok(None) };
        let Some(last) = limit::<Min>(model, last, 1.0)? else { return Ok(None) };
        let Some(last) = limit::<Max>(model, last, 0.0)? else { return Ok(None) };
        let Some(last) =
            follower::<Mul>(model, last)?.filter(|other| *other == image).and(model.single_succ(last)?)
        else {
            return Ok(None);
        };
        let mut last = last.id;
        let residual = follower::<Add>(model, last)? == Some(image);
        if residual && let Some(next) = model.single_succ(last)? {
            last = next.id;
        }
        let operator = Self { axis, narrow: Arc::new(narrow), wide: Arc::new(wide), residual };
        Ok(Some(Replacement {
            operator: Box::new(operator),
            inputs: tvec![image],
            products: Vec::new(),
            last,
        }))
    }
}

/// The product that follows a node, and its last node.
fn dense(model: &TypedModel, id: usize) -> TractResult<Option<(Dense, usize)>> {
    let Some(next) = model.single_succ(id)? else { return Ok(None) };
    Ok(Matrix::at(model, next.id)?.map(|matrix| {
        let last = matrix.last;
        (matrix.into(), last)
    }))
}

/// The node that follows and holds values to a limit.
fn limit<O: tract_onnx::tract_core::ops::binary::BinMiniOp>(
    model: &TypedModel,
    id: usize,
    limit: f32,
) -> TractResult<Option<usize>> {
    let Some(other) = follower::<O>(model, id)? else { return Ok(None) };
    let Some(value) = constant(model, other)? else { return Ok(None) };
    let fits = matches!(value.try_as_plain_ram()?.as_slice::<f32>()?, [value] if *value == limit);
    Ok(model.single_succ(id)?.filter(|_| fits).map(|next| next.id))
}

fn mean(plane: &[f32]) -> f32 {
    let (chunks, rest) = plane.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value);
    }
    (sums.iter().sum::<f32>() + rest.iter().sum::<f32>()) / plane.len() as f32
}

impl PartialEq for Gate {
    /// Weights are shared, never equal by chance.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.narrow, &other.narrow) && Arc::ptr_eq(&self.wide, &other.wide)
    }
}

impl Eq for Gate {}

impl Op for Gate {
    fn name(&self) -> StaticName {
        "OcrivaGate".into()
    }

    fn validation(&self) -> Validation {
        Validation::Rounding
    }

    op_as_typed_op!();
}

impl EvalOp for Gate {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let mut image = args_1!(inputs).into_tensor();
        let channels = image.shape().get(self.axis).copied().unwrap_or(0);
        ensure!(channels == self.narrow.inputs, "an image of {:?} is not as expected", image.shape());
        let mut values = image.try_as_plain_ram_mut()?;
        let values = values.as_slice_mut::<f32>()?;
        let plane = (values.len() / channels.max(1)).max(1);
        let shared = values.len() >= SHARED;
        let means: Vec<f32> = match shared {
            true => values.par_chunks(plane).map(mean).collect(),
            false => values.chunks(plane).map(mean).collect(),
        };
        let narrow = self.narrow.apply(&means, (0.0, f32::INFINITY));
        let more = if self.residual { 1.0 } else { 0.0 };
        let factors = self.wide.apply(&narrow, (0.0, 1.0));
        let weigh = |(plane, factor): (&mut [f32], f32)| {
            plane.iter_mut().for_each(|value| *value *= factor + more);
        };
        match shared {
            true => values.par_chunks_mut(plane).zip(factors).for_each(weigh),
            false => values.chunks_mut(plane).zip(factors).for_each(weigh),
        }
        Ok(tvec!(image.into_tvalue()))
    }
}

impl TypedOp for Gate {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(inputs[0].without_value()))
    }

    as_op!();
}
