use super::*;
use crate::{Component, MemoryError, Snapshot, remember};
use mnemoscope_core::Setting;

/// The adapter, or `None` on a machine without one, unless the environment says that there must be one.
pub(crate) fn adapter() -> Option<Arc<Gpu>> {
    match Gpu::shared() {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            let required = std::env::var_os("MNEMOSCOPE_REQUIRE_GPU").is_some_and(|value| value == "1");
            assert!(!required, "MNEMOSCOPE_REQUIRE_GPU=1, and {error}");
            println!("SKIPPED: no Vulkan adapter ({error})");
            None
        }
    }
}

/// The memories that the shader knows, with this decay.
fn memories(decay: f64) -> [Composition; 3] {
    let named = |name: &str| {
        let point = Composition::named().iter().find(|point| point.name == name).unwrap();
        let mut composition = point.composition();
        if decay < 1.0 {
            composition.retention =
                mnemoscope_core::Component::new("decay").unwrap().with("gamma", Setting::Number(decay)).unwrap();
        }
        composition
    };
    let mut delta = named("delta_rule");
    delta.rule.set("beta", Setting::Number(0.8)).unwrap();
    [named("linear_attention"), delta, named("softmax_attention")]
}

fn scan(gpu: &Gpu, composition: &Composition, pairs: &Pairs, n: usize) -> Scan {
    let (kernel, decay) = Kernel::of(composition).unwrap();
    gpu.scan(kernel, decay, pairs, n).unwrap()
}

/// S and the answers by the processor.
fn twin(composition: &Composition, pairs: &Pairs, n: usize) -> Scan {
    let memory = remember(composition, pairs, n, 0).unwrap();
    let state = if composition.architecture.name() == "matrix" { memory.image().values } else { Vec::new() };
    let n = n.min(pairs.len());
    Scan { state, recalled: memory.read_all(&pairs.queries[..n * pairs.d_k], pairs.d_k) }
}

fn drawn(n: usize, d_k: usize, d_v: usize, seed: usize) -> Pairs {
    let settings = [("pairs", n as f64), ("d_k", d_k as f64), ("d_v", d_v as f64), ("seed", seed as f64)];
    let noisy = [("noise", 0.3), ("correlation", 0.2)];
    let component = settings
        .into_iter()
        .chain(noisy)
        .fold(Component::new("association").unwrap(), |c, (name, value)| c.with(name, Setting::Number(value)).unwrap());
    Pairs::draw(&component).unwrap()
}

/// max |a - b| / max(1, max |b|)
fn deviation(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(1.0f32, |largest, b| largest.max(b.abs()));
    a.iter().zip(b).fold(0.0f32, |most, (a, b)| most.max((a - b).abs())) / largest
}

#[test]
fn the_shader_agrees_with_the_processor() {
    let Some(gpu) = adapter() else { return };
    for (n, d_k, d_v) in [(1, 2, 2), (5, 3, 7), (33, 17, 5), (64, 64, 32), (101, 31, 67), (512, 128, 128), (130, 2, 65)]
    {
        let pairs = drawn(n, d_k, d_v, n);
        for (decay, shown) in [(1.0, n), (0.97, n), (1.0, n.div_ceil(2))] {
            for composition in memories(decay) {
                let (here, there) = (twin(&composition, &pairs, shown), scan(&gpu, &composition, &pairs, shown));
                let place = format!("{composition:?}, {shown} of {n} pairs, d_k {d_k}, d_v {d_v}");
                let of_state = deviation(&there.state, &here.state);
                assert!(of_state <= 1e-4, "S deviates by {of_state}: {place}");
                let of_recall = deviation(&there.recalled, &here.recalled);
                assert!(of_recall <= 1e-4, "recall deviates by {of_recall}: {place}");
            }
        }
    }
}

#[test]
fn a_batch_gives_each_memory_its_own_answer() {
    let Some(gpu) = adapter() else { return };
    let drawn_pairs: Vec<Pairs> = (0..7).map(|seed| drawn(19, 11, 6, seed)).collect();
    let all: Vec<&Pairs> = drawn_pairs.iter().collect();
    for composition in memories(0.9) {
        let (kernel, decay) = Kernel::of(&composition).unwrap();
        let scans = gpu.scan_all(kernel, decay, &all, 19).unwrap();
        assert_eq!(scans.len(), 7);
        for (one, pairs) in scans.iter().zip(&drawn_pairs) {
            assert_eq!(one, &scan(&gpu, &composition, pairs, 19));
            assert!(deviation(&one.recalled, &twin(&composition, pairs, 19).recalled) <= 1e-4, "{kernel:?}");
        }
    }
    assert_eq!(gpu.scan_all(Kernel::Hebb, 1.0, &[], 5).unwrap(), []);
    let other = drawn(19, 11, 5, 0);
    assert_eq!(gpu.scan_all(Kernel::Hebb, 1.0, &[&drawn_pairs[0], &other], 5), Err(GpuError::MixedShapes));
}

#[test]
fn nothing_written_is_nothing_recalled() {
    let Some(gpu) = adapter() else { return };
    let pairs = drawn(4, 3, 2, 0);
    for composition in memories(1.0) {
        assert_eq!(scan(&gpu, &composition, &pairs, 0), twin(&composition, &pairs, 0));
        let snapshot = Snapshot::take(&composition, &pairs, 0, Some(&gpu)).unwrap();
        assert_eq!((snapshot.quality.error, snapshot.quality.decoded), (0.0, 0.0));
    }
}

