//! What a memory answers, against what was stored.

use crate::quality::{Quality, products};
use crate::{Composition, Gpu, Image, Kernel, Memory, MemoryError, Pairs};

/// A composed memory after the first `n` writes; `n` beyond N means N. `seed` as in [`Composition::build`].
///
/// # Errors
/// When the choices do not go together, or not with the pairs' sizes, or the memory runs away or would outgrow
/// [`MOST_BYTES`](crate::MOST_BYTES).
pub fn remember(composition: &Composition, pairs: &Pairs, n: usize, seed: u64) -> Result<Box<dyn Memory>, MemoryError> {
    composition.check_bytes(pairs.d_k, pairs.d_v, n.min(pairs.len()))?;
    let mut memory = composition.build(pairs.d_k, pairs.d_v, seed)?;
    write(memory.as_mut(), pairs, 0, n);
    intact(memory.as_ref(), n)?;
    Ok(memory)
}

/// Refuses a memory that holds what is no number.
pub(crate) fn intact(memory: &dyn Memory, writes: usize) -> Result<(), MemoryError> {
    let whole = memory.image().values.iter().all(|cell| cell.is_finite());
    if whole { Ok(()) } else { Err(MemoryError::Diverged { writes }) }
}

/// Writes the pairs from number `from` up to number `to`.
pub(crate) fn write(memory: &mut dyn Memory, pairs: &Pairs, from: usize, to: usize) {
    let all = pairs.keys.chunks_exact(pairs.d_k).zip(pairs.values.chunks_exact(pairs.d_v));
    for (key, value) in all.take(to).skip(from) {
        memory.write(key, value);
    }
}

/// What the queries of the first `n` pairs recall, `[n, d_v]`.
pub(crate) fn recall(memory: &dyn Memory, pairs: &Pairs, n: usize) -> Vec<f32> {
    memory.read_all(&pairs.queries[..n.min(pairs.len()) * pairs.d_k], pairs.d_k)
}

/// Recalled value i (of `recalled` `[n, d_v]`, one per pair) against stored value j as cosines, `[n, n]`; 0 where one of
/// them is zero.
pub fn recall_matrix(recalled: &[f32], pairs: &Pairs) -> Vec<f32> {
    cosines(products(recalled, pairs), recalled, pairs)
}

/// Relative squared error |e|^2 / |v|^2 of each pair, of what the first n queries `recalled` `[n, d_v]`, where v is
/// the newest value among the first n stored under the pair's key and e what is recalled minus v.
pub fn errors(recalled: &[f32], pairs: &Pairs) -> Vec<f32> {
    squares(recalled, pairs).iter().map(|(error, value)| relative(*error, *value) as f32).collect()
}

/// The mean relative squared error of the first n pairs: the sum of |e|^2 over the sum of |v|^2; 0 for n = 0.
///
/// A ratio of sums, because for random unit keys its expectation under Hebb's rule is (n - 1)/d_k exactly, whatever
/// the values. The mean of the pairs' own ratios is larger by d_v/(d_v - 2), the mean of 1/|v|^2.
pub fn mean_error(recalled: &[f32], pairs: &Pairs) -> f64 {
    ratio_of_sums(&squares(recalled, pairs))
}

/// (|e|^2, |v|^2) per pair.
pub(crate) fn squares(recalled: &[f32], pairs: &Pairs) -> Vec<(f64, f64)> {
    let n = recalled.len() / pairs.d_v;
    let rows = recalled.chunks_exact(pairs.d_v).zip(pairs.newest(n));
    rows.map(|(answer, newest)| {
        let stored = row(&pairs.values, newest, pairs.d_v);
        let error = answer.iter().zip(stored).map(|(o, v)| f64::from(o - v).powi(2)).sum();
        (error, square(stored))
    })
    .collect()
}

