//! The composer as a whole: files, refusals, and that every composition that is allowed works.

use super::*;
use mnemoscope_core::Setting;

/// Keys and values of a stream of pairs, as distributions where `simplex` says so.
fn pairs(d_k: usize, d_v: usize, n: usize) -> Vec<(Vec<f32>, Vec<f32>)> {
    let entry = |i: usize, j: usize, salt: usize| ((i * 37 + j * 101 + salt * 53) % 89) as f32 / 88.0;
    let row = |i: usize, d: usize, salt: usize| {
        let row: Vec<f32> = (0..d).map(|j| 0.05 + entry(i, j, salt)).collect();
        let sum: f32 = row.iter().sum();
        row.iter().map(|x| x / sum).collect::<Vec<f32>>()
    };
    (0..n).map(|i| (row(i, d_k, 1), row(i, d_v, 2))).collect()
}

/// Every combination of kinds.
fn all() -> impl Iterator<Item = Composition> {
    let base = Composition::default();
    Architectures::kinds().iter().flat_map(move |architecture| {
        let base = base.with_kind(Place::Architecture, architecture);
        Biases::kinds().iter().flat_map(move |bias| {
            let base = base.with_kind(Place::Bias, bias);
            Retentions::kinds().iter().flat_map(move |retention| {
                let base = base.with_kind(Place::Retention, retention);
                Rules::kinds().iter().map(move |rule| base.with_kind(Place::Rule, rule)).collect::<Vec<_>>()
            })
        })
    })
}

#[test]
fn every_choice_has_a_formula_a_meaning_and_explained_knobs() {
    for place in Place::ALL {
        for kind in place.kinds() {
            assert!(!choice_formula(place, kind.name).is_empty(), "{}", kind.name);
            assert!(
                !kind.meaning.is_empty() && kind.knobs.iter().all(|knob| !knob.meaning.is_empty()),
                "{}",
                kind.name
            );
        }
    }
}

#[test]
fn what_is_allowed_works_and_what_is_not_says_where_and_why() {
    let mut allowed = 0;
    for composition in all() {
        if let Err(error) = composition.check() {
            assert!(error.place().starts_with("memory."), "{error}");
            assert!(error.to_string().contains("choose"), "{error}");
            assert!(composition.build(4, 4, 1).is_err());
            continue;
        }
        allowed += 1;
        let mut memory = composition.build(4, 4, 1).unwrap();
        let empty = memory.clone();
        let first = memory.bytes();
        for (key, value) in pairs(4, 4, 9) {
            memory.write(&key, &value);
        }
        let query = &pairs(4, 4, 1)[0].0;
        let answer = memory.read(query);
        assert_eq!(answer.len(), 4);
        assert!(answer.iter().all(|x| x.is_finite()), "{composition:?} {answer:?}");
        let image = memory.image();
        assert_eq!(image.values.len(), image.rows * image.columns, "{composition:?}");
        assert!(memory.bytes() >= first);
        memory.reset();
        assert_eq!(memory.read(query), empty.read(query), "{composition:?}");
        assert_eq!(memory.image(), empty.image());
        assert!(!composition.equation().is_empty());
    }
    assert!(allowed > 50, "{allowed}");
}

#[test]
fn settling_keeps_the_wanted_choice_and_changes_as_little_as_it_can() {
    for composition in all() {
        for place in Place::ALL {
            let settled = composition.settled(place);
            assert_eq!(settled.kind(place), composition.kind(place));
            settled.check().unwrap();
            if composition.check().is_ok() {
                assert_eq!(settled, composition);
            }
        }
    }
    let list = Place::Architecture.kinds().iter().find(|kind| kind.name == "key_value_list").unwrap();
    let settled = Composition::default().with_kind(Place::Architecture, list).settled(Place::Architecture);
    let names = Place::ALL.map(|place| settled.kind(place).name);
    assert_eq!(names, ["key_value_list", "squared_error", "none", "local_regression"]);
}

#[test]
fn wild_steps_and_no_dimensions_are_refused() {
    let mut delta = Composition::named().iter().find(|point| point.name == "delta_rule").unwrap().composition();
    for (beta, length, fits) in
        [(1.0, 1.0, true), (1.99, 1.0, true), (0.0, 1.0, false), (2.0, 1.0, false), (0.5, 2.0, false)]
    {
        delta.rule.set("beta", Setting::Number(beta)).unwrap();
        assert_eq!(delta.check_keys(length).is_ok(), fits, "{beta} {length}");
    }
    let error = delta.check_keys(2.0).unwrap_err();
    assert!(error.to_string().ends_with("above 0 and below 0.5"), "{error}");
    assert_eq!(Composition::default().check_keys(2.0), Ok(()), "Hebb has no beta");
    let named = |name: &str| Composition::named().iter().find(|point| point.name == name).unwrap().composition();
    let mut codebook = named("key_value_bottleneck");
    for (beta, fits) in [(1.9, true), (2.0, false)] {
        codebook.rule.set("beta", Setting::Number(beta)).unwrap();
        assert_eq!(codebook.check_keys(5.0).is_ok(), fits, "{beta}");
    }
    assert!(matches!(delta.build(0, 4, 1), Err(MemoryError::Sizes { .. })));
}

