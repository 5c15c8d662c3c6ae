//! Keys, values and the queries that ask for them.

use std::borrow::Cow;
use std::f64::consts::TAU;

use mnemoscope_core::random;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use crate::bias::softmax;
use crate::kinds::{check, different_keys};
use crate::{Component, Composition, FeatureMap, MemoryError, memory_width};

/// N pairs in the order in which they are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs {
    /// Entries of a key as the memory gets it, after the feature map.
    pub d_k: usize,
    /// Entries of a value.
    pub d_v: usize,
    /// `[N, d_k]`.
    pub keys: Vec<f32>,
    /// `[N, d_v]`.
    pub values: Vec<f32>,
    /// `[N, d_k]`: the keys as they are asked for, with noise.
    pub queries: Vec<f32>,
    /// `[N]`: the first write that used the same key; its own number for a new key.
    pub key_of: Vec<usize>,
    /// `[N]`: whether the value is an outlier.
    pub outlier: Vec<bool>,
    /// `[M, d_v]`: the values that there are, where they are drawn from a codebook; empty where each pair has its own.
    pub codebook: Vec<f32>,
    /// `[N]`: which code each value is; empty without a codebook.
    pub code_of: Vec<usize>,
}

impl Pairs {
    /// Pairs given by hand, all keys different, asked for without noise. Keys `[N, d_k]`, values `[N, d_v]`.
    ///
    /// # Errors
    /// When the arrays are not one row per pair.
    pub fn new(d_k: usize, d_v: usize, keys: Vec<f32>, values: Vec<f32>) -> Result<Self, MemoryError> {
        let n = keys.len().checked_div(d_k).unwrap_or(0);
        if d_k == 0 || d_v == 0 || keys.len() != n * d_k || values.len() != n * d_v {
            return Err(MemoryError::Shape { keys: keys.len(), values: values.len(), d_k, d_v });
        }
        let queries = keys.clone();
        let (codebook, code_of) = (Vec::new(), Vec::new());
        Ok(Self {
            d_k,
            d_v,
            keys,
            values,
            queries,
            key_of: (0..n).collect(),
            outlier: vec![false; n],
            codebook,
            code_of,
        })
    }

    /// Draws the pairs that the settings describe. With one more pair, or more noise, the others stay the same.
    ///
    /// # Errors
    /// When the settings do not go together.
    pub fn draw(component: &Component) -> Result<Self, MemoryError> {
        Self::draw_nth(component, 0)
    }

