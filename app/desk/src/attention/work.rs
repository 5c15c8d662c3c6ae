//! What takes longer than a frame: computed on a thread of its own, always for the newest settings; the last picture stays
//! until it arrives.

use std::sync::Arc;

use egui::Context;
use parking_lot::Mutex;

/// One computation. While one is under way no other begins: as a slider is dragged, the next one starts where the slider
/// is by then, and what is shown is never more than one behind.
pub(crate) struct Work<K, V> {
    /// The settings of `value`, or of the thread under way.
    of: Option<K>,
    value: Option<V>,
    under_way: bool,
    /// What is under way was asked for before `value` was computed here: it is dropped when it arrives.
    stale: bool,
    /// `value` answers older settings than the last that were wanted.
    behind: bool,
    arrived: Arc<Mutex<Option<V>>>,
}

impl<K, V> Default for Work<K, V> {
    fn default() -> Self {
        Self { of: None, value: None, under_way: false, stale: false, behind: false, arrived: Arc::default() }
    }
}

impl<K: Clone + PartialEq + Send + 'static, V: Send + 'static> Work<K, V> {
    /// Takes what has arrived and asks for `wanted` where that is something new; `true` when a value has arrived.
    /// `name` is the thread's.
    pub(crate) fn update(
        &mut self,
        ctx: &Context,
        name: &str,
        wanted: K,
        compute: impl FnOnce(&K) -> V + Send + 'static,
    ) -> bool {
        self.answer(ctx, name, wanted, false, compute)
    }

    /// As [`Work::update`], but what is `quick` is computed here and now.
    pub(crate) fn answer(
        &mut self,
        ctx: &Context,
        name: &str,
        wanted: K,
        quick: bool,
        compute: impl FnOnce(&K) -> V + Send + 'static,
    ) -> bool {
        let arrived = self.arrived.lock().take();
        let mut new = false;
        if let Some(value) = arrived {
            (new, self.under_way) = (!self.stale, false);
            if !std::mem::take(&mut self.stale) {
                self.value = Some(value);
            }
        }
        if self.of.as_ref() != Some(&wanted) {
            if quick {
                self.value = Some(compute(&wanted));
                (new, self.stale) = (true, self.under_way);
                self.of = Some(wanted);
            } else if !self.under_way {
                self.of = Some(wanted.clone());
                let (place, ctx) = (self.arrived.clone(), ctx.clone());
                let work = move || {
                    let value = compute(&wanted);
                    *place.lock() = Some(value);
                    ctx.request_repaint();
                };
                self.under_way = std::thread::Builder::new().name(name.to_owned()).spawn(work).is_ok();
                self.behind = self.under_way;
                return new;
            } else {
                self.behind = true;
                return new;
            }
        }
        self.behind = self.under_way && !self.stale;
        new
    }

    /// Whether something newer than the value is being computed.
    pub(crate) fn behind(&self) -> bool {
        self.behind
    }

    /// The last value that arrived; while another is under way, the one before.
    pub(crate) fn value(&self) -> Option<&V> {
        self.value.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_settings_win_and_the_same_ones_are_computed_once() {
        let ctx = Context::default();
        let mut work: Work<u32, u32> = Work::default();
        let mut until = |wanted: u32, expected: u32| {
            while work.value() != Some(&expected) {
                work.update(&ctx, "test", wanted, |wanted| wanted * 10);
                std::thread::yield_now();
            }
            assert!(!work.update(&ctx, "test", wanted, |_| unreachable!("the same settings again")));
        };
        until(4, 40);
        until(7, 70);
    }

    #[test]
    fn what_is_quick_is_there_at_once_and_what_was_asked_for_before_does_not_undo_it() {
        let ctx = Context::default();
        let mut work: Work<u32, u32> = Work::default();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let slow = move |wanted: &u32| held.recv().map_or(0, |()| wanted * 10);
        assert!(!work.answer(&ctx, "test", 1, false, slow) && work.value().is_none() && work.behind());
        assert!(work.answer(&ctx, "test", 2, true, |wanted| wanted * 10));
        assert_eq!((work.value(), work.behind()), (Some(&20), false));
        release.send(()).unwrap();
        while work.under_way {
            assert!(!work.answer(&ctx, "test", 2, true, |_| unreachable!("the same settings again")));
            std::thread::yield_now();
        }
        assert_eq!((work.value(), work.behind()), (Some(&20), false));
    }
}
