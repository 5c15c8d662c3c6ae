//! Heads: from the projections of a block to what its memory reads, and back.
//!
//! A projection `[R, B·T, 3·H·d]` holds queries, keys and values of all heads. They become lanes, one per replica, row
//! and head, `[R·B·H, T, d]`. On the way queries and keys may pass a feature map (Katharopoulos et al. 2020, eq. 7), be
//! brought to length 1 (Henry et al. 2020, "Query-Key Normalization") and be turned by their position (Su et al. 2021,
//! eq. 15). The memory is softmax attention or a matrix that is written step by step. Under the KL bias values are
//! distributions: the softmax of what the projection gives (lab form).

use burn::tensor::{Tensor, TensorData, activation};
use mnemoscope_memory::Mixer;
use mnemoscope_memory::cache::{self, Call};

use super::changed::{Attend, Place};
use super::gates::Gates;
use super::scans::Scans;
use super::shaping::{FeatureMap, Shaped, turned};
use super::softmax;
use super::tokens::Tokens;
use super::written::{Slopes, Written};
use crate::cosine::Direction;
use crate::device::read;

/// The heads of every block.
#[derive(Debug, Clone)]
pub(crate) struct Heads {
    /// H.
    pub(crate) count: usize,
    /// Numbers in a key, a query and a value, d.
    pub(crate) width: usize,
    pub(crate) map: FeatureMap,
    /// Whether keys and queries have length 1.
    pub(crate) unit: bool,
    pub(crate) rotary: bool,
    pub(crate) mixer: Mixer,
    /// Where a matrix memory is scanned.
    pub(crate) scans: Scans,
    /// Whether write strength, retention and momentum are learned functions of the token.
    pub(crate) learned: bool,
}

/// What attention leaves behind for the backward pass; all lanes.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) q: Tensor<3>,
    pub(crate) k: Tensor<3>,
    pub(crate) v: Tensor<3>,
    /// Of queries and of keys.
    shaped: [Shaped; 2],
    pub(crate) memory: Memory,
}

/// What the memory leaves behind.
#[derive(Debug)]
pub(crate) enum Memory {
    /// The weights of softmax attention, `[lanes, T, T]`.
    Softmax(Box<Tensor<3>>),
    /// The writes of a matrix.
    Written(Box<Written>),
}

impl Heads {
    /// Numbers of all heads together.
    pub(crate) fn all(&self) -> usize {
        self.count * self.width
    }

    /// The gates of each head.
    pub(crate) fn gates(&self) -> Gates {
        Gates::of(&self.mixer, self.width)
    }

    /// Numbers per head that the gates' layer gives; 0 where nothing is learned.
    pub(crate) fn learned_gates(&self) -> usize {
        if self.learned { self.gates().count() } else { 0 }
    }

    /// s in exp(s q·k).
    pub(crate) fn scale(&self) -> f32 {
        match self.mixer {
            Mixer::Softmax { inverse_temperature, .. } if self.unit => inverse_temperature,
            _ => 1.0 / (self.width as f32).sqrt(),
        }
    }

    /// What the memory reads, `[R, B·T, H·d]`, from the projections and the gates' pre-activations, `[R, B·T, H·g]`.
    pub(crate) fn attend(&self, projected: &Tensor<3>, gates: Option<Tensor<3>>, tokens: &Tokens) -> (Tensor<3>, Kept) {
        let [replicas, ..] = projected.dims();
        let ([q, k, v], shaped) = self.lanes_of(projected, tokens);
        let real = tokens.real_lanes(replicas, self.count);
        match &self.mixer {
            Mixer::Softmax { decay, .. } => {
                let weights = softmax::weights(&q, &k, self.scale(), *decay, &real);
                let read = weights.clone().matmul(v.clone());
                let kept = Kept { q, k, v, shaped, memory: Memory::Softmax(Box::new(weights)) };
                (self.merge(read, self.width, replicas, tokens), kept)
            }
            Mixer::Scan { form, .. } => {
                let gates = gates.map(|gates| self.lanes(gates, self.learned_gates(), tokens));
                // A filler writes nothing: its key and value are 0.
                let [lanes, length] = real.dims();
                let real = real.reshape([lanes, length, 1]);
                let v = if self.answers_distributions() { activation::softmax(v, 2) } else { v };
                let (k, v) = (k * real.clone(), v * real.clone());
                let gates = self.gates().open(gates, &real);
                let written = Written::new(&self.scans, *form, [&q, &k, &v], gates);
                let read = written.read(&q.device());
                let kept = Kept { q, k, v, shaped, memory: Memory::Written(Box::new(written)) };
                (self.merge(read, self.width, replicas, tokens), kept)
            }
        }
    }

    /// The same of softmax attention, read by something else; `seen` is what the projections read, `[1, B·T, n]`.
    pub(crate) fn attend_by(
        &self,
        place: &Place<'_>,
        projected: &Tensor<3>,
        tokens: &Tokens,
        attend: &mut dyn Attend,
    ) -> Tensor<3> {
        let ([q, k, v], _) = self.lanes_of(projected, tokens);
        let [lanes, steps, d] = q.dims();
        let (rows, heads) = (tokens.rows, self.count);
        let real = read(&tokens.real);
        let starts: Vec<usize> =
            real.chunks(steps).map(|row| row.iter().position(|token| *token > 0.0).unwrap_or(steps)).collect();
        let decay = match self.mixer {
            Mixer::Softmax { decay, .. } => decay,
            Mixer::Scan { .. } => 1.0,
        };
        let out = attend.attend(
            place.replica,
            &Call {
                layer: place.layer,
                shape: cache::Shape { rows, heads, steps, d_k: d, d_v: d },
                scale: self.scale(),
                decay,
                q: &read(&q),
                k: &read(&k),
                v: &read(&v),
                hidden: &read(place.seen),
                starts: &starts,
            },
        );
        let out = Tensor::from_data(TensorData::new(out, [lanes, steps, d]), &q.device());
        self.merge(out, self.width, 1, tokens)
    }

