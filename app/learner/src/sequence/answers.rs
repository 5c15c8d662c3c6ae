//! The answers inside a row.
//!
//! A row's last answer is its label. A token that is asked about inside the row has the next token as its answer. The
//! row's cross-entropy is the mean over all of them, so that a row counts as much as any other. Importances from labels and
//! distillation by LwF look at all of them, too; what looks at the last answer alone says so.

use burn::tensor::Tensor;

use super::Course;
use super::time::spread;
use crate::loss::softmax;

/// A cross-entropy over all answers of each row.
#[derive(Debug)]
pub(crate) struct Answers {
    /// Each row's part of the loss, `[R, B, 1]`.
    pub(crate) parts: Tensor<3>,
    /// Its slope at the last answer's logits, `[R, B, C]`.
    pub(crate) slope: Tensor<3>,
    /// Its slope at the logits of every position by the answers inside, `[R, B·T, C]`; none for models without positions.
    pub(crate) inner: Option<Tensor<3>>,
}

impl Answers {
    /// Takes in the answers inside the rows: `parts` and `slope` are the last answer's, times each row's factor f in the
    /// loss, `factors`, `[R, B, 1]`. What a `mask` on the logits, `[R, 1, C]` or `[R, B, C]`, shuts out does not compete
    /// with an answer inside either, which itself always does.
    pub(crate) fn new(
        course: Option<&Course>,
        mask: Option<&Tensor<3>>,
        parts: Tensor<3>,
        slope: Tensor<3>,
        factors: &Tensor<3>,
    ) -> Self {
        Self::with_labels(course, mask, parts, slope, factors, |_| None)
    }

    /// The same with other answers inside the rows, one-hot `[R, B·T, C]`, which follow from the probabilities there; none
    /// are the data's.
    pub(crate) fn with_labels(
        course: Option<&Course>,
        mask: Option<&Tensor<3>>,
        parts: Tensor<3>,
        slope: Tensor<3>,
        factors: &Tensor<3>,
        labels: impl FnOnce(&Tensor<3>) -> Option<Tensor<3>>,
    ) -> Self {
        let other = labels;
        let Some(course) = course else { return Self { parts, slope, inner: None } };
        let tokens = &course.tokens;
        let (rows, length) = (tokens.rows, tokens.length);
        let [replicas, ..] = course.logits.dims();
        let share = tokens.share();
        let labels = tokens.next();
        let mut z = course.logits.clone();
        if let Some(mask) = mask {
            z = z + spread(mask.clone(), rows, length) * (labels.clone().neg() + 1.0);
        }
        let softmax = softmax(&z);
        let labels = other(&softmax.probabilities).unwrap_or(labels);
        let weight = tokens.asked.clone() * spread(factors.clone() * share.clone(), rows, length);
        let own = (softmax.log_sum - (z * labels.clone()).sum_dim(2)) * weight.clone();
        Self {
            parts: parts * share.clone() + own.reshape([replicas, rows, length]).sum_dim(2),
            slope: slope * share,
            inner: Some((softmax.probabilities - labels) * weight),
        }
    }
}
