//! Numbers as a reader wants them: round ticks, thousands separators, no more digits than mean something.

/// Round tick values inside `low..=high`, at least `least` apart, with the decimals that tell them apart.
///
/// Steps are 1, 2 or 5 times a power of ten.
pub(crate) fn ticks(low: f64, high: f64, least: f64) -> (Vec<f64>, usize) {
    if !(low.is_finite() && high.is_finite() && least > 0.0 && high > low) {
        return (Vec::new(), 0);
    }
    let power = 10f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= least * 0.999_999);
    let step = step.unwrap_or(10.0 * power);
    let decimals = (-(step * 1.000_001).log10().floor()).clamp(0.0, 12.0) as usize;
    // A tick at the very end must not be lost to rounding.
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    ((first..=last).take(1000).map(|index| index as f64 * step).collect(), decimals)
}

/// Powers of ten in `low..=high` (both already base-10 logarithms), every `skip`-th one so that they are `least` apart.
pub(crate) fn log_ticks(low: f64, high: f64, least: f64) -> Vec<f64> {
    if !(low.is_finite() && high.is_finite() && high > low && least.is_finite()) {
        return Vec::new();
    }
    let skip = least.ceil().max(1.0) as i64;
    let (first, last) = ((low - 1e-9).ceil() as i64, (high + 1e-9).floor() as i64);
    (first..=last).filter(|power| power.rem_euclid(skip) == 0).take(1000).map(|power| power as f64).collect()
}

/// With this many decimals and thousands separators: "1,600", "0.25", "−3". From a million on: "1.2 M".
pub(crate) fn tick_label(value: f64, decimals: usize) -> String {
    let size = value.abs();
    if size >= 1e9 {
        return format!("{} G", trim(value / 1e9));
    }
    if size >= 1e6 {
        return format!("{} M", trim(value / 1e6));
    }
    if size != 0.0 && size < 1e-4 {
        return scientific(value);
    }
    grouped(&format!("{value:.decimals$}"))
}

/// A power of ten as a tick label: "0.01", "1", "1,000", "10⁻⁵".
pub(crate) fn power_label(power: f64) -> String {
    let power = power.round() as i32;
    if (-3..=3).contains(&power) {
        return grouped(&format!("{:.*}", usize::try_from(-power).unwrap_or(0), 10f64.powi(power)));
    }
    format!("10{}", superscript(power))
}

/// About four significant digits, for a tooltip: "0.9312", "46", "1,643", "3.1 × 10⁻⁶".
pub(crate) fn precise(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return if value.is_nan() {
            "not a number".to_owned()
        } else {
            format!("{}∞", if value < 0.0 { "−" } else { "" })
        };
    }
    if value.fract() == 0.0 && size < 1e15 {
        return grouped(&format!("{value:.0}"));
    }
    if !(1e-4..1e7).contains(&size) {
        return scientific(value);
    }
    let decimals = (3.0 - size.log10().floor()).clamp(0.0, 4.0) as usize;
    grouped(&format!("{value:.decimals$}"))
}

/// A value with the interval around it: "0.9312 ± 0.0110", or both ends where they are not symmetric.
pub(crate) fn with_band(value: f64, band: Option<[f64; 2]>) -> String {
    let Some([low, high]) = band.filter(|band| band[0].is_finite() && band[1].is_finite()) else {
        return precise(value);
    };
    let (below, above) = (value - low, high - value);
    if (above - below).abs() <= 1e-6 + 0.01 * (above + below).abs() {
        with_half_width(value, Some(f64::midpoint(above, below)))
    } else {
        format!("{} [{}, {}]", precise(value), precise(low), precise(high))
    }
}

/// A value with a half width: "0.9312 ± 0.0110"; both get the same number of decimals.
pub(crate) fn with_half_width(value: f64, half_width: Option<f64>) -> String {
    let text = precise(value);
    match half_width {
        Some(half) if half.is_finite() && (half == 0.0 || half >= 1e-4) && half < 1e7 && !text.contains('×') => {
            let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            let decimals = if decimals == 0 && half.fract() != 0.0 { 4 } else { decimals };
            format!("{} ± {}", grouped(&format!("{value:.decimals$}")), grouped(&format!("{half:.decimals$}")))
        }
        Some(half) if half.is_finite() => format!("{text} ± {}", precise(half)),
        _ => text,
    }
}

/// As few signs as a matrix cell has room for: ".97", "1", "0", "−.12"; counts as they are.
pub(crate) fn cell(value: f64, whole: bool, range: (f64, f64)) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if whole && range.0.abs().max(range.1.abs()) > 1.0 {
        return tick_label(value, 0);
    }
    if range.0.abs().max(range.1.abs()) > 1.0 {
        let decimals = usize::from(value.abs() < 10.0 && value != 0.0);
        return tick_label(value, decimals);
    }
    let text = format!("{:.2}", value.abs());
    let text = match text.as_str() {
        "0.00" => return "0".to_owned(),
        "1.00" => "1",
        other => other.trim_start_matches('0'),
    };
    if value < 0.0 { format!("−{text}") } else { text.to_owned() }
}

