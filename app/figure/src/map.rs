//! From numbers to colours.

use std::sync::LazyLock;

use crate::color::Color;
use crate::theme::{DARK, LIGHT, Theme};

/// A map is a ramp of this many equal steps, so of one colour more: an even number, so that the middle of a diverging
/// map is a colour of its own. A window's shader and a file look their colours up in the same ramp.
pub(crate) const STEPS: usize = 256;

/// A colour map.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Map {
    /// Viridis (Smith and van der Walt, 2015), perceptually uniform; for fractions such as accuracies: 0..=1 unless a
    /// range is given, or the data go beyond.
    #[default]
    Sequential,
    /// Blue, through the card's colour, to red: symmetric about 0 unless a range is given. For weights and differences.
    /// Perceptually uniform: straight lines in Oklab (Ottosson, 2020) from the middle, equally long on both sides.
    Diverging,
    /// From one colour to another, linear in sRGB.
    Between(Color, Color),
}

impl Map {
    /// The colour at `t` in 0..=1, to the nearest of 257; values beyond are drawn in the end colours.
    pub fn color(self, t: f64, theme: &Theme) -> Color {
        let t = if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) };
        self.step((t * STEPS as f64).round() as usize, theme)
    }

    /// Every colour of the map, from the lowest value's to the highest's.
    pub(crate) fn ramp(self, theme: &Theme) -> Vec<Color> {
        (0..=STEPS).map(|step| self.step(step, theme)).collect()
    }

    fn step(self, step: usize, theme: &Theme) -> Color {
        let t = step as f32 / STEPS as f32;
        match self {
            Self::Sequential => colorous::VIRIDIS.eval_continuous(f64::from(t)).into(),
            Self::Diverging => {
                let ends = [theme.neutral, theme.negative, theme.positive];
                let kept = KEPT.iter().find(|(kept, _)| *kept == ends).and_then(|(_, ramp)| ramp.get(step));
                kept.copied().unwrap_or_else(|| diverging(ends, step))
            }
            Self::Between(low, high) => low.mix(high, t),
        }
    }

    /// The range that suits these values: 0..=1 where fractions fit in, symmetric about 0 for a diverging map.
    pub fn natural_range(self, values: impl Iterator<Item = f64>) -> (f64, f64) {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        match self {
            Self::Diverging if low <= high && (low, high) != (0.0, 0.0) => {
                let reach = low.abs().max(high.abs());
                (-reach, reach)
            }
            Self::Diverging => (-1.0, 1.0),
            _ if low <= high && (low < 0.0 || high > 1.0) => (low.min(0.0), high),
            _ => (0.0, 1.0),
        }
    }

    /// Where `value` stands between the ends of `range`, 0..=1.
    pub fn position(value: f64, range: (f64, f64)) -> f64 {
        let width = range.1 - range.0;
        if width == 0.0 || !width.is_finite() { 0.5 } else { ((value - range.0) / width).clamp(0.0, 1.0) }
    }
}

/// The two themes' diverging ramps: a cell's colour is asked for too often to cross Oklab each time.
static KEPT: LazyLock<[([Color; 3], Vec<Color>); 2]> = LazyLock::new(|| {
    [&DARK, &LIGHT].map(|theme| {
        let ends = [theme.neutral, theme.negative, theme.positive];
        (ends, (0..=STEPS).map(|step| diverging(ends, step)).collect())
    })
});

/// A step from the negative end's side through the middle to the positive one's. The longer side is cut, so that equal
/// values look equally strong.
fn diverging([middle, negative, positive]: [Color; 3], step: usize) -> Color {
    let along = step as f32 / STEPS as f32 * 2.0 - 1.0;
    let (below, above) = (middle.distance(negative), middle.distance(positive));
    let (end, length) = if along < 0.0 { (negative, below) } else { (positive, above) };
    let share = if length == 0.0 { 0.0 } else { below.min(above) / length };
    middle.mix_evenly(end, along.abs() * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequential_ends_are_viridis() {
        assert_eq!(Map::Sequential.color(0.0, &DARK).css(), "#440154");
        assert_eq!(Map::Sequential.color(2.0, &DARK).css(), "#fde725");
    }

    #[test]
    fn equal_steps_of_a_diverging_map_look_equal_on_both_sides() {
        for theme in [&DARK, &LIGHT] {
            let colors: Vec<Color> = (0..=16).map(|step| Map::Diverging.color(f64::from(step) / 16.0, theme)).collect();
            let steps: Vec<f32> = colors.windows(2).map(|pair| pair[0].distance(pair[1])).collect();
            let mean = steps.iter().sum::<f32>() / 16.0;
            // A channel has 256 levels: an end of a step lies up to about 0.002 beside its place.
            assert!(steps.iter().all(|step| (step - mean).abs() < 0.004), "{steps:?}");
        }
    }

    #[test]
    fn the_ramp_holds_what_color_answers() {
        for map in [Map::Sequential, Map::Diverging, Map::Between(DARK.text, DARK.error)] {
            let ramp = map.ramp(&DARK);
            assert_eq!(ramp.len(), STEPS + 1);
            for (step, color) in ramp.into_iter().enumerate() {
                assert_eq!(map.color(step as f64 / STEPS as f64, &DARK), color);
            }
        }
    }

    #[test]
    fn natural_ranges() {
        assert_eq!(Map::Sequential.natural_range([0.2, 0.9].into_iter()), (0.0, 1.0));
        assert_eq!(Map::Sequential.natural_range([3.0, 12.0].into_iter()), (0.0, 12.0));
        assert_eq!(Map::Diverging.natural_range([-0.5, 0.2].into_iter()), (-0.5, 0.5));
        assert_eq!(Map::Diverging.natural_range(std::iter::empty()), (-1.0, 1.0));
        assert_eq!(Map::Diverging.natural_range([f64::NAN, 0.0].into_iter()), (-1.0, 1.0));
    }

    #[test]
    fn zero_is_neutral_in_a_diverging_map() {
        assert_eq!(Map::Diverging.color(Map::position(0.0, (-2.0, 2.0)), &DARK), DARK.neutral);
        assert_eq!(Map::position(5.0, (1.0, 1.0)), 0.5);
    }
}
