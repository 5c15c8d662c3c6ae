//! Which outputs compete in the training loss.

use burn::tensor::{Device, Tensor, TensorData};

use crate::{Batch, BlockInfo, Head};

/// Added to an output that is shut out: its probability is then exactly 0, and 0 times it is still 0, as with −∞ it
/// would not be.
pub const SHUT: f32 = -1e9;

/// Allowed outputs as numbers to be added to the logits.
#[derive(Debug, Clone)]
pub struct HeadMask {
    head: Head,
    classes: usize,
    seen: Option<Tensor<3>>,
    groups: Vec<Vec<Vec<f32>>>,
}

impl HeadMask {
    pub(crate) fn new(head: Head, classes: usize) -> Self {
        Self { head, classes, seen: None, groups: Vec::new() }
    }

    /// Takes over the classes of a new block.
    pub(crate) fn set(&mut self, info: &BlockInfo, device: &Device) {
        match self.head {
            Head::All => {}
            Head::Seen => self.seen = Some(only(&info.seen, self.classes, device)),
            Head::Task => {
                let row = |classes: &Vec<u16>| row_of(classes, self.classes);
                self.groups = info.group_classes.iter().map(|groups| groups.iter().map(row).collect()).collect();
            }
        }
    }

    /// What is to be added to a batch's logits: `[R, 1, C]`, `[R, B, C]`, or nothing.
    pub(crate) fn of(&self, batch: &Batch, device: &Device) -> Option<Tensor<3>> {
        if self.head != Head::Task || self.groups.is_empty() {
            return self.seen.clone();
        }
        let replicas = batch.active.len();
        let mut mask = Vec::with_capacity(replicas * batch.rows * self.classes);
        for (at, group) in batch.group.iter().enumerate() {
            match self.groups.get(at / batch.rows).and_then(|groups| groups.get(usize::from(*group))) {
                Some(row) => mask.extend_from_slice(row),
                None => mask.resize(mask.len() + self.classes, 0.0),
            }
        }
        Some(Tensor::from_data(TensorData::new(mask, [replicas, batch.rows, self.classes]), device))
    }
}

fn row_of(allowed: &[u16], classes: usize) -> Vec<f32> {
    let mut row = vec![SHUT; classes];
    allowed.iter().filter(|class| usize::from(**class) < classes).for_each(|class| row[usize::from(*class)] = 0.0);
    row
}

/// A mask `[R, 1, C]` that lets each replica's listed classes through.
pub(crate) fn only(allowed: &[Vec<u16>], classes: usize, device: &Device) -> Tensor<3> {
    let mask: Vec<f32> = allowed.iter().flat_map(|allowed| row_of(allowed, classes)).collect();
    Tensor::from_data(TensorData::new(mask, [allowed.len(), 1, classes]), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::vector;

    fn info() -> BlockInfo {
        BlockInfo {
            group_classes: vec![vec![vec![0, 1], vec![2]], vec![vec![2, 1], vec![0]]],
            seen: vec![vec![0, 1], vec![1, 2]],
            ..BlockInfo::default()
        }
    }

    fn batch() -> Batch {
        Batch { rows: 2, group: vec![0, 1, 1, 0], active: vec![true; 2], ..Batch::default() }
    }

    #[test]
    fn each_head_lets_its_outputs_through() {
        let device = Device::flex();
        let allowed = |head| {
            let mut mask = HeadMask::new(head, 3);
            mask.set(&info(), &device);
            mask.of(&batch(), &device).map(|mask| vector(mask).iter().map(|m| *m == 0.0).collect::<Vec<_>>())
        };
        let (t, f) = (true, false);
        assert_eq!(allowed(Head::All), None);
        assert_eq!(allowed(Head::Seen), Some(vec![t, t, f, f, t, t]));
        assert_eq!(allowed(Head::Task), Some(vec![t, t, f, f, f, t, t, f, f, f, t, t]));
    }
}
