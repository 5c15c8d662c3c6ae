//! Which choices go together, and why others do not.

use super::{Composition, Place};
use crate::MemoryError;

fn refuse(place: Place, reason: impl Into<String>) -> Result<(), MemoryError> {
    Err(MemoryError::Together { place: place.path(), reason: reason.into() })
}

pub(super) fn check(composition: &Composition) -> Result<(), MemoryError> {
    match composition.architecture.name() {
        "key_value_list" | "chunks" | "state_space" => pairs(composition),
        "codebook" => codebook(composition),
        "gated_matrix" => gated(composition),
        _ => weights(composition),
    }
}

fn codebook(composition: &Composition) -> Result<(), MemoryError> {
    if composition.rule.name() != "gradient_step" {
        return refuse(Place::Rule, "a codebook's values are fetched and stepped one by one: choose gradient step");
    }
    if !["none", "decay"].contains(&composition.retention.name()) {
        return refuse(
            Place::Retention,
            "a codebook's values have no key channels and no norm of their own: choose none or decay",
        );
    }
    Ok(())
}

fn gated(composition: &Composition) -> Result<(), MemoryError> {
    if composition.rule.name() != "outer_product" {
        return refuse(
            Place::Rule,
            "a gated matrix is written through its input gate: choose outer product, or the plain matrix",
        );
    }
    if composition.bias.name() != "dot_product" {
        return refuse(Place::Bias, "a gated matrix adds gated outer products: choose dot product");
    }
    if !["none", "decay", "gate"].contains(&composition.retention.name()) {
        return refuse(Place::Retention, "a gated matrix fades by its forget gate: choose none, decay or a gate");
    }
    Ok(())
}

fn pairs(composition: &Composition) -> Result<(), MemoryError> {
    if composition.rule.name() != "local_regression" {
        return refuse(
            Place::Rule,
            "this architecture is read by fitting pairs around the query and has no weights to step: choose local \
             regression, or another architecture",
        );
    }
    if composition.bias.name() != "squared_error" {
        return refuse(
            Place::Bias,
            "local regression minimises a weighted squared error, and other objectives have no closed form: choose \
             squared error",
        );
    }
    let list = composition.architecture.name() == "key_value_list";
    if !list && composition.rule.text("order") == "linear" {
        return refuse(Place::Rule, "a line is fitted to a plain list of pairs alone: choose the constant order");
    }
    if !list && composition.retention.name() != "none" {
        return refuse(Place::Retention, "this architecture keeps what it keeps: choose none, or the list of pairs");
    }
    if !["none", "decay", "bounded_cache"].contains(&composition.retention.name()) {
        return refuse(
            Place::Retention,
            "a list has no cells to fade or shrink: choose none, decay (of the weights with age) or a bounded cache",
        );
    }
    Ok(())
}

fn weights(composition: &Composition) -> Result<(), MemoryError> {
    let [bias, retention, rule] =
        [Place::Bias, Place::Retention, Place::Rule].map(|place| composition.kind(place).name);
    if retention == "bounded_cache" {
        return refuse(
            Place::Retention,
            "a bounded cache evicts pairs, and this architecture keeps none: choose the list of pairs, or another \
             retention",
        );
    }
    let architecture = composition.architecture.name();
    let deep = architecture == "mlp" || (architecture == "cached" && composition.architecture.text("inner") == "mlp");
    if deep && ["gate", "kl"].contains(&retention) {
        return refuse(
            Place::Retention,
            "a gate per key channel and a distribution per key channel need a matrix with a column per channel: \
             choose none, decay or shrinkage",
        );
    }
    if deep && rule == "outer_product" {
        return refuse(
            Place::Rule,
            "an outer product of value and key is no step on the weights of a network: choose a gradient step",
        );
    }
    if architecture != "matrix" && rule == "least_squares" {
        return refuse(
            Place::Rule,
            "least squares has a closed form for a plain matrix alone: choose that, or another rule",
        );
    }
    match rule {
        "local_regression" => refuse(
            Place::Rule,
            "local regression fits the stored pairs anew for each query, and this architecture keeps none: choose \
             the list of pairs, or another rule",
        ),
        "outer_product" if bias != "dot_product" => refuse(
            Place::Rule,
            "the outer product of value and key is a step on the dot product alone: choose that bias, or a gradient \
             step",
        ),
        "least_squares" if bias != "squared_error" => {
            refuse(Place::Bias, "least squares minimises the squared error: choose that bias, or another rule")
        }
        "least_squares" if retention != "none" => {
            refuse(Place::Retention, "least squares forgets by its own forgetting factor: choose none, or another rule")
        }
        "several_steps" if ["shrinkage", "kl"].contains(&retention) => refuse(
            Place::Retention,
            "shrinkage and KL are part of each step, and several steps would shrink several times: choose none, \
             decay or a gate, or the rule gradient step",
        ),
        _ => Ok(()),
    }
}

