use proptest::prelude::*;

use super::*;
use crate::Composition;

/// Share of the error that one trial removes, at the default salience and write strength 1.
const RATE: f64 = 0.2;

fn named(name: &str) -> Composition {
    Composition::named().iter().find(|point| point.name == name).unwrap().composition()
}

fn experiment(name: &str) -> Conditioning {
    Conditioning::of(Classical::find(name).unwrap()).unwrap()
}

fn course(name: &str, memory: &str) -> Course {
    experiment(name).course(&named(memory), 0).unwrap()
}

fn near(found: f32, expected: f64, what: &str) {
    assert!((f64::from(found) - expected).abs() < 2e-5, "{what}: {found}, expected {expected}");
}

#[test]
fn acquisition_and_extinction() {
    let (delta, hebb) = (course("extinction", "delta_rule"), course("extinction", "linear_attention"));
    for n in 0..=20 {
        // V_n = 1 - (1 - r)^n, and in extinction V_20 (1 - r)^n.
        let learned = |n: usize| 1.0 - (1.0 - RATE).powi(n as i32);
        near(delta.strength(0, n).unwrap(), learned(n), "acquisition");
        near(delta.strength(0, 20 + n).unwrap(), learned(20) * (1.0 - RATE).powi(n as i32), "extinction");
        // Hebb adds the salience each time, without end, and without the stimulus nothing.
        near(hebb.strength(0, n).unwrap(), RATE * n as f64, "Hebb's acquisition");
        near(hebb.strength(0, 20 + n).unwrap(), RATE * 20.0, "Hebb's extinction");
    }
    assert_eq!(delta.strength(1, 40), Some(0.0), "a cue that was never shown");
    assert_eq!((delta.strength(2, 0), delta.strength(0, 41)), (None, None));
}

#[test]
fn blocking() {
    let delta = course("blocking", "delta_rule");
    let alone = 1.0 - (1.0 - RATE).powi(20);
    // The pair shares what is left: the sum goes to 1 as (1 - 2 r)^n, and each gets half of it.
    let left = (1.0 - alone) * (1.0 - (1.0 - 2.0 * RATE).powi(20)) / 2.0;
    near(delta.strength(0, 60).unwrap(), alone + left, "A");
    near(delta.strength(1, 60).unwrap(), left, "B is blocked");
    let control = (1.0 - (1.0 - 2.0 * RATE).powi(20)) / 2.0;
    near(delta.strength(2, 60).unwrap(), control, "C");
    near(delta.strength(3, 60).unwrap(), control, "D");
    assert!(left < 0.02 * control);
    // To Hebb B and D are the same: twenty trials with the stimulus.
    let hebb = course("blocking", "linear_attention");
    near(hebb.strength(1, 60).unwrap(), RATE * 20.0, "B");
    near(hebb.strength(3, 60).unwrap(), RATE * 20.0, "D");
    near(hebb.strength(0, 60).unwrap(), RATE * 40.0, "A");
}

#[test]
fn overshadowing() {
    let delta = course("overshadowing", "delta_rule");
    let shared = (1.0 - (1.0 - 2.0 * RATE).powi(20)) / 2.0;
    near(delta.strength(0, 40).unwrap(), shared, "A");
    near(delta.strength(1, 40).unwrap(), shared, "B");
    near(delta.strength(2, 40).unwrap(), 1.0 - (1.0 - RATE).powi(20), "C");
    let hebb = course("overshadowing", "linear_attention");
    for cue in 0..3 {
        near(hebb.strength(cue, 40).unwrap(), RATE * 20.0, "Hebb");
    }
}

