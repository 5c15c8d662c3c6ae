//! The state behind the view: settings, pairs, and how many writes are shown.

use std::sync::Arc;

use crate::recall::write;
use crate::{Component, Composition, Gpu, Memory, MemoryError, Pairs, Snapshot, fits, known_error};

/// A memory that can be stepped through, write by write. Every change is computed on the calling thread: in 0.2 to
/// 1.2 ms at the defaults, but at 512 pairs of d_k = d_v = 128 in 65 to 370 ms for the known memories, 2.3 s for a line fitted
/// around each query and 8 s for a soup of deep memories kept after every third pair (one core of a busy two-core
/// machine; the test `measured_costs`). [`association_cost`](crate::association_cost) tells beforehand what fits into a
/// frame.
#[derive(Debug, Clone)]
pub struct Association {
    component: Component,
    composition: Composition,
    pairs: Arc<Pairs>,
    gpu: Option<Arc<Gpu>>,
    /// Holds the writes that the snapshot shows.
    memory: Box<dyn Memory>,
    snapshot: Snapshot,
}

impl Association {
    /// Draws the pairs and writes them all.
    ///
    /// # Errors
    /// When the settings or the choices do not go together, or ask for a graphics card that does not answer or does not
    /// know the memory.
    pub fn new(component: Component, composition: Composition) -> Result<Self, MemoryError> {
        Self::showing(component, composition, |all| all)
    }

    /// Draws the pairs and writes the first `writes` of them; more than there are means all.
    ///
    /// # Errors
    /// As [`Association::new`].
    pub fn with_writes(component: Component, composition: Composition, writes: usize) -> Result<Self, MemoryError> {
        Self::showing(component, composition, |all| writes.min(all))
    }

    /// With the number of writes shown that `shown` makes of the number of pairs.
    fn showing(
        component: Component,
        composition: Composition,
        shown: impl FnOnce(usize) -> usize,
    ) -> Result<Self, MemoryError> {
        fits(&component, &composition)?;
        let pairs = Arc::new(Pairs::draw(&component)?.fitted(&composition).into_owned());
        let gpu = if component.switch("gpu") { Some(Gpu::shared()?) } else { None };
        let shown = shown(pairs.len());
        let mut memory = composition.build(pairs.d_k, pairs.d_v, component.whole("seed") as u64)?;
        write(memory.as_mut(), &pairs, 0, shown);
        let snapshot = Snapshot::of(memory.as_ref(), &composition, &pairs, shown, gpu.as_deref())?;
        Ok(Self { component, composition, pairs, gpu, memory, snapshot })
    }

    /// Takes other settings and choices. The number of writes shown stays, or stays "all".
    ///
    /// # Errors
    /// As [`Association::new`]; the memory then stays as it was.
    pub fn change(&mut self, component: Component, composition: Composition) -> Result<(), MemoryError> {
        let shown = self.snapshot.writes;
        let all = shown == self.pairs.len();
        *self = Self::showing(component, composition, |pairs| if all { pairs } else { shown })?;
        Ok(())
    }

    /// Shows the memory after its first `writes` writes; more than there are means all.
    ///
    /// # Errors
    /// When the graphics card fails; never on the processor.
    pub fn show(&mut self, writes: usize) -> Result<(), MemoryError> {
        *self = self.after(writes)?;
        Ok(())
    }

    /// The same pairs in the same memory after its first `writes` writes, this one left as it is; what is written here
    /// already is not written again.
    ///
    /// # Errors
    /// When the graphics card fails; never on the processor.
    pub fn after(&self, writes: usize) -> Result<Self, MemoryError> {
        let (from, to) = (self.snapshot.writes, writes.min(self.pairs.len()));
        let mut memory = self.memory.clone();
        if to < from {
            memory.reset();
        }
        write(memory.as_mut(), &self.pairs, if to < from { 0 } else { from }, to);
        let snapshot = Snapshot::of(memory.as_ref(), &self.composition, &self.pairs, to, self.gpu.as_deref())?;
        let (component, composition) = (self.component.clone(), self.composition.clone());
        Ok(Self { component, composition, pairs: self.pairs.clone(), gpu: self.gpu.clone(), memory, snapshot })
    }

