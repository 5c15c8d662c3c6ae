//! Memories in depth and side by side: what is recalled in one layer is asked for in the next.
//!
//! Item i has a random code x_l,i in every layer l = 0 .. L; a code is H blocks of d_k entries, each a random unit vector.
//! Head h of layer l stores N pairs: block h of x_(l-1),i as the key, all of x_l,i as the value. Reading starts from the
//! true x_0,i; each layer's answer, the mean over its heads, is the next layer's query, as it is.
//!
//! **The error under Hebb's rule.** With X_l the codes as columns and G the Gram matrix of a block's keys, one head answers
//! X_l G a to a query that is X_(l-1) a, so that the answer of L layers is X_L P e_i, P the product of the layers' mean Gram
//! matrices M = (G_1 + ... + G_H) / H. Off its diagonal of ones, M has independent entries of mean 0 and variance
//! 1 / (H d_k); so E[M] = I and E[M M] = (1 + (N - 1) / (H d_k)) I, the entries off the diagonal averaging out because the
//! codes have no direction. The layers being independent, E[P] = I and E[P^T P] = (1 + (N - 1) / (H d_k))^L I, and the
//! relative squared error E|P e_i - e_i|^2 is
//!
//! (1 + (N - 1) / (H d_k))^L - 1.
//!
//! One layer of one head is the (N - 1) / d_k of the association bench. Errors compound with depth; H heads divide what
//! compounds by H. At a given total width H d_k heads gain nothing: it is the width that counts.

use mnemoscope_core::{Component, Kind, Knob, Registry, Scale};
use rayon::prelude::*;

use crate::pairs::{Gaussian, unit};
use crate::{Composition, MemoryError, Place};

/// The depth bench and its settings.
#[derive(Debug, Clone, Copy)]
pub struct Depths;

