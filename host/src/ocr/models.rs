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

    /// Keeps only the given output classes of a classifier that ends in `x · weights + bias`: cuts the columns of
    /// every weight whose last side is `class_count`.
    pub(super) fn keep_classes(&mut self, class_count: usize, kept: &[usize]) -> Result<(), Error> {
        let Some(graph) = self.proto.graph.as_mut() else {
            return Err(Error::model(self.name, &"it has no graph"));
        };
        let mut cut = 0;
        for tensor in &mut graph.initializer {
            let is_float = tensor.data_type == DataType::Float as i32;
            if is_float && tensor.dims.last().is_some_and(|&side| side == class_count as i64) {
                keep_columns(tensor, class_count, kept);
                cut += 1;
            }
        }
        if cut == 0 {
            let reason = format!("no weight has one column for each of its {class_count} classes");
            return Err(Error::model(self.name, &reason));
        }
        Ok(())
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

/// Keeps some columns of a row-major matrix of floats.
fn keep_columns(tensor: &mut TensorProto, columns: usize, kept: &[usize]) {
    if let Some(last) = tensor.dims.last_mut() {
        *last = kept.len() as i64;
    }
    if !tensor.raw_data.is_empty() {
        let width = size_of::<f32>();
        tensor.raw_data = tensor
            .raw_data
            .chunks_exact(columns * width)
            .flat_map(|row| {
                kept.iter().filter_map(move |&column| row.get(column * width..(column + 1) * width))
            })
            .flatten()
            .copied()
            .collect();
    }
    tensor.float_data = tensor
        .float_data
        .chunks_exact(columns)
        .flat_map(|row| kept.iter().filter_map(move |&column| row.get(column)))
        .copied()
        .collect();
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
