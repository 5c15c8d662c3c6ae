//! Claims from file to verdict: a small study with one that must hold, one that must not, and some that cannot be told.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

use mnemoscope_compute::Wanted;
use mnemoscope_lab::claim::{Verdict, ledger};
use mnemoscope_lab::{Experiment, Outcomes, Run, Study, file, path, presets};

const SMALL: &str = r#"(
    format: 1,
    data: digits(),
    stream: split(tasks: 2, steps: 60, batch: 16),
    model: mlp(widths: [16]),
    optimiser: sgd(rate: 0.1),
    evaluation: continual(dense: 5, every: 20, sample: 20),
    population: replicas(seeds: 3),
    quick: {"stream.steps": "20"},
    arms: [
        arm(name: "fine-tuning", methods: [fine_tuning()]),
        arm(name: "joint", methods: [joint()]),
        arm(name: "wild", methods: [ewc(lambda: 1.0)], optimiser: sgd(rate: 10.0), set: {"methods.ewc.lambda": "1e6"}),
        arm(name: "EWC", methods: [ewc(lambda: Each([0.0, 10.0]))]),
    ],
    claims: [CLAIMS],
)"#;

fn experiment(claims: &[(&str, &str, f64)]) -> Experiment {
    let claims = claims.iter().map(|(measure, test, margin)| {
        format!(r#"claim(says: "{measure}", source: "test", measure: "{measure}", test: {test}, margin: {margin:?}),"#)
    });
    let text = SMALL.replace("CLAIMS", &claims.collect::<String>());
    file::parse(&text, "small.ron").unwrap_or_else(|error| panic!("{error}"))
}

fn run(study: &Study, stop_before: usize) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for arm in &study.arms()[..stop_before] {
        let mut run = Run::new(arm.experiment.clone(), Wanted::Cpu).unwrap();
        while !run.finished() {
            run.step().unwrap();
        }
        outcomes.add(study.measure(arm, &run.snapshot().unwrap()));
    }
    outcomes
}

