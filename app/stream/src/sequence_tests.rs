//! Every answer of every task worked out from the tokens before it, by the task's definition and nothing else.

use std::collections::HashSet;

use mnemoscope_core::token::{PAD, unpack};
use mnemoscope_core::{Component, Setting};
use proptest::prelude::*;

use super::*;

fn source(text: &str) -> Component<DataSources> {
    ron::from_str(text).unwrap()
}

fn load(text: &str) -> Dataset {
    Dataset::load(&source(text)).unwrap()
}

/// The tokens of a row without padding, and which of them ask.
fn row(data: &Dataset, index: usize) -> (Vec<String>, Vec<bool>) {
    let mut features = vec![0.0; data.features()];
    data.row_into(index, &mut features);
    let tokens: Vec<(u16, bool)> = features.into_iter().map(unpack).collect();
    let padding = tokens.iter().take_while(|(token, _)| *token == PAD).count();
    assert!(tokens[..padding].iter().all(|(_, asked)| !asked), "padding asks nothing");
    tokens[padding..].iter().map(|(token, asked)| (data.class_names[usize::from(*token)].clone(), *asked)).unzip()
}

/// The answer to the last of these tokens. `knobs`: the settings of the source.
fn solve(knobs: &Component<DataSources>, told: &[String]) -> String {
    let last = &told[told.len() - 1];
    let before = &told[..told.len() - 1];
    let filler = |token: &&String| token.starts_with('n');
    // The token behind the newest place of `token`.
    let newest = |token: &String| {
        let place = before.iter().rposition(|other| other == token).unwrap();
        before[place + 1].clone()
    };
    let yes_or_no = |same: bool| if same { "same" } else { "other" }.to_owned();
    match knobs.text("task") {
        "recall" | "rewriting" | "induction" => newest(last),
        "selective_copying" | "serial_recall" => {
            let bell = told.iter().position(|token| token == "recall").unwrap();
            let items: Vec<&String> = told[..bell].iter().filter(|token| !filler(token)).collect();
            items[told.len() - 1 - bell].clone()
        }
        "n_back" => {
            let items: Vec<&String> = told.iter().filter(|token| token.starts_with('v')).collect();
            yes_or_no(items[items.len() - 1 - knobs.whole("back")] == last)
        }
        "delayed_match" => yes_or_no(&told[0] == last),
        "modular" => {
            let number = |token: &String| token.parse::<i64>().unwrap();
            let (a, b) = (number(&told[0]), number(&told[2]));
            let result = match told[1].as_str() {
                "+" => a + b,
                "−" => a - b,
                "·" => a * b,
                other => panic!("{other}"),
            };
            result.rem_euclid(knobs.whole("modulus") as i64).to_string()
        }
        "t_maze" => {
            let cue = told.iter().rev().find_map(|token| token.strip_prefix("cue ")).unwrap();
            cue.to_owned()
        }
        "updating" => {
            let mut held = 0;
            for pair in before.windows(2).filter(|pair| &pair[0] == last) {
                match pair[1].as_str() {
                    "+1" => held += 1,
                    "−1" => held -= 1,
                    // The first number, or the answer to an earlier question.
                    number => held = number.parse().unwrap_or(held),
                }
            }
            i64::rem_euclid(held, knobs.whole("modulus") as i64).to_string()
        }
        other => panic!("no solver for {other}"),
    }
}

/// Checks every answer of every row; how many there are per row.
fn check(knobs: &Component<DataSources>, data: &Dataset) -> usize {
    let mut questions = 0;
    for index in 0..data.len() {
        let (tokens, asked) = row(data, index);
        assert_eq!(asked.last(), Some(&true), "the last token asks for the label");
        for at in (0..tokens.len()).filter(|at| asked[*at]) {
            let label = &data.class_names[usize::from(data.labels[index])];
            let answer = tokens.get(at + 1).unwrap_or(label);
            assert_eq!(&solve(knobs, &tokens[..=at]), answer, "{} at {at} of {tokens:?}", data.name);
            questions += 1;
        }
    }
    assert_eq!(questions % data.len(), 0, "every sequence asks as often");
    questions / data.len()
}

