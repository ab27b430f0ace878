//! A convolution operator for the networks' depthwise and small dense convolutions.
//!
//! tract's own ones are slow on them: its depthwise loop runs along the longer side of the image, so that pages
//! higher than wide miss its vectorised path, and its dense one is not vectorised for few channels. This operator
//! also runs on shapes that are known only at run time, so that one plan serves lines of every width. A bias and a
//! rectifier that follow are part of it.

mod gate;
mod kernel;
mod pointwise;
pub(super) mod quantized;
mod vector;

use std::sync::Arc;

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::{BinMiniOp, TypedBinOp};
use tract_onnx::tract_core::ops::cnn::PoolSpec;
use tract_onnx::tract_core::ops::cnn::conv::{Conv, KernelFormat};
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::math::{Add, Max, Mul};
use tract_onnx::tract_core::ops::nn::gelu_exact::GeluExact;

use gate::Gate;
use kernel::{Layer, Sizes};
use pointwise::Pointwise;
use quantized::Activation;

/// A two-dimensional convolution of floats with constant weights, each channel by itself or all by all.
#[derive(Debug, Clone, Hash, PartialEq, Eq)]
struct Convolution {
    spec: PoolSpec,
    depthwise: bool,
    /// In the order that [`kernel`] wants.
    weights: Arc<Tensor>,
    /// One value per output channel.
    bias: Arc<Tensor>,
    /// Whether negative results become 0.
    rectified: bool,
}

/// Replaces the convolutions of a decluttered model that the operators can do.
pub(super) fn replace(model: &mut TypedModel) -> TractResult<()> {
    let ids: Vec<usize> = model.nodes().iter().map(|node| node.id).collect();
    let mut taken = Vec::new();
    for id in ids {
        if taken.contains(&id) {
            continue;
        }
        let mut found = None;
        for at in [Convolution::at, Pointwise::at, Gate::at] {
            if found.is_none() {
                found = at(model, id)?;
            }
        }
        let Some(Replacement { operator, inputs, products, last }) = found else { continue };
        taken.extend(products);
        let name = model.node(id).name.clone();
        let mut patch = TypedModelPatch::default();
        let inputs = patch.taps(model, &inputs)?;
        let output = patch.wire_node(name, operator, &inputs)?[0];
        patch.shunt_outside(model, last.into(), output)?;
        patch.apply(model)?;
    }
    Ok(())
}

/// What takes the place of some nodes.
struct Replacement {
    operator: Box<dyn TypedOp>,
    inputs: TVec<OutletId>,
    /// Nodes after the first that are part of it and could be replaced by themselves.
    products: Vec<usize>,
    /// The node whose output the operator's replaces.
    last: usize,
}

/// Factors and summands that follow a node, each constant: one value or one for each place of an axis.
struct Affine {
    factors: Vec<f32>,
    bias: Vec<f32>,
    /// The last node of them; the node itself where there are none.
    last: usize,
}

impl Affine {
    /// What follows a node that adds `bias` to its places along `axis`.
    fn after(model: &TypedModel, id: usize, axis: usize, bias: Vec<f32>) -> TractResult<Self> {
        let mut found = Self { factors: vec![1.0; bias.len()], bias, last: id };
        while let Some(next) = model.single_succ(found.last)? {
            let summand = follower::<Add>(model, found.last)?;
            let factor = follower::<Mul>(model, found.last)?;
            let Some(other) = summand.or(factor) else { break };
            let Some(other) = constant(model, other)? else { break };
            let values = other.try_as_plain_ram()?.as_slice::<f32>()?;
            let each = values.len() == found.bias.len() && other.shape().get(axis) == Some(&values.len());
            if !each && values.len() != 1 {
                break;
            }
            let values = values.iter().cycle();
            if summand.is_some() {
                found.bias.iter_mut().zip(values).for_each(|(bias, value)| *bias += value);
            } else {
                let places = found.factors.iter_mut().zip(&mut found.bias);
                places.zip(values).for_each(|((factor, bias), value)| {
                    *factor *= value;
                    *bias *= value;
                });
            }
            found.last = next.id;
        }
        Ok(found)
    }

    /// Multiplies weights, an equal number for each place, by the factors.
    fn scale(&self, weights: &[f32]) -> Vec<f32> {
        let each = weights.len() / self.factors.len().max(1);
        let rows = weights.chunks_exact(each.max(1)).zip(&self.factors);
        rows.flat_map(|(row, factor)| row.iter().map(move |weight| weight * factor)).collect()
    }
}

/// The activation that follows a node, and where it is.
fn activation(model: &TypedModel, id: usize) -> TractResult<Option<(Activation, usize)>> {
    let Some(next) = model.single_succ(id)? else { return Ok(None) };
    if let Some(other) = follower::<Max>(model, id)? {
        let Some(limit) = constant(model, other)? else { return Ok(None) };
        let zero = matches!(limit.try_as_plain_ram()?.as_slice::<f32>()?, [limit] if *limit == 0.0);
        return Ok(zero.then_some((Activation::Rectifier, next.id)));
    }
    let is_gelu = next.op_as::<ElementWiseOp>().is_some_and(|operator| operator.0.is::<GeluExact>());
    Ok(is_gelu.then_some((Activation::Gelu, next.id)))
}