    /// Draw number `draw` of the same settings and seed; number 0 is [`Pairs::draw`].
    ///
    /// # Errors
    /// When the settings do not go together.
    pub fn draw_nth(component: &Component, draw: u64) -> Result<Self, MemoryError> {
        check(component)?;
        let (n, d_k, d_v) = (component.whole("pairs"), component.whole("d_k"), component.whole("d_v"));
        let seed = component.whole("seed") as u64;
        let source = |purpose: &str| Gaussian::new(seed, purpose, draw);

        let different = different_keys(component);
        let mut normal = source("association keys");
        let mut directions = Vec::with_capacity(different * d_k);
        if component.switch("orthonormal") {
            orthonormal(&mut directions, &mut normal, different, d_k);
        } else {
            let rho = component.real("correlation");
            let common = unit(source("association common direction").take(d_k));
            for _ in 0..different {
                let own = unit(normal.by_ref().take(d_k));
                let mixed = common.iter().zip(own).map(|(c, own)| rho.sqrt() * c + (1.0 - rho).sqrt() * own);
                directions.extend(unit(mixed));
            }
        }

        let (length, jitter) = (component.real("key_length"), component.real("key_jitter"));
        // Cut at two deviations, so that there is a longest key and the write strength can be checked against it.
        let lengths: Vec<f64> = source("association key lengths")
            .take(different)
            .map(|normal| length * (jitter * normal.clamp(-2.0, 2.0)).exp())
            .collect();
        let key_of: Vec<usize> = (0..n).map(|i| if i < different { i } else { i - different }).collect();
        let scaled = |i: &usize| {
            let length = lengths[*i];
            directions[i * d_k..][..d_k].iter().map(move |entry| length * entry)
        };
        let keys: Vec<f64> = key_of.iter().flat_map(scaled).collect();
        let entry_noise = component.real("noise") * length / (d_k as f64).sqrt();
        let noise = source("association noise");
        // Most of the time there is none, and drawing it would be a third of the cost of all draws.
        let noisy = || keys.iter().zip(noise).map(|(key, noise)| (key + entry_noise * noise) as f32).collect();
        let plain = || keys.iter().map(|key| *key as f32).collect();
        let queries: Vec<f32> = if entry_noise > 0.0 { noisy() } else { plain() };
        let keys: Vec<f32> = keys.into_iter().map(|entry| entry as f32).collect();

        let scale = 1.0 / (d_v as f64).sqrt();
        let codes = component.whole("codebook");
        let drawn = if codes > 0 { codes } else { n };
        let drawn: Vec<f32> =
            source("association values").take(drawn * d_v).map(|value| (scale * value) as f32).collect();
        let (mut values, mut codebook, code_of) = if codes == 0 {
            (drawn, Vec::new(), Vec::new())
        } else {
            let mut bits = source("association codes");
            let code_of: Vec<usize> = (0..n).map(|_| (bits.below_one() * codes as f64) as usize).collect();
            (code_of.iter().flat_map(|code| &drawn[code * d_v..][..d_v]).copied().collect(), drawn, code_of)
        };
        let (mut keys, mut queries) = (keys, queries);
        if component.switch("distributions") {
            for (rows, width) in [(&mut keys, d_k), (&mut queries, d_k), (&mut values, d_v), (&mut codebook, d_v)] {
                rows.chunks_exact_mut(width).for_each(distribution);
            }
        }
        let (share, magnitude) = (component.real("outliers"), component.real("magnitude"));
        let mut chances = source("association outliers");
        let outlier: Vec<bool> = (0..n).map(|_| chances.below_one() < share).collect();
        for (value, _) in values.chunks_exact_mut(d_v).zip(&outlier).filter(|(_, outlier)| **outlier) {
            for entry in value {
                *entry *= magnitude as f32;
            }
        }

        let map = FeatureMap::new(
            component.text("features"),
            d_k,
            component.whole("feature_count"),
            component.real("kernel_width"),
            seed.wrapping_add(draw),
        );
        let mapped = |rows: Vec<f32>| match map {
            FeatureMap::Identity => rows,
            _ => rows.chunks_exact(d_k).flat_map(|row| map.map(row)).collect(),
        };
        let (keys, queries) = (mapped(keys), mapped(queries));
        Ok(Self { d_k: memory_width(component), d_v, keys, values, queries, key_of, outlier, codebook, code_of })
    }

    /// These pairs as a memory can take them: for one whose keys or values must be distributions, a sharp softmax of each
    /// row (lab form).
    pub fn fitted(&self, composition: &Composition) -> Cow<'_, Self> {
        let (keys, values) = (composition.keys_on_simplex(), composition.values_on_simplex());
        if !keys && !values {
            return Cow::Borrowed(self);
        }
        let mut fitted = self.clone();
        if keys {
            distributions(&mut fitted.keys, self.d_k);
            distributions(&mut fitted.queries, self.d_k);
        }
        if values {
            distributions(&mut fitted.values, self.d_v);
            distributions(&mut fitted.codebook, self.d_v);
        }
        Cow::Owned(fitted)
    }

    /// Number of pairs, N.
    pub fn len(&self) -> usize {
        self.key_of.len()
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.key_of.is_empty()
    }

    /// For each of the first `n` writes the newest write among them with the same key: whose value a memory should
    /// answer with. `n` beyond N means N.
    pub fn newest(&self, n: usize) -> Vec<usize> {
        let n = n.min(self.len());
        let mut newest: Vec<usize> = (0..n).collect();
        for (write, key) in self.key_of[..n].iter().enumerate() {
            newest[*key] = write;
        }
        self.key_of[..n].iter().map(|key| newest[*key]).collect()
    }
}

/// Sharpness of the distributions made of rows: a few entries then hold most of the mass, as codes do.
const SHARPNESS: f32 = 4.0;

/// Each row x as softmax of its entries, taken as [`SHARPNESS`] times those of mean square 1; a row of zeros becomes
/// uniform.
fn distributions(rows: &mut [f32], width: usize) {
    for row in rows.chunks_exact_mut(width) {
        let mean_square = row.iter().map(|x| x * x).sum::<f32>() / width as f32;
        let scale = if mean_square > 0.0 { SHARPNESS / mean_square.sqrt() } else { 0.0 };
        let logits: Vec<f32> = row.iter().map(|x| scale * x).collect();
        row.copy_from_slice(&softmax(&logits));
    }
}

