//! Experience replay: some old samples are kept and trained on again beside the new ones.
//!
//! Chaudhry et al. 2019, algorithm 1: B_M ← sample(M, m); θ ← SGD(B_n ∪ B_M, θ, η); M ← update(M, B_n). Here the draw
//! and the update of M are [`Method::extend_batch`], the union is [`Share::Joined`]; two means,
//! CE(B_n) + α CE(B_M), are [`Share::Weighted`]. At first M is empty, and the step is the plain one.

use mnemoscope_core::random;
use mnemoscope_core::{Kind, Knob, Knobs, Opt, Scale};
use rand::seq::SliceRandom as _;

use crate::buffer::{Buffer, Storage};
use crate::method::{Method, Site};
use crate::rows::{Rows, Share};
use crate::{Batch, BlockInfo, Footprint, LearnerError, State, TaskData, TermInfo};

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
        .when("loss", "weighted")
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

/// Samples gathered at once when the buffer is filled at a task's end.
const CHUNK: usize = 512;

/// One buffer per replica.
#[derive(Debug)]
pub(super) struct Replay {
    knobs: Knobs,
    buffers: Vec<Buffer>,
    joined: bool,
    fill_steps: bool,
}

impl Replay {
    pub(super) fn new(knobs: Knobs, site: &Site) -> Self {
        let storage = match knobs.text("storage") {
            "class_balanced" => Storage::ClassBalanced,
            "task_balanced" => Storage::TaskBalanced,
            _ => Storage::Reservoir,
        };
        let buffer = Buffer::new(knobs.whole("capacity"), site.features, storage);
        Self {
            buffers: vec![buffer; site.replicas()],
            joined: knobs.text("loss") == "joined",
            fill_steps: knobs.text("fill") == "step",
            knobs,
        }
    }

    fn is_empty(&self) -> bool {
        self.buffers.iter().all(|buffer| buffer.len() == 0)
    }

    /// Rows drawn from the buffers, padded to the longest draw.
    fn draw(&self, site: &Site, active: &[bool]) -> Batch {
        let wanted = self.knobs.whole("batch");
        let longest = self.buffers.iter().map(|buffer| buffer.len().min(wanted)).max().unwrap_or(0);
        let count = site.replicas() * longest;
        let mut drawn = Batch {
            rows: longest,
            x: vec![0.0; count * site.features],
            y: vec![0; count],
            group: vec![0; count],
            weight: vec![0.0; count],
            active: active.to_vec(),
        };
        for (replica, buffer) in self.buffers.iter().enumerate().filter(|(replica, _)| active[*replica]) {
            let place = [site.seeds[replica], site.steps[replica]];
            let slots = buffer.draw(wanted, &mut random::stream(site.seed, "replay draw", &place));
            buffer.write(&slots, replica, &mut drawn);
        }
        drawn
    }

    /// Offers a batch's rows of weight above 0 to the buffers.
    fn offer(&mut self, site: &Site, batch: &Batch, rows: usize, purpose: &str, place: &[u64]) {
        for (replica, buffer) in self.buffers.iter_mut().enumerate().filter(|(replica, _)| batch.active[*replica]) {
            let indices = [&[site.seeds[replica], site.steps[replica]], place].concat();
            let mut random = random::stream(site.seed, purpose, &indices);
            for row in (replica * batch.rows..).take(rows).filter(|row| batch.weight[*row] > 0.0) {
                let x = &batch.x[row * site.features..(row + 1) * site.features];
                buffer.offer(x, batch.y[row], batch.group[row], &mut random);
            }
        }
    }
}

impl Method for Replay {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn knobs(&self) -> Option<&Knobs> {
        Some(&self.knobs)
    }

    fn knobs_mut(&mut self) -> Option<&mut Knobs> {
        Some(&mut self.knobs)
    }

    fn terms(&self) -> Vec<TermInfo> {
        if self.is_empty() {
            return Vec::new();
        }
        let (formula, symbol, strength) = if self.joined {
            ("m/(n + m) CE(x′, y′)", "", Vec::new())
        } else {
            ("α CE(x′, y′)", "α", self.knobs.reals("weight"))
        };
        let (label, formula) = ("Replay".to_owned(), formula.to_owned());
        vec![TermInfo { id: KIND.name, label, formula, method: Some(KIND.name), symbol, strength }]
    }

    fn joins_mean(&self) -> bool {
        self.joined && !self.is_empty()
    }

    fn extend_batch(&mut self, site: &Site, rows: &mut Rows) {
        let drawn = (!self.is_empty()).then(|| self.draw(site, &rows.batch().active));
        if self.fill_steps {
            self.offer(site, rows.batch(), rows.new_rows(), "replay store", &[]);
        }
        if let Some(drawn) = drawn {
            let share = if self.joined { Share::Joined } else { Share::Weighted(self.knobs.reals("weight")) };
            rows.append(KIND.name, &drawn, share);
        }
    }

    fn end_block(&mut self, site: &Site, info: &BlockInfo, data: &dyn TaskData) {
        if self.fill_steps {
            return;
        }
        let block = info.block as u64;
        let orders: Vec<Vec<u32>> = (0..site.replicas())
            .map(|replica| {
                let mut order: Vec<u32> = (0..data.len(replica) as u32).collect();
                order.shuffle(&mut random::stream(site.seed, "replay order", &[site.seeds[replica], block]));
                order
            })
            .collect();
        let longest = orders.iter().map(Vec::len).max().unwrap_or(0);
        for start in (0..longest).step_by(CHUNK) {
            let part = |order: &Vec<u32>| order.iter().skip(start).take(CHUNK).copied().collect();
            let mut batch = data.gather(&orders.iter().map(part).collect::<Vec<Vec<u32>>>());
            batch.active = vec![true; site.replicas()];
            self.offer(site, &batch, batch.rows, "replay store at end", &[block, start as u64]);
        }
    }

    fn footprint(&self, site: &Site, _rows: usize) -> Footprint {
        let held = self.buffers.iter().map(Buffer::len).max().unwrap_or(0);
        let drawn = held.min(self.knobs.whole("batch"));
        Footprint {
            method: KIND.name,
            bytes: self.buffers.iter().map(Buffer::bytes).max().unwrap_or(0),
            flops_per_step: site.network.step_flops(drawn),
            note: format!("{held} samples as f32, {drawn} more rows in each step"),
        }
    }

    fn save(&self, state: &mut State) {
        for (replica, buffer) in self.buffers.iter().enumerate() {
            buffer.save(&format!("replay.{replica}"), state);
        }
    }

    fn load(&mut self, _site: &Site, state: &State) -> Result<(), LearnerError> {
        let mut numbered = self.buffers.iter_mut().enumerate();
        numbered.try_for_each(|(replica, buffer)| buffer.load(&format!("replay.{replica}"), state))
    }
}
