//! A small causal sequence model: embedding, blocks of attention and perceptron, one classifier at every position.
//!
//! A block adds two branches to the stream of vectors h, each on normalised vectors n (pre-norm; Xiong et al. 2020):
//! h ← h + W_o attend(W_q u, W_k u, W_v u) and h ← h + W_2 φ(W_1 n), where u_t is n_t, with a shift beside it the n of the
//! tokens before (Olsson et al. 2022, section "smeared keys", share the idea). A key can then hold the token before its
//! value, which else takes a layer of its own.
//!
//! All parameters are dense layers that are taken at every position, so that flat weights, importances and methods treat
//! them like any network. The backward pass is written out, as in `network.rs`.
//!
//! Replicas and rows never meet: each row of each replica is a lane per head in attention.

mod answers;
mod changed;
mod gates;
mod heads;
mod look;
mod scans;
mod shaping;
mod softmax;
mod time;
mod tokens;
mod written;

#[cfg(test)]
mod tests;

use burn::tensor::Tensor;

use crate::activation::Activation;
use crate::flat::{Dense, Layout, Size};
use crate::network::{Trace, affine};
use crate::norm::Normed;

pub(crate) use answers::Answers;
pub use changed::Attend;
pub(crate) use changed::Changed;
use changed::Place;
pub(crate) use gates::Gates;
pub(crate) use heads::Heads;
use heads::Kept;
pub use look::{HeadLook, LayerLook, Look};
pub(crate) use scans::Scans;
pub(crate) use shaping::FeatureMap;
pub(crate) use time::{at_last, last, spread};
use tokens::Tokens;

/// How a model knows where a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Positions {
    /// A vector per position, added to the token's.
    Learned,
    /// Not at all, beyond the order of writes.
    None,
    /// Keys and queries are turned by their position (Su et al. 2021).
    Rotary,
}

/// The shape of a sequence model; the weights live outside.
#[derive(Debug, Clone)]
pub(crate) struct Sequence {
    /// Tokens in a row, T.
    pub(crate) length: usize,
    /// Token numbers, V.
    pub(crate) vocabulary: usize,
    /// Numbers in a vector of the stream, d.
    pub(crate) width: usize,
    pub(crate) blocks: usize,
    /// Units of the perceptron; 0 leaves it out.
    pub(crate) hidden: usize,
    pub(crate) activation: Activation,
    /// Earlier tokens that the projections see.
    pub(crate) shift: usize,
    pub(crate) norm: bool,
    pub(crate) positions: Positions,
    pub(crate) heads: Heads,
}

/// One block's layers.
struct Own<'a> {
    projection: &'a Dense,
    gates: Option<&'a Dense>,
    output: &'a Dense,
    /// Up and down; empty where there is none.
    perceptron: &'a [Dense],
}

/// What a block leaves behind for the backward pass.
#[derive(Debug)]
struct Block {
    before: Option<Normed>,
    kept: Kept,
    middle: Option<Normed>,
    /// The perceptron's pre-activation and activation.
    pre: Option<Tensor<3>>,
    out: Option<Tensor<3>>,
}

/// What a whole forward pass leaves behind beside the layers' inputs.
#[derive(Debug)]
pub(crate) struct Course {
    blocks: Vec<Block>,
    end: Option<Normed>,
    /// The last position's vectors, `[R, B, d]`.
    pub(crate) features: Tensor<3>,
    /// Outputs at every position, `[R, B·T, C]`.
    pub(crate) logits: Tensor<3>,
    pub(crate) tokens: Tokens,
}

impl Course {
    /// What each layer's attention left behind.
    fn kept(&self) -> impl Iterator<Item = &Kept> {
        self.blocks.iter().map(|block| &block.kept)
    }

    /// What each layer's projections read, `[R, B·T, n]`.
    fn seen<'a>(&self, trace: &'a Trace) -> impl Iterator<Item = &'a Tensor<3>> {
        let per_block = (trace.inputs.len() - 2) / self.blocks.len();
        trace.inputs[1..].iter().step_by(per_block).take(self.blocks.len())
    }
}

impl Sequence {
    /// The sizes of all layers, the classifier last.
    pub(crate) fn sizes(&self, classes: usize) -> Vec<Size> {
        let size = |inputs: usize, outputs: usize, bias: bool| Size { inputs, outputs, places: self.length, bias };
        let positions = if self.positions == Positions::Learned { self.length } else { 0 };
        let mut sizes = vec![size(self.vocabulary + positions, self.width, false)];
        for _ in 0..self.blocks {
            let seen = self.width * (1 + self.shift);
            sizes.push(size(seen, 3 * self.heads.all(), false));
            if self.heads.learned_gates() > 0 {
                sizes.push(size(seen, self.heads.count * self.heads.learned_gates(), true));
            }
            sizes.push(size(self.heads.all(), self.width, true));
            if self.hidden > 0 {
                sizes.push(size(self.width, self.hidden, true));
                sizes.push(size(self.hidden, self.width, true));
            }
        }
        sizes.push(size(self.width, classes, true));
        sizes
    }

