//! The attention lab: the way there and back, its memory, its benches.

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::Queryable as _;
use mnemoscope_desk::Bench;
use mnemoscope_lab::{Experiment, Focus, presets};

use crate::{Window, bare, button, click, options, says, slider, small, snapshot, train, window};

/// The lab alone: nothing is trained.
fn lab() -> Window {
    let preset = presets::load("hebbian-capacity").unwrap().unwrap();
    let mut window = bare(options(Experiment { focus: Focus::Attention, ..preset }));
    window.run_steps(5);
    window
}

fn segment(window: &mut Window, name: &str) {
    window.get_by_role_and_label(Role::RadioButton, name).click();
    window.run_steps(4);
}

#[test]
fn the_labs_change_by_click_and_by_key_and_a_run_goes_on_meanwhile() {
    let mut window = window(small(10, &[]));
    train(&mut window, 5);
    assert_eq!(window.state().bench(), None);
    segment(&mut window, "Attention lab");
    assert_eq!(window.state().bench(), Some(Bench::Association));
    assert!(says(&window, "Memory S") && !says(&window, "Accuracy per task"));
    assert!(!window.state().dirty(), "looking at the other lab is no edit");
    train(&mut window, 12);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num1);
    window.run_steps(4);
    assert_eq!((window.state().bench(), snapshot(&window).step), (None, 12));
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num2);
    window.run_steps(4);
    assert!(window.state().bench().is_some());
    segment(&mut window, "Weights lab");
    click(&mut window, "Open the attention lab");
    assert!(window.state().bench().is_some());
}

#[test]
fn without_a_model_to_train_the_run_controls_rest() {
    let mut window = lab();
    assert!(window.state().snapshot().is_none());
    assert!(window.query_by_role_and_label(Role::Button, "Run").is_none());
    segment(&mut window, "Weights lab");
    crate::until(&mut window, "its network is prepared", |window| window.state().snapshot().is_some());
    assert!(window.query_by_role_and_label(Role::Button, "Run").is_some());
}

/// Opens a list of the composer and picks a row.
fn pick(window: &mut Window, list: &str, row: &str) {
    window.get_by_role_and_label(Role::ComboBox, list).scroll_to_me();
    window.run_steps(3);
    window.get_by_role_and_label(Role::ComboBox, list).click();
    window.run_steps(3);
    button(window, row).scroll_to_me();
    window.run_steps(20);
    click(window, row);
}

#[test]
fn a_known_memory_is_loaded_told_as_an_equation_and_taken_back() {
    let mut window = lab();
    assert!(says(&window, "S ← S + v kᵀ,  o = S q"));
    pick(&mut window, "Load a known memory", "RetNet");
    assert_eq!(window.state().experiment().memory.name().map(|point| point.name), Some("retnet"));
    assert!(says(&window, "S ← 0.95 S + v kᵀ,  o = S q"));
    slider(&window, "Retention: decay").set_value_accesskit(0.8);
    window.run_steps(3);
    assert!(says(&window, "S ← 0.80 S + v kᵀ,  o = S q"), "the numbers are live");
    assert!(window.state().experiment().memory.name().is_none());
    for name in ["retnet", "linear_attention"] {
        window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
        window.run_steps(3);
        assert_eq!(window.state().experiment().memory.name().map(|point| point.name), Some(name));
    }
}

#[test]
fn a_choice_that_does_not_go_with_the_others_takes_them_along() {
    let mut window = lab();
    pick(&mut window, "Architecture", "list of pairs");
    let memory = &window.state().experiment().memory;
    assert_eq!(memory.architecture.name(), "key_value_list");
    memory.check().unwrap();
    assert!(says(&window, "Softmax attention"), "its name stands in the list of known memories");
}

#[test]
fn a_write_strength_that_would_not_converge_is_refused_at_its_slider() {
    let mut window = lab();
    pick(&mut window, "Load a known memory", "Delta rule");
    let before = window.state().experiment().memory.clone();
    slider(&window, "Learning rule: write strength").set_value_accesskit(0.0);
    window.run_steps(3);
    assert_eq!(window.state().experiment().memory, before, "the refused value did not stay");
    assert!(says(&window, "0 < beta |k|^2 < 2"));
    slider(&window, "Learning rule: write strength").set_value_accesskit(0.5);
    window.run_steps(3);
    assert_eq!(window.state().experiment().memory.rule.real("beta"), 0.5);
    assert!(!says(&window, "0 < beta |k|^2 < 2"));
}

