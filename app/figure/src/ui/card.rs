//! Heat maps on the window's graphics card: `shaders/heatmap.wgsl`, through egui's paint callback.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytemuck::{Pod, Zeroable};
use egui::{Id, PaintCallbackInfo, Rect};
use egui_wgpu::{CallbackResources, CallbackTrait, ScreenDescriptor};

use crate::canvas::hash;
use crate::color::Color;
use crate::draw::matrix::map_bits;
use crate::heat::{GpuView, GpuViewError, Heat, Strides, Values, Window, fresh};
use crate::map::{Map, STEPS};
use crate::theme::Theme;

/// Heat maps that were not drawn for this many passes give their buffers back.
const FORGOTTEN: u64 = 600;
/// Most numbers of a heat map: its cells are counted in 32 bits.
const MOST: u64 = u32::MAX as u64;

/// What drawing heat maps has cost the window's thread so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeatCost {
    /// Maps drawn, one for each map and frame.
    pub draws: u64,
    /// Seconds of wall time spent on them, uploads included, without the work that the card does by itself.
    pub seconds: f64,
    /// Maps whose numbers had changed and were sent to the card. One that lies on the window's device never is.
    pub uploads: u64,
    /// Bytes sent.
    pub upload_bytes: u64,
    /// Seconds of wall time spent on sending, in all.
    pub upload_seconds: f64,
}

/// The window's graphics card, as heat maps use it.
#[derive(Clone, Debug)]
pub struct HeatCard {
    device: wgpu::Device,
    queue: wgpu::Queue,
    most_bytes: u64,
    /// A number that no other card has.
    id: u64,
    cost: Arc<Mutex<HeatCost>>,
}

impl HeatCard {
    /// Makes every heat map of this window be drawn by the card: `device`, `queue` and `format` are those of egui's
    /// renderer, which draws one sample a pixel without depth. `false` where the card's driver gives fragments no storage
    /// buffers (OpenGL ES 3.0): the processor colours the cells there, as it does in files.
    pub fn install(
        ctx: &egui::Context,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        format: wgpu::TextureFormat,
        renderer: &mut egui_wgpu::Renderer,
    ) -> bool {
        let limits = device.limits();
        if limits.max_storage_buffers_per_shader_stage < 2 {
            return false;
        }
        renderer.callback_resources.insert(Maps::new(device, format));
        let most_bytes = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
        let card = Self { device: device.clone(), queue: queue.clone(), most_bytes, id: fresh(), cost: Arc::default() };
        ctx.data_mut(|data| data.insert_temp(Id::unique("heat maps on the card"), card));
        true
    }

    /// The card that draws this window's heat maps, if one does.
    pub fn of(ctx: &egui::Context) -> Option<Self> {
        ctx.data(|data| data.get_temp(Id::unique("heat maps on the card")))
    }

