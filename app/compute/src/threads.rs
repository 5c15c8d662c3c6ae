//! How many threads the processor's work may take.

use std::num::NonZero;

use thiserror::Error;

/// Why the number of threads could not be set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ThreadsError {
    /// The pool was made before, by an earlier call or by the first parallel work.
    #[error(
        "the thread pool already runs with {running} threads, so it cannot be given {asked}; \
         set the number before the first run"
    )]
    AlreadyRunning {
        /// Threads that the pool has.
        running: usize,
        /// Threads that were asked for.
        asked: usize,
    },
}

/// Logical cores that this process may use; at least 1.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Threads for computing while a window is open: one core stays free for drawing, where there is more than one.
pub fn threads_beside_window() -> usize {
    cores().saturating_sub(1).max(1)
}

/// Gives the processor's work `threads` threads, 0 for one per core, and says how many it has.
///
/// This is the process-wide rayon pool, which burn's Flex backend uses. It can be made once: call this first thing.
/// Asking again for the number that is already running is not an error.
///
/// # Errors
/// When the pool already runs with another number of threads.
pub fn limit_threads(threads: usize) -> Result<usize, ThreadsError> {
    let asked = if threads == 0 { cores() } else { threads };
    let made =
        rayon::ThreadPoolBuilder::new().num_threads(asked).thread_name(|i| format!("compute-{i}")).build_global();
    let running = rayon::current_num_threads();
    if made.is_ok() || running == asked { Ok(running) } else { Err(ThreadsError::AlreadyRunning { running, asked }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_is_made_once_and_a_second_wish_is_refused() {
        assert_eq!(limit_threads(2), Ok(2));
        assert_eq!(limit_threads(2), Ok(2));
        let error = limit_threads(3).unwrap_err();
        assert_eq!(error, ThreadsError::AlreadyRunning { running: 2, asked: 3 });
        assert!(error.to_string().contains("before the first run"), "{error}");
        assert!(threads_beside_window() >= 1 && threads_beside_window() <= cores());
    }
}
