//! How well a memory answers: error, share decoded, signal and crosstalk.

use crate::matrix::times_transposed;
use crate::recall::{recall, relative, row, square, squares};
use crate::{Component, Composition, MemoryError, Pairs, remember};

/// How well the queries of the first n pairs are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Quality {
    /// The sum of |e|^2 over the sum of |v|^2; see [`crate::mean_error`].
    pub error: f64,
    /// The same over the pairs whose value is no outlier.
    pub clean_error: f64,
    /// Share of pairs whose nearest stored value, of the n, is the right one; where values are drawn from a codebook,
    /// whose nearest code is. 0 for n = 0.
    pub decoded: f64,
    /// Energy of the recalled values along the right value, over the energy of the right values.
    pub signal: f64,
    /// Energy of the recalled values at right angles to the right value, over the energy of the right values.
    pub crosstalk: f64,
}

impl Quality {
    /// Of what the first n queries `recalled` `[n, d_v]`.
    pub fn of(recalled: &[f32], pairs: &Pairs) -> Self {
        Self::with_products(recalled, &products(recalled, pairs), pairs)
    }

    /// With the inner products of recalled and stored values, `[n, n]`.
    pub(crate) fn with_products(recalled: &[f32], products: &[f32], pairs: &Pairs) -> Self {
        let squares = squares(recalled, pairs);
        let newest = pairs.newest(squares.len());
        let sum = |rows: &mut dyn Iterator<Item = &(f64, f64)>| {
            let (error, value) = rows.fold((0.0, 0.0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
            relative(error, value)
        };
        let clean = squares.iter().zip(&newest).filter(|(_, newest)| !pairs.outlier[**newest]);
        let (signal, crosstalk) = energies(products, recalled, &newest, pairs);
        Self {
            error: sum(&mut squares.iter()),
            clean_error: sum(&mut clean.map(|(row, _)| row)),
            decoded: decoded(recalled, products, &newest, pairs),
            signal,
            crosstalk,
        }
    }
}

/// The quality of a memory that stores draw number `draw` of the settings' pairs.
///
/// # Errors
/// When the settings or choices do not go together.
pub fn quality(settings: &Component, composition: &Composition, draw: u64) -> Result<Quality, MemoryError> {
    composition.check_keys(crate::longest_key(settings))?;
    let drawn = Pairs::draw_nth(settings, draw)?;
    let pairs = drawn.fitted(composition);
    let memory = remember(composition, &pairs, pairs.len(), draw)?;
    Ok(Quality::of(&recall(memory.as_ref(), &pairs, pairs.len()), &pairs))
}

/// Inner products of recalled values with stored ones, `[n, n]`.
pub(crate) fn products(recalled: &[f32], pairs: &Pairs) -> Vec<f32> {
    times_transposed(recalled, &pairs.values[..recalled.len()], pairs.d_v)
}

/// |o - v_j|^2 is smallest where o.v_j - |v_j|^2/2 is largest.
fn decoded(recalled: &[f32], products: &[f32], newest: &[usize], pairs: &Pairs) -> f64 {
    let n = newest.len();
    let of_codes = times_transposed(recalled, &pairs.codebook, pairs.d_v);
    let (products, among, right): (&[f32], &[f32], Vec<usize>) = if pairs.codebook.is_empty() {
        (products, &pairs.values[..n * pairs.d_v], newest.to_vec())
    } else {
        (&of_codes, &pairs.codebook, newest.iter().map(|write| pairs.code_of[*write]).collect())
    };
    let halves: Vec<f64> = among.chunks_exact(pairs.d_v).map(|row| square(row) / 2.0).collect();
    let hits = products.chunks_exact(halves.len().max(1)).zip(&right).filter(|(row, right)| {
        let score = |j: usize| f64::from(row[j]) - halves[j];
        (0..halves.len()).all(|j| score(j) <= score(**right))
    });
    relative(hits.count() as f64, n as f64)
}

fn energies(products: &[f32], recalled: &[f32], newest: &[usize], pairs: &Pairs) -> (f64, f64) {
    let (mut signal, mut all, mut stored) = (0.0, 0.0, 0.0);
    let rows = products.chunks_exact(newest.len().max(1)).zip(recalled.chunks_exact(pairs.d_v));
    for ((products, answer), newest) in rows.zip(newest) {
        let value = square(row(&pairs.values, *newest, pairs.d_v));
        signal += relative(f64::from(products[*newest]).powi(2), value);
        all += square(answer);
        stored += value;
    }
    (relative(signal, stored), relative((all - signal).max(0.0), stored))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnemoscope_core::Setting;

    #[test]
    fn outliers_are_left_out_of_the_clean_error() {
        let mut pairs = Pairs::new(2, 1, vec![1.0, 0.0, 0.0, 1.0], vec![1.0, 10.0]).unwrap();
        pairs.outlier[1] = true;
        let quality = Quality::of(&[0.5, 0.0], &pairs);
        assert!((quality.clean_error - 0.25).abs() < 1e-9);
        assert!((quality.error - 100.25 / 101.0).abs() < 1e-6);
    }

    #[test]
    fn a_codebook_is_what_is_decoded_among() {
        let mut pairs = Pairs::new(1, 1, vec![1.0, 1.0], vec![1.0, -1.0]).unwrap();
        (pairs.codebook, pairs.code_of) = (vec![-1.0, 1.0, 0.2], vec![1, 0]);
        // 0.4 is nearest to the code 0.2, and -0.9 to -1.
        assert_eq!(Quality::of(&[0.4, -0.9], &pairs).decoded, 0.5);
        assert_eq!(Quality::of(&[0.7, -0.9], &pairs).decoded, 1.0);
        assert_eq!(Quality::of(&[], &pairs), Quality::default());
    }

    /// With as many value as key dimensions what is decoded at one load N/d_k grows with d_k: the other pairs' crosstalk
    /// meets as many more dimensions as there are more values to choose from. Simulated independently for the lab's design
    /// (methods, S017): .10, .17 and .32 at N/d_k = 8 and d = 16, 32 and 64.
    #[test]
    fn decoding_at_one_load_grows_with_square_memories() {
        for (d, expected) in [(16.0, 0.10), (32.0, 0.17), (64.0, 0.32)] {
            let settings = [("d_k", d), ("d_v", d), ("pairs", 8.0 * d)]
                .into_iter()
                .fold(Component::new("association").unwrap(), |settings, (name, value)| {
                    settings.with(name, Setting::Number(value)).unwrap()
                });
            let draws = 8;
            let mean =
                (0..draws).map(|draw| quality(&settings, &Composition::default(), draw).unwrap().decoded).sum::<f64>();
            assert!((mean / draws as f64 - expected).abs() < 0.04, "{d} {}", mean / draws as f64);
        }
    }
}