    /// Whether values are distributions: the softmax of what the projection gives.
    fn answers_distributions(&self) -> bool {
        matches!(self.mixer, Mixer::Scan { form, .. } if form.answers_distributions())
    }

    /// Queries, keys and values as lanes, and what the first two passed.
    fn lanes_of(&self, projected: &Tensor<3>, tokens: &Tokens) -> ([Tensor<3>; 3], [Shaped; 2]) {
        let part = |index: usize| {
            let own = projected.clone().slice_dim(2, index * self.all()..(index + 1) * self.all());
            self.lanes(own, self.width, tokens)
        };
        let (q, of_q) = self.shape(part(0));
        let (k, of_k) = self.shape(part(1));
        ([q, k, part(2)], [of_q, of_k])
    }

    /// The slopes at the projections and at the gates' pre-activations from that at what the memory read.
    pub(crate) fn chain(&self, kept: &Kept, slope: Tensor<3>, tokens: &Tokens) -> (Tensor<3>, Option<Tensor<3>>) {
        let [replicas, ..] = slope.dims();
        let slope = self.lanes(slope, self.width, tokens);
        let ([q, k, v], gates) = match &kept.memory {
            Memory::Softmax(weights) => (softmax::chain(&kept.q, &kept.k, &kept.v, weights, self.scale(), slope), None),
            Memory::Written(written) => {
                let Slopes { q, k, v, gates } = written.chain(&slope);
                let real = written.real().clone();
                let gates = gates.filter(|_| self.learned);
                let gates = gates.map(|gates| self.merge(gates, self.learned_gates(), replicas, tokens));
                // Of a filler the value that was kept is 0, and its slope with it.
                let v = if self.answers_distributions() {
                    let along = (v.clone() * kept.v.clone()).sum_dim(2);
                    kept.v.clone() * (v - along)
                } else {
                    v * real.clone()
                };
                ([q, k * real, v], gates)
            }
        };
        let [of_q, of_k] = &kept.shaped;
        let parts = [self.unshape(q, of_q), self.unshape(k, of_k), v];
        (Tensor::cat(parts.map(|part| self.merge(part, self.width, replicas, tokens)).to_vec(), 2), gates)
    }

    /// `[R, B·T, H·n]` as lanes, `[R·B·H, T, n]`.
    fn lanes(&self, values: Tensor<3>, width: usize, tokens: &Tokens) -> Tensor<3> {
        let [replicas, ..] = values.dims();
        let all = replicas * tokens.rows;
        let apart = values.reshape([all, tokens.length, self.count, width]).swap_dims(1, 2);
        apart.reshape([all * self.count, tokens.length, width])
    }

    /// Lanes as `[R, B·T, H·n]`.
    fn merge(&self, lanes: Tensor<3>, width: usize, replicas: usize, tokens: &Tokens) -> Tensor<3> {
        let all = replicas * tokens.rows;
        let together = lanes.reshape([all, self.count, tokens.length, width]).swap_dims(1, 2);
        together.reshape([replicas, tokens.rows * tokens.length, self.count * width])
    }

    fn shape(&self, values: Tensor<3>) -> (Tensor<3>, Shaped) {
        let mapped = (self.map != FeatureMap::Identity).then(|| self.map.apply(values.clone()));
        let values = mapped.clone().unwrap_or(values);
        let direction = self.unit.then(|| Direction::of(values.clone(), 2));
        let values = direction.as_ref().map_or(values, |direction| direction.unit.clone());
        (if self.rotary { turned(&values, 1.0) } else { values }, Shaped { mapped, direction })
    }

    fn unshape(&self, slope: Tensor<3>, shaped: &Shaped) -> Tensor<3> {
        let mut slope = if self.rotary { turned(&slope, -1.0) } else { slope };
        if let Some(direction) = &shaped.direction {
            slope = direction.chain(slope);
        }
        match &shaped.mapped {
            Some(mapped) => self.map.chain(slope, mapped),
            None => slope,
        }
    }

    /// Multiplications and additions of one row in one block. Softmax: two products of T x T forward and four back. A
    /// matrix: its products of each step, as often again on the way back to find its states, and twice for the slopes.
    pub(crate) fn flops(&self, length: usize, trained: bool) -> f64 {
        let (steps, d) = (length as f64, self.width as f64);
        let (forward, back) = match &self.mixer {
            Mixer::Softmax { .. } => (4.0 * steps * steps * d, 8.0 * steps * steps * d),
            Mixer::Scan { form, .. } => {
                let forward = 2.0 * steps * d * d * super::written::products(*form);
                (forward, 3.0 * forward)
            }
        };
        self.count as f64 * if trained { forward + back } else { forward }
    }

    /// Most numbers that one row takes.
    pub(crate) fn widest(&self, length: usize) -> usize {
        match self.mixer {
            Mixer::Softmax { .. } => self.count * length * length,
            Mixer::Scan { .. } => self.count * self.width * self.width.max(length),
        }
    }
}
