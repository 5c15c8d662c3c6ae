//! What one frame of the window costs the processor, with every plot open over a long run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eframe::App as _;
use egui::{Pos2, RawInput, Rect, Vec2, vec2};
use mnemoscope_compute::Wanted;
use mnemoscope_desk::{DeskApp, Options, Tile};
use mnemoscope_lab::{BlockSpan, Experiment, Run, Snapshot, Status, SurfaceView, path, presets};
use serde::Serialize;

use super::clock::Clock;
use super::{Effort, memory};

/// Size of the drawn window in points, and of the screen in pixels.
const SIZE: Vec2 = vec2(1920.0, 1080.0);

/// Processor time of the window's thread for one frame, in milliseconds.
#[derive(Debug, Serialize)]
pub struct Frames {
    recorded_steps: u64,
    measured: usize,
    /// Median with nothing new to show.
    still_ms: f64,
    /// Median with a new picture of the run in every frame, while training runs flat out in a thread of its own.
    training_ms: f64,
    /// 99th percentile of those.
    training_p99_ms: f64,
}

impl Frames {
    /// As a sentence.
    pub fn text(&self) -> String {
        format!(
            "frame of {} x {} with every plot open over {} recorded steps: {:.2} ms still; while training {:.2} ms, \
             99th percentile {:.2} ms (processor time over {} frames)",
            SIZE.x, SIZE.y, self.recorded_steps, self.still_ms, self.training_ms, self.training_p99_ms, self.measured
        )
    }
}

/// Draws the window into memory: layout, shapes and triangles, all that a frame asks of the processor.
///
/// # Errors
/// When the run behind the picture cannot be trained.
pub fn measure(effort: Effort) -> anyhow::Result<Frames> {
    let experiment = experiment()?;
    let mut snapshot = long(&experiment, effort.rows)?;
    let frames = effort.frames;
    let mut window = Window::open(&experiment, &snapshot);
    // Fonts, caches and the attention tile's own thread settle.
    for _ in 0..30 {
        window.draw();
    }
    let still: Vec<f64> = (0..frames).map(|_| window.draw()).collect();

    let stop = Arc::new(AtomicBool::new(false));
    let trainer = {
        let (stop, experiment) = (stop.clone(), experiment.clone());
        std::thread::spawn(move || train(&experiment, &stop))
    };
    let mut counts = vec![0; memory::TASKS * memory::REPLICAS];
    let losses = vec![1.0; snapshot.terms.len()];
    let training = (0..frames)
        .map(|frame| {
            // As the trainer does between two frames.
            counts.fill(frame as u16 % 100);
            snapshot.step += 1;
            snapshot.version += 1;
            snapshot.record.push(snapshot.step, &counts, &losses);
            window.app.present(Arc::new(snapshot.clone()));
            window.draw()
        })
        .collect();
    stop.store(true, Ordering::SeqCst);
    trainer.join().map_err(|_panic| anyhow::anyhow!("the training thread panicked"))??;
    let [still, training] = [still, training].map(sorted);
    Ok(Frames {
        recorded_steps: effort.rows,
        measured: frames,
        still_ms: still[frames / 2],
        training_ms: training[frames / 2],
        training_p99_ms: training[(frames * 99).div_ceil(100) - 1],
    })
}

fn sorted(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    times
}

/// Ten permutations of the digits for eight seeds, with a method that adds terms to the objective.
fn experiment() -> anyhow::Result<Experiment> {
    let mut experiment = presets::load("ewc-permuted-digits").transpose()?.unwrap_or_default();
    for (setting, value) in [
        ("stream.tasks", memory::TASKS.to_string()),
        ("stream.steps", "20".to_owned()),
        ("methods.ewc.lambda", "100".to_owned()),
        ("population.seeds", memory::REPLICAS.to_string()),
    ] {
        path::set(&mut experiment, setting, &value)?;
    }
    Ok(experiment)
}

/// A finished short run, stretched to `rows` recorded steps, and with a decision surface.
fn long(experiment: &Experiment, rows: u64) -> anyhow::Result<Snapshot> {
    let mut run = Run::new(experiment.clone(), Wanted::Cpu)?;
    while !run.finished() {
        run.step()?;
    }
    let mut snapshot = run.snapshot()?;
    let mut layout = mnemoscope_lab::Layout::clone(&snapshot.layout);
    let steps = rows / memory::TASKS as u64;
    layout.blocks = (0..memory::TASKS)
        .map(|group| BlockSpan { group, groups: vec![group], start: group as u64 * steps, steps })
        .collect();
    snapshot.record = memory::synthetic(rows, snapshot.terms.len());
    snapshot.layout = Arc::new(layout);
    snapshot.step = rows - 1;
    snapshot.status = Status::Running;
    snapshot.surface = Some(Arc::new(SurfaceView {
        side: 64,
        range: (-1.5, 1.5),
        values: (0..64 * 64).map(|cell| (cell % 64) as f32 / 63.0).collect(),
        points: (0..400).map(|i| (i as f32 / 200.0 - 1.0, (i % 20) as f32 / 10.0 - 1.0, i % 2, 0)).collect(),
    }));
    Ok(snapshot)
}

fn train(experiment: &Experiment, stop: &AtomicBool) -> anyhow::Result<()> {
    while !stop.load(Ordering::SeqCst) {
        let mut run = Run::new(experiment.clone(), Wanted::Cpu)?;
        while !run.finished() && !stop.load(Ordering::SeqCst) {
            run.step()?;
        }
    }
    Ok(())
}

/// The real window without a system's window around it.
struct Window {
    ctx: egui::Context,
    app: DeskApp,
    frame: eframe::Frame,
    time: f64,
}

impl Window {
    fn open(experiment: &Experiment, snapshot: &Snapshot) -> Self {
        let ctx = egui::Context::default();
        // The thread pool is this process's own already: the window must not ask for another.
        let options =
            Options { preset: Some(experiment.clone()), device: Wanted::Cpu, spare_core: false, ..Options::default() };
        // The way in which eframe's own test harness makes an app.
        let mut app = DeskApp::new(&eframe::CreationContext::_new_kittest(ctx.clone()), options);
        for tile in Tile::ALL {
            app.open(tile);
        }
        app.present(Arc::new(snapshot.clone()));
        Self { ctx, app, frame: eframe::Frame::_new_kittest(), time: 0.0 }
    }

    /// Draws one frame; answers its processor time in milliseconds.
    fn draw(&mut self) -> f64 {
        self.time += 1.0 / 60.0;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE)),
            time: Some(self.time),
            ..RawInput::default()
        };
        let clock = Clock::start();
        self.app.logic(&self.ctx, &mut self.frame);
        let output = self.ctx.run_ui(input, |ui| self.app.ui(ui, &mut self.frame));
        let triangles = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let seconds = clock.seconds();
        drop(triangles);
        seconds * 1e3
    }
}
