//! A sequence model as it stands at one step, for looking into it while it goes on training.

use burn::tensor::{Device, Tensor, TensorData};
use mnemoscope_memory::Mixer;

use super::Learner;
use crate::LearnerError;
use crate::device::read;
use crate::flat::Dense;
use crate::network::{Network, affine};
use crate::sequence::{Attend, Changed, Look, Sequence};

/// The weights of a sequence model at one step, on any thread. Tensors are shared, not copied: taking one costs nothing
/// that grows with the model.
#[derive(Debug, Clone)]
pub struct Frozen {
    network: Network,
    /// `[R, P]`.
    weights: Tensor<2>,
    device: Device,
}

impl Learner {
    /// The model as it stands now.
    ///
    /// # Errors
    /// When it is no sequence model.
    pub fn frozen(&self) -> Result<Frozen, LearnerError> {
        let frozen = Frozen {
            network: self.site.network.clone(),
            weights: self.site.weights.clone(),
            device: self.site.device.clone(),
        };
        frozen.sequence()?;
        Ok(frozen)
    }
}

impl Frozen {
    /// R.
    pub fn replicas(&self) -> usize {
        let [replicas, _] = self.weights.dims();
        replicas
    }

    /// Blocks of attention, from the first to the last.
    ///
    /// # Errors
    /// Never of a model that was taken from a learner.
    pub fn blocks(&self) -> Result<usize, LearnerError> {
        Ok(self.sequence()?.blocks)
    }

    /// What a replica's heads asked, wrote and read at one row of tokens, `[T]`.
    ///
    /// # Errors
    /// When there is no such replica, or the row has another length.
    pub fn look(&self, replica: usize, row: &[f32]) -> Result<Look, LearnerError> {
        let sequence = self.sequence()?;
        let layers = self.layers_of(replica)?;
        let trace = self.network.forward(&layers, self.rows(row, 1)?);
        let course = trace.course.as_ref().ok_or(LearnerError::NoSequence)?;
        Ok(Look::new(&sequence.heads, &trace, course))
    }

    /// A replica's outputs at the last position of some hundred rows `[rows, T]` without some heads, whose read-outs are 0:
    /// `masked` are layer and head, both from 0. `[rows, C]`.
    ///
    /// # Errors
    /// When there is no such replica, or the rows have another length.
    pub fn logits_masked(
        &self,
        replica: usize,
        x: &[f32],
        rows: usize,
        masked: &[(usize, usize)],
    ) -> Result<Vec<f32>, LearnerError> {
        let (sequence, layers) = (self.sequence()?, self.layers_of(replica)?);
        let changed = &mut Changed { masked, attend: None };
        let features = sequence.features_with(&layers, self.rows(x, rows)?, changed);
        Ok(read(&affine(features, &layers[layers.len() - 1])))
    }

    /// As [`Frozen::logits_masked`], with nothing masked, where `attend` reads in the place of softmax attention.
    ///
    /// # Errors
    /// As there, and when the model has no softmax attention.
    pub fn logits_with(
        &self,
        replica: usize,
        x: &[f32],
        rows: usize,
        attend: &mut dyn Attend,
    ) -> Result<Vec<f32>, LearnerError> {
        let (sequence, layers) = (self.sequence()?, self.layers_of(replica)?);
        if !matches!(sequence.heads.mixer, Mixer::Softmax { .. }) {
            return Err(LearnerError::NoPairs);
        }
        let changed = &mut Changed { masked: &[], attend: Some((replica, attend)) };
        let features = sequence.features_with(&layers, self.rows(x, rows)?, changed);
        Ok(read(&affine(features, &layers[layers.len() - 1])))
    }

    fn sequence(&self) -> Result<&Sequence, LearnerError> {
        self.network.sequence.as_ref().ok_or(LearnerError::NoSequence)
    }

    fn rows(&self, x: &[f32], rows: usize) -> Result<Tensor<3>, LearnerError> {
        let length = self.sequence()?.length;
        let (found, expected) = (x.len(), rows * length);
        if found != expected {
            return Err(LearnerError::Batch { what: "x", found, expected });
        }
        Ok(Tensor::from_data(TensorData::new(x.to_vec(), [1, rows, length]), &self.device))
    }

    /// One replica's layers.
    fn layers_of(&self, replica: usize) -> Result<Vec<Dense>, LearnerError> {
        let replicas = self.replicas();
        if replica >= replicas {
            return Err(LearnerError::NoReplica { replica, replicas });
        }
        Ok(self.network.layout.cut(&self.weights.clone().slice_dim(0, replica..replica + 1)))
    }
}
