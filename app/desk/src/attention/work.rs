//! What takes longer than a frame: computed on a thread of its own, always for the newest settings.

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
    arrived: Arc<Mutex<Option<V>>>,
}

impl<K, V> Default for Work<K, V> {
    fn default() -> Self {
        Self { of: None, value: None, under_way: false, arrived: Arc::default() }
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
        let arrived = self.arrived.lock().take();
        let new = arrived.is_some();
        if new {
            self.value = arrived;
            self.under_way = false;
        }
        if !self.under_way && self.of.as_ref() != Some(&wanted) {
            self.of = Some(wanted.clone());
            let (place, ctx) = (self.arrived.clone(), ctx.clone());
            let work = move || {
                let value = compute(&wanted);
                *place.lock() = Some(value);
                ctx.request_repaint();
            };
            self.under_way = std::thread::Builder::new().name(name.to_owned()).spawn(work).is_ok();
        }
        new
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
}
