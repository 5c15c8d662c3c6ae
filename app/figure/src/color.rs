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

    /// The colour `t` in 0..=1 of the way to `other` along a straight line in Oklab, which looks even to the eye.
    pub fn mix_evenly(self, other: Self, t: f32) -> Self {
        let (from, to, t) = (self.oklab(), other.oklab(), t.clamp(0.0, 1.0));
        let [r, g, b] = from_oklab(std::array::from_fn(|axis| from[axis] + (to[axis] - from[axis]) * t));
        Self { r, g, b, a: self.mix(other, t).a }
    }

    /// How different two colours look: their distance in Oklab, 1 between black and white. Opacity is ignored.
    pub fn distance(self, other: Self) -> f32 {
        let (a, b) = (self.oklab(), other.oklab());
        (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f32>().sqrt()
    }

    /// Lightness, green to red, blue to yellow (Ottosson, "A perceptual color space for image processing", 2020).
    fn oklab(self) -> [f32; 3] {
        let linear = [self.r, self.g, self.b].map(|channel| {
            let c = f32::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        });
        product(&TO_LAB, product(&TO_CONES, linear).map(f32::cbrt))
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

/// From linear sRGB to cone responses.
const TO_CONES: [[f32; 3]; 3] = [
    [0.412_221_47, 0.536_332_55, 0.051_445_995],
    [0.211_903_5, 0.680_699_5, 0.107_396_96],
    [0.088_302_46, 0.281_718_85, 0.629_978_7],
];
/// And back.
const FROM_CONES: [[f32; 3]; 3] = [
    [4.076_741_7, -3.307_711_6, 0.230_969_94],
    [-1.268_438, 2.609_757_4, -0.341_319_38],
    [-0.004_196_086, -0.703_418_6, 1.707_614_7],
];
/// From the cube roots of cone responses to Oklab.
const TO_LAB: [[f32; 3]; 3] = [
    [0.210_454_26, 0.793_617_8, -0.004_072_047],
    [1.977_998_5, -2.428_592_2, 0.450_593_7],
    [0.025_904_037, 0.782_771_77, -0.808_675_77],
];
/// And back.
const FROM_LAB: [[f32; 3]; 3] =
    [[1.0, 0.396_337_78, 0.215_803_76], [1.0, -0.105_561_346, -0.063_854_17], [1.0, -0.089_484_18, -1.291_485_5]];

fn product(matrix: &[[f32; 3]; 3], vector: [f32; 3]) -> [f32; 3] {
    matrix.map(|row| row[0] * vector[0] + row[1] * vector[1] + row[2] * vector[2])
}

/// To sRGB bytes; what no screen shows is cut off channel by channel.
fn from_oklab(lab: [f32; 3]) -> [u8; 3] {
    product(&FROM_CONES, product(&FROM_LAB, lab).map(|root| root.powi(3))).map(|linear| {
        let c = linear.clamp(0.0, 1.0);
        let c = if c <= 0.003_130_8 { c * 12.92 } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 };
        (c * 255.0).round() as u8
    })
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
    fn an_even_mix_meets_both_ends_and_greys_are_as_far_apart_as_they_look() {
        for (a, b) in [(0x10_2030, 0xf0_e0d0), (0xff_0000, 0x00_00ff), (0, 0xff_ffff)] {
            let (a, b) = (Color::rgb(a), Color::rgb(b));
            assert_eq!((a.mix_evenly(b, 0.0), a.mix_evenly(b, 1.0)), (a, b));
        }
        let (black, white) = (Color::rgb(0), Color::rgb(0xff_ffff));
        assert!((black.distance(white) - 1.0).abs() < 1e-4);
        // Half the lightness of white is 0.125 of its light, 0x63 in sRGB.
        assert_eq!(black.mix_evenly(white, 0.5).css(), "#636363");
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
