//! `bench` measures everything that it says, whatever the figures are.

use crate::terminal::{mnemoscope, succeed};
use serde_json::Value;

#[test]
fn json_has_every_figure() {
    let report: Value = serde_json::from_str(&succeed(&mut mnemoscope(&["bench", "--quick", "--json"]))).unwrap();
    let positive = |value: &Value, name: &str| {
        let number = value[name].as_f64().unwrap_or_else(|| panic!("{name} is missing in {value}"));
        assert!(number.is_finite() && number > 0.0, "{name} = {number}");
    };
    assert!(report["machine"]["processor"].is_string() && report["quick"] == true);
    positive(&report["machine"], "cores");
    let cpu = &report["devices"][0];
    assert_eq!(cpu["name"], "CPU (Flex)");
    positive(&cpu["matmul"], "gflops");
    let steps = cpu["steps"].as_array().unwrap();
    let measured: Vec<_> = steps.iter().map(|step| (step["network"].as_str().unwrap(), &step["replicas"])).collect();
    let networks = ["64-100-100-10", "784-400-400-10", "64-c16-c32-64-10"];
    assert_eq!(measured.len(), 2 * networks.len());
    assert!(networks.iter().all(|network| [1, 8].iter().all(|r| measured.contains(&(network, &Value::from(*r))))));
    for step in steps {
        for name in ["bare_us", "bare_steps_per_s", "bare_replica_steps_per_s", "gflops", "run_us", "evaluated_us"] {
            positive(step, name);
        }
        assert!((0.0..1.0).contains(&step["evaluation_share"].as_f64().unwrap()));
    }
    let scans = &cpu["scans"];
    positive(scans, "bandwidth_gbytes");
    let speeds = scans["speeds"].as_array().unwrap();
    assert_eq!(speeds.len(), 2 * 7);
    for speed in speeds {
        for name in ["tokens_per_s", "plain_tokens_per_s", "limit_tokens_per_s"] {
            positive(speed, name);
        }
    }
    for name in ["still_ms", "training_ms", "training_p99_ms", "recorded_steps"] {
        positive(&report["frame"], name);
    }
    // Null on a machine without an adapter.
    if let Some(heat) = report["heat"].as_object() {
        assert_eq!(heat["side"], 1024);
        for name in ["upload_ms", "sent_ms", "sent_whole_ms", "shared_ms", "shared_whole_ms", "still_ms"] {
            positive(&report["heat"], name);
        }
    }
    for name in ["rows", "record_mb", "push_us"] {
        positive(&report["memory"], name);
    }
}
