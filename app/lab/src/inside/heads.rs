//! Retrieval heads: which heads look at the very token that the model then says, and what silencing them costs.
//!
//! Retrieval score (S148, "Retrieval Head Mechanistically Explains Long-Context Factuality"): a head copies an answer where
//! the position that it attends to most holds the token that is emitted, and the answer is right; its score is the share
//! of answers that it copies. All answers of a sequence count, those inside it, too. Then the n heads of the highest
//! score are masked, their read-outs set to 0, and the share of right last answers is set against that with n heads
//! drawn at random from all, mean of ten draws.

use mnemoscope_core::random::stream;
use mnemoscope_core::token::unpack;
use mnemoscope_learner::LearnerError;
use rand::seq::index;

use super::sample::{Sample, largest};
use super::{Looked, Subject};

/// Draws of random heads.
const DRAWS: u64 = 10;

/// Sequences on which heads are scored: each is looked at alone.
pub(crate) const SCORED: usize = 64;

/// Scores and accuracies with `n` heads masked.
pub(super) fn look(subject: &Subject<'_>, sample: &Sample, n: usize) -> Result<Vec<Looked>, LearnerError> {
    let replicas = subject.seeds.len();
    let set = subject.learner.evaluator(sample.x.clone(), sample.rows, false);
    let masked = |heads: &[(usize, usize)]| -> Result<Vec<f64>, LearnerError> {
        Ok(sample.right(&subject.learner.logits_masked(&set, heads)?))
    };
    let (layers, heads) = (subject.experiment.model.whole("layers"), subject.experiment.model.whole("heads"));
    let (mut scores, mut rests, mut tops, mut looked) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let each: Vec<Vec<Vec<f64>>> =
        (0..replicas).map(|replica| scores_of(subject, sample, replica)).collect::<Result<_, _>>()?;
    for (layer, head) in (0..layers).flat_map(|layer| (0..heads).map(move |head| (layer, head))) {
        let values = each.iter().map(|scores| scores[layer][head]).collect();
        looked.push(Looked { key: format!("retrieval_score[layer {layer}, head {head}]"), values });
    }
    for (replica, scores_of_heads) in each.into_iter().enumerate() {
        let ranked = ranked(scores_of_heads);
        let mean = |of: &[((usize, usize), f64)]| of.iter().map(|(_, score)| score).sum::<f64>() / of.len() as f64;
        scores.push(mean(&ranked[..n]));
        rests.push(mean(&ranked[n..]));
        let heads: Vec<(usize, usize)> = ranked[..n].iter().map(|(head, _)| *head).collect();
        tops.push(masked(&heads)?[replica]);
    }
    let mut random = vec![0.0; replicas];
    for draw in 0..DRAWS {
        let mut draw = stream(subject.experiment.seed, "masked heads", &[draw]);
        let drawn: Vec<(usize, usize)> =
            index::sample(&mut draw, layers * heads, n).into_iter().map(|i| (i / heads, i % heads)).collect();
        for (sum, share) in random.iter_mut().zip(masked(&drawn)?) {
            *sum += share / DRAWS as f64;
        }
    }
    looked.extend([
        Looked { key: format!("retrieval_score[top {n}]"), values: scores },
        Looked { key: "retrieval_score[rest]".to_owned(), values: rests },
        Looked { key: format!("retrieval_masked[top {n}]"), values: tops },
        Looked { key: format!("retrieval_masked[random {n}]"), values: random },
        Looked { key: "retrieval_masked[none]".to_owned(), values: masked(&[])? },
    ]);
    Ok(looked)
}

/// The retrieval score of every head of a replica.
fn scores_of(subject: &Subject<'_>, sample: &Sample, replica: usize) -> Result<Vec<Vec<f64>>, LearnerError> {
    let mut scores: Vec<Vec<f64>> = Vec::new();
    let mut answers = 0;
    for row in 0..sample.rows.min(SCORED) {
        let x = sample.row(replica, row);
        let look = subject.learner.look(replica, x)?;
        let classes = look.logits.len() / sample.length;
        let emitted: Vec<usize> = look.logits.chunks_exact(classes).map(largest).collect();
        let tokens = sample.tokens(replica, row);
        let last = sample.answers[replica * sample.rows + row] as u16;
        let asked: Vec<(usize, u16)> = (0..sample.length)
            .filter(|t| unpack(x[*t]).1)
            .map(|t| (t, tokens.get(t + 1).copied().unwrap_or(last)))
            .filter(|(t, answer)| emitted[*t] == usize::from(*answer))
            .collect();
        answers += (0..sample.length).filter(|t| unpack(x[*t]).1).count();
        scores.resize(look.layers.len(), Vec::new());
        for (scores, layer) in scores.iter_mut().zip(&look.layers) {
            scores.resize(layer.heads.len(), 0.0);
            for (score, head) in scores.iter_mut().zip(&layer.heads) {
                *score += copied(&head.attention, &tokens, &asked) as f64;
            }
        }
    }
    for score in scores.iter_mut().flatten() {
        *score /= f64::from(answers.max(1) as u32);
    }
    Ok(scores)
}

/// How many of the answers, each with the position where it was asked, stand where the head looks most there.
/// `attention` is `[T, T]`.
pub(crate) fn copied(attention: &[f32], tokens: &[u16], answers: &[(usize, u16)]) -> usize {
    let length = tokens.len();
    let looks_at = |t: usize| tokens[largest(&attention[t * length..][..=t])];
    answers.iter().filter(|(t, answer)| looks_at(*t) == *answer).count()
}

/// Heads as (layer, head) with their scores, best first; of equals the first.
fn ranked(scores: Vec<Vec<f64>>) -> Vec<((usize, usize), f64)> {
    let all = scores.into_iter().enumerate();
    let mut ranked: Vec<((usize, usize), f64)> = all
        .flat_map(|(layer, scores)| scores.into_iter().enumerate().map(move |(head, score)| ((layer, head), score)))
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_copies_where_it_looks_at_what_is_said() {
        // Tokens 5 7 5; asked at 2 for 7. Looking most at position 1 copies, at 0 or at itself does not.
        let attention = |at: usize| {
            let mut attention = vec![0.1; 9];
            attention[2 * 3 + at] = 0.8;
            attention
        };
        let found: Vec<usize> = (0..3).map(|at| copied(&attention(at), &[5, 7, 5], &[(2, 7)])).collect();
        assert_eq!(found, [0, 1, 0]);
        // What stands beyond the diagonal is not looked at.
        let mut ahead = attention(1);
        ahead[3 + 2] = 9.0;
        assert_eq!(copied(&ahead, &[5, 5, 7], &[(1, 7)]), 0);
    }

    #[test]
    fn the_best_heads_come_first() {
        let ranked = ranked(vec![vec![0.1, 0.9], vec![0.5, 0.9]]);
        assert_eq!(ranked.iter().map(|(head, _)| *head).collect::<Vec<_>>(), [(0, 1), (1, 1), (1, 0), (0, 0)]);
    }
}
