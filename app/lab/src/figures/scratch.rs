use super::*;
use crate::snapshot::*;
use mnemoscope_core::Setting;
use mnemoscope_figure::theme::{DARK, LIGHT};
use std::sync::Arc;
#[test]
fn pictures() {
    let mut s = sample::finished();
    let mut counts = mnemoscope_measure::Confusion::new(7);
    for t in 0..7 {
        for a in 0..7 {
            for _ in 0..(if t == a { 30 } else { (t * 3 + a * 5) % 4 }) {
                counts.add(t, a).unwrap();
            }
        }
    }
    s.confusion = Some(Arc::new(ConfusionView { counts, wrong: vec![] }));
    s.events = vec![crate::experiment::Event { step: 140, path: "optimiser.rate".into(), old: 0.05, new: 0.2 }];
    let side = 48;
    let values = (0..side * side)
        .map(|i| {
            let (x, y) = ((i % side) as f32 / 47.0 - 0.5, (i / side) as f32 / 47.0 - 0.5);
            1.0 / (1.0 + (-30.0 * (y - 0.3 * (x * 7.0).sin())).exp())
        })
        .collect();
    let points = (0..120)
        .map(|i| {
            let a = i as f32 * 0.37;
            let c = (i % 2) as u16;
            let r = 0.3 + 0.4 * c as f32;
            (r * a.cos(), r * a.sin(), c, i % 3)
        })
        .collect();
    s.surface = Some(Arc::new(SurfaceView { side, range: (-1.0, 1.0), values, points }));
    s.step = 250;
    s.status = Status::Running;
    let plain = View::default();
    let mut other = sample::finished();
    let mut m = (*other.matrices).clone();
    for r in &mut m.seen.rows {
        for g in r {
            for v in g.iter_mut() {
                *v *= 0.9;
            }
        }
    }
    other.matrices = Arc::new(m);
    let pinned = View {
        pinned: Some(Arc::new(other)),
        references: true,
        untrained: true,
        known: vec![Known { label: "cumulative training".into(), accuracy: 0.93 }],
        ..View::default()
    };
    let c = mnemoscope_memory::Component::new("association")
        .unwrap()
        .with("pairs", Setting::Number(24.0))
        .unwrap()
        .with("d_k", Setting::Number(24.0))
        .unwrap()
        .with("d_v", Setting::Number(24.0))
        .unwrap();
    let curves = mnemoscope_memory::capacity_curve(&c, &[3, 6, 12, 18, 24, 30, 36, 42, 48], 6).unwrap();
    let memory = mnemoscope_memory::Association::new(c).unwrap();
    let all = vec![
        ("accuracy", accuracy(&s, &plain), (680.0, 310.0)),
        ("accuracy-pinned", accuracy(&s, &pinned), (680.0, 310.0)),
        ("matrix", matrix(&s, &plain), (390.0, 310.0)),
        ("matrix-pinned", matrix(&s, &pinned), (390.0, 310.0)),
        ("gap", gap(&s, &View { gap: Some((1, 0)), ..View::default() }), (340.0, 260.0)),
        ("objective", objective(&s, &plain), (340.0, 260.0)),
        ("confusion", confusion(&s, &plain), (390.0, 310.0)),
        ("surface", surface(&s, &plain), (340.0, 310.0)),
        ("state", memory_matrix(&memory), (300.0, 260.0)),
        ("written", written_pair(&memory).unwrap(), (300.0, 260.0)),
        ("recall", recall_matrix(&memory), (300.0, 260.0)),
        ("error", error_curve(&curves, 6, 24, Some((1.0, 0.98))), (340.0, 260.0)),
    ];
    std::fs::create_dir_all("/tmp/mine").unwrap();
    for (name, figure, size) in all {
        for (theme, dark) in [(&DARK, "dark"), (&LIGHT, "light")] {
            std::fs::write(format!("/tmp/mine/{name}-{dark}.png"), figure.png(theme, size, 1.5).unwrap()).unwrap();
        }
    }
}
