//! Keys, values and the queries that ask for them.

use std::f64::consts::TAU;

use mnemoscope_core::random;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use crate::kinds::{check, different_keys};
use crate::{Component, MemoryError};

/// N pairs in the order in which they are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs {
    /// Entries of a key.
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
        Ok(Self { d_k, d_v, keys, values, queries, key_of: (0..n).collect() })
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

        let length = component.real("key_length");
        let key_of: Vec<usize> = (0..n).map(|i| if i < different { i } else { i - different }).collect();
        let keys: Vec<f64> =
            key_of.iter().flat_map(|i| &directions[i * d_k..][..d_k]).map(|entry| length * entry).collect();
        let entry_noise = component.real("noise") * length / (d_k as f64).sqrt();
        let noise = source("association noise");
        // Most of the time there is none, and drawing it would be a third of the cost of all draws.
        let noisy = || keys.iter().zip(noise).map(|(key, noise)| (key + entry_noise * noise) as f32).collect();
        let plain = || keys.iter().map(|key| *key as f32).collect();
        let queries = if entry_noise > 0.0 { noisy() } else { plain() };
        let scale = 1.0 / (d_v as f64).sqrt();
        let values = source("association values").take(n * d_v).map(|value| (scale * value) as f32).collect();
        Ok(Self { d_k, d_v, keys: keys.into_iter().map(|entry| entry as f32).collect(), values, queries, key_of })
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

/// Gaussian numbers from a named stream, by Box and Muller (1958): the same on every platform and with every version
/// of the generator's own distributions.
struct Gaussian {
    bits: ChaCha8Rng,
    second: Option<f64>,
}

impl Gaussian {
    fn new(seed: u64, purpose: &str, draw: u64) -> Self {
        Self { bits: random::stream(seed, purpose, &[draw]), second: None }
    }

    /// In (0, 1], so that its logarithm is finite.
    fn uniform(&mut self) -> f64 {
        ((self.bits.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64
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

fn unit(entries: impl Iterator<Item = f64>) -> Vec<f64> {
    let entries: Vec<f64> = entries.collect();
    let length = entries.iter().map(|entry| entry * entry).sum::<f64>().sqrt();
    entries.iter().map(|entry| entry / length).collect()
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
    fn arrays_that_do_not_fit_are_refused() {
        assert!(Pairs::new(2, 1, vec![1.0; 4], vec![1.0; 2]).is_ok());
        for (d_k, d_v) in [(3, 1), (2, 2), (0, 1), (2, 0)] {
            let error = Pairs::new(d_k, d_v, vec![1.0; 4], vec![1.0; 2]).unwrap_err();
            assert!(error.to_string().contains("4 numbers in keys and 2 in values"), "{error}");
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
