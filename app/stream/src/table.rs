//! Tables in CSV files with a chosen label column.
//!
//! A label may be a number or a word; classes are sorted, numbers by value. Features must be numbers. Each column is
//! divided by its largest value over the whole file (training, validation and test rows alike), so that features lie
//! in [0, 1]; of a column with negative values the smallest is subtracted first.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use mnemoscope_core::{Component, Kind, Knob, nearest};

use crate::dataset::{DataSources, Dataset, Pixels, Shape};
use crate::error::DataError;
use crate::paths;

pub(crate) const KIND: Kind = Kind {
    name: "csv",
    label: "CSV table",
    meaning: "Rows of numbers with a label column; each column is divided by its largest value.",
    source: "RFC 4180",
    knobs: &[
        Knob::text("path", "file", "").meaning("Path of the CSV file; a first line with column names is recognised."),
        Knob::text("label_column", "label column", "last")
            .meaning("Name of the column that holds the label, its number counted from 1, or last."),
    ],
};

/// Most feature columns and most classes: beyond them the file is likely not what it is taken for.
pub(crate) const MOST_COLUMNS: usize = 1 << 16;
pub(crate) const MOST_CLASSES: usize = 1000;

/// A table as read, features unscaled.
#[derive(Debug)]
pub(crate) struct Table {
    /// `[rows, columns]`, row by row, without the label.
    pub(crate) features: Vec<f32>,
    pub(crate) columns: usize,
    pub(crate) labels: Vec<u16>,
    pub(crate) class_names: Vec<String>,
}

pub(crate) fn load(source: &Component<DataSources>) -> Result<Dataset, DataError> {
    let path = paths::required(source, "path")?;
    let failed = |error: io::Error| DataError::Read { path: path.clone(), error };
    let mut file = BufReader::new(File::open(&path).map_err(failed)?);
    let mut start = Vec::new();
    file.by_ref().take(2).read_to_end(&mut start).map_err(failed)?;
    if start == [0x1f, 0x8b] {
        let problem = "the file is compressed; unpack it first".to_owned();
        return Err(DataError::Line { path, line: 1, problem });
    }
    file.rewind().map_err(failed)?;
    let mut table = read(&path, file, source.text("label_column").trim())?;
    scale(&mut table.features, table.columns);
    let name = paths::stem(&path, KIND.name);
    Ok(Dataset::new(name, Shape::Table(table.columns), table.class_names, Pixels::Floats(table.features), table.labels))
}

/// Divides each column by its largest value, after subtracting the smallest if that is negative.
pub(crate) fn scale(features: &mut [f32], columns: usize) {
    let (mut low, mut high) = (vec![0f32; columns], vec![f32::MIN; columns]);
    for row in features.chunks_exact(columns) {
        for (column, value) in row.iter().enumerate() {
            low[column] = low[column].min(*value);
            high[column] = high[column].max(*value);
        }
    }
    for row in features.chunks_exact_mut(columns) {
        for (column, value) in row.iter_mut().enumerate() {
            // In f64: the span of two finite f32 may not be finite in f32.
            let (low, span) = (f64::from(low[column]), f64::from(high[column]) - f64::from(low[column]));
            *value = if span > 0.0 { ((f64::from(*value) - low) / span) as f32 } else { 0.0 };
        }
    }
}

