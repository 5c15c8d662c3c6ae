//! The window's side of a session: it starts one, sends commands, and keeps the latest picture.

use std::collections::BTreeMap;
use std::sync::Arc;

use mnemoscope_compute::Wanted;
use mnemoscope_lab::{Command, Experiment, Failure, Session, Snapshot, Start, Status};

use crate::live;

/// How a run is paced.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pace {
    Rate(f64),
    FlatOut,
    ToSwitch,
}

impl Pace {
    fn of(experiment: &Experiment) -> Self {
        match experiment.pace.text("mode") {
            "flat_out" => Self::FlatOut,
            "switch" => Self::ToSwitch,
            _ => Self::Rate(experiment.pace.real("rate")),
        }
    }

    fn rate(self) -> Option<f64> {
        match self {
            Self::Rate(rate) => Some(rate),
            Self::FlatOut | Self::ToSwitch => None,
        }
    }
}

/// The session that is under way, if there is one.
pub struct Runner {
    device: Wanted,
    wake: Arc<dyn Fn() + Send + Sync>,
    session: Option<Session>,
    /// What the session was built from, and its skeleton.
    base: Option<(Experiment, Experiment)>,
    /// Values of live knobs that the session knows.
    sent: BTreeMap<String, f64>,
    pace: Option<Pace>,
    /// It runs flat out to the next switch, whatever its pace; the pace comes back when it pauses.
    hurried: bool,
    snapshot: Option<Arc<Snapshot>>,
    /// The picture is still the last session's: it stays in sight until this one's first.
    outdated: bool,
    failure: Option<Failure>,
    /// A command that changes what the session does was sent and its picture has not come yet.
    asked: Option<Asked>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Asked {
    Run,
    Pause,
}

impl Runner {
    /// The device that every session is asked to use.
    pub fn device(&self) -> Wanted {
        self.device
    }

    /// No session yet. `wake` is called from the training thread after every new picture.
    pub fn new(device: Wanted, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            device,
            wake,
            session: None,
            base: None,
            sent: BTreeMap::new(),
            pace: None,
            hurried: false,
            snapshot: None,
            outdated: false,
            failure: None,
            asked: None,
        }
    }

