// Associative memories, a batch of them, each written pair by pair in one dispatch.
//
// Hebb:    S <- gamma S + v k^T
// delta:   S <- gamma S, then S <- S + beta (v - S k) k^T
// softmax: a running softmax over the pairs (Milakov and Gimelshein 2018), so that no row of weights is stored
//
// A row of S meets only its own entry of the values, and a query of softmax only its own sums. So one invocation
// carries one row through all writes, in workgroup memory, and no two invocations ever wait for each other.
//
// Rows are padded with zeros to a multiple of 8 numbers, two vec4, and every inner loop takes 8 at a time. That is
// quick, and llvmpipe needs it: it ends all loops of an invocation, without a word, after 65535 rounds together.

struct Shape {
    // Pairs written and asked for, of each memory.
    pairs: u32,
    // Numbers in a value, without padding.
    d_v: u32,
    // vec4 in a key and in a value, with padding: even numbers.
    key_quads: u32,
    value_quads: u32,
    decay: f32,
    log_decay: f32,
    beta: f32,
    inverse_temperature: f32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
// [memories, pairs, key_quads]
@group(0) @binding(1) var<storage, read> keys: array<vec4<f32>>;
// [memories, pairs, value_quads]
@group(0) @binding(2) var<storage, read> values: array<vec4<f32>>;
// [memories, pairs, key_quads]
@group(0) @binding(3) var<storage, read> queries: array<vec4<f32>>;
// [memories, d_v, key_quads]; softmax leaves it alone
@group(0) @binding(4) var<storage, read_write> state: array<vec4<f32>>;
// [memories, pairs, d_v]
@group(0) @binding(5) var<storage, read_write> recalled: array<f32>;

// Rows of one workgroup, and the vec4 of them all: rows times key_quads, or times value_quads for softmax.
override ROWS: u32 = 32u;
override CELLS: u32 = 1024u;

// Quad p of invocation `lane` stands at p * ROWS + lane: neighbours read neighbouring banks.
var<workgroup> cells: array<vec4<f32>, CELLS>;

fn clear(lane: u32, quads: u32) {
    for (var p = 0u; p < quads; p += 2u) {
        cells[p * ROWS + lane] = vec4<f32>(0.0);
        cells[(p + 1u) * ROWS + lane] = vec4<f32>(0.0);
    }
}

// The row of S times the key that begins at `key`.
fn answer(lane: u32, key: u32) -> f32 {
    var sum = 0.0;
    for (var p = 0u; p < shape.key_quads; p += 2u) {
        sum += dot(cells[p * ROWS + lane], keys[key + p]);
        sum += dot(cells[(p + 1u) * ROWS + lane], keys[key + p + 1u]);
    }
    return sum;
}

// The row of S, decayed, plus `amount` times the key that begins at `key`.
fn add_key(lane: u32, key: u32, amount: f32) {
    for (var p = 0u; p < shape.key_quads; p += 2u) {
        let cell = p * ROWS + lane;
        let next = cell + ROWS;
        cells[cell] = shape.decay * cells[cell] + amount * keys[key + p];
        cells[next] = shape.decay * cells[next] + amount * keys[key + p + 1u];
    }
}

fn value_of(pair: u32, row: u32) -> f32 {
    return values[pair * shape.value_quads + row / 4u][row % 4u];
}

// Writes row `row` of S out and answers all queries with it.
fn finish(memory: u32, row: u32, lane: u32) {
    let begin = (memory * shape.d_v + row) * shape.key_quads;
    for (var p = 0u; p < shape.key_quads; p += 2u) {
        state[begin + p] = cells[p * ROWS + lane];
        state[begin + p + 1u] = cells[(p + 1u) * ROWS + lane];
    }
    for (var i = 0u; i < shape.pairs; i++) {
        let pair = memory * shape.pairs + i;
        let query = pair * shape.key_quads;
        var sum = 0.0;
        for (var p = 0u; p < shape.key_quads; p += 2u) {
            sum += dot(cells[p * ROWS + lane], queries[query + p]);
            sum += dot(cells[(p + 1u) * ROWS + lane], queries[query + p + 1u]);
        }
        recalled[pair * shape.d_v + row] = sum;
    }
}

@compute @workgroup_size(ROWS)
fn hebb(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let memory = group.y;
    let row = group.x * ROWS + lane;
    if (row >= shape.d_v) {
        return;
    }
    clear(lane, shape.key_quads);
    for (var t = 0u; t < shape.pairs; t++) {
        let pair = memory * shape.pairs + t;
        add_key(lane, pair * shape.key_quads, value_of(pair, row));
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
    clear(lane, shape.key_quads);
    for (var t = 0u; t < shape.pairs; t++) {
        let pair = memory * shape.pairs + t;
        let key = pair * shape.key_quads;
        add_key(lane, key, shape.beta * (value_of(pair, row) - shape.decay * answer(lane, key)));
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
    clear(lane, shape.value_quads);
    let asked = memory * shape.pairs + row;
    let query = asked * shape.key_quads;
    // Finite, so that the first difference is not infinity minus infinity.
    var largest = -3.0e38;
    var sum = 0.0;
    for (var t = 0u; t < shape.pairs; t++) {
        let pair = memory * shape.pairs + t;
        let key = pair * shape.key_quads;
        var product = 0.0;
        for (var p = 0u; p < shape.key_quads; p += 2u) {
            product += dot(queries[query + p], keys[key + p]);
            product += dot(queries[query + p + 1u], keys[key + p + 1u]);
        }
        let age = f32(shape.pairs - 1u - t);
        let logit = shape.inverse_temperature * product + age * shape.log_decay;
        let next = max(largest, logit);
        let kept = exp(largest - next);
        let weight = exp(logit - next);
        largest = next;
        sum = sum * kept + weight;
        let value = pair * shape.value_quads;
        for (var p = 0u; p < shape.value_quads; p += 2u) {
            let cell = p * ROWS + lane;
            let beside = cell + ROWS;
            cells[cell] = cells[cell] * kept + weight * values[value + p];
            cells[beside] = cells[beside] * kept + weight * values[value + p + 1u];
        }
    }
    for (var p = 0u; p < shape.d_v; p++) {
        recalled[asked * shape.d_v + p] = cells[p / 4u * ROWS + lane][p % 4u] / sum;
    }
}
