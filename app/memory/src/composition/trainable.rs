//! Which composed memories a sequence model can be trained through, and why not the others.

use super::{Composition, Place};
use crate::mixer::{Fade, Mixer};
use crate::rule::Step;
use crate::scan::{Bias, Form};
use crate::{MemoryError, bias::Loss};

impl Composition {
    /// This memory with its numbers, as a sequence model trains through it: softmax attention, or a matrix whose writes
    /// have an adjoint in [`scan`](crate::scan).
    ///
    /// # Errors
    /// When the choices do not go together, or one of them has no way back here.
    pub fn trainable(&self) -> Result<Mixer, MemoryError> {
        self.check()?;
        if self.architecture.name() == "key_value_list" { self.softmax() } else { self.written() }
    }

    fn softmax(&self) -> Result<Mixer, MemoryError> {
        if self.retention.name() == "bounded_cache" {
            return refuse(
                Place::Retention,
                "which pair a bounded cache evicts has no slope: train without one, and evict from the trained model",
            );
        }
        let reading = self.reading();
        if reading.linear.is_some() {
            return refuse(
                Place::Rule,
                "a fit per query has no adjoint here: choose the order constant, which is softmax attention",
            );
        }
        Ok(Mixer::Softmax {
            inverse_temperature: reading.inverse_temperature,
            unit: reading.unit,
            decay: reading.log_decay.exp(),
        })
    }

    fn written(&self) -> Result<Mixer, MemoryError> {
        if self.architecture.name() != "matrix" {
            return refuse(
                Place::Architecture,
                "this architecture's writes have no adjoint here: choose the matrix or the list of pairs",
            );
        }
        if self.rule.name() == "least_squares" {
            if self.rule.whole("chunk") > 1 {
                return refuse(Place::Rule, "least squares is trained step by step here: set its chunk to 1");
            }
            if self.rule.real("forgetting") < 1.0 {
                return refuse(
                    Place::Rule,
                    "the recursion that is trained through fades its ridge with the pairs and loses its precision in \
                     directions that no key spans: set forgetting to 1",
                );
            }
            return Ok(Mixer::Scan {
                form: Form::LeastSquares { ridge: self.rule.real("ridge") as f32 },
                strength: None,
                fade: Fade::None,
                momentum: None,
            });
        }
        let bias = match Loss::of(&self.bias) {
            Loss::Dot => Bias::Dot,
            Loss::Squared => Bias::Squared,
            Loss::Lp { p } => Bias::Lp { p },
            Loss::Huber { delta } => Bias::Huber { delta },
            Loss::Kl => {
                return refuse(
                    Place::Bias,
                    "the KL bias has no adjoint here: choose dot product, squared error, L_p or Huber",
                );
            }
        };
        let fade = match self.retention.name() {
            "none" => Fade::None,
            "decay" => factor(self.retention.real("gamma")),
            "gate" => Fade::Channels { low: self.retention.real("low"), high: self.retention.real("high") },
            "kl" => {
                return refuse(Place::Retention, "the KL retention has no adjoint here: choose none, decay or a gate");
            }
            _ => {
                return refuse(Place::Retention, "shrinkage has no adjoint here: choose none, decay or a gate");
            }
        };
        let (strength, at_decayed, momentum) = match Step::of(&self.rule) {
            Step::Gradient { at_decayed, .. } if self.rule.name() == "outer_product" => (None, at_decayed, None),
            Step::Gradient { beta, at_decayed } => (Some(beta), at_decayed, None),
            Step::Momentum { theta, eta } => (Some(theta), false, Some(eta)),
            Step::Several { .. } => {
                return refuse(Place::Rule, "several steps have no adjoint here: choose one gradient step");
            }
        };
        let form = Form::Gradient { bias, error_at_decayed: at_decayed, momentum: momentum.is_some() };
        Ok(Mixer::Scan { form, strength, fade, momentum })
    }
}

fn factor(part: f64) -> Fade {
    if part < 1.0 { Fade::Factor(part as f32) } else { Fade::None }
}

fn refuse(place: Place, reason: &str) -> Result<Mixer, MemoryError> {
    Err(MemoryError::Together { place: place.path(), reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    use mnemoscope_core::{Component, Setting, random};
    use rand::RngExt as _;

    use super::*;
    use crate::scan::{self, Inputs, Shape};

    const STEPS: usize = 6;
    const D: usize = 3;

    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut random = random::stream(seed, "trainable test", &[]);
        (0..count).map(|_| random.random::<f32>() - 0.5).collect()
    }

    /// What the memory recalls after each write, written pair by pair.
    fn built(composition: &Composition, q: &[f32], k: &[f32], v: &[f32]) -> Vec<f32> {
        let mut memory = composition.build(D, D, 0).unwrap();
        let pairs = q.chunks(D).zip(k.chunks(D)).zip(v.chunks(D));
        pairs
            .flat_map(|((q, k), v)| {
                memory.write(k, v);
                memory.read(q)
            })
            .collect()
    }

    #[test]
    fn a_scan_recalls_what_the_memory_itself_recalls() {
        let (q, k, v) = (numbers(STEPS * D, 1), numbers(STEPS * D, 2), numbers(STEPS * D, 3));
        let mut scanned = Vec::new();
        for point in Composition::named() {
            let composition = point.composition();
            let Ok(Mixer::Scan { form, strength, fade, momentum }) = composition.trainable() else { continue };
            let all = |value: Option<f32>| value.map_or(Vec::new(), |value| vec![value; STEPS]);
            let (strength, momentum, retention) = (all(strength), all(momentum), fade.parts(D).repeat(STEPS));
            let inputs =
                Inputs { q: &q, k: &k, v: &v, strength: &strength, retention: &retention, momentum: &momentum };
            let shape = Shape { lanes: 1, steps: STEPS, d_k: D, d_v: D, chunk: 4 };
            let found = scan::forward(form, shape, &inputs).out;
            for (a, b) in found.iter().zip(built(&composition, &q, &k, &v)) {
                assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{}: {a} instead of {b}", point.name);
            }
            scanned.push(point.name);
        }
        for name in ["linear_attention", "retnet", "gated_linear_attention", "delta_rule", "gated_delta_rule"] {
            assert!(scanned.contains(&name), "{name} is trainable");
        }
    }

    #[test]
    fn what_has_no_way_back_is_refused_at_its_place() {
        let kind = |place: Place, name: &str| {
            let kind = place.kinds().iter().find(|kind| kind.name == name).unwrap();
            Composition::default().with_kind(place, kind).settled(place)
        };
        for (place, name) in [
            (Place::Retention, "kl"),
            (Place::Retention, "shrinkage"),
            (Place::Retention, "bounded_cache"),
            (Place::Rule, "several_steps"),
            (Place::Bias, "kl"),
        ] {
            let error = kind(place, name).trainable().unwrap_err().to_string();
            assert!(error.starts_with(place.path()) && error.split(' ').count() > 6, "{name}: {error}");
        }
        let mut chunked = kind(Place::Rule, "least_squares");
        assert!(chunked.trainable().is_ok());
        chunked.rule.set("chunk", Setting::Number(4.0)).unwrap();
        assert!(chunked.trainable().unwrap_err().to_string().starts_with("memory.rule"));
        let mut linear = kind(Place::Rule, "local_regression");
        assert!(matches!(linear.trainable(), Ok(Mixer::Softmax { decay: 1.0, .. })));
        linear.rule =
            Component::new("local_regression").unwrap().with("order", Setting::Text("linear".to_owned())).unwrap();
        assert!(linear.trainable().unwrap_err().to_string().starts_with("memory.rule"));
    }
}