#[test]
fn every_answer_of_every_task_follows_from_its_tokens() {
    let questions = [3, 3, 8, 3, 6, 1, 1, 1, 8, 3];
    for (task, questions) in TASKS.iter().zip(questions) {
        let knobs = source(&format!("sequence(task: \"{}\", samples: 500)", task.name));
        let data = Dataset::load(&knobs).unwrap();
        assert_eq!(check(&knobs, &data), questions, "{}", task.name);
        assert_eq!(data, Dataset::load(&knobs).unwrap(), "{}: drawn once", task.name);
    }
}

#[test]
fn no_two_sequences_of_a_task_are_equal_and_they_fill_the_row() {
    for task in &TASKS {
        let data = load(&format!("sequence(task: \"{}\", samples: 500)", task.name));
        let Shape::Tokens { length, vocabulary } = data.shape else { panic!("{:?}", data.shape) };
        assert_eq!((length, vocabulary), (data.features(), data.classes));
        let rows: Vec<_> = (0..data.len()).map(|index| row(&data, index).0).collect();
        assert_eq!(rows.iter().collect::<HashSet<_>>().len(), data.len(), "{}", task.name);
        let longest = rows.iter().map(Vec::len).max().unwrap();
        assert_eq!(longest, length, "{}", task.name);
        assert!(task.name == "t_maze" || rows.iter().all(|row| row.len() == length), "{}", task.name);
    }
}

/// Share of labels that the best guess from the last token and the sequence's length gets right, on the rows that it was made from.
fn by_last_token(data: &Dataset) -> (f64, f64) {
    let mut seen: std::collections::BTreeMap<(String, usize), Vec<usize>> = std::collections::BTreeMap::new();
    let mut all = vec![0; data.classes];
    for index in 0..data.len() {
        let (tokens, _) = row(data, index);
        let place = (tokens[tokens.len() - 1].clone(), tokens.len());
        let label = usize::from(data.labels[index]);
        seen.entry(place).or_insert_with(|| vec![0; data.classes])[label] += 1;
        all[label] += 1;
    }
    let right: usize = seen.values().map(|counts| counts.iter().max().unwrap()).sum();
    (right as f64 / data.len() as f64, *all.iter().max().unwrap() as f64 / data.len() as f64)
}

#[test]
fn the_last_token_and_the_length_tell_nothing() {
    for task in TASKS.iter().filter(|task| task.name != "modular") {
        // Few tokens, so that every last token is seen some hundred times.
        let items = if task.name == "n_back" { 10 } else { 5 };
        let data = load(&format!(
            "sequence(task: \"{}\", samples: 4000, keys: 4, values: 5, items: {items}, modulus: 5, filler: 8)",
            task.name
        ));
        let (last, chance) = by_last_token(&data);
        let expected = match task.name {
            "n_back" | "delayed_match" | "t_maze" => 0.5,
            // Four others may follow; items may come twice where they are drawn with replacement.
            "induction" => 0.25,
            _ => 0.2,
        };
        // 4000 rows in at most 20 cells with 5 answers: the best guess gains about 1.2 deviations of a cell of 200, 0.035.
        assert!(last < expected + 0.06, "{}: {last} with the last token, {chance} without", task.name);
    }
}

