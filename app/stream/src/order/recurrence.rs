//! Recurrence: past tasks come back, with a chance that falls with the time since they were last trained.

use mnemoscope_core::{Component, Kind, Knob, Scale, random};
use rand::RngExt as _;

use super::{Orders, Outline, place, power_law};
use crate::block::Block;

pub(super) const KIND: Kind = Kind {
    name: "recurrence",
    label: "Power-law recurrence",
    meaning: "A new task every few blocks; in between a past one comes back, of age t with chance t^-alpha.",
    source: "Gandhi et al. 2024, Catastrophic interference is mitigated in naturalistic power-law learning environments",
    knobs: &[
        Knob::real("alpha", "exponent", "α", 0.0, 10.0, 1.0, Scale::Linear)
            .meaning(
                "Age is counted in blocks since a task was last trained: 0 forgets ages, a large one repeats the last.",
            )
            .source("lab default; Anderson and Schooler 1991 find power laws of recurrence"),
        Knob::whole("every", "blocks per new task", "", 1, 100, 4, Scale::Linear)
            .unit("blocks")
            .meaning("Every so many blocks a new task begins, while there are some left; the others repeat past tasks.")
            .source("lab default"),
        Knob::whole("blocks", "blocks", "", 1, 10_000, 20, Scale::Log)
            .unit("blocks")
            .meaning("Length of the stream; where it is short, the last tasks are never trained.")
            .source("lab default"),
    ],
};

pub(super) fn blocks(order: &Component<Orders>, outline: &Outline) -> Vec<Block> {
    let (alpha, every) = (order.real("alpha"), order.whole("every"));
    let mut rng = random::stream(outline.seed, "recurrence", &[]);
    // The block in which each task was last trained.
    let mut last: Vec<usize> = Vec::new();
    (0..order.whole("blocks"))
        .map(|now| {
            let group = if now.is_multiple_of(every) && last.len() < outline.tasks {
                last.push(now);
                last.len() - 1
            } else {
                let chances = power_law(last.iter().map(|last| now - last), alpha);
                place(&chances, rng.random())
            };
            last[group] = now;
            outline.plain(group)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::order::Outline;
    use crate::order::tests::{OUTLINE, make};

    fn groups(order: &str, seed: u64) -> Vec<usize> {
        make(order, Outline { seed, ..OUTLINE }).iter().map(|block| block.group).collect()
    }

    #[test]
    fn new_tasks_come_on_time_and_only_known_ones_come_back() {
        let order = groups("recurrence(every: 3, blocks: 24)", 1);
        assert_eq!([0, 3, 6, 9, 12].map(|block| order[block]), [0, 1, 2, 3, 4]);
        assert!(order.iter().enumerate().all(|(block, group)| *group <= block / 3));
        assert_eq!(groups("recurrence(every: 1, blocks: 5)", 1), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn the_exponent_goes_from_uniform_to_the_last_one_only() {
        let repeated = |alpha: &str| {
            let order = groups(&format!("recurrence(alpha: {alpha}, every: 1, blocks: 4005)"), 3);
            let free: Vec<bool> = order.windows(2).skip(4).map(|pair| pair[0] == pair[1]).collect();
            free.iter().filter(|same| **same).count() as f64 / free.len() as f64
        };
        // Five tasks at equal chances: binomial, standard error 0.0063.
        assert!((repeated("0.0") - 0.2).abs() < 0.03);
        assert!(repeated("1.0") > repeated("0.0") + 0.1);
        assert!((repeated("10.0") - 1.0).abs() < 0.01);
    }

    #[test]
    fn at_exponent_0_every_known_task_is_as_likely() {
        let mut counts = [0u32; 5];
        groups("recurrence(alpha: 0.0, every: 1, blocks: 5005)", 7)[5..].iter().for_each(|group| counts[*group] += 1);
        // Four standard errors of a binomial of 5000 draws at 1/5.
        assert!(counts.iter().all(|count| count.abs_diff(1000) < 114), "{counts:?}");
    }
}