    /// What drawing has cost so far.
    pub fn cost(&self) -> HeatCost {
        *self.cost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The window's device: what is computed on it can be drawn without a detour, see [`HeatCard::view`].
    pub fn device(&self) -> (&wgpu::Device, &wgpu::Queue) {
        (&self.device, &self.queue)
    }

    /// A view of a buffer of the window's own device, for [`Heat::on_card`].
    ///
    /// # Errors
    /// When the buffer is too short for it, or may not be bound as storage and copied from.
    pub fn view(&self, buffer: wgpu::Buffer, strides: Strides) -> Result<GpuView, GpuViewError> {
        Ok(GpuView::new(&self.device, &self.queue, buffer, strides)?.of_card(self.id))
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The callback that draws what `window` shows of a heat map; none where the card cannot hold it, or another card has
    /// it and it has not been read back yet.
    pub(super) fn callback(
        &self,
        (key, pass): (Id, u64),
        grid: Rect,
        heat: &Heat,
        window: Window,
        theme: &Theme,
    ) -> Option<egui::PaintCallback> {
        let strides;
        let source = match heat.values() {
            Values::Cells { cells, id, .. } => {
                strides = [1, heat.cols() as u32, 0];
                Source::Upload(Arc::clone(cells), *id)
            }
            Values::Card(view) if view.card() == Some(self.id) => {
                let at = view.strides();
                strides = [at.col as u32, at.row as u32, at.offset as u32];
                Source::Share(view.clone())
            }
            Values::Card(view) => {
                strides = [1, heat.cols() as u32, 0];
                Source::Upload(view.known()?, view.known_id()?)
            }
        };
        let numbers = match &source {
            Source::Upload(cells, _) => cells.len() as u64,
            Source::Share(view) => view.buffer().size() / 4,
        };
        if numbers == 0 || numbers > MOST || numbers * 4 > self.most_bytes {
            return None;
        }
        let (low, high) = heat.shown_range();
        let width = high - low;
        let uniform = Uniform {
            corner: [grid.left(), grid.top()],
            first: [window.left as f32, window.top as f32],
            per_pixel: [window.wide as f32 / grid.width(), window.tall as f32 / grid.height()],
            size: [heat.cols() as u32, heat.rows() as u32],
            stride: [strides[0], strides[1]],
            offset: strides[2],
            low: low as f32,
            scale: if width == 0.0 || !width.is_finite() { 0.0 } else { (1.0 / width) as f32 },
            unknown: packed(theme.sunken),
            padding: [0; 2],
        };
        let colors = (hash([map_bits(heat.map), u64::from(theme.dark)]), heat.map, theme.clone());
        let draw = Draw { key, pass, source, uniform, colors, cost: Arc::clone(&self.cost) };
        Some(egui_wgpu::Callback::new_paint_callback(grid, draw))
    }
}

/// The shader's `Map`, in points until the screen's scale is known.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Uniform {
    corner: [f32; 2],
    first: [f32; 2],
    per_pixel: [f32; 2],
    size: [u32; 2],
    stride: [u32; 2],
    offset: u32,
    low: f32,
    scale: f32,
    unknown: u32,
    padding: [u32; 2],
}

/// Where a map's numbers come from.
enum Source {
    /// From memory, with the number of their content.
    Upload(Arc<[f32]>, u64),
    /// From a buffer of the window's own device.
    Share(GpuView),
}

/// One heat map in one frame.
struct Draw {
    key: Id,
    pass: u64,
    source: Source,
    uniform: Uniform,
    /// The ramp's number, and what it is made of.
    colors: (u64, Map, Theme),
    cost: Arc<Mutex<HeatCost>>,
}

/// The pipeline and every map's buffers, kept by egui's renderer.
struct Maps {
    pipeline: wgpu::RenderPipeline,
    layout: wgpu::BindGroupLayout,
    drawn: HashMap<Id, Drawn>,
    /// The pass in which forgotten maps were last looked for.
    swept: u64,
}

struct Drawn {
    uniform: wgpu::Buffer,
    cells: wgpu::Buffer,
    /// The content that was uploaded into `cells`; none where `cells` is not ours.
    uploaded: Option<u64>,
    /// The number of the ramp that is there.
    ramp: (Option<u64>, wgpu::Buffer),
    group: wgpu::BindGroup,
    pass: u64,
}

impl Maps {
    fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let shader = device.create_shader_module(wgpu::include_wgsl!("../../../../shaders/heatmap.wgsl"));
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        };
        let storage = wgpu::BufferBindingType::Storage { read_only: true };
        let label = Some("heat maps");
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label,
            entries: &[entry(0, wgpu::BufferBindingType::Uniform), entry(1, storage), entry(2, storage)],
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label,
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label,
            layout: Some(&pipeline_layout),
            vertex: wgpu::VertexState {
                module: &shader,
                entry_point: Some("corner"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &shader,
                entry_point: Some("shade"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &[("LINEAR", f64::from(u8::from(format.is_srgb())))],
                    ..wgpu::PipelineCompilationOptions::default()
                },
                targets: &[Some(format.into())],
            }),
            multiview_mask: None,
            cache: None,
        });
        Self { pipeline, layout, drawn: HashMap::new(), swept: 0 }
    }
}

/// As the shader unpacks it: red lowest.
fn packed(color: Color) -> u32 {
    u32::from_le_bytes([color.r, color.g, color.b, color.a])
}