#[test]
fn modular_arithmetic_has_every_pair_once_in_both_forms() {
    // 3 and 4 modulo 7: 7, -1 and 12.
    for (operation, three_and_four) in [("add", 0), ("subtract", 6), ("multiply", 5)] {
        let tokens = load(&format!("sequence(task: \"modular\", modulus: 7, operation: \"{operation}\")"));
        assert_eq!((tokens.len(), tokens.features()), (49, 4));
        let one_hot = load(&format!("modular(modulus: 7, operation: \"{operation}\")"));
        assert_eq!((one_hot.len(), one_hot.classes, one_hot.shape), (49, 7, Shape::Table(14)));
        let mut features = vec![0.0; 14];
        for index in 0..49 {
            one_hot.row_into(index, &mut features);
            let places: Vec<usize> = (0..14).filter(|at| features[*at] == 1.0).collect();
            assert_eq!((places.len(), features.iter().sum::<f32>()), (2, 2.0));
            let (words, _) = row(&tokens, index);
            assert_eq!(
                [words[0].clone(), words[2].clone()],
                [places[0], places[1] - 7].map(|number| number.to_string())
            );
            let name = &tokens.class_names[usize::from(tokens.labels[index])];
            assert_eq!(*name, one_hot.labels[index].to_string());
        }
        assert_eq!(one_hot.labels[3 * 7 + 4], three_and_four, "{operation}");
    }
}

#[test]
fn with_a_period_the_same_keys_are_asked_again_after_so_many_tokens() {
    let knobs = source("sequence(samples: 50, pairs: 6, queries: 6, period: 12, recurring: 2)");
    let data = Dataset::load(&knobs).unwrap();
    assert_eq!(check(&knobs, &data), 6);
    for index in 0..data.len() {
        let (tokens, asked) = row(&data, index);
        let places: Vec<usize> = (0..tokens.len()).filter(|at| asked[*at]).collect();
        for (place, later) in places.iter().zip(&places[2..]) {
            assert_eq!((later - place, &tokens[*later]), (12, &tokens[*place]));
        }
        assert_ne!(tokens[places[0]], tokens[places[1]]);
    }
}

#[test]
fn labels_that_are_to_be_even_are_even() {
    for task in ["delayed_match", "n_back", "t_maze"] {
        let data = load(&format!("sequence(task: \"{task}\", samples: 301)"));
        let mut counts: Vec<usize> = data.class_counts().into_iter().filter(|count| *count > 0).collect();
        counts.sort_unstable();
        assert_eq!(counts, [150, 151], "{task}");
    }
    // Ten values and one kind of filler: ten sequences end with the same value, ninety with another.
    let text = |samples| format!("sequence(task: \"delayed_match\", values: 10, noise: 1, samples: {samples})");
    assert_eq!(load(&text(20)).class_counts().iter().filter(|count| **count == 10).count(), 2);
    let error = Dataset::load(&source(&text(22))).unwrap_err().to_string();
    assert!(error.contains("hardly more than 10 different sequences with the answer same"), "{error}");
}

#[test]
fn what_is_asked_was_not_asked_before_and_what_is_asked_last_was_changed() {
    for (task, queries) in
        [("recall", 3), ("recall", 4), ("rewriting", 3), ("rewriting", 4), ("updating", 3), ("updating", 4)]
    {
        // One update: what is asked last can be told from the tokens.
        let data = load(&format!("sequence(task: \"{task}\", pairs: 4, queries: {queries}, updates: 1, samples: 300)"));
        let mut first_asked = HashSet::new();
        for index in 0..data.len() {
            let (tokens, asked) = row(&data, index);
            let keys: Vec<&String> =
                tokens.iter().zip(&asked).filter(|(_, asked)| **asked).map(|(key, _)| key).collect();
            assert_eq!(keys.iter().collect::<HashSet<_>>().len(), queries, "{task}: {tokens:?}");
            assert!(task == "recall" || *keys[queries - 1] == tokens[8], "{task}: {tokens:?}");
            first_asked.insert(tokens[..8].iter().position(|token| token == keys[0]));
        }
        assert_eq!(first_asked, [0, 2, 4, 6].map(Some).into(), "{task}: any pair may be asked first");
    }
}

