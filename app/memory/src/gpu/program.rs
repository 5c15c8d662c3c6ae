//! A shader with its bindings and compiled entry points, and how its work is handed to the card.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, mpsc};

use wgpu::BufferUsages;
use wgpu::util::DeviceExt as _;

use super::Gpu;
use crate::GpuError;

/// An entry point and what its constants were set to.
type Key = (&'static str, Vec<(&'static str, usize)>);

/// A shader: binding 0 is a uniform, then come arrays that are read, then arrays that are written.
#[derive(Debug)]
pub(super) struct Program {
    shader: wgpu::ShaderModule,
    bindings: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
    pipelines: Mutex<HashMap<Key, wgpu::ComputePipeline>>,
}

/// An entry point to run, and how many workgroups of it.
pub(super) struct Dispatch {
    pub pipeline: wgpu::ComputePipeline,
    pub groups: [usize; 2],
}

impl Program {
    /// Problems go to the device's error scope.
    pub fn new(
        device: &wgpu::Device,
        source: wgpu::ShaderModuleDescriptor<'_>,
        arrays_read: usize,
        arrays_written: usize,
    ) -> Self {
        let shader = device.create_shader_module(source);
        let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
        let kinds = std::iter::once(wgpu::BufferBindingType::Uniform)
            .chain(std::iter::repeat_n(storage(true), arrays_read))
            .chain(std::iter::repeat_n(storage(false), arrays_written));
        let entries: Vec<wgpu::BindGroupLayoutEntry> = (0..)
            .zip(kinds)
            .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
                count: None,
            })
            .collect();
        let bindings =
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&bindings)],
            immediate_size: 0,
        });
        Self { shader, bindings, layout, pipelines: Mutex::default() }
    }

    /// An entry point with its constants, compiled once.
    pub fn pipeline(
        &self,
        device: &wgpu::Device,
        entry: &'static str,
        constants: &[(&'static str, usize)],
    ) -> wgpu::ComputePipeline {
        let mut pipelines = self.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let constants: Vec<(&str, f64)> = constants.iter().map(|(name, value)| (*name, *value as f64)).collect();
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(entry),
                layout: Some(&self.layout),
                module: &self.shader,
                entry_point: Some(entry),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &constants,
                    // The shaders clear what they use.
                    zero_initialize_workgroup_memory: false,
                },
                cache: None,
            })
        };
        pipelines.entry((entry, constants.to_vec())).or_insert_with(make).clone()
    }
}

impl Gpu {
    /// Does something with the device and tells what the driver had against it.
    pub(super) fn scoped<T>(&self, work: impl FnOnce() -> T) -> Result<T, GpuError> {
        // Scopes are per thread and close in reverse order.
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let done = work();
        match [memory.pop(), validation.pop()].into_iter().find_map(pollster::block_on) {
            Some(error) => Err(GpuError::Failed(error.to_string())),
            None => Ok(done),
        }
    }

    /// Runs entry points one after another over the same buffers, which stand in the order of the bindings, after
    /// copying whole buffers to the beginnings of others; answers buffers to read `out` from.
    pub(super) fn submit(
        &self,
        program: &Program,
        copies: &[[&wgpu::Buffer; 2]],
        buffers: &[&wgpu::Buffer],
        dispatches: &[Dispatch],
        out: &[&wgpu::Buffer],
    ) -> Vec<wgpu::Buffer> {
        let entries: Vec<wgpu::BindGroupEntry<'_>> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &program.bindings,
            entries: &entries,
        });
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        for [from, to] in copies {
            encoder.copy_buffer_to_buffer(from, 0, to, 0, from.size());
        }
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_bind_group(0, &group, &[]);
            for Dispatch { pipeline, groups: [x, y] } in dispatches {
                pass.set_pipeline(pipeline);
                pass.dispatch_workgroups(*x as u32, *y as u32, 1);
            }
        }
        let back: Vec<wgpu::Buffer> = out
            .iter()
            .map(|from| {
                let to = self.sized(from.size(), BufferUsages::MAP_READ | BufferUsages::COPY_DST);
                encoder.copy_buffer_to_buffer(from, 0, &to, 0, from.size());
                to
            })
            .collect();
        self.queue.submit([encoder.finish()]);
        back
    }

    /// A buffer with contents.
    pub(super) fn upload(&self, contents: &[u8], usage: BufferUsages) -> wgpu::Buffer {
        self.device.create_buffer_init(&wgpu::util::BufferInitDescriptor { label: None, contents, usage })
    }

    /// An array that the card writes, of so many numbers.
    pub(super) fn written(&self, numbers: usize) -> wgpu::Buffer {
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        self.sized((numbers * size_of::<f32>()) as u64, usage)
    }

    fn sized(&self, size: u64, usage: BufferUsages) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
    }

    /// Waits for the card and reads the buffers.
    pub(super) fn download(&self, buffers: &[wgpu::Buffer]) -> Result<Vec<Vec<f32>>, GpuError> {
        let failed = |problem: String| GpuError::Failed(problem);
        let (sender, receiver) = mpsc::channel();
        for buffer in buffers {
            let sender = sender.clone();
            // A closed channel means that the caller has already given up on an earlier failure.
            buffer.map_async(wgpu::MapMode::Read, .., move |result| drop(sender.send(result)));
        }
        drop(sender);
        self.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|error| failed(error.to_string()))?;
        for result in receiver {
            result.map_err(|error| failed(error.to_string()))?;
        }
        let read = |buffer: &wgpu::Buffer| {
            let view = buffer.get_mapped_range(..).map_err(|error| failed(error.to_string()))?;
            Ok(bytemuck::pod_collect_to_vec(&view))
        };
        buffers.iter().map(read).collect()
    }
}
