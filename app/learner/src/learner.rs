//! The learner.
use crate::*;
use burn::tensor::{Device, Tensor};

/// One term of the objective that is being descended.
#[derive(Debug, Clone, PartialEq)]
pub struct TermInfo {
    /// Stable name, such as `ce` or `ewc`.
    pub id: &'static str,
    /// As shown beside its curve.
    pub label: String,
    /// As shown in the equation, such as "½ λ Σ F (θ − θ*)²".
    pub formula: String,
    /// The method that adds it; none for the batch's own loss and the optimiser's weight decay.
    pub method: Option<&'static str>,
    /// Symbol of the knob that scales it, such as "λ"; empty when nothing does.
    pub symbol: &'static str,
    /// That knob's value, `[R]`; empty when nothing scales it.
    pub strength: Vec<f32>,
}

/// Values of the objective at the last step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Losses {
    /// The loss that was descended, `[R]`.
    pub total: Vec<f32>,
    /// Which terms it had, as [`TermInfo::id`].
    pub ids: Vec<&'static str>,
    /// Their values, `[term][R]`; they add up to the total.
    pub terms: Vec<Vec<f32>>,
}

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
    weights: Tensor<2>,
}

impl Learner {
    /// A learner at its initial weights.
    pub fn new(plan: &Plan<'_>, device: &Device) -> Result<Self, LearnerError> {
        Ok(Self { weights: Tensor::zeros([plan.seeds.len(), 1], device) })
    }
    /// Which data the methods ask for in each block.
    pub fn scope(&self) -> Scope {
        Scope::Current
    }
    /// Starts a block.
    pub fn begin_block(&mut self, info: &BlockInfo, data: &dyn TaskData) {
        let _ = (info, data);
    }
    /// One optimiser step of all active replicas. Nothing is read back from the device.
    pub fn step(&mut self, batch: Batch) -> Result<(), LearnerError> {
        let _ = batch;
        self.weights = self.weights.clone() + 1.0;
        Ok(())
    }
    /// Ends a block.
    pub fn end_block(&mut self, info: &BlockInfo, data: &dyn TaskData) {
        let _ = (info, data);
    }
    /// The composed objective now.
    pub fn terms(&self) -> Vec<TermInfo> {
        Vec::new()
    }
    /// The last step's losses, read back.
    pub fn last_losses(&self) -> Losses {
        Losses::default()
    }
    /// Which replicas are frozen because their loss or gradient was not finite, `[R]`.
    pub fn diverged(&mut self) -> Vec<bool> {
        Vec::new()
    }
    /// Puts evaluation inputs on the device: `x` is `[rows, F]` when shared by all replicas, else `[R, rows, F]`.
    pub fn evaluator(&self, x: Vec<f32>, rows: usize, shared: bool) -> EvalSet {
        let _ = (x, shared);
        EvalSet { x: Tensor::zeros([1, 1, 1], &self.weights.device()), rows }
    }
    /// Outputs before the softmax and without any head mask, `[R, rows, C]`.
    pub fn logits(&self, set: &EvalSet) -> Vec<f32> {
        set.x.to_data().to_vec().unwrap_or_default()
    }
    /// Changes a live knob in all replicas; it takes effect at the next step.
    pub fn set_knob(&mut self, component: &str, knob: &str, value: f64) -> Result<(), LearnerError> {
        let _ = (component, knob, value);
        Ok(())
    }
    /// The learning rate of the next step, schedule included, `[R]`.
    pub fn rates(&self) -> Vec<f32> {
        Vec::new()
    }
    /// Parameters of one network, P.
    pub fn parameters(&self) -> usize {
        0
    }
    /// The weights, `[R, P]`, read back.
    pub fn weights(&self) -> Vec<f32> {
        self.weights.to_data().to_vec().unwrap_or_default()
    }
    /// What each method costs.
    pub fn footprint(&self) -> Vec<Footprint> {
        Vec::new()
    }
    /// Floating-point operations of a plain step of `rows` rows, per replica: forward, backward and update.
    pub fn step_flops(&self, rows: usize) -> f64 {
        rows as f64
    }
    /// Everything that a run needs to go on.
    pub fn save(&self) -> State {
        State::default()
    }
    /// Goes back to a saved state.
    pub fn load(&mut self, state: &State) -> Result<(), LearnerError> {
        let _ = state;
        Ok(())
    }
}