#[test]
fn the_maze_asks_for_retention_alone_or_rewriting_alone() {
    let cues = |p: &str| {
        let data = load(&format!("sequence(task: \"t_maze\", samples: 100, corridors: 5, cue: {p})"));
        let count = |index| row(&data, index).0.iter().filter(|token| token.starts_with("cue")).count();
        (0..data.len()).map(count).collect::<HashSet<_>>()
    };
    assert_eq!((cues("0.0"), cues("1.0")), ([1].into(), [5].into()));
}

#[test]
fn sizes_that_do_not_go_together_are_refused_with_the_fix() {
    let error = |text: &str| Dataset::load(&source(text)).unwrap_err().to_string();
    assert_eq!(
        error("sequence(pairs: 20)"),
        "recall: 20 pairs need as many keys, and there are 16; raise keys or lower pairs"
    );
    for (text, part) in [
        ("sequence(task: \"induction\", items: 3)", "raise items or lower queries"),
        ("sequence(task: \"n_back\", items: 2)", "raise items"),
        (
            "sequence(task: \"delayed_match\", values: 2, filler: 1, noise: 1)",
            "there are hardly more than 2 different sequences with the answer",
        ),
        ("sequence(filler: 1000, pairs: 16)", "above the limit of 1024"),
        ("sequence(period: 3, recurring: 2)", "raise period to 4"),
        ("sequence(period: 30, recurring: 5)", "raise pairs"),
        ("sequence(pairs: 20, period: 12)", "raise keys"),
        ("sequence(queries: 5)", "5 questions need as many pairs, and there are 4; lower queries or raise pairs"),
        ("sequence(task: \"rewriting\", pairs: 17)", "raise keys"),
        ("sequence(task: \"rewriting\", queries: 5)", "raise pairs"),
        ("sequence(task: \"updating\", queries: 5)", "5 questions need as many cells, and there are 4"),
    ] {
        assert!(error(text).contains(part), "{text}: {}", error(text));
    }
}

#[test]
fn scenarios_that_change_features_refuse_tokens() {
    let data = std::sync::Arc::new(load("sequence(samples: 200, values: 4)"));
    let stream = |scenario: &str| {
        let scenario = ron::from_str(scenario).unwrap();
        crate::Stream::new(data.clone(), &scenario, &Component::new("sequential").unwrap(), None, &[1])
    };
    for scenario in ["permute()", "rotate()", "few_shot()"] {
        let error = stream(scenario).unwrap_err().to_string();
        assert!(error.contains("sequences of tokens") && error.contains("choose split or sequences"), "{error}");
    }
    assert_eq!(stream("split(tasks: 2)").unwrap().group(0, 0).classes.len(), 2);
}

#[test]
fn which_experiments_give_tokens_is_told_without_the_data() {
    let gives = |data: &str, scenario: &str| gives_tokens(&source(data), &ron::from_str(scenario).unwrap());
    assert!(gives("digits()", "sequences()") && gives("sequence()", "split()"));
    assert!(!gives("modular()", "split()") && !gives("sequence()", "long_tail()"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn answers_follow_at_any_size(
        task in 0..TASKS.len(),
        (pairs, queries, filler, updates) in (1usize..6, 1usize..5, 3usize..12, 1usize..6),
        (items, back, corridors, seed) in (6usize..10, 1usize..5, 3usize..6, 0usize..1000),
    ) {
        let mut knobs = source("sequence(samples: 20, keys: 8, values: 12, modulus: 5)");
        knobs.set("task", Setting::Text(TASKS[task].name.to_owned())).unwrap();
        let sizes = [
            ("pairs", pairs.max(queries)), ("queries", queries), ("filler", filler), ("updates", updates), ("items", items),
            ("back", back), ("corridors", corridors), ("seed", seed),
        ];
        for (name, value) in sizes {
            knobs.set(name, Setting::Number(value as f64)).unwrap();
        }
        let data = Dataset::load(&knobs).unwrap();
        check(&knobs, &data);
    }
}
