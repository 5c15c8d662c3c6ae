// Scans of matrix memories, forward and backward, each lane's whole sequence in one dispatch: the twins of
// app/memory/src/scan, whose headers derive the equations.
//
// `write` and `unwrite` carry a tile of rows of S `[d_v, d_k]` through all steps in workgroup memory. A step is
//
//   e = S r - v,   g = g(e),   U = -beta g w^T,   M = eta M + U (or U),   S = S diag(alpha) + M,   o = S q
//
// with the read key r and the write key w. Both are k for the memories written by a gradient, with r = alpha * k where
// the error is taken at the decayed memory. For least squares r = k and w = u = P k: the scan of P, which never sees S,
// runs before (`narrow`) and after (`widen`), one workgroup to a lane. Rows of S meet only in the length of Huber's
// error and in the softmax of KL, so that there all rows are in one tile.
//
// On the way back a row is one invocation's while S' gains, and a column is while rows are summed. States inside a
// chunk are computed again from the chunk's border, into `work`.

struct Shape {
    steps: u32,
    d_k: u32,
    d_v: u32,
    chunk: u32,
    lanes: u32,
    // 0 dot product, 1 squared, 2 L_p, 3 Huber, 4 KL; p or delta
    bias: u32,
    parameter: f32,
    ridge: f32,
    // Whether there is one of these.
    decayed: u32,
    momentum: u32,
    squares: u32,
    strengths: u32,
    // Retention: 0 none, 1 one number a step, 2 one for each channel.
    retentions: u32,
    // Where the arrays begin in `given`; q is first.
    k: u32,
    v: u32,
    strength: u32,
    retention: u32,
    eta: u32,
    // In `work`; the errors `[lanes, steps, d_v]` are first. Of S and M: borders `[lanes, chunks, 1 or 2, d_v, d_k]`
    // and the trail `[lanes, chunk + 1, ..]`; of P the same with `[d_k, d_k]`; u `[lanes, steps, d_k]`; z `[lanes,
    // steps]`.
    borders: u32,
    trail: u32,
    p_borders: u32,
    p_trail: u32,
    u: u32,
    z: u32,
    // In `found`; the columns' sums q, r, w, alpha, eta are first, each `[tiles, lanes, steps, d_k]`, then these:
    // v and the rows' part of beta `[lanes, steps, d_v]`, then the scan of P's k, beta and alpha.
    found_rows: u32,
    found_p: u32,
    tiles: u32,
    // Fills up the uniform.
    unused: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> given: array<f32>;
// The gradient by the output `[lanes, steps, d_v]`.
@group(0) @binding(2) var<storage, read> d_out: array<f32>;
@group(0) @binding(3) var<storage, read_write> work: array<f32>;
// Forward: out `[lanes, steps, d_v]`.
@group(0) @binding(4) var<storage, read_write> found: array<f32>;

const L_P = 2u;
const HUBER = 3u;
const KL = 4u;

// Rows of a workgroup; numbers between two rows, odd so that neither neighbouring rows nor neighbouring columns share
// a bank; rows times stride, twice with momentum.
override ROWS: u32 = 32u;
override STRIDE: u32 = 33u;
override CELLS: u32 = 1056u;

// Rows of S, or of S' on the way back, and behind them those of M; of P in its own scan.
var<workgroup> cells: array<f32, CELLS>;
var<workgroup> first: array<f32, ROWS>;
var<workgroup> second: array<f32, ROWS>;
var<workgroup> third: array<f32, ROWS>;

fn alpha(at: u32, j: u32) -> f32 {
    if (shape.retentions == 0u || shape.squares != 0u) {
        return 1.0;
    }
    if (shape.retentions == 1u) {
        return given[shape.retention + at];
    }
    return given[shape.retention + at * shape.d_k + j];
}

fn given_strength(at: u32) -> f32 {
    if (shape.strengths == 0u) {
        return 1.0;
    }
    return given[shape.strength + at];
}

// beta, or z for least squares.
fn strength(at: u32) -> f32 {
    if (shape.squares != 0u) {
        return work[shape.z + at];
    }
    return given_strength(at);
}

fn query(at: u32, j: u32) -> f32 {
    return given[at * shape.d_k + j];
}

fn key(at: u32, j: u32) -> f32 {
    return given[shape.k + at * shape.d_k + j];
}

fn read_key(at: u32, j: u32) -> f32 {
    if (shape.decayed != 0u) {
        return alpha(at, j) * key(at, j);
    }
    return key(at, j);
}

fn write_key(at: u32, j: u32) -> f32 {
    if (shape.squares != 0u) {
        return work[shape.u + at * shape.d_k + j];
    }
    return key(at, j);
}

fn carried(at: u32) -> f32 {
    if (shape.momentum != 0u) {
        return given[shape.eta + at];
    }
    return 0.0;
}

// tanh(10 x), where the exponentials of some drivers would overflow too: 1 to the last bit from 10 on.
fn smooth_sign(x: f32) -> f32 {
    return tanh(clamp(10.0 * x, -10.0, 10.0));
}

// softmax(y) of one row, whose answer is error + value; `all.x` is the largest answer and `all.y` the sum of exponentials.
fn share(error: f32, value: f32, all: vec2<f32>) -> f32 {
    return exp(error + value - all.x) / all.y;
}

// The bias's gradient by one row's error. `all` is what rows share: Huber's length of the whole error in x, or as above.
fn gradient(error: f32, value: f32, all: vec2<f32>) -> f32 {
    let length = all.x;
    if (shape.bias == KL) {
        return share(error, value, all) - value;
    }
    if (shape.bias == L_P) {
        return shape.parameter * smooth_sign(error) * pow(error * error + 1e-6, 0.5 * (shape.parameter - 1.0));
    }
    if (shape.bias == HUBER && length > shape.parameter) {
        return shape.parameter / length * error;
    }
    return error;
}

// The gradient of the loss by the error from that by g; `along` is the inner product of that
// vector with the error, or with the softmax.
fn pull_back(error: f32, value: f32, d_g: f32, all: vec2<f32>, along: f32) -> f32 {
    let length = all.x;
    if (shape.bias == KL) {
        return share(error, value, all) * (d_g - along);
    }
    if (shape.bias == L_P) {
        let sign = smooth_sign(error);
        let square = error * error + 1e-6;
        let p = shape.parameter;
        let slope = 10.0 * (1.0 - sign * sign) + sign * (p - 1.0) * error / square;
        return d_g * p * pow(square, 0.5 * (p - 1.0)) * slope;
    }
    if (shape.bias == HUBER && length > shape.parameter) {
        return shape.parameter / length * (d_g - along / (length * length) * error);
    }
    return d_g;
}

// The sum of `first`, the same for every invocation.
fn total() -> f32 {
    workgroupBarrier();
    var sum = 0.0;
    for (var r = 0u; r < ROWS; r++) {
        sum += first[r];
    }
    workgroupBarrier();
    return sum;
}

// The largest of `first`, the same for every invocation.
fn most() -> f32 {
    workgroupBarrier();
    var largest = first[0];
    for (var r = 1u; r < ROWS; r++) {
        largest = max(largest, first[r]);
    }
    workgroupBarrier();
    return largest;
}

// Where row `row` of a lane's state number `index` begins in an array of so many states a lane.
fn state_row(begin: u32, states: u32, lane: u32, index: u32, row: u32) -> u32 {
    let matrices = 1u + shape.momentum;
    return begin + (((lane * states + index) * matrices) * shape.d_v + row) * shape.d_k;
}

// ROWS rows of S to a workgroup: group.x counts the tiles, group.y the lanes.
@compute @workgroup_size(ROWS)
fn write(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    let lane = group.y;
    let row = group.x * ROWS + i;
    let live = row < shape.d_v;
    let matrix = shape.d_v * shape.d_k;
    let chunks = (shape.steps + shape.chunk - 1u) / shape.chunk;
    let s = i * STRIDE;
    let m = (ROWS + i) * STRIDE;
    for (var j = 0u; j < shape.d_k; j++) {
        cells[s + j] = 0.0;
        if (shape.momentum != 0u) {
            cells[m + j] = 0.0;
        }
    }
    for (var t = 0u; t < shape.steps; t++) {
        let at = lane * shape.steps + t;
        if (t % shape.chunk == 0u && live) {
            let border = state_row(shape.borders, chunks, lane, t / shape.chunk, row);
            for (var j = 0u; j < shape.d_k; j++) {
                work[border + j] = cells[s + j];
                if (shape.momentum != 0u) {
                    work[border + matrix + j] = cells[m + j];
                }
            }
        }
        var value = 0.0;
        if (live) {
            value = given[shape.v + at * shape.d_v + row];
        }
        var error = -value;
        if (shape.bias != 0u) {
            for (var j = 0u; j < shape.d_k; j++) {
                error += cells[s + j] * read_key(at, j);
            }
        }
        var all = vec2<f32>(0.0);
        if (shape.bias == HUBER) {
            first[i] = error * error;
            all.x = sqrt(total());
        }
        if (shape.bias == KL) {
            first[i] = error + value;
            all.x = most();
            first[i] = exp(error + value - all.x);
            all.y = total();
        }
        let amount = -strength(at) * gradient(error, value, all);
        let eta = carried(at);
        var recalled = 0.0;
        for (var j = 0u; j < shape.d_k; j++) {
            var gain = amount * write_key(at, j);
            if (shape.momentum != 0u) {
                gain += eta * cells[m + j];
                cells[m + j] = gain;
            }
            let cell = alpha(at, j) * cells[s + j] + gain;
            cells[s + j] = cell;
            recalled += cell * query(at, j);
        }
        if (live) {
            work[at * shape.d_v + row] = error;
            found[at * shape.d_v + row] = recalled;
        }
    }
}

// What the rows of a step share, from what was kept.
fn kept_all(at: u32) -> vec2<f32> {
    let begin = at * shape.d_v;
    var sum = 0.0;
    if (shape.bias == HUBER) {
        for (var r = 0u; r < shape.d_v; r++) {
            sum += work[begin + r] * work[begin + r];
        }
        return vec2<f32>(sqrt(sum), 0.0);
    }
    if (shape.bias == KL) {
        var largest = work[begin] + given[shape.v + begin];
        for (var r = 1u; r < shape.d_v; r++) {
            largest = max(largest, work[begin + r] + given[shape.v + begin + r]);
        }
        for (var r = 0u; r < shape.d_v; r++) {
            sum += exp(work[begin + r] + given[shape.v + begin + r] - largest);
        }
        return vec2<f32>(largest, sum);
    }
    return vec2<f32>(0.0);
}

// The way back through the same rows.
@compute @workgroup_size(ROWS)
fn unwrite(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    let lane = group.y;
    let top = group.x * ROWS;
    let row = top + i;
    let live = row < shape.d_v;
    let rows = min(ROWS, shape.d_v - top);
    let matrix = shape.d_v * shape.d_k;
    let chunks = (shape.steps + shape.chunk - 1u) / shape.chunk;
    let slots = shape.chunk + 1u;
    let column_sums = shape.tiles * shape.lanes * shape.steps * shape.d_k;
    let s = i * STRIDE;
    let m = (ROWS + i) * STRIDE;
    for (var j = 0u; j < shape.d_k; j++) {
        cells[s + j] = 0.0;
        if (shape.momentum != 0u) {
            cells[m + j] = 0.0;
        }
    }
    for (var back = 0u; back < chunks; back++) {
        let chunk = chunks - 1u - back;
        let begin = chunk * shape.chunk;
        let end = min(begin + shape.chunk, shape.steps);
        // The chunk's states once more, each row by its invocation.
        if (live) {
            let border = state_row(shape.borders, chunks, lane, chunk, row);
            let slot = state_row(shape.trail, slots, lane, 0u, row);
            for (var j = 0u; j < shape.d_k; j++) {
                work[slot + j] = work[border + j];
                if (shape.momentum != 0u) {
                    work[slot + matrix + j] = work[border + matrix + j];
                }
            }
            for (var t = begin; t < end; t++) {
                let at = lane * shape.steps + t;
                let before = state_row(shape.trail, slots, lane, t - begin, row);
                let after = state_row(shape.trail, slots, lane, t - begin + 1u, row);
                let amount = -strength(at) * gradient(work[at * shape.d_v + row], given[shape.v + at * shape.d_v + row], kept_all(at));
                let eta = carried(at);
                for (var j = 0u; j < shape.d_k; j++) {
                    var gain = amount * write_key(at, j);
                    if (shape.momentum != 0u) {
                        gain += eta * work[before + matrix + j];
                        work[after + matrix + j] = gain;
                    }
                    work[after + j] = alpha(at, j) * work[before + j] + gain;
                }
            }
        }
        storageBarrier();
        workgroupBarrier();
        for (var forward = begin; forward < end; forward++) {
            let t = end - 1u - (forward - begin);
            let at = lane * shape.steps + t;
            let beta = strength(at);
            let eta = carried(at);
            let all = kept_all(at);
            // Rows.
            var d_recalled = 0.0;
            var error = 0.0;
            var value = 0.0;
            if (live) {
                value = given[shape.v + at * shape.d_v + row];
                d_recalled = d_out[at * shape.d_v + row];
                error = work[at * shape.d_v + row];
            }
            var d_written = 0.0;
            for (var j = 0u; j < shape.d_k; j++) {
                var d_cell = cells[s + j] + d_recalled * query(at, j);
                cells[s + j] = d_cell;
                if (shape.momentum != 0u) {
                    d_cell += cells[m + j];
                    cells[m + j] = d_cell;
                }
                d_written += d_cell * write_key(at, j);
            }
            let g = gradient(error, value, all);
            let d_g = -beta * d_written;
            var along = 0.0;
            if (shape.bias == HUBER) {
                first[i] = error * d_g;
                along = total();
            }
            if (shape.bias == KL) {
                first[i] = share(error, value, all) * d_g;
                along = total();
            }
            let d_error = pull_back(error, value, d_g, all, along);
            if (live) {
                // KL's value stands outside of the softmax.
                found[shape.found_rows + at * shape.d_v + row] = -select(d_error, d_g, shape.bias == KL);
                found[shape.found_rows + (shape.lanes * shape.steps + at) * shape.d_v + row] = -g * d_written;
            }
            first[i] = d_recalled;
            second[i] = select(0.0, d_error, shape.bias != 0u);
            third[i] = -beta * g;
            workgroupBarrier();
            // Columns.
            for (var j = i; j < shape.d_k; j += ROWS) {
                let keep = alpha(at, j);
                let read = read_key(at, j);
                var d_q = 0.0;
                var d_read = 0.0;
                var d_write = 0.0;
                var d_alpha = 0.0;
                var d_eta = 0.0;
                for (var r = 0u; r < rows; r++) {
                    let before = state_row(shape.trail, slots, lane, t - begin, top + r) + j;
                    let after = state_row(shape.trail, slots, lane, t - begin + 1u, top + r) + j;
                    let cell = r * STRIDE + j;
                    let state = work[before];
                    let d_state = cells[cell];
                    d_q += first[r] * work[after];
                    d_read += second[r] * state;
                    d_alpha += d_state * state;
                    var d_gain = d_state;
                    if (shape.momentum != 0u) {
                        d_gain = cells[cell + ROWS * STRIDE];
                        d_eta += d_gain * work[before + matrix];
                        cells[cell + ROWS * STRIDE] = eta * d_gain;
                    }
                    d_write += third[r] * d_gain;
                    cells[cell] = keep * d_state + second[r] * read;
                }
                let place = (group.x * shape.lanes * shape.steps + at) * shape.d_k + j;
                found[place] = d_q;
                found[column_sums + place] = d_read;
                found[2u * column_sums + place] = d_write;
                found[3u * column_sums + place] = d_alpha;
                found[4u * column_sums + place] = d_eta;
            }
            workgroupBarrier();
        }
    }
}

// The scan of P: one workgroup to a lane, an invocation to each of the d_k = ROWS rows.
@compute @workgroup_size(ROWS)
fn narrow(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    let lane = group.y;
    let chunks = (shape.steps + shape.chunk - 1u) / shape.chunk;
    let p = i * STRIDE;
    for (var j = 0u; j < shape.d_k; j++) {
        cells[p + j] = select(0.0, 1.0 / shape.ridge, i == j);
    }
    for (var t = 0u; t < shape.steps; t++) {
        let at = lane * shape.steps + t;
        if (t % shape.chunk == 0u) {
            let border = shape.p_borders + ((lane * chunks + t / shape.chunk) * shape.d_k + i) * shape.d_k;
            for (var j = 0u; j < shape.d_k; j++) {
                work[border + j] = cells[p + j];
            }
        }
        var u = 0.0;
        for (var j = 0u; j < shape.d_k; j++) {
            u += cells[p + j] * key(at, j);
        }
        second[i] = u;
        first[i] = u * key(at, i);
        let overlap = total();
        let beta = given_strength(at);
        var forget = 1.0;
        if (shape.retentions != 0u) {
            forget = given[shape.retention + at];
        }
        let z = beta / (forget + beta * overlap);
        for (var j = 0u; j < shape.d_k; j++) {
            cells[p + j] = (cells[p + j] - z * (u * second[j])) / forget;
        }
        work[shape.u + at * shape.d_k + i] = u;
        if (i == 0u) {
            work[shape.z + at] = z;
        }
        workgroupBarrier();
    }
}

// The way back through the scan of P, after `unwrite` has found the gradients by u and z.
@compute @workgroup_size(ROWS)
fn widen(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    let lane = group.y;
    let chunks = (shape.steps + shape.chunk - 1u) / shape.chunk;
    let slots = shape.chunk + 1u;
    let all = shape.lanes * shape.steps;
    let matrix = shape.d_k * shape.d_k;
    let p = i * STRIDE;
    for (var j = 0u; j < shape.d_k; j++) {
        cells[p + j] = 0.0;
    }
    for (var back = 0u; back < chunks; back++) {
        let chunk = chunks - 1u - back;
        let begin = chunk * shape.chunk;
        let end = min(begin + shape.chunk, shape.steps);
        let trail = shape.p_trail + (lane * slots * shape.d_k + i) * shape.d_k;
        for (var j = 0u; j < shape.d_k; j++) {
            work[trail + j] = work[shape.p_borders + ((lane * chunks + chunk) * shape.d_k + i) * shape.d_k + j];
        }
        for (var t = begin; t < end; t++) {
            let at = lane * shape.steps + t;
            var forget = 1.0;
            if (shape.retentions != 0u) {
                forget = given[shape.retention + at];
            }
            let before = trail + (t - begin) * matrix;
            let amount = work[shape.z + at];
            let u = work[shape.u + at * shape.d_k + i];
            for (var j = 0u; j < shape.d_k; j++) {
                let shrunk = work[before + j] - amount * (u * work[shape.u + at * shape.d_k + j]);
                work[before + matrix + j] = shrunk / forget;
            }
        }
        for (var forward = begin; forward < end; forward++) {
            let t = end - 1u - (forward - begin);
            let at = lane * shape.steps + t;
            let beta = given_strength(at);
            var forget = 1.0;
            if (shape.retentions != 0u) {
                forget = given[shape.retention + at];
            }
            let u = work[shape.u + at * shape.d_k + i];
            let own_key = key(at, i);
            first[i] = u * own_key;
            let overlap = total();
            let c = forget + beta * overlap;
            let z = beta / c;
            let before = trail + (t - begin) * matrix;
            // H = P' / alpha, H u, and <H, P_t>, row by row.
            var product = 0.0;
            var d_grown = 0.0;
            for (var j = 0u; j < shape.d_k; j++) {
                let h = cells[p + j] / forget;
                cells[p + j] = h;
                product += h * work[shape.u + at * shape.d_k + j];
                d_grown += h * work[before + matrix + j];
            }
            first[i] = d_grown;
            let d_forget = -total();
            first[i] = u * product;
            var d_z = -total();
            for (var r = 0u; r < shape.d_v; r++) {
                d_z += found[shape.found_rows + (all + at) * shape.d_v + r];
            }
            let d_c = -d_z * z / c;
            var d_u = -2.0 * z * product + d_c * beta * own_key;
            for (var tile = 0u; tile < shape.tiles; tile++) {
                d_u += found[((2u * shape.tiles + tile) * all + at) * shape.d_k + i];
            }
            second[i] = d_u;
            workgroupBarrier();
            var d_key = d_c * beta * u;
            for (var j = 0u; j < shape.d_k; j++) {
                d_key += work[before + j] * second[j];
                // The same sum, in the same order, for (i, j) and (j, i): an asymmetry would grow as alpha^-t.
                let low = min(i, j);
                let high = max(i, j);
                cells[p + j] += 0.5 * (second[low] * key(at, high) + key(at, low) * second[high]);
            }
            found[shape.found_p + at * shape.d_k + i] = d_key;
            if (i == 0u) {
                found[shape.found_p + all * shape.d_k + at] = d_z / c + d_c * overlap;
                found[shape.found_p + all * (shape.d_k + 1u) + at] = d_forget + d_c;
            }
            workgroupBarrier();
        }
    }
}
