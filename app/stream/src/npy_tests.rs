use std::io::Write as _;

use mnemoscope_core::Setting;
use proptest::prelude::*;
use zip::write::{FileOptions, ZipWriter};

use super::*;

fn npy(descr: &str, shape: &str, raw: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(raw);
    bytes
}

fn labels() -> Vec<u8> {
    npy("<i8", "(2,)", &[5i64, -3].map(i64::to_le_bytes).concat())
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn source_of(folder: &Path, files: &[(&str, &str, &[u8])]) -> Component<DataSources> {
    let mut source = Component::new("npy").unwrap();
    for (knob, name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
        source.set(knob, Setting::Text(folder.join(name).to_str().unwrap().to_owned())).unwrap();
    }
    source
}

fn load_pair(features: &[u8], labels: &[u8]) -> Result<Dataset, DataError> {
    let folder = tempfile::tempdir().unwrap();
    load(&source_of(folder.path(), &[("path", "x.npy", features), ("labels", "y.npy", labels)]))
}

fn zipped(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = FileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn load_npz(bytes: &[u8]) -> Result<Dataset, DataError> {
    let folder = tempfile::tempdir().unwrap();
    load(&source_of(folder.path(), &[("path", "all.npz", bytes)]))
}

fn row(data: &Dataset, index: usize) -> Vec<f32> {
    let mut row = vec![0.0; data.features()];
    data.row_into(index, &mut row);
    row
}

#[test]
fn bytes_are_shares_of_255_and_labels_are_sorted_by_value() {
    let data = load_pair(&npy("|u1", "(2, 1, 2)", &[0, 51, 255, 102]), &labels()).unwrap();
    assert_eq!((data.name.as_str(), data.shape), ("x", Shape::grey(1, 2)));
    assert_eq!(
        (data.labels.as_slice(), data.class_names.as_slice()),
        ([1, 0].as_slice(), ["-3", "5"].map(str::to_owned).as_slice())
    );
    assert_eq!((row(&data, 0), row(&data, 1)), (vec![0.0, 0.2], vec![1.0, 0.4]));
}

#[test]
fn columns_of_a_table_are_scaled_each_and_images_all_together() {
    let table = load_pair(&npy("<f4", "(2, 2)", &floats(&[-1.0, 2.0, 3.0, 4.0])), &labels()).unwrap();
    assert_eq!((row(&table, 0), row(&table, 1)), (vec![0.0, 0.5], vec![1.0, 1.0]));
    let doubles: Vec<u8> = [-2.0f64, 0.0, 6.0, 2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let images = load_pair(&npy("<f8", "(2, 1, 2, 1)", &doubles), &labels()).unwrap();
    assert_eq!((row(&images, 0), row(&images, 1)), (vec![0.0, 0.25], vec![1.0, 0.5]));
    let as_they_are = load_pair(&npy("<f4", "(2, 1, 2)", &floats(&[0.1, 0.9, 0.2, 0.3])), &labels()).unwrap();
    assert_eq!(row(&as_they_are, 0), [0.1, 0.9]);
}

#[test]
fn an_archive_has_named_arrays_and_its_own_test_part() {
    let x = |value: u8| npy("|u1", "(2, 1, 1, 3)", &[value; 6]);
    let y = |a: i32, b: i32| npy("<i4", "(2, 1)", &[a, b].map(i32::to_le_bytes).concat());
    let mut entries = vec![("x_train.npy", x(1)), ("y_train.npy", y(0, 1))];
    assert_eq!(load_npz(&zipped(&entries)).unwrap().test_rows, None);
    entries.extend([("x_test.npy", x(2)), ("y_test.npy", y(1, 2))]);
    let data = load_npz(&zipped(&entries)).unwrap();
    assert_eq!((data.labels.as_slice(), data.test_rows.clone()), ([0, 1, 1, 2].as_slice(), Some(2..4)));
    assert_eq!(data.shape, Shape::Image { height: 1, width: 1, channels: 3 });
    assert_eq!(row(&data, 2), [2.0 / 255.0; 3]);
    let error = load_npz(&zipped(&entries[..1])).unwrap_err().to_string();
    assert!(error.contains("has no array \"y_train\" (labels_name); it has: x_train"), "{error}");
}

#[test]
fn what_does_not_fit_is_refused_with_the_fix() {
    let good = npy("|u1", "(2, 2)", &[1, 2, 3, 4]);
    let says = |features: &[u8], labels: &[u8], words: &str| {
        let error = load_pair(features, labels).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    says(b"hello, world", &labels(), "is no NumPy array");
    says(&npy(">f4", "(2, 2)", &[0; 16]), &labels(), "values of type >f4 are not read");
    says(&npy("<c8", "(2, 2)", &[0; 32]), &labels(), "values of type <c8 are not read");
    says(&npy("|u1", "(3, 2)", &[0; 6]), &labels(), "need labels of shape [3]");
    says(&npy("|u1", "(4,)", &[0; 4]), &labels(), "neither a table");
    says(&npy("|u1", "(2, 1, 1, 5)", &[0; 10]), &labels(), "up to 4 channels");
    says(&npy("|u1", "(2, 0)", &[]), &labels(), "neither a table");
    says(&npy("|u1", "(2, x)", &[0; 4]), &labels(), "its size \"x\" cannot be read");
    says(&npy("<f4", "(2, 1)", &floats(&[1.0, f32::NAN])), &labels(), "feature 1 of sample 2 is not a finite number");
    says(&good, &npy("|u1", "(2,)", &[7, 7]), "1 different labels");
    says(&npy("|u1", "(2, 2)", &[0; 5]), &labels(), "holds more than the 4 bytes");
    let fortran = String::from_utf8_lossy(&good[10..]).replace("False", "True ");
    says(&[&good[..10], fortran.as_bytes()].concat(), &labels(), "column by column");
    let folder = tempfile::tempdir().unwrap();
    let error = load(&source_of(folder.path(), &[("path", "x.npy", &good)])).unwrap_err().to_string();
    assert_eq!(error, "data set npy: labels is empty; give the path of a file");
}

#[test]
fn files_cut_short_are_refused() {
    let whole = npy("<f4", "(2, 2)", &[0; 16]);
    for cut in 0..whole.len() {
        assert!(load_pair(&whole[..cut], &labels()).is_err(), "{cut}");
    }
    let whole = zipped(&[("x_train.npy", whole), ("y_train.npy", labels())]);
    for cut in 0..whole.len() {
        assert!(load_npz(&whole[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn sizes_that_are_not_there_are_refused_unread() {
    for shape in ["(2600000, 784)", "(18446744073709551615, 2)", "(4294967296, 4294967296)"] {
        let error = load_pair(&npy("<f8", shape, &[0; 100]), &labels()).unwrap_err();
        assert!(matches!(error, DataError::Truncated { .. }), "{error}");
        let error = load_npz(&zipped(&[("x_train.npy", npy("<f8", shape, &[0; 100])), ("y_train.npy", labels())]));
        assert!(matches!(error, Err(DataError::Truncated { .. })));
    }
    // Two megabytes in two kilobytes, behind a header of four bytes.
    let bomb = zipped(&[("x_train.npy", npy("|u1", "(2, 2)", &vec![0; 2_000_000])), ("y_train.npy", labels())]);
    assert!(bomb.len() < 10_000);
    assert!(load_npz(&bomb).unwrap_err().to_string().contains("holds more than the 4 bytes"));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..300) {
        let _ = load_pair(&bytes, &labels());
        for whole in [npy("<f4", "(2, 2)", &[0; 16]), labels()] {
            let mut damaged = whole;
            let at = at % damaged.len();
            damaged[at] ^= bytes.first().copied().unwrap_or(1);
            let _ = load_pair(&damaged, &labels());
        }
        let mut archive = zipped(&[("x_train.npy", npy("<f4", "(2, 2)", &[0; 16])), ("y_train.npy", labels())]);
        let at = at % archive.len();
        archive[at] ^= bytes.first().copied().unwrap_or(1);
        let _ = load_npz(&archive);
    }
}
