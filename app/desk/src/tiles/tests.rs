//! The tiles in a harness of their own, over a small real run.

use std::sync::{Arc, OnceLock};

use egui::Role;
use egui::accesskit;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use mnemoscope_compute::Wanted;
use mnemoscope_figure::{Body, Format, Preference, Theme};
use mnemoscope_lab::figures::{self, View};
use mnemoscope_lab::{Experiment, Run, Snapshot, path};

use super::{Action, Tile, TileContext, Tiles};

/// Three tasks of 12 steps, two seeds, finished; made once.
fn run() -> Arc<Snapshot> {
    static RUN: OnceLock<Arc<Snapshot>> = OnceLock::new();
    RUN.get_or_init(|| {
        let mut experiment = Experiment { note: "a note".to_owned(), ..Experiment::default() };
        for (place, value) in
            [("population.seeds", "2"), ("stream.tasks", "3"), ("stream.steps", "12"), ("model.widths", "[16]")]
        {
            path::set(&mut experiment, place, value).unwrap();
        }
        let mut run = Run::new(experiment, Wanted::Cpu).unwrap();
        while !run.finished() {
            run.step().unwrap();
        }
        Arc::new(run.snapshot().unwrap())
    })
    .clone()
}

struct State {
    tiles: Tiles,
    snapshot: Option<Arc<Snapshot>>,
    view: View,
    experiment: Experiment,
    actions: Vec<Action>,
}

fn state(snapshot: Option<Arc<Snapshot>>) -> State {
    State {
        tiles: Tiles::default(),
        snapshot,
        view: View::default(),
        experiment: Experiment::default(),
        actions: Vec::new(),
    }
}

fn harness_of(state: State, size: (f32, f32), look: Preference) -> Harness<'static, State> {
    let mut harness = Harness::builder()
        .with_size(egui::vec2(size.0, size.1))
        .with_theme(if look == Preference::Light { egui::Theme::Light } else { egui::Theme::Dark })
        .with_context_setup(move |ctx| mnemoscope_figure::apply(ctx, look, 1.0))
        .build_ui_state(
            |ui, state: &mut State| {
                let theme = Theme::of(ui.ctx());
                let mut cx = TileContext {
                    snapshot: state.snapshot.clone(),
                    theme,
                    view: &mut state.view,
                    experiment: &state.experiment,
                    actions: &mut state.actions,
                };
                state.tiles.ui(ui, &mut cx);
            },
            state,
        );
    harness.run_steps(4);
    harness
}

fn harness(state: State) -> Harness<'static, State> {
    harness_of(state, (1400.0, 900.0), Preference::Dark)
}

/// Leaves only these tiles open.
fn only(state: &mut State, open: &[Tile]) {
    for tile in Tile::ALL {
        if open.contains(&tile) {
            state.tiles.reopen(tile);
        } else {
            state.tiles.close(tile);
        }
    }
}

fn alone(tile: Tile, snapshot: Option<Arc<Snapshot>>) -> Harness<'static, State> {
    let mut state = state(snapshot);
    only(&mut state, &[tile]);
    harness(state)
}

#[test]
fn every_tile_is_drawn_in_any_size_and_both_looks() {
    for snapshot in [None, Some(run())] {
        for look in [Preference::Dark, Preference::Light] {
            for size in [(340.0, 240.0), (90.0, 60.0), (1400.0, 900.0)] {
                for tile in Tile::ALL {
                    let mut state = state(snapshot.clone());
                    only(&mut state, &[tile]);
                    let harness = harness_of(state, size, look);
                    assert!(harness.state().tiles.is_open(tile));
                }
            }
        }
    }
}

