//! What the program says when something is wrong, and with which exit code.

mod common;

use common::{fail, mnemoscope, small, stderr};

fn refused(setting: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fail(&mut small(folder.path(), &["--set", setting]))
}

#[test]
fn a_wrong_setting_is_named_with_the_nearest_right_one() {
    insta::assert_snapshot!(refused("optimiser.rat=0.1"), @"");
    insta::assert_snapshot!(refused("optimiser.rate=fast"), @"");
    insta::assert_snapshot!(refused("optimiser.rate=-1"), @"");
    insta::assert_snapshot!(refused("model.activation=rely"), @"");
    insta::assert_snapshot!(refused("optimiser.rate"), @"");
}

#[test]
fn a_mistake_in_a_file_is_shown_with_line_column_and_the_nearest_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut message = |text: &str| {
        std::fs::write(folder.path().join("mine.ron"), text).unwrap();
        fail(mnemoscope(&["run", "mine.ron"]).current_dir(folder.path()))
    };
    insta::assert_snapshot!(message("(\n    format: 1,\n    optimizer: sgd(),\n)\n"), @"");
    insta::assert_snapshot!(message("(\n    format: 1,\n    methods: [ewcc()],\n)\n"), @"");
    insta::assert_snapshot!(message("(\n    format: 1,\n    methods: [ewc(lamda: 5)],\n)\n"), @"");
    insta::assert_snapshot!(message("(\n    format: 1,\n    optimiser: sgd(rate: 1e9),\n)\n"), @"");
    insta::assert_snapshot!(message("(\n    format: 1,\n    optimiser: sgd(rate: 0.1\n)\n"), @"");
    insta::assert_snapshot!(message("(format: 99)"), @"");
}

#[test]
fn an_unknown_preset_suggests_the_nearest() {
    insta::assert_snapshot!(fail(&mut mnemoscope(&["run", "forgeting-split-digits"])), @"");
    insta::assert_snapshot!(fail(&mut mnemoscope(&["run", "mine.ron"])), @"");
    insta::assert_snapshot!(fail(&mut mnemoscope(&["lst"])), @"");
}

#[test]
fn a_folder_without_a_checkpoint_cannot_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let message = fail(mnemoscope(&["resume", "nothing"]).current_dir(folder.path()));
    insta::assert_snapshot!(message, @"");
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_display_the_headless_command_is_named() {
    for args in [&[][..], &["forgetting-split-digits"]] {
        let output = mnemoscope(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        insta::allow_duplicates! { insta::assert_snapshot!(stderr(&output), @""); }
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
