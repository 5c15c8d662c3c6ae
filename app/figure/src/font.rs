//! The embedded fonts: the window, the SVG's layout and the PNG all use the same files, so pictures are the same on
//! every machine.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use egui::epaint::text::{Fonts, TextOptions};
use egui::{FontData, FontDefinitions, FontFamily, FontId};
use mnemoscope_font::{MEDIUM, MONO, REGULAR, SANS, SEMIBOLD, SERIF};

/// Thickness of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Weight {
    Regular,
    Medium,
    Semibold,
}

impl Weight {
    /// This weight at `size` points in egui.
    pub fn id(self, size: f32) -> FontId {
        match self {
            Self::Regular => FontId::proportional(size),
            Self::Medium => medium(size),
            Self::Semibold => semibold(size),
        }
    }

    /// This weight in CSS.
    pub fn css(self) -> u16 {
        match self {
            Self::Regular => 400,
            Self::Medium => 500,
            Self::Semibold => 600,
        }
    }
}

/// Inter Medium: names of fields, buttons.
pub fn medium(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("medium".into()))
}

/// Inter SemiBold: titles and headline numbers.
pub fn semibold(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("semibold".into()))
}

/// DejaVu Serif: equations.
pub fn serif(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("serif".into()))
}

/// Inter as the proportional family, DejaVu Sans Mono as the monospaced one, and the named families behind [`medium`],
/// [`semibold`] and [`serif`]. DejaVu Sans stands in for signs that the others lack.
pub fn fonts() -> FontDefinitions {
    let files = [("Inter", REGULAR), ("Inter Medium", MEDIUM), ("Inter SemiBold", SEMIBOLD), ("DejaVu Sans", SANS)]
        .into_iter()
        .chain([("DejaVu Sans Mono", MONO), ("DejaVu Serif", SERIF)]);
    let family = |first: &str| vec![first.to_owned(), "DejaVu Sans".to_owned()];
    FontDefinitions {
        font_data: files.map(|(name, file)| (name.to_owned(), Arc::new(FontData::from_static(file)))).collect(),
        families: [
            (FontFamily::Proportional, family("Inter")),
            (FontFamily::Monospace, family("DejaVu Sans Mono")),
            (FontFamily::Name("medium".into()), family("Inter Medium")),
            (FontFamily::Name("semibold".into()), family("Inter SemiBold")),
            (FontFamily::Name("serif".into()), family("DejaVu Serif")),
        ]
        .into(),
    }
}

/// The files that the PNG writer may use.
pub(crate) fn files() -> [&'static [u8]; 4] {
    [REGULAR, MEDIUM, SEMIBOLD, SANS]
}

/// Width of one line of `text` in points. Both the window and the writer lay out with this, so that they agree.
pub(crate) fn width(text: &str, size: f32, weight: Weight) -> f32 {
    /// Advances are measured once at this size, where hinting does not show.
    const MEASURED_AT: f32 = 128.0;
    type Advances = (Fonts, HashMap<(char, Weight), f32>);
    static ADVANCES: OnceLock<Mutex<Advances>> = OnceLock::new();
    let advances =
        ADVANCES.get_or_init(|| Mutex::new((Fonts::new(TextOptions::default(), fonts()), HashMap::default())));
    let mut advances = advances.lock().unwrap_or_else(PoisonError::into_inner);
    let (fonts, known) = &mut *advances;
    let mut advance = |c: char| {
        *known
            .entry((c, weight))
            .or_insert_with(|| fonts.with_pixels_per_point(1.0).glyph_width(&weight.id(MEASURED_AT), c) / MEASURED_AT)
    };
    text.chars().map(&mut advance).sum::<f32>() * size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_add_up_and_scale() {
        let one = width("0", 10.0, Weight::Regular);
        assert!(one > 4.0 && one < 8.0, "{one}");
        assert!((width("00", 10.0, Weight::Regular) - 2.0 * one).abs() < 1e-4);
        assert!((width("0", 20.0, Weight::Regular) - 2.0 * one).abs() < 1e-4);
        assert!(width("Accuracy", 12.0, Weight::Semibold) > width("Accuracy", 12.0, Weight::Regular));
        assert_eq!(width("", 12.0, Weight::Medium), 0.0);
    }

    #[test]
    fn every_sign_of_the_interface_has_a_glyph() {
        let mut all = Fonts::new(TextOptions::default(), fonts());
        let signs = "λαβγθΣΔ∇∂√∞≈≠≤≥∈⊙⊗⊤‖×÷·−–—…′±½²→←↑↓⟲↺☾☀▶⋯☰●○▲▼▸▾✓✕⚠❚";
        for family in [FontId::proportional(12.0), medium(12.0), semibold(12.0), serif(12.0), FontId::monospace(12.0)] {
            for sign in signs.chars() {
                assert!(all.has_glyph(&family, sign), "{sign} in {family:?}");
            }
        }
    }
}
