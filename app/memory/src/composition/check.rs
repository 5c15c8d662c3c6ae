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

pub(super) fn keys(composition: &Composition, key_length: f64) -> Result<(), MemoryError> {
    // The step of a distribution is multiplicative: it has no such bound.
    let steps =
        ["gradient_step", "several_steps"].contains(&composition.rule.name()) && composition.retention.name() != "kl";
    let architecture = &composition.architecture;
    let matrix = match architecture.name() {
        "matrix" | "hybrid" => true,
        "cached" => architecture.text("inner") == "matrix",
        _ => false,
    };
    if !matrix || composition.bias.name() != "squared_error" || !steps {
        return Ok(());
    }
    let beta = composition.rule.real("beta");
    let product = beta * key_length * key_length;
    if product > 0.0 && product < 2.0 {
        Ok(())
    } else {
        Err(MemoryError::Beta { beta, key_length, product, limit: 2.0 / (key_length * key_length) })
    }
}
