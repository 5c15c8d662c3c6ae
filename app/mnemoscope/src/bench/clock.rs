//! Processor time of the calling thread: what other threads do in the meantime does not count.

/// Started at some moment of this thread.
pub struct Clock(Moment);

impl Clock {
    /// Starts now.
    pub fn start() -> Self {
        Self(now())
    }

    /// Seconds of this thread's processor time since the start; on Windows wall time, which has no such clock.
    pub fn seconds(&self) -> f64 {
        since(self.0)
    }
}

#[cfg(unix)]
type Moment = rustix::time::Timespec;

#[cfg(unix)]
fn now() -> Moment {
    rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)
}

#[cfg(unix)]
fn since(start: Moment) -> f64 {
    let end = now();
    (end.tv_sec - start.tv_sec) as f64 + (end.tv_nsec - start.tv_nsec) as f64 * 1e-9
}

#[cfg(not(unix))]
type Moment = std::time::Instant;

#[cfg(not(unix))]
fn now() -> Moment {
    std::time::Instant::now()
}

#[cfg(not(unix))]
fn since(start: Moment) -> f64 {
    start.elapsed().as_secs_f64()
}