    /// Layers of one block.
    fn per_block(&self) -> usize {
        2 + usize::from(self.heads.learned_gates() > 0) + if self.hidden > 0 { 2 } else { 0 }
    }

    /// A block's layers.
    fn of_block<'a>(&self, layers: &'a [Dense], index: usize) -> Own<'a> {
        let start = 1 + index * self.per_block();
        let (attention, perceptron) =
            layers[start..start + self.per_block()].split_at(self.per_block() - if self.hidden > 0 { 2 } else { 0 });
        Own {
            projection: &attention[0],
            gates: (attention.len() > 2).then(|| &attention[1]),
            output: &attention[attention.len() - 1],
            perceptron,
        }
    }

    /// Sets what the generic draw of first weights cannot know. Of the embedding's inputs one is on (and one more for
    /// the position), so that its weights are drawn as those of a layer with one input. Learned gates begin at the numbers
    /// of the composed memory.
    pub(crate) fn begin(&self, init: &str, layout: &Layout, weights: &mut [f32]) {
        let embedding = &layout.layers()[0];
        let (inputs, outputs) = (embedding.inputs as f32, embedding.outputs as f32);
        let scale = if init == "xavier" { (inputs + outputs) / (1.0 + outputs) } else { inputs }.sqrt();
        weights[embedding.weight.clone()].iter_mut().for_each(|weight| *weight *= scale);
        let gated = (0..self.blocks).filter(|_| self.heads.learned_gates() > 0);
        for gates in gated.map(|index| &layout.layers()[2 + index * self.per_block()]) {
            let biases = (0..self.heads.count).flat_map(|_| self.heads.gates().biases().collect::<Vec<_>>());
            weights[gates.bias.clone()].iter_mut().zip(biases).for_each(|(weight, bias)| *weight = bias);
        }
    }

    /// Multiplications and additions of attention in one row's forward and backward pass.
    pub(crate) fn attention_flops(&self, trained: bool) -> f64 {
        self.blocks as f64 * self.heads.flops(self.length, trained)
    }

    /// Most numbers that one row takes in attention.
    pub(crate) fn widest(&self) -> usize {
        self.heads.widest(self.length)
    }

    /// Runs rows of tokens, `[R, B, T]` or `[1, B, T]`, through all layers.
    pub(crate) fn forward(&self, layers: &[Dense], x: Tensor<3>) -> (Vec<Tensor<3>>, Course) {
        let tokens = Tokens::new(x, self.vocabulary);
        let mut inputs = vec![self.embedded(&tokens)];
        let mut h = affine(inputs[0].clone(), &layers[0]);
        let mut blocks = Vec::with_capacity(self.blocks);
        for index in 0..self.blocks {
            let (above, block) = self.block(&self.of_block(layers, index), h, &tokens, &mut inputs);
            h = above;
            blocks.push(block);
        }
        let end = self.norm.then(|| Normed::new(h.clone()));
        let h = end.as_ref().map_or(h, |normed| normed.value.clone());
        let logits = affine(h.clone(), &layers[layers.len() - 1]);
        inputs.push(h.clone());
        (inputs, Course { blocks, end, features: last(h, self.length), logits, tokens })
    }

    /// The last position's vectors alone, `[R, B, d]`. The last block is worked out only where they need it.
    pub(crate) fn features(&self, layers: &[Dense], x: Tensor<3>) -> Tensor<3> {
        self.features_with(layers, x, &mut Changed::default())
    }

    /// The same of a changed model.
    pub(crate) fn features_with(&self, layers: &[Dense], x: Tensor<3>, changed: &mut Changed<'_>) -> Tensor<3> {
        let tokens = Tokens::new(x, self.vocabulary);
        let mut h = affine(self.embedded(&tokens), &layers[0]);
        for index in 0..self.blocks {
            let own = self.of_block(layers, index);
            let (u, _) = self.seen(h.clone());
            let read = match &mut changed.attend {
                Some((replica, attend)) => {
                    let place = Place { replica: *replica, layer: index, seen: &u };
                    self.heads.attend_by(&place, &affine(u.clone(), own.projection), &tokens, *attend)
                }
                None => self.attend(&own, &u, &tokens).0,
            };
            let mut read = changed.mask(index, &self.heads, read);
            if index + 1 == self.blocks {
                (h, read) = (last(h, self.length), last(read, self.length));
            }
            h = h + affine(read, own.output);
            if let [up, down] = own.perceptron {
                let (n, _) = self.normed(h.clone());
                h = h + affine(self.activation.apply(affine(n, up)), down);
            }
        }
        self.normed(h).0
    }

    /// What the embedding reads: each token's one-hot code, with its position's where that is learned.
    fn embedded(&self, tokens: &Tokens) -> Tensor<3> {
        if self.positions == Positions::Learned { tokens.with_positions() } else { tokens.one_hot.clone() }
    }

    fn normed(&self, h: Tensor<3>) -> (Tensor<3>, Option<Normed>) {
        let normed = self.norm.then(|| Normed::new(h.clone()));
        (normed.as_ref().map_or(h, |normed| normed.value.clone()), normed)
    }

    /// What a block's projections read, `[R, B·T, d (1 + shift)]`.
    fn seen(&self, h: Tensor<3>) -> (Tensor<3>, Option<Normed>) {
        let (n, normed) = self.normed(h);
        if self.shift == 0 {
            return (n, normed);
        }
        let parts = (0..=self.shift).map(|by| time::earlier(n.clone(), self.length, by));
        (Tensor::cat(parts.collect(), 2), normed)
    }

    /// What the block's memory reads, `[R, B·T, H·d]`.
    fn attend(&self, own: &Own<'_>, u: &Tensor<3>, tokens: &Tokens) -> (Tensor<3>, Kept) {
        let gates = own.gates.map(|gates| affine(u.clone(), gates));
        self.heads.attend(&affine(u.clone(), own.projection), gates, tokens)
    }

    fn block(&self, own: &Own<'_>, h: Tensor<3>, tokens: &Tokens, inputs: &mut Vec<Tensor<3>>) -> (Tensor<3>, Block) {
        let (u, before) = self.seen(h.clone());
        let (read, kept) = self.attend(own, &u, tokens);
        let mut h = h + affine(read.clone(), own.output);
        inputs.extend(own.gates.map(|_| u.clone()));
        inputs.extend([u, read]);
        let mut block = Block { before, kept, middle: None, pre: None, out: None };
        if let [up, down] = own.perceptron {
            let (n, middle) = self.normed(h.clone());
            let z = affine(n.clone(), up);
            let pre = self.activation.needs_pre().then(|| z.clone());
            let out = self.activation.apply(z);
            h = h + affine(out.clone(), down);
            inputs.extend([n, out.clone()]);
            block = Block { middle, pre, out: Some(out), ..block };
        }
        (h, block)
    }

    /// ∂L/∂z of every layer's product from the first to the classifier, from that of the classifier, `[R, B·T, C]`, and
    /// from the slope at the features, `[R, B, d]`.
    pub(crate) fn deltas(
        &self,
        layers: &[Dense],
        course: &Course,
        logits: Tensor<3>,
        features: Option<Tensor<3>>,
    ) -> Vec<Tensor<3>> {
        let mut slope = back(&logits, &layers[layers.len() - 1]);
        let mut deltas = vec![logits];
        if let Some(own) = features {
            slope = slope + at_last(own, self.length);
        }
        if let Some(end) = &course.end {
            slope = end.chain(slope);
        }
        for (index, block) in course.blocks.iter().enumerate().rev() {
            let own = self.of_block(layers, index);
            if let (Some(out), [up, down]) = (&block.out, own.perceptron) {
                deltas.push(slope.clone());
                let inner = self.activation.chain(back(&slope, down), block.pre.as_ref(), out);
                let below = back(&inner, up);
                deltas.push(inner);
                slope = slope + chain(block.middle.as_ref(), below);
            }
            deltas.push(slope.clone());
            let (inner, gates) = self.heads.chain(&block.kept, back(&slope, own.output), &course.tokens);
            let mut seen = back(&inner, own.projection);
            if let Some((gates, layer)) = gates.zip(own.gates) {
                seen = seen + back(&gates, layer);
                deltas.push(gates);
            }
            deltas.push(inner);
            let parts = (0..=self.shift).map(|by| {
                let part = seen.clone().slice_dim(2, by * self.width..(by + 1) * self.width);
                time::later(part, self.length, by)
            });
            let Some(own) = parts.reduce(|sum, part| sum + part) else { continue };
            slope = slope + chain(block.before.as_ref(), own);
        }
        deltas.push(slope);
        deltas.reverse();
        deltas
    }
}

/// The slope at a layer's input from that at its product.
fn back(delta: &Tensor<3>, layer: &Dense) -> Tensor<3> {
    delta.clone().matmul(layer.weight.clone().transpose())
}

fn chain(normed: Option<&Normed>, slope: Tensor<3>) -> Tensor<3> {
    match normed {
        Some(normed) => normed.chain(slope),
        None => slope,
    }
}