#[test]
fn conditioned_inhibition() {
    // Trials A+ and AB- in turn have the fixed point V_A = 1, V_B = -1; the step of a round towards it, from (a, b) as
    // distances: a <- (1 - r) a, then both lose r (a + b). Its larger eigenvalue at r = 0.2 is 0.916.
    let (mut a, mut b) = (-1.0, 1.0);
    let delta = course("conditioned_inhibition", "delta_rule");
    for round in 0..=60 {
        near(delta.strength(0, 2 * round).unwrap(), 1.0 + a, "A");
        near(delta.strength(1, 2 * round).unwrap(), -1.0 + b, "B");
        a *= 1.0 - RATE;
        let sum = a + b;
        (a, b) = (a - RATE * sum, b - RATE * sum);
    }
    assert!(delta.strength(1, 120).unwrap() < -0.95);
    // Without the stimulus Hebb writes nothing.
    let hebb = course("conditioned_inhibition", "linear_attention");
    near(hebb.strength(1, 120).unwrap(), 0.0, "Hebb's B");
    near(hebb.strength(0, 120).unwrap(), RATE * 60.0, "Hebb's A");
}

#[test]
fn second_order() {
    // With V_A = a q^n, q = 1 - r: V_B <- q V_B + r V_A has V_B = n r a q^(n-1), which rises and falls.
    let delta = course("second_order", "delta_rule");
    let (q, a) = (1.0 - RATE, 1.0 - (1.0 - RATE).powi(20));
    for n in 0..=20 {
        near(delta.strength(0, 20 + 2 * n).unwrap(), a * q.powi(n as i32), "A");
        let expected = if n == 0 { 0.0 } else { n as f64 * RATE * a * q.powi(n as i32 - 1) };
        near(delta.strength(1, 20 + 2 * n).unwrap(), expected, "B");
    }
    assert_eq!(delta.followed[20], delta.strength(0, 20).unwrap(), "what A predicts stands in for the stimulus");
    // Hebb adds r V_A each time and keeps V_A.
    let hebb = course("second_order", "linear_attention");
    near(hebb.strength(1, 60).unwrap(), 20.0 * RATE * (RATE * 20.0), "Hebb's B");
}

#[test]
fn generalisation() {
    for (memory, own) in [("delta_rule", 1.0 - (1.0 - RATE).powi(20)), ("linear_attention", RATE * 20.0)] {
        let course = course("generalisation", memory);
        for cue in 0..8 {
            near(course.strength(cue, 20).unwrap(), own * 0.7f64.powi(cue as i32), memory);
        }
    }
}

/// The delta rule with a rate of its own for each channel, straight from its definition: fast channels lose what both
/// extinction and acquisition wrote, and slow ones still hold the acquisition.
#[test]
fn spontaneous_recovery_takes_two_rates() {
    let mut gate = named("delta_rule");
    gate.retention = named("gated_linear_attention").retention;
    let (low, high) = (gate.retention.real("low"), gate.retention.real("high"));
    let experiment = experiment("spontaneous_recovery");
    let code: Vec<f64> = experiment.codes(0)[..8].iter().map(|entry| f64::from(*entry)).collect();
    let ratio = (1.0 - high) / (1.0 - low);
    let rates: Vec<f64> = (0..8).map(|channel| 1.0 - (1.0 - low) * ratio.powf(f64::from(channel) / 7.0)).collect();
    let mut weights = [0.0f64; 8];
    let mut expected = vec![0.0];
    for (trials, shown, us) in [(40, true, 1.0), (10, false, 0.0), (15, true, 0.0), (30, false, 0.0)] {
        for _ in 0..trials {
            weights.iter_mut().zip(&rates).for_each(|(weight, rate)| *weight *= rate);
            let predicted = |weights: &[f64]| weights.iter().zip(&code).map(|(w, x)| w * x).sum::<f64>();
            if shown {
                let error = us - predicted(&weights);
                weights.iter_mut().zip(&code).for_each(|(weight, x)| *weight += error * x);
            }
            expected.push(predicted(&weights));
        }
    }
    let found = experiment.course(&gate, 0).unwrap();
    for (trial, expected) in expected.iter().enumerate() {
        near(found.strength(0, trial).unwrap(), *expected, "gate");
    }
    let (extinct, later) = (found.strength(0, 65).unwrap(), found.strength(0, 95).unwrap());
    assert!(later > 1.5 * extinct, "{extinct} {later}");
    // One rate for all: what is left fades, and keeps its sign.
    let one = experiment.course(&named("gated_delta_rule"), 0).unwrap();
    near(one.strength(0, 95).unwrap(), f64::from(one.strength(0, 65).unwrap()) * 0.95f64.powi(30), "one rate");
    // None: the pause does nothing.
    let none = experiment.course(&named("delta_rule"), 0).unwrap();
    assert_eq!(none.strength(0, 95), none.strength(0, 65));
}

