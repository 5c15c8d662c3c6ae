//! Themes, sizes, and pictures of the whole window on the software adapter.

use egui::{Key, Modifiers};
use egui_kittest::{Harness, SnapshotOptions, SnapshotResults};
use mnemoscope_desk::DeskApp;
use mnemoscope_figure::theme::{DARK, LIGHT};

use crate::{click, options, small, train, until, window};

#[test]
fn the_theme_changes_everything_and_back() {
    let mut window = window(small(10, &[]));
    let fill = |window: &crate::Window| window.ctx.global_style().visuals.panel_fill;
    assert_eq!(fill(&window), DARK.panel.into());
    click(&mut window, "Light theme");
    assert_eq!(fill(&window), LIGHT.panel.into());
    window.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::L);
    window.run_steps(3);
    assert_eq!(fill(&window), DARK.panel.into());
}

#[test]
fn the_scale_is_set_by_keys() {
    let mut window = window(small(10, &[]));
    window.key_press_modifiers(Modifiers::COMMAND, Key::Plus);
    window.run_steps(3);
    assert!((window.ctx.zoom_factor() - 1.15).abs() < 1e-6);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num0);
    window.run_steps(3);
    assert!((window.ctx.zoom_factor() - 1.0).abs() < 1e-6);
}

#[test]
fn every_size_is_drawn() {
    for size in [(1000.0, 640.0), (1280.0, 800.0), (3840.0, 2160.0)] {
        let mut window = window(small(10, &["replay", "ewc"]));
        train(&mut window, 12);
        window.set_size(size.into());
        window.run_steps(4);
        // Nothing of the bar or the timeline may be pushed out of the window.
        for label in ["Run", "Reset", "Add a task block"] {
            let rect = crate::button(&window, label).rect();
            let inside = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
            assert!(inside.contains_rect(rect), "{label} at {rect:?} in {size:?}");
        }
    }
}

/// Whether pictures can be made here. A machine that must have an adapter says so in its environment.
fn adapter() -> bool {
    let found = !mnemoscope_compute::adapters().is_empty();
    let required = std::env::var("MNEMOSCOPE_REQUIRE_GPU").is_ok_and(|value| value == "1");
    assert!(found || !required, "MNEMOSCOPE_REQUIRE_GPU is set and there is no Vulkan adapter");
    if !found {
        eprintln!("SKIPPED: no Vulkan adapter");
    }
    found
}

#[test]
fn the_window_looks_as_it_did() {
    if !adapter() {
        return;
    }
    let mut results = SnapshotResults::new();
    // Curves differ by a bit of rounding from one processor to the next.
    let tolerance = SnapshotOptions::new().threshold(2.0).max_failed_pixels(600);
    for name in ["window-dark", "window-light"] {
        let mut window: crate::Window = Harness::builder()
            .with_size(egui::vec2(1280.0, 800.0))
            .with_max_steps(64)
            .wgpu()
            .build_eframe(|cc| DeskApp::new(cc, options(small(20, &["replay", "ewc"]))));
        until(&mut window, "the session is prepared", |window| window.state().snapshot().is_some());
        if name == "window-light" {
            click(&mut window, "Light theme");
        }
        train(&mut window, 30);
        window.remove_cursor();
        window.run_steps(4);
        results.add(window.try_snapshot_options(name, &tolerance));
    }
}