    /// Ends the session, if there is one, and starts one from the experiment. It waits at step 0.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(&mut self, experiment: &Experiment) -> Result<(), String> {
        let picture = self.snapshot.take();
        self.stop();
        self.outdated = picture.is_some();
        self.snapshot = picture;
        let wake = self.wake.clone();
        let start = Start { experiment: experiment.clone(), device: self.device, checkpoint: None };
        let session = Session::start(start, move || wake()).map_err(|error| {
            format!("the training thread could not be started: {error}; close other programs and press Reset")
        })?;
        self.session = Some(session);
        self.sent = live::values(experiment);
        self.base = Some((experiment.clone(), live::skeleton(experiment)));
        self.pace = None;
        self.sync(experiment);
        Ok(())
    }

    /// Ends the session.
    pub fn stop(&mut self) {
        *self = Self::new(self.device, self.wake.clone());
    }

    /// Ends the session, if there is one, and shows this picture instead.
    pub fn present(&mut self, snapshot: Arc<Snapshot>) {
        self.stop();
        self.snapshot = Some(snapshot);
    }

    /// Takes the latest picture. Cheap; called every frame.
    pub fn poll(&mut self) {
        let Some(session) = &self.session else { return };
        self.failure = session.failure();
        let Some(latest) = session.snapshot() else {
            if self.outdated && self.failure.is_some() {
                self.snapshot = None;
                self.outdated = false;
            }
            return;
        };
        let known = self.current();
        if known.is_some_and(|known| known.version == latest.version) {
            return;
        }
        let moved = known.is_some_and(|known| known.step != latest.step) || latest.status == Status::Finished;
        let settled = match self.asked {
            Some(Asked::Run) => latest.status == Status::Running || moved,
            Some(Asked::Pause) => latest.status != Status::Running,
            None => true,
        };
        if settled {
            self.asked = None;
        }
        self.snapshot = Some(latest);
        self.outdated = false;
    }

    /// This session's latest picture.
    fn current(&self) -> Option<&Arc<Snapshot>> {
        self.snapshot.as_ref().filter(|_| !self.outdated)
    }

    /// The latest picture; while a session is being prepared, the last one of the session before.
    pub fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        self.snapshot.as_ref()
    }

    /// Why the run could not be set up or cannot go on.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// What the session was built from.
    pub fn base(&self) -> Option<&Experiment> {
        self.base.as_ref().map(|(base, _)| base)
    }

    /// Steps done.
    pub fn step(&self) -> u64 {
        self.current().map_or(0, |snapshot| snapshot.step)
    }

    /// Whether it trains, or was asked to.
    pub fn running(&self) -> bool {
        match self.asked {
            Some(Asked::Run) => self.failure.is_none(),
            Some(Asked::Pause) => false,
            None => self.current().is_some_and(|snapshot| snapshot.status == Status::Running),
        }
    }

    /// Whether every block is done.
    pub fn finished(&self) -> bool {
        self.current().is_some_and(|snapshot| snapshot.status == Status::Finished)
    }

    /// Whether a step was trained, so that a reset would lose something.
    pub fn begun(&self) -> bool {
        self.step() > 0 || self.asked == Some(Asked::Run)
    }

    /// Whether the experiment differs from the session's in something that a running session cannot take.
    pub fn needs_reset(&self, experiment: &Experiment) -> bool {
        self.base.as_ref().is_none_or(|(_, skeleton)| *skeleton != live::skeleton(experiment))
    }

    /// Trains, at the pace that was last [synced](Self::sync).
    pub fn run(&mut self) {
        let command = if self.pace == Some(Pace::ToSwitch) { Command::ToSwitch } else { Command::Run };
        self.ask(command, Asked::Run);
    }

    /// Trains flat out to the next switch.
    pub fn run_to_switch(&mut self) {
        self.send(Command::Pace(None));
        self.ask(Command::ToSwitch, Asked::Run);
        self.hurried = true;
    }

    /// Trains until so many steps are done.
    pub fn run_until(&mut self, step: u64) {
        if step > self.step() {
            self.ask(Command::Until(step), Asked::Run);
        }
    }

    /// Pauses after the current step.
    pub fn pause(&mut self) {
        self.ask(Command::Pause, Asked::Pause);
    }

    /// Trains one step.
    pub fn one_step(&mut self) {
        self.send(Command::Step);
    }

    /// After a failure: goes on from the last checkpoint in memory.
    pub fn restore(&mut self) {
        self.failure = None;
        self.send(Command::Restore);
    }

    /// Sends what the composer changed since the last call: live knobs and the pace.
    pub fn sync(&mut self, experiment: &Experiment) {
        if self.session.is_none() {
            return;
        }
        for (path, value) in live::values(experiment) {
            if self.sent.get(&path).is_some_and(|known| *known != value) {
                // Where the queue is full, the next frame tries again.
                if self.send(Command::Set { path: path.clone(), value }) {
                    self.sent.insert(path, value);
                }
            }
        }
        if self.hurried {
            if self.running() {
                return;
            }
            self.hurried = false;
            self.pace = None;
        }
        let pace = Pace::of(experiment);
        if self.pace != Some(pace) {
            self.send(Command::Pace(pace.rate()));
            // Whether it stops at the switch is a matter of the goal, not of the rate.
            if self.running() && (pace == Pace::ToSwitch || self.pace == Some(Pace::ToSwitch)) {
                self.send(if pace == Pace::ToSwitch { Command::ToSwitch } else { Command::Run });
            }
            self.pace = Some(pace);
        }
    }

    fn ask(&mut self, command: Command, asked: Asked) {
        if self.send(command) {
            self.asked = Some(asked);
        }
    }

    /// Whether the session took it. A full queue means that the trainer is stuck; the next click asks again.
    fn send(&self, command: Command) -> bool {
        self.session.as_ref().is_some_and(|session| session.send(command))
    }
}

impl Default for Runner {
    fn default() -> Self {
        Self::new(Wanted::Auto, Arc::new(|| {}))
    }
}