#[test]
fn a_header_dragged_beside_another_tile_moves_it_and_onto_it_makes_tabs() {
    let mut state = state(Some(run()));
    only(&mut state, &[Tile::Accuracy, Tile::Gap]);
    let mut harness = harness(state);
    let place = |harness: &Harness<'_, State>, tile| harness.state().tiles.rect(tile).unwrap();
    let drag = |harness: &mut Harness<'_, State>, tile, to: egui::Pos2| {
        let from = place(harness, tile).left_top() + egui::vec2(60.0, 20.0);
        for position in [from, from + egui::vec2(12.0, 4.0), to] {
            harness.hover_at(position);
            if position == from {
                harness.drag_at(position);
            }
            harness.run_steps(2);
        }
        harness.drop_at(to);
        harness.run_steps(4);
    };
    // The gap stands below; dropped at the left half of the accuracy it stands left of it.
    assert!(place(&harness, Tile::Gap).top() > place(&harness, Tile::Accuracy).bottom());
    let accuracy = place(&harness, Tile::Accuracy);
    drag(&mut harness, Tile::Gap, accuracy.left_center() + egui::vec2(accuracy.width() * 0.25, 0.0));
    let (gap, accuracy) = (place(&harness, Tile::Gap), place(&harness, Tile::Accuracy));
    assert!(gap.right() <= accuracy.left() + 1.0 && gap.top() == accuracy.top(), "{gap:?} {accuracy:?}");
    // Dropped in its middle, both share one place behind two tabs.
    let centre = egui::pos2(accuracy.center().x, accuracy.center().y + 14.0);
    drag(&mut harness, Tile::Gap, centre);
    let tabs = harness.query_all_by_role(Role::Tab).count();
    assert_eq!(tabs, 2);
    assert_eq!(harness.state().tiles.rect(Tile::Accuracy), None, "the dropped tile is in front");
    harness.get_by_role_and_label(Role::Tab, "Accuracy").click();
    harness.run_steps(4);
    assert!(harness.state().tiles.rect(Tile::Accuracy).is_some());
}

#[test]
fn a_tile_is_closed_from_its_menu_and_opens_again() {
    let mut harness = harness(state(Some(run())));
    harness.get_by_label("Stability gap menu").click();
    harness.run_steps(3);
    harness.get_by_label("Close tile").click();
    harness.run_steps(3);
    assert!(!harness.state().tiles.is_open(Tile::Gap));
    assert!(harness.query_by_label("Stability gap menu").is_none());
    harness.state_mut().tiles.reopen(Tile::Gap);
    harness.run_steps(3);
    assert!(harness.query_by_label("Stability gap menu").is_some());
}