fn buffer(device: &wgpu::Device, bytes: usize, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("heat map"),
        size: bytes as u64,
        usage: usage | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

impl Draw {
    /// The buffers that this map had in the last frame, where they still serve.
    fn kept(&self, drawn: Option<Drawn>) -> Option<Drawn> {
        drawn.filter(|drawn| match &self.source {
            Source::Upload(cells, _) => {
                drawn.uploaded.is_some() && drawn.cells.size() == size_of_val::<[f32]>(cells) as u64
            }
            Source::Share(view) => &drawn.cells == view.buffer(),
        })
    }

    fn made(&self, device: &wgpu::Device, layout: &wgpu::BindGroupLayout) -> Drawn {
        let uniform = buffer(device, size_of::<Uniform>(), wgpu::BufferUsages::UNIFORM);
        let (cells, uploaded) = match &self.source {
            Source::Upload(cells, _) => {
                // No content has this number.
                (buffer(device, size_of_val::<[f32]>(cells), wgpu::BufferUsages::STORAGE), Some(u64::MAX))
            }
            Source::Share(view) => (view.buffer().clone(), None),
        };
        let ramp = buffer(device, (STEPS + 1) * size_of::<u32>(), wgpu::BufferUsages::STORAGE);
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("heat map"),
            layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: uniform.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: cells.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 2, resource: ramp.as_entire_binding() },
            ],
        });
        Drawn { uniform, cells, uploaded, ramp: (None, ramp), group, pass: self.pass }
    }
}

impl CallbackTrait for Draw {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let start = Instant::now();
        let Some(maps) = resources.get_mut::<Maps>() else { return Vec::new() };
        if self.pass >= maps.swept + FORGOTTEN {
            maps.swept = self.pass;
            maps.drawn.retain(|_, drawn| drawn.pass + FORGOTTEN > self.pass);
        }
        let kept = self.kept(maps.drawn.remove(&self.key));
        let mut drawn = kept.unwrap_or_else(|| self.made(device, &maps.layout));
        let scale = screen.pixels_per_point;
        let uniform = Uniform {
            corner: self.uniform.corner.map(|side| side * scale),
            per_pixel: self.uniform.per_pixel.map(|cells| cells / scale),
            ..self.uniform
        };
        queue.write_buffer(&drawn.uniform, 0, bytemuck::bytes_of(&uniform));
        let (number, map, theme) = &self.colors;
        if drawn.ramp.0 != Some(*number) {
            let ramp: Vec<u32> = map.ramp(theme).into_iter().map(packed).collect();
            queue.write_buffer(&drawn.ramp.1, 0, bytemuck::cast_slice(&ramp));
            drawn.ramp.0 = Some(*number);
        }
        let mut cost = self.cost.lock().unwrap_or_else(PoisonError::into_inner);
        if let Source::Upload(cells, id) = &self.source
            && drawn.uploaded != Some(*id)
        {
            let start = Instant::now();
            queue.write_buffer(&drawn.cells, 0, bytemuck::cast_slice(cells));
            drawn.uploaded = Some(*id);
            cost.uploads += 1;
            cost.upload_bytes += drawn.cells.size();
            cost.upload_seconds += start.elapsed().as_secs_f64();
        }
        drawn.pass = self.pass;
        maps.drawn.insert(self.key, drawn);
        cost.draws += 1;
        cost.seconds += start.elapsed().as_secs_f64();
        Vec::new()
    }

    fn paint(&self, info: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        let Some(maps) = resources.get::<Maps>() else { return };
        let Some(drawn) = maps.drawn.get(&self.key) else { return };
        // Pixels are the screen's own: egui's scissor, which it has set, cuts out the map's rectangle.
        let [wide, tall] = info.screen_size_px;
        pass.set_viewport(0.0, 0.0, wide as f32, tall as f32, 0.0, 1.0);
        pass.set_pipeline(&maps.pipeline);
        pass.set_bind_group(0, &drawn.group, &[]);
        pass.draw(0..3, 0..1);
    }
}

#[cfg(test)]
mod tests;
