//! The answers inside a row.
//!
//! A row's last answer is its label. A token that is asked about inside the row has the next token as its answer. The
//! row's cross-entropy is the mean over all of them, so that a row counts as much as any other. Methods look at the last
//! answer alone.

use burn::tensor::Tensor;

use super::Course;
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
        let Some(course) = course else { return Self { parts, slope, inner: None } };
        let tokens = &course.tokens;
        let (rows, length) = (tokens.rows, tokens.length);
        let [replicas, all, classes] = course.logits.dims();
        let spread = |values: &Tensor<3>, width: usize| {
            let [replicas, given, _] = values.dims();
            let values = values.clone().reshape([replicas, given, 1, width]);
            values.expand([replicas, rows, length, width]).reshape([replicas, all, width])
        };
        // One over the number of answers.
        let share = (tokens.asked.clone().reshape([replicas, rows, length]).sum_dim(2) + 1.0).recip();
        let labels = tokens.next();
        let mut z = course.logits.clone();
        if let Some(mask) = mask {
            z = z + spread(mask, classes) * (labels.clone().neg() + 1.0);
        }
        let softmax = softmax(&z);
        let weight = tokens.asked.clone() * spread(&(factors.clone() * share.clone()), 1);
        let own = (softmax.log_sum - (z * labels.clone()).sum_dim(2)) * weight.clone();
        Self {
            parts: parts * share.clone() + own.reshape([replicas, rows, length]).sum_dim(2),
            slope: slope * share,
            inner: Some((softmax.probabilities - labels) * weight),
        }
    }
}
