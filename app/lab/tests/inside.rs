//! A run of a sequence model ends with the looks inside that its experiment asks for.

use mnemoscope_compute::Wanted;
use mnemoscope_lab::claim::Quantity;
use mnemoscope_lab::{Run, file, refusals};

const TEXT: &str = r#"(
    format: 2,
    stream: sequences(task_1: "recall", task_2: "none", task_3: "none", samples: 60, pairs: 2, queries: 2, batch: 8, steps: 4),
    model: sequence(layers: 2, heads: 2, width: 16, perceptron: 0, shift: 1),
    memory: (architecture: key_value_list(), bias: squared_error(), retention: none(), rule: local_regression()),
    caches: [full(), window(budget: 0.5, sinks: 0), prefix(budget: 0.5), retention_gate(budget: 0.5, steps: 3)],
    evaluation: continual(masked: 1),
    population: replicas(seeds: 2),
)"#;

#[test]
fn everything_asked_for_is_measured_and_full_is_the_model_itself() {
    let mut run = Run::new(file::parse(TEXT, "test").unwrap(), Wanted::Cpu).unwrap();
    while !run.finished() {
        run.step().unwrap();
    }
    let snapshot = run.snapshot().unwrap();
    let value = |text: &str, replica: usize| Quantity::parse(text).unwrap().of(&snapshot)[replica].value.clone();
    for replica in 0..2 {
        // No head masked, every token kept: both are the model as it is, on the whole small test part.
        let own = value("acc@all", replica).unwrap();
        assert_eq!(value("cache_acc[full]", replica).unwrap(), own);
        assert_eq!(value("retrieval_masked[none]", replica).unwrap(), own);
        assert_eq!(value("cache_acc[full] - retrieval_masked[none]", replica), Ok(0.0));
        for key in ["cache_acc[window 0.5]", "cache_acc[prefix 0.5]", "cache_acc[retention_gate 0.5]"] {
            assert!((0.0..=1.0).contains(&value(key, replica).unwrap()), "{key}");
        }
        let heads = ["[layer 0, head 0]", "[layer 0, head 1]", "[layer 1, head 0]", "[layer 1, head 1]"];
        let scores = heads.map(|head| value(&format!("retrieval_score{head}"), replica).unwrap());
        let best = scores.iter().copied().fold(0.0, f64::max);
        assert_eq!(value("retrieval_score[top 1]", replica).unwrap(), best);
        let bytes = |policy: &str| value(&format!("cache_bytes[{policy}]"), replica).unwrap();
        assert!(bytes("window 0.5") < bytes("full"));
        let missing = value("cache_acc[lazy 0.5]", replica).unwrap_err();
        assert!(missing.contains("this experiment looks at: retrieval_score"), "{missing}");
    }
}

#[test]
fn what_has_no_cache_or_heads_is_refused() {
    let refusal = |from: &str, to: &str| {
        let experiment = file::parse(&TEXT.replace(from, to), "test").unwrap();
        refusals(&experiment).into_iter().map(|refusal| (refusal.place, refusal.message)).next()
    };
    assert_eq!(refusal("", ""), None);
    let (place, message) = refusal(
        "architecture: key_value_list(), bias: squared_error(), retention: none(), rule: local_regression()",
        "",
    )
    .unwrap();
    assert!(place == "caches" && message.contains("softmax attention"), "{message}");
    let (_, message) = refusal("masked: 1", "masked: 4").unwrap();
    assert!(message.contains("4 of 4 heads"), "{message}");
    let (_, message) = refusal("full(), ", "full(), full(), ").unwrap();
    assert!(message.contains("two cache policies are called full"), "{message}");
}
