use egui::{Pos2, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::wgpu::{WgpuTestRenderer, create_render_state, default_wgpu_setup};
use egui_wgpu::{RenderState, RendererOptions};
use wgpu::util::DeviceExt as _;

use super::*;
use crate::canvas::Canvas as _;
use crate::heat::Strides;
use crate::theme::{DARK, LIGHT};
use crate::ui::painter::Painter;

/// The renderer of a window, or none on a machine without an adapter, unless the environment says that there must be one.
fn state() -> Option<RenderState> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let found = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()));
    if found.is_err() {
        let required = std::env::var_os("MNEMOSCOPE_REQUIRE_GPU").is_some_and(|value| value == "1");
        assert!(!required, "MNEMOSCOPE_REQUIRE_GPU is set and there is no adapter");
        eprintln!("SKIPPED: no wgpu adapter");
        return None;
    }
    Some(create_render_state(default_wgpu_setup(), RendererOptions::PREDICTABLE))
}

fn install(ctx: &egui::Context, state: &RenderState) {
    let mut renderer = state.renderer.write();
    assert!(HeatCard::install(ctx, &state.device, &state.queue, state.target_format, &mut renderer));
}

/// What is drawn: where, which cells, in which colours.
#[derive(Clone)]
struct Scene {
    heat: Heat,
    grid: Rect,
    window: Window,
    theme: &'static Theme,
    scale: f32,
}

/// A window that shows the scene, and the card that draws it.
fn window(state: &RenderState, scene: Scene) -> (Harness<'static, Scene>, HeatCard) {
    let installed = state.clone();
    let mut harness = Harness::builder()
        .with_size(vec2(160.0, 120.0))
        .with_pixels_per_point(scene.scale)
        .with_context_setup(move |ctx| install(ctx, &installed))
        .renderer(WgpuTestRenderer::from_render_state(state.clone()))
        .build_ui_state(
            |ui, scene: &mut Scene| {
                let rect = ui.ctx().content_rect();
                ui.set_clip_rect(rect);
                Painter::new(ui, "scene", rect).heat(scene.grid, &scene.heat, scene.window, scene.theme);
            },
            scene,
        );
    harness.run();
    let card = HeatCard::of(&harness.ctx).unwrap();
    (harness, card)
}

/// Colours of every pixel of the scene.
fn pixels(harness: &mut Harness<'static, Scene>) -> Vec<(Pos2, [u8; 4])> {
    let scale = harness.state().scale;
    let image = harness.render().unwrap();
    image
        .enumerate_pixels()
        .map(|(x, y, pixel)| (pos2(x as f32 + 0.5, y as f32 + 0.5) / scale, pixel.0))
        .filter(|(at, _)| harness.state().grid.shrink(1.0).contains(*at))
        .collect()
}

/// The colour that the processor gives to a value.
fn expected(scene: &Scene, value: Option<f64>) -> [u8; 4] {
    let range = scene.heat.shown_range();
    let color =
        value.map_or(scene.theme.sunken, |value| scene.heat.map.color(Map::position(value, range), scene.theme));
    [color.r, color.g, color.b, color.a]
}

fn near(a: [u8; 4], b: [u8; 4], most: u8) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= most)
}

/// Numbers that a map must tell apart, with some that are not finite.
fn numbers(rows: usize, cols: usize) -> Vec<f32> {
    let mut values: Vec<f32> = (0..rows * cols).map(|cell| ((cell * 7919) % 1009) as f32 / 504.5 - 1.0).collect();
    values[1] = f32::NAN;
    values[cols + 2] = f32::INFINITY;
    values
}

fn scene(heat: Heat) -> Scene {
    let window = Window::whole(heat.rows(), heat.cols());
    let grid = Rect::from_min_max(pos2(10.5, 12.25), pos2(150.0, 111.0));
    Scene { heat, grid, window, theme: &DARK, scale: 1.0 }
}

#[test]
fn every_pixel_has_its_cells_colour() {
    let zoomed = Window { left: 2.3, top: 1.1, wide: 4.7, tall: 5.2 };
    let maps = [Map::Sequential, Map::Diverging, Map::Between(DARK.card, DARK.accent)];
    for (map, theme, part, scale) in [
        (maps[0], &DARK, None, 1.0),
        (maps[1], &LIGHT, Some(zoomed), 1.5),
        (maps[1], &DARK, Some(zoomed), 2.0),
        (maps[2], &LIGHT, None, 1.0),
    ] {
        let Some(state) = state() else { return };
        let heat = Heat::new(9, 13, numbers(9, 13)).map(map, Some((-0.9, 0.8)));
        let mut scene = Scene { theme, scale, ..scene(heat) };
        scene.window = part.unwrap_or(scene.window);
        let (mut harness, _) = window(&state, scene.clone());
        let mut checked = 0;
        for (at, color) in pixels(&mut harness) {
            let (x, y) = scene.window.cell_at(at, scene.grid);
            // On an edge the rounding of f32 decides.
            if [x, y].iter().any(|side| (side - side.round()).abs() < 1e-3) {
                continue;
            }
            let wanted = expected(&scene, scene.heat.value(y as usize, x as usize));
            assert!(near(color, wanted, 1), "at {at:?}, row {y}, column {x}: {color:?}, not {wanted:?}");
            checked += 1;
        }
        assert!(checked > 10_000, "{checked}");
    }
}

