//! Memories whose weights a rule writes: any architecture that has a gradient, with any bias, retention and step.

use std::fmt;

use crate::bias::Loss;
use crate::memory::{Image, Memory};
use crate::retention::Keep;
use crate::rule::Step;

/// An architecture with weights: how they answer a query, and which way they answer better.
pub(crate) trait Weighted: Clone + fmt::Debug + Send + Sync + 'static {
    /// Weights before the first write.
    fn initial(&self) -> Vec<f32>;

    /// Weights per row of the matrix that a retention by channels sees.
    fn channels(&self) -> usize;

    /// What the weights answer to a query, `[d_v]`.
    fn answer(&self, weights: &[f32], query: &[f32]) -> Vec<f32>;

    /// The gradient by the weights, where `slope` `[d_v]` is the gradient by the answer to `key`.
    fn gradient(&self, weights: &[f32], key: &[f32], slope: &[f32]) -> Vec<f32>;

    /// Weights, or changes of them, as a picture.
    fn image(&self, weights: &[f32], label: &str) -> Image;
}

/// Weights under a rule.
#[derive(Debug, Clone)]
pub(crate) struct Learned<A> {
    architecture: A,
    loss: Loss,
    keep: Keep,
    step: Step,
    weights: Vec<f32>,
    /// A of L_q, log S of KL.
    hidden: Vec<f32>,
    /// The surprise that momentum carries.
    momentum: Vec<f32>,
    last: Vec<f32>,
    surprise: Option<f32>,
}

impl<A: Weighted> Learned<A> {
    pub(crate) fn new(architecture: A, loss: Loss, keep: Keep, step: Step) -> Self {
        let empty = Vec::new();
        let (weights, hidden, momentum, last) = (empty.clone(), empty.clone(), empty.clone(), empty);
        let mut memory = Self { architecture, loss, keep, step, weights, hidden, momentum, last, surprise: None };
        memory.reset();
        memory
    }

    /// The weights.
    pub(crate) fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// What these weights answer.
    pub(crate) fn read_at(&self, weights: &[f32], query: &[f32]) -> Vec<f32> {
        self.loss.read_out(self.architecture.answer(weights, query))
    }

    /// Empties the memory; what the last write added stays to be shown.
    pub(crate) fn restart(&mut self) {
        let (last, surprise) = (std::mem::take(&mut self.last), self.surprise);
        self.reset();
        (self.last, self.surprise) = (last, surprise);
    }

    /// The gradient of the loss on one pair by the weights.
    fn gradient(&self, weights: &[f32], key: &[f32], value: &[f32]) -> Vec<f32> {
        let slope = self.loss.derivative(&self.architecture.answer(weights, key), value);
        self.architecture.gradient(weights, key, &slope)
    }

    /// Forgets and adds `increment`; what the write added stays for the picture.
    fn advance(&mut self, increment: Vec<f32>) {
        let before = if self.hidden.is_empty() && !matches!(self.keep, Keep::ElasticNet { .. }) {
            Vec::new()
        } else {
            self.weights.clone()
        };
        self.keep.advance(&mut self.weights, &mut self.hidden, &increment, self.architecture.channels());
        self.last = if before.is_empty() {
            increment
        } else {
            self.weights.iter().zip(before).map(|(after, before)| after - before).collect()
        };
    }
}

impl<A: Weighted> Memory for Learned<A> {
    fn write(&mut self, key: &[f32], value: &[f32]) {
        let decayed = |keep: &Keep, weights: &[f32]| keep.kept(weights).unwrap_or_else(|| weights.to_vec());
        match self.step {
            Step::Gradient { beta, at_decayed } => {
                let gradient = if at_decayed && self.keep != Keep::Decay(1.0) {
                    self.gradient(&decayed(&self.keep, &self.weights), key, value)
                } else {
                    self.gradient(&self.weights, key, value)
                };
                self.surprise = Some(norm(&gradient));
                self.advance(scaled(gradient, -beta));
            }
            Step::Momentum { theta, eta } => {
                let gradient = self.gradient(&self.weights, key, value);
                self.surprise = Some(norm(&gradient));
                for (surprise, slope) in self.momentum.iter_mut().zip(&gradient) {
                    *surprise = eta * *surprise - theta * slope;
                }
                self.advance(self.momentum.clone());
            }
            Step::Several { steps, beta } => {
                let kept = decayed(&self.keep, &self.weights);
                self.weights.clone_from(&kept);
                for step in 0..steps {
                    let gradient = self.gradient(&self.weights, key, value);
                    if step == 0 {
                        self.surprise = Some(norm(&gradient));
                    }
                    self.weights.iter_mut().zip(&gradient).for_each(|(cell, slope)| *cell -= beta * slope);
                }
                self.last = self.weights.iter().zip(kept).map(|(after, kept)| after - kept).collect();
            }
        }
    }

    /// The surprise that momentum carries waits for the next pair.
    fn pass(&mut self) {
        let nothing = vec![0.0; self.weights.len()];
        self.keep.advance(&mut self.weights, &mut self.hidden, &nothing, self.architecture.channels());
    }

    fn read(&self, query: &[f32]) -> Vec<f32> {
        self.read_at(&self.weights, query)
    }

    fn reset(&mut self) {
        self.weights = self.architecture.initial();
        self.keep.begin(&mut self.weights, self.architecture.channels());
        self.hidden = self.keep.hidden(self.weights.len());
        let surprise = if matches!(self.step, Step::Momentum { .. }) { self.weights.len() } else { 0 };
        self.momentum = vec![0.0; surprise];
        self.last = Vec::new();
        self.surprise = None;
    }

    fn bytes(&self) -> usize {
        (self.weights.len() + self.hidden.len() + self.momentum.len()) * size_of::<f32>()
    }

    fn image(&self) -> Image {
        self.architecture.image(&self.weights, "memory")
    }

    fn last_write(&self) -> Option<Image> {
        (!self.last.is_empty()).then(|| self.architecture.image(&self.last, "added last"))
    }

    fn surprise(&self) -> Option<f32> {
        self.surprise
    }

    fn boxed_clone(&self) -> Box<dyn Memory> {
        Box::new(self.clone())
    }
}

fn norm(cells: &[f32]) -> f32 {
    cells.iter().map(|cell| cell * cell).sum::<f32>().sqrt()
}

fn scaled(mut cells: Vec<f32>, by: f32) -> Vec<f32> {
    for cell in &mut cells {
        *cell *= by;
    }
    cells
}
