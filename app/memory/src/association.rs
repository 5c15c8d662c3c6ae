//! The state behind the view: settings, pairs, and how many writes are shown.

use std::sync::Arc;

use crate::{Component, Gpu, MemoryError, Pairs, Rule, Snapshot, known_error};

/// A memory that can be stepped through, write by write. Every change is answered at once, on the calling thread: in
/// well under a millisecond at the defaults, and in 10 to 17 ms at the most that the settings allow (512 pairs,
/// d_k = d_v = 128), measured on one core of a busy two-core machine.
#[derive(Debug, Clone)]
pub struct Association {
    component: Component,
    rule: Rule,
    decay: f32,
    pairs: Pairs,
    gpu: Option<Arc<Gpu>>,
    snapshot: Snapshot,
}

impl Association {
    /// Draws the pairs and writes them all.
    ///
    /// # Errors
    /// When the settings do not go together, or ask for a graphics card that does not answer.
    pub fn new(component: Component) -> Result<Self, MemoryError> {
        Self::showing(component, |all| all)
    }

    /// With the number of writes shown that `shown` makes of the number of pairs.
    fn showing(component: Component, shown: impl FnOnce(usize) -> usize) -> Result<Self, MemoryError> {
        let pairs = Pairs::draw(&component)?;
        let (rule, decay) = (Rule::of(&component), component.real("decay") as f32);
        let gpu = if component.switch("gpu") { Some(Gpu::shared()?) } else { None };
        let snapshot = Snapshot::take(rule, decay, &pairs, shown(pairs.len()), gpu.as_deref())?;
        Ok(Self { component, rule, decay, pairs, gpu, snapshot })
    }

    /// Takes other settings. The number of writes shown stays, or stays "all".
    ///
    /// # Errors
    /// As [`Association::new`]; the memory then stays as it was.
    pub fn set_component(&mut self, component: Component) -> Result<(), MemoryError> {
        let shown = self.snapshot.writes;
        let all = shown == self.pairs.len();
        *self = Self::showing(component, |pairs| if all { pairs } else { shown })?;
        Ok(())
    }

    /// Shows the memory after its first `writes` writes; more than there are means all.
    ///
    /// # Errors
    /// When the graphics card fails; never on the processor.
    pub fn show(&mut self, writes: usize) -> Result<(), MemoryError> {
        self.snapshot = Snapshot::take(self.rule, self.decay, &self.pairs, writes, self.gpu.as_deref())?;
        Ok(())
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

    /// The rule in force.
    pub fn rule(&self) -> Rule {
        self.rule
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
        known_error(&self.component, self.snapshot.writes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnemoscope_core::Setting;

    fn association() -> Association {
        Association::new(Component::new("association").unwrap().with("pairs", Setting::Number(5.0)).unwrap()).unwrap()
    }

    #[test]
    fn writes_are_shown_one_by_one() {
        let mut association = association();
        assert_eq!(association.snapshot().writes, 5);
        assert!(!association.step().unwrap());
        association.show(0).unwrap();
        assert!(association.snapshot().state.iter().all(|cell| *cell == 0.0));
        let mut sum = vec![0.0; 64 * 64];
        while association.step().unwrap() {
            sum.iter_mut().zip(&association.snapshot().last_write).for_each(|(sum, write)| *sum += write);
        }
        let state = &association.snapshot().state;
        assert!(sum.iter().zip(state).all(|(a, b)| (a - b).abs() < 1e-6));
        assert_eq!(association.known_error(), Some(4.0 / 64.0));
    }

    #[test]
    fn other_settings_keep_the_place_and_refused_ones_change_nothing() {
        let mut association = association();
        let with = |name: &str, value: f64| association.component().clone().with(name, Setting::Number(value)).unwrap();
        let (more, fewer) = (with("pairs", 9.0), with("pairs", 2.0));
        association.set_component(more.clone()).unwrap();
        assert_eq!(association.snapshot().writes, 9, "all stays all");
        association.show(3).unwrap();
        association.set_component(more.clone().with("noise", Setting::Number(0.5)).unwrap()).unwrap();
        assert_eq!(association.snapshot().writes, 3);
        let before = association.snapshot().clone();
        let wild = more.with("rule", Setting::Text("delta".to_owned())).unwrap();
        let wild = wild.with("beta", Setting::Number(0.0)).unwrap();
        assert!(matches!(association.set_component(wild), Err(MemoryError::Beta { .. })));
        assert_eq!(association.snapshot(), &before);
        association.set_component(fewer).unwrap();
        assert_eq!(association.snapshot().writes, 2);
    }
}
