//! What methods make of the answers inside a row: importances and distillation.

use mnemoscope_core::{Component, Knobs};

use super::*;
use crate::rows::Rows;
use crate::{Dense, Methods, TaskData, methods, objective};

/// The uniforms at which a model draws the data's own answers: in the middle of each one's part of 0..1.
fn drawing_the_data(network: &Network, layers: &[Dense], batch: &Batch) -> Vec<f32> {
    let trace = network.forward(layers, tensor(batch.x.clone(), T));
    let course = trace.course.unwrap();
    let (probabilities, next) = (vector(crate::softmax(&course.logits).probabilities), vector(course.tokens.next()));
    let of = |at: usize| {
        let code = &next[at * V..(at + 1) * V];
        let inside = code.iter().position(|one| *one > 0.0).unwrap_or(0);
        let answer = if at % T + 1 == T { batch.y[at / T] as usize } else { inside };
        let own = &probabilities[at * V..(at + 1) * V];
        own[..answer].iter().sum::<f32>() + 0.5 * own[answer]
    };
    (0..R * B * T).map(of).collect()
}

#[test]
fn importances_equal_one_by_one_backward_passes() {
    for (name, network) in forms() {
        let site = site(network.clone(), Head::All);
        let layers = network.layout.cut(&site.weights);
        let batch = Batch { weight: vec![1.0; R * B], ..batch() };
        let asked = batch.x.iter().filter(|x| x.fract() > 0.0).count();
        assert!(asked > R * B, "the rows have answers inside");
        let mut expected = vec![0.0f32; R * network.layout.parameters()];
        for row in 0..B {
            // The mean over one row's answers is the loss of a batch in which it alone has a weight.
            let weight = (0..R * B).map(|at| if at % B == row { 1.0 } else { 0.0 }).collect();
            let own = site.cross_entropy(&site.weights, &Batch { weight, ..batch.clone() }).1;
            expected.iter_mut().zip(vector(own)).for_each(|(sum, g)| *sum += g * g);
        }
        let uniforms = drawing_the_data(&network, &layers, &batch);
        let mean: Vec<f32> = vector(site.cross_entropy(&site.weights, &batch).1).iter().map(|g| g * g).collect();
        for (labels, expected) in [(Labels::True, &expected), (Labels::Sampled, &expected), (Labels::Batch, &mean)] {
            let found = vector(fisher(&network, &layers, &batch, None, labels, &uniforms));
            for (i, (a, b)) in found.iter().zip(expected).enumerate() {
                assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{name}, {labels:?}, {i}: {a} instead of {b}");
            }
        }
    }
}

/// A block without data.
struct Nothing;

impl TaskData for Nothing {
    fn len(&self, _replica: usize) -> usize {
        0
    }

    fn gather(&self, _rows: &[Vec<u32>]) -> Batch {
        Batch::default()
    }
}

#[test]
fn distillation_holds_every_answer() {
    let mut site = site(network(&[]), Head::All);
    let [_, p] = site.shape();
    let batch = Batch { weight: vec![1.0; R * B], ..batch() };
    let knobs = Knobs::uniform(&Component::<Methods>::new("lwf").unwrap(), R);
    let mut all = vec![methods::build(knobs, &site).unwrap()];
    let seen = vec![vec![1, 2, 3], vec![1, 3]];
    all[0].end_block(&site, &BlockInfo { seen: seen.clone(), ..BlockInfo::default() }, &Nothing);
    let logits = |site: &Site| {
        let trace = site.network.forward(&site.network.layout.cut(&site.weights), site.inputs(&batch));
        vector(trace.course.unwrap().logits)
    };
    let old = logits(&site);
    let now: Vec<f32> = numbers(R * p, 6);
    let mut told = |weights: &[f32]| {
        site.weights = Tensor::from_data(TensorData::new(weights.to_vec(), [R, p]), &site.device);
        let rows = Rows::new(batch.clone(), R, T, V).unwrap();
        let (values, gradient) = objective::descend(&site, &mut all, rows, None);
        let losses = values.read(&[]);
        let place = losses.ids.iter().position(|id| *id == "lwf").unwrap();
        (losses.terms[place].clone(), losses.total, vector(gradient), logits(&site))
    };
    let (value, _, gradient, new) = told(&now);

    // T² KL of the softened outputs over the classes seen, at each answer; their mean in each row, and over rows.
    const TEMPERATURE: f64 = 2.0;
    let softened = |z: &[f32], classes: &[u16]| {
        let z: Vec<f64> = classes.iter().map(|class| f64::from(z[usize::from(*class)]) / TEMPERATURE).collect();
        let sum: f64 = z.iter().map(|z| z.exp()).sum();
        z.into_iter().map(move |z| z.exp() / sum).collect::<Vec<_>>()
    };
    for replica in 0..R {
        let row = |row: usize| {
            let answered: Vec<usize> =
                (row * T..(row + 1) * T).filter(|at| at % T + 1 == T || batch.x[*at].fract() > 0.0).collect();
            let of = |at: usize| -> f64 {
                let [q, p] = [&old, &new].map(|z| softened(&z[at * V..(at + 1) * V], &seen[replica]));
                q.iter().zip(&p).map(|(q, p)| q * (q / p).ln()).sum::<f64>() * TEMPERATURE * TEMPERATURE
            };
            answered.iter().map(|at| of(*at)).sum::<f64>() / answered.len() as f64
        };
        let expected = (replica * B..(replica + 1) * B).map(row).sum::<f64>() / B as f64;
        assert!((f64::from(value[replica]) - expected).abs() < 1e-4, "{} instead of {expected}", value[replica]);
    }

    for i in (0..p).step_by(7) {
        let mut difference = |by: f32| {
            let [above, below] = [by, -by].map(|by| {
                let mut moved = now.clone();
                (0..R).for_each(|replica| moved[replica * p + i] += by);
                told(&moved).1
            });
            (0..R).map(|replica| (above[replica] - below[replica]) / (2.0 * by)).collect::<Vec<_>>()
        };
        let (near, far) = (difference(1e-2), difference(2e-2));
        for replica in 0..R {
            let (numeric, own) = ((4.0 * near[replica] - far[replica]) / 3.0, gradient[replica * p + i]);
            assert!((numeric - own).abs() < 3e-3 * (1.0 + own.abs()), "weight {i}: {numeric} {own}");
        }
    }
}
