//! `shaders/scan.wgsl` against the processor's scans.

use super::*;
use crate::GpuError;
use crate::gpu::tests::adapter;

/// The most that the card may deviate: max |a - b| / max(1, max |b|).
const AGREEMENT: f64 = 1e-4;

fn widened(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|x| f64::from(*x)).collect()
}

fn agrees(form: Form, retention: Retention, shape: Shape, seed: usize) {
    agree(form, &Drawn::new(form, shape, retention, seed));
}

fn agree(form: Form, drawn: &Drawn) {
    let (Some(gpu), shape) = (adapter(), drawn.shape) else { return };
    let card = Backend::Gpu(gpu);
    let inputs = drawn.inputs();
    let (here, there) = (forward(form, shape, &inputs), card.forward(form, shape, &inputs).unwrap());
    let place = format!("{form:?}, {shape:?}");
    let of_out = deviation(&there.out, &widened(&here.out));
    assert!(of_out <= AGREEMENT, "out deviates by {of_out}: {place}");
    let back = backward(form, shape, &inputs, &here, &drawn.d_out);
    let found = card.backward(form, shape, &inputs, &there, &drawn.d_out).unwrap();
    for (part, (found, back)) in
        ["q", "k", "v", "strength", "retention", "momentum"].iter().zip(parts(&found).into_iter().zip(parts(&back)))
    {
        let of_slope = deviation(found, &widened(back));
        assert!(of_slope <= AGREEMENT, "by {part} deviates by {of_slope}: {place}");
    }
}

#[test]
fn every_form_agrees() {
    for (seed, (form, retention)) in forms().into_iter().enumerate() {
        agrees(form, retention, shape(3, 21, 6, 9, 4), seed);
    }
}

/// Many cards compute tanh by exponentials, which overflow, and their tanh is then not a number.
#[test]
fn large_errors_agree() {
    for p in [1.0, 1.5, 2.0] {
        let form = Form::Gradient { bias: Bias::Lp { p }, error_at_decayed: false, momentum: false };
        let mut drawn = Drawn::new(form, shape(2, 9, 6, 9, 4), Retention::Scalar, 6);
        drawn.v.iter_mut().for_each(|v| *v *= 100.0);
        agree(form, &drawn);
    }
}

/// One row and one step; chunks of one step and longer than the sequence; more rows than a workgroup holds.
#[test]
fn odd_sizes_agree() {
    let delta = Form::Gradient { bias: Bias::Squared, error_at_decayed: true, momentum: false };
    let titans = Form::Gradient { bias: Bias::Squared, error_at_decayed: false, momentum: true };
    let huber = Form::Gradient { bias: Bias::Huber { delta: 0.7 }, error_at_decayed: false, momentum: false };
    let squares = Form::LeastSquares { ridge: 0.5 };
    let kl = Form::Gradient { bias: Bias::Kl, error_at_decayed: true, momentum: false };
    for form in [delta, titans, huber, kl, squares] {
        for shape in [
            shape(1, 1, 1, 1, 16),
            shape(2, 7, 33, 3, 1),
            shape(2, 7, 3, 33, 100),
            shape(2, 50, 32, 32, 16),
            shape(1, 5, 16, 70, 2),
            shape(130, 3, 2, 2, 2),
        ] {
            let huge = matches!(form.bias(), Some(Bias::Huber { .. } | Bias::Kl)) && shape.d_v > 64;
            agrees(form, Retention::Scalar, if huge { Shape { d_v: 64, ..shape } } else { shape }, 3);
        }
    }
    let state_of_64 = shape(2, 9, 64, 64, 4);
    agrees(titans, Retention::Channels, state_of_64, 4);
}

/// llvmpipe stops its loops without a word: up to the limit the answer must be right, beyond it must refuse.
#[test]
fn as_many_steps_as_the_software_adapter_takes_are_right() {
    let Some(gpu) = adapter() else { return };
    if !gpu.software() {
        return;
    }
    let card = Backend::Gpu(gpu);
    let delta = Form::Gradient { bias: Bias::Squared, error_at_decayed: true, momentum: false };
    let huber = Form::Gradient { bias: Bias::Huber { delta: 0.7 }, error_at_decayed: false, momentum: true };
    let kl = Form::Gradient { bias: Bias::Kl, error_at_decayed: true, momentum: true };
    for form in [delta, huber, kl, Form::LeastSquares { ridge: 0.5 }] {
        for (d_k, d_v) in [(2, 1), (9, 12)] {
            let beyond = shape(1, 60_000, d_k, d_v, 1);
            let drawn = Drawn::new(form, beyond, Retention::Scalar, 0);
            let refused = card.forward(form, beyond, &drawn.inputs()).unwrap_err();
            let GpuError::TooManySteps { steps: 60_000, limit } = refused else { panic!("{refused}") };
            for chunk in [1, 64] {
                agrees(form, Retention::Scalar, Shape { steps: limit, chunk, ..beyond }, 1);
            }
        }
    }
}

#[test]
fn what_cannot_be_tiled_is_refused() {
    let Some(gpu) = adapter() else { return };
    let card = Backend::Gpu(gpu);
    let huber = Form::Gradient { bias: Bias::Huber { delta: 1.0 }, error_at_decayed: false, momentum: false };
    let kl = Form::Gradient { bias: Bias::Kl, error_at_decayed: false, momentum: false };
    for (form, shape) in [
        (huber, shape(1, 1, 8, 100_000, 1)),
        (kl, shape(1, 1, 8, 100_000, 1)),
        (Form::LeastSquares { ridge: 1.0 }, shape(1, 1, 2_000, 1, 1)),
    ] {
        let drawn = Drawn::new(form, shape, Retention::Whole, 0);
        let refused = card.forward(form, shape, &drawn.inputs()).unwrap_err();
        assert!(matches!(refused, GpuError::Together { .. }), "{refused}");
        assert!(refused.to_string().contains("in one workgroup"), "{refused}");
    }
}

/// What one device found, the other computes once more.
#[test]
fn either_device_goes_back_from_the_other() {
    let Some(gpu) = adapter() else { return };
    let card = Backend::Gpu(gpu);
    let form = Form::Gradient { bias: Bias::Squared, error_at_decayed: true, momentum: false };
    let shape = shape(2, 5, 4, 3, 2);
    let drawn = Drawn::new(form, shape, Retention::Scalar, 5);
    let inputs = drawn.inputs();
    let (here, there) = (forward(form, shape, &inputs), card.forward(form, shape, &inputs).unwrap());
    let slopes = backward(form, shape, &inputs, &here, &drawn.d_out);
    assert_eq!(Backend::Cpu.backward(form, shape, &inputs, &there, &drawn.d_out).unwrap(), slopes);
    let found = card.backward(form, shape, &inputs, &here, &drawn.d_out).unwrap();
    assert!(deviation(&found.k, &widened(&slopes.k)) <= AGREEMENT);
}
