use super::*;
use mnemoscope_core::{Component, Setting};
use proptest::prelude::*;

fn policy(name: &str, settings: &[(&str, f64)]) -> Policy {
    settings.iter().fold(Component::new(name).unwrap(), |policy, (knob, value)| {
        policy.with(knob, Setting::Number(*value)).unwrap()
    })
}

fn numbers(count: usize, salt: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 37 + salt * 11) % 101) as f32 / 50.0 - 1.0).collect()
}

/// One row, one head, keys such that query t attends as `wanted[t]` says (logits are logarithms), values 0.
fn lane(name: &str, settings: &[(&str, f64)], wanted: &[Vec<f32>]) -> Vec<u32> {
    let steps = wanted.len();
    // Keys are unit vectors, so a query's entries are its logits.
    let mut k = vec![0.0; steps * steps];
    let mut q = vec![0.0; steps * steps];
    for t in 0..steps {
        k[t * steps + t] = 1.0;
        for (i, weight) in wanted[t].iter().enumerate() {
            q[t * steps + i] = weight.max(1e-12).ln();
        }
    }
    let shape = Shape { rows: 1, heads: 1, steps, d_k: steps, d_v: 1 };
    let v = vec![0.0; steps];
    let call = Call { layer: 0, shape, scale: 1.0, decay: 1.0, q: &q, k: &k, v: &v, hidden: &[], starts: &[] };
    Cache::new(policy(name, settings), 1).attend(&call).unwrap().until
}

/// What is held after the last step.
fn last(until: &[u32]) -> Vec<usize> {
    (0..until.len()).filter(|&i| until[i] as usize >= until.len()).collect()
}

#[test]
fn heavy_hitters_by_hand() {
    // Token 1 draws the most attention, token 0 the least; budget 3 of 6, one of them for the latest.
    let wanted = vec![
        vec![1.0],
        vec![0.1, 0.9],
        vec![0.1, 0.6, 0.3],
        vec![0.05, 0.7, 0.15, 0.1],
        vec![0.1, 0.6, 0.1, 0.1, 0.1],
        vec![0.1, 0.5, 0.1, 0.1, 0.1, 0.1],
    ];
    let until = lane("heavy_hitter", &[("budget", 0.5), ("recent", 0.34)], &wanted);
    // Step 3: sums 1.25, 2.2, 0.45 of tokens 0 to 2, token 3 is the latest: token 2 goes. Step 4 reads 0, 1, 3, 4 with
    // 0.1, 0.6, 0.1, 0.1 over 0.9: sums 1.36, 2.87, 0.21: token 3 goes. Step 5 likewise token 4.
    assert_eq!(until, [6, 6, 3, 4, 5, 6]);
}

#[test]
fn what_comes_back_at_intervals_survives_the_lazy_policy_and_not_recency() {
    // Token 0 is needed at steps 4, 8, 12 ...; all others only as the newest.
    let steps = 24;
    let wanted: Vec<Vec<f32>> = (0..steps)
        .map(|t| (0..=t).map(|i| if i == t || (i == 0 && t % 4 == 0) { 1.0 } else { 1e-9 }).collect())
        .collect();
    let lazy = lane("lazy", &[("budget", 0.25), ("lag", 2.0), ("threshold", 0.1)], &wanted);
    assert_eq!(lazy[0], 24, "{lazy:?}");
    let window = lane("window", &[("budget", 0.25), ("sinks", 0.0)], &wanted);
    assert_eq!(window[0], 6);
    assert_eq!(last(&window), [18, 19, 20, 21, 22, 23]);
    assert_eq!(last(&lane("window", &[("budget", 0.25), ("sinks", 2.0)], &wanted)), [0, 1, 20, 21, 22, 23]);
}

