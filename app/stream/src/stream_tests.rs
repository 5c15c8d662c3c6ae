use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::block::Length;
use crate::dataset::{DataSources, Pixels, Shape, numbered};

fn data(text: &str) -> Arc<Dataset> {
    Arc::new(Dataset::load(&ron::from_str::<Component<DataSources>>(text).unwrap()).unwrap())
}

fn sequential() -> Component<Orders> {
    Component::new("sequential").unwrap()
}

fn stream_of(source: &str, scenario: &str, seeds: &[u64]) -> Stream {
    Stream::new(data(source), &ron::from_str(scenario).unwrap(), &sequential(), None, seeds).unwrap()
}

fn with_blocks(scenario: &str, blocks: &[Block]) -> Result<Stream, StreamError> {
    Stream::new(data("digits()"), &ron::from_str(scenario).unwrap(), &sequential(), Some(blocks), &[1, 2])
}

fn block(group: usize, length: Length) -> Block {
    Block::plain(group, length)
}

/// Features and labels of a whole part.
fn whole(stream: &Stream, replica: usize, group: usize, part: Part) -> (Vec<f32>, Vec<u32>) {
    let indices: Vec<u32> = (0..stream.part_len(replica, group, part) as u32).collect();
    let (mut x, mut y) = (Vec::new(), Vec::new());
    stream.gather(replica, group, part, &indices, &mut x, &mut y);
    (x, y)
}

fn checksums(stream: &Stream, replica: usize) -> Vec<u64> {
    (0..stream.groups()).map(|group| stream.checksum(replica, group)).collect()
}

fn distinct<T: Ord>(values: impl IntoIterator<Item = T>) -> usize {
    values.into_iter().collect::<BTreeSet<_>>().len()
}

/// All batches of a block.
fn batches(stream: &Stream, replica: usize, block: usize, scope: Scope) -> Vec<Vec<SampleRef>> {
    let mut sampler = stream.block_sampler(block, scope);
    (0..sampler.steps(replica)).map(|step| sampler.batch(replica, step).unwrap().to_vec()).collect()
}

#[test]
fn split_digits_at_the_defaults() {
    let stream = stream_of("digits()", "split()", &[1, 2, 3]);
    assert_eq!((stream.replicas(), stream.groups(), stream.features(), stream.classes()), (3, 5, 64, 10));
    assert_eq!(stream.group(2, 4).name, "digits 8, 9");
    assert!(stream.shared_order() && stream.has_validation());
    assert_eq!((stream.batch_size(), stream.head(), stream.blocks().len()), (16, Head::All, 5));
    let total: usize =
        (0..5).flat_map(|g| [Part::Train, Part::Validation, Part::Test].map(|part| stream.part_len(0, g, part))).sum();
    assert_eq!(total, 1797);
    let sampler = stream.block_sampler(0, Scope::Current);
    assert_eq!(sampler.longest(), 5 * (stream.part_len(0, 0, Part::Train) as u64).div_ceil(16));
}

#[test]
fn the_reference_split_is_70_to_30_in_every_class() {
    let stream = stream_of("digits()", "split(validation: 0.0, test: 0.3)", &[1]);
    assert!(!stream.has_validation());
    let counts = stream.dataset().class_counts();
    for group in 0..5 {
        let (_, labels) = whole(&stream, 0, group, Part::Test);
        for class in &stream.group(0, group).classes {
            let tests = labels.iter().filter(|label| **label == u32::from(*class)).count();
            assert_eq!(tests, (counts[usize::from(*class)] as f64 * 0.3).round() as usize);
        }
        assert_eq!(stream.group(0, group).rows(Part::Validation), stream.group(0, group).rows(Part::Test));
    }
}

#[test]
fn the_stream_seed_decides_the_parts() {
    let rows = |scenario: &str| stream_of("digits()", scenario, &[1]).group(0, 0).rows(Part::Test).to_vec();
    assert_eq!(rows("split(seed: 4)"), rows("split(seed: 4)"));
    assert_ne!(rows("split(seed: 4)"), rows("split(seed: 5)"));
}

