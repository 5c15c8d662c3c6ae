//! Every scenario with every order, and what replicas and seeds share.

use std::collections::BTreeSet;
use std::sync::Arc;

use mnemoscope_core::{Component, Kind, Registry};

use crate::{Block, DataSources, Dataset, Head, Orders, Part, SampleRef, Scenarios, Scope, Stream, StreamError};

fn data(text: &str) -> Arc<Dataset> {
    Arc::new(Dataset::load(&ron::from_str::<Component<DataSources>>(text).unwrap()).unwrap())
}

fn make(source: &str, scenario: &str, order: &str, seeds: &[u64]) -> Result<Stream, StreamError> {
    Stream::new(data(source), &ron::from_str(scenario).unwrap(), &ron::from_str(order).unwrap(), None, seeds)
}

fn stream(scenario: &str, seeds: &[u64]) -> Stream {
    make("digits()", scenario, "sequential()", seeds).unwrap()
}

fn checksums(stream: &Stream, replica: usize) -> Vec<u64> {
    (0..stream.tasks()).map(|group| stream.checksum(replica, group)).collect()
}

fn distinct<T: Ord>(values: impl IntoIterator<Item = T>) -> usize {
    values.into_iter().collect::<BTreeSet<_>>().len()
}

fn labels(stream: &Stream, replica: usize, group: usize, part: Part) -> Vec<u32> {
    let indices: Vec<u32> = (0..stream.part_len(replica, group, part) as u32).collect();
    let (mut x, mut y) = (Vec::new(), Vec::new());
    stream.gather(replica, group, part, &indices, &mut x, &mut y);
    y
}

fn source_for(scenario: &Kind) -> &'static str {
    if scenario.name == "points" { "moons()" } else { "digits()" }
}

#[test]
fn every_scenario_goes_with_every_order_or_says_why_not() {
    for scenario in Scenarios::kinds() {
        for order in Orders::kinds() {
            let names = format!("{} with {}", scenario.name, order.name);
            let made = make(source_for(scenario), &format!("{}()", scenario.name), &format!("{}()", order.name), &[1]);
            let stream = match made {
                Ok(stream) => stream,
                Err(error) => {
                    assert_eq!((scenario.name, order.name), ("long_tail", "scole"), "{names}: {error}");
                    assert!(error.to_string().contains("lower groups"), "{error}");
                    continue;
                }
            };
            let mut met = BTreeSet::new();
            for block in (0..stream.blocks().len()).step_by(stream.blocks().len().div_ceil(25)) {
                for scope in [Scope::Current, Scope::SoFar, Scope::All] {
                    let mut sampler = stream.block_sampler(block, scope);
                    let last = sampler.longest() - 1;
                    let (mut x, mut y) = (Vec::new(), Vec::new());
                    for step in [0, last] {
                        stream.gather_samples(0, sampler.batch(0, step).unwrap(), &mut x, &mut y);
                    }
                    assert!(!y.is_empty() && y.iter().all(|label| (*label as usize) < stream.classes()), "{names}");
                    assert!(x.iter().all(|value| value.is_finite()));
                }
                met.extend(stream.blocks()[block].groups());
            }
            assert!(met.iter().all(|group| *group < stream.tasks()), "{names}");
            let candidates = stream.candidates(0, 0, stream.blocks().len() - 1, Head::Seen);
            assert!(candidates.is_sorted_by(|a, b| a < b) && !candidates.is_empty(), "{names}");
        }
    }
}

#[test]
fn tasks_differ_where_they_should_and_are_equal_where_they_should() {
    let different = [
        ("split()", 5),
        ("split(labels: \"within\")", 5),
        ("permute(tasks: 4)", 4),
        ("permute(tasks: 4, similarity: 0.9)", 4),
        ("rotate()", 5),
        ("few_shot()", 4),
        ("few_shot(presentation: \"spread\")", 16),
    ];
    for (scenario, tasks) in different {
        assert_eq!(distinct(checksums(&stream(scenario, &[1]), 0)), tasks, "{scenario}");
    }
    assert_eq!(distinct(checksums(&stream("permute(tasks: 4, similarity: 1.0)", &[1]), 0)), 1);
    let own = stream("permute(tasks: 4, similarity: 1.0, labels: \"per_task\")", &[1]);
    assert_eq!(distinct(checksums(&own, 0)), 4, "equal images under labels of their own are other tasks");
}

