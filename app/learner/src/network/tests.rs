use burn::tensor::{Device, Tensor, TensorData, activation};
use proptest::prelude::*;

use super::*;
use crate::flat::Size;
use crate::test_support::{numbers, vector};

const FEATURES: usize = 3;
const CLASSES: usize = 2;
const ROWS: usize = 5;
const SCALE: f32 = 3.0;

/// A perceptron with or without layer normalisation, a cosine classifier, and a frozen trunk.
fn network(widths: &[usize], activation: Activation, norm: bool, cosine: bool, frozen: bool) -> Network {
    let mut network = Network::dense(FEATURES, widths, CLASSES, activation);
    let sizes = network.layout.layers().iter().enumerate().map(|(at, layer)| Size {
        inputs: layer.inputs,
        outputs: layer.outputs,
        places: 1,
        bias: !cosine || at < widths.len(),
    });
    network.layout = Layout::new(&sizes.collect::<Vec<_>>());
    network.norm = norm;
    network.cosine = cosine.then_some(SCALE);
    network.first = if frozen { widths.len() } else { 0 };
    network
}

/// Inputs, and a loss that weighs every logit and every feature differently.
struct Case {
    replicas: usize,
    x: Vec<f32>,
    logits: Vec<f32>,
    features: Vec<f32>,
}

impl Case {
    fn new(network: &Network, replicas: usize, seed: u64) -> Self {
        let rows = replicas * ROWS;
        Self {
            replicas,
            x: numbers(rows * FEATURES, seed + 1),
            logits: numbers(rows * CLASSES, seed + 2),
            features: numbers(rows * network.feature_width(), seed + 3),
        }
    }

    fn tensor(&self, values: &[f32], device: &Device) -> Tensor<3> {
        let last = values.len() / (self.replicas * ROWS);
        Tensor::from_data(TensorData::new(values.to_vec(), [self.replicas, ROWS, last]), device)
    }

    /// The written-out gradient, `[R, P]`.
    fn gradient(&self, network: &Network, weights: &[f32]) -> Vec<f32> {
        let device = Device::flex();
        let flat = Tensor::<2>::from_data(
            TensorData::new(weights.to_vec(), [self.replicas, network.layout.parameters()]),
            &device,
        );
        let layers = network.layout.cut(&flat);
        let trace = network.forward(&layers, self.tensor(&self.x, &device));
        let (logits, features) = (self.tensor(&self.logits, &device), self.tensor(&self.features, &device));
        let deltas = network.deltas_with(&layers, &trace, logits, Some(features));
        vector(network.gradient(&trace, deltas))
    }

    /// The loss, from the forward passes alone.
    fn loss(&self, network: &Network, weights: &[f32]) -> f64 {
        let device = Device::flex();
        let flat = Tensor::<2>::from_data(
            TensorData::new(weights.to_vec(), [self.replicas, network.layout.parameters()]),
            &device,
        );
        let layers = network.layout.cut(&flat);
        let x = self.tensor(&self.x, &device);
        let logits = vector(network.logits(&layers, x.clone()));
        let features = vector(network.features(&layers, x));
        let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum() };
        dot(&logits, &self.logits) + dot(&features, &self.features)
    }
}

