//! Glyphs: as many images of printed characters as wanted, drawn when the data are loaded.
//!
//! A sample is a function of the seed, its character and its number among that character's samples: asking for more
//! classes or samples adds new ones and leaves the others as they were.

mod alphabet;
mod face;
mod warp;

use mnemoscope_core::{Component, Kind, Knob, Opt, Scale, random};
use rand::RngExt as _;
use rayon::prelude::*;
use tiny_skia::Path;

use crate::dataset::{DataSources, Dataset, Pixels, Shape};
use crate::error::DataError;
use face::{FACES, SIDE, outline};
use warp::Warp;

/// The characters that the fonts give.
const MOST_CLASSES: u64 = 1361;

static ALPHABETS: [Opt; 4] = [
    Opt { name: "digits", label: "digits", meaning: "The 10 decimal digits." },
    Opt { name: "letters", label: "letters", meaning: "695 letters of eleven scripts, Latin first." },
    Opt { name: "symbols", label: "symbols", meaning: "656 signs: punctuation, arrows, mathematics, pictographs." },
    Opt { name: "all", label: "everything", meaning: "Digits, letters and symbols: 1361 characters." },
];
static FONTS: [Opt; 5] = [
    Opt { name: "all", label: "every face", meaning: "Each sample takes one of the six faces that has its character." },
    Opt { name: "inter", label: "Inter", meaning: "Inter in three weights: Latin, Greek, Cyrillic and common signs." },
    Opt { name: "sans", label: "DejaVu Sans", meaning: "The face that has nearly all characters." },
    Opt { name: "mono", label: "DejaVu Sans Mono", meaning: "All characters of one width." },
    Opt { name: "serif", label: "DejaVu Serif", meaning: "Strokes with serifs." },
];

pub(crate) const KIND: Kind = Kind {
    name: "glyphs",
    label: "Glyphs, 28x28",
    meaning: "Printed characters, distorted and drawn when loaded: hundreds of classes with as many samples as wanted.",
    source: "distortions as in Simard, Steinkraus and Platt 2003, Best practices for convolutional neural networks; \
             fonts Inter and DejaVu",
    knobs: &[
        Knob::choice("alphabet", "alphabet", &ALPHABETS, "letters").meaning("Which characters are classes."),
        Knob::whole("classes", "classes", "C", 2, MOST_CLASSES, 50, Scale::Log)
            .meaning("The first so many characters of the alphabet."),
        Knob::whole("samples", "samples per class", "", 2, 10_000, 50, Scale::Log)
            .unit("samples")
            .meaning("Images of each character."),
        Knob::choice("fonts", "fonts", &FONTS, "all")
            .meaning("Which faces are drawn with; characters that they lack are left out of the alphabet."),
        Knob::real("rotation", "rotation", "", 0.0, 180.0, 10.0, Scale::Linear)
            .unit("degrees")
            .meaning("Largest turn to either side; each sample draws its own evenly.")
            .source("lab default"),
        Knob::real("scale", "scale", "", 0.0, 0.5, 0.1, Scale::Linear)
            .meaning("Largest share by which width and height, each for itself, grow or shrink.")
            .source("lab default"),
        Knob::real("shear", "shear", "", 0.0, 1.0, 0.1, Scale::Linear)
            .meaning("Largest slant to either side, as a tangent.")
            .source("lab default"),
        Knob::real("shift", "shift", "", 0.0, 10.0, 2.0, Scale::Linear)
            .unit("pixels")
            .meaning("Largest shift along each axis.")
            .source("lab default"),
        Knob::real("elastic", "elastic strength", "α", 0.0, 200.0, 34.0, Scale::Linear)
            .unit("pixels")
            .meaning(
                "Each pixel is moved by uniform noise up to this, smoothed by a Gaussian; 34 leaves moves of about 1.4.",
            )
            .source("Simard et al. 2003, section 2: α = 34, σ = 4 on 29x29 images"),
        Knob::real("smoothness", "elastic width", "σ", 1.0, 12.0, 4.0, Scale::Linear)
            .unit("pixels")
            .meaning("Width of the Gaussian that smooths the elastic field.")
            .source("Simard et al. 2003, section 2"),
        Knob::real("stroke", "stroke width", "", 0.0, 2.0, 0.4, Scale::Linear)
            .unit("pixels")
            .meaning("Largest growth or loss of the ink at every edge.")
            .source("lab default"),
        Knob::real("noise", "noise", "", 0.0, 1.0, 0.03, Scale::Linear)
            .meaning("Standard deviation of the Gaussian noise on each pixel, which lies between 0 and 1.")
            .source("lab default"),
        Knob::whole("seed", "seed of the glyphs", "", 0, 1_000_000, 1, Scale::Linear)
            .meaning("Which samples are drawn.")
            .source("lab default"),
    ],
};

