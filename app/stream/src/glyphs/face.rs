//! Outlines of characters, each fitted into the same box.

use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, MetadataProvider as _};
use tiny_skia::{Path, PathBuilder, Transform};

/// Pixels a side of an image.
pub(super) const SIDE: usize = 28;
/// The longer side of every character's box, in pixels, as in MNIST (LeCun et al. 1998: 20x20 in 28x28).
const BOX: f32 = 20.0;

/// The embedded faces, by the name of their family.
pub(super) static FACES: [(&str, &[u8]); 6] = [
    ("inter", mnemoscope_font::REGULAR),
    ("inter", mnemoscope_font::MEDIUM),
    ("inter", mnemoscope_font::SEMIBOLD),
    ("sans", mnemoscope_font::SANS),
    ("mono", mnemoscope_font::MONO),
    ("serif", mnemoscope_font::SERIF),
];

/// The outline of a character about the origin, in pixels with y downwards: its box has its centre there, and its longer
/// side is 20. Nothing where the face has no such character, or no ink for it.
pub(super) fn outline(face: &'static [u8], character: char) -> Option<Path> {
    let font = FontRef::new(face).ok()?;
    let glyph = font.outline_glyphs().get(font.charmap().map(character)?)?;
    let mut pen = Pen(PathBuilder::new());
    glyph.draw(DrawSettings::unhinted(Size::unscaled(), LocationRef::default()), &mut pen).ok()?;
    let path = pen.0.finish()?;
    let bounds = path.compute_tight_bounds()?;
    let longer = bounds.width().max(bounds.height());
    if longer <= 0.0 {
        return None;
    }
    let (x, y) = (f32::midpoint(bounds.left(), bounds.right()), f32::midpoint(bounds.top(), bounds.bottom()));
    path.transform(Transform::from_translate(-x, -y).post_scale(BOX / longer, BOX / longer))
}

/// Takes down an outline; a font's y points upwards.
struct Pen(PathBuilder);

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to(x, -y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to(x, -y);
    }

    fn quad_to(&mut self, cx0: f32, cy0: f32, x: f32, y: f32) {
        self.0.quad_to(cx0, -cy0, x, -y);
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        self.0.cubic_to(cx0, -cy0, cx1, -cy1, x, -y);
    }

    fn close(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outline_fits_its_box() {
        for (family, face) in FACES {
            for character in ['0', 'W', 'i', 'Ω', 'ж'] {
                let bounds = outline(face, character).unwrap().compute_tight_bounds().unwrap();
                let longer = bounds.width().max(bounds.height());
                assert!((longer - BOX).abs() < 1e-3, "{family} {character}: {longer}");
                assert!((bounds.left() + bounds.right()).abs() < 1e-3 && (bounds.top() + bounds.bottom()).abs() < 1e-3);
            }
            assert!(outline(face, ' ').is_none() && outline(face, '\u{10ffff}').is_none(), "{family}");
        }
    }

    #[test]
    fn up_is_up() {
        // The point of an exclamation mark is at the bottom; the top is the wider half of its ink.
        let bounds = |character| outline(mnemoscope_font::REGULAR, character).unwrap();
        let path = bounds('L');
        let low = path.points().iter().filter(|point| point.y > 0.0).map(|point| point.x).fold(f32::MIN, f32::max);
        let high = path.points().iter().filter(|point| point.y < 0.0).map(|point| point.x).fold(f32::MIN, f32::max);
        assert!(low > high, "the foot of an L reaches further right than its stem");
    }
}
