//! What a memory has learned of every cue after every trial.

use super::{Conditioning, ConditioningError, Cues, Trial};
use crate::pairs::{Gaussian, unit};
use crate::{Composition, Memory, MemoryError};

/// The course of an experiment under one memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// How many cues there are.
    pub cues: usize,
    /// `[trials + 1, cues]`: what the memory predicts of each cue alone, before the first trial and after every one.
    pub strengths: Vec<f32>,
    /// `[trials]`: what it predicted of the cues that were shown, before it was told what follows.
    pub predicted: Vec<f32>,
    /// `[trials]`: what followed: the stimulus, or what the memory predicted of the cues that followed.
    pub followed: Vec<f32>,
}

impl Course {
    /// Single trials.
    pub fn trials(&self) -> usize {
        self.followed.len()
    }

    /// What the memory predicts of a cue after so many trials; none beyond the last, and none of a cue that is not there.
    pub fn strength(&self, cue: usize, trials: usize) -> Option<f32> {
        (cue < self.cues).then(|| self.strengths.get(trials * self.cues + cue).copied()).flatten()
    }
}

impl Conditioning {
    /// Trains a memory on all trials; `draw` is the number of the replica, and draws differ where codes are random.
    ///
    /// 60 trials at the default settings take 0.02 ms under a matrix memory and 0.13 ms under softmax
    /// attention, 1000 trials of 8 cues with 16 elements 0.7 and 220 ms, on one core of a busy two-core machine;
    /// [`Conditioning::cost`] tells beforehand.
    ///
    /// # Errors
    /// When settings and trials do not go together, or there is no such memory.
    pub fn course(&self, composition: &Composition, draw: u64) -> Result<Course, ConditioningError> {
        let cues = self.settings.whole("cues");
        let mut course = Course { cues, strengths: Vec::new(), predicted: Vec::new(), followed: Vec::new() };
        self.train(composition, draw, self.count(), |memory, step| {
            if let Some((predicted, followed)) = step {
                course.predicted.push(predicted);
                course.followed.push(followed);
            }
            course.strengths.extend_from_slice(memory);
        })?;
        Ok(course)
    }

    /// The memory after the first `trials` single trials; more than there are mean all.
    ///
    /// # Errors
    /// As [`Conditioning::course`].
    pub fn memory_after(
        &self,
        composition: &Composition,
        draw: u64,
        trials: usize,
    ) -> Result<Box<dyn Memory>, ConditioningError> {
        self.train(composition, draw, trials, |_, _| {})
    }

    /// Shows the strengths of all cues before the first trial and after each, with what was predicted and what followed.
    fn train(
        &self,
        composition: &Composition,
        draw: u64,
        trials: usize,
        mut each: impl FnMut(&[f32], Option<(f32, f32)>),
    ) -> Result<Box<dyn Memory>, ConditioningError> {
        self.check()?;
        let d_k = self.d_k();
        let seed = self.settings.whole("seed") as u64;
        let codes = self.codes(draw);
        self.check_codes(composition, &codes)?;
        let mut memory = composition.build(d_k, 1, seed.wrapping_add(draw))?;
        // All cues at once: some memories rebuild what they hold before they answer.
        let strengths = |memory: &dyn Memory| memory.read_all(&codes, d_k);
        each(&strengths(&*memory), None);
        let single = self.trials.iter().flat_map(|trial| std::iter::repeat_n(trial, trial.times as usize));
        for (number, Trial { cues, us, then, .. }) in single.take(trials).enumerate() {
            let key = sum(&codes, *cues, d_k);
            let before = predicted(&*memory, &key);
            let followed = if cues.is_empty() {
                0.0
            } else if then.is_empty() {
                *us
            } else {
                predicted(&*memory, &sum(&codes, *then, d_k))
            };
            if cues.is_empty() {
                memory.pass();
            } else {
                memory.write(&key, &[followed]);
            }
            let after = strengths(&*memory);
            if !after.iter().all(|strength| strength.is_finite()) {
                return Err(MemoryError::Diverged { writes: number + 1 }.into());
            }
            each(&after, Some((before, followed)));
        }
        Ok(memory)
    }

    /// `[cues, d_k]`: a code of squared length salience for each cue. The elements of one cue are spread over all
    /// channels, so that a gate that keeps some channels longer than others has long and short ones of every cue.
    pub fn codes(&self, draw: u64) -> Vec<f32> {
        let (cues, elements, d_k) = (self.settings.whole("cues"), self.settings.whole("elements"), self.d_k());
        let (rho, length) = (self.settings.real("likeness"), self.settings.real("salience").sqrt());
        let mut random = Gaussian::new(self.settings.whole("seed") as u64, "conditioning codes", draw);
        let own = |cue: usize| -> Vec<f64> {
            if self.settings.text("codes") == "random" {
                return unit(random.by_ref().take(d_k));
            }
            (0..d_k).map(|channel| if channel % cues == cue { (elements as f64).sqrt().recip() } else { 0.0 }).collect()
        };
        // x_i = rho x_(i-1) + sqrt(1 - rho^2) e_i: cosines of rho^|i - j| where the e are at right angles.
        let mut codes: Vec<f64> = Vec::with_capacity(cues * d_k);
        for (cue, own) in (0..cues).map(own).enumerate() {
            let mixed: Vec<f64> = if cue == 0 {
                own
            } else {
                let before = codes[(cue - 1) * d_k..].iter().zip(&own);
                unit(before.map(|(before, own)| rho * before + (1.0 - rho * rho).sqrt() * own))
            };
            codes.extend(mixed);
        }
        codes.into_iter().map(|entry| (length * entry) as f32).collect()
    }
}

fn predicted(memory: &dyn Memory, key: &[f32]) -> f32 {
    memory.read(key).first().copied().unwrap_or(0.0)
}

/// The codes of the cues that are shown, added up.
pub(super) fn sum(codes: &[f32], cues: Cues, d_k: usize) -> Vec<f32> {
    let mut key = vec![0.0; d_k];
    for cue in cues.numbers() {
        key.iter_mut().zip(&codes[cue * d_k..]).for_each(|(sum, entry)| *sum += entry);
    }
    key
}
