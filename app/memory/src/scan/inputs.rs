//! What goes into a scan, what comes back, and their cut into lanes and steps.
#![allow(clippy::inline_always)]

/// Sizes of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Memories side by side: replicas times sequences times heads.
    pub lanes: usize,
    /// Steps of each sequence.
    pub steps: usize,
    /// Entries of a key and of a query.
    pub d_k: usize,
    /// Entries of a value.
    pub d_v: usize,
    /// Steps between two states that are kept for the way back; 0 counts as 1. It changes the cost, not the result.
    pub chunk: usize,
}

impl Shape {
    /// Steps of a chunk.
    pub(super) fn chunk(&self) -> usize {
        self.chunk.max(1)
    }

    /// Chunks of a sequence.
    pub(super) fn chunks(&self) -> usize {
        self.steps.div_ceil(self.chunk())
    }
}

/// What is written and asked, row-major.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Inputs<'a> {
    /// Queries `[lanes, steps, d_k]`.
    pub q: &'a [f32],
    /// Keys `[lanes, steps, d_k]`.
    pub k: &'a [f32],
    /// Values `[lanes, steps, d_v]`.
    pub v: &'a [f32],
    /// Write strength beta `[lanes, steps]`; empty means 1.
    pub strength: &'a [f32],
    /// Retention alpha, `[lanes, steps]` or by channel of the key `[lanes, steps, d_k]`; empty means 1.
    pub retention: &'a [f32],
    /// Momentum eta `[lanes, steps]`; empty for a form without.
    pub momentum: &'a [f32],
}

/// The gradients by the inputs, each as long as its input.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gradients {
    /// By the queries.
    pub q: Vec<f32>,
    /// By the keys.
    pub k: Vec<f32>,
    /// By the values.
    pub v: Vec<f32>,
    /// By the write strength.
    pub strength: Vec<f32>,
    /// By the retention.
    pub retention: Vec<f32>,
    /// By the momentum.
    pub momentum: Vec<f32>,
}

/// What a form takes beside queries, keys, values, strength and one retention for all channels.
#[derive(Clone, Copy)]
pub(crate) struct Takes {
    /// A retention for each channel.
    pub channels: bool,
    /// A momentum.
    pub momentum: bool,
}

impl<'a> Inputs<'a> {
    /// Panics with the name of the input that is too short or too long.
    pub(super) fn check(&self, shape: Shape, takes: Takes) {
        let Shape { d_k, d_v, .. } = shape;
        let all = shape.lanes * shape.steps;
        let one_of = |what: &str, length: usize, widths: &[usize]| {
            let fits = widths.iter().any(|width| length == all * width);
            assert!(
                fits,
                "scan: {what} has {length} numbers; {} lanes of {} steps need {widths:?} of them a step",
                shape.lanes, shape.steps
            );
        };
        assert!(d_k > 0 && d_v > 0, "scan: d_k = {d_k} and d_v = {d_v}, and a memory has at least one row and column");
        one_of("q", self.q.len(), &[d_k]);
        one_of("k", self.k.len(), &[d_k]);
        one_of("v", self.v.len(), &[d_v]);
        one_of("strength", self.strength.len(), &[0, 1]);
        one_of("retention", self.retention.len(), &[0, 1, if takes.channels { d_k } else { 1 }]);
        one_of("momentum", self.momentum.len(), &[usize::from(takes.momentum)]);
    }

    /// One lane's part.
    pub(super) fn lane(&self, lanes: usize, lane: usize) -> Self {
        let cut = |all: &'a [f32]| {
            let length = all.len() / lanes;
            &all[lane * length..][..length]
        };
        Self {
            q: cut(self.q),
            k: cut(self.k),
            v: cut(self.v),
            strength: cut(self.strength),
            retention: cut(self.retention),
            momentum: cut(self.momentum),
        }
    }

    /// One step's part of a lane.
    #[inline(always)]
    pub(super) fn step(&self, shape: Shape, step: usize) -> Self {
        let part = |all: &'a [f32], width: usize| &all[step * width..][..width];
        let Widths { strength, retention, momentum } =
            Widths::of(shape, self.strength.len(), self.retention.len(), self.momentum.len());
        Self {
            q: part(self.q, shape.d_k),
            k: part(self.k, shape.d_k),
            v: part(self.v, shape.d_v),
            strength: part(self.strength, strength),
            retention: part(self.retention, retention),
            momentum: part(self.momentum, momentum),
        }
    }
}

