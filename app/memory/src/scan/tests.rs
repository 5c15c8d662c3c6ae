use mnemoscope_core::random;
use rand::RngExt as _;

use super::*;

mod card;
mod reference;

/// Numbers of one scan.
struct Drawn {
    shape: Shape,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    strength: Vec<f32>,
    retention: Vec<f32>,
    momentum: Vec<f32>,
    d_out: Vec<f32>,
}

/// How much of a state is retained, and by how many numbers that is told.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Retention {
    Whole,
    Scalar,
    Channels,
}

impl Drawn {
    fn new(form: Form, shape: Shape, retention: Retention, seed: usize) -> Self {
        let Shape { lanes, steps, d_k, d_v, .. } = shape;
        let drawn = |index: usize, width: usize, from: f32, to: f32| -> Vec<f32> {
            let mut random = random::stream(7, "scan test", &[seed as u64, index as u64]);
            (0..lanes * steps * width).map(|_| random.random_range(from..to)).collect()
        };
        let reach = (2.0 / d_k as f32).sqrt();
        // The step of |e|^3 grows with the square of the error; a large one makes the memory run away.
        let steep = matches!(form.bias(), Some(Bias::Lp { p }) if p > 2.0);
        let strongest = if steep { 0.12 } else { 0.6 };
        let momentum = matches!(form, Form::Gradient { momentum: true, .. });
        let retained = match retention {
            Retention::Whole => 0,
            Retention::Scalar => 1,
            Retention::Channels => d_k,
        };
        Self {
            shape,
            q: drawn(0, d_k, -1.0, 1.0),
            k: drawn(1, d_k, -reach, reach),
            v: drawn(2, d_v, -1.0, 1.0),
            strength: drawn(3, 1, 0.1, strongest),
            retention: drawn(4, retained, 0.8, 1.0),
            momentum: drawn(5, usize::from(momentum), 0.1, 0.7),
            d_out: drawn(6, d_v, -1.0, 1.0),
        }
    }

    fn inputs(&self) -> Inputs<'_> {
        let Self { q, k, v, strength, retention, momentum, .. } = self;
        Inputs { q, k, v, strength, retention, momentum }
    }

    fn parts(&mut self) -> [(&'static str, &mut Vec<f32>); 6] {
        [
            ("q", &mut self.q),
            ("k", &mut self.k),
            ("v", &mut self.v),
            ("strength", &mut self.strength),
            ("retention", &mut self.retention),
            ("momentum", &mut self.momentum),
        ]
    }
}

fn parts(gradients: &Gradients) -> [&[f32]; 6] {
    let Gradients { q, k, v, strength, retention, momentum } = gradients;
    [q, k, v, strength, retention, momentum]
}

/// Every form with every retention it takes.
fn forms() -> Vec<(Form, Retention)> {
    let mut forms = Vec::new();
    for retention in [Retention::Whole, Retention::Scalar, Retention::Channels] {
        let biases =
            [Bias::Dot, Bias::Squared, Bias::Lp { p: 3.0 }, Bias::Lp { p: 1.5 }, Bias::Huber { delta: 0.7 }, Bias::Kl];
        for bias in biases {
            forms.push((Form::Several { bias, steps: 3 }, retention));
            for error_at_decayed in [false, true] {
                for momentum in [false, true] {
                    forms.push((Form::Gradient { bias, error_at_decayed, momentum }, retention));
                }
            }
        }
    }
    let squares = Form::LeastSquares { ridge: 0.5 };
    forms.extend([Retention::Whole, Retention::Scalar].map(|retention| (squares, retention)));
    forms
}

fn shape(lanes: usize, steps: usize, d_k: usize, d_v: usize, chunk: usize) -> Shape {
    Shape { lanes, steps, d_k, d_v, chunk }
}

/// max |a - b| / max(1, max |b|)
fn deviation(a: &[f32], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    assert!(a.iter().all(|a| a.is_finite()), "not finite");
    let largest = b.iter().fold(1.0f64, |largest, b| largest.max(b.abs()));
    a.iter().zip(b).fold(0.0f64, |most, (a, b)| most.max((f64::from(*a) - b).abs())) / largest
}

/// f32 rounds to 6e-8, and a sum over d entries and T steps of numbers near 1 collects at most some hundred of these.
const ROUNDING: f64 = 3e-5;

#[test]
fn forward_follows_the_recurrence() {
    for (seed, (form, retention)) in forms().into_iter().enumerate() {
        for shape in [shape(3, 7, 5, 3, 3), shape(1, 1, 2, 4, 16), shape(2, 40, 17, 9, 16)] {
            let drawn = Drawn::new(form, shape, retention, seed);
            let expected = reference::run(form, &drawn);
            let found = forward(form, shape, &drawn.inputs());
            let of_out = deviation(&found.out, &expected.out);
            assert!(of_out < ROUNDING, "out deviates by {of_out}: {form:?}, {retention:?}, {shape:?}");
            let last = shape.lanes - 1;
            for steps in [0, 1, shape.steps] {
                let of_state =
                    deviation(&state(form, shape, &drawn.inputs(), last, steps), &expected.states[last][steps]);
                assert!(of_state < ROUNDING, "S deviates by {of_state}: {form:?}, {retention:?}, {shape:?}");
            }
        }
    }
}

