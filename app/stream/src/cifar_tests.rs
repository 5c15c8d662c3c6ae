use mnemoscope_core::Setting;
use proptest::prelude::*;

use super::*;

/// A record whose red, green and blue values tell their pixel.
fn record(labels: &[u8], shift: u8) -> Vec<u8> {
    let plane = |colour: usize| (0..PIXELS).map(move |pixel| (pixel / 8 + 80 * colour) as u8 ^ shift);
    labels.iter().copied().chain((0..3).flat_map(plane)).collect()
}

fn load_at(path: &Path, labels: &str) -> Result<Dataset, DataError> {
    let text = |text: &str| Setting::Text(text.to_owned());
    let source = Component::new("cifar").unwrap().with("path", text(path.to_str().unwrap())).unwrap();
    load(&source.with("labels", text(labels)).unwrap())
}

fn load_bytes(bytes: &[u8]) -> Result<Dataset, DataError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("batch.bin");
    fs::write(&path, bytes).unwrap();
    load_at(&path, "fine")
}

#[test]
fn a_folder_of_cifar_10_has_its_own_test_part_and_names() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
    write("data_batch_1.bin", [record(&[3], 0), record(&[9], 1)].concat());
    write("data_batch_2.bin", record(&[0], 2));
    write("test_batch.bin", record(&[1], 3));
    write("batches.meta.txt", b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n".to_vec());
    let data = load_at(folder.path(), "fine").unwrap();
    assert_eq!(data.labels, [3, 9, 0, 1]);
    assert_eq!(data.test_rows, Some(3..4));
    assert_eq!((data.classes, data.class_names[9].as_str()), (10, "j"));
    assert_eq!(data.shape, Shape::Image { height: 32, width: 32, channels: 3 });
    let mut row = vec![0.0; 3072];
    data.row_into(1, &mut row);
    for pixel in [0, 8, 1023] {
        for colour in 0..3 {
            let byte = ((pixel / 8 + 80 * colour) as u8) ^ 1;
            assert_eq!(row[3 * pixel + colour], f32::from(byte) / 255.0);
        }
    }
}

#[test]
fn cifar_100_has_two_labels() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("train.bin"), [record(&[19, 99], 0), record(&[2, 5], 0)].concat()).unwrap();
    let (fine, coarse) = (load_at(folder.path(), "fine").unwrap(), load_at(folder.path(), "coarse").unwrap());
    assert_eq!((fine.labels.as_slice(), fine.classes, fine.test_rows), ([99, 5].as_slice(), 100, None));
    assert_eq!((coarse.labels.as_slice(), coarse.classes), ([19, 2].as_slice(), 20));
    assert_eq!(fine.class_names[7], "7", "no file names the classes");
}

#[test]
fn one_file_is_told_by_its_length() {
    assert_eq!(load_bytes(&record(&[4], 0)).unwrap().classes, 10);
    assert_eq!(load_bytes(&record(&[4, 44], 0)).unwrap().labels, [44]);
}

#[test]
fn files_cut_short_and_other_files_are_refused() {
    let whole = record(&[4], 0);
    for bytes in [&whole[..0], &whole[..1], &whole[..3072], &[whole.as_slice(), &[0; 7]].concat()] {
        let error = load_bytes(bytes).unwrap_err().to_string();
        assert!(error.contains("batch.bin") && error.contains("3073"), "{error}");
    }
    let error = load_bytes(&record(&[10], 0)).unwrap_err().to_string();
    assert!(error.contains("sample 1 has label 10"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let error = load_at(folder.path(), "fine").unwrap_err().to_string();
    assert!(error.contains("data_batch_1.bin"), "{error}");
    fs::write(folder.path().join("data_batch_1.bin"), &whole[..3000]).unwrap();
    let error = load_at(folder.path(), "fine").unwrap_err().to_string();
    assert!(error.contains("3000 bytes are not whole records"), "{error}");
    assert!(matches!(load_at(&folder.path().join("none"), "fine"), Err(DataError::Read { .. })));
    let error = load(&Component::new("cifar").unwrap()).unwrap_err().to_string();
    assert_eq!(error, "data set cifar: path is empty; give the path of a file");
}

#[test]
fn a_file_that_claims_gigabytes_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.bin");
    // A hole: it has a length but takes no room on the disk.
    File::create(&path).unwrap().set_len(3074 * 400_000).unwrap();
    assert!(matches!(load_at(&path, "fine"), Err(DataError::TooLarge { .. })));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..7000)) {
        let _ = load_bytes(&bytes);
    }
}
