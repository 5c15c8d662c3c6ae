//! Edits of the list of task blocks, and how long each block is drawn. No egui.

use mnemoscope_lab::{BlockSpan, Experiment};
use mnemoscope_stream::{Block, Length, Stream};

/// Steps assumed for an epoch of which nothing is known yet.
const UNKNOWN_EPOCH: f64 = 100.0;

/// Length of each block in optimiser steps: as laid out in the session where its blocks tell, estimated from them where
/// the blocks were edited since. `base` are the session's blocks and their layout.
pub fn steps(blocks: &[Block], base: Option<(&[Block], &[BlockSpan])>) -> Vec<f64> {
    let (known, spans) = base.unwrap_or_default();
    if known == blocks && spans.len() == blocks.len() {
        return spans.iter().map(|span| span.steps as f64).collect();
    }
    let per_epoch = |group: Option<usize>| {
        let rates: Vec<f64> = known
            .iter()
            .zip(spans)
            .filter(|(block, _)| group.is_none_or(|group| block.group == group))
            .filter_map(|(block, span)| match block.length {
                Length::Epochs(epochs) if epochs > 0.0 => Some(span.steps as f64 / epochs),
                _ => None,
            })
            .collect();
        (!rates.is_empty()).then(|| rates.iter().sum::<f64>() / rates.len() as f64)
    };
    let steps = |block: &Block| match block.length {
        Length::Steps(steps) => steps as f64,
        Length::Epochs(epochs) => {
            epochs * per_epoch(Some(block.group)).or_else(|| per_epoch(None)).unwrap_or(UNKNOWN_EPOCH)
        }
    };
    blocks.iter().map(|block| steps(block).max(1.0)).collect()
}

/// Takes the block at `from` out and puts it before the block that stands at `to`, counted before taking it out.
pub fn reordered(blocks: &[Block], from: usize, to: usize) -> Vec<Block> {
    let mut out = blocks.to_vec();
    let block = out.remove(from);
    let to = if to > from { to - 1 } else { to };
    out.insert(to.min(out.len()), block);
    out
}

/// A length that is `factor` times as long, in steps that a person would choose: half epochs, or two digits of steps.
pub fn stretched(length: Length, factor: f64) -> Length {
    match length {
        Length::Epochs(epochs) => Length::Epochs(((epochs * factor * 2.0).round() / 2.0).clamp(0.5, 1000.0)),
        Length::Steps(steps) => {
            let wanted = (steps as f64 * factor).clamp(1.0, 1e9);
            let grain = 10f64.powf((wanted.log10() - 1.0).floor().max(0.0));
            Length::Steps(((wanted / grain).round() * grain).max(1.0) as u64)
        }
    }
}

/// Groups that a block of this experiment may train.
pub fn groups(experiment: &Experiment) -> usize {
    Stream::trained_groups(&experiment.stream)
}

/// "5 epochs" or "400 steps".
pub fn length_text(length: Length) -> String {
    match length {
        Length::Epochs(1.0) => "1 epoch".to_owned(),
        Length::Epochs(epochs) => format!("{} epochs", crate::number::short(epochs)),
        Length::Steps(1) => "1 step".to_owned(),
        Length::Steps(steps) => format!("{} steps", crate::number::grouped(steps as f64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(groups: &[usize]) -> Vec<Block> {
        groups.iter().map(|group| Block::plain(*group, Length::Epochs(2.0))).collect()
    }

    fn groups_of(blocks: &[Block]) -> Vec<usize> {
        blocks.iter().map(|block| block.group).collect()
    }

    #[test]
    fn a_block_moves_to_every_place() {
        let all = blocks(&[0, 1, 2, 3]);
        assert_eq!(groups_of(&reordered(&all, 0, 4)), [1, 2, 3, 0]);
        assert_eq!(groups_of(&reordered(&all, 3, 0)), [3, 0, 1, 2]);
        assert_eq!(groups_of(&reordered(&all, 1, 3)), [0, 2, 1, 3]);
        assert_eq!(groups_of(&reordered(&all, 1, 1)), [0, 1, 2, 3]);
        assert_eq!(groups_of(&reordered(&all, 1, 2)), [0, 1, 2, 3]);
    }

    #[test]
    fn stretching_keeps_to_round_lengths() {
        assert_eq!(stretched(Length::Epochs(5.0), 1.31), Length::Epochs(6.5));
        assert_eq!(stretched(Length::Epochs(5.0), 0.0), Length::Epochs(0.5));
        assert_eq!(stretched(Length::Steps(400), 1.237), Length::Steps(490));
        assert_eq!(stretched(Length::Steps(4), 1.3), Length::Steps(5));
        assert_eq!(stretched(Length::Steps(4), -3.0), Length::Steps(1));
    }

    #[test]
    fn lengths_come_from_the_session_or_are_estimated_from_it() {
        let known = blocks(&[0, 1]);
        let span = |group: usize, start, steps| BlockSpan { group, groups: vec![group], start, steps };
        let spans = [span(0, 0, 100), span(1, 100, 200)];
        assert_eq!(steps(&known, Some((&known, &spans))), [100.0, 200.0]);
        let mut edited = blocks(&[1, 0, 7]);
        edited[0].length = Length::Epochs(4.0);
        // 100 steps an epoch for group 1, 50 for group 0, their mean for a group that the session does not know.
        assert_eq!(steps(&edited, Some((&known, &spans))), [400.0, 100.0, 150.0]);
        assert_eq!(steps(&edited[..1], None), [4.0 * UNKNOWN_EPOCH]);
    }

    #[test]
    fn texts_are_singular_where_there_is_one() {
        assert_eq!(length_text(Length::Epochs(1.0)), "1 epoch");
        assert_eq!(length_text(Length::Epochs(2.5)), "2.5 epochs");
        assert_eq!(length_text(Length::Steps(1200)), "1,200 steps");
    }
}
