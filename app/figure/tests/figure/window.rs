use egui::{Pos2, Vec2, accesskit::Role, pos2, vec2};
use egui_kittest::{Harness, kittest::Queryable as _};
use mnemoscope_figure::theme::{DARK, LIGHT};
use mnemoscope_figure::{Axis, Body, Chart, Figure, Matrix, Preference, Series, SeriesColor, Theme, apply};

use crate::samples;

/// What the last frame reported.
#[derive(Default)]
struct Seen {
    hovered: Option<(usize, usize)>,
    clicked: Option<(usize, usize)>,
    x_range: Option<(f64, f64)>,
}

/// One figure that fills a window.
fn window(figure: Figure, size: Vec2, preference: Preference) -> Harness<'static, Seen> {
    Harness::builder()
        .with_size(size)
        .with_max_steps(60)
        .with_step_dt(1.0 / 60.0)
        .with_theme(if preference == Preference::Light { egui::Theme::Light } else { egui::Theme::Dark })
        .with_context_setup(move |ctx| apply(ctx, preference, 1.0))
        .build_ui_state(
            move |ui, seen: &mut Seen| {
                let theme = Theme::of(ui.ctx());
                figure.header_ui(ui, theme);
                let shown = figure.ui(ui, theme);
                seen.hovered = shown.hovered;
                seen.clicked = shown.clicked.or(seen.clicked);
                seen.x_range = shown.x_range;
            },
            Seen::default(),
        )
}

/// One straight line from (0, 0) to (100, 1) with a band of ± 0.125.
fn ramp() -> Figure {
    let mut chart = Chart::new(Axis::new("step"), Axis::accuracy());
    let points: Vec<[f64; 2]> = (0..=100).map(|step| [f64::from(step), f64::from(step) / 100.0]).collect();
    let band = points.iter().map(|point| [point[1] - 0.125, point[1] + 0.125]).collect();
    chart.series.push(Series::new("ramp", SeriesColor::Accent, points).band(band));
    Figure::new("ramp", "Ramp", Body::Chart(chart))
}

/// The middle of the figure with this accessible name.
fn rect(harness: &Harness<'_, Seen>) -> egui::Rect {
    harness.get_by_role(Role::Figure).rect()
}

#[test]
fn every_body_draws_small_and_large_in_both_themes() {
    for preference in [Preference::Dark, Preference::Light] {
        for size in [vec2(320.0, 220.0), vec2(70.0, 60.0), vec2(1400.0, 900.0)] {
            for figure in samples::all() {
                let mut harness = window(figure.clone(), size, preference);
                harness.run();
                harness.hover_at(pos2(size.x * 0.5, size.y * 0.6));
                harness.run();
            }
        }
    }
}

#[test]
fn hovering_a_chart_tells_the_exact_value() {
    let mut harness = window(ramp(), vec2(400.0, 260.0), Preference::Dark);
    harness.run();
    let area = rect(&harness);
    harness.hover_at(area.center());
    harness.run();
    // The middle of the plot's area is the middle of its range.
    assert!(harness.query_by_label("step 50").is_some());
    assert!(harness.query_by_label("0.5000 ± 0.1250").is_some());
}

#[test]
fn scrolling_zooms_about_the_pointer_and_a_double_click_shows_everything() {
    let mut harness = window(ramp(), vec2(400.0, 260.0), Preference::Dark);
    harness.run();
    let area = rect(&harness);
    let quarter = pos2(area.left() + area.width() / 4.0, area.center().y);
    harness.hover_at(quarter);
    harness.run();
    scroll(&mut harness, 60.0);
    let (low, high) = harness.state().x_range.expect("the chart has not zoomed");
    assert!(low > 0.0 && high < 100.0 && low < 25.0 && high > 25.0, "{low} {high}");
    let share = (25.0 - low) / (high - low);
    assert!((share - 0.25).abs() < 0.03, "the step under the pointer has moved: {share}");
    scroll(&mut harness, -400.0);
    assert_eq!(harness.state().x_range, None, "all is seen again");

    scroll(&mut harness, 60.0);
    assert!(harness.state().x_range.is_some());
    for _ in 0..2 {
        press(&mut harness, quarter, true);
        press(&mut harness, quarter, false);
    }
    harness.run();
    assert_eq!(harness.state().x_range, None);
}

#[test]
fn a_zoomed_chart_is_exported_as_it_is_shown() {
    let whole = ramp();
    let zoomed = whole.clone().zoomed(Some((20.0, 40.0)), Some((0.1, 0.5)));
    let Body::Chart(chart) = &zoomed.body else { panic!("a chart stays a chart") };
    assert_eq!((chart.x.range, chart.y.range), (Some((20.0, 40.0)), Some((0.1, 0.5))));
    assert_eq!(whole.clone().zoomed(None, None), whole);
    let svg = zoomed.svg(&DARK, (400.0, 260.0));
    assert!(svg.contains(">30</text>") && !svg.contains(">60</text>"));
}

