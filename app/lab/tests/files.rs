//! Experiment files: every preset loads, what is written reads back, and slips are told with their place.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

use mnemoscope_lab::file::{parse, to_text};
use mnemoscope_lab::{Experiment, FORMAT, presets, refusals};

#[test]
fn every_preset_loads_runs_and_reads_back() {
    for preset in presets::all() {
        let experiment = presets::load(preset.name).unwrap().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(refusals(&experiment), [], "{}", preset.name);
        assert!(!experiment.title.is_empty() && experiment.expected_seconds > 0.0, "{}", preset.name);
        let sentences = experiment.look_for.matches(['.', '?', '!']).count();
        assert!(sentences >= 2, "{}: two sentences on what to look for", preset.name);
        assert!(experiment.population.whole("seeds") >= 5, "{}: an interval over five seeds or more", preset.name);
        let text = to_text(&experiment).unwrap();
        assert_eq!(parse(&text, "again").unwrap_or_else(|error| panic!("{error}")), experiment, "{text}");
    }
}

#[test]
fn an_experiment_of_defaults_reads_back() {
    let experiment = Experiment::default();
    assert_eq!(parse(&to_text(&experiment).unwrap(), "defaults").unwrap(), experiment);
}

fn error(text: &str) -> String {
    parse(text, "lesson.ron").unwrap_err().to_string()
}

#[test]
fn slips_are_told_with_line_column_and_the_nearest_name() {
    insta::assert_snapshot!("unknown field", error("(\n    format: 1,\n    steam: split(),\n)"));
    insta::assert_snapshot!("unknown method", error("(\n    format: 1,\n    methods: [reply()],\n)"));
    insta::assert_snapshot!("unknown setting", error("(\n    format: 1,\n    methods: [ewc(lamda: 5.0)],\n)"));
    insta::assert_snapshot!("outside the range", error("(\n    format: 1,\n    optimiser: sgd(rate: -1.0),\n)"));
    insta::assert_snapshot!("unknown option", error("(\n    format: 1,\n    model: mlp(activation: \"rleu\"),\n)"));
    insta::assert_snapshot!("not closed", error("(\n    format: 1,\n    title: \"open"));
}

#[test]
fn a_newer_format_is_refused_clearly() {
    let text = format!("(format: {}, something_new: 3)", FORMAT + 1);
    insta::assert_snapshot!(error(&text));
}
