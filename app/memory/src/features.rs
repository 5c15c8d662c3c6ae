//! Feature maps: what a memory is given instead of a key and a query.
//!
//! A linear memory compares by k . q. On features f it compares by f(k) . f(q), a kernel of its own: this is how linear
//! attention approaches softmax attention (Katharopoulos et al. 2020; Choromanski et al. 2021), and how a memory of the
//! same keys holds more pairs (Schlag et al. 2021). Lab form: mapped keys and queries are scaled to the length that they
//! had, so that a write strength means the same under every map; no normaliser is kept beside the memory.

use mnemoscope_core::Opt;

use crate::pairs::Gaussian;

/// The maps as a setting.
pub(crate) static MAPS: [Opt; 5] = [
    Opt { name: "identity", label: "identity", meaning: "the key itself" },
    Opt {
        name: "elu",
        label: "ELU + 1",
        meaning: "x + 1 above 0 and exp(x) below, of √d times each entry (Katharopoulos et al. 2020; the √d is the \
                  lab's)",
    },
    Opt { name: "relu", label: "ReLU", meaning: "what is above 0, entry by entry" },
    Opt {
        name: "random",
        label: "random features",
        meaning: "sqrt(2 / D) cos(w k + b): their products come near a Gaussian kernel (Rahimi and Recht 2007)",
    },
    Opt { name: "polynomial", label: "degree 2", meaning: "all products of two entries: compares by (k . q) squared" },
];

/// A feature map with its numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum FeatureMap {
    /// The key itself.
    Identity,
    /// ELU + 1 of the entries, taken as sqrt(d) times those of the key: a unit key's then have mean square 1, as the
    /// activations of a network do.
    Elu,
    /// max(x, 0).
    Relu,
    /// sqrt(2/D) cos(w . k + b), w Gaussian of variance 1 / width^2, b uniform on the circle.
    Random {
        /// `[D, d]`.
        frequencies: Vec<f32>,
        /// `[D]`.
        phases: Vec<f32>,
    },
    /// k_i^2 and sqrt(2) k_i k_j for i < j.
    Polynomial,
}

impl FeatureMap {
    /// The map of that name for keys of `d` entries; random ones have `features` entries and a kernel of that width.
    pub fn new(name: &str, d: usize, features: usize, width: f64, seed: u64) -> Self {
        match name {
            "elu" => Self::Elu,
            "relu" => Self::Relu,
            "polynomial" => Self::Polynomial,
            "random" => {
                let mut source = Gaussian::new(seed, "association features", 0);
                let frequencies = source.by_ref().take(features * d).map(|normal| (normal / width) as f32).collect();
                let phases = (0..features).map(|_| (std::f64::consts::TAU * source.uniform()) as f32).collect();
                Self::Random { frequencies, phases }
            }
            _ => Self::Identity,
        }
    }

    /// Maps one key or query and scales it to the length that it had; what is mapped to nothing stays nothing.
    pub fn map(&self, key: &[f32]) -> Vec<f32> {
        let length = |row: &[f32]| row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let mut mapped = self.raw(key);
        if *self != Self::Identity {
            let own = length(&mapped);
            let factor = if own > 0.0 { (length(key) / own) as f32 } else { 0.0 };
            for entry in &mut mapped {
                *entry *= factor;
            }
        }
        mapped
    }

    fn raw(&self, key: &[f32]) -> Vec<f32> {
        match self {
            Self::Identity => key.to_vec(),
            Self::Elu => {
                let scale = (key.len() as f32).sqrt();
                let elu = |x: f32| if x > 0.0 { x + 1.0 } else { x.exp() };
                key.iter().map(|x| elu(scale * x)).collect()
            }
            Self::Relu => key.iter().map(|x| x.max(0.0)).collect(),
            Self::Random { frequencies, phases } => {
                let scale = (2.0 / phases.len() as f32).sqrt();
                let rows = frequencies.chunks_exact(key.len()).zip(phases);
                rows.map(|(w, b)| scale * (crate::matrix::dot(w, key) + b).cos()).collect()
            }
            Self::Polynomial => {
                let root = std::f32::consts::SQRT_2;
                let row = |i: usize| {
                    key[i..].iter().enumerate().map(move |(j, y)| if j == 0 { y * y } else { root * key[i] * y })
                };
                (0..key.len()).flat_map(row).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pairs::unit;

    fn dot(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum()
    }

    fn key(d: usize, draw: u64) -> Vec<f32> {
        unit(Gaussian::new(3, "test", draw).take(d)).into_iter().map(|x| x as f32).collect()
    }

    #[test]
    fn entries_worked_by_hand() {
        let map = |name| FeatureMap::new(name, 2, 4, 1.0, 0);
        let key = [0.6, -0.8];
        assert_eq!(map("identity").map(&key), key);
        assert_eq!(map("relu").map(&key), [1.0, 0.0], "scaled to the length of the key");
        assert_eq!(map("relu").map(&[-1.0, -2.0]), [0.0, 0.0]);
        // 1 + 0.6 sqrt(2) = 1.848528 and exp(-0.8 sqrt(2)) = 0.322591, of length 1.876465.
        let elu = map("elu").map(&key);
        assert!((elu[0] - 0.985_112).abs() < 1e-5 && (elu[1] - 0.171_914).abs() < 1e-5, "{elu:?}");
        // 0.36, sqrt(2) 0.6 (-0.8), 0.64: of length 1 already.
        let polynomial = map("polynomial").map(&key);
        assert!((polynomial[1] + 0.678_823).abs() < 1e-5 && (polynomial[2] - 0.64).abs() < 1e-6);
        assert_eq!(polynomial.len(), 3);
    }

    #[test]
    fn degree_two_compares_by_the_squared_cosine() {
        let map = FeatureMap::new("polynomial", 9, 0, 1.0, 0);
        let (a, b) = (key(9, 0), key(9, 1));
        assert!((dot(&map.map(&a), &map.map(&b)) - dot(&a, &b).powi(2)).abs() < 1e-6);
    }

    #[test]
    fn random_features_come_near_the_gaussian_kernel() {
        let (d, features, width) = (8, 20_000, 0.7);
        let map = FeatureMap::new("random", d, features, width, 5);
        for draw in 1..6 {
            let (a, b) = (key(d, 0), key(d, draw));
            let square: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            let kernel = (-square / (2.0 * width * width)).exp();
            // A mean of 20000 terms 2 cos cos of variance at most 1.5: standard error 0.0087; 4 of them.
            assert!((dot(&map.map(&a), &map.map(&b)) - kernel).abs() < 0.035, "{kernel}");
        }
    }
}