fn wheel(points: f32) -> egui::Event {
    egui::Event::MouseWheel {
        source: egui::MouseWheelSource::Wheel,
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(0.0, points),
        phase: egui::TouchPhase::Move,
        modifiers: egui::Modifiers::NONE,
    }
}

fn scroll(harness: &mut Harness<'_, Seen>, points: f32) {
    harness.event(wheel(points));
    harness.run_steps(30);
}

fn press(harness: &mut Harness<'_, Seen>, pos: Pos2, pressed: bool) {
    let (button, modifiers) = (egui::PointerButton::Primary, egui::Modifiers::NONE);
    harness.event(egui::Event::PointerButton { pos, button, pressed, modifiers });
}

#[test]
fn hovering_and_clicking_a_cell() {
    let mut matrix = Matrix::new(2, 2, vec![Some(0.25), Some(0.5), Some(0.75), None]).task_labels();
    matrix = matrix.titles("after task", "tested on task");
    matrix.half_widths = Some(vec![Some(0.0125); 4]);
    let figure = Figure::new("m", "Matrix", Body::Matrix(matrix));
    let mut harness = window(figure, vec2(420.0, 300.0), Preference::Light);
    harness.run();
    let area = rect(&harness);
    // Search the cells by hovering: the first one met on the diagonal from the lower left is (1, 0).
    let found = (0..40).find_map(|step| {
        let at = area.left_bottom() + (area.center() - area.left_bottom()) * (step as f32 / 40.0);
        harness.hover_at(at);
        harness.run();
        harness.state().hovered.map(|cell| (cell, at))
    });
    let (cell, at) = found.expect("no cell was met");
    assert_eq!(cell, (1, 0));
    assert!(harness.query_by_label("0.7500 ± 0.0125").is_some());
    assert!(harness.query_by_label("after task 2, tested on task 1").is_some());
    press(&mut harness, at, true);
    press(&mut harness, at, false);
    harness.run();
    assert_eq!(harness.state().clicked, Some((1, 0)));
}

#[test]
fn screen_readers_get_title_and_last_values() {
    let mut harness = window(ramp(), vec2(320.0, 220.0), Preference::Dark);
    harness.run();
    assert!(harness.query_by_role_and_label(Role::Figure, "Ramp: ramp 1 at 100").is_some());
    let mut harness = window(samples::empty(), vec2(320.0, 220.0), Preference::Dark);
    harness.run();
    assert!(harness.query_by_label_contains("a switch is needed").is_some());
}

#[test]
fn the_theme_follows_the_preference() {
    let mut harness = window(samples::matrix(), vec2(320.0, 220.0), Preference::Dark);
    for (preference, theme) in [(Preference::Light, &LIGHT), (Preference::Dark, &DARK)] {
        apply(&harness.ctx, preference, 1.0);
        harness.run();
        assert_eq!(Theme::of(&harness.ctx), theme);
    }
}

#[test]
fn zoom_is_kept_while_the_run_goes_on_and_a_growing_run_is_followed() {
    let grow = |last: u32| {
        let mut chart = Chart::new(Axis::new("step"), Axis::accuracy());
        chart.series.push(Series::new("a", SeriesColor::Accent, vec![[0.0, 0.0], [f64::from(last), 1.0]]));
        Figure::new("grow", "Grow", Body::Chart(chart))
    };
    let mut harness = Harness::builder()
        .with_size(vec2(400.0, 260.0))
        .with_step_dt(1.0 / 60.0)
        .with_max_steps(60)
        .with_context_setup(|ctx| apply(ctx, Preference::Dark, 1.0))
        .build_ui_state(
            move |ui, (last, seen): &mut (u32, Option<(f64, f64)>)| *seen = grow(*last).ui(ui, &DARK).x_range,
            (100, None),
        );
    harness.run();
    harness.state_mut().0 = 200;
    harness.run();
    assert_eq!(harness.state().1, None, "growing is not zooming");
    let area = harness.get_by_role(Role::Figure).rect();
    harness.hover_at(area.center());
    harness.event(wheel(60.0));
    harness.run_steps(30);
    let zoomed = harness.state().1.expect("the chart has not zoomed");
    harness.state_mut().0 = 300;
    harness.run();
    assert_eq!(harness.state().1, Some(zoomed), "the view stays where it was put");
}

/// Not a check: writes what the window shows of every sample to `out/figures`, to be looked at. Needs a wgpu adapter.
#[test]
#[ignore = "writes pictures to look at"]
fn window_pictures() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../out/figures");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, preference) in [("dark", Preference::Dark), ("light", Preference::Light)] {
        for figure in samples::all() {
            let mut harness = window(figure.clone(), vec2(560.0, 320.0), preference);
            harness.run();
            harness.hover_at(pos2(300.0, 180.0));
            harness.run();
            harness.render().unwrap().save(folder.join(format!("{}-{name}-window.png", figure.id))).unwrap();
        }
    }
}
