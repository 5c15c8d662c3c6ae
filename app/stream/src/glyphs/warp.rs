//! One sample: an outline, distorted and drawn. What is drawn is a function of the random numbers alone.

use rand::{Rng, RngExt as _};
use tiny_skia::{FillRule, Mask, Path, Stroke, Transform};

use super::face::SIDE;
use crate::points::gaussian_pair;

/// How far samples stray from their character. At all zeros they are the plain character.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Warp {
    /// Largest turn to either side, in degrees.
    pub(super) rotation: f32,
    /// Largest share by which a side grows or shrinks.
    pub(super) scale: f32,
    /// Largest shear: the tangent of the slant.
    pub(super) shear: f32,
    /// Largest shift along each axis, in pixels.
    pub(super) shift: f32,
    /// Strength α of the elastic field, in pixels before smoothing.
    pub(super) elastic: f32,
    /// Width σ of the Gaussian that smooths the field, in pixels.
    pub(super) smoothness: f32,
    /// Largest growth or loss of the ink's edge, in pixels.
    pub(super) stroke: f32,
    /// Standard deviation of the noise on each pixel, which lies in [0, 1].
    pub(super) noise: f32,
}

impl Warp {
    /// Draws a distorted outline into an image of `SIDE` x `SIDE` bytes: 0 is paper, 255 ink.
    pub(super) fn draw(&self, outline: &Path, rng: &mut impl Rng, image: &mut [u8]) {
        // All numbers of the affine map are drawn first and always, so that one knob does not change another's draw.
        let mut spread = |most: f32| most * (2.0 * rng.random::<f32>() - 1.0);
        let turn = Transform::from_rotate(spread(self.rotation));
        let (wide, high) = (1.0 + spread(self.scale), 1.0 + spread(self.scale));
        let shear = Transform::from_row(1.0, 0.0, spread(self.shear), 1.0, 0.0, 0.0);
        let (x, y) = (spread(self.shift), spread(self.shift));
        let edge = spread(self.stroke);
        let middle = SIDE as f32 / 2.0;
        let map = shear.post_scale(wide, high).post_concat(turn).post_translate(middle + x, middle + y);
        let mut mask = blank();
        if let (Some(path), Some(mask)) = (outline.clone().transform(map), mask.as_mut()) {
            ink(&path, edge, mask);
        }
        match mask {
            Some(mask) => image.copy_from_slice(mask.data()),
            None => image.fill(0),
        }
        if self.elastic > 0.0 {
            let fields = [(); 2].map(|()| field(self.elastic, self.smoothness, rng));
            bend(image, &fields);
        }
        if self.noise > 0.0 {
            for pair in image.chunks_mut(2) {
                for (pixel, normal) in pair.iter_mut().zip(gaussian_pair(rng)) {
                    let value = f32::from(*pixel) / 255.0 + self.noise * normal as f32;
                    *pixel = (value.clamp(0.0, 1.0) * 255.0).round() as u8;
                }
            }
        }
    }
}

fn blank() -> Option<Mask> {
    Mask::new(SIDE as u32, SIDE as u32)
}

/// Fills the path; its edge moves outwards by `edge` pixels, inwards where that is negative.
fn ink(path: &Path, edge: f32, mask: &mut Mask) {
    mask.fill_path(path, FillRule::Winding, true, Transform::identity());
    // Half of a stroke's width lies on either side of the outline.
    let stroke = Stroke { width: 2.0 * edge.abs(), ..Stroke::default() };
    let (Some(border), Some(mut along)) = (path.stroke(&stroke, 1.0), blank()) else { return };
    along.fill_path(&border, FillRule::Winding, true, Transform::identity());
    for (pixel, border) in mask.data_mut().iter_mut().zip(along.data()) {
        *pixel = if edge > 0.0 { (*pixel).max(*border) } else { (*pixel).min(255 - border) };
    }
}

/// A smooth random displacement along one axis, in pixels: uniform numbers in [-α, α], convolved with a Gaussian of
/// width σ (Simard, Steinkraus and Platt 2003, Best practices for convolutional neural networks, section 2). The field is
/// drawn beyond the image's edges, so that it is as strong there as in the middle.
fn field(strength: f32, sigma: f32, rng: &mut impl Rng) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil() as usize;
    let kernel = gaussian_kernel(sigma, reach);
    let wide = SIDE + 2 * reach;
    let raw: Vec<f32> = (0..wide * wide).map(|_| strength * (2.0 * rng.random::<f32>() - 1.0)).collect();
    // First down the columns, so that the second, narrower pass runs along the rows.
    let mut down = vec![0.0; SIDE * wide];
    for (row, out) in down.chunks_exact_mut(wide).enumerate() {
        for (tap, weight) in kernel.iter().enumerate() {
            for (out, value) in out.iter_mut().zip(&raw[(row + tap) * wide..]) {
                *out += weight * value;
            }
        }
    }
    let mut smooth = vec![0.0; SIDE * SIDE];
    for (row, out) in smooth.chunks_exact_mut(SIDE).enumerate() {
        for (tap, weight) in kernel.iter().enumerate() {
            for (out, value) in out.iter_mut().zip(&down[row * wide + tap..]) {
                *out += weight * value;
            }
        }
    }
    smooth
}

