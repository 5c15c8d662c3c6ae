//! A heat map in the window without a graphics card, and in files.

use egui::{Key, Vec2, accesskit::Role, pos2, vec2};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use mnemoscope_figure::theme::DARK;
use mnemoscope_figure::{Body, Figure, FigureError, Format, Heat, Highlight, Map, Preference, apply};

use crate::samples;

#[derive(Default)]
struct Seen {
    marked: Highlight,
    hovered: Option<(usize, usize)>,
    clicked: Option<(usize, usize)>,
}

fn window(heat: Heat, size: Vec2) -> Harness<'static, Seen> {
    let figure = Figure::new("heat", "State", Body::Heat(heat));
    Harness::builder()
        .with_size(size)
        .with_max_steps(60)
        .with_step_dt(1.0 / 60.0)
        .with_context_setup(|ctx| apply(ctx, Preference::Dark, 1.0))
        .build_ui_state(
            move |ui, seen: &mut Seen| {
                let shown = figure.linked_ui(ui, &DARK, seen.marked);
                seen.hovered = shown.hovered;
                seen.clicked = shown.clicked.or(seen.clicked);
            },
            Seen::default(),
        )
}

/// Value 10 row + column, 4 rows of 6.
fn counted() -> Heat {
    let values: Vec<f32> = (0..24).map(|cell| (10 * (cell / 6) + cell % 6) as f32).collect();
    Heat::new(4, 6, values).map(Map::Sequential, None)
}

/// What a screen reader says of the cell.
fn told(harness: &Harness<'_, Seen>) -> Option<String> {
    harness.get_by_role(Role::Figure).accesskit_node().value()
}

#[test]
fn keys_move_from_cell_to_cell_and_screen_readers_hear_it() {
    let mut harness = window(counted(), vec2(420.0, 300.0));
    harness.run();
    let label = "State: heat map of 4 rows and 6 columns, colours from 0 to 35";
    assert!(harness.query_by_role_and_label(Role::Figure, label).is_some());
    assert_eq!(told(&harness), None);
    harness.get_by_role(Role::Figure).focus();
    harness.run();
    assert_eq!(told(&harness).as_deref(), Some("row 1, column 1: 0"));
    for key in [Key::ArrowRight, Key::ArrowRight, Key::ArrowDown, Key::ArrowUp, Key::ArrowDown, Key::ArrowLeft] {
        harness.key_press(key);
        harness.run();
    }
    assert_eq!(told(&harness).as_deref(), Some("row 2, column 2: 11"));
    for _ in 0..9 {
        harness.key_press(Key::ArrowDown);
        harness.run();
    }
    assert_eq!(told(&harness).as_deref(), Some("row 4, column 2: 31"));
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().clicked, Some((3, 1)));
}

#[test]
fn a_click_puts_the_keyboard_there() {
    let mut harness = window(counted(), vec2(420.0, 300.0));
    harness.run();
    let at = harness.get_by_role(Role::Figure).rect().center();
    harness.hover_at(at);
    harness.run();
    let cell = harness.state().hovered.expect("the middle is a cell");
    let value = format!("row {}, column {}: {}", cell.0 + 1, cell.1 + 1, 10 * cell.0 + cell.1);
    assert_eq!(told(&harness), Some(value.clone()));
    assert!(harness.query_by_label(&value[value.find(": ").unwrap() + 2..]).is_some(), "the tooltip tells it too");
    harness.get_by_role(Role::Figure).click();
    harness.run();
    assert_eq!(harness.state().clicked, Some(cell));
    harness.remove_cursor();
    harness.run();
    assert_eq!(told(&harness), Some(value));
}