/// Gaussian numbers from a named stream, by Box and Muller (1958): the same on every platform and with every version
/// of the generator's own distributions.
pub(crate) struct Gaussian {
    bits: ChaCha8Rng,
    second: Option<f64>,
}

impl Gaussian {
    pub(crate) fn new(seed: u64, purpose: &str, draw: u64) -> Self {
        Self { bits: random::stream(seed, purpose, &[draw]), second: None }
    }

    /// In (0, 1], so that its logarithm is finite.
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.bits.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// In [0, 1).
    pub(crate) fn below_one(&mut self) -> f64 {
        (self.bits.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl Iterator for Gaussian {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        if let Some(second) = self.second.take() {
            return Some(second);
        }
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        let (sine, cosine) = (TAU * self.uniform()).sin_cos();
        self.second = Some(radius * sine);
        Some(radius * cosine)
    }
}

pub(crate) fn unit(entries: impl Iterator<Item = f64>) -> Vec<f64> {
    let entries: Vec<f64> = entries.collect();
    let length = entries.iter().map(|entry| entry * entry).sum::<f64>().sqrt();
    entries.iter().map(|entry| entry / length).collect()
}

/// Softmax of twice the entries, taken as sqrt(d) times those of a unit vector: their mean square is then 1.
fn distribution(row: &mut [f32]) {
    let scale = 2.0 * (row.len() as f32).sqrt();
    let logits: Vec<f32> = row.iter().map(|entry| scale * entry).collect();
    row.copy_from_slice(&softmax(&logits));
}

/// Appends `count` orthonormal rows of `d` entries, by Gram and Schmidt, twice over for full accuracy.
fn orthonormal(rows: &mut Vec<f64>, normal: &mut Gaussian, count: usize, d: usize) {
    for _ in 0..count {
        let mut row = unit(normal.by_ref().take(d));
        for _ in 0..2 {
            for earlier in rows.chunks_exact(d) {
                let along: f64 = row.iter().zip(earlier).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(earlier).for_each(|(a, b)| *a -= along * b);
            }
            row = unit(row.into_iter());
        }
        rows.extend(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnemoscope_core::Setting;
    use proptest::prelude::*;

    fn component(settings: &[(&str, f64)]) -> Component {
        settings.iter().fold(Component::new("association").unwrap(), |component, (name, value)| {
            component.with(name, Setting::Number(*value)).unwrap()
        })
    }

    fn dot(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    #[test]
    fn keys_have_their_length_and_the_stated_correlation() {
        let pairs = Pairs::draw(&component(&[("pairs", 200.0), ("correlation", 0.6), ("key_length", 1.5)])).unwrap();
        let rows: Vec<&[f32]> = pairs.keys.chunks(64).collect();
        let mut sum = 0.0;
        for (i, row) in rows.iter().enumerate() {
            assert!((dot(row, row).sqrt() - 1.5).abs() < 1e-6);
            sum += rows[..i].iter().map(|earlier| dot(row, earlier)).sum::<f64>();
        }
        // Mean cosine of two keys: rho, up to the normalisation, which is of order 1/d_k.
        let mean = sum / (200.0 * 199.0 / 2.0) / 1.5f64.powi(2);
        assert!((mean - 0.6).abs() < 0.03, "{mean}");
    }

    #[test]
    fn noise_has_its_length_and_leaves_keys_and_values_alone() {
        let clean = Pairs::draw(&component(&[("pairs", 500.0), ("d_v", 3.0)])).unwrap();
        let noisy = Pairs::draw(&component(&[("pairs", 500.0), ("d_v", 3.0), ("noise", 0.5)])).unwrap();
        assert_eq!((&clean.keys, &clean.values), (&noisy.keys, &noisy.values));
        assert_eq!(clean.queries, clean.keys);
        let squares: Vec<f32> = noisy.queries.iter().zip(&noisy.keys).map(|(q, k)| (q - k) * (q - k)).collect();
        let mean = f64::from(squares.iter().sum::<f32>()) / 500.0;
        // Of 32000 squared Gaussians the relative standard error is sqrt(2/32000) = 0.008; 4 of them.
        assert!((mean / 0.25 - 1.0).abs() < 0.032, "{mean}");
    }

    #[test]
    fn values_have_variance_one_over_their_size() {
        let pairs = Pairs::draw(&component(&[("pairs", 512.0), ("d_v", 20.0)])).unwrap();
        let mean = pairs.values.iter().map(|v| f64::from(v * v)).sum::<f64>() / 512.0;
        // sqrt(2/10240) = 0.014; 4 of them.
        assert!((mean - 1.0).abs() < 0.056, "{mean}");
    }

    #[test]
    fn one_more_pair_leaves_the_others_and_draws_differ() {
        let few = Pairs::draw(&component(&[("pairs", 10.0)])).unwrap();
        let more = Pairs::draw(&component(&[("pairs", 11.0)])).unwrap();
        assert_eq!(few.keys[..], more.keys[..640]);
        assert_eq!(few.values[..], more.values[..640]);
        let other = Pairs::draw_nth(&component(&[("pairs", 10.0)]), 1).unwrap();
        assert_ne!(few.keys, other.keys);
        assert_ne!(few, Pairs::draw(&component(&[("pairs", 10.0), ("seed", 2.0)])).unwrap());
    }

    #[test]
    fn rewritten_keys_stand_last_and_know_their_newest_value() {
        let pairs = Pairs::draw(&component(&[("pairs", 7.0), ("rewritten", 0.3)])).unwrap();
        assert_eq!(pairs.key_of, [0, 1, 2, 3, 4, 0, 1]);
        assert_eq!(pairs.keys[..128], pairs.keys[320..448]);
        assert_ne!(pairs.values[..128], pairs.values[320..448]);
        assert_eq!(pairs.newest(7), [5, 6, 2, 3, 4, 5, 6]);
        assert_eq!(pairs.newest(6), [5, 1, 2, 3, 4, 5]);
        assert_eq!(pairs.newest(100), pairs.newest(7));
    }

    #[test]
    fn key_lengths_spread_and_have_a_bound() {
        let pairs = Pairs::draw(&component(&[("pairs", 512.0), ("key_length", 0.5), ("key_jitter", 0.3)])).unwrap();
        let logs: Vec<f64> = pairs.keys.chunks(64).map(|row| (dot(row, row).sqrt() / 0.5).ln() / 0.3).collect();
        assert!(logs.iter().all(|log| log.abs() < 2.0 + 1e-5));
        let square = logs.iter().map(|log| log * log).sum::<f64>() / 512.0;
        // A normal cut at two deviations: E[min(x^2, 4)] = 0.9205, and its standard error is below 0.054.
        assert!((square - 0.9205).abs() < 4.0 * 0.054, "{square}");
    }

    #[test]
    fn outliers_are_the_same_values_longer() {
        let clean = Pairs::draw(&component(&[("pairs", 400.0)])).unwrap();
        let wild = Pairs::draw(&component(&[("pairs", 400.0), ("outliers", 0.2), ("magnitude", 5.0)])).unwrap();
        let count = wild.outlier.iter().filter(|outlier| **outlier).count();
        // 80 of 400 with a standard deviation of 8; 4 of them.
        assert!((48..=112).contains(&count), "{count}");
        for ((clean, wild), outlier) in clean.values.chunks(64).zip(wild.values.chunks(64)).zip(&wild.outlier) {
            let factor = if *outlier { 5.0 } else { 1.0 };
            assert!(clean.iter().zip(wild).all(|(clean, wild)| clean * factor == *wild));
        }
        assert!(clean.outlier.iter().all(|outlier| !outlier));
    }

    #[test]
    fn values_of_a_codebook_are_its_codes() {
        let pairs = Pairs::draw(&component(&[("pairs", 50.0), ("d_v", 6.0), ("codebook", 8.0)])).unwrap();
        assert_eq!(pairs.codebook.len(), 8 * 6);
        for (value, code) in pairs.values.chunks(6).zip(&pairs.code_of) {
            assert_eq!(value, &pairs.codebook[code * 6..][..6]);
        }
        assert!((0..8).all(|code| pairs.code_of.contains(&code)), "50 draws meet all of 8");
    }

    #[test]
    fn mapped_keys_have_the_size_of_the_map() {
        let random = component(&[("pairs", 5.0), ("d_k", 8.0), ("feature_count", 24.0), ("noise", 0.1)])
            .with("features", Setting::Text("random".to_owned()))
            .unwrap();
        let pairs = Pairs::draw(&random).unwrap();
        assert_eq!((pairs.d_k, pairs.keys.len(), pairs.queries.len()), (24, 5 * 24, 5 * 24));
        assert_ne!(pairs.keys, pairs.queries);
        assert!(pairs.keys.chunks(24).all(|key| (dot(key, key) - 1.0).abs() < 1e-5));
    }

    #[test]
    fn distributions_sum_to_one_and_a_kl_memory_learns_them() {
        let component = component(&[("pairs", 4.0), ("d_k", 16.0), ("d_v", 8.0), ("noise", 0.1)])
            .with("distributions", Setting::Switch(true))
            .unwrap();
        let pairs = Pairs::draw(&component).unwrap();
        for row in pairs.keys.chunks(16).chain(pairs.queries.chunks(16)).chain(pairs.values.chunks(8)) {
            assert!(row.iter().all(|entry| *entry >= 0.0) && (row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{row:?}");
        }
        let mut memora = crate::Composition::named().iter().find(|point| point.name == "memora").unwrap().composition();
        // One pair again and again: a step moves the answer by at most β |k|² ¼ of the error's size, and |k| is at most 1.
        memora.rule.set("beta", Setting::Number(4.0)).unwrap();
        let mut memory = crate::remember(&memora, &pairs, 0, 0).unwrap();
        let (key, value) = (&pairs.keys[..16], &pairs.values[..8]);
        let error = |answer: &[f32]| answer.iter().zip(value).map(|(o, v)| (o - v).powi(2)).sum::<f32>();
        let before = error(&memory.read(key));
        for _ in 0..50 {
            memory.write(key, value);
        }
        let answer = memory.read(key);
        assert!(error(&answer) < 0.5 * before, "{} {before}", error(&answer));
        assert!((answer.iter().sum::<f32>() - 1.0).abs() < 1e-4);
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused() {
        assert!(Pairs::new(2, 1, vec![1.0; 4], vec![1.0; 2]).is_ok());
        for (d_k, d_v) in [(3, 1), (2, 2), (0, 1), (2, 0)] {
            let error = Pairs::new(d_k, d_v, vec![1.0; 4], vec![1.0; 2]).unwrap_err();
            assert!(error.to_string().contains("4 numbers in keys and 2 in values"), "{error}");
        }
    }

    #[test]
    fn a_memory_of_distributions_gets_distributions_and_no_other_does() {
        let pairs = Pairs::draw(&component(&[("pairs", 9.0), ("codebook", 3.0), ("noise", 0.3)])).unwrap();
        for point in Composition::named() {
            let composition = point.composition();
            let fitted = pairs.fitted(&composition);
            if point.name != "memora" {
                assert_eq!(*fitted, pairs, "{}", point.name);
                continue;
            }
            for rows in [&fitted.keys, &fitted.queries, &fitted.values, &fitted.codebook] {
                for row in rows.chunks(64) {
                    assert!(row.iter().all(|x| *x >= 0.0) && (row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                }
            }
            // Entries keep their order, and the ratio of two is that of exp(4 √d_k k) for unit keys.
            let ratio = fitted.keys[5] / fitted.keys[6];
            let expected = (4.0 * 8.0 * (pairs.keys[5] - pairs.keys[6])).exp();
            assert!((ratio / expected - 1.0).abs() < 1e-3, "{ratio} {expected}");
        }
    }

    proptest! {
        #[test]
        fn orthonormal_keys_are(d_k in 2usize..40, seed in 0u32..1000) {
            let component = component(&[("pairs", d_k as f64), ("d_k", d_k as f64), ("seed", f64::from(seed))])
                .with("orthonormal", Setting::Switch(true)).unwrap();
            let pairs = Pairs::draw(&component).unwrap();
            for (i, a) in pairs.keys.chunks(d_k).enumerate() {
                for (j, b) in pairs.keys.chunks(d_k).enumerate() {
                    prop_assert!((dot(a, b) - f64::from(u8::from(i == j))).abs() < 1e-6);
                }
            }
        }
    }
}
