//! The registry of models.

use mnemoscope_core::{Kind, Knob, Opt, Registry};

/// The networks that can be trained.
#[derive(Debug, Clone, Copy)]
pub struct Models;

static ACTIVATIONS: [Opt; 3] = [
    Opt { name: "relu", label: "ReLU", meaning: "max(0, a)" },
    Opt { name: "tanh", label: "tanh", meaning: "Hyperbolic tangent, between -1 and 1." },
    Opt { name: "gelu", label: "GELU", meaning: "a Φ(a) with the normal distribution function Φ, exact (by erf)." },
];

static INITS: [Opt; 3] = [
    Opt {
        name: "torch",
        label: "PyTorch Linear",
        meaning: "Weights and biases uniform in ±1/√(inputs), as PyTorch's Linear.",
    },
    Opt { name: "he", label: "He", meaning: "Weights normal with variance 2/inputs, biases 0 (He et al. 2015)." },
    Opt {
        name: "xavier",
        label: "Xavier",
        meaning: "Weights uniform in ±√(6/(inputs + outputs)), biases 0 (Glorot and Bengio 2010).",
    },
];

static MLP: [Knob; 3] = [
    Knob::list("widths", "Hidden widths", 1, 4096, 8, &[100.0, 100.0])
        .unit("units")
        .meaning("Units of each hidden layer, from the input on; an empty list is a linear model.")
        .source("two layers of 100: Lopez-Paz and Ranzato 2017"),
    Knob::choice("activation", "Activation", &ACTIVATIONS, "relu")
        .meaning("The non-linearity of the hidden layers.")
        .source("GELU: Hendrycks and Gimpel 2016, eq. 1"),
    Knob::choice("init", "Initial weights", &INITS, "torch")
        .meaning("The distribution that the first weights are drawn from.")
        .source("PyTorch nn.Linear; He et al. 2015; Glorot and Bengio 2010"),
];

static KINDS: [Kind; 1] = [Kind {
    name: "mlp",
    label: "Multilayer perceptron",
    meaning: "Fully connected layers with a non-linearity between them.",
    source: "Rumelhart, Hinton and Williams 1986",
    knobs: &MLP,
}];

impl Registry for Models {
    const NOUN: &'static str = "model";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}
