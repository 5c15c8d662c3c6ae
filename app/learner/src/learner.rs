//! A population in training: the step, the blocks around it, evaluation, and saving.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use mnemoscope_core::{Knobs, Registry as _};

use crate::activation::Activation;
use crate::device::{Column, keep_freed_memory, read};
use crate::flat::Layout;
use crate::head::HeadMask;
use crate::method::{Method, Site};
use crate::mlp::Mlp;
use crate::objective::{self, Losses, TermInfo, Values};
use crate::optimiser::{self, Optimiser};
use crate::rows::Rows;
use crate::schedule::{self, Position};
use crate::{
    Batch, BlockInfo, LearnerError, Models, Optimisers, Plan, Schedules, Scope, State, TaskData, init, methods,
};

/// Most numbers in one layer's activations during evaluation; more rows are taken in several passes.
const EVALUATION_NUMBERS: usize = 1 << 22;

/// What a method costs beyond the plain step.
#[derive(Debug, Clone, PartialEq)]
pub struct Footprint {
    /// The method's kind.
    pub method: &'static str,
    /// Bytes that it keeps per replica now.
    pub bytes: usize,
    /// Floating-point operations that it adds to each step, per replica.
    pub flops_per_step: f64,
    /// What is counted, in words.
    pub note: String,
}

/// Inputs for evaluation, kept on the device.
#[derive(Debug, Clone)]
pub struct EvalSet {
    x: Tensor<3>,
    rows: usize,
}

impl EvalSet {
    /// Rows per replica.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

/// A population of R networks in training.
#[derive(Debug)]
pub struct Learner {
    site: Site,
    optimiser: Box<dyn Optimiser>,
    schedule: Knobs,
    methods: Vec<Box<dyn Method>>,
    total_steps: u64,
    on_processor: bool,
    block: Option<BlockInfo>,
    /// Steps that each replica has taken in the block, `[R]`.
    block_steps: Vec<u64>,
    /// Rows of the last batch, for [`Learner::footprint`].
    rows: usize,
    /// Which replicas have diverged, `[R, 1]`.
    diverged: Tensor<2, Bool>,
    values: Values,
    rates: Column,
    decay: Column,
}

impl Learner {
    /// A learner at its initial weights.
    ///
    /// # Errors
    /// When a part of the plan is empty or resolved for another number of replicas, or two methods contradict each
    /// other: the same method twice, or cumulative with joint training.
    pub fn new(plan: &Plan<'_>, device: &Device) -> Result<Self, LearnerError> {
        Self::with_methods(plan, Vec::new(), device)
    }

    /// A learner with further methods, which act after those of the plan; for methods from outside this crate.
    ///
    /// # Errors
    /// As [`Learner::new`].
    pub fn with_methods(plan: &Plan<'_>, further: Vec<Box<dyn Method>>, device: &Device) -> Result<Self, LearnerError> {
        keep_freed_memory();
        let replicas = plan.seeds.len();
        for (what, count) in [("seeds", replicas), ("features", plan.features), ("classes", plan.classes)] {
            if count == 0 {
                return Err(LearnerError::Empty { what });
            }
        }
        for knobs in plan.methods.iter().chain([&plan.optimiser, &plan.schedule]) {
            if knobs.replicas() != replicas {
                let component = knobs.kind().name.to_owned();
                return Err(LearnerError::Replicas { component, found: knobs.replicas(), expected: replicas });
            }
        }
        for (noun, name, known) in [
            (Models::NOUN, plan.model.name(), Models::find(plan.model.name()).is_some()),
            (Optimisers::NOUN, plan.optimiser.kind().name, Optimisers::find(plan.optimiser.kind().name).is_some()),
            (Schedules::NOUN, plan.schedule.kind().name, Schedules::find(plan.schedule.kind().name).is_some()),
        ] {
            if !known {
                return Err(LearnerError::Unknown { noun, name: name.to_owned() });
            }
        }

        let layout = Layout::dense(plan.features, &plan.model.list("widths"), plan.classes);
        let parameters = layout.parameters();
        let draw = |seed: &u64| init::draw(plan.model.text("init"), &layout, plan.seed, *seed);
        let weights: Vec<f32> = plan.seeds.iter().flat_map(draw).collect();
        let site = Site {
            weights: Tensor::from_data(TensorData::new(weights, [replicas, parameters]), device),
            network: Mlp { layout, activation: Activation::named(plan.model.text("activation")) },
            device: device.clone(),
            seed: plan.seed,
            seeds: plan.seeds.clone(),
            steps: vec![0; replicas],
            features: plan.features,
            classes: plan.classes,
            head: HeadMask::new(plan.head, plan.classes),
        };
        let mut all =
            plan.methods.iter().map(|knobs| methods::build(knobs.clone(), &site)).collect::<Result<Vec<_>, _>>()?;
        all.extend(further);
        refuse_conflicts(&all)?;
        Ok(Self {
            optimiser: optimiser::build(plan.optimiser.clone())?,
            schedule: plan.schedule.clone(),
            methods: all,
            total_steps: plan.total_steps,
            on_processor: *device == Device::flex(),
            block: None,
            block_steps: vec![0; replicas],
            rows: 0,
            diverged: flags(&vec![false; replicas], device),
            values: Values::default(),
            rates: Column::default(),
            decay: Column::default(),
            site,
        })
    }