#[test]
fn whole_windows_stay_and_the_group_follows_its_leader() {
    // Windows of 2, suffix 2, budget 6 of 12. All queries want token 3 and nothing else, so its window 2, 3 stays.
    let steps = 12;
    let wanted: Vec<Vec<f32>> = (0..steps)
        .map(|t| (0..=t).map(|i| if i == 3 || t < 3 { 1.0 } else { 1e-6 * (i + 1) as f32 }).collect())
        .collect();
    let until = lane("window_selection", &[("budget", 0.5), ("window", 2.0), ("suffix", 2.0)], &wanted);
    // Overflow at step 6 (7 held): suffix 5, 6; room 3 for windows 01, 23, 4: 23 first, then 4 alone.
    assert_eq!(until[..5], [6, 6, 12, 12, 8]);
    assert!((0..steps).all(|t| (0..=t).filter(|&i| until[i] as usize > t).count() <= 6));

    let shape = Shape { rows: 3, heads: 2, steps: 16, d_k: 4, d_v: 3 };
    let (q, k, v) = (numbers(3 * 2 * 16 * 4, 1), numbers(3 * 2 * 16 * 4, 2), numbers(3 * 2 * 16 * 3, 3));
    let mut cache = Cache::new(policy("window_selection", &[("budget", 0.5), ("window", 2.0), ("group", 2.0)]), 3);
    let call = |layer, q, k| Call { layer, shape, scale: 0.5, decay: 1.0, q, k, v: &v, hidden: &[], starts: &[] };
    let refused = cache.attend(&call(1, &q, &k)).unwrap_err();
    assert_eq!(refused, CacheError::NoLeader { layer: 1, leader: 0 });
    let leader = cache.attend(&call(0, &q, &k)).unwrap();
    let follower = cache.attend(&call(1, &k, &q)).unwrap();
    let next = cache.attend(&call(2, &k, &q)).unwrap();
    assert_eq!(leader.until, follower.until);
    assert_ne!(leader.until, next.until, "the next group chooses for itself");
    assert!(leader.most_bytes() > follower.most_bytes(), "a follower keeps no scores");
}

#[test]
fn sizes_per_layer_add_up_to_the_budget() {
    // Layer 0 looks only at token 0 and itself, layer 1 at all tokens alike.
    let steps = 20;
    let shape = Shape { rows: 1, heads: 1, steps, d_k: 1, d_v: 1 };
    let (ones, zeros, v) = (vec![1.0; steps], vec![0.0; steps], vec![0.0; steps]);
    let mut peak = vec![-20.0; steps];
    peak[0] = 20.0;
    let calls = [
        Call { layer: 0, shape, scale: 1.0, decay: 1.0, q: &ones, k: &peak, v: &v, hidden: &[], starts: &[] },
        Call { layer: 1, shape, scale: 1.0, decay: 1.0, q: &zeros, k: &ones, v: &v, hidden: &[], starts: &[] },
    ];
    let mut cache = Cache::new(policy("prefix", &[("budget", 0.4), ("sinks", 1.0)]), 2);
    assert_eq!(cache.attend(&calls[0]).unwrap_err(), CacheError::NotCalibrated { policy: "prefix" });
    let refused = cache.calibrate(&calls[..1]).unwrap_err();
    assert_eq!(refused, CacheError::NoSamples { policy: "prefix", layers: 2, layer: 1 });
    cache.calibrate(&calls).unwrap();
    let held = |cache: &mut Cache, call| {
        let until = cache.attend(call).unwrap().until;
        (0..steps).map(|t| (0..=t).filter(|&i| until[i] as usize > t).count()).max().unwrap()
    };
    let (first, second) = (held(&mut cache, &calls[0]), held(&mut cache, &calls[1]));
    assert_eq!(first + second, 16, "0.4 of 20 tokens in two layers");
    assert!(first <= 2 && second >= 14, "{first} and {second}");
    // A second sample in which the layers change places: each is concentrated once, and their sizes are equal. A call
    // without tokens says nothing.
    let empty = Shape { rows: 0, ..shape };
    let nothing = |layer| Call { layer, shape: empty, q: &[], k: &[], v: &[], ..calls[0] };
    let more =
        [nothing(0), calls[0], calls[1], Call { layer: 0, ..calls[1] }, Call { layer: 1, ..calls[0] }, nothing(1)];
    cache.calibrate(&more).unwrap();
    assert_eq!((held(&mut cache, &calls[0]), held(&mut cache, &calls[1])), (8, 8));
}

