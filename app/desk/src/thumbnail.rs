//! A sample as a small picture.

use egui::{Color32, ColorImage};
use mnemoscope_figure::Theme;
use mnemoscope_stream::{Dataset, Shape};

/// A sample that is an image, with its size in pixels; of others, and of samples that are not there, nothing.
///
/// Grey images take the theme's colours: ink is text, paper is the sunken ground. Images of three or more channels show
/// the first three as red, green and blue.
pub fn thumbnail(dataset: &Dataset, sample: usize, theme: &Theme) -> Option<ColorImage> {
    let Shape::Image { height, width, channels } = dataset.shape else { return None };
    if sample >= dataset.len() {
        return None;
    }
    let mut row = vec![0.0; dataset.features()];
    dataset.row_into(sample, &mut row);
    let byte = |value: f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
    let pixels = row.chunks_exact(channels).map(|pixel| match *pixel {
        [red, green, blue, ..] => Color32::from_rgb(byte(red), byte(green), byte(blue)),
        _ => theme.sunken.mix(theme.text, pixel[0]).into(),
    });
    Some(ColorImage::new([width, height], pixels.collect()))
}

#[cfg(test)]
mod tests {
    use mnemoscope_core::Component;
    use mnemoscope_figure::theme::{DARK, LIGHT};
    use mnemoscope_stream::Pixels;

    use super::*;

    #[test]
    fn a_grey_picture_has_the_sample_s_ink() {
        let dataset = Dataset::load(&Component::new("digits").unwrap()).unwrap();
        let mut row = vec![0.0; 64];
        dataset.row_into(5, &mut row);
        for theme in [&DARK, &LIGHT] {
            let picture = thumbnail(&dataset, 5, theme).unwrap();
            assert_eq!(picture.size, [8, 8]);
            for (pixel, value) in picture.pixels.iter().zip(&row) {
                assert_eq!(*pixel, theme.sunken.mix(theme.text, *value).into());
            }
        }
        assert!(thumbnail(&dataset, dataset.len(), &DARK).is_none());
    }

    #[test]
    fn a_colour_picture_has_its_own_colours_in_every_theme() {
        let shape = Shape::Image { height: 1, width: 2, channels: 3 };
        let names = vec!["a".to_owned(), "b".to_owned()];
        let pixels = Pixels::Bytes(vec![1, 2, 3, 4, 5, 6, 255, 0, 0, 0, 255, 0]);
        let dataset = Dataset::new("tiny".to_owned(), shape, names, pixels, vec![0, 1]);
        for theme in [&DARK, &LIGHT] {
            let picture = thumbnail(&dataset, 1, theme).unwrap();
            assert_eq!((picture.size, picture.pixels), ([2, 1], vec![Color32::RED, Color32::GREEN]));
        }
    }
}
