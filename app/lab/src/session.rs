//! A run on a thread of its own: commands go in, snapshots come out, and nobody waits.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mnemoscope_compute::Wanted;
use parking_lot::Mutex;

use crate::checkpoint::Checkpoint;
use crate::experiment::Experiment;
use crate::run::{Run, RunError};
use crate::snapshot::{Failure, Snapshot, Status};

/// Time between two snapshots while training: about one per drawn frame.
const PUBLISH: Duration = Duration::from_millis(16);

/// Commands that may wait; a window sends a handful per frame.
const QUEUE: usize = 1024;

/// What a person can ask of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Train.
    Run,
    /// Stop after the current step.
    Pause,
    /// Train one step, then pause.
    Step,
    /// Train to the next task switch, then pause.
    ToSwitch,
    /// Train until this many steps are done, then pause.
    Until(u64),
    /// Steps per second, or flat out.
    Pace(Option<f64>),
    /// Change a knob from the next step on.
    Set {
        /// Such as `methods.ewc.lambda`.
        path: String,
        /// The value for every replica.
        value: f64,
    },
    /// Write a checkpoint into this folder.
    Save(PathBuf),
    /// After a failure: go on from the last checkpoint in memory.
    Restore,
    /// A fault in the training thread, for tests of what follows one.
    #[doc(hidden)]
    Fault,
}

/// How a session starts.
#[derive(Debug, Clone)]
pub struct Start {
    /// What to run.
    pub experiment: Experiment,
    /// Which device is wanted.
    pub device: Wanted,
    /// From here instead of from step 0.
    pub checkpoint: Option<Arc<Checkpoint>>,
}

/// A run on its own thread.
pub struct Session {
    commands: Option<SyncSender<Command>>,
    latest: Arc<Mutex<Option<Arc<Snapshot>>>>,
    failure: Arc<Mutex<Option<Failure>>>,
    thread: Option<JoinHandle<()>>,
}

impl Session {
    /// Starts the thread, which prepares the run and then waits for [`Command::Run`]. `wake` is called after every new
    /// snapshot and failure.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(start: Start, wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (commands, inbox) = sync_channel(QUEUE);
        let latest = Arc::new(Mutex::new(None));
        let failure = Arc::new(Mutex::new(None));
        let mut trainer = Trainer {
            inbox,
            latest: latest.clone(),
            failure: failure.clone(),
            wake: Box::new(wake),
            last_checkpoint: start.checkpoint.clone(),
            pace: None,
            goal: Goal::Pause,
            changed: Vec::new(),
            version: 0,
        };
        let thread = std::thread::Builder::new().name("trainer".to_owned()).spawn(move || trainer.live(start))?;
        Ok(Self { commands: Some(commands), latest, failure, thread: Some(thread) })
    }

    /// Sends a command; `false` when the session cannot take it.
    pub fn send(&self, command: Command) -> bool {
        self.commands.as_ref().is_some_and(|commands| commands.try_send(command).is_ok())
    }

    /// The latest picture; `None` while the run is being set up.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.latest.lock().clone()
    }

    /// Why the run could not be set up or cannot go on.
    pub fn failure(&self) -> Option<Failure> {
        self.failure.lock().clone()
    }
}

impl Drop for Session {
    /// Closes the command queue, which ends the thread after its current step. The window does not wait for it.
    fn drop(&mut self) {
        self.commands = None;
        drop(self.thread.take());
    }
}

/// What the trainer is up to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Goal {
    Pause,
    Run,
    /// Pause when this many steps are done.
    Until(u64),
}

struct Trainer {
    inbox: Receiver<Command>,
    latest: Arc<Mutex<Option<Arc<Snapshot>>>>,
    failure: Arc<Mutex<Option<Failure>>>,
    wake: Box<dyn Fn() + Send>,
    last_checkpoint: Option<Arc<Checkpoint>>,
    /// Steps per second; `None` is flat out.
    pace: Option<f64>,
    goal: Goal,
    /// Knobs changed since the last checkpoint: a restored run must show what the sliders show.
    changed: Vec<(String, f64)>,
    version: u64,
}

