use mnemoscope_figure::theme::{DARK, LIGHT};
use mnemoscope_figure::{FigureError, Format};
use resvg::tiny_skia::Pixmap;

use crate::samples;

#[test]
fn a_png_has_the_asked_size_and_is_not_blank() {
    for figure in samples::all() {
        let png = figure.png(&DARK, (320.0, 220.0), 1.5).unwrap();
        let pixels = Pixmap::decode_png(&png).unwrap();
        assert_eq!((pixels.width(), pixels.height()), (480, 330), "{}", figure.id);
        let ground = pixels.pixel(0, 0).unwrap();
        assert_eq!([ground.red(), ground.green(), ground.blue()], [DARK.card.r, DARK.card.g, DARK.card.b]);
        let drawn = pixels.pixels().iter().filter(|pixel| **pixel != ground).count();
        assert!(drawn > 500, "{}: only {drawn} pixels differ from the ground", figure.id);
    }
}

#[test]
fn text_is_drawn_with_the_embedded_font() {
    let blank = mnemoscope_figure::Figure::empty("a", "", "").png(&LIGHT, (200.0, 60.0), 1.0).unwrap();
    let titled = mnemoscope_figure::Figure::empty("a", "Title", "").png(&LIGHT, (200.0, 60.0), 1.0).unwrap();
    assert_ne!(blank, titled, "no font was found");
}

#[test]
fn a_size_that_cannot_be_is_refused() {
    for size in [(0.0, 100.0), (-3.0, 3.0), (1e9, 10.0), (f32::NAN, 10.0)] {
        let error = samples::empty().png(&DARK, size, 1.0).unwrap_err();
        assert!(matches!(error, FigureError::Size { .. }), "{size:?}: {error}");
    }
}

#[test]
fn each_format_is_saved_by_its_extension_and_replaces_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let figure = samples::matrix();
    for format in Format::ALL {
        let path = folder.path().join("figure").with_extension(format.extension());
        std::fs::write(&path, "old").unwrap();
        figure.save(&path, &LIGHT, (300.0, 200.0)).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let expected = match format {
            Format::Svg => figure.svg(&LIGHT, (300.0, 200.0)).into_bytes(),
            Format::Png => figure.png(&LIGHT, (300.0, 200.0), 2.0).unwrap(),
            Format::Csv => figure.csv().into_bytes(),
            Format::Npy => figure.npy().unwrap(),
        };
        assert_eq!(bytes, expected);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4, "no temporary file stays");
}

#[test]
fn errors_name_the_file_and_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let figure = samples::empty();
    let error = figure.save(&folder.path().join("a.jpeg"), &DARK, (100.0, 100.0)).unwrap_err().to_string();
    assert!(error.contains("a.jpeg") && error.contains(".svg, .png, .csv or .npy"), "{error}");
    let error = figure.save(&folder.path().join("missing/a.svg"), &DARK, (100.0, 100.0)).unwrap_err().to_string();
    assert!(error.contains("missing/a.svg") && error.contains("folder"), "{error}");
    assert_eq!(Format::of("B.SVG".as_ref()).unwrap(), Format::Svg);
    assert!(Format::of("svg".as_ref()).is_err());
}

/// Not a check: writes every sample in both themes to `out/figures`, to be looked at.
#[test]
#[ignore = "writes pictures to look at"]
fn pictures() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../out/figures");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, theme) in [("dark", &DARK), ("light", &LIGHT)] {
        for figure in samples::all() {
            for (width, height) in [(760.0, 380.0), (300.0, 200.0)] {
                let path = folder.join(format!("{}-{name}-{width}.png", figure.id));
                figure.save(&path, theme, (width, height)).unwrap();
            }
        }
    }
}
