//! The sequences that a look is taken on.

use mnemoscope_core::token::unpack;
use mnemoscope_stream::Part;

use super::Subject;

/// Sequences of every task that the stream trains, each replica's own, as many for each.
pub(super) struct Sample {
    /// Tokens `[R, rows, T]`, as a row of features has them.
    pub(super) x: Vec<f32>,
    /// Last answers `[R, rows]`.
    pub(super) answers: Vec<u32>,
    /// Sequences of a replica.
    pub(super) rows: usize,
    /// Tokens of a sequence, T.
    pub(super) length: usize,
}

impl Sample {
    /// At most `most` sequences of each task, in the order of the part.
    pub(super) fn of(subject: &Subject<'_>, part: Part, most: usize) -> Self {
        let stream = subject.stream;
        let (mut x, mut answers) = (Vec::new(), Vec::new());
        // As many of a task as every replica has.
        let counts: Vec<u32> = (0..stream.tasks())
            .map(|group| {
                let lens = (0..stream.replicas()).map(|replica| stream.part_len(replica, group, part));
                lens.min().unwrap_or(0).min(most) as u32
            })
            .collect();
        for replica in 0..stream.replicas() {
            for (group, count) in counts.iter().enumerate() {
                let indices: Vec<u32> = (0..*count).collect();
                stream.gather(replica, group, part, &indices, &mut x, &mut answers);
            }
        }
        Self { x, answers, rows: counts.iter().sum::<u32>() as usize, length: stream.features() }
    }

    /// One sequence.
    pub(super) fn row(&self, replica: usize, row: usize) -> &[f32] {
        &self.x[(replica * self.rows + row) * self.length..][..self.length]
    }

    /// The tokens of one sequence.
    pub(super) fn tokens(&self, replica: usize, row: usize) -> Vec<u16> {
        self.row(replica, row).iter().map(|feature| unpack(*feature).0).collect()
    }

    /// The share of last answers that each replica's outputs `[R, rows, C]` get right.
    pub(super) fn right(&self, logits: &[f32]) -> Vec<f64> {
        let classes = logits.len() / self.answers.len();
        let each = logits.chunks_exact(self.rows * classes).zip(self.answers.chunks_exact(self.rows));
        each.map(|(logits, answers)| {
            let given = logits.chunks_exact(classes).map(largest);
            let right = given.zip(answers).filter(|(given, answer)| *given == **answer as usize);
            right.count() as f64 / self.rows as f64
        })
        .collect()
    }
}

/// The place of the largest number, the first of equals.
pub(crate) fn largest(numbers: &[f32]) -> usize {
    let better = |best: usize, (place, number): (usize, &f32)| if *number > numbers[best] { place } else { best };
    numbers.iter().enumerate().fold(0, better)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_shares_by_hand() {
        // One replica, two rows of three tokens; the second begins with a filler.
        let sample = Sample { x: vec![3.0, 4.0, 3.5, 0.0, 2.0, 2.5], answers: vec![1, 0], rows: 2, length: 3 };
        assert_eq!(sample.tokens(0, 1), [0, 2, 2]);
        assert_eq!(sample.right(&[0.0, 1.0, 0.5, 0.0, 0.2, 0.1]), [0.5]);
        assert_eq!(largest(&[1.0, 2.0, 2.0]), 1);
    }
}
