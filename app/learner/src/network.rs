//! The multilayer perceptron: forward pass, and a backward pass written out.
//!
//! For a dense layer a' = φ(a W + b) the backward pass is three products, δ = ∂L/∂(a W + b): ∂L/∂W = aᵀ δ,
//! ∂L/∂b = Σ δ, ∂L/∂a = δ Wᵀ (Rumelhart, Hinton and Williams 1986). Written out in plain tensor operations it is
//! faster than a recorded graph for the small networks here (a whole step of 64-100-100-10 on 16 rows takes about 70 µs
//! instead of 95, the check for finite values included), and it hands out δ, from which per-sample gradients follow (see [`taps`](crate::taps)). Tests hold it against burn's autodiff and finite differences.

use burn::tensor::Tensor;

use crate::activation::Activation;
use crate::flat::{Dense, Layout};

/// The shape and non-linearity of a perceptron; the weights live outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Where its layers lie in the flat weights.
    pub layout: Layout,
    /// The hidden layers' non-linearity.
    pub activation: Activation,
}

/// What a forward pass leaves behind for the backward pass.
#[derive(Debug)]
pub struct Trace {
    /// Each layer's input, `[R, B, inputs]`; `R` may be 1 for the first, when replicas share it.
    pub inputs: Vec<Tensor<3>>,
    /// Each hidden layer's pre-activation where the slope needs it, else empty.
    pre: Vec<Tensor<3>>,
    /// Outputs before the softmax, `[R, B, C]`.
    pub logits: Tensor<3>,
}

impl Trace {
    /// The last hidden vectors, which the classifier reads, `[R, B, H]`.
    pub fn features(&self) -> &Tensor<3> {
        &self.inputs[self.inputs.len() - 1]
    }
}

impl Network {
    /// Runs `x`, `[R, B, F]` or `[1, B, F]`, through all layers.
    pub fn forward(&self, layers: &[Dense], x: Tensor<3>) -> Trace {
        let mut inputs = Vec::with_capacity(layers.len());
        let mut pre = Vec::new();
        let mut a = x;
        for (index, layer) in layers.iter().enumerate() {
            let z = a.clone().matmul(layer.weight.clone()) + layer.bias.clone();
            inputs.push(a);
            if index + 1 == layers.len() {
                a = z;
            } else {
                if self.activation.needs_pre() {
                    pre.push(z.clone());
                }
                a = self.activation.apply(z);
            }
        }
        Trace { inputs, pre, logits: a }
    }

    /// Multiplications and additions of the products of a forward and a backward pass over `rows` rows: 2 per connection
    /// and row forward, 2 for the weights' gradient, 2 for the slope of every layer's input but the first.
    pub fn step_flops(&self, rows: usize) -> f64 {
        let first = self.layout.layers().first().map_or(0, |layer| layer.weight.len());
        (rows * (6 * self.layout.connections() - 2 * first)) as f64
    }

    /// The features alone, `[R, B, H]`; a linear model's are its inputs.
    pub fn features(&self, layers: &[Dense], x: Tensor<3>) -> Tensor<3> {
        let trunk = &layers[..layers.len() - 1];
        trunk.iter().fold(x, |a, layer| self.activation.apply(a.matmul(layer.weight.clone()) + layer.bias.clone()))
    }

    /// The logits alone.
    pub fn logits(&self, layers: &[Dense], x: Tensor<3>) -> Tensor<3> {
        let mut a = x;
        for (index, layer) in layers.iter().enumerate() {
            a = a.matmul(layer.weight.clone()) + layer.bias.clone();
            if index + 1 < layers.len() {
                a = self.activation.apply(a);
            }
        }
        a
    }

    /// ∂L/∂z of every layer's pre-activation, `[R, B, outputs]`, from that of the logits.
    pub fn deltas(&self, layers: &[Dense], trace: &Trace, logits: Tensor<3>) -> Vec<Tensor<3>> {
        self.deltas_with(layers, trace, logits, None)
    }

    /// The same where the loss also looks at the features, `[R, B, H]`.
    pub fn deltas_with(
        &self,
        layers: &[Dense],
        trace: &Trace,
        logits: Tensor<3>,
        features: Option<Tensor<3>>,
    ) -> Vec<Tensor<3>> {
        let mut deltas = vec![logits];
        let mut features = features;
        for index in (1..layers.len()).rev() {
            let above = &deltas[deltas.len() - 1];
            let mut upstream = above.clone().matmul(layers[index].weight.clone().transpose());
            if let Some(own) = features.take() {
                upstream = upstream + own;
            }
            deltas.push(self.activation.chain(upstream, trace.pre.get(index - 1), &trace.inputs[index]));
        }
        deltas.reverse();
        deltas
    }

