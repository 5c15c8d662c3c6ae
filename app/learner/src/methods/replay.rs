//! Experience replay: some old samples are kept and trained on again beside the new ones.

use mnemoscope_core::{Kind, Knob, Opt, Scale};

static STORAGE: [Opt; 3] = [
    Opt {
        name: "reservoir",
        label: "Reservoir",
        meaning: "Every sample met so far is kept with equal probability (Vitter 1985).",
    },
    Opt {
        name: "class_balanced",
        label: "Class-balanced",
        meaning: "Equal shares for the classes met so far (Chrysakis and Moens 2020).",
    },
    Opt { name: "task_balanced", label: "Task-balanced", meaning: "Equal shares for the tasks met so far." },
];

static FILL: [Opt; 2] = [
    Opt { name: "step", label: "At every step", meaning: "Each new batch is offered to the buffer after it was used." },
    Opt { name: "task_end", label: "At task ends", meaning: "The task's samples are offered once, in random order." },
];

static LOSS: [Opt; 2] = [
    Opt { name: "joined", label: "One mean", meaning: "The mean over new and old rows together." },
    Opt {
        name: "weighted",
        label: "Two means",
        meaning: "The mean over new rows plus α times the mean over old ones.",
    },
];

static KNOBS: [Knob; 6] = [
    Knob::whole("capacity", "Capacity", "M", 1, 1_000_000, 200, Scale::Log)
        .unit("samples")
        .meaning("Samples that the buffer holds.")
        .source("200: Lopez-Paz and Ranzato 2017 and later benchmarks"),
    Knob::whole("batch", "Replay batch", "m", 1, 4096, 16, Scale::Log)
        .unit("samples")
        .meaning("Samples drawn from the buffer, without replacement, for each step.")
        .source("Chaudhry et al. 2019, algorithm 1")
        .live(),
    Knob::choice("storage", "Storage", &STORAGE, "reservoir")
        .meaning("Which samples the buffer keeps.")
        .source("Vitter 1985; Chrysakis and Moens 2020"),
    Knob::choice("fill", "Filled", &FILL, "step")
        .meaning("When samples are offered to the buffer.")
        .source("step: Chaudhry et al. 2019; task ends: Rebuffi et al. 2017"),
    Knob::choice("loss", "Loss", &LOSS, "joined")
        .meaning("How new and old rows enter the loss.")
        .source("joined: Chaudhry et al. 2019; weighted: Rolnick et al. 2019"),
    Knob::real("weight", "Replay weight", "α", 0.0, 100.0, 1.0, Scale::Log)
        .meaning("Weight of the old rows' mean; used when the loss is two means.")
        .source("Rolnick et al. 2019")
        .live()
        .swept(),
];

pub(super) const KIND: Kind = Kind {
    name: "replay",
    label: "Experience replay",
    meaning: "Keeps a small buffer of old samples and trains on some of them beside every new batch.",
    source: "Chaudhry et al. 2019, \"On Tiny Episodic Memories in Continual Learning\"",
    knobs: &KNOBS,
};
