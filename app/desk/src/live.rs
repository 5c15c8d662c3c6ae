//! Which part of an edit a running session can take at once, and which part needs a reset.

use std::collections::BTreeMap;

use mnemoscope_core::{Component, Registry, Setting};
use mnemoscope_lab::Experiment;

/// The values of all live knobs, by path such as `methods.ewc.lambda`. Swept knobs are not among them.
pub fn values(experiment: &Experiment) -> BTreeMap<String, f64> {
    let mut out = BTreeMap::new();
    collect(&mut out, "optimiser", &experiment.optimiser);
    collect(&mut out, "schedule", &experiment.schedule);
    for method in &experiment.methods {
        collect(&mut out, &format!("methods.{}", method.name()), method);
    }
    out
}

fn collect<R: Registry>(out: &mut BTreeMap<String, f64>, place: &str, component: &Component<R>) {
    for (knob, setting) in component.settings() {
        if let (true, Setting::Number(value)) = (knob.live, setting) {
            out.insert(format!("{place}.{}", knob.name), *value);
        }
    }
}

/// What a session is built from: the experiment without what it can take while it runs, without words and without what
/// belongs to the window alone. Two experiments with one skeleton need no reset between them.
pub fn skeleton(experiment: &Experiment) -> Experiment {
    let blank = Experiment::default();
    let mut bare = Experiment {
        title: String::new(),
        look_for: String::new(),
        note: String::new(),
        expected_seconds: 0.0,
        focus: mnemoscope_lab::Focus::Weights,
        provenance: None,
        pace: blank.pace,
        memory: if experiment.model.name() == "sequence" { experiment.memory.clone() } else { blank.memory },
        bench: blank.bench,
        attention: blank.attention,
        conditioning: blank.conditioning,
        depth: blank.depth,
        ..experiment.clone()
    };
    level(&mut bare.optimiser);
    level(&mut bare.schedule);
    bare.methods.iter_mut().for_each(level);
    bare
}

/// Puts every live number at its default.
fn level<R: Registry>(component: &mut Component<R>) {
    let live: Vec<_> = component
        .settings()
        .filter(|(knob, setting)| knob.live && matches!(setting, Setting::Number(_)))
        .map(|(knob, _)| knob)
        .collect();
    for knob in live {
        if component.set(knob.name, knob.default()).is_err() {
            // A declared default lies in its own domain; the core's tests say so.
            log::error!("the default of {} is outside its domain", knob.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnemoscope_core::Sweep;

    fn ewc(lambda: Setting) -> Experiment {
        let method = Component::new("ewc").unwrap().with("lambda", lambda).unwrap();
        Experiment { methods: vec![method], ..Experiment::default() }
    }

    #[test]
    fn a_live_number_needs_no_reset_and_a_sweep_does() {
        let (low, high) = (ewc(Setting::Number(10.0)), ewc(Setting::Number(500.0)));
        assert_eq!(skeleton(&low), skeleton(&high));
        assert_eq!(values(&high)["methods.ewc.lambda"], 500.0);
        let swept = ewc(Setting::Sweep(Sweep::Log(1.0, 100.0, 3)));
        assert_ne!(skeleton(&low), skeleton(&swept));
        assert!(!values(&swept).contains_key("methods.ewc.lambda"));
        assert_ne!(skeleton(&low), skeleton(&Experiment::default()));
    }

    #[test]
    fn words_and_pace_need_no_reset_and_the_seed_does() {
        let base = Experiment::default();
        let mut other = base.clone();
        other.title = "Another".to_owned();
        other.pace.set("rate", Setting::Number(5.0)).unwrap();
        assert_eq!(skeleton(&base), skeleton(&other));
        other.seed = 1;
        assert_ne!(skeleton(&base), skeleton(&other));
    }
}
