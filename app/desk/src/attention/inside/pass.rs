//! One pass of the model over one sequence, ready to be drawn; worked out on a thread of its own.

use std::sync::Arc;

use egui::Ui;
use mnemoscope_core::token::{PAD, unpack};
use mnemoscope_figure::Figure;
use mnemoscope_lab::figures::{self, Vectors};
use mnemoscope_lab::{Asked, Opened};

use super::stepper;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::attention) struct Place {
    /// Steps that the model had trained.
    pub(in crate::attention) step: u64,
    pub(in crate::attention) replica: usize,
    pub(in crate::attention) group: usize,
    pub(in crate::attention) sequence: usize,
}

impl Place {
    /// Brings it to where the model has something to show; answers with the sequences that there are.
    pub(in crate::attention) fn fit(&mut self, opened: &Opened) -> usize {
        self.step = opened.step;
        self.group = self.group.min(opened.groups.len().saturating_sub(1));
        self.replica = self.replica.min(opened.model.replicas().saturating_sub(1));
        let count = opened.groups.get(self.group).map_or(0, |group| group.labels.len());
        self.sequence = self.sequence.min(count.saturating_sub(1));
        count
    }

    /// Steppers for task, sequence and replica.
    pub(in crate::attention) fn ui(&mut self, ui: &mut Ui, opened: &Opened) {
        let count = opened.groups.get(self.group).map_or(0, |group| group.labels.len());
        for (name, value, count) in [
            ("task", &mut self.group, opened.groups.len()),
            ("sequence", &mut self.sequence, count),
            ("replica", &mut self.replica, opened.model.replicas()),
        ] {
            if count > 1 {
                ui.horizontal(|ui| stepper(ui, name, value, count));
            }
        }
    }
}

/// One head along the sequence, without what fills its front.
struct Head {
    /// Numbers of a key.
    width: usize,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    /// `[T, T]`; empty where weights of values are not defined.
    attention: Vec<f32>,
    /// S `[d_v, d_k]` after each token; empty for softmax attention.
    states: Vec<Vec<f32>>,
    /// The largest number in any of them.
    most: f32,
}

/// The model's pass over a sequence.
pub(super) struct Pass {
    pub place: Place,
    /// Name of each token, and whether the next one is asked for there.
    pub tokens: Vec<(String, bool)>,
    /// Positions count from the first token that is no filler.
    pub asked: Vec<Asked>,
    classes: Vec<String>,
    layers: Vec<Vec<Head>>,
}

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Heads {
    pub layers: usize,
    pub heads: usize,
}

impl Heads {
    pub(super) fn of(pass: &Pass) -> Self {
        Self { layers: pass.layers.len(), heads: pass.layers.first().map_or(0, Vec::len) }
    }
}

impl Pass {
    /// None where there is no such sequence.
    pub(super) fn of(opened: &Opened, classes: &[String], place: Place) -> Option<Self> {
        let row = opened.row(place.group, place.sequence)?;
        let label = *opened.groups.get(place.group)?.labels.get(place.sequence)?;
        let (look, asked) = opened.look(place.replica, row, label).ok()?;
        let all: Vec<(u16, bool)> = row.iter().map(|feature| unpack(*feature)).collect();
        let start = all.iter().take_while(|(token, _)| *token == PAD).count();
        let name = |token: u16| classes.get(usize::from(token)).cloned().unwrap_or_else(|| token.to_string());
        let tokens: Vec<(String, bool)> = all[start..].iter().map(|(token, asked)| (name(*token), *asked)).collect();
        let length = look.length;
        let mut layers = Vec::new();
        for (layer, own) in look.layers.iter().enumerate() {
            let mut heads = Vec::new();
            for (index, head) in own.heads.iter().enumerate() {
                let attention = if head.attention.is_empty() {
                    Vec::new()
                } else {
                    head.attention.chunks_exact(length).skip(start).flat_map(|row| row[start..].to_vec()).collect()
                };
                let states: Vec<Vec<f32>> =
                    (start + 1..=length).map_while(|steps| look.state(layer, index, steps)).collect();
                let most = states.iter().flatten().fold(0.0f32, |most, number| most.max(number.abs()));
                let cut = |numbers: &[f32]| numbers[start * head.width..].to_vec();
                let (q, k, v) = (cut(&head.q), cut(&head.k), cut(&head.v));
                heads.push(Head { width: head.width, q, k, v, attention, states, most });
            }
            layers.push(heads);
        }
        let asked = asked.into_iter().map(|asked| Asked { position: asked.position - start, ..asked }).collect();
        Some(Self { place, tokens, asked, classes: classes.to_vec(), layers })
    }

