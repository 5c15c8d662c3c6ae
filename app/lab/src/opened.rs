//! A trained sequence model opened up: what the window looks into while the run goes on.

mod bounded;

use std::sync::Arc;

use mnemoscope_core::token::unpack;
use mnemoscope_learner::{Frozen, Learner, LearnerError, Look};
use mnemoscope_stream::{Part, Shape, Stream};

use crate::inside::{copied, largest};

pub use bounded::{Bounded, BoundedError, Held};

/// Test sequences of each group that can be looked at, and that scores and accuracies are taken over.
const SEQUENCES: u32 = 64;
/// Training sequences of each group that a cache policy is shown.
const TRAINING: u32 = 32;

/// Test sequences of one group, as the first replica sees them.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequences {
    /// The rows one after another, `[count, T]`; see [`mnemoscope_core::token`].
    pub x: Vec<f32>,
    /// The answer to each row's last token.
    pub labels: Vec<u16>,
    /// Some training sequences `[n, T]`, for what has to see the model before it is measured.
    pub training: Vec<f32>,
}

/// A sequence model at one step, with sequences to show it.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The model.
    pub model: Frozen,
    /// Steps that it had trained.
    pub step: u64,
    /// Tokens in a row, T.
    pub length: usize,
    /// Token numbers and outputs, C.
    pub classes: usize,
    /// By group.
    pub groups: Arc<Vec<Sequences>>,
}

/// An answer that a sequence asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asked {
    /// Where it is asked for, from 0.
    pub position: usize,
    /// What is right.
    pub truth: u16,
    /// What the model says.
    pub given: u16,
}

/// The sequences of every group; none of data without tokens.
pub(crate) fn sequences(stream: &Stream) -> Option<Arc<Vec<Sequences>>> {
    if !matches!(stream.dataset().shape, Shape::Tokens { .. }) {
        return None;
    }
    let of_group = |group: usize| {
        let count = SEQUENCES.min(stream.part_len(0, group, Part::Test) as u32);
        let (mut x, mut labels) = (Vec::new(), Vec::new());
        stream.gather(0, group, Part::Test, &(0..count).collect::<Vec<_>>(), &mut x, &mut labels);
        let shown = TRAINING.min(stream.part_len(0, group, Part::Train) as u32);
        let mut training = Vec::new();
        stream.gather(0, group, Part::Train, &(0..shown).collect::<Vec<_>>(), &mut training, &mut Vec::new());
        Sequences { x, labels: labels.into_iter().map(|label| label as u16).collect(), training }
    };
    Some(Arc::new((0..stream.groups()).map(of_group).collect()))
}

impl Opened {
    /// The model as it stands now; none where it is no sequence model.
    pub(crate) fn of(learner: &Learner, stream: &Stream, groups: &Arc<Vec<Sequences>>, step: u64) -> Option<Self> {
        let model = learner.frozen().ok()?;
        Some(Self { model, step, length: stream.features(), classes: stream.classes(), groups: groups.clone() })
    }

    /// A sequence as a row of tokens; none where there is no such one.
    pub fn row(&self, group: usize, sequence: usize) -> Option<&[f32]> {
        let group = self.groups.get(group)?;
        group.x.get(sequence * self.length..(sequence + 1) * self.length)
    }

    /// What a replica does with a sequence, and its answers.
    ///
    /// # Errors
    /// When there is no such replica.
    pub fn look(&self, replica: usize, row: &[f32], label: u16) -> Result<(Look, Vec<Asked>), LearnerError> {
        let look = self.model.look(replica, row)?;
        let asked = answers(row, label, &look.logits, look.classes);
        Ok((look, asked))
    }

    /// The share of right last answers of a group with some heads masked: layer and head, from 0.
    ///
    /// # Errors
    /// When there is no such replica.
    pub fn accuracy(&self, replica: usize, group: usize, masked: &[(usize, usize)]) -> Result<f64, LearnerError> {
        let Some(Sequences { x, labels, .. }) = self.groups.get(group) else { return Ok(f64::NAN) };
        let logits = self.model.logits_masked(replica, x, labels.len(), masked)?;
        Ok(self.right(&logits, labels))
    }

    /// The share of last answers that outputs `[rows, C]` get right.
    fn right(&self, logits: &[f32], labels: &[u16]) -> f64 {
        let right =
            logits.chunks_exact(self.classes).zip(labels).filter(|(row, label)| largest(row) == usize::from(**label));
        right.count() as f64 / labels.len().max(1) as f64
    }

    /// The retrieval score of every head over a group's sequences, `[layer][head]`: the share of answers that the head
    /// copies, which is to say that they are right and that the position it attends to most holds the token that is said
    /// (Wu et al. 2024, "Retrieval Head Mechanistically Explains Long-Context Factuality"). Empty where weights of values
    /// are not defined.
    ///
    /// # Errors
    /// When there is no such replica.
    pub fn retrieval(&self, replica: usize, group: usize) -> Result<Vec<Vec<f64>>, LearnerError> {
        let Some(sequences) = self.groups.get(group) else { return Ok(Vec::new()) };
        let mut scores: Vec<Vec<f64>> = Vec::new();
        let mut all = 0;
        for (row, label) in sequences.x.chunks_exact(self.length).zip(&sequences.labels) {
            let (look, asked) = self.look(replica, row, *label)?;
            let tokens: Vec<u16> = row.iter().map(|feature| unpack(*feature).0).collect();
            all += asked.len();
            let right = asked.iter().filter(|asked| asked.given == asked.truth);
            let right: Vec<(usize, u16)> = right.map(|asked| (asked.position, asked.given)).collect();
            scores.resize(look.layers.len(), Vec::new());
            for (scores, layer) in scores.iter_mut().zip(&look.layers) {
                scores.resize(layer.heads.len(), 0.0);
                for (score, head) in scores.iter_mut().zip(&layer.heads) {
                    if !head.attention.is_empty() {
                        *score += copied(&head.attention, &tokens, &right) as f64;
                    }
                }
            }
        }
        scores.iter_mut().flatten().for_each(|score| *score /= all.max(1) as f64);
        Ok(scores)
    }
}

/// What a row asks for, and what outputs `[T, C]` answer.
fn answers(row: &[f32], label: u16, logits: &[f32], classes: usize) -> Vec<Asked> {
    let tokens: Vec<(u16, bool)> = row.iter().map(|feature| unpack(*feature)).collect();
    let answer = |(position, (_, asked)): (usize, &(u16, bool))| {
        let truth = tokens.get(position + 1).map_or(label, |(token, _)| *token);
        let given = largest(logits.get(position * classes..(position + 1) * classes)?) as u16;
        asked.then_some(Asked { position, truth, given })
    };
    tokens.iter().enumerate().filter_map(answer).collect()
}

#[cfg(test)]
mod tests {
    use mnemoscope_core::token::pack;

    use super::*;

    #[test]
    fn every_asked_token_has_its_answer() {
        // Tokens 1 2 1? 2 3? with label 4; five classes.
        let row = [pack(1, false), pack(2, false), pack(1, true), pack(2, false), pack(3, true)];
        let mut logits = vec![0.0; 25];
        (logits[2 * 5 + 2], logits[4 * 5 + 1]) = (1.0, 1.0);
        let found = answers(&row, 4, &logits, 5);
        assert_eq!(found, [Asked { position: 2, truth: 2, given: 2 }, Asked { position: 4, truth: 4, given: 1 }]);
    }
}
