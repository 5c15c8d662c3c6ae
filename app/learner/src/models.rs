//! The registry of models.

use burn::tensor::Device;
use mnemoscope_core::{Component, Kind, Knob, Opt, Registry, Scale};
use mnemoscope_memory::{Composition, Mixer};

use crate::LearnerError;
use crate::activation::Activation;
use crate::convolution::{Convolution, Image, Pool};
use crate::flat::{Layout, Size};
use crate::network::Network;
use crate::plan::Plan;
use crate::sequence::{FeatureMap, Gates, Heads, Positions, Scans, Sequence};

/// The networks that can be trained.
#[derive(Debug, Clone, Copy)]
pub struct Models;

static ACTIVATIONS: [Opt; 4] = [
    Opt { name: "relu", label: "ReLU", meaning: "max(0, a)" },
    Opt { name: "tanh", label: "tanh", meaning: "Hyperbolic tangent, between -1 and 1." },
    Opt { name: "gelu", label: "GELU", meaning: "a Φ(a) with the normal distribution function Φ, exact (by erf)." },
    Opt { name: "square", label: "a²", meaning: "The square: what modular addition is solved with." },
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

static POOLS: [Opt; 3] = [
    Opt { name: "max", label: "Largest", meaning: "The largest of each 2 x 2 window." },
    Opt { name: "average", label: "Mean", meaning: "The mean of each 2 x 2 window." },
    Opt { name: "none", label: "None", meaning: "Images keep their size." },
];

static CONV: [Knob; 11] = [
    Knob::list("channels", "Channels", 1, 512, 6, &[16.0, 32.0])
        .unit("channels")
        .meaning("Channels of each convolution, from the input on.")
        .source("lab default"),
    Knob::whole("kernel", "Kernel", "k", 1, 7, 3, Scale::Linear)
        .unit("pixels")
        .meaning("Side of the patch that a convolution reads; zeros around the image keep its size.")
        .source("3: Simonyan and Zisserman 2015"),
    Knob::choice("pool", "Pooling", &POOLS, "max")
        .meaning("What halves the image after each convolution, until a side is below 2.")
        .source("Scherer, Mueller and Behnke 2010"),
    Knob::list("widths", "Dense widths", 1, 4096, 8, &[64.0])
        .unit("units")
        .meaning("Units of each hidden layer after the convolutions.")
        .source("lab default"),
    ACTIVATION,
    INIT,
    NORM,
    PROJECTION,
    CLASSIFIER,
    SCALE,
    TRUNK,
];

static POSITIONS: [Opt; 3] = [
    Opt { name: "learned", label: "Learned", meaning: "A vector per position, added to the token's." },
    Opt { name: "none", label: "None", meaning: "Nothing beyond the order in which tokens are written." },
    Opt { name: "rotary", label: "Rotary", meaning: "Keys and queries are turned by their position." },
];

static FEATURES: [Opt; 3] = [
    Opt { name: "identity", label: "Identity", meaning: "Keys and queries as they are." },
    Opt { name: "elu", label: "ELU + 1", meaning: "a + 1 for a > 0, else eᵃ: all positive." },
    Opt { name: "relu", label: "ReLU", meaning: "max(0, a)." },
];

static GATES: [Opt; 2] = [
    Opt { name: "fixed", label: "Fixed", meaning: "The numbers of the composed memory." },
    Opt {
        name: "learned",
        label: "Learned",
        meaning: "σ(W u + b) of each token and head; b begins at the composed numbers.",
    },
];

static SEQUENCE: [Knob; 14] = [
    Knob::whole("layers", "Layers", "L", 1, 4, 2, Scale::Linear)
        .unit("layers")
        .meaning("Blocks of attention and perceptron.")
        .source("2: Olsson et al. 2022, where induction takes two"),
    Knob::whole("heads", "Heads", "H", 1, 8, 2, Scale::Linear)
        .unit("heads")
        .meaning("Memories of each layer, side by side.")
        .source("Vaswani et al. 2017"),
    Knob::whole("width", "Width", "d", 4, 128, 64, Scale::Log)
        .unit("units")
        .meaning("Numbers in the vector that stands for a position.")
        .source("64: Arora et al. 2023, smallest width"),
    Knob::whole("head_size", "Head size", "d_k", 0, 128, 0, Scale::Log)
        .unit("units")
        .meaning("Numbers in a key, a query and a value; 0 shares the width among the heads.")
        .source("Vaswani et al. 2017 share"),
    Knob::whole("perceptron", "Perceptron", "", 0, 8, 2, Scale::Linear)
        .unit("widths")
        .meaning("Hidden units of each layer's perceptron, as a multiple of the width; 0 leaves it out.")
        .source("4 in Vaswani et al. 2017"),
    Knob::whole("shift", "Shift", "", 0, 3, 0, Scale::Linear)
        .unit("tokens")
        .meaning("Earlier tokens that queries, keys and values see beside their own; with 1 a layer binds a key to the value after it.")
        .source("token shift: Peng et al. 2023; here concatenated (lab form)"),
    Knob::choice("positions", "Positions", &POSITIONS, "learned")
        .meaning("How the model knows where a token stands.")
        .source("rotary: Su et al. 2021, eq. 15"),
    Knob::choice("features", "Feature map", &FEATURES, "identity")
        .meaning("What keys and queries of a matrix memory pass.")
        .source("ELU + 1: Katharopoulos et al. 2020, eq. 7"),
    Knob::choice("gates", "Gates", &GATES, "fixed")
        .meaning("Where write strength, retention and momentum of a matrix memory come from.")
        .source("learned: Yang et al. 2024; Behrouz et al. 2025"),
    Knob::switch("unit", "Unit keys", false)
        .meaning("Keys and queries have length 1.")
        .source("Henry et al. 2020"),
    Knob::choice("norm", "Normalisation", &NORMS, "layer")
        .meaning("Of what each layer's branches and the classifier read.")
        .source("pre-norm: Xiong et al. 2020"),
    Knob::choice("activation", "Activation", &ACTIVATIONS, "gelu")
        .meaning("The non-linearity of the perceptrons.")
        .source("GELU: Hendrycks and Gimpel 2016, eq. 1"),
    INIT,
    TRUNK,
];

static KINDS: [Kind; 3] = [
    Kind {
        name: "mlp",
        label: "Multilayer perceptron",
        meaning: "Fully connected layers with a non-linearity between them.",
        source: "Rumelhart, Hinton and Williams 1986",
        knobs: &MLP,
    },
    Kind {
        name: "conv",
        label: "Convolutional network",
        meaning: "Convolutions with pooling, then fully connected layers; needs images.",
        source: "LeCun et al. 1998",
        knobs: &CONV,
    },
    Kind {
        name: "sequence",
        label: "Sequence model",
        meaning: "Attention and perceptrons over the tokens of a row, each of which sees those before it; needs tokens.",
        source: "Vaswani et al. 2017, decoder",
        knobs: &SEQUENCE,
    },
];

impl Models {
    /// The knobs of a sequence model whose setting would do nothing with this memory, each with the reason and what to do.
    /// None of other models, and none where the memory does not train.
    pub fn idle(model: &Component<Self>, memory: &Composition) -> Vec<(&'static str, &'static str)> {
        let mixer = Some(memory).filter(|_| model.name() == "sequence").and_then(|memory| memory.trainable().ok());
        let Some(mixer) = mixer else { return Vec::new() };
        let mut found = Vec::new();
        if model.text("gates") == "learned" && Gates::of(&mixer, 1).count() == 0 {
            let reason = "this memory has no write strength, retention or momentum that could be learned: take fixed gates, \
                          or compose a memory that has one of them";
            found.push(("gates", reason));
        }
        if model.text("features") != "identity" && matches!(mixer, Mixer::Softmax { .. }) {
            let reason = "softmax attention compares keys and queries as they are: take the feature map identity, or \
                          compose a matrix memory";
            found.push(("features", reason));
        }
        found
    }
}

/// The network that a plan asks for.
///
/// # Errors
/// When a convolution gets no images, a sequence model no tokens, a memory that does not train or a setting that this
/// memory leaves without effect, or another model tokens.
pub(crate) fn network(plan: &Plan<'_>, device: &Device) -> Result<Network, LearnerError> {
    let model = plan.model;
    if model.name() == "sequence" {
        let mixer = plan.memory.trainable()?;
        if let Some((knob, reason)) = Models::idle(model, plan.memory).first() {
            return Err(LearnerError::Idle { knob, reason });
        }
        let scans = if matches!(mixer, Mixer::Scan { .. }) { Scans::on(device) } else { Scans::default() };
        return sequence(plan, mixer, scans);
    }
    if plan.tokens.is_some() {
        return Err(LearnerError::NoTokens { model: model.name() });
    }
    let mut sizes = Vec::new();
    let mut convolutions: Vec<Convolution> = Vec::new();
    let mut below = plan.features;
    if model.name() == "conv" {
        let image = plan.image.filter(|(height, width, channels)| height * width * channels == plan.features);
        let (height, width, channels) = image.ok_or(LearnerError::NeedsImages)?;
        let pool = match model.text("pool") {
            "max" => Some(Pool::Max),
            "average" => Some(Pool::Average),
            _ => None,
        };
        let mut image = Image { height, width, channels };
        for outputs in model.list("channels") {
            let convolution = Convolution::new(image, outputs, model.whole("kernel"), pool, device);
            sizes.push(Size { inputs: convolution.patch(), outputs, places: convolution.places(), bias: true });
            image = convolution.above();
            convolutions.push(convolution);
        }
        below = image.numbers();
    }
    let mut dense = |inputs: usize, outputs: usize, bias: bool| sizes.push(Size { inputs, outputs, places: 1, bias });
    let widths = model.list("widths");
    let trunk = convolutions.len() + widths.len();
    let projection = Some(model.whole("projection")).filter(|width| *width > 0);
    for width in widths.into_iter().chain(projection) {
        dense(below, width, true);
        below = width;
    }
    let cosine = (model.text("classifier") == "cosine").then(|| model.real("scale") as f32);
    dense(below, plan.classes, cosine.is_none());
    Ok(Network {
        layout: Layout::new(&sizes),
        activation: Activation::named(model.text("activation")),
        sequence: None,
        convolutions,
        norm: model.text("norm") == "layer",
        cosine,
        first: if model.text("trunk") == "frozen" { trunk } else { 0 },
    })
}

/// The sequence model that a plan asks for.
pub(crate) fn sequence(plan: &Plan<'_>, mixer: Mixer, scans: Scans) -> Result<Network, LearnerError> {
    let model = plan.model;
    let (length, vocabulary) =
        plan.tokens.filter(|(length, _)| *length == plan.features).ok_or(LearnerError::NeedsTokens)?;
    if vocabulary != plan.classes {
        return Err(LearnerError::Vocabulary { vocabulary, classes: plan.classes });
    }
    let (width, count) = (model.whole("width"), model.whole("heads"));
    let head = match model.whole("head_size") {
        0 => (width / count).max(1),
        own => own,
    };
    let sequence = Sequence {
        length,
        vocabulary,
        width,
        blocks: model.whole("layers"),
        hidden: model.whole("perceptron") * width,
        activation: Activation::named(model.text("activation")),
        shift: model.whole("shift"),
        norm: model.text("norm") == "layer",
        positions: match model.text("positions") {
            "learned" => Positions::Learned,
            "rotary" => Positions::Rotary,
            _ => Positions::None,
        },
        heads: Heads {
            count,
            width: head,
            map: FeatureMap::named(model.text("features")),
            unit: model.switch("unit") || matches!(mixer, Mixer::Softmax { unit: true, .. }),
            rotary: model.text("positions") == "rotary",
            mixer,
            scans,
            learned: model.text("gates") == "learned",
        },
    };
    let layout = Layout::new(&sequence.sizes(plan.classes));
    Ok(Network {
        activation: sequence.activation,
        convolutions: Vec::new(),
        norm: sequence.norm,
        cosine: None,
        first: if model.text("trunk") == "frozen" { layout.layers().len() - 1 } else { 0 },
        sequence: Some(sequence),
        layout,
    })
}

impl Registry for Models {
    const NOUN: &'static str = "model";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}
