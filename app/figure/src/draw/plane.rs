//! A rectangle with two scales: from values to points and back.

use egui::{Pos2, Rect, pos2};

use crate::number;

/// One scale. Ends are in *scale units*: the value itself, or its base-10 logarithm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    pub low: f64,
    pub high: f64,
    pub log: bool,
    /// Position of `low`, in points.
    pub from: f32,
    /// Position of `high`, in points.
    pub to: f32,
}

impl Scale {
    /// A value in scale units; `None` where a logarithm has no place for it.
    pub fn units(log: bool, value: f64) -> Option<f64> {
        let units = if log { (value > 0.0).then(|| value.log10())? } else { value };
        units.is_finite().then_some(units)
    }

    /// Position of a number in scale units.
    pub fn place(self, units: f64) -> f32 {
        /// Far outside any screen, and still exact enough for a slope.
        const FAR: f32 = 3e4;
        let along = ((units - self.low) / (self.high - self.low)) as f32;
        (self.from + along * (self.to - self.from)).clamp(-FAR, FAR)
    }

    /// Position of a value.
    pub fn position(self, value: f64) -> Option<f32> {
        Self::units(self.log, value).map(|units| self.place(units))
    }

    /// The value at a position.
    pub fn value(self, position: f32) -> f64 {
        let units = self.low + f64::from((position - self.from) / (self.to - self.from)) * (self.high - self.low);
        if self.log { 10f64.powf(units) } else { units }
    }

    /// Ticks at least `gap` points apart: position and label.
    pub fn ticks(self, gap: f32) -> Vec<(f32, String)> {
        let least = (self.high - self.low) * f64::from(gap / (self.to - self.from).abs().max(1.0));
        // Less than a decade in view: powers of ten would leave the axis bare.
        if self.log && self.high - self.low >= 0.9 {
            return number::log_ticks(self.low, self.high, least)
                .into_iter()
                .map(|power| (self.place(power), number::power_label(power)))
                .collect();
        }
        let (low, high) = if self.log { (10f64.powf(self.low), 10f64.powf(self.high)) } else { (self.low, self.high) };
        let least = if self.log { (high - low) * f64::from(gap / (self.to - self.from).abs().max(1.0)) } else { least };
        let (values, decimals) = number::ticks(low, high, least);
        values
            .into_iter()
            .filter_map(|value| Some((self.position(value)?, number::tick_label(value, decimals))))
            .collect()
    }
}

/// Two scales over an area.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Plane {
    pub area: Rect,
    pub x: Scale,
    pub y: Scale,
}

impl Plane {
    /// A plane over `area`; ranges in scale units.
    pub fn new(area: Rect, x: (f64, f64), y: (f64, f64), log: (bool, bool)) -> Self {
        Self {
            area,
            x: Scale { low: x.0, high: x.1, log: log.0, from: area.left(), to: area.right() },
            y: Scale { low: y.0, high: y.1, log: log.1, from: area.bottom(), to: area.top() },
        }
    }

    /// Position of a point; `None` where it has none.
    pub fn position(&self, point: [f64; 2]) -> Option<Pos2> {
        Some(pos2(self.x.position(point[0])?, self.y.position(point[1])?))
    }
}

/// A range that can be drawn: ends finite, apart, in order.
pub(crate) fn sound((low, high): (f64, f64)) -> (f64, f64) {
    if !(low.is_finite() && high.is_finite()) {
        return (0.0, 1.0);
    }
    let (low, high) = (low.min(high), low.max(high));
    let room = 1e-9 * low.abs().max(high.abs()).max(1e-9);
    if high - low > room {
        return (low, high);
    }
    let half = if low == 0.0 { 0.5 } else { low.abs() * 0.1 };
    (low - half, low + half)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane() -> Plane {
        let area = Rect::from_min_max(pos2(10.0, 20.0), pos2(110.0, 70.0));
        Plane::new(area, (0.0, 200.0), (-3.0, 1.0), (false, true))
    }

    #[test]
    fn corners_and_back() {
        let plane = plane();
        assert_eq!(plane.position([0.0, 0.001]), Some(pos2(10.0, 70.0)));
        assert_eq!(plane.position([200.0, 10.0]), Some(pos2(110.0, 20.0)));
        assert_eq!(plane.position([100.0, 0.0]), None);
        assert_eq!(plane.position([f64::NAN, 1.0]), None);
        assert!((plane.x.value(60.0) - 100.0).abs() < 1e-9);
        assert!((plane.y.value(45.0) - 0.1).abs() < 1e-9);
    }

    #[test]
    fn log_ticks_are_powers_or_round_values() {
        let labels: Vec<String> = plane().y.ticks(10.0).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["0.001", "0.01", "0.1", "1", "10"]);
        let narrow = Scale { low: 0.0, high: 0.6, log: true, from: 0.0, to: 100.0 };
        let labels: Vec<String> = narrow.ticks(30.0).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["1", "2", "3"]);
    }

    #[test]
    fn unsound_ranges_are_mended() {
        assert_eq!(sound((1.0, 0.0)), (0.0, 1.0));
        assert_eq!(sound((0.0, 0.0)), (-0.5, 0.5));
        assert_eq!(sound((2.0, 2.0)), (1.8, 2.2));
        assert_eq!(sound((f64::NAN, 2.0)), (0.0, 1.0));
    }
}
