//! Small tensors, and products of them in f64.

use mnemoscope_core::Setting;
use mnemoscope_memory::{Composition, Memory, Place};

/// Entries of keys and values.
pub const D_K: usize = 5;
pub const D_V: usize = 4;

/// A key and a value.
pub type Pair = (Vec<f64>, Vec<f64>);
/// Rows.
pub type Rows = Vec<Vec<f64>>;

/// Numbers between -1 and 1 that look like nothing, exact in f32.
fn noise(i: usize, j: usize, salt: usize) -> f64 {
    let mixed = (i * 7919 + j * 104_729 + salt * 1_299_709 + 17) % 2027;
    f64::from((mixed as f32 / 1013.0) - 1.0)
}

/// Pairs with unit keys.
pub fn pairs(n: usize) -> Vec<Pair> {
    let key = |i: usize| {
        let key: Vec<f64> = (0..D_K).map(|j| noise(i, j, 1)).collect();
        let length = key.iter().map(|k| k * k).sum::<f64>().sqrt();
        key.iter().map(|k| f64::from((k / length) as f32)).collect::<Vec<_>>()
    };
    (0..n).map(|i| (key(i), (0..D_V).map(|j| noise(i, j, 2)).collect())).collect()
}

/// Pairs of distributions.
pub fn distributions(n: usize) -> Vec<Pair> {
    let row = |i: usize, d: usize, salt: usize| {
        let row: Vec<f64> = (0..d).map(|j| 1.1 + noise(i, j, salt)).collect();
        let sum: f64 = row.iter().sum();
        row.iter().map(|x| f64::from((x / sum) as f32)).collect::<Vec<_>>()
    };
    (0..n).map(|i| (row(i, D_K, 3), row(i, D_V, 4))).collect()
}

pub fn single(x: &[f64]) -> Vec<f32> {
    x.iter().map(|x| *x as f32).collect()
}

pub fn named(name: &str) -> Composition {
    Composition::named().iter().find(|point| point.name == name).unwrap().composition()
}

/// The same with one number, name or switch set.
pub fn set(mut composition: Composition, place: Place, name: &str, value: impl Into<Value>) -> Composition {
    let Value(value) = value.into();
    match place {
        Place::Architecture => composition.architecture.set(name, value).unwrap(),
        Place::Bias => composition.bias.set(name, value).unwrap(),
        Place::Retention => composition.retention.set(name, value).unwrap(),
        Place::Rule => composition.rule.set(name, value).unwrap(),
    }
    composition
}

/// The same with another kind in a place.
pub fn with(composition: &Composition, place: Place, kind: &str) -> Composition {
    composition.with_kind(place, place.kinds().iter().find(|own| own.name == kind).unwrap())
}

pub struct Value(Setting);

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self(Setting::Number(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self(Setting::Text(value.to_owned()))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self(Setting::Switch(value))
    }
}

/// The memory after these pairs.
pub fn written(composition: &Composition, pairs: &[Pair]) -> Box<dyn Memory> {
    let mut memory = composition.build(D_K, D_V, 3).unwrap();
    for (key, value) in pairs {
        memory.write(&single(key), &single(value));
    }
    memory
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

pub fn zeros() -> Rows {
    vec![vec![0.0; D_K]; D_V]
}

/// S x.
pub fn times(s: &Rows, x: &[f64]) -> Vec<f64> {
    s.iter().map(|row| dot(row, x)).collect()
}

/// a + factor u xᵀ.
pub fn plus(a: &Rows, factor: f64, u: &[f64], x: &[f64]) -> Rows {
    let row = |(row, u): (&Vec<f64>, &f64)| row.iter().zip(x).map(|(a, x)| a + factor * u * x).collect();
    a.iter().zip(u).map(row).collect()
}

pub fn scaled(a: &Rows, by: f64) -> Rows {
    a.iter().map(|row| row.iter().map(|x| by * x).collect()).collect()
}

pub fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(x, y)| x - y).collect()
}

pub fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// Σ w x of rows.
pub fn mix(shares: &[f64], rows: &[Vec<f64>]) -> Vec<f64> {
    let mut sum = vec![0.0; rows[0].len()];
    for (share, row) in shares.iter().zip(rows) {
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += share * x);
    }
    sum
}

pub fn softmax(logits: &[f64]) -> Vec<f64> {
    let sum: f64 = logits.iter().map(|x| x.exp()).sum();
    logits.iter().map(|x| x.exp() / sum).collect()
}

/// Solves m y = b by Gauss's elimination with pivots.
pub fn solve(mut m: Rows, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        let pivot = (i..n).max_by(|a, b| m[*a][i].abs().total_cmp(&m[*b][i].abs())).unwrap();
        m.swap(i, pivot);
        b.swap(i, pivot);
        for j in i + 1..n {
            let factor = m[j][i] / m[i][i];
            let above = m[i].clone();
            m[j].iter_mut().zip(above).for_each(|(cell, above)| *cell -= factor * above);
            b[j] -= factor * b[i];
        }
    }
    for i in (0..n).rev() {
        let done: f64 = (i + 1..n).map(|k| m[i][k] * b[k]).sum();
        b[i] = (b[i] - done) / m[i][i];
    }
    b
}

pub fn close(a: &[f32], b: &[f64], within: f64, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    let largest = b.iter().fold(1.0f64, |largest, x| largest.max(x.abs()));
    for (a, b) in a.iter().zip(b) {
        assert!((f64::from(*a) - b).abs() <= within * largest, "{what}: {a} {b}");
    }
}

/// The memory is this matrix, and answers with it.
pub fn is_matrix(memory: &dyn Memory, s: &Rows, what: &str) {
    let image = memory.image();
    assert_eq!((image.rows, image.columns), (D_V, D_K), "{what}");
    close(&image.values, &s.concat(), 2e-5, what);
    for (query, _) in pairs(3) {
        close(&memory.read(&single(&query)), &times(s, &query), 2e-5, what);
    }
}