#[test]
fn permuted_tasks_differ_and_hold_the_same_values_and_labels() {
    let stream = stream_of("digits()", "permute(tasks: 4)", &[1, 2]);
    assert_eq!(distinct(checksums(&stream, 0)), 4);
    assert_eq!(checksums(&stream, 0), checksums(&stream, 1), "one order for all replicas");
    let (x, y) = whole(&stream, 0, 0, Part::Test);
    for group in 1..4 {
        let (permuted, labels) = whole(&stream, 0, group, Part::Test);
        assert_eq!(labels, y);
        assert_ne!(permuted, x);
        for (a, b) in x.chunks(64).zip(permuted.chunks(64)) {
            let sorted = |row: &[f32]| {
                let mut row = row.to_vec();
                row.sort_by(f32::total_cmp);
                row
            };
            assert_eq!(sorted(a), sorted(b));
        }
    }
}

#[test]
fn an_order_per_replica_follows_the_replicas_seed_alone() {
    for scenario in ["permute(tasks: 3, order_per_replica: true)", "split(order_per_replica: true)"] {
        let stream = stream_of("digits()", scenario, &[1, 2, 1]);
        assert!(!stream.shared_order());
        assert_ne!(checksums(&stream, 0), checksums(&stream, 1));
        assert_eq!(checksums(&stream, 0), checksums(&stream, 2), "equal seeds, equal tasks");
        let alone = stream_of("digits()", scenario, &[2]);
        assert!(!alone.shared_order());
        assert_eq!(checksums(&stream, 1), checksums(&alone, 0));
        for block in 0..alone.blocks().len() {
            for scope in [Scope::Current, Scope::SoFar, Scope::All] {
                assert_eq!(batches(&stream, 1, block, scope), batches(&alone, 0, block, scope));
            }
        }
    }
    let split = stream_of("digits()", "split(order_per_replica: true, tasks: 3)", &[1, 2, 3, 4, 5]);
    let sampler = split.block_sampler(0, Scope::Current);
    assert_eq!(sampler.longest(), (0..5).map(|replica| sampler.steps(replica)).max().unwrap());
}

#[test]
fn rotation_by_0_is_the_original_and_equal_angles_are_equal_tasks() {
    let rotated = stream_of("digits()", "rotate(angles: [0, 90, 0, 45])", &[1]);
    let plain = stream_of("digits()", "permute(tasks: 1)", &[1]);
    let sums = checksums(&rotated, 0);
    assert_eq!(sums[0], plain.checksum(0, 0));
    assert_eq!(sums[0], sums[2]);
    assert_eq!(distinct(sums), 3);
    let (x, y) = whole(&rotated, 0, 0, Part::Train);
    let (turned, labels) = whole(&rotated, 0, 1, Part::Train);
    assert_eq!(labels, y);
    // Counter-clockwise: the top right corner moves to the top left.
    assert!(x.chunks(64).zip(turned.chunks(64)).all(|(a, b)| a[7] == b[0] && a[63] == b[7]));
}

#[test]
fn every_point_set_task_has_data_of_its_own() {
    let stream = stream_of("moons(samples: 100)", "points(tasks: 6)", &[1, 2]);
    assert_eq!((stream.groups(), stream.classes(), stream.features()), (6, 2, 2));
    assert_eq!(stream.group(0, 5).name, "moons 2");
    assert_eq!(distinct(checksums(&stream, 0)), 6);
    for group in 0..6 {
        let (_, labels) = whole(&stream, 0, group, Part::Test);
        assert_eq!((labels.len(), labels.iter().filter(|label| **label == 1).count()), (30, 15));
    }
    let turned = stream_of("spirals(noise: 0.0)", "rotate(angles: [0, 180])", &[1]);
    let ((a, _), (b, _)) = (whole(&turned, 0, 0, Part::Train), whole(&turned, 0, 1, Part::Train));
    assert!(a.iter().zip(&b).all(|(a, b)| *a == -b));
}

