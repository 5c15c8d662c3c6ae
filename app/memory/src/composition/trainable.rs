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
        if let Some(reason) = no_way_back(self.architecture.name()) {
            return refuse(Place::Architecture, &format!("{reason}: choose the matrix or the list of pairs"));
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
            Loss::Kl => Bias::Kl,
        };
        let fade = match self.retention.name() {
            "none" => Fade::None,
            "decay" => factor(self.retention.real("gamma")),
            "gate" => Fade::Channels { low: self.retention.real("low"), high: self.retention.real("high") },
            "kl" => {
                return refuse(
                    Place::Retention,
                    "the scans keep a matrix, and the KL retention keeps the logarithm of a distribution: choose none, \
                     decay or a gate",
                );
            }
            _ => {
                return refuse(
                    Place::Retention,
                    "a step of the scans keeps a part of each cell, and shrinkage is not linear in them: choose none, \
                     decay or a gate",
                );
            }
        };
        let single = |error_at_decayed, momentum| Form::Gradient { bias, error_at_decayed, momentum };
        let (form, strength, momentum) = match Step::of(&self.rule) {
            Step::Gradient { at_decayed, .. } if self.rule.name() == "outer_product" => {
                (single(at_decayed, false), None, None)
            }
            Step::Gradient { beta, at_decayed } => (single(at_decayed, false), Some(beta), None),
            Step::Momentum { theta, eta } => (single(false, true), Some(theta), Some(eta)),
            Step::Several { steps, beta } => (Form::Several { bias, steps }, Some(beta), None),
        };
        Ok(Mixer::Scan { form, strength, fade, momentum })
    }
}

