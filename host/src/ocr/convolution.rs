//! A convolution operator for the networks' depthwise and small dense convolutions.
//!
//! tract's own ones are slow on them: its depthwise loop runs along the longer side of the image, so that pages
//! higher than wide miss its vectorised path, and its dense one is not vectorised for few channels. This operator
//! also runs on shapes that are known only at run time, so that one plan serves lines of every width. A bias and a
//! rectifier that follow are part of it.

mod kernel;
mod vector;

use std::sync::Arc;

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cnn::PoolSpec;
use tract_onnx::tract_core::ops::cnn::conv::{Conv, KernelFormat};

use kernel::{Layer, Sizes};

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

/// Replaces the convolutions of a decluttered model that the operator can do.
pub(super) fn replace(model: &mut TypedModel) -> TractResult<()> {
    let convolutions: Vec<usize> =
        model.nodes().iter().filter(|node| node.op_is::<Conv>()).map(|node| node.id).collect();
    for id in convolutions {
        let Some((operator, last)) = Convolution::at(model, id)? else { continue };
        let node = model.node(id);
        let mut patch = TypedModelPatch::default();
        let input = patch.tap_model(model, node.inputs[0])?;
        let output = patch.wire_node(&node.name, operator, &[input])?[0];
        patch.shunt_outside(model, last.into(), output)?;
        patch.apply(model)?;
    }
    Ok(())
}

impl Convolution {
    /// The operator for a node and those after it that it takes in, and the last of these; `None` where the node
    /// stays as it is.
    fn at(model: &TypedModel, id: usize) -> TractResult<Option<(Self, usize)>> {
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
        let constant = |outlet| Ok::<_, TractError>(model.outlet_fact(outlet)?.konst.clone());
        let (Some(weights), Some(bias), true) = (constant(weights)?, constant(bias)?, fits) else {
            return Ok(None);
        };
        let channels = op.output_channels();
        let mut bias = match bias.try_as_plain_ram()?.as_slice::<f32>()? {
            [one] => vec![*one; channels],
            each if each.len() == channels => each.to_vec(),
            _ => return Ok(None),
        };
        let mut rectified = false;
        let mut last = id;
        while let Some(next) = model.single_succ(last)?
            && !rectified
            && let Some(binary) = next.op_as::<TypedBinOp>()
        {
            let other = next.inputs.iter().find(|outlet| outlet.node != last);
            let Some(other) = other.map(|&outlet| constant(outlet)).transpose()?.flatten() else { break };
            if other.datum_type() != f32::datum_type() {
                break;
            }
            let values = other.try_as_plain_ram()?.as_slice::<f32>()?;
            match (binary.0.name(), values) {
                ("Max", [limit]) if *limit == 0.0 => rectified = true,
                ("Add", [one]) => bias.iter_mut().for_each(|value| *value += one),
                ("Add", each)
                    if each.len() == channels && other.shape().get(shape.c_axis()) == Some(&channels) =>
                {
                    bias.iter_mut().zip(each).for_each(|(value, one)| *value += one);
                }
                _ => break,
            }
            last = next.id;
        }
        let weights = weights.try_as_plain_ram()?.as_slice::<f32>()?;
        let taps: usize = op.pool_spec.kernel_shape.iter().product();
        let packed = match depthwise {
            true => weights.to_vec(),
            false => kernel::pack_weights(weights, channels, op.input_channels() * taps),
        };
        let operator = Self {
            spec: op.pool_spec.clone(),
            depthwise,
            weights: tensor1(&packed).into_arc_tensor(),
            bias: tensor1(&bias).into_arc_tensor(),
            rectified,
        };
        Ok(Some((operator, last)))
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
