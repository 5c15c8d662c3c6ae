//! The registry of models.

use mnemoscope_core::{Kind, Knob, Opt, Registry, Scale};

use crate::activation::Activation;
use crate::flat::{Layout, Size};
use crate::network::Network;
use crate::plan::Plan;

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

static NORMS: [Opt; 2] = [
    Opt { name: "none", label: "None", meaning: "Pre-activations as they are." },
    Opt {
        name: "layer",
        label: "Layer",
        meaning: "Over each sample's own units, without gain and bias; batch normalisation would couple samples.",
    },
];

static CLASSIFIERS: [Opt; 2] = [
    Opt { name: "linear", label: "Linear", meaning: "Products of features and class weights, with a bias." },
    Opt { name: "cosine", label: "Cosine", meaning: "γ times the cosine of features and class weights, no bias." },
];

static TRUNKS: [Opt; 2] = [
    Opt { name: "trained", label: "Trained", meaning: "All layers learn." },
    Opt {
        name: "frozen",
        label: "Frozen",
        meaning: "Only the classifier and a projection learn; on first weights these are random features.",
    },
];

static MLP: [Knob; 8] = [
    Knob::list("widths", "Hidden widths", 1, 4096, 8, &[100.0, 100.0])
        .unit("units")
        .meaning("Units of each hidden layer, from the input on; an empty list is a linear model.")
        .source("two layers of 100: Lopez-Paz and Ranzato 2017"),
    ACTIVATION,
    INIT,
    NORM,
    PROJECTION,
    CLASSIFIER,
    SCALE,
    TRUNK,
];

const ACTIVATION: Knob = Knob::choice("activation", "Activation", &ACTIVATIONS, "relu")
    .meaning("The non-linearity of the hidden layers.")
    .source("GELU: Hendrycks and Gimpel 2016, eq. 1");

const INIT: Knob = Knob::choice("init", "Initial weights", &INITS, "torch")
    .meaning("The distribution that the first weights are drawn from.")
    .source("PyTorch nn.Linear; He et al. 2015; Glorot and Bengio 2010");

const NORM: Knob = Knob::choice("norm", "Normalisation", &NORMS, "none")
    .meaning("Of the hidden layers' pre-activations.")
    .source("Ba, Kiros and Hinton 2016, eq. 3");

const PROJECTION: Knob = Knob::whole("projection", "Projection", "", 0, 4096, 0, Scale::Log)
    .unit("units")
    .meaning(
        "One more hidden layer between trunk and classifier, which learns even where the trunk is frozen; 0 is none.",
    )
    .source("none: most benchmarks");

const CLASSIFIER: Knob = Knob::choice("classifier", "Classifier", &CLASSIFIERS, "linear")
    .meaning("How the outputs follow from the last hidden layer.")
    .source("cosine: Hou et al. 2019, eq. 4");

const SCALE: Knob = Knob::real("scale", "Scale", "γ", 0.1, 100.0, 10.0, Scale::Log)
    .meaning("What the cosines are multiplied with; Hou et al. learn it.")
    .source("lab default")
    .when("classifier", "cosine");

const TRUNK: Knob = Knob::choice("trunk", "Trunk", &TRUNKS, "trained")
    .meaning("Whether the layers below projection and classifier learn.")
    .source("random features: Rahimi and Recht 2007");

static KINDS: [Kind; 1] = [Kind {
    name: "mlp",
    label: "Multilayer perceptron",
    meaning: "Fully connected layers with a non-linearity between them.",
    source: "Rumelhart, Hinton and Williams 1986",
    knobs: &MLP,
}];

/// The network that a plan asks for.
pub(crate) fn network(plan: &Plan<'_>) -> Network {
    let model = plan.model;
    let mut units = model.list("widths");
    let first = if model.text("trunk") == "frozen" { units.len() } else { 0 };
    units.insert(0, plan.features);
    units.extend(Some(model.whole("projection")).filter(|width| *width > 0));
    let mut sizes: Vec<Size> =
        units.windows(2).map(|pair| Size { inputs: pair[0], outputs: pair[1], places: 1, bias: true }).collect();
    let cosine = (model.text("classifier") == "cosine").then(|| model.real("scale") as f32);
    sizes.push(Size { inputs: units[units.len() - 1], outputs: plan.classes, places: 1, bias: cosine.is_none() });
    Network {
        layout: Layout::new(&sizes),
        activation: Activation::named(model.text("activation")),
        norm: model.text("norm") == "layer",
        cosine,
        first,
    }
}

impl Registry for Models {
    const NOUN: &'static str = "model";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}
