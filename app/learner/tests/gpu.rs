//! The same run on the processor and on a graphics card.

mod common;

use common::*;
use mnemoscope_compute::{CpuOrGpu, Wanted, choose};

const SEEDS: [u64; 3] = [5, 1, 8];

#[test]
fn a_graphics_card_follows_the_processor() {
    let device = match choose(Wanted::Gpu) {
        Ok(chosen) if chosen.kind == CpuOrGpu::Gpu => chosen.device,
        other => {
            assert!(std::env::var_os("MNEMOSCOPE_REQUIRE_GPU").is_none_or(|v| v != "1"), "no adapter: {other:?}");
            println!("SKIPPED: no Vulkan adapter");
            return;
        }
    };
    let setups = [
        ("sgd", Setup::new().method("cumulative", &[]).method("replay", &[]).method("ewc", &[]).method("lwf", &[])),
        ("asymmetric", Setup::new().method("er_ace", &[]).method("mer", &[("every", number(4.0))])),
        ("interference", Setup::new().method("mir", &[("candidates", number(20.0)), ("batch", number(4.0))])),
        ("stored logits", Setup::new().method("der", &[]).method("derpp", &[])),
        ("importances", Setup::new().method("si", &[]).method("mas", &[]).method("online_ewc", &[])),
        ("rehearsal-free", Setup::new().method("l2", &[]).method("feature_kd", &[]).method("local_ce", &[])),
        ("adamw", Setup::new().optimiser("adamw", &[]).activation("gelu").head(mnemoscope_learner::Head::Task)),
        ("one replica diverges", Setup::new().spread("optimiser", "rate", vec![0.05, 1e30, 0.05])),
    ];
    // Of the sequence models one without scans and one with: a step on a software adapter takes its time.
    let models = common::every_model().into_iter().filter(|(name, _)| {
        !name.starts_with("sequence") || ["sequence, softmax", "sequence, gated delta"].contains(&name.as_str())
    });
    let setups = setups.map(|(name, setup)| (name.to_owned(), setup)).into_iter().chain(models);
    for (name, setup) in setups {
        let mut here = setup.learner(&SEEDS);
        let mut there = setup.try_learner(&SEEDS, vec![], &device).unwrap();
        drive(&mut here, &SEEDS, 0, GROUPS * BLOCK);
        drive(&mut there, &SEEDS, 0, GROUPS * BLOCK);
        assert_eq!(there.scans_refused(), None, "{name}");
        assert_eq!(here.diverged(), there.diverged(), "{name}");
        // The diverging replica's last finite step is 1e30 times a gradient: nothing to compare there.
        let p = here.parameters();
        let (here, there) = (here.weights(), there.weights());
        for replica in (0..3).filter(|replica| name != "one replica diverges" || *replica != 1) {
            let own = replica * p..(replica + 1) * p;
            let apart = furthest(&here[own.clone()], &there[own]);
            assert!(apart < 1e-3, "{name}: replica {replica} is {apart} apart");
        }
        assert!(there.iter().all(|weight| weight.is_finite()), "{name}");
    }
}
