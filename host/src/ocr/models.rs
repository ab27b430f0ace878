//! Loads the ONNX models and makes plans of them.
//!
//! A plan takes a tenth of a second to make, so a network has one for inputs of all sizes: the operators of
//! [`convolution`] are as fast where sizes are known only at run time.

use std::sync::Arc;

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{ModelProto, TensorProto};
use tract_onnx::prelude::multithread::{Executor, multithread_tract_scope};
use tract_onnx::prelude::*;

use super::{Error, convolution};

/// A model that is ready to run.
pub(super) type Plan = Arc<TypedRunnableModel>;

/// An ONNX file, parsed.
pub(super) struct ModelFile {
    pub(super) name: &'static str,
    proto: ModelProto,
}

impl ModelFile {
    /// Parses a model.
    pub(super) fn parse(name: &'static str, bytes: &[u8]) -> Result<Self, Error> {
        let proto = tract_onnx::onnx()
            .proto_model_for_read(&mut &*bytes)
            .map_err(|source| Error::model(name, &source))?;
        Ok(Self { name, proto })
    }

    /// A value from the model's metadata.
    pub(super) fn metadata(&self, key: &str) -> Option<&str> {
        self.proto.metadata_props.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    }

    /// Takes a classifier's last step, `softmax(x · weights + bias)`, off the model, which then ends in `x`. The weights
    /// are those whose last side is `class_count`.
    pub(super) fn take_head(&mut self, class_count: usize) -> Result<LinearHead, Error> {
        let graph = self.proto.graph.as_mut().ok_or_else(|| Error::model(self.name, &"it has no graph"))?;
        let is_head = |tensor: &TensorProto, rank: usize| {
            let is_float = tensor.data_type == DataType::Float as i32;
            is_float && tensor.dims.len() == rank && tensor.dims.last() == Some(&(class_count as i64))
        };
        let weights = graph.initializer.iter().find(|tensor| is_head(tensor, 2));
        let bias = graph.initializer.iter().find(|tensor| is_head(tensor, 1));
        let (Some(weights), Some(bias)) = (weights, bias) else {
            let reason = format!("no weight has one column for each of its {class_count} classes");
            return Err(Error::model(self.name, &reason));
        };
        let head = LinearHead { weights: float_values(weights), bias: float_values(bias) };
        let dropped = [weights.name.clone(), bias.name.clone()];
        let product = graph.node.iter().position(|node| node.input.contains(&dropped[0]));
        let input = product.and_then(|index| graph.node.get(index)?.input.first().cloned());
        let (Some(product), Some(input), [output]) = (product, input, &mut *graph.output) else {
            return Err(Error::model(self.name, &"its last product is not where it is expected"));
        };
        output.name = input;
        graph.node.truncate(product);
        graph.initializer.retain(|tensor| !dropped.contains(&tensor.name));
        Ok(head)
    }

    /// The model with types and shapes analysed for this input, ready for [`plan`].
    pub(super) fn typed(&self, input: TVec<TDim>, symbols: SymbolScope) -> Result<TypedModel, Error> {
        let template = InferenceModel { symbols, ..InferenceModel::default() };
        let analyse = || -> TractResult<TypedModel> {
            // The exports' own value information contradicts itself; without it the analysis succeeds.
            let mut model = tract_onnx::onnx()
                .with_ignore_value_info(true)
                .with_ignore_output_shapes(true)
                .model_for_proto_model_with_model_template(&self.proto, template)?;
            model.set_input_fact(0, f32::fact(input).into())?;
            let mut model = model.into_typed()?.into_decluttered()?;
            convolution::replace(&mut model)?;
            Ok(model)
        };
        analyse().map_err(|source| Error::model(self.name, &source))
    }
}

/// The last step of a classifier.
pub(super) struct LinearHead {
    /// Input × class.
    pub(super) weights: Vec<f32>,
    /// One value per class.
    pub(super) bias: Vec<f32>,
}

fn float_values(tensor: &TensorProto) -> Vec<f32> {
    if tensor.raw_data.is_empty() {
        return tensor.float_data.clone();
    }
    let (values, _) = tensor.raw_data.as_chunks::<4>();
    values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Makes a plan of a model.
pub(super) fn plan(name: &'static str, model: TypedModel) -> Result<Plan, Error> {
    model
        .into_optimized()
        .and_then(|optimized| optimized.into_runnable())
        .map_err(|source| Error::model(name, &source))
}

/// Runs a plan with one input and one output.
pub(super) fn run(name: &'static str, plan: &Plan, input: Tensor) -> Result<Tensor, Error> {
    let outputs = multithread_tract_scope(Executor::SingleThread, || plan.run(tvec!(input.into())));
    let mut outputs = outputs.map_err(|source| Error::inference(name, &source))?;
    match outputs.pop() {
        Some(output) => Ok(output.into_tensor()),
        None => Err(Error::inference(name, &"it has no output")),
    }
}

/// The values of a tensor of floats.
pub(super) fn floats<'a>(name: &'static str, tensor: &'a Tensor) -> Result<&'a [f32], Error> {
    tensor
        .as_plain_ram()
        .ok_or_else(|| Error::inference(name, &"its output is not in memory"))?
        .as_slice::<f32>()
        .map_err(|source| Error::inference(name, &source))
}
