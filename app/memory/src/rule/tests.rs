use super::*;
use mnemoscope_core::Setting;
use proptest::prelude::*;

const DELTA: Rule = Rule::Delta { beta: 1.0 };
const SOFTMAX: Rule = Rule::Softmax { inverse_temperature: 8.0 };

fn component(settings: &[(&str, f64)]) -> Component {
    settings.iter().fold(Component::new("association").unwrap(), |component, (name, value)| {
        component.with(name, Setting::Number(*value)).unwrap()
    })
}

fn drawn(settings: &[(&str, f64)]) -> Pairs {
    Pairs::draw(&component(settings)).unwrap()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// The recurrences as they are written in the papers, in f64, cell by cell.
fn by_definition(rule: Rule, decay: f64, pairs: &Pairs, n: usize) -> Vec<f64> {
    let (d_k, d_v) = (pairs.d_k, pairs.d_v);
    let mut state = vec![0.0; d_v * d_k];
    for t in 0..n {
        let key: Vec<f64> = pairs.keys[t * d_k..][..d_k].iter().map(|x| f64::from(*x)).collect();
        for cell in &mut state {
            *cell *= decay;
        }
        for r in 0..d_v {
            let answer: f64 = (0..d_k).map(|c| state[r * d_k + c] * key[c]).sum();
            let value = f64::from(pairs.values[t * d_v + r]);
            let write = match rule {
                Rule::Delta { beta } => f64::from(beta) * (value - answer),
                _ => value,
            };
            (0..d_k).for_each(|c| state[r * d_k + c] += write * key[c]);
        }
    }
    state
}

#[test]
fn both_rules_follow_their_definition_step_by_step() {
    let pairs = drawn(&[("pairs", 37.0), ("d_k", 13.0), ("d_v", 9.0), ("correlation", 0.4)]);
    for (rule, decay) in [(Rule::Hebb, 1.0), (Rule::Hebb, 0.9), (Rule::Delta { beta: 0.7 }, 1.0), (DELTA, 0.9)] {
        for n in [0, 1, 2, 36, 37, 1000] {
            let expected = by_definition(rule, f64::from(decay), &pairs, n.min(37));
            let state = write(rule, decay, &pairs, n);
            let expected: Vec<f32> = expected.iter().map(|x| *x as f32).collect();
            assert!(largest_difference(&state, &expected) < 1e-5, "{rule:?} {decay} {n}");
        }
        // The write that is shown is what the step added.
        for n in [1, 2, 37] {
            let before = write(rule, decay, &pairs, n - 1);
            let added = last_write(rule, decay, &pairs, n);
            let after: Vec<f32> = before.iter().zip(&added).map(|(s, w)| decay * s + w).collect();
            assert!(largest_difference(&after, &write(rule, decay, &pairs, n)) < 1e-5, "{rule:?} {decay} {n}");
        }
        assert!(last_write(rule, decay, &pairs, 0).iter().all(|cell| *cell == 0.0));
    }
}

#[test]
fn orthonormal_keys_recall_exactly_under_both_rules() {
    let component =
        component(&[("pairs", 24.0), ("d_k", 24.0), ("d_v", 17.0)]).with("orthonormal", Setting::Switch(true)).unwrap();
    let pairs = Pairs::draw(&component).unwrap();
    for rule in [Rule::Hebb, DELTA] {
        for n in [1, 11, 24] {
            let recalled = recall(rule, 1.0, &pairs, n);
            assert!(largest_difference(&recalled, &pairs.values[..n * 17]) < 1e-5, "{rule:?} {n}");
        }
    }
}

#[test]
fn a_key_written_twice_recalls_the_second_value_or_the_sum() {
    let key = [0.6, 0.8, 0.0];
    let keys = [key, [0.0, 0.0, 1.0], key].concat();
    let pairs = Pairs::new(3, 2, keys, vec![1.0, 2.0, 10.0, 20.0, -3.0, 5.0]).unwrap();
    let hebb = recall(Rule::Hebb, 1.0, &pairs, 3);
    assert!(largest_difference(&hebb, &[-2.0, 7.0, 10.0, 20.0, -2.0, 7.0]) < 1e-5, "{hebb:?}");
    let delta = recall(DELTA, 1.0, &pairs, 3);
    assert!(largest_difference(&delta, &[-3.0, 5.0, 10.0, 20.0, -3.0, 5.0]) < 1e-5, "{delta:?}");
}

#[test]
fn a_pair_of_age_a_keeps_the_weight_gamma_to_the_a() {
    let n = 12;
    let component = component(&[("pairs", n as f64), ("d_k", 16.0), ("d_v", 5.0)])
        .with("orthonormal", Setting::Switch(true))
        .unwrap();
    let pairs = Pairs::draw(&component).unwrap();
    let decay = 0.8f32;
    for rule in [Rule::Hebb, DELTA] {
        let recalled = recall(rule, decay, &pairs, n);
        for (i, (o, v)) in recalled.chunks(5).zip(pairs.values.chunks(5)).enumerate() {
            let expected: Vec<f32> = v.iter().map(|v| v * decay.powi((n - 1 - i) as i32)).collect();
            assert!(largest_difference(o, &expected) < 1e-5, "{rule:?} {i}");
        }
    }
    // With the same key everywhere the logits differ by age alone.
    let same = Pairs::new(2, 1, [0.6, 0.8].repeat(4), vec![1.0; 4]).unwrap();
    let weights = softmax_weights(8.0, 0.5, &same, 4);
    for row in weights.chunks(4) {
        assert!(largest_difference(row, &[1.0 / 15.0, 2.0 / 15.0, 4.0 / 15.0, 8.0 / 15.0]) < 1e-6, "{row:?}");
    }
}

#[test]
fn softmax_reads_its_weighted_mean() {
    // Two unit keys at right angles: logits 8 and 0.
    let pairs = Pairs::new(2, 1, vec![1.0, 0.0, 0.0, 1.0], vec![1.0, -1.0]).unwrap();
    let sure = 8f32.exp() / (8f32.exp() + 1.0);
    assert!(largest_difference(&softmax_weights(8.0, 1.0, &pairs, 2), &[sure, 1.0 - sure, 1.0 - sure, sure]) < 1e-6);
    let mean = 2.0 * sure - 1.0;
    assert!(largest_difference(&recall(SOFTMAX, 1.0, &pairs, 2), &[mean, -mean]) < 1e-6);
    assert!(write(SOFTMAX, 1.0, &pairs, 2).is_empty() && last_write(SOFTMAX, 1.0, &pairs, 2).is_empty());
    assert!(recall(SOFTMAX, 1.0, &pairs, 0).is_empty());
}

proptest! {
    #[test]
    fn softmax_weights_are_a_distribution(n in 1usize..60, sharpness in 0.1f32..128.0, decay in 0.5f32..=1.0) {
        let pairs = drawn(&[("pairs", n as f64), ("d_k", 7.0), ("noise", 1.0), ("key_length", 2.0)]);
        for row in softmax_weights(sharpness, decay, &pairs, n).chunks(n) {
            prop_assert!(row.iter().all(|w| (0.0..=1.0 + 1e-6).contains(w)));
            prop_assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }
    }

    /// After one more write of (k, v) the error along k is |1 - beta |k|^2| times what it was: below 1 inside the
    /// bounds, and so the same pair written again and again is learned.
    #[test]
    fn the_delta_rule_contracts(product in 0.02f32..1.98, length in 0.25f32..2.0, seed in 0u32..500) {
        let beta = product / (length * length);
        let others = drawn(&[("pairs", 6.0), ("d_k", 9.0), ("d_v", 4.0), ("seed", f64::from(seed))]);
        let mut keys = others.keys[..5 * 9].to_vec();
        let mut values = others.values[..5 * 4].to_vec();
        let key: Vec<f32> = others.keys[5 * 9..].iter().map(|k| k * length).collect();
        let value = &others.values[5 * 4..];
        for _ in 0..3 {
            keys.extend(&key);
            values.extend(value);
        }
        let pairs = Pairs::new(9, 4, keys, values).unwrap();
        let rule = Rule::Delta { beta };
        let error = |n: usize| {
            let state = write(rule, 1.0, &pairs, n);
            let squares = state.chunks(9).zip(value).map(|(row, v)| {
                let answer: f32 = row.iter().zip(&key).map(|(s, k)| s * k).sum();
                (v - answer) * (v - answer)
            });
            squares.sum::<f32>().sqrt()
        };
        for n in 5..8 {
            let expected = (1.0 - product).abs() * error(n);
            prop_assert!((error(n + 1) - expected).abs() < 1e-4 * (1.0 + error(n)), "{} {expected}", error(n + 1));
        }
    }
}