#[test]
fn writes_are_stepped_through_by_buttons_keys_and_slider() {
    let mut window = lab();
    let all = window.state().experiment().attention.whole("pairs");
    let shows = |window: &Window, writes: usize| says(window, &format!("{writes} of {all} written"));
    assert!(shows(&window, all));
    click(&mut window, "One write back");
    assert!(shows(&window, all - 1));
    for (key, writes) in [(Key::ArrowLeft, all - 2), (Key::ArrowRight, all - 1)] {
        // The button has the keyboard; Esc gives it back.
        window.key_press(Key::Escape);
        window.run_steps(2);
        window.key_press(key);
        window.run_steps(3);
        assert!(shows(&window, writes), "{key:?}");
    }
    click(&mut window, "Before the first write");
    assert!(shows(&window, 0) && says(&window, "No pair is written yet"));
    click(&mut window, "Write the next pair");
    assert!(shows(&window, 1));
    slider(&window, "Writes shown").set_value_accesskit(7.0);
    window.run_steps(3);
    assert!(shows(&window, 7));
    assert!(!window.state().dirty(), "where one looks is no edit");
}

#[test]
fn what_takes_long_is_computed_beside_the_window_and_the_last_picture_stays() {
    let mut window = lab();
    pick(&mut window, "Load a known memory", "Softmax with local linear regression");
    for (name, value) in [("pairs", 512.0), ("key size", 128.0), ("value size", 128.0)] {
        slider(&window, &format!("Pairs: {name}")).set_value_accesskit(value);
        // The frame that takes the value, and one that asks for the figures: neither waits for them.
        window.run_steps(2);
    }
    assert_eq!(window.state().experiment().attention.whole("d_v"), 128, "the slider answered");
    assert!(says(&window, "computing…"), "it is said quietly");
    assert!(window.query_by_role_and_label(Role::Button, "Recall menu").is_some(), "the last picture stays");
    assert!(!says(&window, "N / d_k 4.00"), "the numbers are still those of the picture");
    crate::until(&mut window, "the figures arrive", |window| !says(window, "computing…"));
    assert!(says(&window, "N / d_k 4.00"));
    slider(&window, "Pairs: pairs").set_value_accesskit(2.0);
    window.run_steps(2);
    assert!(!says(&window, "computing…") && says(&window, "2 of 2 written"), "what is soon done is there at once");
}

#[test]
fn playing_writes_pair_after_pair_to_the_last() {
    let mut window = lab();
    let all = window.state().experiment().attention.whole("pairs");
    window.key_press(Key::Space);
    window.run_steps(3);
    assert!(window.query_by_role_and_label(Role::Button, "Pause").is_some());
    assert!(!says(&window, &format!("{all} of {all} written")), "it began again");
    crate::until(&mut window, "all is written", |window| says(window, &format!("{all} of {all} written")));
    window.run_steps(2);
    assert!(window.query_by_role_and_label(Role::Button, "Play").is_some());
}

#[test]
fn more_orthonormal_keys_than_there_are_are_refused_at_their_slider() {
    let mut window = lab();
    window.get_by_role_and_label(Role::CheckBox, "Pairs: orthonormal keys").click();
    window.run_steps(3);
    let before = window.state().experiment().clone();
    let too_many = before.attention.whole("d_k") + 1;
    slider(&window, "Pairs: pairs").set_value_accesskit(too_many as f64);
    window.run_steps(3);
    assert_eq!(*window.state().experiment(), before, "the refused value did not stay");
    assert!(says(&window, "orthonormal"));
    slider(&window, "Pairs: pairs").set_value_accesskit(4.0);
    window.run_steps(3);
    assert_eq!(window.state().experiment().attention.whole("pairs"), 4);
}

#[test]
fn a_place_shows_the_map_that_is_chosen_and_every_figure_is_exported() {
    let mut window = lab();
    assert!(window.query_by_label("Recalled values menu").is_none());
    click(&mut window, "Added last, show another");
    click(&mut window, "Recalled values");
    window.key_press(Key::Escape);
    window.run_steps(3);
    for figure in ["Memory S", "Recall", "Recalled values", "Recall error"] {
        click(&mut window, &format!("{figure} menu"));
        click(&mut window, "Export as CSV…");
        assert!(says(&window, "Export the plot"), "{figure}");
        click(&mut window, "Cancel");
    }
}

fn tab(window: &mut Window, name: &str) {
    window.get_by_role_and_label(Role::Tab, name).click();
    window.run_steps(4);
}