/// Central differences of the f64 recurrence by every single number of the inputs. The step of 1e-5 leaves an error of
/// about 1e-10 times the third derivative, which the smooth sign of L_p makes a few hundred.
fn is_the_slope(form: Form, retention: Retention, shape: Shape, seed: usize) {
    const STEP: f64 = 1e-5;
    let mut drawn = Drawn::new(form, shape, retention, seed);
    let there = forward(form, shape, &drawn.inputs());
    let found = backward(form, shape, &drawn.inputs(), &there, &drawn.d_out);
    for (part, found) in parts(&found).into_iter().enumerate() {
        let slopes: Vec<f64> = (0..found.len())
            .map(|i| {
                let mut loss = |sign: f64| reference::loss(form, &mut drawn, part, i, sign * STEP);
                (loss(1.0) - loss(-1.0)) / (2.0 * STEP)
            })
            .collect();
        let name = drawn.parts()[part].0;
        let of_slope = deviation(found, &slopes);
        assert!(of_slope < 1e-4, "by {name} deviates by {of_slope}: {form:?}, {retention:?}, {shape:?}");
    }
}

#[test]
fn every_gradient_is_the_slope() {
    for (seed, (form, retention)) in forms().into_iter().enumerate() {
        for shape in [shape(2, 7, 3, 4, 3), shape(1, 1, 4, 2, 1)] {
            is_the_slope(form, retention, shape, seed + 100);
        }
    }
}

/// An asymmetry of P' would have grown to 0.9^-300 of a rounding, more than any slope.
#[test]
fn the_way_back_through_a_long_regression_is_stable() {
    is_the_slope(Form::LeastSquares { ridge: 0.5 }, Retention::Scalar, shape(1, 300, 3, 2, 16), 0);
}

#[test]
fn chunks_change_no_bit() {
    for (seed, (form, retention)) in forms().into_iter().enumerate() {
        let whole = shape(2, 33, 6, 5, 33);
        let drawn = Drawn::new(form, whole, retention, seed);
        let expected = forward(form, whole, &drawn.inputs());
        let slopes = backward(form, whole, &drawn.inputs(), &expected, &drawn.d_out);
        for chunk in [0, 1, 3, 16, 100] {
            let shape = Shape { chunk, ..whole };
            let found = forward(form, shape, &drawn.inputs());
            assert_eq!(found.out, expected.out, "{form:?}, chunk {chunk}");
            assert_eq!(backward(form, shape, &drawn.inputs(), &found, &drawn.d_out), slopes, "{form:?}, chunk {chunk}");
        }
    }
}

#[test]
fn a_lane_alone_gives_the_same_bits() {
    for (seed, (form, retention)) in forms().into_iter().enumerate() {
        let all = shape(5, 9, 4, 3, 4);
        let drawn = Drawn::new(form, all, retention, seed);
        let there = forward(form, all, &drawn.inputs());
        let back = backward(form, all, &drawn.inputs(), &there, &drawn.d_out);
        let one = Shape { lanes: 1, ..all };
        let inputs = drawn.inputs().lane(5, 3);
        let alone = forward(form, one, &inputs);
        assert_eq!(alone.out, there.out[3 * 27..4 * 27]);
        let d_out = &drawn.d_out[3 * 27..4 * 27];
        for (alone, all) in parts(&backward(form, one, &inputs, &alone, d_out)).iter().zip(parts(&back)) {
            let length = all.len() / 5;
            assert_eq!(*alone, &all[3 * length..][..length], "{form:?}");
        }
    }
}

#[test]
fn an_empty_scan_is_empty() {
    let form = Form::Gradient { bias: Bias::Squared, error_at_decayed: true, momentum: false };
    for shape in [shape(0, 5, 3, 2, 4), shape(4, 0, 3, 2, 4)] {
        let found = forward(form, shape, &Inputs::default());
        assert!(found.out.is_empty());
        assert_eq!(backward(form, shape, &Inputs::default(), &found, &[]), Gradients::default());
    }
}

#[test]
#[should_panic(expected = "scan: v has 5 numbers; 1 lanes of 2 steps need [3] of them a step")]
fn a_wrong_length_is_told() {
    let form = Form::Gradient { bias: Bias::Dot, error_at_decayed: false, momentum: false };
    forward(form, shape(1, 2, 2, 3, 2), &Inputs { q: &[0.0; 4], k: &[0.0; 4], v: &[0.0; 5], ..Inputs::default() });
}
