//! Saving a population and going back to it.

use super::Learner;
use crate::objective::Values;
use crate::{LearnerError, State};

impl Learner {
    /// Everything that a run needs to go on.
    pub fn save(&self) -> State {
        let mut state = State { block: self.block.clone(), ..State::default() };
        state.put("weights", &self.site.weights);
        state.put("diverged", &self.diverged.clone().float());
        state.put_words("steps", self.site.steps.iter().copied());
        state.put_words("block_steps", self.block_steps.iter().copied());
        state.put_words("rows", [self.rows as u64]);
        self.optimiser.save(&mut state);
        self.methods.iter().for_each(|method| method.save(&mut state));
        let parts = [("optimiser", self.optimiser.knobs()), ("schedule", &self.schedule)];
        let methods = self.methods.iter().filter_map(|method| Some((method.kind(), method.knobs()?)));
        parts.into_iter().chain(methods).for_each(|(component, knobs)| state.put_knobs(component, knobs));
        state
    }

    /// Goes back to a saved state of the same plan.
    ///
    /// # Errors
    /// When an entry is missing or has another shape; the learner may then be half restored and should be dropped.
    pub fn load(&mut self, state: &State) -> Result<(), LearnerError> {
        let replicas = self.site.replicas();
        let device = self.site.device.clone();
        self.site.weights = state.tensor("weights", self.site.shape(), &device)?;
        self.diverged = state.tensor("diverged", [replicas, 1], &device)?.greater_scalar(0.5);
        self.site.steps = state.words_of("steps", replicas)?.to_vec();
        self.block_steps = state.words_of("block_steps", replicas)?.to_vec();
        self.rows = state.words_of("rows", 1)?[0] as usize;
        self.values = Values::default();
        self.block = None;
        if let Some(info) = &state.block {
            self.enter(info);
        }
        self.optimiser.load(&self.site, state)?;
        state.knobs("optimiser", self.optimiser.knobs_mut())?;
        state.knobs("schedule", &mut self.schedule)?;
        for method in &mut self.methods {
            method.load(&self.site, state)?;
            let kind = method.kind();
            if let Some(knobs) = method.knobs_mut() {
                state.knobs(kind, knobs)?;
            }
        }
        Ok(())
    }
}