    /// Which data the methods ask for in each block.
    pub fn scope(&self) -> Scope {
        self.methods.iter().find_map(|method| method.scope()).unwrap_or_default()
    }

    /// Starts a block. `data` is what it trains on.
    pub fn begin_block(&mut self, info: &BlockInfo, data: &dyn TaskData) {
        self.enter(info);
        self.block_steps.fill(0);
        self.methods.iter_mut().for_each(|method| method.begin_block(&self.site, info, data));
    }

    fn enter(&mut self, info: &BlockInfo) {
        self.site.head.set(info, &self.site.device);
        self.block = Some(info.clone());
    }

    /// One optimiser step of all active replicas. Nothing is read back from the device.
    ///
    /// # Errors
    /// When the batch does not fit the model; nothing has changed then.
    pub fn step(&mut self, batch: Batch) -> Result<(), LearnerError> {
        let site = &mut self.site;
        let mut rows = Rows::new(batch, site.replicas(), site.features, site.classes)?;
        self.rows = rows.new_rows();
        let active = rows.batch().active.clone();
        for method in &mut self.methods {
            method.extend_batch(site, &mut rows);
        }
        let decay = self.optimiser.penalty().map(|decay| self.decay.of(decay, &site.device));
        let (values, gradient) = objective::descend(site, &mut self.methods, rows, decay);

        let rates =
            schedule_rates(&*self.optimiser, &self.schedule, site, self.total_steps, &self.block, &self.block_steps);
        let rates = self.rates.of(rates, &site.device);
        let proposal = self.optimiser.propose(site, gradient, rates);
        // A sum is finite when all its parts are (or so large that they are past all use).
        let mut sums = proposal.step.clone().sum_dim(1);
        for part in values.total().into_iter().chain(proposal.watch) {
            sums = sums + part;
        }
        let broken = sums.is_finite().bool_not();
        let mut held = self.diverged.clone().bool_or(broken.clone());
        if active.iter().all(|active| *active) {
            self.diverged = held.clone();
        } else {
            let idle = flags(&active.iter().map(|active| !active).collect::<Vec<_>>(), &site.device);
            self.diverged = self.diverged.clone().bool_or(broken.bool_and(idle.clone().bool_not()));
            held = held.bool_or(idle);
        }
        // On the processor a look at the flags costs nothing and spares passes over the weights; on a graphics card it
        // would wait for the step.
        let step = if self.on_processor && !any(&held) {
            proposal.step
        } else {
            let held = held.expand(site.shape());
            self.optimiser.hold(&held);
            proposal.step.mask_fill(held, 0.0)
        };
        site.weights.inplace(|weights| weights - step);

        self.values = values;
        for (replica, active) in active.into_iter().enumerate() {
            site.steps[replica] += u64::from(active);
            self.block_steps[replica] += u64::from(active);
        }
        self.methods.iter_mut().for_each(|method| method.after_step(site));
        Ok(())
    }

