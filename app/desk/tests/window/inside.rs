//! Looking into a sequence model in the window.

use egui::{Key, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use mnemoscope_desk::Bench;
use mnemoscope_lab::{Experiment, Focus, path};

use crate::{Window, says, train, until, window};

/// A sequence model on recall of pairs, trained a little, in the view that looks into it.
fn inside(memory: &str) -> Window {
    let mut experiment = Experiment { title: "Inside".to_owned(), focus: Focus::Attention, ..Experiment::default() };
    experiment.data = ron::from_str("sequence(task: \"recall\", samples: 256, pairs: 3)").unwrap();
    experiment.model = ron::from_str("sequence(layers: 2, heads: 2, d_model: 16)").unwrap();
    let known = mnemoscope_memory::Composition::named().iter().find(|point| point.name == memory).unwrap();
    experiment.memory = known.composition();
    for (place, value) in
        [("stream.tasks", "2"), ("stream.steps", "6"), ("population.seeds", "2"), ("pace.mode", "flat_out")]
    {
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

/// What a screen reader is told of the token at a position, from 1.
fn token(window: &Window, position: usize) -> String {
    let start = format!("position {position}: ");
    let node = window.get_by(|node| node.label().is_some_and(|label| label.starts_with(&start)));
    node.accesskit_node().label().unwrap()
}

#[test]
fn a_sequence_is_shown_with_its_answers_and_stepped_through() {
    let mut window = inside("softmax_attention");
    assert!(says(&window, "after 3 steps") && says(&window, "Attention") && says(&window, "Retrieval score"));
    let first = token(&window, 1);
    assert!(says(&window, "answered"), "{first}");
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
    assert!(says(&window, "Memory S") && says(&window, "after 1 of"));
    window.key_press(Key::ArrowRight);
    window.run_steps(3);
    assert!(says(&window, "after 2 of"));
}

#[test]
fn the_view_follows_training() {
    let mut window = inside("softmax_attention");
    train(&mut window, 5);
    until(&mut window, "the newer model is shown", |window| says(window, "after 5 steps"));
}
