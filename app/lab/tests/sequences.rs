//! Streams of sequence tasks: what goes together is trained and resumed bit for bit, and what does not is refused.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

use mnemoscope_compute::Wanted;
use mnemoscope_lab::{Experiment, Run, Snapshot, path, refusals};

/// Two short sequence tasks, each with its training samples watched, for a small model.
fn experiment(model: &str) -> Experiment {
    let stream = "sequences(task_2: \"n_back\", task_3: \"none\", samples: 60, steps: 4, watch_training: true)";
    let mut experiment = Experiment {
        stream: ron::from_str(stream).unwrap(),
        model: ron::from_str(model).unwrap(),
        methods: vec![ron::from_str("replay(capacity: 20, batch: 8)").unwrap()],
        ..Experiment::default()
    };
    for (name, value) in [("population.seeds", "2"), ("evaluation.dense", "0"), ("evaluation.every", "2")] {
        path::set(&mut experiment, name, value).unwrap();
    }
    experiment
}

const SMALL: &str = "sequence(layers: 1, heads: 1, width: 8)";

fn refused(experiment: &Experiment) -> Vec<(String, String)> {
    refusals(experiment).into_iter().map(|refusal| (refusal.place, refusal.message)).collect()
}

fn finish(mut run: Run) -> (Vec<u32>, Snapshot) {
    while !run.finished() {
        run.step().unwrap();
    }
    (run.weights().iter().map(|weight| weight.to_bits()).collect(), run.snapshot().unwrap())
}

#[test]
fn a_stream_of_sequence_tasks_trains_and_resumes_with_the_same_bits() {
    let experiment = experiment(SMALL);
    assert_eq!(refused(&experiment), []);
    let whole = finish(Run::new(experiment.clone(), Wanted::Cpu).unwrap());
    let layout = &whole.1.layout;
    let names = ["associative recall", "n-back", "associative recall, training", "n-back, training"];
    assert_eq!((layout.tasks, layout.group_names[0].clone()), (2, names.map(str::to_owned).to_vec()));
    assert_eq!(layout.group_classes[1].len(), 2, "same and other");
    for cut in [3, 4, 6] {
        let mut run = Run::new(experiment.clone(), Wanted::Cpu).unwrap();
        (0..cut).for_each(|_| run.step().unwrap());
        let again = finish(Run::resume(&run.checkpoint(), Wanted::Cpu).unwrap());
        assert_eq!((again.0, &again.1.matrices), (whole.0.clone(), &whole.1.matrices), "cut at {cut}");
    }
}

#[test]
fn a_setting_that_the_memory_leaves_without_effect_is_refused_at_its_place() {
    let found = refused(&experiment("sequence(layers: 1, heads: 1, width: 8, gates: \"learned\")"));
    let [(place, why)] = found.as_slice() else { panic!("one reason, and not {found:?}") };
    assert!(place == "model.gates" && why.contains("take fixed gates"), "{why}");
}

#[test]
fn watched_training_samples_are_no_part_of_the_confusion_matrix() {
    let watching = experiment(SMALL);
    let mut plain = watching.clone();
    path::set(&mut plain, "stream.watch_training", "false").unwrap();
    let [watching, plain] = [watching, plain].map(|experiment| finish(Run::new(experiment, Wanted::Cpu).unwrap()).1);
    assert_eq!((watching.layout.group_names[0].len(), plain.layout.group_names[0].len()), (4, 2));
    assert_eq!(watching.confusion, plain.confusion);
    assert!(
        plain.confusion.is_some_and(|view| !view.wrong.is_empty()),
        "a small model after eight steps is often wrong"
    );
}

#[test]
fn tokens_go_with_a_sequence_model_and_with_nothing_else() {
    for model in ["mlp()", "conv()"] {
        let found = refused(&experiment(model));
        assert!(found.iter().any(|(place, why)| place == "model" && why.contains("take model sequence")), "{found:?}");
    }
    let mut images = experiment(SMALL);
    images.stream = ron::from_str("split()").unwrap();
    let found = refused(&images);
    let [(place, why)] = found.as_slice() else { panic!("one reason, and not {found:?}") };
    assert!(place == "model" && why.contains("take stream sequences"), "{found:?}");
    images.data = ron::from_str("sequence()").unwrap();
    assert_eq!(refused(&images), []);
}