/// A class: its character and the outlines it is drawn from, one for each face that has it.
struct Glyph {
    character: char,
    outlines: Vec<Path>,
}

pub(crate) fn load(source: &Component<DataSources>) -> Result<Dataset, DataError> {
    let (alphabet, fonts) = (source.text("alphabet"), source.text("fonts"));
    let glyphs = glyphs(alphabet, fonts, source.whole("classes"))?;
    let (samples, seed) = (source.whole("samples"), source.whole("seed") as u64);
    let warp = Warp {
        rotation: source.real("rotation") as f32,
        scale: source.real("scale") as f32,
        shear: source.real("shear") as f32,
        shift: source.real("shift") as f32,
        elastic: source.real("elastic") as f32,
        smoothness: source.real("smoothness") as f32,
        stroke: source.real("stroke") as f32,
        noise: source.real("noise") as f32,
    };
    let mut pixels = vec![0; glyphs.len() * samples * SIDE * SIDE];
    pixels.par_chunks_exact_mut(SIDE * SIDE).enumerate().for_each(|(row, image)| {
        let glyph = &glyphs[row / samples];
        let mut rng = random::stream(seed, "glyph", &[u64::from(glyph.character), (row % samples) as u64]);
        let face = rng.random_range(0..glyph.outlines.len());
        warp.draw(&glyph.outlines[face], &mut rng, image);
    });
    let labels = (0..glyphs.len() * samples).map(|row| (row / samples) as u16).collect();
    let names = glyphs.iter().map(|glyph| glyph.character.to_string()).collect();
    Ok(Dataset::new("glyphs".to_owned(), Shape::grey(SIDE, SIDE), names, Pixels::Bytes(pixels), labels))
}

/// The first `classes` characters of an alphabet that the fonts have.
fn glyphs(alphabet: &str, fonts: &str, classes: usize) -> Result<Vec<Glyph>, DataError> {
    let lists: &[&str] = match alphabet {
        "digits" => &[alphabet::DIGITS],
        "letters" => &[alphabet::LETTERS],
        "symbols" => &[alphabet::SYMBOLS],
        _ => &[alphabet::DIGITS, alphabet::LETTERS, alphabet::SYMBOLS],
    };
    let faces = || FACES.iter().filter(|(family, _)| fonts == "all" || *family == fonts);
    let glyph = |character: char| {
        let outlines: Vec<Path> = faces().filter_map(|(_, face)| outline(face, character)).collect();
        (!outlines.is_empty()).then_some(Glyph { character, outlines })
    };
    let found: Vec<Glyph> = lists.iter().flat_map(|list| list.chars()).filter_map(glyph).take(classes).collect();
    if found.len() < classes {
        return Err(DataError::TooFewGlyphs {
            alphabet: alphabet.to_owned(),
            fonts: fonts.to_owned(),
            wanted: classes,
            found: found.len(),
        });
    }
    Ok(found)
}

#[cfg(test)]
#[path = "glyphs_tests.rs"]
mod tests;
