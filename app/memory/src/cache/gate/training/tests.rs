use super::*;

fn numbers(count: usize, salt: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |i| ((i * 37 + salt * 11) % 101) as f64 / 50.0 - 1.0)
}

fn sample(steps: usize, width: usize, heads: usize) -> Sample {
    Sample {
        inputs: (0..steps).map(|t| numbers(width, t).collect()).collect(),
        logits: (0..heads).map(|h| numbers(steps * steps, 90 + h).map(|x| 2.0 * x as f32).collect()).collect(),
    }
}

#[test]
fn the_gradient_is_that_of_finite_differences() {
    for form in [Form::Multiplicative, Form::Additive] {
        let objective = Objective { form, capacity: 2.5, weight: 0.7 };
        let mut gate = Gate::new(3, 2, 1.0, 7, 0);
        for (weight, x) in gate.parameters.iter_mut().zip(numbers(1000, 5)) {
            *weight += 0.3 * x;
        }
        let (a, b) = (sample(6, 3, 2), sample(5, 3, 2));
        let samples = [&a, &b];
        let (_, gradient) = gate.loss(objective, &samples);
        for i in 0..gate.parameters.len() {
            let at = |shift: f64| {
                let mut moved = gate.clone();
                moved.parameters[i] += shift;
                moved.loss(objective, &samples).0
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - gradient[i]).abs() < 1e-7, "{form:?} {i}: {slope} and {}", gradient[i]);
        }
    }
}

#[test]
fn nothing_fades_costs_only_capacity_and_by_hand() {
    let logits = [0.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.5, 0.2, 0.1f32];
    for form in [Form::Multiplicative, Form::Additive] {
        let objective = Objective { form, capacity: 2.0, weight: 3.0 };
        // beta = 1: the student is the teacher; 1, 2 and 3 tokens are held, so (3 - 2)/2 once in three queries, times 3.
        let (loss, _) = objective.lane(&logits, &[0.0; 3]);
        assert!((loss - 3.0 * 0.5 / 3.0).abs() < 1e-12, "{loss}");
    }
    // beta of token 0 tends to 0: additive forgets it, so query 1 reads token 1 alone, KL = -log a_1;
    // multiplicative gives it the logit 0.
    let gone = [-1e3, 0.0, 0.0];
    let free = |form| Objective { form, capacity: 9.0, weight: 1.0 };
    let rows = [0.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 0.0, 0.0f32];
    let a0 = 1.0 / (1.0 + (-2.0f64).exp());
    let (loss, _) = free(Form::Multiplicative).lane(&rows, &gone);
    let p0 = 1.0 / (1.0 + (-1.0f64).exp());
    let by_hand = a0 * (a0 / p0).ln() + (1.0 - a0) * ((1.0 - a0) / (1.0 - p0)).ln();
    assert!((loss - by_hand / 3.0).abs() < 1e-9, "{loss} and {by_hand}");
}

#[test]
fn training_keeps_what_is_asked_for_and_fades_the_rest() {
    // Tokens are marked by one input; every query attends to the marked ones alone.
    let (rows, steps) = (8, 16);
    let marked = |row: usize, i: usize| (i * 7 + row * 3).is_multiple_of(5);
    let mut hidden = Vec::new();
    let (mut q, mut k) = (Vec::new(), Vec::new());
    for row in 0..rows {
        for i in 0..steps {
            hidden.extend([if marked(row, i) { 1.0 } else { 0.0 }, (i % 3) as f32]);
            q.push(4.0);
            k.push(if marked(row, i) { 1.0 } else { -1.0 });
        }
    }
    let v = vec![0.0; rows * steps];
    let shape = super::super::super::Shape { rows, heads: 1, steps, d_k: 1, d_v: 1 };
    let call = Call { layer: 0, shape, scale: 1.0, decay: 1.0, q: &q, k: &k, v: &v, hidden: &hidden, starts: &[] };
    for form in ["multiplicative", "additive"] {
        let policy = Policy::new("retention_gate")
            .and_then(|p| p.with("budget", mnemoscope_core::Setting::Number(0.3)))
            .and_then(|p| p.with("form", mnemoscope_core::Setting::Text(form.to_owned())))
            .unwrap();
        let gate = train(&policy, 0, &[call]);
        for filler in 0..3 {
            let (yes, no) = (gate.log_beta(&[1.0, filler as f32])[0], gate.log_beta(&[0.0, filler as f32])[0]);
            assert!(yes > no / 10.0, "{form}: marked fades at {yes}, unmarked at {no}");
        }
        assert_eq!(gate, train(&policy, 0, &[call]), "the same again, bit for bit");
    }
}