impl Registry for Depths {
    const NOUN: &'static str = "bench";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}

static KINDS: [Kind; 1] = [Kind {
    name: "depth",
    label: "Depth and heads",
    meaning: "What one memory recalls is the next one's query; several heads are averaged in each layer.",
    source: "derived in the lab for linear attention (Katharopoulos et al. 2020) with random codes",
    knobs: &KNOBS,
}];

static KNOBS: [Knob; 5] = [
    Knob::whole("pairs", "pairs", "N", 1, 128, 16, Scale::Log).meaning("pairs in every memory").live(),
    Knob::whole("d_k", "key size", "d_k", 2, 128, 64, Scale::Log).meaning("entries of a head's keys").live(),
    Knob::whole("layers", "layers", "L", 1, 8, 6, Scale::Linear).meaning("memories one after another").live(),
    Knob::whole("heads", "heads", "H", 1, 8, 1, Scale::Linear)
        .meaning("memories side by side in each layer, with keys of their own; their answers are averaged")
        .live(),
    Knob::whole("seed", "seed", "", 0, 1_000_000, 1, Scale::Linear).meaning("of the codes").live(),
];

/// The expected relative squared error of Hebb's rule after `layers` layers of `heads` heads; see the head of this file.
pub fn known_depth_error(pairs: usize, d_k: usize, layers: usize, heads: usize) -> f64 {
    let one = pairs.saturating_sub(1) as f64 / (heads.max(1) * d_k) as f64;
    (1.0 + one).powi(layers as i32) - 1.0
}

/// A memory that this bench cannot ask is refused: its codes are unit vectors with entries below 0.
///
/// # Errors
/// When the memory is one of distributions, or does not converge on unit keys.
pub fn check_depth(composition: &Composition) -> Result<(), MemoryError> {
    composition.check()?;
    if composition.keys_on_simplex() || composition.values_on_simplex() {
        let place = if composition.retention.name() == "kl" { Place::Retention } else { Place::Bias };
        let reason = "this memory is of distributions, and the depth bench's random codes have entries below 0: choose \
                      another bias or retention than KL, or the association bench";
        return Err(MemoryError::Together { place: place.path(), reason: reason.to_owned() });
    }
    composition.check_keys(1.0)
}

/// The relative squared error after each layer, `[layers]`: the sum over pairs of |answer - code|^2 over the sum of
/// |code|^2; of draw number `draw`.
///
/// # Errors
/// As [`check_depth`], and when there is no such memory for these sizes.
pub fn depth_errors(
    settings: &Component<Depths>,
    composition: &Composition,
    draw: u64,
) -> Result<Vec<f64>, MemoryError> {
    check_depth(composition)?;
    let (n, d_k) = (settings.whole("pairs"), settings.whole("d_k"));
    let (layers, heads, seed) = (settings.whole("layers"), settings.whole("heads"), settings.whole("seed") as u64);
    let width = heads * d_k;
    let mut source = Gaussian::new(seed, "depth codes", draw);
    let mut code = || -> Vec<f32> {
        let blocks = (0..n * heads).flat_map(|_| unit(source.by_ref().take(d_k)));
        blocks.map(|entry| entry as f32).collect()
    };
    let mut keys = code();
    let mut queries = keys.clone();
    (0..layers)
        .map(|layer| {
            let values = code();
            let mut answers = vec![0.0; n * width];
            for head in 0..heads {
                let place = [draw, layer as u64, head as u64].iter().fold(seed, |seed, part| seed * 31 + part);
                let mut memory = composition.build(d_k, width, place)?;
                let block = |rows: &[f32], i: usize| rows[i * width + head * d_k..][..d_k].to_vec();
                for i in 0..n {
                    memory.write(&block(&keys, i), &values[i * width..][..width]);
                }
                for (i, answer) in answers.chunks_exact_mut(width).enumerate() {
                    let one = memory.read(&block(&queries, i));
                    answer.iter_mut().zip(one).for_each(|(sum, o)| *sum += o / heads as f32);
                }
            }
            let error: f64 = answers.iter().zip(&values).map(|(o, x)| f64::from(o - x).powi(2)).sum();
            queries = answers;
            keys = values;
            let stored: f64 = keys.iter().map(|x| f64::from(*x).powi(2)).sum();
            Ok(error / stored)
        })
        .collect()
}

/// [`depth_errors`] of draws 0 to `draws`, `[draws][layers]`, over the process-wide thread pool; the answer does not
/// depend on its size.
///
/// # Errors
/// As [`depth_errors`].
pub fn depth_curves(
    settings: &Component<Depths>,
    composition: &Composition,
    draws: usize,
) -> Result<Vec<Vec<f64>>, MemoryError> {
    (0..draws as u64).into_par_iter().map(|draw| depth_errors(settings, composition, draw)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnemoscope_core::Setting;

    fn settings(of: &[(&str, f64)]) -> Component<Depths> {
        of.iter().fold(Component::of(&KINDS[0]), |settings, (name, value)| {
            settings.with(name, Setting::Number(*value)).unwrap()
        })
    }

    #[test]
    fn the_mean_error_of_hebb_in_depth_is_the_known_one() {
        for (layers, heads) in [(4, 1), (3, 2), (2, 4)] {
            let settings =
                settings(&[("pairs", 9.0), ("d_k", 24.0), ("layers", layers as f64), ("heads", heads as f64)]);
            let draws = 400;
            let curves = depth_curves(&settings, &Composition::default(), draws).unwrap();
            for layer in 0..layers {
                let errors: Vec<f64> = curves.iter().map(|curve| curve[layer]).collect();
                let (mean, sd) = crate::capacity::spread(&errors);
                let known = known_depth_error(9, 24, layer + 1, heads);
                let allowed = 4.0 * sd / (draws as f64).sqrt();
                assert!((mean - known).abs() <= allowed, "{layers} {heads} {layer}: {mean} {known} +- {allowed}");
            }
        }
    }

    #[test]
    fn what_is_known_begins_with_one_layer_and_compounds() {
        assert_eq!(known_depth_error(17, 16, 1, 1), 1.0);
        assert_eq!(known_depth_error(17, 16, 3, 1), 7.0);
        assert_eq!(known_depth_error(17, 16, 1, 4), 0.25);
        assert_eq!(known_depth_error(1, 16, 5, 1), 0.0);
    }

    #[test]
    fn memories_of_distributions_are_refused_with_their_place() {
        let memora = Composition::named().iter().find(|point| point.name == "memora").unwrap().composition();
        let error = depth_errors(&settings(&[]), &memora, 0).unwrap_err();
        assert_eq!(error.place(), "memory.retention");
        let kind = Place::Bias.kinds().iter().find(|kind| kind.name == "kl").unwrap();
        let softmax = Composition::default().with_kind(Place::Bias, kind).settled(Place::Bias);
        let error = check_depth(&softmax).unwrap_err();
        assert_eq!(error.place(), "memory.bias");
        assert!(error.to_string().contains("choose another bias"), "{error}");
    }

    #[test]
    fn memories_that_recall_exactly_stay_exact_in_depth() {
        let squares = Composition::named().iter().find(|point| point.name == "least_squares").unwrap().composition();
        let errors = depth_errors(&settings(&[("pairs", 8.0), ("d_k", 32.0), ("layers", 4.0)]), &squares, 0).unwrap();
        assert_eq!(errors.len(), 4);
        // The default ridge of 1e-3 leaves about its square.
        assert!(errors.iter().all(|error| *error < 1e-4), "{errors:?}");
    }
}