    /// Shows one more write. False where all are shown.
    ///
    /// # Errors
    /// When the graphics card fails; never on the processor.
    pub fn step(&mut self) -> Result<bool, MemoryError> {
        let more = self.snapshot.writes < self.pairs.len();
        if more {
            self.show(self.snapshot.writes + 1)?;
        }
        Ok(more)
    }

    /// The settings.
    pub fn component(&self) -> &Component {
        &self.component
    }

    /// The four choices.
    pub fn composition(&self) -> &Composition {
        &self.composition
    }

    /// The memory after the writes shown.
    pub fn memory(&self) -> &dyn Memory {
        self.memory.as_ref()
    }

    /// The pairs, all of them.
    pub fn pairs(&self) -> &Pairs {
        &self.pairs
    }

    /// What the memory holds and answers after the writes shown.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The adapter that computes; none on the processor.
    pub fn adapter(&self) -> Option<&str> {
        self.gpu.as_ref().map(|gpu| gpu.name())
    }

    /// The known error after the writes shown, where these settings have one; see [`known_error`].
    pub fn known_error(&self) -> Option<f64> {
        known_error(&self.component, &self.composition, self.snapshot.writes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnemoscope_core::Setting;

    fn association() -> Association {
        let component = Component::new("association").unwrap().with("pairs", Setting::Number(5.0)).unwrap();
        Association::new(component, Composition::default()).unwrap()
    }

    #[test]
    fn writes_are_shown_one_by_one() {
        let mut association = association();
        assert_eq!(association.snapshot().writes, 5);
        assert!(!association.step().unwrap());
        association.show(0).unwrap();
        assert!(association.snapshot().memory.values.iter().all(|cell| *cell == 0.0));
        let mut sum = vec![0.0; 64 * 64];
        while association.step().unwrap() {
            sum.iter_mut()
                .zip(&association.snapshot().last_write.as_ref().unwrap().values)
                .for_each(|(sum, write)| *sum += write);
        }
        let state = &association.snapshot().memory.values;
        assert!(sum.iter().zip(state).all(|(a, b)| (a - b).abs() < 1e-6));
        assert_eq!(association.known_error(), Some(4.0 / 64.0));
    }

    #[test]
    fn other_settings_keep_the_place_and_refused_ones_change_nothing() {
        let mut association = association();
        let with = |name: &str, value: f64| association.component().clone().with(name, Setting::Number(value)).unwrap();
        let (more, fewer) = (with("pairs", 9.0), with("pairs", 2.0));
        let hebb = Composition::default();
        association.change(more.clone(), hebb.clone()).unwrap();
        assert_eq!(association.snapshot().writes, 9, "all stays all");
        association.show(3).unwrap();
        association.change(more.clone().with("noise", Setting::Number(0.5)).unwrap(), hebb.clone()).unwrap();
        assert_eq!(association.snapshot().writes, 3);
        let before = association.snapshot().clone();
        let mut wild = Composition::named().iter().find(|point| point.name == "delta_rule").unwrap().composition();
        wild.rule.set("beta", Setting::Number(0.0)).unwrap();
        assert!(matches!(association.change(more, wild), Err(MemoryError::Wild { .. })));
        assert_eq!(association.snapshot(), &before);
        association.change(fewer, hebb).unwrap();
        assert_eq!(association.snapshot().writes, 2);
    }

    #[test]
    fn stepping_back_and_on_again_gives_the_same_memory() {
        for point in Composition::named() {
            let mut association = association();
            association.change(association.component().clone(), point.composition()).unwrap();
            let all = association.snapshot().clone();
            association.show(2).unwrap();
            while association.step().unwrap() {}
            assert_eq!(association.snapshot(), &all, "{}", point.name);
        }
    }
}