/// What the only user of a node's output does this binary operation with.
fn follower<O: BinMiniOp>(model: &TypedModel, id: usize) -> TractResult<Option<OutletId>> {
    let Some(next) = model.single_succ(id)? else { return Ok(None) };
    let fits = next.op_as::<TypedBinOp>().is_some_and(|binary| binary.0.is::<O>());
    Ok(next.inputs.iter().copied().find(|outlet| outlet.node != id).filter(|_| fits))
}

/// Floats that are the same for all inputs.
fn constant(model: &TypedModel, outlet: OutletId) -> TractResult<Option<Arc<Tensor>>> {
    let constant = model.outlet_fact(outlet)?.konst.clone();
    Ok(constant.filter(|constant| constant.datum_type() == f32::datum_type()))
}

impl Convolution {
    /// The operator for a node and those after it that it takes in; `None` where the node stays as it is.
    fn at(model: &TypedModel, id: usize) -> TractResult<Option<Replacement>> {
        let node = model.node(id);
        let (Some(op), &[input, weights, bias]) = (node.op_as::<Conv>(), &*node.inputs) else {
            return Ok(None);
        };
        let fact = model.outlet_fact(input)?;
        let shape = op.pool_spec.data_format.shape(&fact.shape)?;
        let depthwise = op.group > 1 && op.group == op.input_channels() && op.group == op.output_channels();
        let fits = op.q_params.is_none()
            && op.kernel_fmt == KernelFormat::OIHW
            && fact.datum_type == f32::datum_type()
            && (op.group == 1 || depthwise)
            && op.pool_spec.rank() == 2
            && op.pool_spec.dilations().iter().all(|&dilation| dilation == 1)
            && !op.pool_spec.data_format.c_is_last()
            && shape.n().is_none_or(|count| count.is_one());
        let (Some(weights), Some(bias), true) = (constant(model, weights)?, constant(model, bias)?, fits)
        else {
            return Ok(None);
        };
        let channels = op.output_channels();
        let bias = match bias.try_as_plain_ram()?.as_slice::<f32>()? {
            [one] => vec![*one; channels],
            each if each.len() == channels => each.to_vec(),
            _ => return Ok(None),
        };
        let affine = Affine::after(model, id, shape.c_axis(), bias)?;
        let mut last = affine.last;
        let rectifier = activation(model, last)?.filter(|(kind, _)| *kind == Activation::Rectifier);
        if let Some((_, next)) = rectifier {
            last = next;
        }
        let weights = affine.scale(weights.try_as_plain_ram()?.as_slice::<f32>()?);
        let taps: usize = op.pool_spec.kernel_shape.iter().product();
        let packed = match depthwise {
            true => weights,
            false => kernel::pack_weights(&weights, channels, op.input_channels() * taps),
        };
        let operator = Box::new(Self {
            spec: op.pool_spec.clone(),
            depthwise,
            weights: tensor1(&packed).into_arc_tensor(),
            bias: tensor1(&affine.bias).into_arc_tensor(),
            rectified: rectifier.is_some(),
        });
        Ok(Some(Replacement { operator, inputs: tvec![input], products: Vec::new(), last }))
    }
}

impl Op for Convolution {
    fn name(&self) -> StaticName {
        "OcrivaConvolution".into()
    }

    fn validation(&self) -> Validation {
        Validation::Rounding
    }

    op_as_typed_op!();
}

impl EvalOp for Convolution {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let input = args_1!(inputs);
        let shape = self.spec.data_format.shape(input.shape())?;
        let output_shape = self.spec.output_shape(input.shape())?;
        let padding = self.spec.computed_padding(shape.hw_dims());
        let (&[height, width], &[out_height, out_width]) = (shape.hw_dims(), output_shape.hw_dims()) else {
            bail!("a convolution of images needs two spatial axes");
        };
        let layer = Layer {
            sizes: Sizes {
                channels: self.spec.input_channels,
                height,
                width,
                out_channels: self.spec.output_channels,
                out_height,
                out_width,
                kernel: (self.spec.kernel_shape[0], self.spec.kernel_shape[1]),
                stride: (self.spec.stride(0), self.spec.stride(1)),
                padding: (padding[0].pad_before, padding[1].pad_before),
            },
            weights: self.weights.try_as_plain_ram()?.as_slice()?,
            bias: self.bias.try_as_plain_ram()?.as_slice()?,
            rectified: self.rectified,
        };
        let mut output = Tensor::zero::<f32>(&output_shape.shape)?;
        let values = input.try_as_plain_ram()?.as_slice::<f32>()?;
        let mut target = output.try_as_plain_ram_mut()?;
        match self.depthwise {
            true => layer.depthwise(values, target.as_slice_mut()?),
            false => layer.dense(values, target.as_slice_mut()?),
        }
        Ok(tvec!(output.into_tvalue()))
    }
}