#[test]
fn replicas_share_tasks_unless_asked_otherwise() {
    for kind in Scenarios::kinds() {
        let of = |text: &str| make(source_for(kind), text, "sequential()", &[1, 2, 1]).unwrap();
        let shared = of(&format!("{}()", kind.name));
        assert_eq!(checksums(&shared, 0), checksums(&shared, 1), "{}", kind.name);
        if kind.knob("order_per_replica").is_some() {
            let own = of(&format!("{}(order_per_replica: true)", kind.name));
            assert_ne!(checksums(&own, 0), checksums(&own, 1), "{}", kind.name);
            assert_eq!(checksums(&own, 0), checksums(&own, 2), "{}: equal seeds, equal tasks", kind.name);
        }
    }
}

#[test]
fn blocks_and_data_drawn_at_random_follow_the_streams_seed() {
    let blocks = |order: &str, seed: usize| -> Vec<Block> {
        make("digits()", &format!("split(seed: {seed})"), order, &[1]).unwrap().blocks().to_vec()
    };
    for order in ["recurrence()", "scole()"] {
        assert_ne!(blocks(order, 1), blocks(order, 2), "{order}");
        assert_eq!(blocks(order, 1), blocks(order, 1), "{order}");
    }
    for scenario in ["few_shot(seed: ", "long_tail(seed: ", "split(sizes: [50], seed: "] {
        let sums = |seed: usize| checksums(&stream(&format!("{scenario}{seed})"), &[1]), 0);
        assert_ne!(sums(1), sums(2), "{scenario}");
        assert_eq!(sums(1), sums(1), "{scenario}");
    }
}

#[test]
fn all_three_scenarios_of_split_and_permuted_tasks() {
    let within = stream("split(tasks: 4, labels: \"within\")", &[1, 2]);
    assert_eq!(within.classes(), 3, "outputs of the largest task");
    assert_eq!((within.group(0, 0).classes.clone(), within.group(0, 3).classes.clone()), (vec![0, 1, 2], vec![0, 1]));
    let plain = stream("split(tasks: 4)", &[1]);
    for group in 0..4 {
        let first = plain.group(0, group).classes[0];
        let expected: Vec<u32> =
            labels(&plain, 0, group, Part::Test).iter().map(|label| label - u32::from(first)).collect();
        assert_eq!(labels(&within, 0, group, Part::Test), expected);
    }
    for scenario in ["permute(tasks: 3, labels: \"per_task\")", "rotate(tasks: 3, labels: \"per_task\")"] {
        let own = stream(scenario, &[1]);
        assert_eq!((own.classes(), own.group(0, 2).classes[0]), (30, 20), "{scenario}");
        let all = stream(&scenario.replace("per_task", "class"), &[1]);
        let expected: Vec<u32> = labels(&all, 0, 2, Part::Train).iter().map(|label| label + 20).collect();
        assert_eq!(labels(&own, 0, 2, Part::Train), expected);
    }
    assert_eq!(
        make("digits()", "permute(tasks: 100, labels: \"per_task\")", "sequential()", &[1]).unwrap().classes(),
        1000
    );
}

#[test]
fn label_noise_is_in_the_training_part_alone_and_grows_over_itself() {
    let wrong = |scenario: &str, noise: f64, group: usize, part: Part| -> Vec<usize> {
        let of = |noise: f64| labels(&stream(&scenario.replace("NOISE", &format!("{noise:?}")), &[1]), 0, group, part);
        let (noisy, clean) = (of(noise), of(0.0));
        assert_eq!(distinct(noisy.clone()), distinct(clean.clone()), "labels stay those of the task");
        (0..clean.len()).filter(|at| noisy[*at] != clean[*at]).collect()
    };
    for scenario in ["split(label_noise: NOISE)", "permute(tasks: 2, labels: \"per_task\", label_noise: NOISE)"] {
        let samples = stream(&scenario.replace("NOISE", "0.0"), &[1]).part_len(0, 1, Part::Train) as f64;
        let (few, many) = (wrong(scenario, 0.1, 1, Part::Train), wrong(scenario, 0.4, 1, Part::Train));
        assert_eq!((few.len(), many.len()), ((0.1 * samples).round() as usize, (0.4 * samples).round() as usize));
        assert!(few.iter().all(|at| many.contains(at)));
        assert_eq!(wrong(scenario, 1.0, 1, Part::Train).len(), samples as usize, "every label is another one");
        for part in [Part::Validation, Part::Test] {
            assert!(wrong(scenario, 0.4, 1, part).is_empty());
        }
    }
    let permuted = "permute(tasks: 3, label_noise: NOISE)";
    assert_eq!(wrong(permuted, 0.3, 0, Part::Train), wrong(permuted, 0.3, 2, Part::Train), "one row, one wrong label");
    let alone = make("digits()", "split(tasks: 10, label_noise: 0.1)", "sequential()", &[1]);
    assert!(alone.unwrap_err().to_string().contains("no label can be another"));
}