fn ratio_of_sums(squares: &[(f64, f64)]) -> f64 {
    let (error, value) = squares.iter().fold((0.0, 0.0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    relative(error, value)
}

/// 0/0 is a zero that was recalled.
pub(crate) fn relative(part: f64, whole: f64) -> f64 {
    if part == 0.0 { 0.0 } else { part / whole }
}

pub(crate) fn row(rows: &[f32], i: usize, width: usize) -> &[f32] {
    &rows[i * width..(i + 1) * width]
}

pub(crate) fn square(row: &[f32]) -> f64 {
    row.iter().map(|x| f64::from(*x).powi(2)).sum()
}

fn cosines(mut products: Vec<f32>, recalled: &[f32], pairs: &Pairs) -> Vec<f32> {
    let inverse_length = |row: &[f32]| {
        let length = square(row).sqrt();
        if length > 0.0 { (1.0 / length) as f32 } else { 0.0 }
    };
    let n = recalled.len() / pairs.d_v;
    let stored: Vec<f32> = pairs.values.chunks_exact(pairs.d_v).take(n).map(inverse_length).collect();
    for (cells, answer) in products.chunks_exact_mut(n.max(1)).zip(recalled.chunks_exact(pairs.d_v)) {
        let own = inverse_length(answer);
        cells.iter_mut().zip(&stored).for_each(|(cell, other)| *cell *= own * other);
    }
    products
}

/// All that the view shows of a memory after its first `writes` writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Pairs written, n.
    pub writes: usize,
    /// What the memory holds: S `[d_v, d_k]` of a matrix.
    pub memory: Image,
    /// What the last write added; none before the first, and for memories that keep the pairs.
    pub last_write: Option<Image>,
    /// Norm of the inner gradient at the last write, where there is one.
    pub surprise: Option<f32>,
    /// Weights `[n, n]`, query by write, of memories that answer with a weighted mean of values; else empty.
    pub weights: Vec<f32>,
    /// Recalled values `[n, d_v]`.
    pub recalled: Vec<f32>,
    /// Recalled value i against stored value j as cosines, `[n, n]`.
    pub recall_matrix: Vec<f32>,
    /// |e|^2 / |v|^2 per pair, `[n]`; see [`errors`].
    pub errors: Vec<f32>,
    /// Error, share decoded, signal and crosstalk of all of them.
    pub quality: Quality,
}

impl Snapshot {
    /// Writes the first `n` pairs and asks for each of them; on the graphics card if one is given. Memories that draw
    /// something at random draw it from seed 0.
    ///
    /// # Errors
    /// When the choices do not go together, or the graphics card fails or does not know the memory.
    pub fn take(composition: &Composition, pairs: &Pairs, n: usize, gpu: Option<&Gpu>) -> Result<Self, MemoryError> {
        Self::of(remember(composition, pairs, n, 0)?.as_ref(), composition, pairs, n, gpu)
    }

    /// Asks a memory that holds the first `n` pairs; with a graphics card S and the answers are the card's.
    ///
    /// # Errors
    /// When the memory has run away, or the graphics card fails or does not know the memory.
    pub(crate) fn of(
        memory: &dyn Memory,
        composition: &Composition,
        pairs: &Pairs,
        n: usize,
        gpu: Option<&Gpu>,
    ) -> Result<Self, MemoryError> {
        let n = n.min(pairs.len());
        intact(memory, n)?;
        let mut image = memory.image();
        let recalled = match gpu {
            Some(gpu) => {
                let (kernel, decay) = Kernel::of(composition)?;
                let scan = gpu.scan(kernel, decay, pairs, n)?;
                if !scan.state.is_empty() {
                    image.values = scan.state;
                }
                scan.recalled
            }
            None => recall(memory, pairs, n),
        };
        let weights = memory.weights_all(&pairs.queries[..n * pairs.d_k], pairs.d_k).unwrap_or_default();
        let products = products(&recalled, pairs);
        Ok(Self {
            writes: n,
            last_write: memory.last_write(),
            surprise: memory.surprise(),
            weights,
            errors: errors(&recalled, pairs),
            quality: Quality::with_products(&recalled, &products, pairs),
            recall_matrix: cosines(products, &recalled, pairs),
            memory: image,
            recalled,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Component;
    use mnemoscope_core::Setting;

    fn named(name: &str) -> Composition {
        Composition::named().iter().find(|point| point.name == name).unwrap().composition()
    }

    fn take(name: &str, pairs: &Pairs, n: usize) -> Snapshot {
        Snapshot::take(&named(name), pairs, n, None).unwrap()
    }

    /// Keys at 60 degrees, so that Hebb answers each value plus half the other.
    fn two() -> Pairs {
        let keys = vec![1.0, 0.0, 0.5, 0.75f32.sqrt()];
        Pairs::new(2, 2, keys, vec![3.0, 0.0, 0.0, 4.0]).unwrap()
    }

    #[test]
    fn two_pairs_worked_by_hand() {
        let snapshot = take("linear_attention", &two(), 2);
        let close = |a: &[f32], b: &[f32]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(close(&snapshot.recalled, &[3.0, 2.0, 1.5, 4.0]), "{:?}", snapshot.recalled);
        assert!(close(&snapshot.errors, &[4.0 / 9.0, 2.25 / 16.0]), "{:?}", snapshot.errors);
        assert!((snapshot.quality.error - 6.25 / 25.0).abs() < 1e-6);
        let (first, second) = (13f32.sqrt(), 18.25f32.sqrt());
        assert!(close(&snapshot.recall_matrix, &[3.0 / first, 2.0 / first, 1.5 / second, 4.0 / second]));
        assert!((snapshot.quality.signal - 1.0).abs() < 1e-6 && (snapshot.quality.crosstalk - 0.25).abs() < 1e-6);
        assert_eq!(snapshot.quality.decoded, 1.0);
        let added = snapshot.last_write.unwrap();
        assert!(close(&added.values, &[0.0, 0.0, 2.0, 4.0 * 0.75f32.sqrt()]), "{added:?}");
        assert_eq!((added.rows, added.columns), (2, 2));
    }

    #[test]
    fn the_snapshot_says_what_the_functions_say() {
        let component = Component::new("association").unwrap().with("pairs", Setting::Number(50.0)).unwrap();
        let pairs = Pairs::draw(&component).unwrap();
        for point in Composition::named() {
            for n in [0, 1, 33, 50] {
                let snapshot = Snapshot::take(&point.composition(), &pairs, n, None).unwrap();
                let memory = remember(&point.composition(), &pairs, n, 0).unwrap();
                let recalled = recall(memory.as_ref(), &pairs, n);
                assert_eq!(snapshot.memory, memory.image());
                assert_eq!(snapshot.recalled, recalled);
                assert_eq!(snapshot.recall_matrix, recall_matrix(&recalled, &pairs));
                assert_eq!(snapshot.errors, errors(&recalled, &pairs));
                assert_eq!(snapshot.recall_matrix.len(), n * n);
                // What errs is what is missing along the value and all that is at right angles to it.
                let (mut error, mut stored, mut crosstalk) = (0.0, 0.0, 0.0);
                for (answer, value) in recalled.chunks(64).zip(pairs.values.chunks(64)) {
                    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
                    let square = product(value, value);
                    let share = product(answer, value) / square;
                    let apart: Vec<f32> = answer.iter().zip(value).map(|(o, v)| o - share as f32 * v).collect();
                    crosstalk += product(&apart, &apart);
                    error += (1.0 - share).powi(2) * square + product(&apart, &apart);
                    stored += square;
                }
                let quality = snapshot.quality;
                for (found, sum) in [(quality.error, error), (quality.crosstalk, crosstalk)] {
                    let known = if n == 0 { 0.0 } else { sum / stored };
                    assert!((found - known).abs() < 1e-4 * (1.0 + known), "{} {n}: {found} {known}", point.name);
                }
            }
        }
    }

    /// The error of a step on |e|^4 grows with its cube: beyond a length of the values every step overshoots further.
    #[test]
    fn a_memory_that_runs_away_is_refused() {
        let mut composition = named("moneta");
        composition.bias.set("p", Setting::Number(4.0)).unwrap();
        composition.retention = mnemoscope_core::Component::new("none").unwrap();
        let keys = [1.0, 0.0].repeat(20);
        let pairs = |value: f32| Pairs::new(2, 1, keys.clone(), vec![value; 20]).unwrap();
        let tamed = |beta: f64| {
            let mut composition = composition.clone();
            composition.rule.set("beta", Setting::Number(beta)).unwrap();
            composition
        };
        assert!(Snapshot::take(&tamed(0.1), &pairs(1.0), 20, None).is_ok());
        let error = Snapshot::take(&tamed(1.0), &pairs(30.0), 20, None).unwrap_err();
        assert_eq!((error.clone(), error.place()), (MemoryError::Diverged { writes: 20 }, "memory.rule"));
    }

    #[test]
    fn a_rewritten_key_is_judged_by_its_newest_value() {
        let component = Component::new("association")
            .and_then(|c| c.with("pairs", Setting::Number(10.0)))
            .and_then(|c| c.with("rewritten", Setting::Number(0.5)))
            .and_then(|c| c.with("orthonormal", Setting::Switch(true)))
            .unwrap();
        let pairs = Pairs::draw(&component).unwrap();
        let delta = take("delta_rule", &pairs, 10);
        assert!(delta.quality.error < 1e-9 && delta.quality.decoded == 1.0, "{}", delta.quality.error);
        // Hebb answers the sum of both: the error is the old value.
        let hebb = take("linear_attention", &pairs, 10);
        let energy = |rows: &[f32]| rows.iter().map(|v| f64::from(v * v)).sum::<f64>();
        let expected = energy(&pairs.values[..320]) / energy(&pairs.values[320..]);
        assert!((hebb.quality.error - expected).abs() < 1e-5, "{} {expected}", hebb.quality.error);
    }

    #[test]
    fn a_wrong_neighbour_is_not_decoded() {
        // Both keys the same: Hebb answers the sum (3, 4) to both, which is nearest to (0, 4).
        let pairs = Pairs::new(1, 2, vec![1.0, 1.0], vec![3.0, 0.0, 0.0, 4.0]).unwrap();
        assert_eq!(take("linear_attention", &pairs, 2).quality.decoded, 0.5);
    }
}
