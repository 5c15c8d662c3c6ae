//! What a task does to the features of its samples. Labels stay.

use std::sync::Arc;

use crate::dataset::Shape;

/// A fixed change of the features.
#[derive(Debug, Clone, PartialEq)]
pub enum Transform {
    /// None.
    Identity,
    /// Feature i of the result is feature `order[i]` of the sample.
    Permute(Arc<[u32]>),
    /// A turn about the centre, counter-clockwise as seen. Images are read bilinearly, with zeros outside; points turn
    /// about the origin.
    Rotate {
        /// Angle in degrees.
        degrees: f32,
    },
}

impl Transform {
    /// Writes the transformed features of one sample.
    ///
    /// # Panics
    /// When the lengths do not match the shape, or a table or a sequence is to be rotated.
    pub fn apply(&self, shape: Shape, features: &[f32], out: &mut [f32]) {
        self.prepare(shape).apply(features, out);
    }

    /// The same, with all that does not depend on the sample worked out.
    pub(crate) fn prepare(&self, shape: Shape) -> Prepared {
        match (self, shape) {
            (Self::Identity, _) => Prepared::Identity,
            (Self::Permute(order), _) => Prepared::Permute(order.clone()),
            (Self::Rotate { degrees }, Shape::Points) => {
                let (sin, cos) = sin_cos_degrees(*degrees);
                Prepared::Turn { sin: sin as f32, cos: cos as f32 }
            }
            (Self::Rotate { degrees }, Shape::Image { height, width, channels }) => {
                Prepared::Resample { taps: rotation(*degrees, height, width).into(), channels }
            }
            (Self::Rotate { .. }, Shape::Table(_) | Shape::Tokens { .. }) => panic!("{shape:?} cannot be rotated"),
        }
    }
}

/// One pixel of the result: a weighted sum of four pixels of the image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tap {
    index: [u32; 4],
    weight: [f32; 4],
}

/// A transform ready for many samples.
#[derive(Debug, Clone)]
pub(crate) enum Prepared {
    Identity,
    Permute(Arc<[u32]>),
    Resample { taps: Arc<[Tap]>, channels: usize },
    Turn { sin: f32, cos: f32 },
}

impl Prepared {
    pub(crate) fn apply(&self, features: &[f32], out: &mut [f32]) {
        assert_eq!(features.len(), out.len(), "a transform keeps the number of features");
        match self {
            Self::Identity => out.copy_from_slice(features),
            Self::Permute(order) => {
                assert_eq!(order.len(), out.len(), "a permutation has one entry per feature");
                for (out, from) in out.iter_mut().zip(order.iter()) {
                    *out = features[*from as usize];
                }
            }
            Self::Resample { taps, channels } => {
                assert_eq!(taps.len() * channels, out.len(), "a rotation has one entry per pixel");
                for (pixel, tap) in out.chunks_exact_mut(*channels).zip(taps.iter()) {
                    for (channel, out) in pixel.iter_mut().enumerate() {
                        let value = |k: usize| features[tap.index[k] as usize * channels + channel];
                        *out = (0..4).map(|k| tap.weight[k] * value(k)).sum();
                    }
                }
            }
            Self::Turn { sin, cos } => {
                let [x, y] = [features[0], features[1]];
                out[0] = cos * x - sin * y;
                out[1] = sin * x + cos * y;
            }
        }
    }
}

/// Sine and cosine, exact at multiples of 90 degrees, so that those turns only move pixels.
fn sin_cos_degrees(degrees: f32) -> (f64, f64) {
    let degrees = f64::from(degrees).rem_euclid(360.0);
    match degrees {
        0.0 => (0.0, 1.0),
        90.0 => (1.0, 0.0),
        180.0 => (0.0, -1.0),
        270.0 => (-1.0, 0.0),
        _ => degrees.to_radians().sin_cos(),
    }
}

