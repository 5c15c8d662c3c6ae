//! Capacity: how many pairs a memory holds.

use mnemoscope_core::Setting;
use rayon::prelude::*;

use crate::capacity::spread;
use crate::kinds::MOST_PAIRS;
use crate::{Component, Composition, MemoryError, quality};

/// The share of right answers at which a memory counts as holding its pairs.
pub const HELD: f64 = 0.95;

/// The largest number of pairs of which draw number `draw` still decodes [`HELD`] or more; 0 where one pair is too many,
/// and not more than the bench takes (512, or d_k orthonormal keys).
///
/// Found by doubling and halving, as if decoding only fell with the number of pairs; where it wavers about the line, one of
/// the crossings.
///
/// # Errors
/// When the settings or choices do not go together.
pub fn capacity(settings: &Component, composition: &Composition, draw: u64) -> Result<usize, MemoryError> {
    let most = if settings.switch("orthonormal") { settings.whole("d_k") } else { MOST_PAIRS as usize };
    let holds = |pairs: usize| {
        let loaded = settings.clone().with("pairs", Setting::Number(pairs as f64))?;
        Ok::<_, MemoryError>(quality(&loaded, composition, draw)?.decoded >= HELD)
    };
    let (mut low, mut high) = (0, 1);
    while high <= most && holds(high)? {
        (low, high) = (high, high * 2);
    }
    high = high.min(most + 1);
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if holds(middle)? {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The capacity at one key size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldPoint {
    /// Entries of a key.
    pub d_k: usize,
    /// Mean number of pairs held, over draws.
    pub mean: f64,
    /// Sample standard deviation over draws; 0 for a single one.
    pub sd: f64,
}

/// The capacity of each memory against the key size, `[compositions][sizes]`, over `draws` draws (at least one); with
/// `square` values are as long as keys, else as long as the settings say. All memories meet the same draws.
///
/// Draws are spread over the process-wide thread pool, and the answer does not depend on its size. Not for a frame of the
/// window.
///
/// # Errors
/// When a size lies outside its range, or the settings or choices do not go together.
pub fn capacity_sweep(
    settings: &Component,
    compositions: &[Composition],
    sizes: &[usize],
    square: bool,
    draws: usize,
) -> Result<Vec<Vec<HeldPoint>>, MemoryError> {
    let draws = draws.max(1);
    let sized: Vec<Component> = sizes
        .iter()
        .map(|size| {
            let size = Setting::Number(*size as f64);
            let keys = settings.clone().with("d_k", size.clone())?;
            if square { keys.with("d_v", size) } else { Ok(keys) }
        })
        .collect::<Result<_, _>>()?;
    let jobs: Vec<(&Composition, &Component, u64)> = compositions
        .iter()
        .flat_map(|composition| sized.iter().map(move |settings| (composition, settings)))
        .flat_map(|(composition, settings)| (0..draws as u64).map(move |draw| (composition, settings, draw)))
        .collect();
    let held: Vec<f64> = jobs
        .into_par_iter()
        .map(|(composition, settings, draw)| Ok(capacity(settings, composition, draw)? as f64))
        .collect::<Result<_, MemoryError>>()?;
    let points: Vec<HeldPoint> = held
        .chunks_exact(draws)
        .zip(sizes.iter().cycle())
        .map(|(held, d_k)| {
            let (mean, sd) = spread(held);
            HeldPoint { d_k: *d_k, mean, sd }
        })
        .collect();
    Ok(points.chunks(sizes.len().max(1)).map(<[HeldPoint]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(of: &[(&str, f64)]) -> Component {
        of.iter().fold(Component::new("association").unwrap(), |settings, (name, value)| {
            settings.with(name, Setting::Number(*value)).unwrap()
        })
    }

    fn named(name: &str) -> Composition {
        Composition::named().iter().find(|point| point.name == name).unwrap().composition()
    }

    #[test]
    fn orthonormal_keys_are_all_held() {
        let settings = settings(&[("d_k", 12.0)]).with("orthonormal", Setting::Switch(true)).unwrap();
        assert_eq!(capacity(&settings, &Composition::default(), 0), Ok(12));
    }

    #[test]
    fn least_squares_holds_d_k_pairs_at_the_least_and_hebb_fewer_in_a_few_value_dimensions() {
        let settings = settings(&[("d_k", 32.0), ("d_v", 4.0)]);
        for draw in 0..3 {
            let squares = capacity(&settings, &named("least_squares"), draw).unwrap();
            let hebb = capacity(&settings, &Composition::default(), draw).unwrap();
            assert!(squares >= 32 && hebb < 32, "{squares} {hebb}");
        }
    }

    #[test]
    fn one_pair_more_is_one_too_many() {
        let settings = settings(&[("d_k", 24.0), ("d_v", 8.0)]);
        let held = capacity(&settings, &Composition::default(), 5).unwrap();
        let decoded = |pairs: usize| {
            let loaded = settings.clone().with("pairs", Setting::Number(pairs as f64)).unwrap();
            quality(&loaded, &Composition::default(), 5).unwrap().decoded
        };
        assert!(decoded(held) >= HELD && decoded(held + 1) < HELD, "{held}");
    }

    #[test]
    fn a_sweep_is_the_mean_and_spread_of_single_draws() {
        let settings = settings(&[("d_v", 8.0)]);
        let compositions = [Composition::default(), named("delta_rule")];
        let sweep = capacity_sweep(&settings, &compositions, &[8, 16], true, 2).unwrap();
        assert_eq!((sweep.len(), sweep[0].len()), (2, 2));
        let square = settings.with("d_k", Setting::Number(16.0)).unwrap().with("d_v", Setting::Number(16.0)).unwrap();
        let [a, b] = [0, 1].map(|draw| capacity(&square, &compositions[1], draw).unwrap() as f64);
        assert_eq!((sweep[1][1].d_k, sweep[1][1].mean), (16, f64::midpoint(a, b)));
        assert!((sweep[1][1].sd - (a - b).abs() / 2f64.sqrt()).abs() < 1e-12);
    }
}