    /// Names of the tokens.
    pub(super) fn names(&self) -> Vec<String> {
        self.tokens.iter().map(|(name, _)| name.clone()).collect()
    }

    /// What was answered at a position where that is asked, and whether it is right.
    pub(super) fn answer(&self, position: usize) -> Option<(&str, bool)> {
        let asked = self.asked.iter().find(|asked| asked.position == position)?;
        Some((self.classes.get(usize::from(asked.given))?, asked.given == asked.truth))
    }

    fn head(&self, (layer, head): (usize, usize)) -> Option<&Head> {
        self.layers.get(layer)?.get(head)
    }

    /// Whether a head's memory is a matrix, which has a state at each moment.
    pub(super) fn has_state(&self, head: (usize, usize)) -> bool {
        self.head(head).is_some_and(|head| !head.states.is_empty())
    }

    /// The weight of each token's value in what a head reads at a position; empty where that is not defined.
    pub(super) fn weights(&self, head: (usize, usize), position: usize) -> &[f32] {
        let length = self.tokens.len();
        let row = self.head(head).and_then(|head| head.attention.get(position * length..(position + 1) * length));
        row.map_or(&[], |row| &row[..=position])
    }

    /// The `most` tokens with the largest weights, of either sign, largest first.
    pub(super) fn recalled(&self, head: (usize, usize), position: usize, most: usize) -> Vec<(usize, f32)> {
        let mut all: Vec<(usize, f32)> = self.weights(head, position).iter().copied().enumerate().collect();
        all.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        all.truncate(most);
        all
    }
}

/// The scores of all heads, and what masking some does.
pub(super) struct Scored {
    pub figure: Arc<Figure>,
    whole: f64,
    without: f64,
    masked: usize,
}

impl Scored {
    /// Over the sequences of one group.
    pub(super) fn of(opened: &Opened, place: Place, masked: &[(usize, usize)]) -> Option<Self> {
        let scores = opened.retrieval(place.replica, place.group).ok()?;
        let whole = opened.accuracy(place.replica, place.group, &[]).ok()?;
        let without = opened.accuracy(place.replica, place.group, masked).ok()?;
        let size = (scores.len(), scores.first().map_or(0, Vec::len));
        let flat: Vec<f32> = scores.iter().flatten().map(|score| *score as f32).collect();
        let count = opened.groups.get(place.group).map_or(0, |group| group.labels.len());
        let figure = Arc::new(figures::retrieval_map(&flat, size, count));
        Some(Self { figure, whole, without, masked: masked.len() })
    }

    /// "accuracy 0.98, with 2 heads masked 0.31".
    pub(super) fn text(&self) -> String {
        let Self { whole, without, masked, .. } = self;
        match masked {
            0 => format!("accuracy {whole:.2}"),
            1 => format!("accuracy {whole:.2}, with 1 head masked {without:.2}"),
            _ => format!("accuracy {whole:.2}, with {masked} heads masked {without:.2}"),
        }
    }
}

/// The maps of a head, made when something of them changes: attention, state, keys, values.
#[derive(Default)]
pub(super) struct Maps {
    of: Option<(Place, (usize, usize))>,
    position: Option<usize>,
    figures: Vec<Arc<Figure>>,
}

impl Maps {
    /// The four maps at a position.
    pub(super) fn of(&mut self, pass: &Pass, at: (usize, usize), position: usize) -> Vec<Arc<Figure>> {
        let Some(head) = pass.head(at) else { return Vec::new() };
        let same = self.of == Some((pass.place, at));
        if !same {
            let names = pass.names();
            let vectors = |kind, values: &[f32]| Arc::new(figures::head_vectors(at, kind, values, &names));
            let attention = if head.attention.is_empty() {
                Figure::empty(
                    "inside-attention",
                    "Attention",
                    "What is written is not linear in the values: they have no weights.",
                )
            } else {
                figures::attention_map(at, &head.attention, &names)
            };
            let second = vectors(Vectors::Queries, &head.q);
            self.figures =
                vec![Arc::new(attention), second, vectors(Vectors::Keys, &head.k), vectors(Vectors::Values, &head.v)];
            self.of = Some((pass.place, at));
        }
        if (!same || self.position != Some(position)) && !head.states.is_empty() {
            let rows = head.v.len() / pass.tokens.len().max(1);
            if let Some(state) = head.states.get(position) {
                let time = (position + 1, pass.tokens.len());
                self.figures[1] = Arc::new(figures::state_map(at, time, state, (rows, head.width), head.most));
            }
        }
        self.position = Some(position);
        self.figures.clone()
    }
}