#[test]
fn what_is_exported_is_what_is_shown() {
    let snapshot = run();
    let mut harness = alone(Tile::Accuracy, Some(snapshot.clone()));
    harness.get_by_label("Accuracy per task menu").click();
    harness.run_steps(3);
    harness.get_by_label("Export as CSV…").click();
    harness.run_steps(3);
    let Some(Action::Export { figure, size, format, suggestion }) = harness.state().actions.first() else {
        panic!("no export was asked for");
    };
    assert_eq!((*format, suggestion.as_str()), (Format::Csv, "accuracy-per-task.csv"));
    assert!(size.0 > 800.0 && size.1 > 400.0, "{size:?}");
    assert_eq!(figure.body, figures::accuracy(&snapshot, &View::default()).body);
    // Every plotted point is in the table, to the last bit.
    let csv = figure.csv();
    let Body::Chart(chart) = &figure.body else { panic!("not a chart") };
    let mut lines = csv.lines().skip(1);
    for series in &chart.series {
        for [x, y] in &series.points {
            let line = lines.next().unwrap();
            // A name with a comma is quoted; the numbers stand behind it.
            let numbers: Vec<f64> = line.rsplitn(5, ',').take(4).map(|text| text.parse().unwrap()).collect();
            assert_eq!((numbers[3], numbers[2]), (*x, *y));
        }
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn a_zoomed_plot_is_exported_as_it_is_seen() {
    let mut harness = alone(Tile::Accuracy, Some(run()));
    let middle = harness.state().tiles.rect(Tile::Accuracy).unwrap().center();
    harness.hover_at(middle);
    harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: egui::vec2(0.0, 200.0),
        modifiers: egui::Modifiers::NONE,
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
    });
    harness.run_steps(12);
    let seen = harness.state().view.range.expect("scrolling zooms");
    assert!(seen.0 > 0.0 && seen.1 < 36.0, "{seen:?}");
    let export = |harness: &mut Harness<'_, State>| {
        harness.get_by_label("Accuracy per task menu").click();
        harness.run_steps(3);
        harness.get_by_label("Export as SVG…").click();
        harness.run_steps(3);
        match harness.state_mut().actions.pop() {
            Some(Action::Export { figure, .. }) => match &figure.body {
                Body::Chart(chart) => chart.x.range,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(export(&mut harness), Some(seen));
    harness.get_by_label("Accuracy per task menu").click();
    harness.run_steps(3);
    harness.get_by_label("Reset zoom").click();
    harness.run_steps(4);
    assert_eq!(harness.state().view.range, None);
    assert_eq!(export(&mut harness), Some((0.0, 36.0)));
}

#[test]
fn the_metric_table_is_exported_as_a_table() {
    let snapshot = run();
    let mut harness = alone(Tile::Metrics, Some(snapshot.clone()));
    harness.get_by_label("Metrics menu").click();
    harness.run_steps(3);
    harness.get_by_label("Export as CSV…").click();
    harness.run_steps(3);
    let Some(Action::ExportTable { csv, .. }) = harness.state().actions.first() else { panic!("no table") };
    assert_eq!(*csv, figures::metric_table(&snapshot, &View::default()));
}

#[test]
fn without_a_run_a_tile_says_what_will_come_and_offers_it() {
    let mut harness = alone(Tile::Accuracy, None);
    assert!(harness.query_by_label_contains("Press Run").is_some());
    harness.get_by_role_and_label(Role::Button, "Run").click();
    harness.run_steps(3);
    assert!(matches!(harness.state().actions[..], [Action::Run]));
}

#[test]
fn the_note_of_an_experiment_stands_in_the_accuracy_tile() {
    let harness = alone(Tile::Accuracy, Some(run()));
    assert!(harness.query_by_label("a note").is_some());
}

#[test]
fn an_unchanged_run_is_described_once() {
    let mut harness = alone(Tile::Accuracy, Some(run()));
    let figure = |harness: &mut Harness<'_, State>| {
        harness.get_by_label("Accuracy per task menu").click();
        harness.run_steps(3);
        harness.get_by_label("Export as SVG…").click();
        harness.run_steps(3);
        match harness.state_mut().actions.pop() {
            Some(Action::Export { figure, .. }) => figure,
            other => panic!("{other:?}"),
        }
    };
    let (first, second) = (figure(&mut harness), figure(&mut harness));
    assert!(Arc::ptr_eq(&first, &second));
    harness.state_mut().view.references = true;
    harness.run_steps(2);
    assert!(!Arc::ptr_eq(&first, &figure(&mut harness)));
}

#[test]
fn a_click_on_a_cell_shows_the_samples_behind_it() {
    let snapshot = run();
    let wrong = snapshot.confusion.as_ref().unwrap().wrong[0];
    let mut harness = alone(Tile::Confusion, Some(snapshot.clone()));
    let (truth, answer) = (usize::from(wrong.truth), usize::from(wrong.answer));
    // Go over the tile until the cell's samples are shown: where cells lie is the figure's own business.
    let rect = harness.state().tiles.rect(Tile::Confusion).unwrap();
    let label = format!("sample {}: true {truth}, answered {answer}", wrong.sample);
    for y in (30..rect.height() as i32).step_by(24) {
        for x in (10..rect.width() as i32).step_by(24) {
            let at = rect.left_top() + egui::vec2(x as f32, y as f32);
            harness.hover_at(at);
            harness.drag_at(at);
            harness.drop_at(at);
            harness.run_steps(2);
            if harness.query_by_label(&label).is_some() {
                return;
            }
        }
    }
    panic!("no click brought {label}");
}

#[test]
fn the_memory_is_seen_from_afar_and_its_lab_is_one_click_away() {
    let mut harness = alone(Tile::Attention, None);
    assert!(
        harness.query_by_label_contains("Memory S").is_some() && harness.query_by_label_contains("Recall").is_some()
    );
    harness.get_by_role_and_label(Role::Button, "Open the attention lab").click();
    harness.run_steps(3);
    assert!(matches!(harness.state().actions[..], [Action::OpenAttention]));
}

#[test]
fn the_gap_is_chosen_by_its_boxes_and_follows_the_latest_otherwise() {
    let mut harness = alone(Tile::Gap, Some(run()));
    assert!(harness.state().view.gap.is_none());
    let boxes: Vec<_> = harness.query_all_by_role(Role::ComboBox).collect();
    assert_eq!(boxes.len(), 2);
    boxes[0].click();
    drop(boxes);
    harness.run_steps(3);
    harness.get_by_role_and_label(Role::Button, "switch 1 → 2").click();
    harness.run_steps(3);
    assert_eq!(harness.state().view.gap, Some((1, 0)));
    harness.get_by_label("latest").click();
    harness.run_steps(3);
    assert!(harness.state().view.gap.is_none());
}

#[test]
fn metrics_are_read_out_with_their_values() {
    let snapshot = run();
    let harness = alone(Tile::Metrics, Some(snapshot.clone()));
    let metric = &snapshot.metrics[0];
    let value = figures::metric_text(&metric.info, metric.variants[0].as_ref().unwrap());
    let label = format!("{} {value}", metric.label);
    let node = harness.get_by_label(&label);
    assert_eq!(node.accesskit_node().role(), accesskit::Role::Label);
}
