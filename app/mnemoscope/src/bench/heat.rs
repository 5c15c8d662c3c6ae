//! What a heat map of a million cells costs the window, sent to the card anew in every frame, and drawn from a buffer
//! that lies there already.

use std::time::Instant;

use eframe::egui_wgpu::{Renderer, RendererOptions, ScreenDescriptor};
use eframe::wgpu;
use egui::{Pos2, RawInput, Rect, Vec2, vec2};
use mnemoscope_figure::{Body, Figure, Heat, HeatCard, Map, Strides, theme::DARK};
use serde::Serialize;

use super::clock::Clock;
use super::{Effort, median};

/// Rows and columns.
const SIDE: usize = 1024;
/// Size of the drawn window in points, and of the screen in pixels.
const SIZE: Vec2 = vec2(1280.0, 1100.0);
const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

/// Medians over frames of a window that shows nothing but one heat map. Processor time is that of the window's thread;
/// whole time ends when the card has drawn.
#[derive(Debug, Serialize)]
pub struct HeatMaps {
    adapter: String,
    /// The processor does the adapter's work: its whole times say nothing about a graphics card.
    software: bool,
    side: usize,
    /// Mean wall time to hand new numbers to the driver: on a busy machine more than its share of a frame's processor
    /// time.
    upload_ms: f64,
    /// Processor time of a frame with new numbers from memory.
    sent_ms: f64,
    sent_whole_ms: f64,
    /// Processor time of a frame with new numbers in a buffer of the window's own device.
    shared_ms: f64,
    shared_whole_ms: f64,
    /// Processor time of a frame in which nothing changed.
    still_ms: f64,
}

impl HeatMaps {
    /// As a sentence.
    pub fn text(&self) -> String {
        let software = if self.software { ", in software" } else { "" };
        format!(
            "heat map of {0} x {0} on {1}{software}: frame with new numbers from memory {2:.2} ms, handing them over \
             took {3:.2} ms of wall time; from a shared buffer {4:.2} ms; unchanged {5:.2} ms (processor time); until drawn {6:.1} and \
             {7:.1} ms",
            self.side,
            self.adapter,
            self.sent_ms,
            self.upload_ms,
            self.shared_ms,
            self.still_ms,
            self.sent_whole_ms,
            self.shared_whole_ms
        )
    }
}

/// Draws on the adapter that the window would take; `None` where there is none, or it cannot draw heat maps.
///
/// # Errors
/// When the adapter does not start, or is lost.
pub fn measure(effort: Effort) -> anyhow::Result<Option<HeatMaps>> {
    let Some(mut screen) = Screen::open()? else { return Ok(None) };
    let values = |phase: usize| (0..SIDE * SIDE).map(|cell| ((cell + phase) % 1009) as f32 / 504.5 - 1.0).collect();
    let tables: Vec<Vec<f32>> = (0..3).map(values).collect();
    let colored = |heat: Heat| heat.map(Map::Diverging, Some((-1.0, 1.0)));
    let frames = effort.frames.min(120);

    screen.draw(colored(Heat::new(SIDE, SIDE, tables[0].as_slice())))?;
    let before = screen.card.cost();
    let mut sent = Times::default();
    for frame in 0..frames {
        sent.push(screen.draw(colored(Heat::new(SIDE, SIDE, tables[frame % 3].as_slice())))?);
    }
    let after = screen.card.cost();
    let upload_ms = (after.upload_seconds - before.upload_seconds) * 1e3 / (after.uploads - before.uploads) as f64;

    let (device, queue) = screen.card.device();
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: (SIDE * SIDE * size_of::<f32>()) as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let bytes: Vec<u8> = tables[1].iter().flat_map(|value| value.to_le_bytes()).collect();
    queue.write_buffer(&buffer, 0, &bytes);
    let mut view = screen.card.view(buffer, Strides::row_major(SIDE, SIDE))?;
    let mut shared = Times::default();
    for _ in 0..frames {
        view = view.rewritten();
        shared.push(screen.draw(colored(Heat::on_card(view.clone())))?);
    }
    anyhow::ensure!(screen.card.cost().uploads == after.uploads, "a shared buffer was sent");

    let heat = colored(Heat::new(SIDE, SIDE, tables[2].as_slice()));
    screen.draw(heat.clone())?;
    let mut still = Times::default();
    for _ in 0..frames {
        still.push(screen.draw(heat.clone())?);
    }
    Ok(Some(HeatMaps {
        adapter: screen.adapter,
        software: screen.software,
        side: SIDE,
        upload_ms,
        sent_ms: median(sent.processor),
        sent_whole_ms: median(sent.whole),
        shared_ms: median(shared.processor),
        shared_whole_ms: median(shared.whole),
        still_ms: median(still.processor),
    }))
}

/// Milliseconds of several frames.
#[derive(Default)]
struct Times {
    processor: Vec<f64>,
    whole: Vec<f64>,
}

impl Times {
    fn push(&mut self, (processor, whole): (f64, f64)) {
        self.processor.push(processor);
        self.whole.push(whole);
    }
}

/// egui's renderer, drawing into a texture.
struct Screen {
    adapter: String,
    software: bool,
    ctx: egui::Context,
    renderer: Renderer,
    card: HeatCard,
    target: wgpu::TextureView,
}

impl Screen {
    fn open() -> anyhow::Result<Option<Self>> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
        let wanted = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..wgpu::RequestAdapterOptions::default()
        };
        let Ok(adapter) = pollster::block_on(instance.request_adapter(&wanted)) else { return Ok(None) };
        let info = adapter.get_info();
        let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()))?;
        let mut renderer = Renderer::new(&device, FORMAT, RendererOptions::default());
        let ctx = egui::Context::default();
        ctx.set_fonts(mnemoscope_figure::fonts());
        HeatCard::install(&ctx, &device, &queue, FORMAT, &mut renderer);
        let Some(card) = HeatCard::of(&ctx) else { return Ok(None) };
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: None,
            size: wgpu::Extent3d { width: SIZE.x as u32, height: SIZE.y as u32, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: FORMAT,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
            view_formats: &[],
        });
        let target = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let software = info.device_type == wgpu::DeviceType::Cpu;
        Ok(Some(Self { adapter: info.name, software, ctx, renderer, card, target }))
    }

    /// Draws one frame; answers its processor time, and the time until the card was done, in milliseconds.
    fn draw(&mut self, heat: Heat) -> anyhow::Result<(f64, f64)> {
        let figure = Figure::new("heat", "Heat map", Body::Heat(heat));
        let input = RawInput { screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE)), ..RawInput::default() };
        let (start, clock) = (Instant::now(), Clock::start());
        let mut output = self.ctx.run_ui(input, |ui| {
            figure.ui(ui, &DARK);
        });
        let triangles = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let (device, queue) = self.card.device();
        for (id, images) in output.textures_delta.set.drain() {
            for image in images {
                self.renderer.update_texture(device, queue, id, &image);
            }
        }
        let screen = ScreenDescriptor { size_in_pixels: [SIZE.x as u32, SIZE.y as u32], pixels_per_point: 1.0 };
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.renderer.update_buffers(device, queue, &mut encoder, &triangles, &screen);
        {
            let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &self.target,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations::default(),
                })],
                ..wgpu::RenderPassDescriptor::default()
            });
            self.renderer.render(&mut pass.forget_lifetime(), &triangles, &screen);
        }
        queue.submit([encoder.finish()]);
        let processor = clock.seconds();
        device.poll(wgpu::PollType::wait_indefinitely())?;
        Ok((processor * 1e3, start.elapsed().as_secs_f64() * 1e3))
    }
}
