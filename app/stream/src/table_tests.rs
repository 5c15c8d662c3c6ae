use mnemoscope_core::Setting;
use proptest::prelude::*;

use super::*;

fn load_text(text: &str, label_column: &str) -> Result<Dataset, DataError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flowers.csv");
    std::fs::write(&path, text).unwrap();
    let source = Component::<DataSources>::new("csv")
        .and_then(|source| source.with("path", Setting::Text(path.to_str().unwrap().to_owned())))
        .and_then(|source| source.with("label_column", Setting::Text(label_column.to_owned())))
        .unwrap();
    load(&source)
}

fn rows(data: &Dataset) -> Vec<Vec<f32>> {
    (0..data.len())
        .map(|i| {
            let mut row = vec![0.0; data.features()];
            data.row_into(i, &mut row);
            row
        })
        .collect()
}

/// The message without the temporary folder.
fn message(text: &str, label_column: &str) -> String {
    let error = load_text(text, label_column).unwrap_err().to_string();
    error[error.find("flowers.csv").unwrap()..].to_owned()
}

#[test]
fn columns_are_divided_by_their_largest_value() {
    let data = load_text("size,depth,flat,kind\n1,-1,0,rose\n2,3,0,lily\n4,1,0,rose\n", "kind").unwrap();
    assert_eq!((data.name.as_str(), data.shape, data.classes), ("flowers", Shape::Table(3), 2));
    assert_eq!(data.class_names, ["lily", "rose"]);
    assert_eq!(data.labels, [1, 0, 1]);
    // depth reaches below 0, so its smallest value is 0 afterwards; a column of zeros stays.
    assert_eq!(rows(&data), [[0.25, 0.0, 0.0], [0.5, 1.0, 0.0], [1.0, 0.5, 0.0]]);
}

#[test]
fn the_label_column_goes_by_name_number_or_last() {
    let named = "a,b,c\n1,0,5\n0,1,7\n";
    let bare = "1,0,5\n0,1,7\n";
    let by = |text, column| load_text(text, column).unwrap();
    assert_eq!(by(named, "c").labels, [0, 1]);
    for column in ["last", "3"] {
        assert_eq!(by(named, column).hash, by(named, "c").hash);
        assert_eq!(by(bare, column).hash, by(named, "c").hash);
    }
    assert_eq!(by(named, "a").labels, [1, 0]);
    assert_eq!(by(bare, "1").hash, by(named, "a").hash);
}

#[test]
fn a_first_line_of_names_is_told_from_data() {
    assert_eq!(load_text("1,2,rose\n3,4,lily\n", "last").unwrap().len(), 2, "a word in the label column is a label");
    assert_eq!(load_text("length,width,rose\n3,4,lily\n3,5,rose\n", "last").unwrap().len(), 2);
    // Numbered columns, as data frames write them.
    let numbered = load_text("0,1,target\n3,4,7\n3,5,8\n", "last").unwrap();
    assert_eq!((numbered.len(), numbered.class_names), (2, vec!["7".to_owned(), "8".to_owned()]));
    // Neither a line of names nor a line of data: no sample is dropped in silence.
    assert_eq!(
        message("1,,rose\n3,4,lily\n3,5,rose\n", "last"),
        "flowers.csv, line 1, column 2: \"\" is not a finite number; features must be numbers"
    );
    // A byte order mark is no part of the first name.
    assert_eq!(load_text("\u{feff}kind,a\n1,2\n0,3\n", "kind").unwrap().labels, [1, 0]);
}

#[test]
fn numeric_labels_are_sorted_by_value() {
    let data = load_text("1,10\n2,9\n3,10.0\n4,-1\n", "last").unwrap();
    assert_eq!(data.class_names, ["-1", "9", "10"]);
    assert_eq!(data.labels, [2, 1, 2, 0]);
}

#[test]
fn quotes_spaces_and_blank_lines_are_read() {
    let data = load_text("\"1\", 2 ,\"red, dark\"\n\n3,4, blue\n", "last").unwrap();
    assert_eq!(data.class_names, ["blue", "red, dark"]);
    assert_eq!(data.len(), 2);
}