    /// Ends a block. `data` is what it trained on.
    pub fn end_block(&mut self, info: &BlockInfo, data: &dyn TaskData) {
        self.methods.iter_mut().for_each(|method| method.end_block(&self.site, info, data));
    }

    /// The composed objective as it now stands: terms appear when a method first has something to add.
    pub fn terms(&self) -> Vec<TermInfo> {
        objective::terms(&self.methods, self.optimiser.penalty())
    }

    /// The last step's losses in the order of [`Learner::terms`], read back; empty before the first step.
    pub fn last_losses(&self) -> Losses {
        self.values.read(&self.terms())
    }

    /// Which replicas are frozen because their loss or gradient was not finite, `[R]`, read back.
    pub fn diverged(&mut self) -> Vec<bool> {
        read(&self.diverged.clone().float()).into_iter().map(|flag| flag != 0.0).collect()
    }

    /// Puts evaluation inputs on the device: `x` is `[rows, F]` when shared by all replicas, else `[R, rows, F]`.
    ///
    /// # Panics
    /// When `x` has another length.
    pub fn evaluator(&self, x: Vec<f32>, rows: usize, shared: bool) -> EvalSet {
        let shape = [if shared { 1 } else { self.site.replicas() }, rows, self.site.features];
        EvalSet { x: Tensor::from_data(TensorData::new(x, shape), &self.site.device), rows }
    }

    /// Outputs before the softmax and without any head mask, `[R, rows, C]`, read back.
    pub fn logits(&self, set: &EvalSet) -> Vec<f32> {
        let Site { network, weights, features, classes, .. } = &self.site;
        let replicas = self.site.replicas();
        let layers = network.layout.cut(weights);
        let widest = network.layout.layers().iter().map(|layer| layer.inputs.max(layer.outputs)).max().unwrap_or(1);
        let chunk = (EVALUATION_NUMBERS / (widest * replicas)).max(1);
        if set.rows <= chunk {
            return read(&network.logits(&layers, set.x.clone()));
        }
        let mut all = vec![0.0; replicas * set.rows * classes];
        let [sets, ..] = set.x.dims();
        for start in (0..set.rows).step_by(chunk) {
            let end = set.rows.min(start + chunk);
            let part = read(&network.logits(&layers, set.x.clone().slice([0..sets, start..end, 0..*features])));
            for (replica, own) in part.chunks_exact((end - start) * classes).enumerate() {
                let at = (replica * set.rows + start) * classes;
                all[at..at + own.len()].copy_from_slice(own);
            }
        }
        all
    }

    /// Changes a live knob in all replicas; it takes effect at the next step. `component` is "optimiser", "schedule" or
    /// a method's kind.
    ///
    /// # Errors
    /// When there is no such component or live knob, or the value lies outside its domain.
    pub fn set_knob(&mut self, component: &str, knob: &str, value: f64) -> Result<(), LearnerError> {
        let all = || {
            let methods = self.methods.iter().map(|method| method.kind());
            ["optimiser", "schedule"].into_iter().chain(methods).collect::<Vec<_>>().join(", ")
        };
        let missing = LearnerError::NoComponent { name: component.to_owned(), all: all() };
        let knobs = match component {
            "optimiser" => Some(self.optimiser.knobs_mut()),
            "schedule" => Some(&mut self.schedule),
            kind => self.methods.iter_mut().find(|method| method.kind() == kind).and_then(|method| method.knobs_mut()),
        };
        Ok(knobs.ok_or(missing)?.set_live(knob, value)?)
    }

    /// The learning rate of the next step, schedule included, `[R]`.
    pub fn rates(&self) -> Vec<f32> {
        schedule_rates(&*self.optimiser, &self.schedule, &self.site, self.total_steps, &self.block, &self.block_steps)
    }

    /// Parameters of one network, P.
    pub fn parameters(&self) -> usize {
        self.site.network.layout.parameters()
    }

    /// The weights, `[R, P]`, read back.
    pub fn weights(&self) -> Vec<f32> {
        read(&self.site.weights)
    }

    /// What each method costs, at the last batch's size.
    pub fn footprint(&self) -> Vec<Footprint> {
        self.methods.iter().map(|method| method.footprint(&self.site, self.rows)).collect()
    }