impl TypedOp for Convolution {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        self.spec.output_facts(inputs)
    }

    as_op!();
}

#[cfg(test)]
mod tests {
    use tract_onnx::tract_core::ops::einsum::EinSum;
    use tract_onnx::tract_core::ops::math::{add, max, min, mul};
    use tract_onnx::tract_core::ops::nn::gelu_exact::gelu_exact;
    use tract_onnx::tract_core::ops::nn::{Reduce, Reducer};

    use super::*;

    const CHANNELS: usize = 8;
    const NARROW: usize = 4;
    const WIDE: usize = 16;

    fn noise(shape: &[usize], seed: usize) -> Tensor {
        let count = shape.iter().product();
        let values: Vec<f32> =
            (0..count).map(|index| ((index * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect();
        Tensor::from_shape(shape, &values).unwrap()
    }

    /// Weighs the channels of an image of `height × 7` by their means, and adds to the result what a product, an
    /// activation and another product make of it, as the networks do.
    fn model(height: impl Into<TDim>) -> TypedModel {
        let mut model = TypedModel::default();
        let image = f32::fact([1.to_dim(), CHANNELS.to_dim(), height.into(), 7.to_dim()]);
        let image = model.add_source("image", image).unwrap();
        let mut nodes = 0;
        let mut wire = |model: &mut TypedModel, op: Box<dyn TypedOp>, inputs: &[OutletId]| {
            nodes += 1;
            model.wire_node(format!("node {nodes}"), op, inputs).unwrap()[0]
        };
        let product = |model: &mut TypedModel, input: OutletId, name: &str, outputs: usize, inputs: usize| {
            let weights =
                model.add_const(format!("{name}.weights"), noise(&[outputs, inputs], inputs)).unwrap();
            let sum = EinSum::new("nkhw,mk->nmhw".parse().unwrap(), f32::datum_type());
            let made = model.wire_node(name, sum, &[input, weights]).unwrap()[0];
            let bias = model.add_const(format!("{name}.bias"), noise(&[1, outputs, 1, 1], outputs)).unwrap();
            model.wire_node(format!("{name}.add"), add(), &[made, bias]).unwrap()[0]
        };
        let scalar = |model: &mut TypedModel, name: &str, value: f32| {
            model.add_const(name, Tensor::from_shape(&[1, 1, 1, 1], &[value]).unwrap()).unwrap()
        };
        let (zero, one) = (scalar(&mut model, "zero", 0.0), scalar(&mut model, "one", 1.0));
        let size = scalar(&mut model, "size", 1.0 / 35.0);
        let (sixth, half) = (scalar(&mut model, "sixth", 1.0 / 6.0), scalar(&mut model, "half", 0.5));
        let sum = wire(&mut model, Box::new(Reduce::new(tvec![2, 3], Reducer::Sum)), &[image]);
        let mean = wire(&mut model, Box::new(mul()), &[sum, size]);
        let narrow = product(&mut model, mean, "narrow", NARROW, CHANNELS);
        let narrow = wire(&mut model, Box::new(max()), &[narrow, zero]);
        let wide = product(&mut model, narrow, "wide", CHANNELS, NARROW);
        let wide = wire(&mut model, Box::new(mul()), &[wide, sixth]);
        let wide = wire(&mut model, Box::new(add()), &[wide, half]);
        let wide = wire(&mut model, Box::new(min()), &[wide, one]);
        let factors = wire(&mut model, Box::new(max()), &[wide, zero]);
        let weighed = wire(&mut model, Box::new(mul()), &[image, factors]);
        let between = product(&mut model, weighed, "first", WIDE, CHANNELS);
        let between = wire(&mut model, Box::new(gelu_exact()), &[between]);
        let made = product(&mut model, between, "second", CHANNELS, WIDE);
        let output = wire(&mut model, Box::new(add()), &[weighed, made]);
        model.select_output_outlets(&[output]).unwrap();
        model
    }

    fn names(model: &TypedModel) -> Vec<StaticName> {
        let mut names: Vec<StaticName> = model.nodes().iter().map(|node| node.op.name()).collect();
        names.retain(|name| name != "Const");
        names
    }

    fn run(model: TypedModel, image: Tensor) -> Vec<f32> {
        let plan = model.into_optimized().unwrap().into_runnable().unwrap();
        let output = plan.run(tvec!(image.into())).unwrap().remove(0).into_tensor();
        output.try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec()
    }

    #[test]
    fn the_operators_take_the_place_of_many_nodes_and_give_nearly_the_same() {
        let image = noise(&[1, CHANNELS, 5, 7], 3);
        let expected = run(model(5), image.clone());
        let symbols = SymbolScope::default();
        for height in [5.to_dim(), symbols.sym("H").to_dim()] {
            let mut replaced = model(height);
            replace(&mut replaced).unwrap();
            replaced.compact().unwrap();
            assert_eq!(names(&replaced), ["Source", "OcrivaGate", "OcrivaPointwise"]);
            let found = run(replaced, image.clone());
            assert_eq!(found.len(), expected.len());
            let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 0.03 * largest, "{found} {expected}");
            }
        }
    }
}
