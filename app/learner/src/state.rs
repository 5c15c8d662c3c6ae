//! A learner's complete state as named arrays, for checkpoints.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use mnemoscope_core::Knobs;
use serde::{Deserialize, Serialize};

use crate::device::read;
use crate::{BlockInfo, LearnerError};

/// A row-major array of f32 with its shape.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// The values; as many as the product of the shape.
    pub values: Vec<f32>,
}

/// Weights, optimiser moments, methods' states and live knobs.
///
/// Loaded into a learner made from the same plan, it goes on with the same bits on the CPU.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// Named real arrays, such as `weights` or `ewc.importance`.
    pub reals: BTreeMap<String, Array>,
    /// Named whole numbers, such as step counts.
    pub words: BTreeMap<String, Vec<u64>>,
    /// The block under way.
    pub block: Option<BlockInfo>,
}

impl State {
    /// Stores a tensor, read back from its device.
    pub fn put(&mut self, name: &str, tensor: &Tensor<2>) {
        let array = Array { shape: tensor.dims().to_vec(), values: read(tensor) };
        self.reals.insert(name.to_owned(), array);
    }

    /// Stores whole numbers.
    pub fn put_words(&mut self, name: &str, words: impl IntoIterator<Item = u64>) {
        self.words.insert(name.to_owned(), words.into_iter().collect());
    }

    /// The values of an array that must be there with this shape.
    pub fn values(&self, name: &str, shape: &[usize]) -> Result<&[f32], LearnerError> {
        let error = |problem| LearnerError::State { name: name.to_owned(), problem };
        let array = self.reals.get(name).ok_or_else(|| error("is missing".to_owned()))?;
        if array.shape != shape || array.values.len() != shape.iter().product::<usize>() {
            return Err(error(format!("has shape {:?} where {shape:?} belongs", array.shape)));
        }
        Ok(&array.values)
    }

    /// A tensor that must be there with this shape.
    pub fn tensor(&self, name: &str, shape: [usize; 2], device: &Device) -> Result<Tensor<2>, LearnerError> {
        let values = self.values(name, &shape)?;
        Ok(Tensor::from_data(TensorData::new(values.to_vec(), shape), device))
    }

    /// A tensor that is there or not; where it is, with this shape.
    pub fn optional(&self, name: &str, shape: [usize; 2], device: &Device) -> Result<Option<Tensor<2>>, LearnerError> {
        if self.reals.contains_key(name) { self.tensor(name, shape, device).map(Some) } else { Ok(None) }
    }

    /// Stores a component's live knobs, one value per replica.
    pub(crate) fn put_knobs(&mut self, component: &str, knobs: &Knobs) {
        for knob in knobs.kind().knobs.iter().filter(|knob| knob.live) {
            let values = knobs.reals(knob.name);
            self.reals.insert(format!("{component}.knob.{}", knob.name), Array { shape: vec![values.len()], values });
        }
    }

    /// Takes a component's live knobs over.
    pub(crate) fn knobs(&self, component: &str, knobs: &mut Knobs) -> Result<(), LearnerError> {
        for knob in knobs.kind().knobs.iter().filter(|knob| knob.live) {
            let values = self.values(&format!("{component}.knob.{}", knob.name), &[knobs.replicas()])?;
            knobs.spread(knob.name, values.iter().map(|value| f64::from(*value)).collect());
        }
        Ok(())
    }

    /// Whole numbers that must be there.
    pub fn words(&self, name: &str) -> Result<&[u64], LearnerError> {
        let missing = || LearnerError::State { name: name.to_owned(), problem: "is missing".to_owned() };
        self.words.get(name).map(Vec::as_slice).ok_or_else(missing)
    }

    /// Whole numbers that must be there, one per replica.
    pub fn words_of(&self, name: &str, replicas: usize) -> Result<&[u64], LearnerError> {
        let words = self.words(name)?;
        if words.len() != replicas {
            let problem = format!("has {} values for {replicas} replicas", words.len());
            return Err(LearnerError::State { name: name.to_owned(), problem });
        }
        Ok(words)
    }
}