/// Reads all rows; `label_column` is a name from the first line, a number counted from 1, or "last".
pub(crate) fn read(path: &Path, reader: impl Read, label_column: &str) -> Result<Table, DataError> {
    // The lab reads the first line itself, and reports a wrong number of fields in its own words.
    let mut csv = ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(reader);
    let mut record = StringRecord::new();
    if !next(path, &mut csv, &mut record)? {
        return Err(DataError::Empty { path: path.to_owned(), problem: "the file is empty".to_owned() });
    }
    let first = record.clone();
    let width = first.len();
    if width > MOST_COLUMNS {
        let (size, limit) = (width as u64, MOST_COLUMNS as u64);
        return Err(DataError::TooLarge { path: path.to_owned(), what: "a line", size, limit });
    }
    let (label_at, named) = find_column(path, &first, label_column)?;
    if width < 2 {
        let problem = "only one column (columns are separated by commas)".to_owned();
        return Err(DataError::Empty { path: path.to_owned(), problem });
    }
    // One word among numbers is more likely a mistake than a name: it is reported below.
    let has_names = named || (0..width).all(|i| i == label_at || first[i].parse::<f32>().is_err());
    let mut more = !has_names || next(path, &mut csv, &mut record)?;

    let (mut features, mut texts) = (Vec::new(), Vec::new());
    while more {
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != width {
            let problem =
                format!("{} fields where the first line has {width}; complete or remove the line", record.len());
            return Err(DataError::Line { path: path.to_owned(), line, problem });
        }
        for (column, field) in record.iter().enumerate() {
            let wrong = |problem: String| DataError::Field {
                path: path.to_owned(),
                line,
                column: column + 1,
                name: if has_names { first[column].to_owned() } else { String::new() },
                problem,
            };
            if column == label_at {
                if field.is_empty() {
                    return Err(wrong("the label is empty; fill it in or remove the line".to_owned()));
                }
                texts.push(field.to_owned());
                continue;
            }
            match field.parse::<f32>() {
                Ok(value) if value.is_finite() => features.push(value),
                _ => return Err(wrong(format!("{field:?} is not a finite number; features must be numbers"))),
            }
        }
        more = next(path, &mut csv, &mut record)?;
    }
    // Numbers as column names, such as "0,1,2,label", look like features; a word above numeric labels tells.
    let number = |text: &String| text.parse::<f64>().is_ok();
    if !has_names && texts.len() > 1 && !number(&texts[0]) && texts[1..].iter().all(number) {
        features.drain(..width - 1);
        texts.remove(0);
    }
    let (class_names, labels) = classes(&texts);
    if class_names.len() < 2 {
        let problem = format!("{} samples of {} class(es)", texts.len(), class_names.len());
        return Err(DataError::Empty { path: path.to_owned(), problem });
    }
    if class_names.len() > MOST_CLASSES {
        let problem = format!(
            "{} different labels, above the limit of {MOST_CLASSES}; is this the label column?",
            class_names.len()
        );
        let name = if has_names { first[label_at].to_owned() } else { String::new() };
        return Err(DataError::Field { path: path.to_owned(), line: 1, column: label_at + 1, name, problem });
    }
    Ok(Table { features, columns: width - 1, labels, class_names })
}

fn next<R: Read>(path: &Path, csv: &mut csv::Reader<R>, record: &mut StringRecord) -> Result<bool, DataError> {
    csv.read_record(record).map_err(|error| match error.into_kind() {
        csv::ErrorKind::Io(error) => DataError::Read { path: path.to_owned(), error },
        csv::ErrorKind::Utf8 { pos, err } => DataError::Line {
            path: path.to_owned(),
            line: pos.map_or(0, |pos| pos.line()),
            problem: format!("{err}; save the file as UTF-8 text"),
        },
        other => DataError::Line {
            path: path.to_owned(),
            line: record.position().map_or(0, csv::Position::line),
            problem: format!("{other:?}"),
        },
    })
}

/// The label column's place, and whether it was found by name, so that the first line holds names.
fn find_column(path: &Path, first: &StringRecord, wanted: &str) -> Result<(usize, bool), DataError> {
    // A number is never a name: in a file without names it may well stand in the first line.
    if let Ok(number) = wanted.parse::<usize>() {
        return if (1..=first.len()).contains(&number) {
            Ok((number - 1, false))
        } else {
            Err(DataError::NoColumn { path: path.to_owned(), column: wanted.to_owned(), hint: None })
        };
    }
    match first.iter().position(|name| name == wanted) {
        Some(column) => Ok((column, true)),
        None if wanted == "last" => Ok((first.len() - 1, false)),
        None => Err(DataError::NoColumn {
            path: path.to_owned(),
            column: wanted.to_owned(),
            hint: nearest(wanted, first.iter().filter(|name| name.parse::<f32>().is_err())).map(str::to_owned),
        }),
    }
}

/// Class names in order, and the class of every row. "1" and "1.0" are one class where all labels are numbers.
fn classes(texts: &[String]) -> (Vec<String>, Vec<u16>) {
    let numbers: Option<Vec<f64>> =
        texts.iter().map(|text| text.parse().ok().filter(|n: &f64| n.is_finite())).collect();
    match numbers {
        Some(numbers) => ranked(&numbers, f64::total_cmp),
        None => ranked(texts, Ord::cmp),
    }
}

pub(crate) fn ranked<T: Clone + ToString>(
    values: &[T],
    order: impl Fn(&T, &T) -> std::cmp::Ordering,
) -> (Vec<String>, Vec<u16>) {
    let mut sorted = values.to_vec();
    sorted.sort_by(&order);
    sorted.dedup_by(|a, b| order(a, b).is_eq());
    let rank = |value: &T| sorted.partition_point(|other| order(other, value).is_lt()) as u16;
    (sorted.iter().map(ToString::to_string).collect(), values.iter().map(rank).collect())
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
