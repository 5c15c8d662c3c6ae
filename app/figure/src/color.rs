//! A colour of our own, so that a figure can be described without egui and written without a window.

/// An sRGB colour with straight (not premultiplied) opacity, one byte a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Color {
    /// Red, sRGB.
    pub r: u8,
    /// Green, sRGB.
    pub g: u8,
    /// Blue, sRGB.
    pub b: u8,
    /// Opacity, 255 = opaque.
    pub a: u8,
}

impl Color {
    /// Nothing to see.
    pub const TRANSPARENT: Self = Self { r: 0, g: 0, b: 0, a: 0 };

    /// An opaque colour from `0xRRGGBB`.
    pub const fn rgb(hex: u32) -> Self {
        Self { r: (hex >> 16) as u8, g: (hex >> 8) as u8, b: hex as u8, a: 255 }
    }

    /// The same colour at `opacity` in 0..=1 of its own.
    pub fn fade(self, opacity: f32) -> Self {
        Self { a: (f32::from(self.a) * opacity.clamp(0.0, 1.0)).round() as u8, ..self }
    }

    /// The colour `t` in 0..=1 of the way to `other`, channel by channel in sRGB.
    pub fn mix(self, other: Self, t: f32) -> Self {
        let t = t.clamp(0.0, 1.0);
        let lerp = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * t).round() as u8;
        Self { r: lerp(self.r, other.r), g: lerp(self.g, other.g), b: lerp(self.b, other.b), a: lerp(self.a, other.a) }
    }

    /// Relative luminance in 0..=1 (WCAG 2.2), opacity ignored.
    pub fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.r) + 0.7152 * linear(self.g) + 0.0722 * linear(self.b)
    }

    /// Contrast ratio in 1..=21 (WCAG 2.2), opacity ignored.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// The opaque part as `#rrggbb`; opacity is a separate attribute in SVG.
    pub fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.r, self.g, self.b)
    }

    /// Opacity in 0..=1.
    pub fn opacity(self) -> f32 {
        f32::from(self.a) / 255.0
    }
}

impl From<Color> for egui::Color32 {
    fn from(color: Color) -> Self {
        Self::from_rgba_unmultiplied(color.r, color.g, color.b, color.a)
    }
}

impl From<colorous::Color> for Color {
    fn from(color: colorous::Color) -> Self {
        Self { r: color.r, g: color.g, b: color.b, a: 255 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_of_black_and_white_is_21() {
        assert!((Color::rgb(0).contrast(Color::rgb(0xff_ffff)) - 21.0).abs() < 1e-9);
        assert!((Color::rgb(0x77_7777).contrast(Color::rgb(0xff_ffff)) - 4.48).abs() < 0.01);
    }

    #[test]
    fn mixing_meets_both_ends_and_css_is_hex() {
        let (a, b) = (Color::rgb(0x10_2030), Color::rgb(0xf0_e0d0));
        assert_eq!(a.mix(b, 0.0), a);
        assert_eq!(a.mix(b, 1.0), b);
        assert_eq!(a.css(), "#102030");
        assert_eq!(a.fade(0.5).a, 128);
    }
}