#[test]
fn a_group_that_comes_back_is_shuffled_anew_over_the_same_samples() {
    let epoch = Length::Epochs(1.0);
    let stream = with_blocks("split()", &[block(1, epoch), block(0, epoch), block(1, epoch)]).unwrap();
    let (first, again) = (batches(&stream, 0, 0, Scope::Current), batches(&stream, 0, 2, Scope::Current));
    assert_ne!(first, again);
    let sorted = |batches: Vec<Vec<SampleRef>>| {
        let mut all = batches.concat();
        all.sort();
        all
    };
    assert_eq!(sorted(first), sorted(again));
    assert_eq!(stream.groups(), 5, "groups that no block trains are still evaluated");
    assert_eq!(stream.block_sampler(2, Scope::SoFar).len(0), stream.block_sampler(1, Scope::SoFar).len(0));
}

#[test]
fn scopes_reach_over_the_groups_of_their_blocks() {
    let stream = stream_of("digits()", "permute(tasks: 3, epochs: 1.0)", &[1]);
    let each = stream.part_len(0, 0, Part::Train);
    for task in 0..3 {
        for (scope, groups) in [(Scope::Current, 1), (Scope::SoFar, task + 1), (Scope::All, 3)] {
            let mut sampler = stream.block_sampler(task, scope);
            assert_eq!(sampler.len(0), groups * each);
            assert_eq!(sampler.longest(), (groups * each).div_ceil(16) as u64, "an epoch is one over all in scope");
            assert_eq!(sampler.batch(0, 0).unwrap().len(), 16);
        }
        let met = batches(&stream, 0, task, Scope::SoFar).concat();
        assert_eq!(distinct(met.iter().map(|sample| sample.group)), task + 1);
        assert_eq!((met.len(), distinct(met)), ((task + 1) * each, (task + 1) * each));
    }
}

#[test]
fn samples_of_several_groups_are_gathered_each_by_its_own_transform() {
    let stream = stream_of("digits()", "permute(tasks: 3)", &[1]);
    let samples = [(2, 5), (0, 9), (2, 5), (1, 0)].map(|(group, index)| SampleRef { group, index });
    let (mut x, mut y) = (vec![7.0], vec![7]);
    stream.gather_samples(0, &samples, &mut x, &mut y);
    let (mut a, mut b) = (vec![7.0], vec![7]);
    for sample in samples {
        stream.gather(0, usize::from(sample.group), Part::Train, &[sample.index], &mut a, &mut b);
    }
    assert_eq!((x.len(), y.len()), (1 + 4 * 64, 5), "appended after what was there");
    assert_eq!((x, y), (a, b));
}

#[test]
fn candidates_by_head() {
    let length = Length::Epochs(1.0);
    let stream = with_blocks("split(head: \"seen\")", &[block(3, length), block(0, length)]).unwrap();
    assert_eq!(stream.head(), Head::Seen);
    assert_eq!(stream.candidates(0, 3, 0, Head::Seen), [6, 7]);
    assert_eq!(stream.candidates(0, 0, 1, Head::Seen), [0, 1, 6, 7]);
    assert_eq!(stream.candidates(0, 3, 1, Head::Task), [6, 7]);
    assert_eq!(stream.candidates(0, 3, 0, Head::All), (0..10).collect::<Vec<_>>());
}

#[test]
fn an_index_leads_back_to_its_row() {
    let stream = stream_of("digits()", "split()", &[1]);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    stream.gather(0, 2, Part::Test, &[11], &mut x, &mut y);
    let row = stream.row(0, 2, Part::Test, 11) as usize;
    let mut original = [0.0; 64];
    stream.dataset().row_into(row, &mut original);
    assert_eq!((x, y), (original.to_vec(), vec![u32::from(stream.dataset().labels[row])]));
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let length = Length::Epochs(1.0);
    let text = |result: Result<Stream, StreamError>| result.unwrap_err().to_string();
    assert_eq!(text(with_blocks("split()", &[])), "the stream has no blocks; add one");
    assert_eq!(
        text(with_blocks("split()", &[block(0, length), block(5, length)])),
        "block 2 trains group 5, but there are 5 groups, counted from 0; change the block or raise tasks"
    );
    assert_eq!(
        text(with_blocks("split()", &[block(0, Length::Steps(0))])),
        "block 1: Steps(0) must be 1 to 1000000000000"
    );
    assert_eq!(
        text(with_blocks("split(validation: 0.5, test: 0.6)", &[block(0, length)])),
        "validation share 0.5 and test share 0.6 leave under 5 % for training; lower one of them"
    );
    let none = Stream::new(data("digits()"), &Component::new("split").unwrap(), &sequential(), None, &[]);
    assert_eq!(none.unwrap_err(), StreamError::NoReplicas);
    let two = Stream::new(data("moons()"), &Component::new("split").unwrap(), &sequential(), None, &[1]);
    assert!(text(two).starts_with("split: data set moons has 2 classes, too few for 5 tasks; set tasks to 2 at most"));
}

