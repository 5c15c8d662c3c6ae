//! Fading and eidetic memory side by side, after B'MOJO (Zancato et al. 2024): a fading matrix, a window of the newest
//! pairs, and a store of the pairs that the fading memory predicted worst.
//!
//! The innovation of a pair is |v - S k| before it is written. A pair that leaves the window enters the store while there
//! is room, or in place of the pair of least innovation if its own is larger. A query attends to window, store and what
//! the fading memory answers. Lab form: keys and values in place of tokens, and the fading answer counts as one more
//! pair, at the similarity that a knob says, where B'MOJO learns it.

use std::collections::VecDeque;

use super::matrix::Matrix;
use crate::bias::softmax;
use crate::learned::Learned;
use crate::matrix::dot;
use crate::memory::{Image, Memory};

/// Sizes and sharpness.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stores {
    pub window: usize,
    pub store: usize,
    pub inverse_temperature: f32,
    /// Similarity at which the fading answer counts.
    pub fading_at: f32,
}

/// The three memories.
#[derive(Debug, Clone)]
pub(crate) struct Hybrid {
    fading: Learned<Matrix>,
    stores: Stores,
    window: VecDeque<Pair>,
    store: Vec<Pair>,
}

#[derive(Debug, Clone)]
struct Pair {
    key: Vec<f32>,
    value: Vec<f32>,
    innovation: f32,
}

impl Hybrid {
    pub(crate) fn new(fading: Learned<Matrix>, stores: Stores) -> Self {
        Self { fading, stores, window: VecDeque::new(), store: Vec::new() }
    }

    /// Offers a pair that leaves the window to the store.
    fn offer(&mut self, pair: Pair) {
        if self.store.len() < self.stores.store {
            self.store.push(pair);
            return;
        }
        let least = self.store.iter_mut().min_by(|a, b| a.innovation.total_cmp(&b.innovation));
        if let Some(least) = least.filter(|least| pair.innovation > least.innovation) {
            *least = pair;
        }
    }
}

impl Memory for Hybrid {
    fn write(&mut self, key: &[f32], value: &[f32]) {
        let answer = self.fading.read(key);
        let innovation = answer.iter().zip(value).map(|(o, v)| (o - v) * (o - v)).sum::<f32>().sqrt();
        self.fading.write(key, value);
        self.window.push_back(Pair { key: key.to_vec(), value: value.to_vec(), innovation });
        if self.window.len() > self.stores.window
            && let Some(oldest) = self.window.pop_front()
        {
            self.offer(oldest);
        }
    }

    /// The matrix fades; the pairs of window and store stay.
    fn pass(&mut self) {
        self.fading.pass();
    }

    fn read(&self, query: &[f32]) -> Vec<f32> {
        let pairs = || self.window.iter().chain(&self.store);
        let sharpness = self.stores.inverse_temperature;
        let mut logits: Vec<f32> = pairs().map(|pair| sharpness * dot(query, &pair.key)).collect();
        logits.push(sharpness * self.stores.fading_at);
        let shares = softmax(&logits);
        let fading = shares.last().copied().unwrap_or(1.0);
        let mut answer: Vec<f32> = self.fading.read(query).iter().map(|o| fading * o).collect();
        for (pair, share) in pairs().zip(&shares) {
            answer.iter_mut().zip(&pair.value).for_each(|(sum, v)| *sum += share * v);
        }
        answer
    }

    fn reset(&mut self) {
        self.fading.reset();
        self.window.clear();
        self.store.clear();
    }

    fn bytes(&self) -> usize {
        let pairs = self.window.iter().chain(&self.store);
        // A pair with its innovation.
        let kept: usize = pairs.map(|pair| pair.key.len() + pair.value.len() + 1).sum();
        self.fading.bytes() + kept * size_of::<f32>()
    }

    fn image(&self) -> Image {
        self.fading.image()
    }

    fn last_write(&self) -> Option<Image> {
        self.fading.last_write()
    }

    fn surprise(&self) -> Option<f32> {
        self.fading.surprise()
    }

    fn boxed_clone(&self) -> Box<dyn Memory> {
        Box::new(self.clone())
    }
}
