//! A buffer whose samples carry the logits that the network gave them when they were stored.
//!
//! Shared by DER and DER++ (Buzzega et al. 2020). A sample is offered before the forward pass and its logits are filled
//! in after it, so they are those of the weights before the update. They are stored and compared for all outputs, without
//! the head's mask: what the network says of classes to come is part of what is kept.

use burn::tensor::{Tensor, TensorData};
use mnemoscope_core::Knobs;

use crate::device::read;
use crate::method::{LogitTerm, Pass, Site};
use crate::rehearsal::Rehearsal;
use crate::rows::{Rows, Share};
use crate::{LearnerError, State};

/// Samples, labels and logits of all replicas.
#[derive(Debug)]
pub(crate) struct StoredLogits {
    memory: Rehearsal,
    /// The slots that this step's new rows were given, `[R][rows]`.
    placed: Vec<Vec<Option<usize>>>,
    /// The stored logits of this step's draw, `[R, m, C]`.
    targets: Vec<f32>,
}

impl StoredLogits {
    /// An empty reservoir with room for one logit per output beside each sample.
    pub(crate) fn new(owner: &'static str, knobs: &Knobs, site: &Site) -> Self {
        let memory = Rehearsal::new(owner, knobs, "reservoir", site.classes, site);
        Self { memory, placed: Vec::new(), targets: Vec::new() }
    }

    /// The buffers.
    pub(crate) fn memory(&self) -> &Rehearsal {
        &self.memory
    }

    /// Appends up to `wanted` stored samples as the rows `id`, apart from the cross-entropy: [`StoredLogits::term`] is
    /// their loss.
    pub(crate) fn append(&mut self, site: &Site, rows: &mut Rows, wanted: usize, id: &'static str) {
        let (drawn, slots) = self.memory.draw(site, &rows.batch().active, wanted, "draw");
        self.targets = vec![0.0; site.replicas() * drawn.rows * site.classes];
        for (replica, slots) in slots.iter().enumerate() {
            for (row, slot) in slots.iter().enumerate() {
                let at = (replica * drawn.rows + row) * site.classes;
                self.targets[at..at + site.classes].copy_from_slice(self.memory.buffer(replica).extra(*slot));
            }
        }
        rows.append(id, &drawn, Share::Apart);
    }

    /// Offers the new rows; [`StoredLogits::keep`] adds their logits.
    pub(crate) fn offer(&mut self, site: &Site, rows: &Rows) {
        self.placed = self.memory.offer(site, rows.batch(), rows.new_rows());
    }

    /// α times the mean over the rows `id` and over all C outputs of (z − z′)², if such rows were appended. The mean over
    /// outputs is the authors' code's; the paper's eq. 5 has their sum, which is C times as much.
    pub(crate) fn term(&self, site: &Site, pass: &Pass<'_>, id: &'static str, alphas: &[f32]) -> Option<LogitTerm> {
        let range = pass.rows.segment(id)?;
        let (replicas, count, classes) = (site.replicas(), range.len(), site.classes);
        let mut shares = pass.rows.factors_in(range.clone());
        shares.iter_mut().enumerate().for_each(|(at, share)| *share *= alphas[at / count.max(1)] / classes as f32);
        let host = |values: Vec<f32>, last: usize| -> Tensor<3> {
            Tensor::from_data(TensorData::new(values, [replicas, count, last]), &site.device)
        };
        let now = pass.logits.clone().slice([0..replicas, range.clone(), 0..classes]);
        let difference = now - host(self.targets.clone(), classes);
        let slope = difference.clone() * host(shares, 1);
        let value = (difference * slope.clone()).sum_dim(2).sum_dim(1).reshape([replicas, 1]);
        Some(LogitTerm { id, value, first: range.start, gradient: slope * 2.0, inner: None })
    }

    /// Stores the logits of the new rows that were kept. They are read back from the device in steps that keep some.
    pub(crate) fn keep(&mut self, site: &Site, pass: &Pass<'_>) {
        let placed = std::mem::take(&mut self.placed);
        if placed.iter().flatten().all(Option::is_none) {
            return;
        }
        let (rows, classes) = (pass.rows.new_rows(), site.classes);
        let logits = read(&pass.logits.clone().slice([0..site.replicas(), 0..rows, 0..classes]));
        for (replica, slots) in placed.iter().enumerate() {
            // A later row may have taken an earlier one's slot; in this order it also has the last word.
            for (row, slot) in slots.iter().enumerate() {
                if let Some(slot) = slot {
                    let at = (replica * rows + row) * classes;
                    self.memory.buffer_mut(replica).set_extra(*slot, &logits[at..at + classes]);
                }
            }
        }
    }

    pub(crate) fn save(&self, state: &mut State) {
        self.memory.save(state);
    }

    pub(crate) fn load(&mut self, state: &State) -> Result<(), LearnerError> {
        self.memory.load(state)
    }
}
