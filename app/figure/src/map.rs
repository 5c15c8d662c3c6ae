//! From numbers to colours.

use crate::color::Color;
use crate::theme::Theme;

/// A colour map.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Map {
    /// Viridis, for fractions such as accuracies: 0..=1 unless a range is given, or the data go beyond.
    #[default]
    Sequential,
    /// Blue, through the card's colour, to red: symmetric about 0 unless a range is given. For weights and differences.
    Diverging,
    /// From one colour to another, linear in sRGB.
    Between(Color, Color),
}

impl Map {
    /// The colour at `t` in 0..=1; values beyond are drawn in the end colours.
    pub fn color(self, t: f64, theme: &Theme) -> Color {
        let t = if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) };
        match self {
            Self::Sequential => colorous::VIRIDIS.eval_continuous(t).into(),
            Self::Diverging => {
                let end = if t < 0.5 { theme.negative } else { theme.positive };
                theme.neutral.mix(end, ((t - 0.5).abs() * 2.0) as f32)
            }
            Self::Between(low, high) => low.mix(high, t as f32),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::DARK;

    #[test]
    fn sequential_ends_are_viridis() {
        assert_eq!(Map::Sequential.color(0.0, &DARK).css(), "#440154");
        assert_eq!(Map::Sequential.color(2.0, &DARK).css(), "#fde725");
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