/// The same loss recorded by burn's autodiff; 0 where nothing trains.
fn by_autodiff(case: &Case, network: &Network, weights: &[f32]) -> Vec<f32> {
    let graph = Device::flex().autodiff();
    let (replicas, p) = (case.replicas, network.layout.parameters());
    let leaf = Tensor::<2>::from_data(TensorData::new(weights.to_vec(), [replicas, p]), &graph).require_grad();
    let length = |v: Tensor<3>, axis: usize| (v.square().sum_dim(axis) + 1e-8).sqrt();
    let mut a = case.tensor(&case.x, &graph);
    let mut features = a.clone();
    for (index, layer) in network.layout.layers().iter().enumerate() {
        let part = |range: &Range<usize>, rows: usize| {
            leaf.clone().slice([0..replicas, range.clone()]).reshape([replicas, rows, layer.outputs])
        };
        let weight = part(&layer.weight, layer.inputs);
        if index + 1 == network.layout.layers().len() {
            features = a.clone();
            a = match network.cosine {
                Some(scale) => {
                    let (a_length, w_length) = (length(a.clone(), 2), length(weight.clone(), 1));
                    (a / a_length).matmul(weight / w_length) * scale
                }
                None => a.matmul(weight) + part(&layer.bias, 1),
            };
            break;
        }
        a = a.matmul(weight) + part(&layer.bias, 1);
        if network.norm {
            let centred = a.clone() - a.mean_dim(2);
            a = centred.clone() / (centred.square().mean_dim(2) + 1e-5).sqrt();
        }
        a = match network.activation {
            Activation::Relu => activation::relu(a),
            Activation::Tanh => a.tanh(),
            Activation::Gelu => activation::gelu(a),
        };
    }
    let loss = (a * case.tensor(&case.logits, &graph)).sum() + (features * case.tensor(&case.features, &graph)).sum();
    let mut all = vector(leaf.grad(&loss.backward()).unwrap());
    let still = network.trainable().start;
    all.chunks_mut(p).for_each(|own| own[..still].fill(0.0));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_backward_pass_agrees_with_autodiff(
        widths in prop::collection::vec(2usize..6, 0..4), seed in 0u64..1000, which in 0usize..3, replicas in 1usize..4,
        norm: bool, cosine: bool, frozen: bool,
    ) {
        let activation = [Activation::Relu, Activation::Tanh, Activation::Gelu][which];
        let network = network(&widths, activation, norm, cosine, frozen);
        let weights = numbers(replicas * network.layout.parameters(), seed);
        let case = Case::new(&network, replicas, seed);
        let (ours, theirs) = (case.gradient(&network, &weights), by_autodiff(&case, &network, &weights));
        prop_assert_eq!(ours.len(), theirs.len());
        let largest = theirs.iter().fold(1.0f32, |most, g| most.max(g.abs()));
        for (a, b) in ours.iter().zip(&theirs) {
            prop_assert!((a - b).abs() <= 2e-5 * largest, "{a} {b}");
        }
    }
}

#[test]
fn the_backward_pass_agrees_with_finite_differences() {
    for (norm, cosine) in [(false, false), (false, true), (true, false), (true, true)] {
        let network = network(&[4, 3], Activation::Tanh, norm, cosine, false);
        let weights = numbers(network.layout.parameters(), 5);
        let case = Case::new(&network, 1, 6);
        let gradient = case.gradient(&network, &weights);
        for i in 0..weights.len() {
            let shifted = |by: f32| {
                let mut weights = weights.clone();
                weights[i] += by;
                case.loss(&network, &weights)
            };
            let numeric = (shifted(4e-3) - shifted(-4e-3)) / 8e-3;
            // f32 forward passes: rounding is of the order 1e-4, truncation less.
            let apart = (numeric - f64::from(gradient[i])).abs();
            assert!(apart < 5e-3 * (1.0 + numeric.abs()), "{norm} {cosine} {i}: {numeric} {}", gradient[i]);
        }
    }
}

#[test]
fn the_cosine_classifier_by_hand() {
    // One input and two classes: cosines are signs, and no weight's length changes a logit.
    let network = Network { cosine: Some(SCALE), ..network(&[], Activation::Relu, false, true, false) };
    let weights = [3.0f32, 0.0, 0.0, 0.5, 4.0, 0.0];
    let flat = Tensor::<2>::from_data(TensorData::new(weights.to_vec(), [1, 6]), &Device::flex());
    let x = Tensor::<3>::from_data([[[3.0f32, 0.0, 4.0]]], &Device::flex());
    // Weights are [inputs, classes]: (3, 0, 4) and (0, 0.5, 0); the first points along x, the second at a right angle.
    let logits = vector(network.logits(&network.layout.cut(&flat), x));
    assert!((logits[0] - 3.0).abs() < 1e-5 && logits[1].abs() < 1e-6, "{logits:?}");
}

#[test]
fn operations_are_counted_by_hand() {
    // 3-4-2: 12 and 8 connections. Forward 2 each, gradient 2 each, the slope of the upper layer's input 2.
    let trained = network(&[4], Activation::Relu, false, false, false);
    assert_eq!(trained.step_flops(10), 10.0 * (2.0 * 20.0 + 2.0 * 20.0 + 2.0 * 8.0));
    // A frozen trunk only goes forward.
    let frozen = network(&[4], Activation::Relu, false, false, true);
    assert_eq!(frozen.step_flops(10), 10.0 * (2.0 * 20.0 + 2.0 * 8.0));
    assert_eq!((trained.trainable(), frozen.trainable()), (0..26, 16..26));
    assert_eq!((trained.feature_width(), trained.widest()), (4, 4));
}
