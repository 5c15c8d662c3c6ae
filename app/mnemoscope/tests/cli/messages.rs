//! What the program says when something is wrong, and with which exit code.

use crate::terminal::{fail, mnemoscope, small, stderr, succeed};

fn refused(setting: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fail(&mut small(folder.path(), &["--set", setting]))
}

#[test]
fn a_wrong_setting_is_named_with_the_nearest_right_one() {
    insta::assert_snapshot!(refused("optimiser.rat=0.1"), @r###"
error: --set: there is no setting "optimiser.rat"; did you mean "optimiser.rate"?; paths look like optimiser.rate or methods.ewc.lambda
"###);
    insta::assert_snapshot!(refused("evaluation.every=often"), @r###"
error: --set: evaluation.every: evaluation continual: every must be whole number, 1 to 10000, logarithmic, not "often"
"###);
    insta::assert_snapshot!(refused("evaluation.every=0"), @"error: --set: evaluation.every: evaluation continual: every = 0 is outside its range 1 to 10000");
    insta::assert_snapshot!(refused("model.activation=rely"), @r###"
error: --set: model.activation: model mlp: activation = "rely" is not one of: relu, tanh, gelu, square; did you mean "relu"?
"###);
    insta::assert_snapshot!(refused("optimiser.rate"), @"error: --set optimiser.rate: write PATH=VALUE, such as optimiser.rate=0.1");
}

#[test]
fn a_mistake_in_a_file_is_shown_with_line_column_and_the_nearest_name() {
    let folder = tempfile::tempdir().unwrap();
    let message = |text: &str| {
        std::fs::write(folder.path().join("mine.ron"), text).unwrap();
        fail(mnemoscope(&["run", "mine.ron"]).current_dir(folder.path()))
    };
    insta::assert_snapshot!(message("(\n    format: 1,\n    optimizer: sgd(),\n)\n"), @r###"
error: mine.ron:3:5: there is no field "optimizer"; did you mean "optimiser"?
3 |     optimizer: sgd(),
  |     ^
"###);
    insta::assert_snapshot!(message("(\n    format: 1,\n    methods: [ewcc()],\n)\n"), @r###"
error: mine.ron:3:15: there is no method "ewcc"; did you mean "ewc"?
3 |     methods: [ewcc()],
  |               ^
"###);
    insta::assert_snapshot!(message("(\n    format: 1,\n    methods: [ewc(lamda: 5)],\n)\n"), @r###"
error: mine.ron:3:19: method ewc has no setting "lamda"; did you mean "lambda"?
3 |     methods: [ewc(lamda: 5)],
  |                   ^
"###);
    insta::assert_snapshot!(message("(\n    format: 1,\n    evaluation: continual(every: 0),\n)\n"), @r###"
error: mine.ron:3:35: evaluation continual: every = 0 is outside its range 1 to 10000
3 |     evaluation: continual(every: 0),
  |                                   ^
"###);
    insta::assert_snapshot!(message("(\n    format: 1,\n    optimiser: sgd(rate: 0.1\n)\n"), @r###"
error: mine.ron:4:2: Expected comma
4 | )
  |  ^
"###);
    insta::assert_snapshot!(message("(format: 99)"), @"error: mine.ron has format 99, and this program reads formats up to 2: update Mnemoscope to open it");
}

#[test]
fn an_unknown_preset_suggests_the_nearest() {
    insta::assert_snapshot!(fail(&mut mnemoscope(&["run", "forgeting-split-digits"])), @r###"
error: there is no file or preset "forgeting-split-digits"; did you mean "forgetting-split-digits"?
"###);
    insta::assert_snapshot!(fail(&mut mnemoscope(&["run", "mine.ron"])), @r###"
error: there is no file or preset "mine.ron"; mnemoscope list presets shows the presets
"###);
    insta::assert_snapshot!(fail(&mut mnemoscope(&["lst"])), @r###"
error: there is no file or preset "lst"; did you mean "list"?
"###);
}

#[test]
fn a_folder_without_a_checkpoint_cannot_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let message = fail(mnemoscope(&["resume", "nothing"]).current_dir(folder.path()));
    insta::assert_snapshot!(message, @"error: nothing/checkpoint.bin: No such file or directory (os error 2); resume needs a folder that `mnemoscope run --out` wrote a checkpoint to");
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_display_the_headless_command_is_named() {
    for args in [&[][..], &["forgetting-split-digits"]] {
        let output = mnemoscope(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        insta::allow_duplicates! { insta::assert_snapshot!(stderr(&output), @"there is no display to open a window on; train without one: mnemoscope run PRESET.ron --out DIR"); }
        assert!(output.stdout.is_empty());
    }
}

/// A display that is named and does not answer.
#[cfg(target_os = "linux")]
#[test]
fn a_display_that_does_not_answer_is_no_panic() {
    let output = mnemoscope(&[]).env("DISPLAY", ":987").output().unwrap();
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("mnemoscope run") && !message.contains("panicked"), "{message}");
}

#[test]
fn wrong_arguments_exit_with_2() {
    for args in [&["run"][..], &["run", "x", "--device", "tpu"], &["list", "everything"]] {
        let output = mnemoscope(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn an_unwritable_folder_is_told_before_training() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("taken"), "").unwrap();
    let message = fail(&mut small(&folder.path().join("taken").join("results"), &[]));
    assert!(message.contains("taken"), "{message}");
}

#[test]
fn the_library_of_data_sets_says_what_it_has_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |args: &[&str]| {
        let mut command = mnemoscope(args);
        command.env("MNEMOSCOPE_DATA", folder.path().join("data")).current_dir(folder.path());
        command
    };
    insta::assert_snapshot!(fail(&mut ask(&["data", "get", "mnits"])), @r###"
error: there is no data set "mnits" to fetch; did you mean "mnist"?
"###);
    let path = folder.path().join("data");
    assert_eq!(succeed(&mut ask(&["data", "path"])).trim(), path.to_str().unwrap());
    let list = succeed(&mut ask(&["data", "list"]));
    assert!(list.contains("kmnist: KMNIST (absent)") && !list.contains("(present)"), "{list}");
    std::fs::write(folder.path().join("mine.ron"), "(format: 1, data: library(name: \"kmnist\"))").unwrap();
    let message = fail(&mut ask(&["run", "mine.ron"]));
    assert!(message.contains("kmnist is not on this machine: run `mnemoscope data get kmnist`"), "{message}");
}