/// Where each pixel of the rotated image reads: the inverse turn about the centre, then bilinear weights.
fn rotation(degrees: f32, height: usize, width: usize) -> Vec<Tap> {
    let (sin, cos) = sin_cos_degrees(degrees);
    let (middle_row, middle_column) = ((height as f64 - 1.0) / 2.0, (width as f64 - 1.0) / 2.0);
    let mut taps = Vec::with_capacity(height * width);
    for row in 0..height {
        for column in 0..width {
            // Rows count downwards, y upwards.
            let (x, y) = (column as f64 - middle_column, middle_row - row as f64);
            let from_column = middle_column + cos * x + sin * y;
            let from_row = middle_row - (cos * y - sin * x);
            let (left, top) = (from_column.floor(), from_row.floor());
            let (right_share, bottom_share) = (from_column - left, from_row - top);
            let mut tap = Tap { index: [0; 4], weight: [0.0; 4] };
            let corners = [
                (top, left, (1.0 - bottom_share) * (1.0 - right_share)),
                (top, left + 1.0, (1.0 - bottom_share) * right_share),
                (top + 1.0, left, bottom_share * (1.0 - right_share)),
                (top + 1.0, left + 1.0, bottom_share * right_share),
            ];
            for (k, (r, c, weight)) in corners.into_iter().enumerate() {
                if (0.0..height as f64).contains(&r) && (0.0..width as f64).contains(&c) {
                    tap.index[k] = (r as usize * width + c as usize) as u32;
                    tap.weight[k] = weight as f32;
                }
            }
            taps.push(tap);
        }
    }
    taps
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rotate(degrees: f32, height: usize, width: usize, image: &[f32]) -> Vec<f32> {
        let mut out = vec![f32::NAN; image.len()];
        Transform::Rotate { degrees }.apply(Shape::grey(height, width), image, &mut out);
        out
    }

    #[test]
    fn a_quarter_turn_by_hand() {
        #[rustfmt::skip]
        let image = [
            1.0, 2.0, 3.0,
            4.0, 5.0, 6.0,
            7.0, 8.0, 9.0,
        ];
        #[rustfmt::skip]
        let turned = [
            3.0, 6.0, 9.0,
            2.0, 5.0, 8.0,
            1.0, 4.0, 7.0,
        ];
        assert_eq!(rotate(90.0, 3, 3, &image), turned);
        assert_eq!(rotate(-270.0, 3, 3, &image), turned);
        assert_eq!(rotate(90.0, 2, 2, &[1.0, 2.0, 3.0, 4.0]), [2.0, 4.0, 1.0, 3.0]);
    }

    #[test]
    fn half_of_a_right_angle_mixes_neighbours_by_hand() {
        // At 45 degrees the corner of a 3x3 image looks sqrt(2) from the centre along an axis: 0.414 beyond the edge,
        // so it reads the edge pixel's middle with weight 2 - sqrt(2).
        let image = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
        let turned = rotate(45.0, 3, 3, &image);
        // Bright right middle, turned counter-clockwise, is brightest at the top right.
        assert!((turned[2] - (2.0 - 2f32.sqrt())).abs() < 1e-6, "{turned:?}");
        assert_eq!(turned[4], 0.0);
        assert_eq!(turned[6], 0.0);
    }

    #[test]
    fn the_channels_of_a_pixel_turn_together() {
        let shape = Shape::Image { height: 2, width: 2, channels: 3 };
        let image: Vec<f32> = (0..12u8).map(f32::from).collect();
        let mut out = [0.0; 12];
        Transform::Rotate { degrees: 90.0 }.apply(shape, &image, &mut out);
        assert_eq!(out, [3.0, 4.0, 5.0, 9.0, 10.0, 11.0, 0.0, 1.0, 2.0, 6.0, 7.0, 8.0]);
    }

    #[test]
    fn points_turn_about_the_origin() {
        let mut out = [0.0; 2];
        Transform::Rotate { degrees: 90.0 }.apply(Shape::Points, &[1.0, 0.5], &mut out);
        assert_eq!(out, [-0.5, 1.0]);
        Transform::Rotate { degrees: 30.0 }.apply(Shape::Points, &[1.0, 0.0], &mut out);
        assert!((out[0] - 0.75f32.sqrt()).abs() < 1e-6 && (out[1] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn a_permutation_reads_where_it_says() {
        let mut out = [0.0; 3];
        Transform::Permute([2, 0, 1].into()).apply(Shape::Table(3), &[10.0, 20.0, 30.0], &mut out);
        assert_eq!(out, [30.0, 10.0, 20.0]);
    }

    proptest! {
        #[test]
        fn no_turn_and_four_quarters_change_nothing(side in 1usize..9, pixels in prop::collection::vec(0f32..1.0, 64)) {
            let image = &pixels[..side * side];
            prop_assert_eq!(rotate(0.0, side, side, image), image);
            prop_assert_eq!(rotate(360.0, side, side, image), image);
            let four = (0..4).fold(image.to_vec(), |image, _| rotate(90.0, side, side, &image));
            prop_assert_eq!(four, image);
        }

        #[test]
        fn an_oblong_image_is_not_moved_by_a_turn_of_0(pixels in prop::collection::vec(0f32..1.0, 15)) {
            prop_assert_eq!(rotate(0.0, 3, 5, &pixels), pixels.clone());
            let twice = rotate(180.0, 3, 5, &rotate(180.0, 3, 5, &pixels));
            prop_assert_eq!(twice, pixels);
        }

        #[test]
        fn bilinear_values_stay_between_zero_and_the_brightest(degrees in -360f32..360.0, pixels in prop::collection::vec(0f32..1.0, 64)) {
            let brightest = pixels.iter().copied().fold(0.0, f32::max);
            for value in rotate(degrees, 8, 8, &pixels) {
                prop_assert!((0.0..=brightest + 1e-6).contains(&value));
            }
        }
    }
}