#[test]
fn hebb_learns_what_delta_blocks() {
    let mut window = lab();
    tab(&mut window, "Conditioning");
    assert_eq!(window.state().bench(), Some(Bench::Conditioning));
    assert!(!window.state().dirty(), "looking at another bench is no edit");
    // B joins A when A predicts the stimulus already; each of 20 trials adds a salience of 0.2 under Hebb.
    assert!(says(&window, "cue B 4.00"), "linear attention adds whatever is predicted");
    pick(&mut window, "Load a known memory", "Delta rule");
    assert!(says(&window, "cue B 0.01"), "blocked");
    assert!(window.query_by_role_and_label(Role::Button, "Linear attention menu").is_some(), "side by side");
    click(&mut window, "Before the first trial");
    assert!(says(&window, "cue A 0.00") && says(&window, "0 of 60 trials"));
    slider(&window, "Trials shown").set_value_accesskit(1.0);
    window.run_steps(3);
    assert!(says(&window, "cue A 0.20"), "one trial removes the salience's share of the error");
}

#[test]
fn trials_are_loaded_edited_moved_and_deleted() {
    let mut window = lab();
    tab(&mut window, "Conditioning");
    let trials = |window: &Window| {
        let trials = &window.state().experiment().conditioning.trials;
        trials.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(trials(&window), "A+ ×20, AB+ ×20, CD+ ×20");
    pick(&mut window, "Load a classical experiment", "Extinction");
    assert_eq!(trials(&window), "A+ ×20, A− ×20");
    let chip = |window: &Window, name: &str| button(window, name).rect();
    let (from, to) = (chip(&window, "Trial 2: A− ×20"), chip(&window, "Trial 1: A+ ×20"));
    crate::drag(&mut window, from.center(), to.left_center());
    assert_eq!(trials(&window), "A− ×20, A+ ×20");
    click(&mut window, "Trial 2: A+ ×20");
    window.get_by_role_and_label(Role::CheckBox, "Cue B").click();
    window.run_steps(3);
    assert_eq!(trials(&window), "A− ×20, AB+ ×20");
    click(&mut window, "Insert a copy after it");
    slider(&window, "Stimulus").set_value_accesskit(0.5);
    window.run_steps(3);
    assert_eq!(trials(&window), "A− ×20, AB+ ×20, AB 0.5 ×20");
    click(&mut window, "Move the trial earlier");
    click(&mut window, "Delete the trial");
    assert_eq!(trials(&window), "A− ×20, AB+ ×20");
    slider(&window, "Cues: cues").set_value_accesskit(1.0);
    window.run_steps(3);
    assert!(says(&window, "shows cue B"), "a cue that is shown cannot go");
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.run_steps(3);
    assert_eq!(trials(&window), "A− ×20, AB 0.5 ×20, AB+ ×20");
}

#[test]
fn depth_is_measured_beside_what_is_derived() {
    let mut window = lab();
    tab(&mut window, "Depth");
    crate::until(&mut window, "the memories are written", |window| says(window, "known for Hebb"));
    slider(&window, "Depth: layers").set_value_accesskit(3.0);
    window.run_steps(3);
    assert_eq!(window.state().experiment().depth.whole("layers"), 3);
    click(&mut window, "Error through layers menu");
    assert!(says(&window, "Export as SVG…"));
}

#[test]
fn a_chart_is_chosen_and_measured_once_it_is_looked_at() {
    let mut window = lab();
    crate::until(&mut window, "recall is measured by age", |window| says(window, "Recall against age menu"));
    click(&mut window, "Recall against age, show another");
    click(&mut window, "Capacity");
    window.key_press(Key::Escape);
    crate::until(&mut window, "the capacities are measured", |window| says(window, "Capacity menu"));
}

#[test]
fn the_lab_is_drawn_in_every_size_and_both_themes() {
    for size in [(1000.0, 640.0), (1280.0, 800.0), (3840.0, 2160.0)] {
        let mut window = lab();
        window.set_size(size.into());
        window.run_steps(4);
        let inside = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
        for label in ["Play", "After the last write", "Memory S menu", "Recall error menu"] {
            let rect = button(&window, label).rect();
            assert!(inside.contains_rect(rect), "{label} at {rect:?} in {size:?}");
        }
        click(&mut window, "Light theme");
        assert!(window.query_by_role_and_label(Role::Button, "Dark theme").is_some());
    }
}