/// Weights of a Gaussian at -reach..=reach that add up to 1.
fn gaussian_kernel(sigma: f32, reach: usize) -> Vec<f32> {
    let weight = |at: usize| (-0.5 * ((at as f32 - reach as f32) / sigma).powi(2)).exp();
    let sum: f32 = (0..=2 * reach).map(weight).sum();
    (0..=2 * reach).map(|at| weight(at) / sum).collect()
}

/// Reads each pixel where the fields point, bilinearly, with paper outside.
fn bend(image: &mut [u8], [across, down]: &[Vec<f32>; 2]) {
    let original = image.to_vec();
    let ink = |row: f32, column: f32| {
        let inside = 0.0..SIDE as f32;
        if inside.contains(&row) && inside.contains(&column) {
            f32::from(original[row as usize * SIDE + column as usize])
        } else {
            0.0
        }
    };
    for (at, pixel) in image.iter_mut().enumerate() {
        let (row, column) = ((at / SIDE) as f32 + down[at], (at % SIDE) as f32 + across[at]);
        let (top, left) = (row.floor(), column.floor());
        let (low, right) = (row - top, column - left);
        let above = (1.0 - right) * ink(top, left) + right * ink(top, left + 1.0);
        let below = (1.0 - right) * ink(top + 1.0, left) + right * ink(top + 1.0, left + 1.0);
        *pixel = ((1.0 - low) * above + low * below).round() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::super::face::{FACES, outline};
    use super::*;
    use mnemoscope_core::random;

    fn plain() -> Path {
        outline(FACES[0].1, 'A').unwrap()
    }

    fn ink_of(edge: f32) -> Vec<u8> {
        let mut mask = blank().unwrap();
        let middle = Transform::from_translate(14.0, 14.0);
        ink(&plain().transform(middle).unwrap(), edge, &mut mask);
        mask.data().to_vec()
    }

    #[test]
    fn a_field_is_as_strong_as_its_formula_says_everywhere() {
        // Uniform numbers in [-α, α] have variance α²/3; a Gaussian of width σ divides that by 4 π σ².
        let (strength, sigma) = (34.0, 4.0);
        let fields: Vec<Vec<f32>> =
            (0..400).map(|seed| field(strength, sigma, &mut random::stream(seed, "field", &[]))).collect();
        let expected = f64::from(strength).powi(2) / 3.0 / (4.0 * std::f64::consts::PI * f64::from(sigma).powi(2));
        for at in [0, SIDE - 1, SIDE * SIDE / 2 + SIDE / 2, SIDE * SIDE - 1] {
            let variance = fields.iter().map(|field| f64::from(field[at]).powi(2)).sum::<f64>() / 400.0;
            // The estimate's own deviation is sqrt(2/400) = 7 %; 4 of them are allowed.
            assert!((variance / expected - 1.0).abs() < 0.28, "{at}: {variance} for {expected}");
        }
    }

    #[test]
    fn a_field_that_is_the_same_everywhere_shifts_the_image() {
        let original = ink_of(0.0);
        let mut image = original.clone();
        bend(&mut image, &[vec![1.0; SIDE * SIDE], vec![-2.0; SIDE * SIDE]]);
        for (row, column) in [(14, 14), (10, 20), (24, 7)] {
            assert_eq!(image[row * SIDE + column], original[(row - 2) * SIDE + column + 1]);
        }
        let mut half = original.clone();
        bend(&mut half, &[vec![0.5; SIDE * SIDE], vec![0.0; SIDE * SIDE]]);
        let (a, b) = (f32::from(original[14 * SIDE + 10]), f32::from(original[14 * SIDE + 11]));
        assert_eq!(half[14 * SIDE + 10], f32::midpoint(a, b).round() as u8);
    }

    #[test]
    fn ink_grows_and_shrinks_at_its_edges() {
        let (thin, same, thick) = (ink_of(-0.5), ink_of(0.0), ink_of(0.5));
        for ((thin, same), thick) in thin.iter().zip(&same).zip(&thick) {
            assert!(thin <= same && same <= thick);
        }
        let sum = |image: &[u8]| image.iter().map(|pixel| f64::from(*pixel)).sum::<f64>();
        assert!(sum(&thin) < 0.9 * sum(&same) && sum(&thick) > 1.1 * sum(&same));
    }
}
