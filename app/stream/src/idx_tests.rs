use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use mnemoscope_core::{Setting, random};
use proptest::prelude::*;

use super::*;

fn header(magic: u32, sizes: &[u32]) -> Vec<u8> {
    let mut bytes = magic.to_be_bytes().to_vec();
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes
}

fn idx(sizes: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = header(0x0800 + sizes.len() as u32, sizes);
    bytes.extend(data);
    bytes
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Writes both files and loads them.
fn load_with(images: &[u8], labels: &[u8], settings: &[(&str, Setting)]) -> Result<Dataset, DataError> {
    let folder = tempfile::tempdir().unwrap();
    // The names say nothing: compression is told by the first bytes.
    let (image_path, label_path) = (folder.path().join("tiny.idx"), folder.path().join("labels.idx"));
    std::fs::write(&image_path, images).unwrap();
    std::fs::write(&label_path, labels).unwrap();
    let text = |path: &Path| Setting::Text(path.to_str().unwrap().to_owned());
    let mut source = Component::<DataSources>::new("idx").unwrap();
    source.set("images", text(&image_path)).unwrap();
    source.set("labels", text(&label_path)).unwrap();
    for (knob, setting) in settings {
        source.set(knob, setting.clone()).unwrap();
    }
    load(&source)
}

fn refusal(images: &[u8], labels: &[u8]) -> DataError {
    load_with(images, labels, &[]).unwrap_err()
}

const PIXELS: [u8; 12] = [0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6];

fn images() -> Vec<u8> {
    idx(&[2, 2, 3], &PIXELS)
}

fn labels() -> Vec<u8> {
    idx(&[2], &[1, 2])
}

#[test]
fn good_files_load_plain_and_compressed() {
    let plain = load_with(&images(), &labels(), &[]).unwrap();
    assert_eq!((plain.name.as_str(), plain.len(), plain.classes), ("tiny", 2, 3));
    assert_eq!(plain.shape, Shape::grey(2, 3));
    assert_eq!(plain.labels, [1, 2]);
    let mut row = [0.0; 6];
    plain.row_into(0, &mut row);
    assert_eq!(row, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
    for (a, b) in [(gz(&images()), labels()), (images(), gz(&labels())), (gz(&images()), gz(&labels()))] {
        assert_eq!(load_with(&a, &b, &[]).unwrap(), plain);
    }
}

#[test]
fn transposed_images_and_a_label_offset() {
    let data = load_with(
        &images(),
        &labels(),
        &[("transposed", Setting::Switch(true)), ("label_offset", Setting::Number(1.0))],
    )
    .unwrap();
    assert_eq!(data.shape, Shape::grey(3, 2));
    assert_eq!(data.labels, [0, 1]);
    let Pixels::Bytes(bytes) = &data.pixels else { panic!("images stay bytes") };
    assert_eq!(bytes[..], [0, 153, 51, 204, 102, 255, 1, 4, 2, 5, 3, 6]);
    let error = load_with(&images(), &labels(), &[("label_offset", Setting::Number(2.0))]).unwrap_err();
    assert!(matches!(error, DataError::LabelBelowOffset { sample: 1, label: 1, offset: 2, .. }), "{error}");
}

#[test]
fn files_cut_short_are_refused() {
    for cut in 0..images().len() {
        let error = refusal(&images()[..cut], &labels());
        assert!(matches!(error, DataError::Truncated { .. }), "{cut}: {error}");
    }
    let whole = gz(&images());
    for cut in 0..whole.len() {
        let error = refusal(&whole[..cut], &labels());
        assert!(matches!(error, DataError::Truncated { .. } | DataError::Gzip { .. }), "{cut}: {error}");
    }
    // A sound gzip stream of too little.
    let error = refusal(&gz(&images()[..20]), &labels());
    assert!(matches!(error, DataError::Truncated { claimed: 12, .. }), "{error}");
    assert!(error.to_string().contains("tiny.idx: the header promises 12 bytes of data, the file holds 4"), "{error}");
}

#[test]
fn other_files_are_refused() {
    for magic in [0, 0x0801, 0x0d03, 0x8950_4e47] {
        for pack in [|bytes: &[u8]| bytes.to_vec(), gz] {
            let mut bytes = images();
            bytes[..4].copy_from_slice(&header(magic, &[]));
            let error = refusal(&pack(&bytes), &labels());
            assert!(matches!(error, DataError::WrongMagic { wanted: 0x0803, found, .. } if found == magic), "{error}");
        }
    }
    let exchanged = refusal(&labels(), &images()).to_string();
    assert!(exchanged.contains("check that images and labels are not exchanged"), "{exchanged}");
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("missing")] {
        let error = read::<3>(&path, "images").unwrap_err();
        assert!(matches!(error, DataError::Read { .. }), "{error}");
    }
}

#[test]
fn images_and_labels_that_differ_in_number_are_refused() {
    let error = refusal(&images(), &idx(&[3], &[0, 1, 2]));
    assert!(matches!(error, DataError::CountMismatch { image_count: 2, label_count: 3, .. }), "{error}");
}

#[test]
fn nothing_and_one_class_are_refused() {
    for (a, b) in
        [(idx(&[0, 2, 3], &[]), idx(&[0], &[])), (idx(&[2, 0, 3], &[]), labels()), (images(), idx(&[2], &[0, 0]))]
    {
        let error = refusal(&a, &b);
        assert!(matches!(error, DataError::Empty { .. }), "{error}");
    }
}

#[test]
fn a_kilobyte_that_claims_two_gigabytes_is_refused_unread() {
    let claim = [2_600_000, 28, 28];
    let plain = idx(&claim, &[7; 1000]);
    let error = refusal(&plain, &labels());
    assert!(matches!(error, DataError::Truncated { claimed: 2_038_400_000, .. }), "{error}");
    assert!(error.to_string().contains("holds 1000"), "{error}");

    // Noise does not shrink, so the compressed file has about a kilobyte too.
    let mut noise = [0; 1000];
    random::stream(1, "noise", &[]).fill_bytes(&mut noise);
    let packed = gz(&idx(&claim, &noise));
    assert!((900..1200).contains(&packed.len()));
    let error = refusal(&packed, &labels());
    assert!(error.to_string().contains("holds at most"), "refused by the file's length alone: {error}");
}

#[test]
fn sizes_that_overflow_are_refused() {
    let error = refusal(&idx(&[u32::MAX; 3], &[0; 100]), &labels());
    assert!(matches!(error, DataError::Truncated { claimed: u64::MAX, .. }), "{error}");
}

#[test]
fn more_than_the_header_says_is_refused() {
    let error = refusal(&idx(&[2, 2, 3], &[0; 13]), &labels());
    assert!(matches!(error, DataError::Excess { claimed: 12, .. }), "{error}");
    // Ten megabytes in ten kilobytes, behind a header that says twelve bytes.
    let bomb = gz(&idx(&[2, 2, 3], &vec![0; 10_000_000]));
    assert!(bomb.len() < 20_000);
    let error = refusal(&bomb, &labels());
    assert!(matches!(error, DataError::Excess { claimed: 12, .. }), "{error}");
}

#[test]
fn a_damaged_checksum_is_noticed() {
    let mut bytes = gz(&images());
    let at = bytes.len() - 6;
    bytes[at] ^= 1;
    assert!(matches!(refusal(&bytes, &labels()), DataError::Gzip { .. }));
}

#[test]
fn images_too_large_for_the_lab_are_refused() {
    // 257 x 256 pixels, honestly there.
    let error = refusal(&idx(&[1, 257, 256], &vec![0; 257 * 256]), &labels());
    assert!(matches!(error, DataError::TooLarge { what: "an image", limit: 65536, .. }), "{error}");
}

#[test]
fn an_empty_path_names_its_knob() {
    let error = load(&Component::new("idx").unwrap()).unwrap_err().to_string();
    assert_eq!(error, "data set idx: images is empty; give the path of a file");
}

proptest! {
    #[test]
    fn what_is_written_is_read(height in 1usize..5, width in 1usize..5, labels in prop::collection::vec(0u8..5, 2..20), packed: bool) {
        prop_assume!(labels.iter().any(|label| *label > 0));
        let pixels: Vec<u8> = (0..labels.len() * height * width).map(|i| (i * 37) as u8).collect();
        let images = idx(&[labels.len() as u32, height as u32, width as u32], &pixels);
        let images = if packed { gz(&images) } else { images };
        let data = load_with(&images, &idx(&[labels.len() as u32], &labels), &[]).unwrap();
        prop_assert_eq!(data.pixels == Pixels::Bytes(pixels), true);
        prop_assert_eq!(data.labels, labels.into_iter().map(u16::from).collect::<Vec<_>>());
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = load_with(&bytes, &labels(), &[]);
        let mut images = images();
        let at = bytes.len() % images.len();
        images.truncate(at);
        images.extend(&bytes);
        let _ = load_with(&images, &labels(), &[]);
    }
}

#[test]
fn a_test_part_of_its_own_follows_the_training_rows() {
    let folder = tempfile::tempdir().unwrap();
    let text = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        Setting::Text(folder.path().join(name).to_str().unwrap().to_owned())
    };
    let test_images = text("ti", &idx(&[1, 2, 3], &[9; 6]));
    let test_labels = text("tl", &idx(&[1], &[3]));
    let both = [("test_images", test_images.clone()), ("test_labels", test_labels)];
    let data = load_with(&images(), &labels(), &both).unwrap();
    assert_eq!((data.labels.as_slice(), data.classes, data.test_rows.clone()), ([1, 2, 3].as_slice(), 4, Some(2..3)));
    assert_ne!(data.hash, Dataset { test_rows: None, ..data.clone() }.with_test_rows(1..3).hash);

    let error = load_with(&images(), &labels(), &[("test_images", test_images)]).unwrap_err().to_string();
    assert!(error.contains("test_labels is empty"), "{error}");
    let other = [("test_images", text("wide", &idx(&[1, 2, 4], &[9; 8]))), both[1].clone()];
    let error = load_with(&images(), &labels(), &other).unwrap_err().to_string();
    assert!(error.contains("2 x 4 pixels, those for training 2 x 3"), "{error}");
}
