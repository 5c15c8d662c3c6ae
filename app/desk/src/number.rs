//! Numbers as a person reads and types them.

/// A number in few signs: "1,200", "0.05", "1e-5", "0.333".
pub fn short(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e6).contains(&size) {
        let text = format!("{value:.2e}");
        // "2.50e-4" -> "2.5e-4", "1.00e6" -> "1e6".
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", trimmed(mantissa));
    }
    if value.fract() == 0.0 {
        return grouped(value);
    }
    let decimals = if size < 0.01 {
        5
    } else if size < 1.0 {
        4
    } else if size < 100.0 {
        3
    } else {
        1
    };
    trimmed(&format!("{value:.decimals$}")).to_owned()
}

/// What a person typed; thousands separators and spaces are allowed.
pub fn parse(text: &str) -> Option<f64> {
    let plain: String = text.chars().filter(|c| !matches!(c, ',' | ' ' | '_' | '\u{a0}')).collect();
    plain.parse().ok()
}

/// A whole number with thousands separators.
pub fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if value < 0.0 { format!("−{out}") } else { out }
}

/// Seconds as "0:09", "12:30" or "1:02:00".
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}

/// Bytes as "512 B", "191 KB", "2.1 MB".
pub fn bytes(count: f64) -> String {
    match count {
        count if count < 1e3 => format!("{count:.0} B"),
        count if count < 1e6 => format!("{:.0} KB", count / 1e3),
        count if count < 1e9 => format!("{:.1} MB", count / 1e6),
        count => format!("{:.1} GB", count / 1e9),
    }
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_read_back() {
        for (value, text) in [
            (0.0, "0"),
            (0.05, "0.05"),
            (1200.0, "1,200"),
            (1e6, "1e6"),
            (2.5e-4, "2.5e-4"),
            (1.0 / 3.0, "0.3333"),
            (12.5, "12.5"),
            (-3.0, "−3"),
        ] {
            assert_eq!(short(value), text);
        }
        for value in [0.05, 1200.0, 2.5e-4, 999_999.0, 1e-7] {
            assert_eq!(parse(&short(value)), Some(value));
        }
        assert_eq!(parse("five"), None);
        assert_eq!(short(f64::NAN), "–");
    }

    #[test]
    fn durations_and_sizes_have_the_usual_form() {
        assert_eq!((duration(9.4).as_str(), duration(3720.0).as_str()), ("0:09", "1:02:00"));
        assert_eq!((bytes(191_000.0).as_str(), bytes(2_140_000.0).as_str()), ("191 KB", "2.1 MB"));
    }
}
