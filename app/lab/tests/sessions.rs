//! A session: commands in, snapshots out. Driven by step counts; waiting is bounded by wake-ups, not by time.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use mnemoscope_compute::Wanted;
use mnemoscope_lab::{Command, Experiment, Session, Snapshot, Start, Status, path};

struct Watched {
    session: Session,
    woken: Receiver<()>,
}

impl Watched {
    fn start(edit: impl FnOnce(&mut Experiment)) -> Self {
        let mut experiment = Experiment::default();
        for (name, value) in [("stream.tasks", "2"), ("stream.steps", "30"), ("population.seeds", "1")] {
            path::set(&mut experiment, name, value).unwrap();
        }
        edit(&mut experiment);
        let (wake, woken) = channel();
        let start = Start { experiment, device: Wanted::Cpu, checkpoint: None };
        let session = Session::start(start, move || {
            wake.send(()).ok();
        })
        .unwrap();
        Self { session, woken }
    }

    /// Waits for the next snapshot that satisfies `done`; a session that ends without one fails the test.
    fn until(&self, done: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        loop {
            if let Some(snapshot) = self.session.snapshot().filter(|snapshot| done(snapshot)) {
                return snapshot;
            }
            self.woken.recv().expect("the session ended");
        }
    }
}

#[test]
fn commands_are_obeyed_in_order() {
    let watched = Watched::start(|_| {});
    let at_rest = watched.until(|snapshot| snapshot.status == Status::Paused);
    assert_eq!(at_rest.step, 0);
    watched.session.send(Command::Step);
    assert_eq!(watched.until(|snapshot| snapshot.step > 0 && snapshot.status == Status::Paused).step, 1);
    watched.session.send(Command::ToSwitch);
    assert_eq!(watched.until(|snapshot| snapshot.step > 1 && snapshot.status == Status::Paused).step, 30);
    watched.session.send(Command::Set { path: "optimiser.rate".to_owned(), value: 0.5 });
    let changed = watched.until(|snapshot| !snapshot.events.is_empty());
    assert_eq!((changed.events[0].step, changed.events[0].new), (30, 0.5));
    watched.session.send(Command::Run);
    let end = watched.until(|snapshot| snapshot.status == Status::Finished);
    assert_eq!(end.step, 60);
    assert_eq!(end.matrices.all.rows.len(), 2);
}

#[test]
fn a_run_that_cannot_be_made_says_why() {
    let watched = Watched::start(|experiment| {
        path::set(experiment, "stream.tasks", "100").unwrap();
    });
    watched.woken.recv().unwrap();
    let failure = watched.session.failure().expect("ten classes cannot make a hundred tasks");
    assert!(failure.message.contains("tasks"), "{}", failure.message);
    assert_eq!(failure.checkpoint, None);
}

#[test]
fn a_checkpoint_written_by_a_session_can_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::start(|_| {});
    watched.session.send(Command::Until(17));
    watched.until(|snapshot| snapshot.step == 17 && snapshot.status == Status::Paused);
    watched.session.send(Command::Save(folder.path().to_owned()));
    // Commands are obeyed in order: when this step is done, the checkpoint is written.
    watched.session.send(Command::Step);
    watched.until(|snapshot| snapshot.step == 18 && snapshot.status == Status::Paused);
    let checkpoint = Arc::new(mnemoscope_lab::Checkpoint::read(folder.path()).unwrap());
    let (wake, woken) = channel();
    let start =
        Start { experiment: checkpoint.experiment().clone(), device: Wanted::Cpu, checkpoint: Some(checkpoint) };
    let session = Session::start(start, move || {
        wake.send(()).ok();
    })
    .unwrap();
    woken.recv().unwrap();
    assert_eq!(session.snapshot().unwrap().step, 17);
}

#[test]
fn a_fault_in_training_is_told_and_the_last_checkpoint_goes_on() {
    let watched = Watched::start(|_| {});
    watched.session.send(Command::Until(40));
    watched.until(|snapshot| snapshot.step == 40 && snapshot.status == Status::Paused);
    watched.session.send(Command::Set { path: "optimiser.rate".to_owned(), value: 0.5 });
    watched.session.send(Command::Fault);
    let failed = watched.until(|snapshot| matches!(snapshot.status, Status::Failed(_)));
    let failure = watched.session.failure().unwrap();
    assert_eq!(failed.status, Status::Failed(failure.clone()));
    assert!(failure.message.contains("a fault on request"), "{}", failure.message);
    // The last task switch was at step 30. What a slider was set to since then must not be lost.
    assert_eq!(failure.checkpoint, Some(30));
    watched.session.send(Command::Restore);
    watched.session.send(Command::Run);
    let end = watched.until(|snapshot| snapshot.status == Status::Finished);
    assert_eq!((end.step, end.events[0].step, end.events[0].new), (60, 30, 0.5));
    assert_eq!(watched.session.failure(), None);
}
