//! The operator for convolutions whose kernel is one pixel: most of the networks' arithmetic.
//!
//! It takes in the activation that follows, a second such convolution, and what is added in the end.

use std::sync::Arc;

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::math::Add;

use super::quantized::{self, Activation, Product};
use super::{Affine, Replacement, activation, constant, follower};

/// One product per pixel, or two with an activation between them.
#[derive(Debug, Clone)]
pub(super) struct Pointwise {
    first: Arc<Layer>,
    activation: Activation,
    second: Option<Arc<Layer>>,
    /// Whether a second input is added to the result.
    residual: bool,
}

/// A product and how its output lies. Channels are the outermost axis with more than one place, before and after.
#[derive(Debug)]
struct Layer {
    product: Product,
    /// Axis of the channels in the input.
    axis: usize,
    sides: TVec<Side>,
}

/// Where a side of the output comes from.
#[derive(Debug, Clone, Copy)]
enum Side {
    One,
    Channels,
    /// This axis of the input.
    Input(usize),
}

/// A product in a model, with what follows it.
struct Found {
    input: OutletId,
    layer: Layer,
    /// The last node of it.
    last: usize,
}

impl Layer {
    /// Shape of the output for one of the input.
    fn shape<D: DimLike>(&self, input: &[D]) -> TVec<D> {
        let side = |side: &Side| match side {
            Side::One => 1.into(),
            Side::Channels => self.product.outputs().into(),
            Side::Input(axis) => input.get(*axis).cloned().unwrap_or_else(|| 1.into()),
        };
        self.sides.iter().map(side).collect()
    }
}

/// A product with constant weights in a model (tract makes one of a convolution whose kernel is a pixel), with the
/// factors and summands that follow.
pub(super) struct Matrix {
    pub(super) input: OutletId,
    /// Output channel × input channel, with the factors.
    pub(super) weights: Vec<f32>,
    pub(super) inputs: usize,
    pub(super) bias: Vec<f32>,
    /// Axis of the channels in the input and in the output.
    axis: usize,
    place: usize,
    sides: TVec<Side>,
    /// The last node of it.
    pub(super) last: usize,
}

impl Matrix {
    /// The product at a node; `None` where the node is something else.
    pub(super) fn at(model: &TypedModel, id: usize) -> TractResult<Option<Self>> {
        let node = model.node(id);
        let (Some(sum), &[input, weights]) = (node.op_as::<EinSum>(), &*node.inputs) else {
            return Ok(None);
        };
        let fact = model.outlet_fact(input)?;
        let Some(weights) = constant(model, weights)?.filter(|weights| weights.rank() == 2) else {
            return Ok(None);
        };
        if sum.q_params.is_some() || fact.datum_type != f32::datum_type() {
            return Ok(None);
        }
        let mut sides = tvec![Side::One; model.outlet_fact(id.into())?.rank()];
        let (mut summed, mut made) = (None, None);
        for axis in sum.axes.iter_all_axes() {
            match (&*axis.inputs[0], &*axis.inputs[1], &*axis.outputs[0]) {
                ([place], [weight], []) => summed = Some((*place, *weight)),
                ([], [weight], [place]) => {
                    made = Some((*place, *weight));
                    sides[*place] = Side::Channels;
                }
                ([from], [], [to]) => sides[*to] = Side::Input(*from),
                ([from], [], []) if fact.shape[*from].is_one() => {}
                ([], [], [_]) => {}
                _ => return Ok(None),
            }
        }
        let (Some((axis, summed)), Some((place, made))) = (summed, made) else { return Ok(None) };
        let (inputs, outputs) = (weights.shape()[summed], weights.shape()[made]);
        let weights = weights.try_as_plain_ram()?.as_slice::<f32>()?;
        let weights: Vec<f32> = match made {
            0 => weights.to_vec(),
            _ => (0..outputs).flat_map(|to| weights.iter().skip(to).step_by(outputs).copied()).collect(),
        };
        let affine = Affine::after(model, id, place, vec![0.0; outputs])?;
        let weights = affine.scale(&weights);
        let Affine { bias, last, .. } = affine;
        Ok(Some(Self { input, weights, inputs, bias, axis, place, sides, last }))
    }
}