#[test]
fn sizes_cut_training_parts_and_leave_the_others() {
    let (whole, cut) = (stream("rotate(tasks: 4)", &[1]), stream("rotate(tasks: 4, sizes: [100, 50, 10])", &[1]));
    let len = |stream: &Stream, group: usize, part: Part| stream.part_len(0, group, part) as f64;
    for (group, share) in [1.0, 0.5, 0.1, 0.1].into_iter().enumerate() {
        // Rounding to whole samples in each of ten classes.
        let wanted = share * len(&whole, group, Part::Train);
        assert!((len(&cut, group, Part::Train) - wanted).abs() <= 5.0, "task {group}");
        assert_eq!(len(&cut, group, Part::Test), len(&whole, group, Part::Test));
        let kept = labels(&cut, 0, group, Part::Train);
        assert_eq!(distinct(kept), 10, "every class is kept");
    }
    let rows = |group: usize| cut.group(0, group).rows(Part::Train).to_vec();
    assert!(rows(2).iter().all(|row| rows(1).contains(row)), "smaller sizes lie in larger ones");
}

#[test]
fn few_shot_tasks_have_their_shots_and_whole_test_parts() {
    let together = stream("few_shot(shots: 3)", &[1]);
    let spread = stream("few_shot(shots: 3, presentation: \"spread\")", &[1]);
    let plain = stream("split(tasks: 10)", &[1]);
    assert_eq!((together.tasks(), spread.tasks()), (4, 10));
    assert_eq!((together.group(0, 2).name.as_str(), together.group(0, 2).classes.clone()), ("digits 6, 7", vec![6, 7]));
    assert_eq!(spread.group(0, 5).name, "digits 6, 7, shot 2");
    assert_eq!(together.part_len(0, 0, Part::Train), (0..4).map(|class| plain.part_len(0, class, Part::Train)).sum());
    for increment in 1..4 {
        let mut shots = labels(&together, 0, increment, Part::Train);
        shots.sort_unstable();
        let first = 2 + 2 * increment as u32;
        assert_eq!(shots, [first, first, first, first + 1, first + 1, first + 1]);
        let tests = plain.part_len(0, first as usize, Part::Test) + plain.part_len(0, first as usize + 1, Part::Test);
        assert_eq!(together.part_len(0, increment, Part::Test), tests);
        let mut rows: Vec<u32> =
            (0..3).flat_map(|shot| spread.group(0, 3 * shot + increment).rows(Part::Train).to_vec()).collect();
        rows.sort_unstable();
        assert_eq!(rows, together.group(0, increment).rows(Part::Train), "the same shots, one task each");
    }
    let refused = |text: &str| make("digits()", text, "sequential()", &[1]).unwrap_err().to_string();
    assert!(refused("few_shot(tasks: 4)").contains("too few for 4 and 4 times 2 more"));
    assert!(refused("few_shot(shots: 100, test: 0.6)").contains("too few for 100 shots"));
}

#[test]
fn groups_without_training_are_evaluated_and_no_block_may_train_them() {
    let tail = make("digits()", "long_tail()", "sequential()", &[1]).unwrap();
    assert!(tail.groups() > 2 && tail.tasks() == 1);
    assert_eq!(tail.blocks().len(), 1);
    for group in 1..tail.groups() {
        assert!(tail.part_len(0, group, Part::Train) == 0 && tail.part_len(0, group, Part::Test) > 0);
    }
    let block = Block::plain(1, crate::Length::Epochs(1.0));
    let refused = Stream::new(
        data("digits()"),
        &Component::new("long_tail").unwrap(),
        &Component::new("sequential").unwrap(),
        Some(&[block]),
        &[1],
    );
    assert!(refused.unwrap_err().to_string().contains("block 1 trains group 1, but there are 1 groups"));
}

#[test]
fn plain_blocks_are_shuffled_by_the_replica_the_block_and_the_epoch() {
    use mnemoscope_core::random;
    use rand::seq::SliceRandom as _;
    let stream = stream("split(seed: 3)", &[7]);
    let samples = stream.part_len(0, 2, Part::Train) as u32;
    let mut sampler = stream.block_sampler(2, Scope::Current);
    for epoch in 0..2 {
        let mut order: Vec<u32> = (0..samples).collect();
        order.shuffle(&mut random::stream(3, "batch", &[7, 2, epoch]));
        for (within, positions) in order.chunks(16).enumerate() {
            let wanted: Vec<SampleRef> = positions.iter().map(|index| SampleRef { group: 2, index: *index }).collect();
            let step = epoch * u64::from(samples.div_ceil(16)) + within as u64;
            assert_eq!(sampler.batch(0, step).unwrap(), wanted);
        }
    }
}
