//! A component's settings resolved for a population: one value per replica where the knob may differ.

use std::collections::BTreeMap;

use crate::{Component, ComponentError, Kind, Registry, Setting};

/// What a running component reads. Real knobs answer with one value per replica.
#[derive(Debug, Clone, PartialEq)]
pub struct Knobs {
    kind: &'static Kind,
    replicas: usize,
    settings: BTreeMap<&'static str, Setting>,
    per_replica: BTreeMap<&'static str, Vec<f64>>,
}

impl Knobs {
    /// Every replica at the component's value; a sweep must be spread with [`Knobs::spread`].
    pub fn uniform<R: Registry>(component: &Component<R>, replicas: usize) -> Self {
        let mut per_replica = BTreeMap::new();
        let mut settings = BTreeMap::new();
        for (knob, setting) in component.settings() {
            if let Setting::Number(_) | Setting::Sweep(_) = setting {
                per_replica.insert(knob.name, vec![component.real(knob.name); replicas]);
            }
            settings.insert(knob.name, setting.clone());
        }
        Self { kind: component.kind(), replicas, settings, per_replica }
    }

    /// Gives a swept knob its value in each replica.
    ///
    /// # Panics
    /// When there are not as many values as replicas.
    pub fn spread(&mut self, name: &'static str, values: Vec<f64>) {
        assert_eq!(values.len(), self.replicas, "one value of {name} per replica");
        self.per_replica.insert(name, values);
    }

    /// The kind of the component.
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// Replicas in the population.
    pub fn replicas(&self) -> usize {
        self.replicas
    }

    /// One value per replica, as the tensors hold them.
    ///
    /// # Panics
    /// When the knob is not a declared number.
    pub fn reals(&self, name: &str) -> Vec<f32> {
        self.numbers(name).iter().map(|value| *value as f32).collect()
    }

    /// The value of a number that is the same for all replicas; of a swept one the first replica's.
    ///
    /// # Panics
    /// When the knob is not a declared number.
    pub fn real(&self, name: &str) -> f64 {
        self.numbers(name).first().copied().unwrap_or(f64::NAN)
    }

    /// A whole number.
    ///
    /// # Panics
    /// When the knob is not a declared number.
    pub fn whole(&self, name: &str) -> usize {
        self.real(name) as usize
    }

    fn numbers(&self, name: &str) -> &[f64] {
        match self.per_replica.get(name) {
            Some(values) => values,
            None => panic!("{} declares no number {name}", self.kind.name),
        }
    }

    /// A choice's name, or text.
    ///
    /// # Panics
    /// When the knob is neither.
    pub fn text(&self, name: &str) -> &str {
        match self.settings.get(name) {
            Some(Setting::Text(text)) => text,
            _ => panic!("{} declares no choice or text {name}", self.kind.name),
        }
    }

    /// Yes or no.
    ///
    /// # Panics
    /// When the knob is not a switch.
    pub fn switch(&self, name: &str) -> bool {
        match self.settings.get(name) {
            Some(Setting::Switch(value)) => *value,
            _ => panic!("{} declares no switch {name}", self.kind.name),
        }
    }

    /// A list of whole numbers.
    ///
    /// # Panics
    /// When the knob is not a list.
    pub fn list(&self, name: &str) -> Vec<usize> {
        match self.settings.get(name) {
            Some(Setting::List(list)) => list.iter().map(|value| *value as usize).collect(),
            _ => panic!("{} declares no list {name}", self.kind.name),
        }
    }

    /// Changes a number in every replica, while the run is under way.
    ///
    /// # Errors
    /// When there is no such knob, it may not change while running, or the value is outside its domain.
    pub fn set_live(&mut self, name: &str, value: f64) -> Result<(), ComponentError> {
        let noun = "component";
        let kind = self.kind.name;
        let Some(knob) = self.kind.knob(name).filter(|knob| knob.live) else {
            let live = || self.kind.knobs.iter().filter(|knob| knob.live).map(|knob| knob.name);
            return Err(ComponentError::UnknownKnob {
                noun: "the running",
                kind,
                name: name.to_owned(),
                hint: crate::nearest(name, live()),
                all: live().collect::<Vec<_>>().join(", "),
            });
        };
        let setting = Setting::Number(value);
        knob.check(&setting).map_err(|error| ComponentError::Setting { noun, kind, error })?;
        self.settings.insert(knob.name, setting);
        self.per_replica.insert(knob.name, vec![value; self.replicas]);
        Ok(())
    }
}
