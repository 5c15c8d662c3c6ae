//! The nearest class mean answers by the means of the rows it has met, in the space of the features.

mod common;

use common::*;
use mnemoscope_core::Setting;
use mnemoscope_learner::{Scope, TaskData as _};

const SEEDS: [u64; 2] = [4, 9];

/// On a linear model the features are the inputs: the scores are the squared distances to the classes' mean inputs,
/// here over three batches of unequal replicas, and classes that were not met cannot win.
#[test]
fn scores_are_distances_to_the_means_of_all_rows_met() {
    let mut setup = Setup::new().method("ncm", &[]);
    setup.model.set("widths", Setting::List(vec![])).unwrap();
    let mut learner = setup.learner(&SEEDS);
    let data = Data::new(Scope::SoFar, 1, 2);
    // The second replica has a row less each time, and stands still in the last step.
    let batches = [[vec![0, 1, 41], vec![5, 44]], [vec![2, 42, 43], vec![6, 7]], [vec![3, 45, 1], vec![8, 46]]];
    for (at, rows) in batches.iter().enumerate() {
        let mut batch = data.gather(rows);
        batch.active[1] = at < 2;
        learner.step(batch).unwrap();
    }
    let x: Vec<f32> = (0..GROUPS).flat_map(|group| samples(group).into_iter().take(3)).flat_map(|s| s.0).collect();
    let rows = x.len() / FEATURES;
    let scores = learner.logits(&learner.evaluator(x.clone(), rows, true));
    for replica in 0..2 {
        let taken = if replica == 0 { 3 } else { 2 };
        let met: Vec<Sample> = batches[..taken]
            .iter()
            .flat_map(|rows| rows[replica].iter().map(|row| data.samples[*row as usize]))
            .collect();
        for row in 0..rows {
            let own = &scores[(replica * rows + row) * CLASSES..(replica * rows + row + 1) * CLASSES];
            for class in 0..CLASSES {
                let of: Vec<&Sample> = met.iter().filter(|sample| sample.1 as usize == class).collect();
                if of.is_empty() {
                    assert!(own[class] < -1e8, "class {class} was not met");
                    continue;
                }
                let distance: f32 = (0..FEATURES)
                    .map(|f| of.iter().map(|sample| sample.0[f]).sum::<f32>() / of.len() as f32 - x[row * FEATURES + f])
                    .map(|d| d * d)
                    .sum();
                assert!((own[class] + distance).abs() < 1e-4, "class {class}: {} is −{distance}", own[class]);
            }
        }
    }
}

/// On a frozen trunk the order of tasks does not matter: means know no time.
#[test]
fn the_order_of_tasks_changes_nothing_on_a_frozen_trunk() {
    let mut setup = Setup::new().method("ncm", &[]);
    setup.model.set("trunk", word("frozen")).unwrap();
    let x: Vec<f32> = samples(0).into_iter().chain(samples(2)).flat_map(|sample| sample.0).collect();
    let answers = |groups: [usize; 3]| {
        let mut learner = setup.learner(&SEEDS);
        for group in groups {
            let data = Data::new(Scope::Current, group, 2);
            for start in [0u32, 20] {
                learner.step(data.gather(&vec![(start..start + 20).collect(); 2])).unwrap();
            }
        }
        learner.logits(&learner.evaluator(x.clone(), 2 * SAMPLES, true))
    };
    assert!(furthest(&answers([0, 1, 2]), &answers([2, 0, 1])) < 1e-4);
}