    /// Floating-point operations of a plain step on `rows` rows, per replica: forward, backward and update.
    pub fn step_flops(&self, rows: usize) -> f64 {
        self.site.network.step_flops(rows) + self.optimiser.flops() * self.parameters() as f64
    }

    /// Everything that a run needs to go on.
    pub fn save(&self) -> State {
        let mut state = State { block: self.block.clone(), ..State::default() };
        state.put("weights", &self.site.weights);
        state.put("diverged", &self.diverged.clone().float());
        state.put_words("steps", self.site.steps.iter().copied());
        state.put_words("block_steps", self.block_steps.iter().copied());
        state.put_words("rows", [self.rows as u64]);
        self.optimiser.save(&mut state);
        self.methods.iter().for_each(|method| method.save(&mut state));
        let parts = [("optimiser", self.optimiser.knobs()), ("schedule", &self.schedule)];
        let methods = self.methods.iter().filter_map(|method| Some((method.kind(), method.knobs()?)));
        parts.into_iter().chain(methods).for_each(|(component, knobs)| state.put_knobs(component, knobs));
        state
    }

    /// Goes back to a saved state of the same plan.
    ///
    /// # Errors
    /// When an entry is missing or has another shape; the learner may then be half restored and should be dropped.
    pub fn load(&mut self, state: &State) -> Result<(), LearnerError> {
        let replicas = self.site.replicas();
        let device = self.site.device.clone();
        self.site.weights = state.tensor("weights", self.site.shape(), &device)?;
        self.diverged = state.tensor("diverged", [replicas, 1], &device)?.greater_scalar(0.5);
        self.site.steps = state.words_of("steps", replicas)?.to_vec();
        self.block_steps = state.words_of("block_steps", replicas)?.to_vec();
        self.rows = state.words_of("rows", 1)?[0] as usize;
        self.values = Values::default();
        self.block = None;
        if let Some(info) = &state.block {
            self.enter(info);
        }
        self.optimiser.load(&self.site, state)?;
        state.knobs("optimiser", self.optimiser.knobs_mut())?;
        state.knobs("schedule", &mut self.schedule)?;
        for method in &mut self.methods {
            method.load(&self.site, state)?;
            let kind = method.kind();
            if let Some(knobs) = method.knobs_mut() {
                state.knobs(kind, knobs)?;
            }
        }
        Ok(())
    }
}

/// The rates of the next step, `[R]`.
fn schedule_rates(
    optimiser: &dyn Optimiser,
    schedule: &Knobs,
    site: &Site,
    total_steps: u64,
    block: &Option<BlockInfo>,
    block_steps: &[u64],
) -> Vec<f32> {
    let rates = optimiser.knobs().reals("rate").into_iter().enumerate();
    rates
        .map(|(replica, rate)| {
            let position = Position {
                run: (site.steps[replica], total_steps),
                block: block.as_ref().map(|info| (block_steps[replica], info.steps)),
            };
            (f64::from(rate) * schedule::factor(schedule, replica, position)) as f32
        })
        .collect()
}

fn refuse_conflicts(methods: &[Box<dyn Method>]) -> Result<(), LearnerError> {
    for (at, first) in methods.iter().enumerate() {
        for second in &methods[at + 1..] {
            let reason = if first.kind() == second.kind() {
                "each method acts once"
            } else if let (Some(one), Some(other)) = (first.scope(), second.scope())
                && one != other
            {
                "they ask for different data in each block"
            } else {
                continue;
            };
            let (first, second) = (first.kind().to_owned(), second.kind().to_owned());
            return Err(LearnerError::Conflict { first, second, reason });
        }
    }
    Ok(())
}

/// One flag per replica, `[R, 1]`.
fn flags(values: &[bool], device: &Device) -> Tensor<2, Bool> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len(), 1]), device)
}

/// Whether any flag is set, read back; a device that fails to answer counts as a yes.
fn any(flags: &Tensor<2, Bool>) -> bool {
    flags.try_to_data().map_or(true, |data| data.iter::<bool>().any(|flag| flag))
}