/// Two decimals at most, without trailing zeros.
fn trim(value: f64) -> String {
    let text = format!("{value:.2}");
    grouped(text.trim_end_matches('0').trim_end_matches('.'))
}

/// "3.1 × 10⁻⁶".
fn scientific(value: f64) -> String {
    let power = value.abs().log10().floor() as i32;
    let mantissa = trim(value / 10f64.powi(power));
    format!("{mantissa} × 10{}", superscript(power))
}

fn superscript(power: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digits = power.unsigned_abs().to_string();
    let digits = digits.bytes().filter_map(|digit| DIGITS.get(usize::from(digit - b'0')));
    (power < 0).then_some('⁻').into_iter().chain(digits.copied()).collect()
}

/// Thousands separators and a real minus sign, for a plain decimal text. "−0.00" loses its sign.
fn grouped(text: &str) -> String {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut out = String::with_capacity(text.len() + 6);
    if negative && digits.bytes().any(|digit| matches!(digit, b'1'..=b'9')) {
        out.push('−');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_of_an_accuracy_axis() {
        let (values, decimals) = ticks(0.0, 1.0, 0.15);
        let labels: Vec<String> = values.iter().map(|value| tick_label(*value, decimals)).collect();
        assert_eq!(labels, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    }

    #[test]
    fn ticks_of_a_step_axis() {
        let (values, decimals) = ticks(0.0, 2000.0, 350.0);
        let labels: Vec<String> = values.iter().map(|value| tick_label(*value, decimals)).collect();
        assert_eq!(labels, ["0", "500", "1,000", "1,500", "2,000"]);
    }

    #[test]
    fn labels() {
        assert_eq!(tick_label(1_234_567.0, 0), "1.23 M");
        assert_eq!(tick_label(2e9, 0), "2 G");
        assert_eq!(tick_label(-1600.0, 0), "−1,600");
        assert_eq!(tick_label(-0.0001, 2), "0.00");
        assert_eq!(tick_label(3e-5, 5), "3 × 10⁻⁵");
        assert_eq!(power_label(-2.0), "0.01");
        assert_eq!(power_label(3.0), "1,000");
        assert_eq!(power_label(-12.0), "10⁻¹²");
    }

    #[test]
    fn values_with_intervals() {
        assert_eq!(precise(0.93123), "0.9312");
        assert_eq!(precise(0.0312), "0.0312");
        assert_eq!(precise(1643.0), "1,643");
        assert_eq!(precise(12.3456), "12.35");
        assert_eq!(precise(3.1e-6), "3.1 × 10⁻⁶");
        assert_eq!(precise(f64::NAN), "not a number");
        assert_eq!(with_half_width(0.9312, Some(0.011)), "0.9312 ± 0.0110");
        assert_eq!(with_half_width(1.0, Some(0.0)), "1 ± 0");
        assert_eq!(with_half_width(1.0, Some(0.0123)), "1.0000 ± 0.0123");
        assert_eq!(with_half_width(0.5, None), "0.5000");
        assert_eq!(with_band(0.5, Some([0.4, 0.6])), "0.5000 ± 0.1000");
        assert_eq!(with_band(0.9, Some([0.5, 1.0])), "0.9000 [0.5000, 1]");
        assert_eq!(with_band(0.5, Some([f64::NAN, 0.6])), "0.5000");
    }

    #[test]
    fn cells_are_short() {
        let fraction = (0.0, 1.0);
        let text = |value| cell(value, false, fraction);
        assert_eq!([text(0.97), text(0.999), text(0.001), text(-0.125)], [".97", "1", "0", "−.12"]);
        assert_eq!(cell(1234.0, true, (0.0, 2000.0)), "1,234");
        assert_eq!(cell(3.25, false, (0.0, 5.0)), "3.2");
        assert_eq!(cell(f64::NAN, false, fraction), "–");
        assert_eq!(cell(31.0, false, (0.0, 50.5)), "31");
    }

    proptest! {
        #[test]
        fn ticks_are_inside_increasing_and_far_enough_apart(low in -1e6..1e6f64, width in 1e-3..1e6f64, count in 1.0..20.0f64) {
            let (high, least) = (low + width, width / count);
            let (values, _) = ticks(low, high, least);
            for value in &values {
                prop_assert!(*value >= low - width * 1e-6 && *value <= high + width * 1e-6);
            }
            for pair in values.windows(2) {
                prop_assert!(pair[1] - pair[0] >= least * 0.99);
            }
            prop_assert!(values.len() as f64 <= count + 2.0);
        }
    }
}
