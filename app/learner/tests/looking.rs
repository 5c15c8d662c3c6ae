//! Looking into trained sequence models: what a look says adds up to what the model answers, a masked head is one whose
//! output weights are 0, and attention that is read by something else is the same attention.

mod common;

use common::*;
use mnemoscope_core::Setting;
use mnemoscope_learner::{Attend, Learner, LearnerError};
use mnemoscope_memory::cache::Call;

const SEEDS: [u64; 2] = [5, 8];
/// Layers and heads of the models here; a head has two numbers.
const LAYERS: usize = 2;
const HEADS: usize = 3;
const D: usize = 2;

/// A row with a filler in front, and one without.
const ROWS: [[f32; FEATURES]; 2] = [[0.0, 2.0, 3.5, 1.0, 5.0, 4.5], [1.0, 2.0, 3.0, 1.0, 2.5, 3.0]];

fn trained(memory: &'static str, settings: &[(&str, Setting)]) -> Learner {
    let sizes = [("layers", number(LAYERS as f64)), ("heads", number(HEADS as f64)), ("width", number(6.0))];
    let mut setup = Setup::new();
    setup.model = component("sequence", &[&sizes, settings].concat());
    setup.memory = memory;
    let mut learner = setup.learner(&SEEDS);
    drive(&mut learner, &SEEDS, 0, 2 * BLOCK);
    learner
}

fn close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{what}: {a} instead of {b}");
    }
}

#[test]
fn a_look_adds_up_to_what_the_model_answers() {
    let learned = [("gates", word("learned")), ("unit", Setting::Switch(true))];
    for (memory, settings) in [
        ("softmax_attention", &[][..]),
        ("linear_attention", &[("features", word("elu"))]),
        ("gated_linear_attention", &learned),
        ("gated_delta_rule", &learned),
        ("titans_matrix", &learned),
        ("least_squares", &[]),
        ("yaad", &[]),
    ] {
        let learner = trained(memory, settings);
        let answers = learner.logits(&learner.evaluator(ROWS.concat(), 2, true));
        for (replica, (at, row)) in (0..2).flat_map(|replica| ROWS.iter().enumerate().map(move |row| (replica, row))) {
            let look = learner.look(replica, row).unwrap();
            assert_eq!(learner.frozen().unwrap().look(replica, row).unwrap(), look);
            assert_eq!((look.layers.len(), look.layers[0].heads.len()), (LAYERS, HEADS));
            let last = &look.logits[(FEATURES - 1) * CLASSES..];
            close(last, &answers[(replica * 2 + at) * CLASSES..][..CLASSES], memory);
            for (layer, heads) in look.layers.iter().enumerate() {
                for (head, own) in heads.heads.iter().enumerate() {
                    if memory == "yaad" {
                        assert!(own.attention.is_empty(), "writes that are not linear have no weights");
                    } else {
                        let read = own.attention.chunks(FEATURES).flat_map(|weights| {
                            (0..D).map(|n| weights.iter().enumerate().map(|(i, w)| w * own.v[i * D + n]).sum::<f32>())
                        });
                        close(&read.collect::<Vec<_>>(), &own.out, memory);
                    }
                    for t in 0..FEATURES {
                        let Some(state) = look.state(layer, head, t + 1) else {
                            assert_eq!(memory, "softmax_attention");
                            continue;
                        };
                        let asked = &own.q[t * D..(t + 1) * D];
                        let read: Vec<f32> =
                            state.chunks(D).map(|row| row.iter().zip(asked).map(|(s, q)| s * q).sum()).collect();
                        close(&read, &own.out[t * D..(t + 1) * D], memory);
                    }
                }
            }
        }
        assert!(learner.look(0, &ROWS[0]).unwrap().state(LAYERS, 0, 1).is_none());
    }
}

#[test]
fn a_masked_head_is_one_without_output_weights() {
    for memory in ["softmax_attention", "delta_rule"] {
        let mut learner = trained(memory, &[("perceptron", number(0.0)), ("positions", word("none"))]);
        let set = learner.evaluator(ROWS.concat(), 2, true);
        let plain = learner.logits(&set);
        assert_eq!(bits(&learner.logits_masked(&set, &[]).unwrap()), bits(&plain));
        let masked = learner.logits_masked(&set, &[(1, 2), (0, 0)]).unwrap();
        assert!(furthest(&masked, &plain) > 1e-4, "{memory}: heads matter");
        // Embedding, then per layer projections, and the output's weights with a row per number of a head.
        let (embedding, projection, output) = (CLASSES * 6, 6 * 18, 6 * 6 + 6);
        let p = learner.parameters();
        let mut state = learner.save();
        for weights in state.reals.get_mut("weights").unwrap().values.chunks_mut(p) {
            for (layer, head) in [(1, 2), (0, 0)] {
                let start = embedding + layer * (projection + output) + projection + head * D * 6;
                weights[start..start + D * 6].fill(0.0);
            }
        }
        learner.load(&state).unwrap();
        close(&masked, &learner.logits(&learner.evaluator(ROWS.concat(), 2, true)), memory);
    }
}

/// Softmax attention in plain loops.
struct Plain {
    calls: Vec<(usize, usize)>,
}

impl Attend for Plain {
    fn attend(&mut self, replica: usize, call: &Call<'_>) -> Vec<f32> {
        self.calls.push((replica, call.layer));
        let (steps, d) = (call.shape.steps, call.shape.d_k);
        let mut out = vec![0.0; call.v.len()];
        for lane in 0..call.shape.rows * call.shape.heads {
            let at = |t: usize| (lane * steps + t) * d..(lane * steps + t + 1) * d;
            let start = call.starts[lane / call.shape.heads];
            for t in start..steps {
                let score = |i: usize| {
                    let product: f32 = call.q[at(t)].iter().zip(&call.k[at(i)]).map(|(q, k)| q * k).sum();
                    (call.scale * product).exp() * call.decay.powi((t - i) as i32)
                };
                let sum: f32 = (start..=t).map(score).sum();
                for i in start..=t {
                    let value = &call.v[at(i)];
                    out[at(t)].iter_mut().zip(value).for_each(|(out, v)| *out += score(i) / sum * v);
                }
            }
        }
        out
    }
}

#[test]
fn attention_read_by_something_else_is_the_same_attention() {
    let learner = trained("softmax_attention", &[("unit", Setting::Switch(true)), ("shift", number(1.0))]);
    let set = learner.evaluator(ROWS.concat(), 2, true);
    let mut plain = Plain { calls: Vec::new() };
    close(&learner.logits_with(&set, &mut plain).unwrap(), &learner.logits(&set), "plain loops");
    assert_eq!(plain.calls, [(0, 0), (0, 1), (1, 0), (1, 1)], "every layer of every replica");
}

#[test]
fn what_cannot_be_looked_into_is_refused() {
    let mlp = Setup::new().learner(&SEEDS);
    assert_eq!(mlp.look(0, &ROWS[0]), Err(LearnerError::NoSequence));
    assert!(mlp.frozen().is_err());
    let delta = trained("delta_rule", &[]);
    let set = delta.evaluator(ROWS.concat(), 2, true);
    assert_eq!(delta.logits_with(&set, &mut Plain { calls: Vec::new() }), Err(LearnerError::NoPairs));
    assert!(delta.look(0, &[1.0]).is_err() && delta.look(2, &ROWS[0]).is_err());
}
