//! Looking into a sequence model in the window.

use egui::{Key, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use mnemoscope_desk::Bench;
use mnemoscope_lab::{Experiment, Focus, path};

use crate::{Window, says, train, until, window};

/// A sequence model on recall of pairs, trained a little, in the view that looks into it.
fn inside(memory: &str) -> Window {
    let mut experiment = Experiment { title: "Inside".to_owned(), focus: Focus::Attention, ..Experiment::default() };
    let stream = "sequences(task_1: \"recall\", task_2: \"selective_copying\", task_3: \"n_back\", steps: 6, batch: 16, \
                  samples: 200, keys: 8, values: 8, items: 6)";
    experiment.stream = ron::from_str(stream).unwrap();
    experiment.model = ron::from_str("sequence(layers: 2, heads: 2, width: 16)").unwrap();
    let known = mnemoscope_memory::Composition::named().iter().find(|point| point.name == memory).unwrap();
    experiment.memory = known.composition();
    for (place, value) in [("population.seeds", "2"), ("pace.mode", "flat_out")] {
        path::set(&mut experiment, place, value).unwrap();
    }
    let mut window = window(experiment);
    train(&mut window, 3);
    window.get_by_role_and_label(Role::Tab, "Inside").click();
    until(&mut window, "the model was looked into", |window| says(window, "answers right"));
    until(&mut window, "its heads were scored", |window| says(window, "accuracy"));
    assert_eq!(window.state().bench(), Some(Bench::Inside));
    window
}

/// What a screen reader is told that begins so.
fn told(window: &Window, start: &str) -> String {
    let node = window.get_by(|node| node.label().is_some_and(|label| label.starts_with(start)));
    node.accesskit_node().label().unwrap()
}

#[test]
fn a_sequence_is_shown_with_its_answers_and_stepped_through() {
    let mut window = inside("softmax_attention");
    assert!(says(&window, "after 3 steps") && says(&window, "Attention") && says(&window, "Retrieval score"));
    assert!(told(&window, "position 1: ").len() > "position 1: ".len() && says(&window, "; answered "));
    assert!(says(&window, "at 1 "), "the first token is looked at");
    window.key_press(Key::ArrowRight);
    window.run_steps(3);
    assert!(says(&window, "at 2 "));
    window.get_by(|node| node.label().is_some_and(|label| label.starts_with("position 4: "))).click();
    window.run_steps(3);
    assert!(says(&window, "at 4 "));
}

#[test]
fn a_head_is_masked_and_accuracy_is_measured_again() {
    let mut window = inside("softmax_attention");
    assert!(!says(&window, "1 head masked"));
    window.get_by_role_and_label(Role::CheckBox, "Mask layer 1, head 1").click();
    until(&mut window, "the masked model was measured", |window| says(window, "1 head masked"));
    window.get_by_role_and_label(Role::Button, "Mask none").click();
    until(&mut window, "the whole model was measured", |window| !says(window, "1 head masked"));
}

#[test]
fn a_matrix_memory_shows_its_state_at_each_moment() {
    let mut window = inside("delta_rule");
    // Two heads share 16 numbers.
    assert!(says(&window, "Memory S: heat map of 8 rows and 8 columns") && !says(&window, "Queries"));
    let scale = "colours from";
    let before = told(&window, "Memory S: heat map");
    window.key_press(Key::ArrowRight);
    window.run_steps(3);
    assert!(says(&window, "at 2 ") && before.contains(scale));
    assert_eq!(told(&window, "Memory S: heat map"), before, "colours mean the same at every moment");
}

#[test]
fn the_view_follows_training() {
    let mut window = inside("softmax_attention");
    train(&mut window, 5);
    until(&mut window, "the newer model is shown", |window| says(window, "after 5 steps"));
}

#[test]
fn a_bounded_cache_is_measured_and_shows_what_is_left() {
    let mut window = inside("softmax_attention");
    window.get_by_role_and_label(Role::Tab, "Caches").click();
    until(&mut window, "the cache was measured", |window| says(window, "with the whole cache"));
    assert!(says(&window, "Tokens held: heat map of"));
    assert!(says(&window, "Accuracy against bytes") && says(&window, "Bytes held"));
}

#[test]
fn a_memory_that_keeps_no_pairs_has_no_cache_and_says_so() {
    let mut window = inside("delta_rule");
    window.get_by_role_and_label(Role::Tab, "Caches").click();
    until(&mut window, "the refusal is told", |window| says(window, "a cache holds pairs"));
}
