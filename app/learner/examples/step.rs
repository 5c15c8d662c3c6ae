//! raw step measurement
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use std::time::Instant;

fn data(n: usize, s: u32) -> Vec<f32> {
    let mut z = s;
    (0..n)
        .map(|_| {
            z = z.wrapping_mul(1664525).wrapping_add(1013904223);
            (z >> 8) as f32 / 16777216.0 - 0.5
        })
        .collect()
}

fn median(mut f: impl FnMut(), n: usize) -> f64 {
    for _ in 0..20 {
        f();
    }
    let mut t: Vec<f64> = (0..n)
        .map(|_| {
            let a = Instant::now();
            f();
            a.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    t.sort_by(f64::total_cmp);
    t[n / 2]
}

fn main() {
    for (widths, b, r, n) in [
        (vec![64, 100, 100, 10], 16, 1, 500),
        (vec![784, 400, 400, 10], 128, 1, 60),
        (vec![64, 100, 100, 10], 16, 8, 200),
        (vec![784, 400, 400, 10], 128, 8, 20),
    ] {
        println!("{widths:?} B {b} R {r}");
        let d = Device::flex();
        let ad = d.clone().autodiff();
        let p: usize = widths.windows(2).map(|w| w[0] * w[1] + w[1]).sum();
        let mut flat = Tensor::<2>::from_data(
            TensorData::new(data(r * p, 1).iter().map(|v| v * 0.1).collect::<Vec<_>>(), [r, p]),
            &d,
        );
        let f = widths[0];
        let c = widths[widths.len() - 1];
        let x = data(r * b * f, 2);
        let mut oh = vec![0f32; r * b * c];
        for i in 0..r * b {
            oh[i * c + i % c] = 1.0;
        }
        let cut = |flat: &Tensor<2>| -> Vec<(Tensor<3>, Tensor<3>)> {
            let mut at = 0;
            widths
                .windows(2)
                .map(|w| {
                    let (i, o) = (w[0], w[1]);
                    let wt = flat.clone().slice([0..r, at..at + i * o]).reshape([r, i, o]);
                    at += i * o;
                    let bt = flat.clone().slice([0..r, at..at + o]).reshape([r, 1, o]);
                    at += o;
                    (wt, bt)
                })
                .collect()
        };
        // autodiff
        let mut fl = flat.clone();
        let t = median(
            || {
                let leaves: Vec<(Tensor<3>, Tensor<3>)> = cut(&fl)
                    .into_iter()
                    .map(|(w, b)| (Tensor::from_inner(w).require_grad(), Tensor::from_inner(b).require_grad()))
                    .collect();
                let mut h = Tensor::<3>::from_data(TensorData::new(x.clone(), [r, b, f]), &ad);
                let l = leaves.len();
                for (i, (w, bb)) in leaves.iter().enumerate() {
                    h = h.matmul(w.clone()) + bb.clone();
                    if i + 1 < l {
                        h = activation::relu(h);
                    }
                }
                let y = Tensor::<3>::from_data(TensorData::new(oh.clone(), [r, b, c]), &ad);
                let loss = -(activation::log_softmax(h, 2) * y).sum() / (b as f32);
                let g = loss.backward();
                let gs: Vec<Tensor<2>> = leaves
                    .iter()
                    .flat_map(|(w, bb)| {
                        let n = w.dims()[1] * w.dims()[2];
                        let o = bb.dims()[2];
                        [w.grad(&g).unwrap().reshape([r, n]), bb.grad(&g).unwrap().reshape([r, o])]
                    })
                    .collect();
                let g = Tensor::cat(gs, 1);
                fl = fl.clone() - g.mul_scalar(0.05);
            },
            n,
        );
        println!("  autodiff whole step        {t:8.1} us");
        // hand written
        let lr = Tensor::<2>::from_data(TensorData::new(vec![0.05f32; r], [r, 1]), &d);
        let mut alive = Tensor::<2>::ones([r, 1], &d).greater_elem(0.5);
        let mut parts = [0f64; 6];
        let mut count = 0f64;
        let t = median(
            || {
                let a0 = Instant::now();
                let lay = cut(&flat);
                let xt = Tensor::<3>::from_data(TensorData::new(x.clone(), [r, b, f]), &d);
                let cy = Tensor::<3>::from_data(
                    TensorData::new(oh.iter().map(|v| v / b as f32).collect::<Vec<_>>(), [r, b, c]),
                    &d,
                );
                let cw = Tensor::<3>::from_data(TensorData::new(vec![1.0 / b as f32; r * b], [r, b, 1]), &d);
                let a1 = Instant::now();
                let l = lay.len();
                let mut acts = vec![xt];
                for (i, (w, bb)) in lay.iter().enumerate() {
                    let z = acts[i].clone().matmul(w.clone()) + bb.clone();
                    acts.push(if i + 1 < l { activation::relu(z) } else { z });
                }
                let z = acts.pop().unwrap();
                let a2 = Instant::now();
                let m = z.clone().max_dim(2);
                let e = (z.clone() - m.clone()).exp();
                let s = e.clone().sum_dim(2);
                let loss = ((s.clone().log() + m) * cw.clone()).sum_dim(1).reshape([r, 1])
                    - (z * cy.clone()).reshape([r, b * c]).sum_dim(1);
                let mut delta = e / s * cw - cy;
                let a3 = Instant::now();
                let mut gs: Vec<Tensor<2>> = Vec::new();
                for i in (0..l).rev() {
                    let a = acts.pop().unwrap();
                    let (w, _) = &lay[i];
                    let [_, wi, wo] = w.dims();
                    let gw = a.clone().transpose().matmul(delta.clone());
                    let gb = delta.clone().sum_dim(1);
                    gs.push(gb.reshape([r, wo]));
                    gs.push(gw.reshape([r, wi * wo]));
                    if i > 0 {
                        let mask = a.lower_equal_elem(0.0);
                        delta = delta.matmul(w.clone().transpose()).mask_fill(mask, 0.0);
                    }
                }
                gs.reverse();
                let a4 = Instant::now();
                let g = Tensor::cat(gs, 1);
                let fin = (g.clone().sum_dim(1) + loss).is_finite();
                alive = alive.clone().bool_and(fin);
                let a5 = Instant::now();
                drop(lay);
                let new = flat.clone() - g * lr.clone();
                flat = flat.clone().mask_where(alive.clone().expand([r, p]), new);
                let a6 = Instant::now();
                for (k, (u, v)) in [(a0, a1), (a1, a2), (a2, a3), (a3, a4), (a4, a5), (a5, a6)].iter().enumerate() {
                    parts[k] += (*v - *u).as_secs_f64() * 1e6;
                }
                count += 1.0;
            },
            n,
        );
        println!(
            "  hand-written whole step    {t:8.1} us; cut+load, forward, loss, backward, cat+check, update: {:?}",
            parts.map(|v| (v / count * 10.0).round() / 10.0)
        );
        let _ = Tensor::<1, Int>::zeros([1], &d);
    }
}
