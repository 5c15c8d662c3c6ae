//! Which replicas an experiment trains: seeds times swept values.

use std::ops::Range;

use mnemoscope_core::{Component, Knobs, Registry, Setting};

use crate::experiment::Experiment;

/// Most replicas of one run.
pub const MOST_REPLICAS: usize = 256;

/// Replicas that share every knob and differ in their seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// What sets it apart, such as "λ = 100"; empty where nothing is swept.
    pub label: String,
    /// Its replicas.
    pub replicas: Range<usize>,
    /// The swept values, in the order of [`Population::axes`].
    pub values: Vec<f64>,
}

/// One swept knob.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Such as `methods.ewc.lambda`.
    pub path: String,
    /// The knob's symbol, or its label where it has none.
    pub symbol: String,
    /// Whether its slider is logarithmic.
    pub log: bool,
    /// Its values.
    pub values: Vec<f64>,
}

/// The replicas of a run. Replica = variant * seeds + seed index.
#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    /// Seed of each replica.
    pub seeds: Vec<u64>,
    /// What is swept; empty in most runs.
    pub axes: Vec<Axis>,
    /// Replicas that share every knob.
    pub variants: Vec<Variant>,
}

impl Population {
    /// The replicas that the experiment asks for.
    ///
    /// # Errors
    /// When a sweep has no values, or there would be more than [`MOST_REPLICAS`] replicas.
    pub fn of(experiment: &Experiment) -> Result<Self, String> {
        let mut axes = Vec::new();
        collect(&mut axes, "optimiser", &experiment.optimiser)?;
        collect(&mut axes, "schedule", &experiment.schedule)?;
        for method in &experiment.methods {
            collect(&mut axes, &format!("methods.{}", method.name()), method)?;
        }
        let count = experiment.population.whole("seeds");
        let first = experiment.population.whole("first") as u64;
        let combinations: usize = axes.iter().map(|axis: &Axis| axis.values.len()).product();
        if combinations * count > MOST_REPLICAS {
            return Err(format!(
                "{combinations} swept values times {count} seeds are {} replicas; at most {MOST_REPLICAS} train at once",
                combinations * count
            ));
        }
        let variants = (0..combinations)
            .map(|index| {
                let values = combination(&axes, index);
                let parts: Vec<String> = axes
                    .iter()
                    .zip(&values)
                    .map(|(axis, value)| format!("{} = {}", axis.symbol, short(*value)))
                    .collect();
                Variant { label: parts.join(", "), replicas: index * count..(index + 1) * count, values }
            })
            .collect();
        let seeds = (0..combinations).flat_map(|_| (0..count as u64).map(|i| first + i)).collect();
        Ok(Self { seeds, axes, variants })
    }

    /// Replicas in all.
    pub fn replicas(&self) -> usize {
        self.seeds.len()
    }

    /// The component's knobs with every swept one spread over the replicas.
    pub fn knobs<R: Registry>(&self, place: &str, component: &Component<R>) -> Knobs {
        let mut knobs = Knobs::uniform(component, self.replicas());
        for (knob, _) in component.settings() {
            let path = format!("{place}.{}", knob.name);
            if let Some(axis) = self.axes.iter().position(|axis| axis.path == path) {
                let values = self.variants.iter().flat_map(|v| v.replicas.clone().map(|_| v.values[axis])).collect();
                knobs.spread(knob.name, values);
            }
        }
        knobs
    }
}

fn collect<R: Registry>(axes: &mut Vec<Axis>, place: &str, component: &Component<R>) -> Result<(), String> {
    for (knob, setting) in component.settings() {
        if let Setting::Sweep(sweep) = setting {
            let log = matches!(knob.domain, mnemoscope_core::Domain::Real { scale: mnemoscope_core::Scale::Log, .. });
            let symbol = if knob.symbol.is_empty() { knob.label } else { knob.symbol };
            axes.push(Axis {
                path: format!("{place}.{}", knob.name),
                symbol: symbol.to_owned(),
                log,
                values: sweep.values()?,
            });
        }
    }
    Ok(())
}

/// The values of combination `index`, the last axis running fastest.
fn combination(axes: &[Axis], mut index: usize) -> Vec<f64> {
    let mut values: Vec<f64> = axes
        .iter()
        .rev()
        .map(|axis| {
            let value = axis.values[index % axis.values.len()];
            index /= axis.values.len();
            value
        })
        .collect();
    values.reverse();
    values
}

fn short(value: f64) -> String {
    if value != 0.0 && (value.abs() >= 1e5 || value.abs() < 1e-3) {
        format!("{value:.1e}")
    } else {
        let text = format!("{value:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}
