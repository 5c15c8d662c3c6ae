//! The timeline: blocks are moved, lengthened, repeated and removed with the mouse.

use egui_kittest::kittest::{NodeT as _, Queryable as _};
use mnemoscope_lab::path;
use mnemoscope_stream::{Block, Length};

use crate::{button, click, drag, snapshot, train, until, window};

fn three() -> mnemoscope_lab::Experiment {
    let mut experiment = crate::small(20, &[]);
    path::set(&mut experiment, "stream.tasks", "3").unwrap();
    experiment
}

fn groups(window: &crate::Window) -> Vec<usize> {
    window.state().experiment().task_blocks().iter().map(|block| block.group).collect()
}

/// The bar of a task; its label begins with the task's name.
fn bar(window: &crate::Window, task: usize) -> egui::Rect {
    let label = format!("task {task}: ");
    let found = window.query_all_by_role(egui::Role::Button).find(|node| {
        node.accesskit_node().label().is_some_and(|name| name.starts_with(&label) && name.contains("steps"))
    });
    found.unwrap_or_else(|| panic!("no bar of task {task}")).rect()
}

#[test]
fn a_block_dragged_behind_another_changes_the_order() {
    let mut window = window(three());
    assert_eq!(groups(&window), [0, 1, 2]);
    let (first, last) = (bar(&window, 1), bar(&window, 3));
    drag(&mut window, first.center(), last.right_center() - egui::vec2(12.0, 0.0));
    assert_eq!(groups(&window), [1, 2, 0]);
    until(&mut window, "the session has the new order", |window| {
        window.state().snapshot().is_some_and(|s| s.layout.blocks.first().is_some_and(|block| block.group == 1))
    });
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.run_steps(3);
    assert_eq!(groups(&window), [0, 1, 2], "undo knows the timeline");
}

#[test]
fn the_edge_of_a_block_lengthens_it() {
    let mut window = window(three());
    let rect = bar(&window, 2);
    let edge = rect.right_center() - egui::vec2(3.0, 0.0);
    drag(&mut window, edge, edge + egui::vec2(rect.width(), 0.0));
    let blocks = window.state().experiment().blocks.clone().unwrap();
    let Length::Steps(steps) = blocks[1].length else { panic!("{:?}", blocks[1]) };
    assert!((38..=42).contains(&steps), "about twice as long: {steps}");
    assert_eq!([blocks[0].length, blocks[2].length], [Length::Steps(20); 2]);
}

#[test]
fn a_block_is_repeated_and_removed_from_its_menu_and_a_task_is_added() {
    let mut window = window(three());
    let menu = |window: &mut crate::Window, task: usize, item: &str| {
        let at = bar(window, task).center();
        window.hover_at(at);
        for pressed in [true, false] {
            let button = egui::PointerButton::Secondary;
            let modifiers = egui::Modifiers::NONE;
            window.event(egui::Event::PointerButton { pos: at, button, pressed, modifiers });
        }
        window.run_steps(3);
        click(window, item);
    };
    menu(&mut window, 1, "Repeat it at the end");
    assert_eq!(groups(&window), [0, 1, 2, 0], "task 1 comes back");
    menu(&mut window, 2, "Remove");
    assert_eq!(groups(&window), [0, 2, 0]);
    click(&mut window, "Add a task block");
    let offered = window.query_all_by_role(egui::Role::Button).find(|node| {
        // A bar tells its steps, too; the menu has the name alone.
        node.accesskit_node().label().is_some_and(|name| name.starts_with("task 2") && !name.contains("step"))
    });
    offered.expect("the menu offers task 2").click();
    window.run_steps(3);
    assert_eq!(groups(&window), [0, 2, 0, 1]);
    button(&window, "Use the stream's own").scroll_to_me();
    window.run_steps(2);
    click(&mut window, "Use the stream's own");
    assert_eq!(window.state().experiment().blocks, None);
}

#[test]
fn edits_of_a_run_that_has_begun_wait_and_the_playhead_follows_the_steps() {
    let mut window = window(three());
    train(&mut window, 30);
    let head = window.get_by_label("Playhead: step 30 of 60").rect().center().x;
    let middle = bar(&window, 2).center().x;
    assert!((head - middle).abs() < 3.0, "half way through the second block: {head} {middle}");
    let (first, last) = (bar(&window, 1), bar(&window, 3));
    drag(&mut window, first.center(), last.right_center() - egui::vec2(12.0, 0.0));
    assert!(window.state().stale());
    assert_eq!(snapshot(&window).layout.blocks[0].group, 0, "the run goes on as it began");
    assert_eq!(
        window.state().experiment().blocks,
        Some([1, 2, 0].map(|group| Block::plain(group, Length::Steps(20))).to_vec())
    );
}