/// Moneta's normaliser is the paper's at the bench's own pairs: its floor, which the paper does not have, is not reached.
#[test]
fn the_named_moneta_shows_its_retention_at_the_benchs_defaults() {
    let bench = crate::Component::new("association").unwrap();
    let pairs = crate::Pairs::draw(&bench).unwrap();
    let moneta = Composition::named().iter().find(|point| point.name == "moneta").unwrap().composition();
    let written = |name: &str, value: f64| {
        let mut moneta = moneta.clone();
        moneta.retention.set(name, Setting::Number(value)).unwrap();
        crate::remember(&moneta, &pairs, bench.whole("pairs"), 0).unwrap().image().values
    };
    let own = written("q", 4.0);
    assert!(own.iter().all(|cell| cell.is_finite()));
    assert_eq!(own, written("floor", 1e-3));
    assert_ne!(own, written("floor", 1.0));
    assert_ne!(own, written("q", 2.0), "at 2 nothing is scaled");
}

/// One key again and again is the worst case: what is below the bound forgets its error, and what is above it runs away.
#[test]
fn the_bounds_are_where_errors_begin_to_grow() {
    for (rule, knob) in [("gradient_step", "beta"), ("momentum", "theta")] {
        for (gamma, eta) in [(1.0, 0.0), (0.9, 0.0), (0.9, 0.5), (0.5, 0.2)] {
            let mut composition = Composition {
                bias: Component::new("squared_error").unwrap(),
                retention: Component::new("decay").unwrap().with("gamma", Setting::Number(gamma)).unwrap(),
                rule: Component::new(rule).unwrap(),
                ..Composition::default()
            };
            let momentum = rule == "momentum";
            if momentum {
                composition.rule.set("eta", Setting::Number(eta)).unwrap();
            } else {
                composition.rule.set("error_at", Setting::Text("before".to_owned())).unwrap();
            }
            let bound = (1.0 + gamma) * if momentum { 1.0 + eta } else { 1.0 };
            for share in [0.98, 1.02] {
                let length = 2.0f64;
                composition.rule.set(knob, Setting::Number(share * bound / (length * length))).unwrap();
                assert_eq!(composition.check_keys(length).is_ok(), share < 1.0, "{composition:?}");
                let mut memory = composition.build(1, 1, 0).unwrap();
                for _ in 0..2000 {
                    memory.write(&[length as f32], &[1.0]);
                }
                let grown = memory.read(&[1.0])[0].abs();
                assert_eq!(grown.is_finite() && grown < 10.0, share < 1.0, "{composition:?}: {grown}");
            }
        }
    }
}

/// What a bounded list keeps is what its rule says.
#[test]
fn evictions_worked_by_hand() {
    let build = |eviction: &str, budget: f64| {
        let mut composition =
            Composition::named().iter().find(|point| point.name == "softmax_attention").unwrap().composition();
        composition.retention = Component::new("bounded_cache")
            .and_then(|cache| cache.with("budget", Setting::Number(budget)))
            .and_then(|cache| cache.with("eviction", Setting::Text(eviction.to_owned())))
            .unwrap();
        composition.build(2, 1, 0).unwrap()
    };
    let kept = |memory: &dyn Memory| {
        let shares = memory.weights(&[1.0, 0.0]).unwrap();
        (0..shares.len()).filter(|write| shares[*write] > 0.0).collect::<Vec<_>>()
    };
    let angle = |i: usize| [(i as f32 * 0.1).cos(), (i as f32 * 0.1).sin()];
    let mut window = build("oldest", 3.0);
    let mut sinks = build("sinks", 6.0);
    for i in 0..9 {
        window.write(&angle(i), &[i as f32]);
        sinks.write(&angle(i), &[i as f32]);
    }
    assert_eq!(kept(window.as_ref()), [6, 7, 8]);
    assert_eq!(kept(sinks.as_ref()), [0, 1, 2, 3, 7, 8]);
    // The second key is at right angles to all others: nobody looks at it.
    let mut heavy = build("least_attention", 3.0);
    for (key, value) in [([1.0, 0.0], 1.0), ([0.0, 1.0], 2.0), ([1.0, 0.0], 3.0), ([1.0, 0.0], 4.0)] {
        heavy.write(&key, &[value]);
    }
    assert_eq!(kept(heavy.as_ref()), [0, 2, 3]);
}