pub(super) fn sizes(composition: &Composition, d_k: usize, d_v: usize) -> Result<(), MemoryError> {
    if d_k == 0 || d_v == 0 {
        return Err(MemoryError::Sizes { reason: format!("d_k = {d_k} and d_v = {d_v} must be above 0") });
    }
    if composition.architecture.name() == "mlp" && composition.architecture.switch("residual") && d_k != d_v {
        let reason = format!(
            "a residual adds the key to the answer, so d_k = {d_k} and d_v = {d_v} must be equal, or residual off"
        );
        return Err(MemoryError::Sizes { reason });
    }
    Ok(())
}

/// A step on the squared error multiplies what it errs along the key, and must not make it larger. With a = β |k|²:
///
/// - taken at the decayed memory, the error becomes (1 - a) of itself, so that a < 2;
/// - taken at the memory before, α - a of it stays, where α is what the retention keeps: a < 1 + α;
/// - with momentum, x' = (α - a) x + η z and z' = η z - a x have both roots inside the unit circle (Jury 1964) for
///   a < (1 + α) (1 + η).
///
/// Steps on the KL and Huber's bias have a bounded size, and those of L_p and of networks no bound that is known
/// beforehand: [`intact`](crate::recall) looks at what was written.
pub(super) fn keys(composition: &Composition, key_length: f64) -> Result<(), MemoryError> {
    let (architecture, retention, rule) = (&composition.architecture, &composition.retention, &composition.rule);
    // The step of a distribution is multiplicative: it has no such bound.
    if composition.bias.name() != "squared_error" || retention.name() == "kl" {
        return Ok(());
    }
    let matrix = match architecture.name() {
        "matrix" | "hybrid" => true,
        "cached" => architecture.text("inner") == "matrix",
        // A codebook's step removes β of the error, whatever the key.
        "codebook" if rule.real("beta") >= 2.0 => {
            let beta = rule.real("beta");
            return refuse(
                Place::Rule,
                format!(
                    "a step on fetched values removes {beta} of the error, and from 2 on errors grow: choose beta \
                         below 2"
                ),
            );
        }
        _ => false,
    };
    if !matrix {
        return Ok(());
    }
    let kept = match retention.name() {
        "decay" => retention.real("gamma"),
        "gate" => retention.real("low"),
        _ => 1.0,
    };
    let (knob, bound) = match rule.name() {
        "gradient_step" if rule.text("error_at") == "before" => ("beta", 1.0 + kept),
        "gradient_step" | "several_steps" => ("beta", 2.0),
        "momentum" => ("theta", (1.0 + kept) * (1.0 + rule.real("eta"))),
        _ => return Ok(()),
    };
    let value = rule.real(knob);
    let product = value * key_length * key_length;
    if product > 0.0 && product < bound {
        Ok(())
    } else {
        Err(MemoryError::Wild { knob, value, key_length, product, bound, limit: bound / (key_length * key_length) })
    }
}