#[test]
fn errors_name_line_column_and_fix() {
    assert_eq!(
        message("a,b,kind\n1,2,x\n1,two,y\n", "kind"),
        "flowers.csv, line 3, column 2 (b): \"two\" is not a finite number; features must be numbers"
    );
    assert_eq!(
        message("1,2,x\n1,NaN,y\n", "last"),
        "flowers.csv, line 2, column 2: \"NaN\" is not a finite number; features must be numbers"
    );
    assert_eq!(
        message("1,2,x\n1,,y\n", "last"),
        "flowers.csv, line 2, column 2: \"\" is not a finite number; features must be numbers"
    );
    assert_eq!(
        message("1,2,x\n1,y\n", "last"),
        "flowers.csv, line 2: 2 fields where the first line has 3; complete or remove the line"
    );
    assert_eq!(
        message("1,2,x\n1,2,\n", "last"),
        "flowers.csv, line 2, column 3: the label is empty; fill it in or remove the line"
    );
    assert_eq!(message("a,kind\n1,x\n", "kinds"), "flowers.csv: there is no column \"kinds\"; did you mean \"kind\"?");
    assert_eq!(
        message("1,2,3\n", "4"),
        "flowers.csv: there is no column \"4\"; give label_column a name from the first line, a number counted from 1, \
         or last"
    );
    assert_eq!(message("1,2,3\n", "0"), message("1,2,3\n", "4").replace('4', "0"));
    assert_eq!(message("", "last"), "flowers.csv: the file is empty; a data set needs samples of at least two classes");
    assert!(message("a,b\n", "last").starts_with("flowers.csv: 0 samples of 0 class(es)"));
    assert!(message("1,1\n2,1\n", "last").starts_with("flowers.csv: 2 samples of 1 class(es)"));
    assert!(message("1\n2\n", "last").starts_with("flowers.csv: only one column"));
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    for (bytes, wanted) in [(&b"1,2\n\xff,3\n"[..], "line 2: "), (&[0x1f, 0x8b, 8, 0][..], "unpack it first")] {
        std::fs::write(&path, bytes).unwrap();
        let source = Component::<DataSources>::new("csv")
            .and_then(|source| source.with("path", Setting::Text(path.to_str().unwrap().to_owned())))
            .unwrap();
        let error = load(&source).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
    let missing = Component::<DataSources>::new("csv").unwrap();
    assert_eq!(load(&missing).unwrap_err().to_string(), "data set csv: path is empty; give the path of a file");
    let missing = missing.with("path", Setting::Text(folder.path().join("none").to_str().unwrap().to_owned())).unwrap();
    assert!(matches!(load(&missing).unwrap_err(), DataError::Read { .. }));
}

#[test]
fn a_column_of_measurements_is_not_taken_for_labels() {
    let text = (0..1001).map(|i| format!("1,{i}")).collect::<Vec<_>>().join("\n");
    let error = message(&text, "last");
    assert!(error.contains("column 2: 1001 different labels"), "{error}");
}

proptest! {
    #[test]
    fn features_lie_in_the_unit_interval(values in prop::collection::vec((any::<i16>(), -1e30f32..1e30, 0u8..3), 3..40)) {
        prop_assume!(values.iter().any(|(_, _, label)| *label != values[0].2));
        let text = values.iter().map(|(a, b, label)| format!("{a},{b},{label}")).collect::<Vec<_>>().join("\n");
        let data = load_text(&text, "last").unwrap();
        prop_assert_eq!(data.len(), values.len());
        prop_assert!(rows(&data).iter().flatten().all(|value| (0.0..=1.0).contains(value)));
        let name = |row: usize| data.class_names[usize::from(data.labels[row])].clone();
        for (row, (_, _, label)) in values.iter().enumerate() {
            prop_assert_eq!(name(row), label.to_string());
        }
    }

    #[test]
    fn random_text_never_panics(text in "[a1,.\"\n -]{0,60}", column in "[a1-3last]{0,4}") {
        let _ = load_text(&text, &column);
    }
}