#[test]
fn wheel_drag_keys_and_double_click_change_what_is_seen() {
    let size = (300, 300);
    let values: Vec<f32> = (0..size.0 * size.1).map(|cell| cell as f32).collect();
    let mut harness = window(Heat::new(size.0, size.1, values), vec2(420.0, 360.0));
    harness.run();
    let middle = harness.get_by_role(Role::Figure).rect().center() + vec2(3.0, 3.0);
    let hovered = |harness: &mut Harness<'_, Seen>, at| {
        harness.hover_at(at);
        harness.run();
        harness.state().hovered.expect("a cell is there")
    };
    let before = hovered(&mut harness, middle);
    let apart =
        |harness: &mut Harness<'_, Seen>| hovered(harness, middle + vec2(60.0, 0.0)).1 - hovered(harness, middle).1;
    let whole = apart(&mut harness);
    harness.event(egui::Event::MouseWheel {
        source: egui::MouseWheelSource::Wheel,
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(0.0, 200.0),
        phase: egui::TouchPhase::Move,
        modifiers: egui::Modifiers::NONE,
    });
    harness.run_steps(40);
    let near = apart(&mut harness);
    assert!(near * 2 < whole, "{near} of {whole} columns are left between the same places");
    let after = hovered(&mut harness, middle);
    assert!(after.0.abs_diff(before.0) <= 1 && after.1.abs_diff(before.1) <= 1, "{before:?} moved to {after:?}");

    harness.drag_at(middle);
    harness.run();
    harness.hover_at(middle + vec2(40.0, 0.0));
    harness.run();
    harness.drop_at(middle + vec2(40.0, 0.0));
    harness.run();
    let dragged = hovered(&mut harness, middle + vec2(40.0, 0.0));
    assert!(dragged.1.abs_diff(after.1) <= 1, "{after:?} was dragged, {dragged:?} is under the pointer");

    for _ in 0..2 {
        for pressed in [true, false] {
            let (button, modifiers) = (egui::PointerButton::Primary, egui::Modifiers::NONE);
            harness.event(egui::Event::PointerButton { pos: middle, button, pressed, modifiers });
        }
    }
    harness.run();
    assert_eq!(apart(&mut harness), whole, "a double click shows everything");

    harness.get_by_role(Role::Figure).focus();
    harness.run();
    for _ in 0..3 {
        harness.event(egui::Event::Text("+".to_owned()));
        harness.run();
    }
    let keyed = apart(&mut harness);
    assert!(keyed * 3 < whole + 3, "{keyed} of {whole}");
    harness.event(egui::Event::Text("-".to_owned()));
    harness.run();
    assert!(apart(&mut harness) > keyed);
    harness.key_press(Key::Home);
    harness.run();
    assert_eq!(apart(&mut harness), whole);
}

#[test]
fn small_empty_and_marked_maps_draw() {
    for size in [vec2(12.0, 9.0), vec2(70.0, 60.0), vec2(1400.0, 900.0)] {
        for heat in [Heat::new(0, 0, vec![]), Heat::new(1, 1, vec![f32::NAN]), counted()] {
            let mut harness = window(heat, size);
            harness.state_mut().marked = Highlight { row: Some(2), col: Some(7) };
            harness.run();
            harness.hover_at(pos2(size.x * 0.5, size.y * 0.6));
            harness.run();
            harness.get_by_role(Role::Figure).focus();
            harness.key_press(Key::ArrowDown);
            harness.run();
        }
    }
}

#[test]
fn a_heat_map_is_written_with_its_numbers() {
    let heat = counted().titles("value dimension", "key, dimension").unit("nats");
    let figure = Figure::new("heat", "State", Body::Heat(heat));
    let csv = figure.csv();
    let mut reader = ::csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(reader.headers().unwrap(), vec!["row [value dimension]", "col [key, dimension]", "value [nats]"]);
    let rows: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 24);
    assert_eq!(rows[2 * 6 + 5], vec!["2", "5", "25"]);

    let npy = figure.npy().unwrap();
    assert!(npy.starts_with(b"\x93NUMPY\x01\x00"));
    let numbers: Vec<f32> =
        npy[npy.len() - 96..].chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
    assert_eq!((numbers[0], numbers[17]), (0.0, 25.0));

    let svg = figure.svg(&DARK, (400.0, 300.0));
    assert!(svg.contains(&Map::Sequential.color(1.0, &DARK).css()) && svg.contains(">nats</text>"));
    assert!(svg.contains(">25</text>"), "wide cells tell their values");
}

#[test]
fn only_tables_are_arrays() {
    let error = samples::accuracy().npy().unwrap_err();
    assert!(matches!(error, FigureError::NoArray { .. }) && error.to_string().contains("csv"), "{error}");
    assert_eq!(samples::accuracy().formats(), [Format::Svg, Format::Png, Format::Csv]);
    assert_eq!(samples::matrix().formats(), Format::ALL);
}