/// A pause is no pair: a memory whose retention does nothing is the same after it.
#[test]
fn a_pause_writes_nothing() {
    let experiment = experiment("spontaneous_recovery");
    let names = ["softmax_attention", "hcam", "least_squares", "linear_attention", "key_value_bottleneck"];
    for name in names {
        let course = experiment.course(&named(name), 0).unwrap();
        for cue in 0..2 {
            for (last, later) in [(40, 50), (65, 95)] {
                assert_eq!(course.strength(cue, last), course.strength(cue, later), "{name}");
            }
        }
    }
    // 40 trials with the stimulus and 15 without under the same key: the mean of what followed.
    let softmax = experiment.course(&named("softmax_attention"), 0).unwrap();
    near(softmax.strength(0, 95).unwrap(), 40.0 / 55.0, "softmax");
    // Momentum carries nothing into the memory while nothing is shown: it fades by 0.99 a trial.
    let titans = experiment.course(&named("titans_matrix"), 0).unwrap();
    near(titans.strength(0, 50).unwrap(), f64::from(titans.strength(0, 40).unwrap()) * 0.99f64.powi(10), "Titans");
}

/// A list that fades with age: the pairs before a pause are older by the pause than those after it.
#[test]
fn stored_pairs_age_in_a_pause() {
    let mut softmax = named("softmax_attention");
    softmax.retention = named("retnet").retention;
    let course = experiment("spontaneous_recovery").course(&softmax, 0).unwrap();
    // Weights 0.95^age: 40 pairs with the stimulus, 10 trials of pause, 15 pairs without.
    let sum = |ages: std::ops::Range<i32>| ages.map(|age| 0.95f64.powi(age)).sum::<f64>();
    let (with, without) = (sum(25..65), sum(0..15));
    near(course.strength(0, 65).unwrap(), with / (with + without), "before the last pause");
    near(course.strength(0, 95).unwrap(), with / (with + without), "all grow older alike");
}

/// Signals that are silent for a while are the recurrence with u = 0, and silence is not attended to.
#[test]
fn a_pause_is_silence_to_a_state_space() {
    let pair = ([1.0, 0.5], [2.0]);
    for name in ["hippo_legs", "lssl"] {
        let build = || named(name).build(2, 1, 0).unwrap();
        let (mut paused, mut zeros) = (build(), build());
        for memory in [&mut paused, &mut zeros] {
            memory.write(&pair.0, &pair.1);
        }
        paused.pass();
        zeros.write(&[0.0, 0.0], &[0.0]);
        assert_eq!(paused.image(), zeros.image(), "{name}");
        assert_eq!(paused.weights(&pair.0), Some(vec![1.0]), "{name}: one write");
    }
}

