//! Learning-rate schedules: the factor on the optimiser's rate at each step.

use mnemoscope_core::{Kind, Knob, Knobs, Opt, Registry, Scale};

/// The schedules.
#[derive(Debug, Clone, Copy)]
pub struct Schedules;

static SPANS: [Opt; 2] = [
    Opt { name: "block", label: "Each block", meaning: "Starts anew with every task block." },
    Opt { name: "run", label: "Whole run", meaning: "Runs once from the first to the last step." },
];

static COSINE: [Knob; 2] = [
    Knob::real("floor", "Floor", "f", 0.0, 1.0, 0.0, Scale::Linear)
        .meaning("Share of the rate that is left at the end.")
        .source("η_min of Loshchilov and Hutter 2017, eq. 5")
        .live()
        .swept(),
    Knob::choice("per", "Span", &SPANS, "block")
        .meaning("What one half wave of the cosine covers.")
        .source("warm restarts: Loshchilov and Hutter 2017"),
];

static STEP: [Knob; 2] = [
    Knob::whole("every", "Every", "s", 1, 1_000_000, 1000, Scale::Log)
        .unit("steps")
        .meaning("Steps between two reductions, counted over the run.")
        .source("PyTorch StepLR")
        .live()
        .swept(),
    Knob::real("factor", "Factor", "γ", 0.0, 1.0, 0.5, Scale::Linear)
        .meaning("What the rate is multiplied with at each reduction.")
        .source("PyTorch StepLR")
        .live()
        .swept(),
];

static KINDS: [Kind; 3] = [
    Kind { name: "constant", label: "Constant", meaning: "The rate as set.", source: "none", knobs: &[] },
    Kind {
        name: "cosine",
        label: "Cosine",
        meaning: "Half a cosine wave from the full rate to the floor: f + (1 − f) (1 + cos(π t / T)) / 2.",
        source: "Loshchilov and Hutter 2017, eq. 5",
        knobs: &COSINE,
    },
    Kind {
        name: "step",
        label: "Step",
        meaning: "The rate is multiplied by γ after every s steps: γ^⌊t / s⌋.",
        source: "PyTorch StepLR",
        knobs: &STEP,
    },
];

impl Registry for Schedules {
    const NOUN: &'static str = "schedule";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}

/// Where a replica stands in its run, in steps that it has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// Steps taken in the run, and how many it has.
    pub run: (u64, u64),
    /// Steps taken in the block, and how many it has; none before the first block.
    pub block: Option<(u64, u64)>,
}

/// The factor on the rate of `replica`'s next step.
pub(crate) fn factor(knobs: &Knobs, replica: usize, position: Position) -> f64 {
    let of = |name: &str| f64::from(knobs.reals(name)[replica]);
    match knobs.kind().name {
        "cosine" => {
            let (taken, all) = match (knobs.text("per"), position.block) {
                ("block", Some(block)) => block,
                ("block", None) => (0, 1),
                _ => position.run,
            };
            let part = (taken as f64 / all.max(1) as f64).min(1.0);
            let floor = of("floor");
            floor + (1.0 - floor) * (1.0 + (std::f64::consts::PI * part).cos()) / 2.0
        }
        "step" => of("factor").powf((position.run.0 as f64 / of("every")).floor()),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use mnemoscope_core::{Component, Setting};

    use super::*;

    fn knobs(kind: &str, settings: &[(&str, Setting)]) -> Knobs {
        let mut component = Component::<Schedules>::new(kind).unwrap();
        for (name, value) in settings {
            component.set(name, value.clone()).unwrap();
        }
        Knobs::uniform(&component, 2)
    }

    fn at(run: u64, block: Option<(u64, u64)>) -> Position {
        Position { run: (run, 400), block }
    }

    #[test]
    fn constant_is_one() {
        assert_eq!(factor(&knobs("constant", &[]), 0, at(123, Some((4, 5)))), 1.0);
    }

    #[test]
    fn cosine_by_hand() {
        let block = knobs("cosine", &[("floor", Setting::Number(0.2))]);
        assert_eq!(factor(&block, 0, at(300, Some((0, 100)))), 1.0);
        // Half way the cosine is 0: the mean of 1 and the floor.
        assert!((factor(&block, 1, at(300, Some((50, 100)))) - 0.6).abs() < 1e-6);
        assert!((factor(&block, 0, at(300, Some((100, 100)))) - 0.2).abs() < 1e-6);
        assert_eq!(factor(&block, 0, at(0, None)), 1.0);
        let run = knobs("cosine", &[("per", Setting::Text("run".to_owned()))]);
        assert!((factor(&run, 0, at(100, Some((99, 100)))) - (0.5 + 0.5f64.sqrt() / 2.0)).abs() < 1e-9);
        assert!(factor(&run, 0, at(500, None)).abs() < 1e-9, "past the end the floor stays");
    }

    #[test]
    fn step_by_hand() {
        let mut step = knobs("step", &[("every", Setting::Number(10.0)), ("factor", Setting::Number(0.5))]);
        let factors: Vec<f64> = [0, 9, 10, 19, 20].iter().map(|t| factor(&step, 0, at(*t, None))).collect();
        assert_eq!(factors, [1.0, 1.0, 0.5, 0.5, 0.25]);
        step.spread("every", vec![10.0, 20.0]);
        assert_eq!(factor(&step, 1, at(20, None)), 0.5);
    }
}
