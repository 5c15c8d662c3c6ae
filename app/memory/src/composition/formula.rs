//! The formula of each choice, as it stands under its drop-down. S is the memory, k key, v value, q query, o the
//! answer, e = M(k) − v the error.

use super::Place;

/// The formula of a kind in a place; empty for a name that is not declared there.
pub fn choice_formula(place: Place, kind: &str) -> &'static str {
    let formulas: &[(&str, &str)] = match place {
        Place::Architecture => &[
            ("matrix", "M(q) = S q"),
            ("gated_matrix", "M(q) = S q / max(|z·q|, 1)"),
            ("mlp", "M(q) = W₁ gelu(W₂ q), or q + LN(W₁ gelu(W₂ q))"),
            ("key_value_list", "M(q) = Σ wᵢ vᵢ,  wᵢ ∝ exp(β_s q·kᵢ)"),
            ("codebook", "M(q) = mean over heads c of v[c, nearest code to R_c q]"),
            ("cached", "M(q) = Σ gᵢ Mᵢ(q),  gᵢ ∝ exp(b q·mᵢ)"),
            ("hybrid", "M(q) = attention over window, store and S q"),
            ("state_space", "x ← Ā x + B̄ (k, v);  M(q) = attention over the rebuilt past"),
            ("chunks", "M(q) = Σ w_c attention(q; chunk c),  w_c ∝ exp(b q·s_c)"),
        ],
        Place::Bias => &[
            ("dot_product", "ℓ = −M(k)·v"),
            ("squared_error", "ℓ = ½ |M(k) − v|²"),
            ("lp", "ℓ = Σ |eⱼ|ᵖ,  e = M(k) − v"),
            ("huber", "ℓ = ½ |e|² up to |e| = δ, then δ (|e| − ½ δ)"),
            ("kl", "ℓ = KL(v ‖ softmax(M(k)))"),
        ],
        Place::Retention => &[
            ("none", "S"),
            ("decay", "γ S"),
            ("gate", "S diag(α),  α₁ … α_d"),
            ("shrinkage", "A / max(|A|_q, ε)^(q−2), or soft(γ S − β ∇ℓ, θ)"),
            ("kl", "c softmax(γ log S − β ∇ℓ), column by column"),
            ("bounded_cache", "at most B pairs"),
        ],
        Place::Rule => &[
            ("outer_product", "S + v kᵀ"),
            ("gradient_step", "S − β ∇ℓ(S; k, v)"),
            ("momentum", "Z ← η Z − θ ∇ℓ(S; k, v),  S + Z"),
            ("several_steps", "m times S ← S − β ∇ℓ(S; k, v)"),
            ("least_squares", "S = argmin Σ μ^age |v − S k|² + λ |S|²"),
            ("local_regression", "min over a, B of Σ wᵢ |a + B (kᵢ − q) − vᵢ|² (+ λ |B|²),  o = a"),
        ],
    };
    formulas.iter().find(|(name, _)| *name == kind).map_or("", |(_, formula)| formula)
}
