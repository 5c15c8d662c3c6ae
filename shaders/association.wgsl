// Associative memories, a batch of them, each written pair by pair in one dispatch.
//
// Hebb:    S <- gamma S + v k^T
// delta:   S <- gamma S, then S <- S + beta (v - S k) k^T
// softmax: a running softmax over the pairs (Milakov and Gimelshein 2018), so that no row of weights is stored
//
// A row of S meets only its own entry of the values, and a query of softmax only its own sums. So one invocation
// carries one row through all writes, in workgroup memory, and no two invocations ever wait for each other.

struct Shape {
    // Pairs written and asked for, of each memory.
    pairs: u32,
    d_k: u32,
    d_v: u32,
    decay: f32,
    log_decay: f32,
    beta: f32,
    inverse_temperature: f32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
// [memories, pairs, d_k]
@group(0) @binding(1) var<storage, read> keys: array<f32>;
// [memories, pairs, d_v]
@group(0) @binding(2) var<storage, read> values: array<f32>;
// [memories, pairs, d_k]
@group(0) @binding(3) var<storage, read> queries: array<f32>;
// [memories, d_v, d_k]; softmax leaves it alone
@group(0) @binding(4) var<storage, read_write> state: array<f32>;
// [memories, pairs, d_v]
@group(0) @binding(5) var<storage, read_write> recalled: array<f32>;

// Rows of one workgroup, and entries of them all: rows times d_k, or times d_v for softmax.
override ROWS: u32 = 32u;
override CELLS: u32 = 4096u;

// Entry p of invocation l stands at p * ROWS + l: neighbours read neighbouring banks.
var<workgroup> cells: array<f32, CELLS>;

fn clear(lane: u32, width: u32) {
    for (var p = 0u; p < width; p++) {
        cells[p * ROWS + lane] = 0.0;
    }
}

fn times_cells(lane: u32, key: u32) -> f32 {
    var sum = 0.0;
    for (var p = 0u; p < shape.d_k; p++) {
        sum += cells[p * ROWS + lane] * keys[key + p];
    }
    return sum;
}

// Writes row `row` of S out and answers all queries with it.
fn finish(memory: u32, row: u32, lane: u32) {
    for (var p = 0u; p < shape.d_k; p++) {
        state[(memory * shape.d_v + row) * shape.d_k + p] = cells[p * ROWS + lane];
    }
    for (var i = 0u; i < shape.pairs; i++) {
        let query = (memory * shape.pairs + i) * shape.d_k;
        var sum = 0.0;
        for (var p = 0u; p < shape.d_k; p++) {
            sum += cells[p * ROWS + lane] * queries[query + p];
        }
        recalled[(memory * shape.pairs + i) * shape.d_v + row] = sum;
    }
}

@compute @workgroup_size(ROWS)
fn hebb(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let memory = group.y;
    let row = group.x * ROWS + lane;
    if (row >= shape.d_v) {
        return;
    }
    clear(lane, shape.d_k);
    for (var t = 0u; t < shape.pairs; t++) {
        let pair = memory * shape.pairs + t;
        let value = values[pair * shape.d_v + row];
        for (var p = 0u; p < shape.d_k; p++) {
            let cell = p * ROWS + lane;
            cells[cell] = shape.decay * cells[cell] + value * keys[pair * shape.d_k + p];
        }
    }
    finish(memory, row, lane);
}

@compute @workgroup_size(ROWS)
fn delta(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let memory = group.y;
    let row = group.x * ROWS + lane;
    if (row >= shape.d_v) {
        return;
    }
    clear(lane, shape.d_k);
    for (var t = 0u; t < shape.pairs; t++) {
        let pair = memory * shape.pairs + t;
        let key = pair * shape.d_k;
        let correction = shape.beta * (values[pair * shape.d_v + row] - shape.decay * times_cells(lane, key));
        for (var p = 0u; p < shape.d_k; p++) {
            let cell = p * ROWS + lane;
            cells[cell] = shape.decay * cells[cell] + correction * keys[key + p];
        }
    }
    finish(memory, row, lane);
}

@compute @workgroup_size(ROWS)
fn softmax(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let memory = group.y;
    let row = group.x * ROWS + lane;
    if (row >= shape.pairs) {
        return;
    }
    clear(lane, shape.d_v);
    let query = (memory * shape.pairs + row) * shape.d_k;
    // Finite, so that the first difference is not infinity minus infinity.
    var largest = -3.0e38;
    var sum = 0.0;
    for (var t = 0u; t < shape.pairs; t++) {
        let pair = memory * shape.pairs + t;
        var product = 0.0;
        for (var p = 0u; p < shape.d_k; p++) {
            product += queries[query + p] * keys[pair * shape.d_k + p];
        }
        let age = f32(shape.pairs - 1u - t);
        let logit = shape.inverse_temperature * product + age * shape.log_decay;
        let next = max(largest, logit);
        let kept = exp(largest - next);
        let weight = exp(logit - next);
        largest = next;
        sum = sum * kept + weight;
        for (var p = 0u; p < shape.d_v; p++) {
            let cell = p * ROWS + lane;
            cells[cell] = cells[cell] * kept + weight * values[pair * shape.d_v + p];
        }
    }
    for (var p = 0u; p < shape.d_v; p++) {
        recalled[(memory * shape.pairs + row) * shape.d_v + p] = cells[p * ROWS + lane] / sum;
    }
}