#[test]
fn claims_that_must_hold_hold_and_their_opposites_do_not() {
    let study = Study::new(
        &experiment(&[
            ("acc", r#"Higher(arm: "joint", than: "fine-tuning")"#, 0.1),
            ("acc", r#"Higher(arm: "fine-tuning", than: "joint")"#, 0.1),
            // After the last block fine-tuning answers the last task; its first is gone unless the task is told.
            ("acc[group 0]", r#"Below(arm: "fine-tuning", value: 0.5)"#, 0.1),
            ("acc@task[block 1, group 0]", r#"Above(arm: "fine-tuning", value: 0.5)"#, 0.1),
            ("acc[block 0]", r#"Above(arm: "fine-tuning", value: 0.5)"#, 0.1),
            ("forgetting@all", r#"Higher(arm: "fine-tuning", than: "joint")"#, 0.1),
            // Without a penalty EWC is fine-tuning, bit for bit.
            ("acc", r#"Equal(arm: "EWC, λ = 0", to: "fine-tuning")"#, 1e-12),
            ("bytes", r#"Above(arm: "EWC, λ = 10", value: 0)"#, 0.0),
            ("acc", r#"Higher(arm: "joint", than: "wild")"#, 0.1),
            ("diverged", r#"Above(arm: "wild", value: 0.5)"#, 0.0),
            ("gap_depth[block 0]", r#"Above(arm: "joint", value: 0)"#, 0.0),
        ]),
        false,
    )
    .unwrap();
    let findings = study.findings(&run(&study, 4));
    let verdicts: Vec<String> = findings.iter().map(|finding| finding.as_ref().unwrap().verdict.to_string()).collect();
    let expected = [
        "holds",
        "does not hold",
        "holds",
        "holds",
        "holds",
        "holds",
        "holds",
        "holds",
        "not clear (3 of 3 seeds are missing: the replica diverged)",
        "holds",
        "not clear (3 of 3 seeds are missing: block 0 opens no gap: no other group was learned before it)",
    ];
    assert_eq!(verdicts, expected, "{findings:#?}");
    let first = findings[0].as_ref().unwrap();
    assert_eq!(first.arms.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["joint", "fine-tuning"]);
}

/// Two orthonormal pairs, one key written twice: the arms replace the memory, a setting and the trials.
const MEMORIES: &str = r#"(
    format: 2,
    focus: Attention,
    attention: association(pairs: 8, d_k: 16, d_v: 16),
    population: replicas(seeds: 4),
    arms: [
        arm(name: "Hebb", set: {"attention.orthonormal": "true"}),
        arm(name: "crowded", set: {"attention.pairs": "64"}),
        arm(
            name: "delta",
            memory: (architecture: matrix(), bias: squared_error(), retention: none(), rule: gradient_step(beta: 0.5)),
            conditioning: (trials: [trial(cues: "A", us: 1.0, times: 3)]),
        ),
    ],
    claims: [
        claim(says: "", source: "", measure: "recall_error", test: Below(arm: "Hebb", value: 0.0001)),
        claim(says: "", source: "", measure: "recall_error", test: Higher(arm: "Hebb", than: "crowded")),
        claim(says: "", source: "", measure: "strength[A]", test: Within(arm: "delta", low: 0.2709, high: 0.2711)),
        claim(says: "", source: "", measure: "strength[D]", test: Above(arm: "delta", value: 0.5)),
        claim(says: "", source: "", measure: "strength[A, trial 9]", test: Above(arm: "delta", value: 0)),
    ],
)"#;

#[test]
fn claims_about_memories_are_measured_without_training() {
    let experiment = file::parse(MEMORIES, "memories.ron").unwrap();
    let study = Study::new(&experiment, false).unwrap();
    let mut outcomes = Outcomes::default();
    for arm in study.arms() {
        assert!(!arm.trains());
        outcomes.add(study.measure_bench(arm));
    }
    let findings = study.findings(&outcomes);
    let verdicts: Vec<String> = findings.iter().map(|found| found.as_ref().unwrap().verdict.to_string()).collect();
    // 1 - (1 - 0.2 * 0.5)^3 = 0.271.
    let missing = "not clear (4 of 4 seeds are missing: there is no such cue or trial)";
    assert_eq!(verdicts, ["holds", "does not hold", "holds", "does not hold", missing], "{findings:#?}");
    assert_eq!(findings[1].as_ref().unwrap().effect.unwrap().count, 4);
    let text = MEMORIES.replace("\"recall_error\"", "\"acc\"");
    let error = Study::new(&file::parse(&text, "memories.ron").unwrap(), false).unwrap_err().to_string();
    assert!(error.contains("there is no measure \"acc\"; there is: recall_error"), "{error}");
    let wild = MEMORIES.replace("beta: 0.5", "beta: 0.0");
    let error = Study::new(&file::parse(&wild, "memories.ron").unwrap(), false).unwrap_err().to_string();
    assert!(error.contains("arm \"delta\" cannot run: memory.rule"), "{error}");
}

#[test]
fn a_quick_study_is_short_and_decides_nothing() {
    let experiment = experiment(&[("acc", r#"Higher(arm: "joint", than: "fine-tuning")"#, 0.1)]);
    let study = Study::new(&experiment, true).unwrap();
    for arm in study.arms() {
        assert_eq!((arm.experiment.population.whole("seeds"), arm.experiment.stream.whole("steps")), (2, 20));
        assert!(arm.experiment.claims.is_empty() && arm.experiment.arms.is_empty());
    }
    let unfinished = study.findings(&run(&study, 1));
    assert_eq!(unfinished, [None], "joint was not run");
    let found = study.findings(&run(&study, 2)).remove(0).unwrap();
    assert_eq!(found.verdict, Verdict::NotClear("quick".to_owned()));
    assert!(found.effect.is_some());
}

#[test]
fn slips_in_arms_and_claims_name_the_place_and_the_fix() {
    let error = |experiment: &Experiment| Study::new(experiment, false).unwrap_err().to_string();
    let claim = |measure: &str, test: &str, margin| error(&experiment(&[(measure, test, margin)]));
    let above = r#"Above(arm: "joint", value: 0)"#;
    insta::assert_snapshot!(claim("ac", above, 0.0), @r###"claim "ac": there is no measure "ac"; did you mean "acc"?"###);
    insta::assert_snapshot!(claim("acc", r#"Above(arm: "join", value: 0)"#, 0.0), @r###"claim "acc": there is no arm "join"; did you mean "joint"?"###);
    insta::assert_snapshot!(claim("acc", r#"Equal(arm: "joint", to: "wild")"#, 0.0), @r###"claim "acc": Equal needs a margin above 0: no two runs are alike"###);
    insta::assert_snapshot!(claim("acc", r#"Rises(["joint"])"#, 0.0), @r###"claim "acc": a ladder needs two arms or more"###);
    insta::assert_snapshot!(error(&Experiment::default()), @"there are no claims in it; write some as docs/claims.md tells");
    let mut one = experiment(&[("acc", above, 0.0)]);
    one.arms[0].name = "joint".to_owned();
    insta::assert_snapshot!(error(&one), @r###"there are two arms called "joint"; rename one"###);
    one.arms[0].name = "x".to_owned();
    one.arms[0].set.insert("methods.ewc.lambda".to_owned(), "1".to_owned());
    insta::assert_snapshot!(error(&one), @r###"arm "x": there is no setting "methods.ewc.lambda"; paths look like optimiser.rate or methods.ewc.lambda"###);
    let slip = SMALL.replace("CLAIMS", r#"claim(says: "", sorce: "")"#);
    insta::assert_snapshot!(file::parse(&slip, "small.ron").unwrap_err(), @r###"
small.ron:16:30: there is no field "sorce"; did you mean "source"?
16 |     claims: [claim(says: "", sorce: "")],
   |                              ^
"###);
}

#[test]
fn every_preset_with_claims_can_be_checked() {
    for preset in presets::all() {
        let experiment = presets::load(preset.name).unwrap().unwrap();
        if experiment.claims.is_empty() {
            assert!(experiment.arms.is_empty(), "{}: arms without claims are never run", preset.name);
            continue;
        }
        for quick in [false, true] {
            let study = Study::new(&experiment, quick).unwrap_or_else(|error| panic!("{}: {error}", preset.name));
            let named: Vec<&str> = study.claims().flat_map(|claim| claim.test.arms()).collect();
            for result in study.arms().iter().flat_map(|arm| &arm.results) {
                assert!(named.contains(&result.as_str()), "{}: no claim names arm {result}", preset.name);
            }
        }
        for claim in &experiment.claims {
            assert!(!claim.says.is_empty() && !claim.source.is_empty(), "{}: {claim:?}", preset.name);
        }
        for tried in &experiment.tried {
            assert!(!tried.what.is_empty() && !tried.found.is_empty(), "{}: {tried:?}", preset.name);
        }
    }
}

/// The ledger tells of claims that exist, with the margins that stand in the presets: a margin that was changed after a
/// check needs a new check.
#[test]
fn the_ledger_fits_the_presets() {
    for entry in ledger::embedded() {
        let experiment = presets::load(&entry.preset).unwrap_or_else(|| panic!("no preset {}", entry.preset)).unwrap();
        let claim = experiment.claims.iter().find(|claim| claim.says == entry.says);
        let claim = claim.unwrap_or_else(|| panic!("{}: no claim \"{}\"", entry.preset, entry.says));
        let wanted = format!("{} {}", claim.test.effect(), claim.wanted());
        assert_eq!((&entry.measure, &entry.wanted), (&claim.measure, &wanted), "{}: check it again", entry.preset);
    }
}

#[test]
fn shelves_hold_every_preset_once() {
    let mut names: Vec<&str> = presets::shelves().map(|(shelf, _)| shelf).collect();
    let count: usize = presets::shelves().map(|(_, presets)| presets.len()).sum();
    assert_eq!(count, presets::all().len());
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "a shelf stands in one piece: {names:?}");
    let mut presets: Vec<&str> = presets::all().iter().map(|preset| preset.name).collect();
    presets.sort_unstable();
    assert!(presets.windows(2).all(|pair| pair[0] != pair[1]), "a preset has its name alone: {presets:?}");
}

#[test]
fn a_sweep_has_a_table_of_its_values_on_validation() {
    let mut experiment = experiment(&[]);
    experiment.methods = vec![mnemoscope_core::Component::new("ewc").unwrap()];
    path::set(&mut experiment, "methods.ewc.lambda", "Each([0.0, 10.0])").unwrap();
    let mut run = Run::new(experiment, Wanted::Cpu).unwrap();
    while !run.finished() {
        run.step().unwrap();
    }
    let snapshot = run.snapshot().unwrap();
    let rows = mnemoscope_lab::sweep::rows(&snapshot);
    assert_eq!(rows.iter().map(|row| row.values.clone()).collect::<Vec<_>>(), [[0.0], [10.0]]);
    // By hand: the mean over both tasks of the last point of the curves, then over three seeds.
    let record = run.record();
    let last = |group, replica| record.accuracy(record.len() - 1, group, replica);
    let mean: f64 = (3..6).map(|replica| f64::midpoint(last(0, replica), last(1, replica))).sum::<f64>() / 3.0;
    assert!((rows[1].accuracy.as_ref().unwrap().mean - mean).abs() < 1e-12);
    let table = String::from_utf8(mnemoscope_lab::sweep::csv(&snapshot).unwrap().unwrap()).unwrap();
    assert!(table.starts_with("methods.ewc.lambda,part,accuracy,half_width_95,seeds,of\n0,validation,"), "{table}");
    assert!(mnemoscope_lab::sweep::text(&snapshot).contains("ACC on validation"));
}