proptest! {
    /// Rescorla and Wagner's own equations on plain strengths, for any sequence of trials.
    #[test]
    fn the_delta_rule_is_rescorla_and_wagners(
        trials in prop::collection::vec((1u8..16, 0.0f32..=1.0, 1u32..4), 1..30),
        salience in 0.05f64..0.4,
        beta in 0.1f64..1.0,
    ) {
        let cues = |mask: u8| (0..4).filter(|cue| mask & (1 << cue) != 0).fold(Cues::NONE, Cues::toggled);
        let mut conditioning = Conditioning::default();
        conditioning.settings.set("salience", Setting::Number(salience)).unwrap();
        let trial = |(mask, us, times): &(u8, f32, u32)| Trial { cues: cues(*mask), us: *us, times: *times, ..Trial::default() };
        conditioning.trials = trials.iter().map(trial).collect();
        let mut delta = named("delta_rule");
        delta.rule.set("beta", Setting::Number(beta)).unwrap();
        let course = conditioning.course(&delta, 0).unwrap();

        let mut strengths = [0.0f64; 4];
        for (mask, us, times) in &trials {
            for _ in 0..*times {
                let total: f64 = cues(*mask).numbers().map(|cue| strengths[cue]).sum();
                cues(*mask).numbers().for_each(|cue| strengths[cue] += salience * beta * (f64::from(*us) - total));
            }
        }
        for (cue, expected) in strengths.iter().enumerate() {
            let found = f64::from(course.strength(cue, course.trials()).unwrap());
            prop_assert!((found - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{found} {expected}");
        }
    }
}

#[test]
fn random_codes_have_their_length_and_differ_between_draws() {
    let mut conditioning = Conditioning::default();
    conditioning.settings.set("codes", Setting::Text("random".to_owned())).unwrap();
    let codes = conditioning.codes(0);
    assert_eq!(codes.len(), 4 * 16);
    for code in codes.chunks(16) {
        let square: f32 = code.iter().map(|entry| entry * entry).sum();
        assert!((square - 0.2).abs() < 1e-6);
    }
    assert_ne!(codes, conditioning.codes(1));
    assert_eq!(Conditioning::default().codes(0), Conditioning::default().codes(1), "right angles are right angles");
}

#[test]
fn the_memory_beside_is_the_one_of_that_trial() {
    let conditioning = experiment("acquisition");
    let memory = conditioning.memory_after(&named("linear_attention"), 0, 5).unwrap();
    let image = memory.image();
    assert_eq!((image.rows, image.columns), (1, 8));
    let expected: Vec<f32> = conditioning.codes(0)[..8].iter().map(|entry| 5.0 * entry).collect();
    assert!(image.values.iter().zip(&expected).all(|(cell, expected)| (cell - expected).abs() < 1e-6));
}

#[test]
fn what_does_not_go_together_is_refused_with_the_trial() {
    let mut conditioning = experiment("acquisition");
    conditioning.trials[0].cues = Cues::one(2);
    let error = conditioning.check().unwrap_err().to_string();
    assert!(error.contains("trial 1 shows cue C, and there are 2 cues"), "{error}");
    conditioning.trials[0] = Trial { us: 1.5, ..Trial::default() };
    assert!(conditioning.check().unwrap_err().to_string().contains("1.5 is outside its range 0 to 1"));
    conditioning.trials[0] = Trial { times: 2000, ..Trial::default() };
    assert_eq!(conditioning.check(), Err(ConditioningError::Count { trials: 2000 }));
    conditioning.trials.clear();
    assert_eq!(conditioning.check(), Err(ConditioningError::Count { trials: 0 }));
}

#[test]
fn every_classical_experiment_is_found_again_and_runs() {
    for classical in Classical::all() {
        let conditioning = Conditioning::of(classical).unwrap();
        assert_eq!(conditioning.classical().map(|found| found.trials()), Some(classical.trials()));
        conditioning.check().unwrap();
        assert!(!classical.meaning.is_empty() && !classical.source.is_empty());
    }
    assert_eq!(experiment("extinction").classical().map(|one| one.name), Some("extinction"));
}

#[test]
fn trials_move() {
    let mut conditioning = experiment("extinction");
    conditioning.move_trial(0, 9);
    assert_eq!(conditioning.trials.iter().map(ToString::to_string).collect::<Vec<_>>(), ["A− ×20", "A+ ×20"]);
    conditioning.move_trial(7, 0);
    assert_eq!(conditioning.trials.len(), 2);
}