#[test]
fn too_few_samples_for_a_part_are_refused() {
    let labels = vec![0, 0, 1, 1];
    let tiny = Dataset::new("tiny".into(), Shape::Table(1), numbered(2), Pixels::Bytes(vec![0, 1, 2, 3]), labels);
    let make = |scenario: &str| {
        Stream::new(Arc::new(tiny.clone()), &ron::from_str(scenario).unwrap(), &sequential(), None, &[1])
    };
    assert_eq!(
        make("split(tasks: 2)").unwrap_err().to_string(),
        "group tiny 0 has no validation samples: the data set is too small for its validation share; raise \
         validation, or set it to 0"
    );
    assert!(make("split(tasks: 2, test: 0.1)").unwrap_err().to_string().ends_with("test share; raise test"));
    assert!(make("split(tasks: 2, validation: 0.0)").is_ok());
}

#[test]
fn a_stream_may_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Stream>();
    shared::<BlockSampler>();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn parts_are_disjoint_cover_the_data_and_keep_to_their_classes(
        tasks in 1usize..=10,
        validation in 0.02..0.3,
        test in 0.02..0.6,
        seed in 0u64..100,
        replica_seed: u64,
        per_replica: bool,
    ) {
        let scenario = format!(
            "split(tasks: {tasks}, validation: {validation}, test: {test}, seed: {seed}, order_per_replica: {per_replica})"
        );
        let stream = stream_of("digits()", &scenario, &[replica_seed]);
        let mut met = vec![0; stream.dataset().len()];
        for group in 0..tasks {
            for part in [Part::Train, Part::Validation, Part::Test] {
                let group = stream.group(0, group);
                for row in group.rows(part) {
                    met[*row as usize] += 1;
                    prop_assert!(group.classes.contains(&stream.dataset().labels[*row as usize]));
                }
            }
        }
        prop_assert!(met.iter().all(|count| *count == 1));
    }

    #[test]
    fn rows_are_in_one_part_only_whatever_the_scenario(scenario in "(permute|rotate|points)", seed in 0u64..50) {
        let stream = stream_of("blobs(samples: 60)", &format!("{scenario}(tasks: 2, seed: {seed})"), &[1]);
        let mut part_of = vec![None; stream.dataset().len()];
        for group in 0..2 {
            for part in [Part::Train, Part::Validation, Part::Test] {
                for row in stream.group(0, group).rows(part) {
                    let known = part_of[*row as usize].replace(part);
                    prop_assert!(known.is_none_or(|known| known == part));
                }
            }
        }
        prop_assert!(part_of.iter().all(Option::is_some));
    }
}

#[test]
fn training_samples_can_be_watched_with_the_labels_that_are_learned() {
    let stream = stream_of("digits()", "split(tasks: 2, watch_training: true, label_noise: 0.5)", &[1]);
    assert_eq!((stream.tasks(), stream.groups()), (2, 4));
    assert_eq!(stream.group(0, 2).name, format!("{}, training", stream.group(0, 0).name));
    for task in 0..2 {
        assert_eq!(whole(&stream, 0, task, Part::Train), whole(&stream, 0, 2 + task, Part::Test));
        assert_eq!(whole(&stream, 0, task, Part::Train), whole(&stream, 0, 2 + task, Part::Validation));
        assert_eq!(stream.part_len(0, 2 + task, Part::Train), 0);
    }
}