    /// ∂L/∂θ, `[R, P]`, summed over rows.
    pub fn gradient(&self, trace: &Trace, deltas: Vec<Tensor<3>>) -> Tensor<2> {
        let parts = trace.inputs.iter().zip(deltas);
        self.layout.join(
            parts
                .map(|(a, delta)| Dense { weight: a.clone().transpose().matmul(delta.clone()), bias: delta.sum_dim(1) })
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData, activation};
    use proptest::prelude::*;

    use super::*;
    use crate::test_support::{numbers, vector};

    fn mlp(widths: &[usize], activation: Activation) -> Network {
        Network { layout: Layout::dense(3, widths, 2), activation }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// The written-out backward pass against burn's autodiff, for a loss that weighs every logit differently.
        #[test]
        fn agrees_with_autodiff(
            widths in prop::collection::vec(1usize..6, 0..4), seed in 0u64..1000, which in 0usize..3, replicas in 1usize..4,
        ) {
            let mlp = mlp(&widths, [Activation::Relu, Activation::Tanh, Activation::Gelu][which]);
            let device = Device::flex();
            let p = mlp.layout.parameters();
            let rows = 5;
            let flat = TensorData::new(numbers(replicas * p, seed), [replicas, p]);
            let x = TensorData::new(numbers(replicas * rows * 3, seed + 1), [replicas, rows, 3]);
            let slope = TensorData::new(numbers(replicas * rows * 2, seed + 2), [replicas, rows, 2]);

            let layers = mlp.layout.cut(&Tensor::from_data(flat.clone(), &device));
            let trace = mlp.forward(&layers, Tensor::from_data(x.clone(), &device));
            let deltas = mlp.deltas(&layers, &trace, Tensor::from_data(slope.clone(), &device));
            let ours = vector(mlp.gradient(&trace, deltas));

            let graph = device.autodiff();
            let leaf = Tensor::<2>::from_data(flat, &graph).require_grad();
            let mut a = Tensor::<3>::from_data(x, &graph);
            for (index, layer) in mlp.layout.layers().iter().enumerate() {
                let part = |range: &std::ops::Range<usize>, rows: usize| {
                    leaf.clone().slice([0..replicas, range.clone()]).reshape([replicas, rows, layer.outputs])
                };
                a = a.matmul(part(&layer.weight, layer.inputs)) + part(&layer.bias, 1);
                if index + 1 < mlp.layout.layers().len() {
                    a = match mlp.activation {
                        Activation::Relu => activation::relu(a),
                        Activation::Tanh => a.tanh(),
                        Activation::Gelu => activation::gelu(a),
                    };
                }
            }
            let gradients = (a * Tensor::from_data(slope, &graph)).sum().backward();
            let theirs = vector(leaf.grad(&gradients).unwrap());
            for (a, b) in ours.iter().zip(&theirs) {
                prop_assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{a} {b}");
            }
        }
    }

    #[test]
    fn agrees_with_finite_differences() {
        let mlp = mlp(&[4, 3], Activation::Tanh);
        let device = Device::flex();
        let p = mlp.layout.parameters();
        let (weights, x, slope) = (numbers(p, 5), numbers(6 * 3, 6), numbers(6 * 2, 7));
        let run = |weights: &[f32]| {
            let flat = Tensor::<2>::from_data(TensorData::new(weights.to_vec(), [1, p]), &device);
            let layers = mlp.layout.cut(&flat);
            let trace = mlp.forward(&layers, Tensor::from_data(TensorData::new(x.clone(), [1, 6, 3]), &device));
            (layers, trace)
        };
        let value = |weights: &[f32]| -> f64 {
            let logits = vector(run(weights).1.logits);
            logits.iter().zip(&slope).map(|(z, s)| f64::from(z * s)).sum()
        };
        let (layers, trace) = run(&weights);
        let top = Tensor::from_data(TensorData::new(slope.clone(), [1, 6, 2]), &device);
        let gradient = vector(mlp.gradient(&trace, mlp.deltas(&layers, &trace, top)));
        for i in 0..p {
            let shifted = |by: f32| {
                let mut weights = weights.clone();
                weights[i] += by;
                value(&weights)
            };
            let numeric = (shifted(1e-2) - shifted(-1e-2)) / 2e-2;
            // f32 forward passes: truncation and rounding are both of the order 1e-4.
            assert!((numeric - f64::from(gradient[i])).abs() < 2e-3, "{i}: {numeric} {}", gradient[i]);
        }
    }
}