/// Gradients that are being written: all, one lane's, or one step's.
pub(super) struct GradientsMut<'a> {
    pub q: &'a mut [f32],
    pub k: &'a mut [f32],
    pub v: &'a mut [f32],
    pub strength: &'a mut [f32],
    pub retention: &'a mut [f32],
    pub momentum: &'a mut [f32],
}

impl Gradients {
    /// Zeros, as long as the inputs.
    pub(super) fn zeros(inputs: &Inputs<'_>) -> Self {
        let zeros = |input: &[f32]| vec![0.0; input.len()];
        Self {
            q: zeros(inputs.q),
            k: zeros(inputs.k),
            v: zeros(inputs.v),
            strength: zeros(inputs.strength),
            retention: zeros(inputs.retention),
            momentum: zeros(inputs.momentum),
        }
    }

    /// The lanes' parts.
    pub(super) fn lanes(&mut self, lanes: usize) -> Vec<GradientsMut<'_>> {
        let mut rest = GradientsMut {
            q: &mut self.q,
            k: &mut self.k,
            v: &mut self.v,
            strength: &mut self.strength,
            retention: &mut self.retention,
            momentum: &mut self.momentum,
        };
        let mut parts = Vec::with_capacity(lanes);
        for left in (1..=lanes).rev() {
            let (first, others) = rest.split(left);
            parts.push(first);
            rest = others;
        }
        parts
    }
}

impl<'a> GradientsMut<'a> {
    /// The first of `parts` equal parts, and the others.
    fn split(self, parts: usize) -> (Self, Self) {
        let cut = |all: &'a mut [f32]| {
            let length = all.len() / parts;
            all.split_at_mut(length)
        };
        let ((q, q_rest), (k, k_rest), (v, v_rest)) = (cut(self.q), cut(self.k), cut(self.v));
        let (strength, strength_rest) = cut(self.strength);
        let (retention, retention_rest) = cut(self.retention);
        let (momentum, momentum_rest) = cut(self.momentum);
        let rest = Self {
            q: q_rest,
            k: k_rest,
            v: v_rest,
            strength: strength_rest,
            retention: retention_rest,
            momentum: momentum_rest,
        };
        (Self { q, k, v, strength, retention, momentum }, rest)
    }

    /// One step's part of a lane.
    #[inline(always)]
    pub fn step(&mut self, shape: Shape, step: usize) -> GradientsMut<'_> {
        #[inline(always)]
        fn part(all: &mut [f32], step: usize, width: usize) -> &mut [f32] {
            &mut all[step * width..][..width]
        }
        let Widths { strength, retention, momentum } =
            Widths::of(shape, self.strength.len(), self.retention.len(), self.momentum.len());
        GradientsMut {
            q: part(self.q, step, shape.d_k),
            k: part(self.k, step, shape.d_k),
            v: part(self.v, step, shape.d_v),
            strength: part(self.strength, step, strength),
            retention: part(self.retention, step, retention),
            momentum: part(self.momentum, step, momentum),
        }
    }
}

/// Numbers of a step in the inputs that may be left out.
struct Widths {
    strength: usize,
    retention: usize,
    momentum: usize,
}

impl Widths {
    /// From their lengths in one lane; without a division, since every step asks.
    #[inline(always)]
    fn of(shape: Shape, strength: usize, retention: usize, momentum: usize) -> Self {
        let one = |length: usize| usize::from(length > 0);
        let channels = if retention > shape.steps { shape.d_k } else { one(retention) };
        Self { strength: one(strength), retention: channels, momentum: one(momentum) }
    }
}