impl Trainer {
    /// Runs until the command queue closes. A panic in training becomes a failure that offers the last checkpoint.
    fn live(&mut self, start: Start) {
        let mut start = Some(start);
        loop {
            let attempt = start.take();
            let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match attempt {
                Some(start) => self.train(start),
                None => Ok(()),
            }));
            let message = match again {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(panic) => panic_text(panic.as_ref()),
            };
            log::error!("the run stopped: {message}");
            let checkpoint = self.last_checkpoint.as_ref().map(|checkpoint| checkpoint.step());
            *self.failure.lock() = Some(Failure { message: message.clone(), checkpoint });
            let mut latest = self.latest.lock();
            if let Some(snapshot) = latest.as_mut() {
                let mut failed = Snapshot::clone(snapshot);
                failed.status = Status::Failed(Failure { message, checkpoint });
                self.version += 1;
                failed.version = self.version;
                *snapshot = Arc::new(failed);
            }
            drop(latest);
            (self.wake)();
            match self.wait_for_restore() {
                Some(checkpoint) => {
                    *self.failure.lock() = None;
                    let experiment = checkpoint.experiment().clone();
                    let device = checkpoint.wanted();
                    start = Some(Start { experiment, device, checkpoint: Some(checkpoint) });
                }
                None => return,
            }
        }
    }

    fn wait_for_restore(&mut self) -> Option<Arc<Checkpoint>> {
        loop {
            match self.inbox.recv() {
                Ok(Command::Restore) => {
                    if let Some(checkpoint) = &self.last_checkpoint {
                        return Some(checkpoint.clone());
                    }
                }
                Ok(Command::Set { path, value }) => self.changed.push((path, value)),
                Ok(Command::Pace(pace)) => self.pace = pace,
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    fn train(&mut self, start: Start) -> Result<(), RunError> {
        let mut run = match &start.checkpoint {
            Some(checkpoint) => Run::resume(checkpoint, start.device)?,
            None => Run::new(start.experiment, start.device)?,
        };
        self.goal = Goal::Pause;
        for (path, value) in std::mem::take(&mut self.changed) {
            if let Err(error) = run.set_knob(&path, value) {
                log::warn!("{error}");
            }
        }
        self.last_checkpoint = Some(Arc::new(run.checkpoint()));
        self.publish(&mut run, 0.0)?;
        let mut speed = Speed::new();
        let mut published = Instant::now();
        let mut due = Instant::now();
        loop {
            // Drain what has come in; block while there is nothing to do.
            let was = self.goal;
            loop {
                let command = if self.goal == Goal::Pause || run.finished() {
                    if was != Goal::Pause {
                        self.publish(&mut run, 0.0)?;
                    }
                    match self.inbox.recv() {
                        Ok(command) => command,
                        Err(_) => return Ok(()),
                    }
                } else {
                    match self.inbox.try_recv() {
                        Ok(command) => command,
                        Err(TryRecvError::Empty) => break,
                        Err(TryRecvError::Disconnected) => return Ok(()),
                    }
                };
                self.obey(command, &mut run)?;
                if self.goal == Goal::Pause || run.finished() {
                    self.publish(&mut run, 0.0)?;
                } else if was == Goal::Pause {
                    due = Instant::now();
                    speed = Speed::new();
                    break;
                }
            }
            if let Some(rate) = self.pace {
                let now = Instant::now();
                if due > now {
                    // Short naps, so that a command is obeyed within a frame.
                    std::thread::sleep((due - now).min(PUBLISH));
                    if Instant::now() < due {
                        continue;
                    }
                }
                due = (due + Duration::from_secs_f64(1.0 / rate.max(0.01)))
                    .max(now.checked_sub(PUBLISH * 4).unwrap_or(now));
            }
            let block = run.block();
            run.step()?;
            speed.count();
            if run.finished() || matches!(self.goal, Goal::Until(step) if run.steps_done() >= step) {
                self.goal = Goal::Pause;
            }
            if run.block() != block || run.finished() {
                self.last_checkpoint = Some(Arc::new(run.checkpoint()));
                self.changed.clear();
            }
            if self.goal == Goal::Pause || published.elapsed() >= PUBLISH {
                let rate = if self.goal == Goal::Pause { 0.0 } else { speed.per_second() };
                self.publish(&mut run, rate)?;
                published = Instant::now();
            }
        }
    }

    fn obey(&mut self, command: Command, run: &mut Run) -> Result<(), RunError> {
        match command {
            Command::Run => self.goal = Goal::Run,
            Command::Pause => self.goal = Goal::Pause,
            Command::Step => self.goal = Goal::Until(run.steps_done() + 1),
            Command::ToSwitch => self.goal = Goal::Until(run.next_switch()),
            Command::Until(step) => {
                self.goal = if step > run.steps_done() { Goal::Until(step) } else { Goal::Pause };
            }
            Command::Pace(pace) => self.pace = pace,
            // A value that the declaration refuses cannot come from a slider; say so and go on.
            // What is done is done: a change after the last step belongs to the next run.
            Command::Set { .. } if run.finished() => {}
            Command::Set { path, value } => match run.set_knob(&path, value) {
                Ok(()) => self.changed.push((path, value)),
                Err(error) => log::warn!("{error}"),
            },
            Command::Save(folder) => run.checkpoint().write(&folder)?,
            Command::Restore => {}
            Command::Fault => panic!("a fault on request"),
        }
        Ok(())
    }

    fn publish(&mut self, run: &mut Run, steps_per_second: f64) -> Result<(), RunError> {
        self.version += 1;
        let at_rest = self.goal == Goal::Pause || run.finished();
        let mut snapshot = if at_rest { run.snapshot()? } else { run.glance()? };
        snapshot.version = self.version;
        snapshot.steps_per_second = steps_per_second;
        snapshot.status = if run.finished() {
            Status::Finished
        } else if self.goal == Goal::Pause {
            Status::Paused
        } else {
            Status::Running
        };
        *self.latest.lock() = Some(Arc::new(snapshot));
        (self.wake)();
        Ok(())
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "an unknown panic".to_owned());
    format!("training stopped by a fault in the program: {text}")
}

/// Steps per second over about the last second.
struct Speed {
    since: Instant,
    steps: u32,
    rate: f64,
}

impl Speed {
    fn new() -> Self {
        Self { since: Instant::now(), steps: 0, rate: 0.0 }
    }

    fn count(&mut self) {
        self.steps += 1;
    }

    fn per_second(&mut self) -> f64 {
        let elapsed = self.since.elapsed().as_secs_f64();
        if elapsed > 0.5 || self.rate == 0.0 {
            self.rate = f64::from(self.steps) / elapsed.max(1e-6);
        }
        if elapsed > 0.5 {
            self.since = Instant::now();
            self.steps = 0;
        }
        self.rate
    }
}