#[test]
fn a_pixel_over_several_cells_shows_their_mean() {
    let Some(state) = state() else { return };
    // Two cells across and two down in each pixel: 1 beside 0.
    let stripes = (0..200 * 240).map(|cell| (cell % 2) as f32).collect::<Vec<_>>();
    let heat = Heat::new(200, 240, stripes).map(Map::Between(Color::rgb(0), Color::rgb(0xff_ffff)), Some((0.0, 1.0)));
    let grid = Rect::from_min_size(pos2(10.0, 10.0), vec2(120.0, 100.0));
    let (mut harness, _) = window(&state, Scene { grid, ..scene(heat) });
    for (at, color) in pixels(&mut harness) {
        assert!(near(color, [128, 128, 128, 255], 1), "at {at:?}: {color:?}");
    }
}

#[test]
fn numbers_are_sent_when_they_change_and_not_again() {
    let Some(state) = state() else { return };
    let (mut harness, card) = window(&state, scene(Heat::new(9, 13, numbers(9, 13))));
    harness.render().unwrap();
    harness.run();
    harness.render().unwrap();
    let once = card.cost();
    assert_eq!((once.uploads, once.upload_bytes), (1, 9 * 13 * 4));
    assert!(once.draws >= 2 && once.seconds >= once.upload_seconds);
    harness.state_mut().heat = Heat::new(9, 13, vec![0.25; 9 * 13]);
    harness.run();
    assert!(pixels(&mut harness).into_iter().all(|(_, color)| near(color, expected(harness.state(), Some(0.25)), 1)));
    assert_eq!(card.cost().uploads, 2);
    // Another size needs another buffer.
    harness.state_mut().heat = Heat::new(2, 2, vec![-0.25; 4]);
    harness.state_mut().window = Window::whole(2, 2);
    harness.run();
    assert!(pixels(&mut harness).into_iter().all(|(_, color)| near(color, expected(harness.state(), Some(-0.25)), 1)));
}

/// A buffer that holds a table as every second number, transposed, after three others.
fn strided(device: &wgpu::Device, values: &[f32], rows: usize, cols: usize) -> (wgpu::Buffer, Strides) {
    let mut held = vec![99.0; 3 + 2 * values.len()];
    for (index, value) in values.iter().enumerate() {
        held[3 + 2 * (index % cols * rows + index / cols)] = *value;
    }
    let buffer = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: None,
        contents: bytemuck::cast_slice(&held),
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
    });
    (buffer, Strides { rows, cols, offset: 3, row: 2, col: 2 * rows })
}

#[test]
fn a_buffer_of_the_windows_own_device_is_drawn_without_a_detour() {
    let Some(state) = state() else { return };
    let values = numbers(9, 13);
    let plain = Heat::new(9, 13, values.clone()).map(Map::Diverging, Some((-1.0, 1.0)));
    let (mut harness, card) = window(&state, scene(plain.clone()));
    let (buffer, strides) = strided(&state.device, &values, 9, 13);
    let view = card.view(buffer, strides).unwrap();
    harness.state_mut().heat = Heat::on_card(view.clone()).map(Map::Diverging, Some((-1.0, 1.0)));
    harness.run();
    let shared = pixels(&mut harness);
    assert_eq!(card.cost().uploads, 0);
    assert_eq!(harness.state().heat.value(0, 0), None, "nothing was read back");
    harness.state_mut().heat = plain;
    harness.run();
    assert_eq!(pixels(&mut harness), shared);
    assert_eq!(card.cost().uploads, 1);
    assert_eq!(*view.read().unwrap().iter().map(|value| value.to_bits()).collect::<Vec<_>>(), bits_of(&values));
}

fn bits_of(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_buffer_of_another_device_is_read_back_and_sent() {
    let Some(state) = state() else { return };
    let Some(other) = self::state() else { return };
    let values = numbers(5, 6);
    let (buffer, strides) = strided(&other.device, &values, 5, 6);
    let view = GpuView::new(&other.device, &other.queue, buffer, strides).unwrap();
    let (mut harness, card) = window(&state, scene(Heat::on_card(view.clone()).map(Map::Diverging, Some((-1.0, 1.0)))));
    view.read().unwrap();
    harness.run();
    let read = pixels(&mut harness);
    assert_eq!(card.cost().uploads, 1);
    harness.state_mut().heat = Heat::new(5, 6, values).map(Map::Diverging, Some((-1.0, 1.0)));
    harness.run();
    assert_eq!(pixels(&mut harness), read);
}

#[test]
fn what_was_written_again_is_read_again() {
    let Some(state) = state() else { return };
    let (buffer, strides) = strided(&state.device, &[1.0, 2.0], 1, 2);
    let view = GpuView::new(&state.device, &state.queue, buffer, strides).unwrap();
    assert_eq!(*view.read().unwrap(), [1.0, 2.0]);
    state.queue.write_buffer(view.buffer(), 12, bytemuck::bytes_of(&5.0f32));
    assert_eq!(*view.read().unwrap(), [1.0, 2.0], "one content, one reading");
    let again = view.rewritten();
    assert_ne!(again, view);
    assert_eq!(*again.read().unwrap(), [5.0, 2.0]);
}

#[test]
fn views_that_cannot_be_are_refused() {
    let Some(state) = state() else { return };
    let make = |usage| {
        state.device.create_buffer(&wgpu::BufferDescriptor { label: None, size: 40, usage, mapped_at_creation: false })
    };
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
    let view = |usage, rows, cols| {
        GpuView::new(&state.device, &state.queue, make(usage), Strides::row_major(rows, cols)).map(|_| ())
    };
    assert_eq!(view(usage, 2, 5), Ok(()));
    assert_eq!(view(usage, 1, 11), Err(GpuViewError::Short { held: 10, needed: 11 }));
    let only = wgpu::BufferUsages::STORAGE;
    assert_eq!(view(only, 2, 5), Err(GpuViewError::Usage { usage: only }));
}