/// Why there is no way back through the writes of an architecture; none of a matrix.
fn no_way_back(architecture: &str) -> Option<&'static str> {
    match architecture {
        "matrix" => None,
        "mlp" => Some("a write is itself a gradient through the network, and the scans have no second derivatives"),
        "codebook" => Some("which code is nearest has no slope"),
        "chunks" => Some("which chunks are read has no slope"),
        "hybrid" => Some("which pairs are stored has no slope"),
        "gated_matrix" => Some("the scans do not divide by what was written"),
        "cached" => Some("the scans keep one state and none of earlier segments"),
        _ => Some("the scans do not rebuild the past that it attends to"),
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

    const STEPS: usize = 256;
    const KEYS: usize = 8;
    const D: usize = 16;

    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut random = random::stream(seed, "trainable test", &[]);
        (0..count).map(|_| random.random::<f32>() - 0.5).collect()
    }

    /// Rows of length 1.
    fn directions(rows: usize, seed: u64) -> Vec<f32> {
        let mut all = numbers(rows * D, seed);
        for row in all.chunks_mut(D) {
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            for x in row {
                *x /= length;
            }
        }
        all
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

    /// Eight keys of sixteen dimensions, written 32 times each with ever other values, and asked in all directions.
    fn recalls_the_same(composition: &Composition, what: &str) {
        let q = directions(STEPS, 1);
        let k = directions(KEYS, 2).repeat(STEPS / KEYS);
        let mut v = numbers(STEPS * D, 3);
        if composition.values_on_simplex() {
            v.chunks_mut(D).for_each(|row| {
                let sum: f32 = row.iter().map(|x| x + 0.5).sum();
                for x in row {
                    *x = (*x + 0.5) / sum;
                }
            });
        }
        let Ok(Mixer::Scan { form, strength, fade, momentum }) = composition.trainable() else {
            panic!("{what} is no scan");
        };
        let all = |value: Option<f32>| value.map_or(Vec::new(), |value| vec![value; STEPS]);
        let (strength, momentum, retention) = (all(strength), all(momentum), fade.parts(D).repeat(STEPS));
        let inputs = Inputs { q: &q, k: &k, v: &v, strength: &strength, retention: &retention, momentum: &momentum };
        let shape = Shape { lanes: 1, steps: STEPS, d_k: D, d_v: D, chunk: 16 };
        let found = scan::forward(form, shape, &inputs).out;
        for (at, (a, b)) in found.iter().zip(built(composition, &q, &k, &v)).enumerate() {
            assert!((a - b).abs() < 1e-3 * (1.0 + b.abs()), "{what}, step {}: {a} instead of {b}", at / D);
        }
    }

    #[test]
    fn a_scan_recalls_what_the_memory_itself_recalls() {
        let scanned = [
            "linear_attention",
            "retnet",
            "gated_linear_attention",
            "delta_rule",
            "gated_delta_rule",
            "titans_matrix",
            "yaad",
            "least_squares",
        ];
        for point in Composition::named() {
            let mixer = point.composition().trainable();
            assert_eq!(matches!(mixer, Ok(Mixer::Scan { .. })), scanned.contains(&point.name), "{}", point.name);
        }
        for name in scanned {
            let point = Composition::named().iter().find(|point| point.name == name).unwrap();
            recalls_the_same(&point.composition(), name);
        }
    }

    /// A kind of each place with knobs at the ends of what converges.
    #[test]
    fn scans_recall_the_same_at_the_corners() {
        let composed = |bias: &str, retention: &str, rule: &str, knobs: &[(Place, &str, f64)]| {
            let mut all = Composition {
                bias: Component::new(bias).unwrap(),
                retention: Component::new(retention).unwrap(),
                rule: Component::new(rule).unwrap(),
                ..Composition::default()
            };
            for (place, name, value) in knobs {
                let value = Setting::Number(*value);
                match place {
                    Place::Bias => all.bias.set(name, value).unwrap(),
                    Place::Retention => all.retention.set(name, value).unwrap(),
                    _ => all.rule.set(name, value).unwrap(),
                }
            }
            all.check_keys(1.0).unwrap();
            recalls_the_same(&all, &format!("{bias}, {retention}, {rule}, {knobs:?}"));
        };
        let (bias, retention, rule) = (Place::Bias, Place::Retention, Place::Rule);
        for beta in [0.01, 1.99] {
            composed("squared_error", "none", "gradient_step", &[(rule, "beta", beta)]);
            composed("squared_error", "decay", "gradient_step", &[(rule, "beta", beta), (retention, "gamma", 0.5)]);
            composed("huber", "decay", "gradient_step", &[(rule, "beta", beta), (bias, "delta", 0.01)]);
            composed("kl", "gate", "gradient_step", &[(rule, "beta", beta)]);
            composed("squared_error", "gate", "several_steps", &[(rule, "beta", beta), (rule, "steps", 16.0)]);
        }
        composed("lp", "decay", "gradient_step", &[(bias, "p", 1.0), (rule, "beta", 0.1)]);
        composed("lp", "none", "gradient_step", &[(bias, "p", 4.0), (rule, "beta", 0.1)]);
        composed("kl", "decay", "several_steps", &[(rule, "steps", 3.0)]);
        composed("huber", "none", "several_steps", &[(rule, "steps", 2.0)]);
        composed("squared_error", "none", "momentum", &[(rule, "theta", 0.1), (rule, "eta", 0.9)]);
        composed("kl", "decay", "momentum", &[(rule, "theta", 0.5), (rule, "eta", 0.5)]);
        for ridge in [1e-3, 10.0] {
            composed("squared_error", "none", "least_squares", &[(rule, "ridge", ridge)]);
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
            (Place::Architecture, "mlp"),
            (Place::Architecture, "codebook"),
            (Place::Architecture, "gated_matrix"),
        ] {
            let error = kind(place, name).trainable().unwrap_err().to_string();
            assert!(error.starts_with(place.path()) && error.split(' ').count() > 6, "{name}: {error}");
        }
        let mut chunked = kind(Place::Rule, "least_squares");
        assert!(chunked.trainable().is_ok());
        chunked.rule.set("chunk", Setting::Number(4.0)).unwrap();
        assert!(chunked.trainable().unwrap_err().to_string().starts_with("memory.rule"));
        let mut fading = kind(Place::Rule, "least_squares");
        fading.rule.set("forgetting", Setting::Number(0.99)).unwrap();
        assert!(fading.trainable().unwrap_err().to_string().contains("set forgetting to 1"));
        let mut linear = kind(Place::Rule, "local_regression");
        assert!(matches!(linear.trainable(), Ok(Mixer::Softmax { decay: 1.0, .. })));
        linear.rule =
            Component::new("local_regression").unwrap().with("order", Setting::Text("linear".to_owned())).unwrap();
        assert!(linear.trainable().unwrap_err().to_string().starts_with("memory.rule"));
    }
}