#[test]
fn full_is_attention_and_a_row_alone_is_a_row_among_others() {
    let shape = Shape { rows: 2, heads: 3, steps: 9, d_k: 4, d_v: 5 };
    let (q, k, v) = (numbers(2 * 3 * 9 * 4, 1), numbers(2 * 3 * 9 * 4, 2), numbers(2 * 3 * 9 * 5, 3));
    let call = Call { layer: 0, shape, scale: 0.5, decay: 0.9, q: &q, k: &k, v: &v, hidden: &[], starts: &[] };
    let attended = Cache::new(policy("full", &[]), 1).attend(&call).unwrap();
    for lane in 0..6 {
        for t in 0..9 {
            let weight = |i: usize| {
                let logit: f64 = (0..4).map(|d| f64::from(q[(lane * 9 + t) * 4 + d] * k[(lane * 9 + i) * 4 + d])).sum();
                (0.5 * logit).exp() * 0.9f64.powi((t - i) as i32)
            };
            let sum: f64 = (0..=t).map(weight).sum();
            for d in 0..5 {
                let wanted: f64 = (0..=t).map(|i| weight(i) / sum * f64::from(v[(lane * 9 + i) * 5 + d])).sum();
                let found = f64::from(attended.out[(lane * 9 + t) * 5 + d]);
                assert!((wanted - found).abs() < 1e-6, "{lane} {t} {d}: {wanted} and {found}");
            }
        }
    }
    assert_eq!(attended.bytes[8], 9 * 3 * (4 + 5) * 4);
    for name in ["full", "window", "heavy_hitter", "lazy", "window_selection", "quantised", "spherical"] {
        let half = policy(name, &[]);
        let both = Cache::new(half.clone(), 1).attend(&call).unwrap();
        let second = Call {
            shape: Shape { rows: 1, ..shape },
            q: &q[3 * 9 * 4..],
            k: &k[3 * 9 * 4..],
            v: &v[3 * 9 * 5..],
            ..call
        };
        let alone = Cache::new(half, 1).attend(&second).unwrap();
        assert_eq!(both.out[3 * 9 * 5..], alone.out[..], "{name}");
        assert_eq!(both.until[3 * 9..], alone.until[..], "{name}");
    }
}

#[test]
fn bits_by_use_stay_within_the_bytes_and_beat_equal_bits_at_them() {
    // 64 tokens, of which queries want only the first page.
    let (steps, d) = (64, 8);
    let shape = Shape { rows: 1, heads: 1, steps, d_k: d, d_v: d };
    let mut k = numbers(steps * d, 2);
    let v = numbers(steps * d, 3);
    let q: Vec<f32> = (0..steps).flat_map(|_| (0..d).map(|i| if i == 0 { 8.0 } else { 0.0 })).collect();
    for (i, key) in k.chunks_exact_mut(d).enumerate() {
        key[0] = if i < 4 { 1.0 } else { -1.0 };
    }
    let call = Call { layer: 0, shape, scale: 1.0, decay: 1.0, q: &q, k: &k, v: &v, hidden: &[], starts: &[] };
    let full = Cache::new(policy("full", &[]), 1).attend(&call).unwrap();
    let error = |attended: &Attended| -> f32 {
        let last = (steps - 1) * d..steps * d;
        attended.out[last.clone()].iter().zip(&full.out[last]).map(|(a, b)| (a - b) * (a - b)).sum()
    };
    let pages = Cache::new(policy("spherical_pages", &[("budget", 0.1)]), 1).attend(&call).unwrap();
    let equal = Cache::new(policy("spherical", &[("bits", 2.0), ("sinks", 0.0)]), 1).attend(&call).unwrap();
    let book = 5 * (steps / 4) as u32;
    assert!(pages.most_bytes() <= (0.1 * f64::from(full.bytes[steps - 1])) as u32 + book, "{}", pages.most_bytes());
    assert!(equal.most_bytes() > pages.most_bytes());
    assert!(error(&pages) < error(&equal) / 4.0, "{} against {}", error(&pages), error(&equal));
}

#[test]
fn a_policy_is_called_by_its_size() {
    let called = |name, settings: &[(&str, f64)]| label(&policy(name, settings));
    assert_eq!(called("lazy", &[("budget", 0.25)]), "lazy 0.25");
    assert_eq!(called("quantised", &[("bits", 2.0)]), "quantised 2");
    assert_eq!(called("full", &[]), "full");
}

