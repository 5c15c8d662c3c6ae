//! `check`: verdicts as text and JSON, the ledger, and an exit code for each outcome.

use crate::terminal::{fail, mnemoscope, stderr, succeed};
use serde_json::Value;

/// What these claims measure is exact, so that the text is the same on every machine: a network 64-4-10 has
/// 64 · 4 + 4 + 4 · 10 + 10 = 310 parameters.
const EXACT: &str = r#"(
    format: 1,
    title: "Sizes",
    expected_seconds: 1,
    stream: split(tasks: 2, steps: 3, batch: 4),
    evaluation: continual(every: 10000, sample: 10),
    population: replicas(seeds: 3),
    arms: [
        arm(name: "narrow", model: mlp(widths: [4])),
        arm(name: "wide", model: mlp(widths: [8])),
    ],
    claims: [
        claim(says: "A wide network is larger", source: "arithmetic", measure: "parameters",
            test: Rises(["narrow", "wide"]), margin: 100),
        MORE
    ],
)"#;
const FALSE: &str = r#"claim(says: "A narrow network has no weights", source: "nobody", measure: "parameters",
    test: Below(arm: "narrow", value: 1), because: "it has some"),
    claim(says: "Both are within a hair of each other", source: "nobody", measure: "parameters",
    test: Equal(arm: "wide", to: "narrow"), margin: 300)"#;

fn folder(more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sizes.ron"), EXACT.replace("MORE", more)).unwrap();
    folder
}

#[test]
fn verdicts_are_told_with_effect_and_margin() {
    let folder = folder(FALSE);
    let output = mnemoscope(&["check", "sizes.ron"]).current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let said = stderr(&output);
    assert!(said.contains("3 claims of 1 preset, 2 runs: about 1 s on two cores"), "{said}");
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap(), @r###"

sizes: Sizes

  holds          A wide network is larger
      parameters: wide − narrow = +300.000 ± 0.000 over 3 seeds, wanted > 100
      narrow: 310.000 ± 0.000; wide: 610.000 ± 0.000
      [arithmetic]

  does not hold  A narrow network has no weights
      parameters: narrow = 310.000 ± 0.000 over 3 seeds, wanted < 1
      likely reason: it has some
      [nobody]

  not clear      Both are within a hair of each other
      parameters: wide − narrow = +300.000 ± 0.000 over 3 seeds, wanted -300 to 300
      wide: 610.000 ± 0.000; narrow: 310.000 ± 0.000
      not clear: the interval meets the margin
      [nobody]
"###);
}

#[test]
fn all_hold_is_success_and_json_has_the_numbers() {
    let folder = folder("");
    let printed = succeed(mnemoscope(&["check", "sizes.ron", "--json"]).current_dir(folder.path()));
    let report: Value = serde_json::from_str(&printed).unwrap();
    let claim = &report["presets"][0]["claims"][0];
    assert_eq!((&claim["verdict"], &claim["effect"]["mean"]), (&Value::from("holds"), &Value::from(300.0)));
    assert_eq!(claim["arms"][0]["estimate"]["mean"], 310.0);
}

#[test]
fn a_quick_check_succeeds_and_decides_nothing() {
    let folder = folder(FALSE);
    let printed = succeed(mnemoscope(&["check", "sizes.ron", "--quick"]).current_dir(folder.path()));
    assert_eq!(printed.matches("not clear: quick").count(), 3, "{printed}");
}

#[test]
fn the_ledger_keeps_what_was_not_checked() {
    let folder = folder(FALSE);
    let ledger = folder.path().join("CLAIMS.md");
    std::fs::write(&ledger, "| other | says | acc | a > 0 | 0.5 ± 0.1 | 5 | holds | us |  | 2026-01-01, abc |\n")
        .unwrap();
    let check = || mnemoscope(&["check", "sizes.ron", "--markdown", "CLAIMS.md"]).current_dir(folder.path()).output();
    for _ in 0..2 {
        assert_eq!(check().unwrap().status.code(), Some(3));
        let text = std::fs::read_to_string(&ledger).unwrap();
        assert_eq!(text.matches("| other | says |").count(), 1, "{text}");
        let row =
            "| sizes | A wide network is larger | parameters | wide − narrow > 100 | +300.000 ± 0.000 | 3 | holds |";
        assert_eq!(text.matches(row).count(), 1, "{text}");
        assert_eq!(text.matches("| it has some |").count(), 1, "{text}");
    }
}

#[test]
fn a_preset_without_claims_cannot_be_checked() {
    insta::assert_snapshot!(fail(&mut mnemoscope(&["check", "forgetting-split-digits"])), @r###"error: forgetting-split-digits: there are no claims in it; write some as docs/claims.md tells"###);
}
