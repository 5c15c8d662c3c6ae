//! A trunk that is trained before the stream, on classes that the stream does not have.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

use mnemoscope_compute::Wanted;
use mnemoscope_core::Component;
use mnemoscope_lab::{Checkpoint, Experiment, Run, path, refusals};

fn experiment(settings: &[(&str, &str)]) -> Experiment {
    let mut experiment = Experiment { pretraining: Component::new("classes").unwrap(), ..Experiment::default() };
    let short = [
        ("stream.tasks", "2"),
        ("stream.steps", "6"),
        ("model.widths", "[24]"),
        ("population.seeds", "2"),
        ("evaluation.every", "3"),
        ("pretraining.epochs", "5"),
    ];
    for (name, value) in short.iter().chain(settings) {
        path::set(&mut experiment, name, value).unwrap();
    }
    experiment
}

fn run(experiment: &Experiment) -> Run {
    Run::new(experiment.clone(), Wanted::Cpu).unwrap()
}

fn finish(mut run: Run) -> Vec<u32> {
    while !run.finished() {
        run.step().unwrap();
    }
    run.weights().iter().map(|weight| weight.to_bits()).collect()
}

#[test]
fn the_classes_leave_the_stream_and_the_trunk_knows_them() {
    let run = run(&experiment(&[]));
    let layout = run.layout();
    let pretrained = layout.pretrained.as_ref().unwrap();
    assert_eq!(pretrained.classes, ["8", "9"]);
    // Two digits of the scans are told apart far above chance by any network that learned at all.
    assert!(pretrained.accuracy.len() == 2 && pretrained.accuracy.iter().all(|a| *a > 0.8), "{pretrained:?}");
    assert!(pretrained.text().starts_with("trunk: 0.9") && pretrained.text().ends_with("on classes 8, 9"));
    assert_eq!(layout.classes, 8);
    assert_eq!(layout.group_names[0], ["digits 0, 1, 2, 3", "digits 4, 5, 6, 7"]);
}

#[test]
fn the_trunk_is_trained_and_the_classifier_is_not() {
    let plain = Experiment { pretraining: Component::new("none").unwrap(), ..experiment(&[]) };
    // Without the two classes the output layers would differ in width: compare with a trunk that learned next to nothing.
    let (slow, fast) = (run(&experiment(&[("pretraining.rate", "1e-5")])), run(&experiment(&[])));
    let p = slow.layout().parameters;
    let trunk = 64 * 24 + 24;
    for (slow, fast) in slow.weights().chunks(p).zip(fast.weights().chunks(p)) {
        assert_ne!(slow[..trunk], fast[..trunk]);
        assert_eq!(slow[trunk..], fast[trunk..]);
    }
    assert!(run(&plain).layout().pretrained.is_none());
}

#[test]
fn a_frozen_trunk_stays_as_it_was_trained() {
    let experiment = experiment(&[("model.trunk", "frozen")]);
    let before = run(&experiment);
    let (weights, p) = (before.weights(), before.layout().parameters);
    let after = finish(before);
    for (before, after) in weights.chunks(p).zip(after.chunks(p)) {
        let bits: Vec<u32> = before.iter().map(|weight| weight.to_bits()).collect();
        assert_eq!(bits[..64 * 24 + 24], after[..64 * 24 + 24]);
        assert_ne!(bits[64 * 24 + 24..], after[64 * 24 + 24..]);
    }
}

#[test]
fn a_replica_alone_and_a_run_that_goes_on_give_the_same_bits() {
    let both = experiment(&[("population.first", "3")]);
    let whole = finish(run(&both));
    let alone = finish(run(&experiment(&[("population.first", "4"), ("population.seeds", "1")])));
    assert_eq!(alone, whole[whole.len() / 2..]);

    let folder = tempfile::tempdir().unwrap();
    let mut cut = run(&both);
    (0..7).for_each(|_| cut.step().unwrap());
    cut.checkpoint().write(folder.path()).unwrap();
    let resumed = Run::resume(&Checkpoint::read(folder.path()).unwrap(), Wanted::Cpu).unwrap();
    assert_eq!(resumed.layout().pretrained, cut.layout().pretrained);
    assert_eq!(finish(resumed), whole);
}

#[test]
fn what_has_no_classes_to_spare_is_refused() {
    let mut points = experiment(&[]);
    points.stream = Component::new("points").unwrap();
    assert!(refusals(&points).iter().any(|refusal| refusal.place == "pretraining"));
    let error = Run::new(experiment(&[("pretraining.count", "10")]), Wanted::Cpu).err().unwrap().to_string();
    assert!(error.contains("pretraining: ") && error.contains("take fewer"), "{error}");
}