#[test]
fn every_kind_and_knob_is_explained_and_wrong_arrays_are_refused() {
    for kind in Policies::kinds() {
        assert!(!kind.meaning.is_empty() && !kind.source.is_empty(), "{}", kind.name);
        assert!(kind.knobs.iter().all(|knob| !knob.meaning.is_empty()), "{}", kind.name);
        assert!(BUILDS.iter().any(|(name, _)| *name == kind.name));
    }
    let shape = Shape { rows: 1, heads: 1, steps: 2, d_k: 2, d_v: 1 };
    let call = Call {
        layer: 0,
        shape,
        scale: 1.0,
        decay: 1.0,
        q: &[0.0; 4],
        k: &[0.0; 3],
        v: &[0.0; 2],
        hidden: &[],
        starts: &[],
    };
    let mut cache = Cache::new(policy("full", &[]), 1);
    let error = cache.attend(&call).unwrap_err().to_string();
    assert!(error.contains("k has 3 numbers") && error.contains("need 4"), "{error}");
    let error = cache.attend(&Call { layer: 1, k: &[0.0; 4], ..call }).unwrap_err();
    assert_eq!(error, CacheError::Layer { layer: 1, layers: 1 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_policy_ever_holds_more_than_its_budget_or_drops_the_newest(
        budget in 0.05f64..1.0,
        steps in 1usize..24,
        salt in 0usize..50,
    ) {
        let shape = Shape { rows: 2, heads: 2, steps, d_k: 2, d_v: 2 };
        let (q, k) = (numbers(8 * steps, salt), numbers(8 * steps, salt + 1));
        let v = numbers(8 * steps, salt + 2);
        let call = Call { layer: 0, shape, scale: 3.0, decay: 1.0, q: &q, k: &k, v: &v, hidden: &[], starts: &[] };
        let most = ((budget * steps as f64).round() as usize).max(1);
        for name in ["random", "window", "heavy_hitter", "lazy", "retention_gate", "window_selection", "prefix"] {
            let mut chosen = policy(name, &[("budget", budget)]);
            if name == "retention_gate" {
                chosen.set("steps", Setting::Number(2.0)).unwrap();
            }
            let mut cache = Cache::new(chosen, 1);
            cache.calibrate(&[call]).unwrap();
            let attended = cache.attend(&call).unwrap();
            prop_assert!(attended.out.iter().all(|x| x.is_finite()));
            for lane in 0..4 {
                for t in 0..steps {
                    let held = (0..=t).filter(|&i| attended.holds(steps, lane, i, t)).count();
                    prop_assert!(held <= most && held >= 1, "{} holds {} of {} at {}", name, held, most, t);
                    prop_assert!(attended.holds(steps, lane, t, t), "{} drops the newest at {}", name, t);
                }
            }
        }
    }
}

#[test]
fn fillers_change_nothing() {
    // A sequence of 9 alone, and behind 5 fillers.
    let (steps, start, heads) = (9, 5, 2);
    let alone = Shape { rows: 1, heads, steps, d_k: 3, d_v: 2 };
    let filled = Shape { steps: steps + start, ..alone };
    let behind = |array: &[f32], d: usize| -> Vec<f32> {
        array.chunks_exact(steps * d).flat_map(|lane| [&numbers(start * d, 77)[..], lane].concat()).collect()
    };
    let (q, k, v) = (numbers(heads * steps * 3, 1), numbers(heads * steps * 3, 2), numbers(heads * steps * 2, 3));
    let (long_q, long_k, long_v) = (behind(&q, 3), behind(&k, 3), behind(&v, 2));
    let short = Call { layer: 0, shape: alone, scale: 1.0, decay: 1.0, q: &q, k: &k, v: &v, hidden: &[], starts: &[] };
    let long = Call { shape: filled, q: &long_q, k: &long_k, v: &long_v, starts: &[start], ..short };
    for kind in Policies::kinds() {
        let mut cache = Cache::new(policy(kind.name, &[]), 1);
        cache.calibrate(&[short]).unwrap();
        let (a, b) = (cache.attend(&short).unwrap(), cache.attend(&long).unwrap());
        for lane in 0..heads {
            let of = |lane: usize, from: usize, all: usize| (lane * all + from) * 2..(lane + 1) * all * 2;
            assert_eq!(a.out[of(lane, 0, steps)], b.out[of(lane, start, filled.steps)], "{}", kind.name);
            for i in 0..steps {
                let until = b.until[lane * filled.steps + start + i];
                assert_eq!(a.until[lane * steps + i] + start as u32, until, "{}", kind.name);
            }
        }
        assert_eq!(a.bytes[..], b.bytes[start..], "{}", kind.name);
        assert_eq!(b.bytes[..start], [0; 5]);
    }
    let refused = Cache::new(policy("full", &[]), 1).attend(&Call { starts: &[14], ..long }).unwrap_err();
    assert_eq!(refused, CacheError::OnlyFillers { start: 14, steps: 14 });
}
