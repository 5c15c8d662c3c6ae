//! What the trunk learns before the stream begins: some classes of the data that the stream then does not have.

use mnemoscope_core::{Component, Kind, Knob, Registry, Scale};
use mnemoscope_stream::{Dataset, PointSet, gives_tokens};
use serde::{Deserialize, Serialize};

use crate::experiment::Experiment;
use crate::refusal::Refusal;

/// How a trunk is trained before the stream.
pub struct Pretrainings;

static CLASSES: [Knob; 4] = [
    Knob::whole("count", "classes apart", "", 1, 1000, 2, Scale::Log)
        .unit("classes")
        .meaning("the last classes of the data: they leave the stream, and the trunk is trained on them")
        .source("disjoint classes: Hayes and Kanan 2020 begin from a trunk trained on other data"),
    Knob::real("epochs", "epochs", "", 0.1, 1000.0, 10.0, Scale::Log)
        .unit("epochs")
        .meaning("passes over the training samples of those classes")
        .source("lab default"),
    Knob::real("rate", "learning rate", "η", 1e-5, 1.0, 0.01, Scale::Log)
        .meaning("of SGD with momentum 0.9")
        .source("lab default"),
    Knob::whole("batch", "batch size", "B", 1, 4096, 16, Scale::Log)
        .unit("samples")
        .meaning("samples per step")
        .source("lab default"),
];

static KINDS: [Kind; 2] = [
    Kind {
        name: "none",
        label: "No pre-training",
        meaning: "every layer begins at its initial weights",
        source: "",
        knobs: &[],
    },
    Kind {
        name: "classes",
        label: "Pre-training on classes apart",
        meaning: "all layers but the classifier are trained on classes that then leave the stream",
        source: "lab form of a pre-trained feature extractor; every replica trains its own from its seed",
        knobs: &CLASSES,
    },
];

impl Registry for Pretrainings {
    const NOUN: &'static str = "pre-training";
    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}

/// How well a trunk learned the classes that it was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pretrained {
    /// Their names.
    pub classes: Vec<String>,
    /// Accuracy on their test part with the output layer that they were trained with, `[R]`.
    pub accuracy: Vec<f64>,
}

impl Pretrained {
    /// The mean over replicas.
    pub fn mean(&self) -> f64 {
        self.accuracy.iter().sum::<f64>() / self.accuracy.len() as f64
    }

    /// "trunk: 0.97 on classes 8, 9".
    pub fn text(&self) -> String {
        const NAMED: usize = 12;
        let names = if self.classes.len() > NAMED {
            format!("{} classes apart", self.classes.len())
        } else {
            format!("classes {}", self.classes.join(", "))
        };
        format!("trunk: {:.2} on {names}", self.mean())
    }
}

/// Whether a pre-training is asked for.
pub(crate) fn is_asked(pretraining: &Component<Pretrainings>) -> bool {
    pretraining.name() == "classes"
}

/// The stream's data, and that of the classes apart where there are any.
pub(crate) fn part(experiment: &Experiment, data: Dataset) -> Result<(Dataset, Option<Dataset>), Refusal> {
    if !is_asked(&experiment.pretraining) {
        return Ok((data, None));
    }
    let count = experiment.pretraining.whole("count");
    data.part_last_classes(count).map(|(kept, apart)| (kept, Some(apart))).ok_or_else(|| Refusal {
        place: "pretraining".to_owned(),
        message: format!("{} has too few classes to take {count} apart for the trunk; take fewer", data.name),
    })
}

/// Why the pre-training cannot be, as far as can be told without the data.
pub(crate) fn refusal(experiment: &Experiment) -> Option<Refusal> {
    let draws_points = experiment.stream.name() == "points" || PointSet::find(experiment.data.name()).is_some();
    let drawn = if draws_points {
        "drawn points"
    } else if gives_tokens(&experiment.data, &experiment.stream) {
        "sequences of tokens"
    } else {
        return None;
    };
    is_asked(&experiment.pretraining).then(|| Refusal {
        place: "pretraining".to_owned(),
        message: format!(
            "pre-training takes classes of the data apart, and {drawn} have none to spare; set it to none"
        ),
    })
}
