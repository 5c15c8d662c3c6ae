//! The diagonal Fisher information of an ended block, and the knobs of methods that use it.

use burn::tensor::Tensor;
use mnemoscope_core::{Knob, Knobs, Opt, Scale, random};
use rand::RngExt as _;

use crate::importance::{CHUNK, choose, mean, sum};
use crate::method::Site;
use crate::taps::{self, Labels};
use crate::{BlockInfo, TaskData};

static LABELS: [Opt; 4] = [
    Opt {
        name: "expected",
        label: "All classes",
        meaning: "The exact diagonal Fisher information: squared gradients of log p(c), weighted by p(c), all c; of a row of tokens at its last answer.",
    },
    Opt { name: "sampled", label: "Sampled", meaning: "One label per sample, drawn from the model's own prediction." },
    Opt { name: "true", label: "True labels", meaning: "The empirical Fisher: the data's labels." },
    Opt {
        name: "batch",
        label: "Squared batch gradient",
        meaning: "Squares of mini-batch mean gradients: what some tools compute; not a Fisher information.",
    },
];

/// Whose log-likelihood is differentiated.
pub(crate) const FISHER_LABELS: Knob = Knob::choice("fisher_labels", "Labels of F", &LABELS, "expected")
    .meaning("Where the labels come from whose log-likelihood is differentiated for F; of a row of tokens its mean over the answers.")
    .source("Kunstner et al. 2019; van de Ven 2025");

/// Rows of each mean gradient when F is the squared batch gradient.
pub(crate) const FISHER_BATCH: Knob = Knob::whole("fisher_batch", "Batch for F", "b", 1, 4096, 16, Scale::Log)
    .unit("samples")
    .meaning("Rows of each mean gradient; used when F is the squared batch gradient.")
    .source("Kunstner et al. 2019, section 2")
    .live();

/// F at the present weights, `[R, P]`: the mean over the block's samples, or for [`Labels::Batch`] over its batches, of
/// [`taps::fisher`]. The knobs are [`FISHER_LABELS`], [`FISHER_BATCH`] and [`SAMPLES`](crate::importance::SAMPLES).
pub(crate) fn information(knobs: &Knobs, site: &Site, info: &BlockInfo, data: &dyn TaskData) -> Tensor<2> {
    let labels = Labels::named(knobs.text("fisher_labels"));
    let size = if labels == Labels::Batch { knobs.whole("fisher_batch") } else { CHUNK };
    let chosen = choose(site, info, data, knobs.whole("samples"));
    let total = sum(site, data, &chosen, size, |layers, batch, start| {
        let mut uniforms = Vec::new();
        if labels == Labels::Sampled {
            for seed in &site.seeds {
                let place = [*seed, info.block as u64, start as u64];
                let mut random = random::stream(site.seed, "fisher labels", &place);
                uniforms.extend((0..batch.rows * site.network.answers()).map(|_| random.random::<f32>()));
            }
        }
        let mask = site.head.of(batch, &site.device);
        taps::fisher(&site.network, layers, batch, mask.as_ref(), labels, &uniforms)
    });
    let parts = chosen.iter().map(|all| if labels == Labels::Batch { all.len().div_ceil(size) } else { all.len() });
    mean(total, parts)
}
