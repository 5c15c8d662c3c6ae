// A heat map drawn straight from a buffer of numbers: one triangle over the window, cut by egui to the map's rectangle.
// Every pixel finds its cell, and the cell's colour in the map's ramp. Host side: app/figure/src/ui/card.rs.

struct Map {
    // Pixel of the cells' upper left corner, and the cell (column, row), with fractions, that lies there.
    corner: vec2f,
    first: vec2f,
    // Cells in a pixel, across and down.
    per_pixel: vec2f,
    // Columns and rows.
    size: vec2u,
    // Numbers from a column to the next, and from a row to the next.
    stride: vec2u,
    // Where the first cell is.
    offset: u32,
    // The value at the ramp's beginning, and 1 / (end - beginning); 0 where both are the same.
    low: f32,
    scale: f32,
    // Colour of a cell that is not finite, 0xAABBGGRR.
    unknown: u32,
}

@group(0) @binding(0) var<uniform> map: Map;
// As bits: whether a number is finite must not be left to a compiler that assumes so.
@group(0) @binding(1) var<storage, read> cells: array<u32>;
// 0xAABBGGRR, from the lowest value's colour to the highest's.
@group(0) @binding(2) var<storage, read> ramp: array<u32>;

// Whether the target turns linear light into sRGB by itself.
override LINEAR: bool = false;

// Most cells of a side that a pixel averages over; of more it takes every second (third, ...).
const MOST: u32 = 8u;

@vertex
fn corner(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
    return vec4f(f32(index & 1u) * 4.0 - 1.0, f32(index >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}

@fragment
fn shade(@builtin(position) pixel: vec4f) -> @location(0) vec4f {
    let middle = map.first + (pixel.xy - map.corner) * map.per_pixel;
    let last = vec2i(map.size) - vec2i(1);
    var low = vec2i(floor(middle));
    var high = low;
    // Where cells are smaller than a pixel, all that it covers: a pattern of cells must not beat against the pixels.
    let half = map.per_pixel * 0.5;
    if (map.per_pixel.x > 1.0) {
        low.x = i32(floor(middle.x - half.x));
        high.x = i32(ceil(middle.x + half.x)) - 1;
    }
    if (map.per_pixel.y > 1.0) {
        low.y = i32(floor(middle.y - half.y));
        high.y = i32(ceil(middle.y + half.y)) - 1;
    }
    let from_cell = vec2u(clamp(low, vec2i(0), last));
    let to_cell = vec2u(clamp(high, vec2i(0), last));
    let step = (to_cell - from_cell) / MOST + 1u;
    var sum = 0.0;
    var known = 0.0;
    for (var row = from_cell.y; row <= to_cell.y; row += step.y) {
        for (var col = from_cell.x; col <= to_cell.x; col += step.x) {
            let bits = cells[map.offset + row * map.stride.y + col * map.stride.x];
            if ((bits & 0x7f800000u) != 0x7f800000u) {
                sum += bitcast<f32>(bits);
                known += 1.0;
            }
        }
    }
    if (known == 0.0) {
        return color(map.unknown);
    }
    let along = select(clamp((sum / known - map.low) * map.scale, 0.0, 1.0), 0.5, map.scale == 0.0);
    return color(ramp[u32(round(along * f32(arrayLength(&ramp) - 1u)))]);
}

// An sRGB colour as the target wants it.
fn color(packed: u32) -> vec4f {
    let encoded = unpack4x8unorm(packed);
    if (!LINEAR) {
        return encoded;
    }
    let low = encoded.rgb / 12.92;
    let high = pow((encoded.rgb + 0.055) / 1.055, vec3f(2.4));
    return vec4f(select(high, low, encoded.rgb <= vec3f(0.04045)), encoded.a);
}