impl Found {
    /// The product at a node; `None` where the node is something else, its channels do not lie in planes, or it makes so
    /// little that rounding it would not pay.
    fn at(model: &TypedModel, id: usize) -> TractResult<Option<Self>> {
        let Some(matrix) = Matrix::at(model, id)? else { return Ok(None) };
        let shape = &model.outlet_fact(matrix.input)?.shape;
        let is_one = |side: &Side| match side {
            Side::One => true,
            Side::Channels => false,
            Side::Input(axis) => shape[*axis].is_one(),
        };
        let order = matrix.sides.iter().filter_map(|side| match side {
            Side::Input(axis) => Some(*axis),
            Side::One | Side::Channels => None,
        });
        let in_planes = shape.iter().take(matrix.axis).all(|side| side.is_one())
            && matrix.sides.iter().take(matrix.place).all(is_one)
            && order.is_sorted();
        let is_pixel = shape.iter().skip(matrix.axis + 1).all(|side| side.is_one());
        if !in_planes || is_pixel {
            return Ok(None);
        }
        let product = Product::new(&matrix.weights, &matrix.bias, matrix.inputs);
        let layer = Layer { product, axis: matrix.axis, sides: matrix.sides };
        Ok(Some(Self { input: matrix.input, layer, last: matrix.last }))
    }
}

impl Pointwise {
    /// The operator for a node and those after it that it takes in; `None` where the node stays as it is.
    pub(super) fn at(model: &TypedModel, id: usize) -> TractResult<Option<Replacement>> {
        let Some(Found { input, layer, mut last }) = Found::at(model, id)? else { return Ok(None) };
        let mut operator =
            Self { first: Arc::new(layer), activation: Activation::Identity, second: None, residual: false };
        if let Some((activation, next)) = activation(model, last)? {
            operator.activation = activation;
            last = next;
        }
        let mut products = Vec::new();
        if let Some(next) = model.single_succ(last)?
            && let Some(more) = Found::at(model, next.id)?
            && more.input.node == last
            && activation(model, more.last)?.is_none()
        {
            products.push(next.id);
            operator.second = Some(Arc::new(more.layer));
            last = more.last;
        }
        let mut inputs = tvec![input];
        if let Some(other) = follower::<Add>(model, last)?
            && let Some(next) = model.single_succ(last)?
            && (operator.second.is_some() || operator.activation == Activation::Identity)
            && model.outlet_fact(other)?.shape == model.outlet_fact(last.into())?.shape
        {
            inputs.push(other);
            operator.residual = true;
            last = next.id;
        }
        Ok(Some(Replacement { operator: Box::new(operator), inputs, products, last }))
    }

    /// Shape of the output for one of the input.
    fn shape<D: DimLike>(&self, input: &[D]) -> TVec<D> {
        let shape = self.first.shape(input);
        self.second.as_ref().map_or_else(|| shape.clone(), |second| second.shape(&shape))
    }
}

impl PartialEq for Pointwise {
    /// Weights are shared, never equal by chance.
    fn eq(&self, other: &Self) -> bool {
        let second = match (&self.second, &other.second) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        Arc::ptr_eq(&self.first, &other.first)
            && second
            && self.activation == other.activation
            && self.residual == other.residual
    }
}

impl Eq for Pointwise {}

impl Op for Pointwise {
    fn name(&self) -> StaticName {
        "OcrivaPointwise".into()
    }

    fn validation(&self) -> Validation {
        Validation::Rounding
    }

    op_as_typed_op!();
}

impl EvalOp for Pointwise {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let input = &inputs[0];
        let fits = input.shape().get(self.first.axis) == Some(&self.first.product.inputs());
        ensure!(fits, "an image of {:?} is not as expected", input.shape());
        let shape = self.shape(input.shape());
        let residual = match inputs.get(1).filter(|_| self.residual) {
            Some(more) => {
                ensure!(more.shape() == &*shape, "{:?} cannot be added to {shape:?}", more.shape());
                Some(more.try_as_plain_ram()?.as_slice::<f32>()?)
            }
            None => None,
        };
        let mut output = Tensor::zero::<f32>(&shape)?;
        let operation = quantized::Pointwise {
            first: &self.first.product,
            activation: self.activation,
            second: self.second.as_ref().map(|layer| &layer.product),
            residual,
        };
        let values = input.try_as_plain_ram()?.as_slice::<f32>()?;
        operation.run(values, output.try_as_plain_ram_mut()?.as_slice_mut()?);
        Ok(tvec!(output.into_tvalue()))
    }
}

impl TypedOp for Pointwise {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(f32::fact(self.shape(&inputs[0].shape.to_tvec()))))
    }

    as_op!();
}
