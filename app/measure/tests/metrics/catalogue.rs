use std::collections::HashSet;

use mnemoscope_measure::{Better, catalogue, metric};

#[test]
fn every_metric_is_told_in_full_and_once() {
    let names: HashSet<_> = catalogue().iter().map(|metric| metric.name).collect();
    let labels: HashSet<_> = catalogue().iter().map(|metric| metric.label).collect();
    assert_eq!((names.len(), labels.len()), (catalogue().len(), catalogue().len()));
    for info in catalogue() {
        for text in [info.name, info.label, info.formula, info.meaning, info.unit, info.source] {
            assert!(!text.trim().is_empty() && !text.contains("  "), "{}: {text:?}", info.name);
        }
        assert!(info.source.contains(|letter: char| letter.is_ascii_digit()), "{}: no year", info.name);
        assert_eq!(metric(info.name), Some(info));
    }
    assert_eq!(metric("accuracy of dreams"), None);
}

#[test]
fn losses_should_be_low_and_the_rest_high() {
    let low: Vec<_> = catalogue().iter().filter(|info| info.better == Better::Lower).map(|info| info.name).collect();
    assert_eq!(low, ["forgetting", "intransigence", "wf", "gap_depth", "lasting_loss", "gap_width", "gap_area"]);
}
