use mnemoscope_measure::{Confusion, ConfusionError};
use proptest::prelude::*;

#[test]
fn rows_are_true_classes() {
    let mut confusion = Confusion::new(3);
    for (truth, predicted) in [(0, 0), (0, 0), (0, 2), (2, 0)] {
        confusion.add(truth, predicted).expect("both classes exist");
    }
    assert_eq!(confusion.counts(), [2, 0, 1, 0, 0, 0, 1, 0, 0]);
    assert_eq!((confusion.count(0, 2), confusion.count(2, 0), confusion.count(3, 0)), (1, 1, 0));
    assert_eq!(confusion.per_class_accuracy(), [Some(2.0 / 3.0), None, Some(0.0)]);
    assert_eq!(confusion.accuracy(), Some(0.5));
    assert_eq!(Confusion::new(3).accuracy(), None);
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut confusion = Confusion::new(2);
    assert_eq!(confusion.add(0, 2), Err(ConfusionError::NoSuchClass { class: 2, classes: 2 }));
    assert_eq!(confusion.add(5, 0), Err(ConfusionError::NoSuchClass { class: 5, classes: 2 }));
    assert_eq!(confusion.merge(&Confusion::new(3)), Err(ConfusionError::Sizes { classes: 2, other: 3 }));
    assert_eq!(confusion.total(), 0);
    let bytes = postcard::to_stdvec(&(3_usize, vec![0_u64; 8])).expect("it can be written");
    assert!(postcard::from_bytes::<Confusion>(&bytes).is_err());
}

proptest! {
    #[test]
    fn merging_counts_everything_once(samples in prop::collection::vec((0..4_usize, 0..4_usize), 0..60), cut in 0..60_usize) {
        let count = |samples: &[(usize, usize)]| {
            let mut confusion = Confusion::new(4);
            for (truth, predicted) in samples {
                confusion.add(*truth, *predicted).expect("both classes exist");
            }
            confusion
        };
        let (left, right) = samples.split_at(cut.min(samples.len()));
        let mut merged = count(left);
        merged.merge(&count(right)).expect("the same size");
        prop_assert_eq!(&merged, &count(&samples));
        prop_assert_eq!(merged.total(), samples.len() as u64);
        for (class, accuracy) in merged.per_class_accuracy().into_iter().enumerate() {
            let of_class: Vec<_> = samples.iter().filter(|(truth, _)| *truth == class).collect();
            let right = of_class.iter().filter(|(truth, predicted)| truth == predicted).count();
            prop_assert_eq!(accuracy, (!of_class.is_empty()).then(|| right as f64 / of_class.len() as f64));
        }
        let bytes = postcard::to_stdvec(&merged).expect("it can be written");
        prop_assert_eq!(postcard::from_bytes::<Confusion>(&bytes).expect("it can be read"), merged);
    }
}
