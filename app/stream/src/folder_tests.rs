use image::{ImageFormat, Rgb, RgbImage};
use mnemoscope_core::Setting;

use super::*;

fn save(path: &Path, width: u32, height: u32, colour: impl Fn(u32, u32) -> [u8; 3]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_fn(width, height, |x, y| Rgb(colour(x, y))).save(path).unwrap();
}

fn load_at(folder: &Path, size: f64, colour: bool) -> Result<Dataset, DataError> {
    let path = Setting::Text(folder.to_str().unwrap().to_owned());
    let source = Component::new("images").unwrap().with("path", path).unwrap();
    load(&source.with("size", Setting::Number(size)).unwrap().with("colour", Setting::Switch(colour)).unwrap())
}

#[test]
fn classes_are_folders_and_pictures_become_squares() {
    let folder = tempfile::tempdir().unwrap();
    save(&folder.path().join("b/one.png"), 4, 4, |_, _| [255, 0, 0]);
    // Only the middle square of a wide picture is kept.
    save(&folder.path().join("a/two.png"), 12, 4, |x, _| if (4..8).contains(&x) { [0, 0, 255] } else { [9, 9, 9] });
    save(&folder.path().join("a/three.JPG"), 8, 8, |_, _| [100, 100, 100]);
    fs::write(folder.path().join("a/notes.txt"), "no picture").unwrap();
    fs::write(folder.path().join("readme.md"), "no class").unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let data = load_at(folder.path(), 4.0, true).unwrap();
    assert_eq!(
        (data.class_names.as_slice(), data.labels.as_slice()),
        (["a", "b"].map(str::to_owned).as_slice(), [0, 0, 1].as_slice())
    );
    assert_eq!((data.shape, data.test_rows.clone()), (Shape::Image { height: 4, width: 4, channels: 3 }, None));
    let mut row = vec![0.0; 48];
    data.row_into(2, &mut row);
    assert_eq!(row[..3], [1.0, 0.0, 0.0]);
    data.row_into(1, &mut row);
    assert_eq!(row[21..24], [0.0, 0.0, 1.0], "three.JPG comes before two.png");
    data.row_into(0, &mut row);
    assert!((row[0] - 100.0 / 255.0).abs() < 0.02, "JPEG keeps a plain grey");
    let grey = load_at(folder.path(), 8.0, false).unwrap();
    assert_eq!((grey.shape, grey.len()), (Shape::grey(8, 8), 3));
}

#[test]
fn folders_train_and_test_are_the_two_parts() {
    let folder = tempfile::tempdir().unwrap();
    for (at, path) in ["train/a/1.png", "train/b/1.png", "test/b/1.png", "test/c/1.png"].into_iter().enumerate() {
        save(&folder.path().join(path), 4, 4, |_, _| [at as u8, 0, 0]);
    }
    let data = load_at(folder.path(), 4.0, true).unwrap();
    assert_eq!((data.labels.as_slice(), data.test_rows.clone()), ([0, 1, 1, 2].as_slice(), Some(2..4)));
}

#[test]
fn what_is_no_picture_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let error = load_at(folder.path(), 4.0, true).unwrap_err().to_string();
    assert!(error.contains("0 folders with .png"), "{error}");
    assert!(matches!(load_at(&folder.path().join("none"), 4.0, true), Err(DataError::Read { .. })));
    save(&folder.path().join("a/1.png"), 4, 4, |_, _| [1, 2, 3]);
    save(&folder.path().join("b/1.png"), 4, 4, |_, _| [1, 2, 3]);
    let whole = fs::read(folder.path().join("a/1.png")).unwrap();
    let bad = folder.path().join("b/bad.png");
    for bytes in [b"hello".as_slice(), &whole[..whole.len() / 2], &[]] {
        fs::write(&bad, bytes).unwrap();
        let error = load_at(folder.path(), 4.0, true).unwrap_err().to_string();
        assert!(error.contains("bad.png") && error.contains("replace or remove it"), "{error}");
    }
}

#[test]
fn a_picture_that_claims_to_be_huge_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    save(&folder.path().join("a/1.png"), 4, 4, |_, _| [1, 2, 3]);
    save(&folder.path().join("b/1.png"), 4, 4, |_, _| [1, 2, 3]);
    // Width and height stand behind the signature and the head of the first chunk; its checksum is made right again.
    let path = folder.path().join("b/1.png");
    let mut bytes = fs::read(&path).unwrap();
    bytes[16..20].copy_from_slice(&1_000_000u32.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    fs::write(&path, bytes).unwrap();
    let error = load_at(folder.path(), 4.0, true).unwrap_err().to_string();
    assert!(error.contains("1.png") && error.to_lowercase().contains("limit"), "{error}");
    assert!(ImageFormat::from_path(&path).is_ok());
}