#[test]
fn a_memory_that_the_shader_does_not_know_is_refused() {
    let mut gated = memories(0.9)[1].clone();
    gated.rule.set("error_at", Setting::Text("before".to_owned())).unwrap();
    assert_eq!(Kernel::of(&gated), Err(MemoryError::NotOnCard));
    for point in Composition::named() {
        let known =
            ["linear_attention", "retnet", "delta_rule", "gated_delta_rule", "softmax_attention"].contains(&point.name);
        assert_eq!(Kernel::of(&point.composition()).is_ok(), known, "{}", point.name);
    }
}

#[test]
fn what_does_not_fit_is_refused_with_its_size() {
    let Some(gpu) = adapter() else { return };
    let limit = gpu.device.limits().max_compute_workgroup_storage_size as usize;
    let most = limit / 4 / PADDING * PADDING;
    let single = |width: usize| Pairs::new(width, 1, vec![0.01; width], vec![2.0]).unwrap();
    let error = gpu.scan(Kernel::Hebb, 1.0, &single(most + 1), 1).unwrap_err();
    assert_eq!(error, GpuError::TooWide { width: most + PADDING, limit });
    assert!(error.to_string().contains(&format!("needs {} bytes", (most + PADDING) * 4)), "{error}");
    // As wide as the memory takes is still right.
    let state = gpu.scan(Kernel::Hebb, 1.0, &single(most), 1).unwrap().state;
    assert!(deviation(&state, &twin(&Composition::default(), &single(most), 1).state) <= 1e-4);
    let one = drawn(1, 2, 2, 0);
    let most = gpu.device.limits().max_compute_workgroups_per_dimension as usize;
    let many = vec![&one; most + 1];
    assert!(matches!(gpu.scan_all(Kernel::Hebb, 1.0, &many, 1), Err(GpuError::TooLarge { .. })));
}

/// llvmpipe stops its loops without a word: up to the limit its answer must be right, beyond it must refuse.
#[test]
fn as_many_pairs_as_the_adapter_takes_are_right() {
    let Some(gpu) = adapter() else { return };
    let limit = most_software_pairs(1);
    let long = |n: usize| {
        let keys = (0..n * 3).map(|i| ((i * 7) % 11) as f32 / 11.0 - 0.5).collect();
        Pairs::new(3, 2, keys, (0..n * 2).map(|i| ((i * 5) % 13) as f32 / 13.0 - 0.5).collect()).unwrap()
    };
    for composition in memories(0.999) {
        let pairs = long(limit);
        let rows = if composition.architecture.name() == "matrix" { limit } else { 500 };
        let recalled = scan(&gpu, &composition, &pairs, rows).recalled;
        assert!(deviation(&recalled, &twin(&composition, &pairs, rows).recalled) <= 1e-4, "{composition:?}");
    }
    let beyond = gpu.scan(Kernel::Hebb, 1.0, &long(limit + 1), limit + 1);
    let refused = Err(GpuError::TooLong { pairs: limit + 1, limit });
    assert!(if gpu.software() { beyond == refused } else { beyond.is_ok() });
}

#[test]
fn the_view_shows_the_same_from_either_place() {
    let Some(gpu) = adapter() else { return };
    let pairs = drawn(40, 24, 16, 3);
    for composition in memories(0.95) {
        let here = Snapshot::take(&composition, &pairs, 30, None).unwrap();
        let there = Snapshot::take(&composition, &pairs, 30, Some(&gpu)).unwrap();
        assert!(deviation(&there.recall_matrix, &here.recall_matrix) <= 1e-4);
        assert!((there.quality.error - here.quality.error).abs() <= 1e-4 * here.quality.error.max(1.0));
        assert_eq!(there.weights, here.weights);
    }
    let component = Component::new("association").unwrap().with("gpu", Setting::Switch(true)).unwrap();
    let association = crate::Association::new(component, Composition::default()).unwrap();
    assert_eq!(association.adapter(), Some(gpu.name()));
}

#[test]
fn a_missing_card_is_an_error_that_says_what_to_do() {
    let error = MemoryError::from(GpuError::NoAdapter).to_string();
    assert!(error.contains("install a Vulkan driver") && error.contains("on the processor"), "{error}");
}

#[test]
fn a_state_that_stays_on_the_card_is_the_one_that_is_read_back() {
    let Some(gpu) = adapter() else { return };
    let pairs = drawn(20, 13, 5, 3);
    for composition in memories(0.97) {
        let (kernel, decay) = Kernel::of(&composition).unwrap();
        let kept = gpu.state_on_card(kernel, decay, &pairs, 20).unwrap();
        if matches!(kernel, Kernel::Softmax { .. }) {
            assert!(kept.is_none());
            continue;
        }
        let kept = kept.unwrap();
        assert_eq!((kept.rows, kept.columns, kept.row_stride), (5, 13, 16));
        let back = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: kept.buffer.size(),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(&kept.buffer, 0, &back, 0, back.size());
        gpu.queue.submit([encoder.finish()]);
        let state = gpu.download(&[back]).unwrap().remove(0);
        let rows: Vec<f32> = state.chunks_exact(16).flat_map(|row| row[..13].to_vec()).collect();
        assert_eq!(rows, scan(&gpu, &composition, &pairs, 20).state);
        assert!(gpu.state_on_card(kernel, decay, &pairs, 0).unwrap().is_none());
    }
}
