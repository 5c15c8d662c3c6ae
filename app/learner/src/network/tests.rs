use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData, activation, module};
use proptest::prelude::*;

use super::*;
use crate::convolution::{Image, Pool};
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

/// A convolution of each (outputs, kernel) on an image, then a classifier.
fn convolutional(image: Image, layers: &[(usize, usize)], pool: Option<Pool>, activation: Activation) -> Network {
    let mut network = Network::dense(1, &[], CLASSES, activation);
    let (mut sizes, mut below) = (Vec::new(), image);
    for (outputs, kernel) in layers {
        let one = Convolution::new(below, *outputs, *kernel, pool, &Device::flex());
        sizes.push(Size { inputs: one.patch(), outputs: *outputs, places: one.places(), bias: true });
        below = one.above();
        network.convolutions.push(one);
    }
    sizes.push(Size { inputs: below.numbers(), outputs: CLASSES, places: 1, bias: true });
    network.layout = Layout::new(&sizes);
    network
}

/// The same loss with burn's convolution and pooling of each replica alone, recorded by its autodiff.
fn convolutions_by_autodiff(
    case: &Case,
    network: &Network,
    image: Image,
    layers: &[(usize, usize)],
    pool: Option<Pool>,
    weights: &[f32],
) -> Vec<f32> {
    let graph = Device::flex().autodiff();
    let p = network.layout.parameters();
    let mut all = Vec::new();
    for replica in 0..case.replicas {
        let own = TensorData::new(weights[replica * p..(replica + 1) * p].to_vec(), [1, p]);
        let leaf = Tensor::<2>::from_data(own, &graph).require_grad();
        let row = |tensor: &[f32]| case.tensor(tensor, &graph).slice_dim(0, replica..replica + 1);
        let part = |range: &Range<usize>| leaf.clone().slice([0..1, range.clone()]);
        let (mut height, mut width, mut channels) = (image.height, image.width, image.channels);
        let mut a = row(&case.x).reshape([ROWS, height, width, channels]).permute([0, 3, 1, 2]);
        for ((outputs, kernel), range) in layers.iter().zip(network.layout.layers()) {
            let kernels = part(&range.weight).reshape([*kernel, *kernel, channels, *outputs]).permute([3, 2, 0, 1]);
            let padding = ((kernel - 1) / 2, kernel / 2);
            let options = ConvOptions { stride: [1, 1], padding: [padding; 2], dilation: [1, 1], groups: 1 };
            a = module::conv2d(a, kernels, Some(part(&range.bias).reshape([*outputs])), options);
            if network.norm {
                // The normalisation sees what a pooling covers.
                let even = |side: usize| if pool.is_some() && height >= 2 && width >= 2 { side / 2 * 2 } else { side };
                a = a.slice([0..ROWS, 0..*outputs, 0..even(height), 0..even(width)]);
                let flat = a.clone().reshape([ROWS as i32, -1]);
                let centred = flat.clone() - flat.mean_dim(1);
                let shape = a.dims();
                a = (centred.clone() / (centred.square().mean_dim(1) + 1e-5).sqrt()).reshape(shape);
            }
            a = match network.activation {
                Activation::Relu => activation::relu(a),
                Activation::Tanh => a.tanh(),
                Activation::Gelu => activation::gelu(a),
                Activation::Square => a.square(),
            };
            if height >= 2 && width >= 2 {
                a = match pool {
                    None => a,
                    Some(Pool::Max) => module::max_pool2d(a, MaxPoolOptions::new([2, 2])),
                    Some(Pool::Average) => module::avg_pool2d(a, AvgPoolOptions::new([2, 2])),
                };
            }
            [_, channels, height, width] = a.dims();
        }
        let features = a.permute([0, 2, 3, 1]).reshape([1, ROWS, height * width * channels]);
        let last = &network.layout.layers()[layers.len()];
        let weight = part(&last.weight).reshape([1, last.inputs, CLASSES]);
        let logits = features.clone().matmul(weight) + part(&last.bias).reshape([1, 1, CLASSES]);
        let loss = (logits * row(&case.logits)).sum() + (features * row(&case.features)).sum();
        all.extend(vector(leaf.grad(&loss.backward()).unwrap()));
    }
    all
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
        let deltas = network.deltas_with(&layers, &trace, logits, None, Some(features));
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
            Activation::Square => a.square(),
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
        widths in prop::collection::vec(2usize..6, 0..4), seed in 0u64..1000, which in 0usize..4, replicas in 1usize..4,
        norm: bool, cosine: bool, frozen: bool,
    ) {
        // Two normalised units are -1 and 1 whatever their inputs: little but rounding to compare.
        prop_assume!(!norm || widths.iter().all(|width| *width > 2));
        let activation = [Activation::Relu, Activation::Tanh, Activation::Gelu, Activation::Square][which];
        let network = network(&widths, activation, norm, cosine, frozen);
        let weights = numbers(replicas * network.layout.parameters(), seed);
        let case = Case::new(&network, replicas, seed);
        let (ours, theirs) = (case.gradient(&network, &weights), by_autodiff(&case, &network, &weights));
        prop_assert_eq!(ours.len(), theirs.len());
        let largest = theirs.iter().fold(1.0f32, |most, g| most.max(g.abs()));
        for (a, b) in ours.iter().zip(&theirs) {
            prop_assert!((a - b).abs() <= 1e-4 * largest, "{a} {b}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn convolutions_agree_with_autodiff(
        height in 1usize..7, width in 1usize..7, channels in 1usize..4,
        layers in prop::collection::vec((1usize..4, 1usize..5), 1..4),
        seed in 0u64..1000, which in 0usize..4, pooling in 0usize..3, replicas in 1usize..4, norm: bool,
    ) {
        let activation = [Activation::Relu, Activation::Tanh, Activation::Gelu, Activation::Square][which];
        let pool = [None, Some(Pool::Max), Some(Pool::Average)][pooling];
        let image = Image { height, width, channels };
        // A single normalised unit is 0 whatever its input: nothing but rounding to compare.
        prop_assume!(!norm || height * width >= 16);
        let mut network = convolutional(image, &layers, pool, activation);
        network.norm = norm;
        let weights = numbers(replicas * network.layout.parameters(), seed);
        let mut case = Case::new(&network, replicas, seed);
        case.x = numbers(replicas * ROWS * image.numbers(), seed + 1);
        let ours = case.gradient(&network, &weights);
        let theirs = convolutions_by_autodiff(&case, &network, image, &layers, pool, &weights);
        prop_assert_eq!(ours.len(), theirs.len());
        let largest = theirs.iter().fold(1.0f32, |most, g| most.max(g.abs()));
        for (a, b) in ours.iter().zip(&theirs) {
            prop_assert!((a - b).abs() <= 1e-4 * largest, "{a} {b}");
        }
    }
}

#[test]
fn convolutions_agree_with_finite_differences() {
    let image = Image { height: 5, width: 4, channels: 2 };
    for pool in [Pool::Max, Pool::Average] {
        let network = convolutional(image, &[(3, 3), (2, 2)], Some(pool), Activation::Tanh);
        let weights = numbers(network.layout.parameters(), 5);
        let mut case = Case::new(&network, 1, 6);
        case.x = numbers(ROWS * image.numbers(), 7);
        assert_finite_differences(&network, &case, &weights, &format!("{pool:?}"));
    }
}

#[test]
fn operations_of_a_convolution_are_counted_by_hand() {
    // 4 x 4 pixels: 16 positions of 9 weights to 3 channels, pooled to 2 x 2; 4 positions of 27 to 2, pooled to 1; 2 to 2.
    let image = Image { height: 4, width: 4, channels: 1 };
    let mut network = convolutional(image, &[(3, 3), (2, 3)], Some(Pool::Max), Activation::Relu);
    let (first, second, third) = (16.0 * 27.0, 4.0 * 54.0, 4.0);
    assert_eq!(network.step_flops(10), 10.0 * (4.0 * first + 6.0 * second + 6.0 * third));
    assert_eq!(network.layout.connections() as f64, first + second + third);
    // The second layer's patches are the most that one row takes: 4 of 27, where the first takes 16 of 9.
    assert_eq!(network.widest(), 144);
    network.first = 2;
    assert_eq!(network.step_flops(10), 10.0 * (2.0 * first + 2.0 * second + 4.0 * third));
}

#[test]
fn the_backward_pass_agrees_with_finite_differences() {
    for (norm, cosine) in [(false, false), (false, true), (true, false), (true, true)] {
        let network = network(&[4, 3], Activation::Tanh, norm, cosine, false);
        let weights = numbers(network.layout.parameters(), 5);
        let case = Case::new(&network, 1, 6);
        assert_finite_differences(&network, &case, &weights, &format!("norm {norm}, cosine {cosine}"));
    }
}

fn assert_finite_differences(network: &Network, case: &Case, weights: &[f32], name: &str) {
    let gradient = case.gradient(network, weights);
    for i in 0..weights.len() {
        let shifted = |by: f32| {
            let mut weights = weights.to_vec();
            weights[i] += by;
            case.loss(network, &weights)
        };
        let numeric = (shifted(4e-3) - shifted(-4e-3)) / 8e-3;
        // f32 forward passes: rounding is of the order 1e-4, truncation less.
        let apart = (numeric - f64::from(gradient[i])).abs();
        assert!(apart < 5e-3 * (1.0 + numeric.abs()), "{name}, {i}: {numeric} {}", gradient[i]);
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
