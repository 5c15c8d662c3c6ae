use mnemoscope_core::Setting;

use super::*;
use crate::{Memory, Place};

/// Every known memory, and choices that none of them has.
fn memories() -> Vec<(String, Composition)> {
    let mut all: Vec<(String, Composition)> =
        Composition::named().iter().map(|point| (point.name.to_owned(), point.composition())).collect();
    for place in Place::ALL {
        for kind in place.kinds() {
            let memory = Composition::default().with_kind(place, kind).settled(place);
            all.push((format!("{} {}", place.path(), kind.name), memory));
        }
    }
    let mut line = Composition::default()
        .with_kind(
            Place::Architecture,
            Place::Architecture.kinds().iter().find(|kind| kind.name == "key_value_list").unwrap(),
        )
        .settled(Place::Architecture);
    line.rule.set("order", Setting::Text("linear".to_owned())).unwrap();
    all.push(("line".to_owned(), line));
    let mut deep = cached("mlp", 3);
    all.push(("cached mlp".to_owned(), deep.clone()));
    deep.architecture.set("read_out", Setting::Text("soup".to_owned())).unwrap();
    all.push(("soup of mlp".to_owned(), deep));
    let mut squares = all.iter().find(|(name, _)| name == "least_squares").unwrap().1.clone();
    squares.rule.set("chunk", Setting::Number(4.0)).unwrap();
    all.push(("least squares by chunks".to_owned(), squares));
    all
}

fn cached(inner: &str, segment: usize) -> Composition {
    let kind = Place::Architecture.kinds().iter().find(|kind| kind.name == "cached").unwrap();
    let mut memory = Composition::default().with_kind(Place::Architecture, kind);
    memory =
        memory.with_kind(Place::Rule, Place::Rule.kinds().iter().find(|kind| kind.name == "gradient_step").unwrap());
    memory.architecture.set("inner", Setting::Text(inner.to_owned())).unwrap();
    memory.architecture.set("segment", Setting::Number(segment as f64)).unwrap();
    memory.check().unwrap();
    memory
}

fn settings(of: &[(&str, f64)]) -> Component {
    of.iter().fold(Component::new("association").unwrap(), |settings, (name, value)| {
        settings.with(name, Setting::Number(*value)).unwrap()
    })
}

#[test]
fn the_bytes_told_beforehand_are_those_that_are_kept() {
    for (name, memory) in memories() {
        for writes in [0, 1, 7, 40] {
            let mut built = memory.build(6, 5, 0).unwrap();
            for write in 0..writes {
                let key: Vec<f32> = (0..6).map(|i| if i == write % 6 { 1.0 } else { 0.1 }).collect();
                built.write(&key, &[0.2, 0.1, 0.3, 0.2, 0.2]);
            }
            assert_eq!(memory.cost(6, 5, writes, 0).bytes, Memory::bytes(&*built) as f64, "{name}, {writes} writes");
        }
    }
}

#[test]
fn more_pairs_or_longer_ones_never_cost_less() {
    for (name, memory) in memories() {
        let of = |pairs: f64, d: f64| {
            let settings = settings(&[("pairs", pairs), ("d_k", d), ("d_v", d)]);
            association_cost(&settings, &memory, pairs as usize).operations
        };
        assert!(of(8.0, 8.0) < of(64.0, 8.0) && of(64.0, 8.0) < of(64.0, 64.0), "{name}");
        assert!(of(64.0, 64.0) < of(512.0, 128.0), "{name}");
    }
}

#[test]
fn the_defaults_are_answered_within_a_frame_and_a_line_through_many_pairs_is_not() {
    let defaults = settings(&[]);
    for point in Composition::named() {
        let cost = association_cost(&defaults, &point.composition(), 32);
        assert!(cost.within_a_frame(), "{}: {cost:?}", point.name);
    }
    assert!(Conditioning::default().cost(&Composition::default()).within_a_frame());
    let (_, line) = memories().into_iter().find(|(name, _)| name == "line").unwrap();
    let many = settings(&[("pairs", 512.0), ("d_k", 128.0), ("d_v", 128.0)]);
    assert!(!association_cost(&many, &line, 512).within_a_frame());
    assert!(association_cost(&many, &line, 2).within_a_frame(), "two of them are soon written");
}

#[test]
fn a_memory_that_would_not_fit_is_refused_with_what_to_change() {
    let wide = settings(&[("pairs", 512.0), ("d_k", 32.0), ("d_v", 128.0)]);
    let wide = wide.with("features", Setting::Text("polynomial".to_owned())).unwrap();
    let error = fits(&wide, &cached("mlp", 1)).unwrap_err();
    assert_eq!(error.place(), "memory.architecture");
    let text = error.to_string();
    assert!(text.contains("raise segment to 6"), "{text}");
    // 512 / 6 = 85 states of 2 * 528 * (528 + 128) weights and 528 for the mean key.
    fits(&wide, &cached("mlp", 6)).unwrap();
    assert!(fits(&wide, &cached("mlp", 5)).is_err());
    assert!(crate::Association::new(wide, cached("mlp", 1)).is_err(), "nothing is written");
}

#[test]
#[ignore = "prints how long it takes: for setting FRAME"]
fn measured_costs() {
    for (pairs, d) in [(32.0, 64.0), (128.0, 64.0), (512.0, 16.0), (512.0, 128.0)] {
        let settings = settings(&[("pairs", pairs), ("d_k", d), ("d_v", d)]);
        for (name, memory) in memories() {
            if fits(&settings, &memory).is_err() {
                continue;
            }
            let cost = association_cost(&settings, &memory, pairs as usize);
            let start = std::time::Instant::now();
            let made = crate::Association::new(settings.clone(), memory);
            let took = start.elapsed().as_secs_f64() * 1e3;
            assert!(made.is_ok());
            let per = 1e6 * took / cost.operations;
            println!("{name:36} N {pairs:4} d {d:4} {took:9.2} ms {:9.2e} ops {per:6.3} ns/op", cost.operations);
        }
    }
}
