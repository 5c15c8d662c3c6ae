use mnemoscope_core::Setting;

use super::*;

fn source(text: &str) -> Component<DataSources> {
    ron::from_str(text).unwrap()
}

fn bytes(data: &Dataset) -> &[u8] {
    match &data.pixels {
        Pixels::Bytes(bytes) => bytes,
        Pixels::Floats(_) => panic!("glyphs are bytes"),
    }
}

#[test]
fn the_alphabets_are_as_large_as_they_say() {
    let count = |list: &str| list.chars().count() as u64;
    let (digits, letters, symbols) = (count(alphabet::DIGITS), count(alphabet::LETTERS), count(alphabet::SYMBOLS));
    assert_eq!(digits + letters + symbols, MOST_CLASSES);
    for (alphabet, size) in ALPHABETS.iter().zip([digits, letters, symbols, MOST_CLASSES]) {
        assert!(alphabet.meaning.contains(&size.to_string()), "{}: {size}", alphabet.name);
        assert_eq!(glyphs(alphabet.name, "all", size as usize).unwrap().len() as u64, size);
    }
}

#[test]
fn asking_for_more_than_there_is_says_how_many_there_are() {
    let refused = load(&source("glyphs(alphabet: \"digits\", classes: 11)")).unwrap_err();
    assert!(refused.to_string().contains("10"), "{refused}");
    let refused = load(&source("glyphs(fonts: \"inter\", classes: 600)")).unwrap_err();
    assert!(matches!(refused, DataError::TooFewGlyphs { wanted: 600, found, .. } if (80..600).contains(&found)));
}

#[test]
fn a_sample_depends_on_seed_character_and_number_only() {
    let image = SIDE * SIDE;
    let few = load(&source("glyphs(classes: 2, samples: 3)")).unwrap();
    let many = load(&source("glyphs(classes: 4, samples: 5)")).unwrap();
    for (a, b) in [(0, 0), (1, 1), (2, 2), (3, 5), (5, 7)] {
        assert_eq!(bytes(&few)[a * image..][..image], bytes(&many)[b * image..][..image]);
    }
    assert_eq!(few, load(&source("glyphs(classes: 2, samples: 3)")).unwrap());
    let other = load(&source("glyphs(classes: 2, samples: 3, seed: 2)")).unwrap();
    for (a, b) in bytes(&few).chunks(image).zip(bytes(&other).chunks(image)) {
        assert_ne!(a, b);
    }
    for (at, a) in bytes(&many).chunks(image).enumerate() {
        assert!(bytes(&many).chunks(image).skip(at + 1).all(|b| a != b), "sample {at} is there twice");
    }
    assert_eq!(many.class_counts(), [5; 4]);
    assert_eq!(many.class_names, ["A", "B", "C", "D"]);
}

#[test]
fn one_thread_and_many_draw_the_same() {
    let load = || load(&source("glyphs(classes: 3, samples: 4)")).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(pool.install(load), load());
}

#[test]
fn every_distortion_changes_the_image_and_none_leaves_the_plain_character() {
    let plain = "glyphs(classes: 2, samples: 2, fonts: \"sans\", rotation: 0, scale: 0, shear: 0, shift: 0, elastic: 0, \
                 stroke: 0, noise: 0)";
    let base = load(&source(plain)).unwrap();
    let image = SIDE * SIDE;
    assert_eq!(bytes(&base)[..image], bytes(&base)[image..2 * image], "two plain samples are equal");
    for (knob, value) in [
        ("rotation", 20.0),
        ("scale", 0.2),
        ("shear", 0.3),
        ("shift", 3.0),
        ("elastic", 60.0),
        ("stroke", 1.0),
        ("noise", 0.2),
    ] {
        let changed = load(&source(plain).with(knob, Setting::Number(value)).unwrap()).unwrap();
        for sample in 0..4 {
            let range = sample * image..(sample + 1) * image;
            assert_ne!(bytes(&base)[range.clone()], bytes(&changed)[range], "{knob}");
        }
    }
}

#[test]
fn every_class_has_ink_inside_the_image() {
    let all = load(&source("glyphs(alphabet: \"all\", classes: 1361, samples: 2, noise: 0)")).unwrap();
    for (row, image) in bytes(&all).chunks(SIDE * SIDE).enumerate() {
        let ink: u32 = image.iter().map(|pixel| u32::from(*pixel)).sum();
        assert!(ink > 5 * 255, "{} has no ink", all.class_names[row / 2]);
    }
}
