//! A data set parted by classes, so that something can be learned on classes that the stream does not have.

use std::ops::Range;

use crate::dataset::{Dataset, Pixels};

impl Dataset {
    /// The data without its last `count` classes that occur, and the data of those alone, their labels counted from 0.
    /// Names stay with their classes. None where no class or every class would be taken, or where points are drawn.
    pub fn part_last_classes(&self, count: usize) -> Option<(Self, Self)> {
        let counts = self.class_counts();
        let occurring: Vec<u16> = (0..self.classes as u16).filter(|class| counts[usize::from(*class)] > 0).collect();
        if count == 0 || count >= occurring.len() || self.points.is_some() {
            return None;
        }
        let taken = &occurring[occurring.len() - count..];
        let kept: Vec<u16> = (0..taken[0]).collect();
        Some((self.of_classes(&kept), self.of_classes(taken)))
    }

    /// The rows of some classes; a label becomes its class's place in the list.
    fn of_classes(&self, classes: &[u16]) -> Self {
        let place = |label: u16| classes.iter().position(|class| *class == label);
        let rows: Vec<usize> = (0..self.len()).filter(|row| place(self.labels[*row]).is_some()).collect();
        let features = self.features();
        let values = |row: &usize| row * features..(row + 1) * features;
        let pixels = match &self.pixels {
            Pixels::Bytes(bytes) => Pixels::Bytes(rows.iter().flat_map(|row| bytes[values(row)].to_vec()).collect()),
            Pixels::Floats(all) => Pixels::Floats(rows.iter().flat_map(|row| all[values(row)].to_vec()).collect()),
        };
        let names = classes.iter().map(|class| self.class_names[usize::from(*class)].clone()).collect();
        let labels = rows.iter().filter_map(|row| place(self.labels[*row]).map(|place| place as u16)).collect();
        let part = Self::new(self.name.clone(), self.shape, names, pixels, labels);
        match &self.test_rows {
            Some(Range { start, end }) => {
                let before = |limit: u32| rows.partition_point(|row| (*row as u32) < limit) as u32;
                part.with_test_rows(before(*start)..before(*end))
            }
            None => part,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Shape, numbered};

    fn data() -> Dataset {
        // Class 3 does not occur.
        let labels = vec![0, 4, 2, 1, 4, 2, 0];
        Dataset::new("seven".into(), Shape::Table(2), numbered(5), Pixels::Bytes((0..14).collect()), labels)
    }

    #[test]
    fn the_last_classes_that_occur_are_parted_with_their_names_and_rows() {
        let (kept, taken) = data().part_last_classes(2).unwrap();
        assert_eq!(
            (kept.class_names.as_slice(), taken.class_names.as_slice()),
            (&numbered(2)[..], &["2".into(), "4".into()][..])
        );
        assert_eq!((kept.labels.as_slice(), taken.labels.as_slice()), (&[0, 1, 0][..], &[1, 0, 1, 0][..]));
        assert!(kept.pixels == Pixels::Bytes(vec![0, 1, 6, 7, 12, 13]));
        assert!(taken.pixels == Pixels::Bytes(vec![2, 3, 4, 5, 8, 9, 10, 11]));
        assert_ne!(kept.hash, data().hash);
    }

    #[test]
    fn own_test_rows_stay_the_test_rows() {
        let (kept, taken) = data().with_test_rows(3..6).part_last_classes(2).unwrap();
        // Rows 3, 4 and 5 have labels 1, 4 and 2.
        assert_eq!((kept.test_rows, taken.test_rows), (Some(1..2), Some(2..4)));
    }

    #[test]
    fn none_and_all_are_no_part() {
        assert!(data().part_last_classes(0).is_none());
        assert!(data().part_last_classes(4).is_none());
        assert!(data().part_last_classes(3).is_some());
    }
}
