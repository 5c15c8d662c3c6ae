//! What a memory will cost, told from its choices and sizes before anything is built: bytes to refuse what would not fit,
//! and operations to know what can be answered within a frame.
//!
//! An operation is a multiplication and addition of the kind that the compiler turns into vector instructions. Sums in
//! f64 that must be taken one after another count [`SERIAL`] of them, exponentials and powers [`ELEMENTARY`]. The counts
//! are those of the leading terms; they rank settings and are no clock.

use mnemoscope_core::Setting;

use crate::composition::Composition;
use crate::depth::check_depth;
use crate::kinds::{check, different_keys, longest_key, memory_width};
use crate::{Component, Conditioning, Depths, MemoryError};

/// Operations in the time of one addition to a sum in f64, which waits for the one before.
const SERIAL: f64 = 8.0;
/// Operations in the time of one exponential, power or Gaussian number.
const ELEMENTARY: f64 = 32.0;
/// Operations that leave a frame its rest. On one core of a busy two-core machine one takes 0.1 to 0.3 ns where the memory
/// lies in the cache and 0.4 to 1 ns where it does not (the test `measured_costs`), so that these take 1.5 to 15 ms.
const FRAME: f64 = 1.5e7;

/// The most bytes that a bench gives one memory. While another number of its writes is prepared there are two of them, and
/// a curve over draws has one for each thread.
pub const MOST_BYTES: f64 = 256.0 * 1024.0 * 1024.0;

/// What it takes to write pairs and to ask for them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Operations; see the head of this file.
    pub operations: f64,
    /// Bytes that the memory keeps after the last write, as [`crate::Memory::bytes`] counts them.
    pub bytes: f64,
}

impl Cost {
    /// Whether the work is expected to end within a frame of the window.
    pub fn within_a_frame(self) -> bool {
        self.operations <= FRAME
    }
}

/// Sizes that every count needs.
#[derive(Clone, Copy)]
struct Sizes {
    d_k: f64,
    d_v: f64,
}

impl Sizes {
    fn new(d_k: usize, d_v: usize) -> Self {
        Self { d_k: d_k as f64, d_v: d_v as f64 }
    }

    fn pair(self) -> f64 {
        self.d_k + self.d_v
    }

    fn matrix(self) -> f64 {
        self.d_k * self.d_v
    }

    /// Weights of two layers.
    fn deep(self, expansion: usize) -> f64 {
        expansion as f64 * self.d_k * self.pair()
    }
}

impl Composition {
    /// The cost of writing `writes` pairs into an empty memory and then asking `reads` queries together.
    pub fn cost(&self, d_k: usize, d_v: usize, writes: usize, reads: usize) -> Cost {
        let sizes = Sizes::new(d_k, d_v);
        let written: f64 = (0..writes).map(|held| self.write_operations(sizes, held as f64)).sum();
        let asked = if self.architecture.name() == "state_space" && reads > 0 {
            // The past is rebuilt once for all queries.
            let attended = writes as f64 * (sizes.pair() + ELEMENTARY);
            self.read_operations(sizes, writes as f64) + reads as f64 * attended
        } else {
            reads as f64 * self.read_operations(sizes, writes as f64)
        };
        let operations = written + asked;
        Cost { operations, bytes: self.bytes_after(sizes, writes) }
    }

    /// Refuses a memory that would keep more than [`MOST_BYTES`] after that many writes.
    ///
    /// # Errors
    /// When it would, with what to change.
    pub fn check_bytes(&self, d_k: usize, d_v: usize, writes: usize) -> Result<(), MemoryError> {
        let sizes = Sizes::new(d_k, d_v);
        let bytes = self.bytes_after(sizes, writes);
        if bytes <= MOST_BYTES {
            return Ok(());
        }
        let mebibytes = |bytes: f64| (bytes / 1024.0 / 1024.0).ceil();
        let longer = self.least_segment(sizes, writes).map(|segment| format!("raise segment to {segment}, or "));
        let reason = format!(
            "after {writes} pairs of d_k = {d_k} and d_v = {d_v} it would keep {} MiB, and a bench gives it {}; {}lower \
             pairs, d_k or d_v",
            mebibytes(bytes),
            mebibytes(MOST_BYTES),
            longer.unwrap_or_default()
        );
        Err(MemoryError::Sizes { reason })
    }

    /// The shortest segment with which cached states fit; none for other memories.
    fn least_segment(&self, sizes: Sizes, writes: usize) -> Option<usize> {
        let fits = |segment: &usize| {
            let mut other = self.clone();
            let set = other.architecture.set("segment", Setting::Number(*segment as f64));
            set.is_ok() && other.bytes_after(sizes, writes) <= MOST_BYTES
        };
        (self.architecture.name() == "cached").then(|| (1..=writes).find(fits)).flatten()
    }

    fn is_list(&self) -> bool {
        self.architecture.name() == "key_value_list"
    }

    /// Weights of what a rule writes, and those of its retention and momentum beside them.
    fn weights(&self, sizes: Sizes) -> (f64, f64) {
        let part = &self.architecture;
        let weights = match part.name() {
            "mlp" => sizes.deep(part.whole("expansion")),
            "cached" if part.text("inner") == "mlp" => sizes.deep(2),
            _ => sizes.matrix(),
        };
        let hidden = match self.retention.name() {
            "kl" => 1.0,
            "shrinkage" if self.retention.text("form") == "lq" => 1.0,
            _ => 0.0,
        };
        let momentum = if self.rule.name() == "momentum" { 1.0 } else { 0.0 };
        (weights, (hidden + momentum) * weights)
    }

    /// Pairs that a list or a hybrid keeps of so many.
    fn kept(&self, held: f64) -> f64 {
        let part = &self.architecture;
        match (part.name(), self.retention.name()) {
            ("hybrid", _) => held.min((part.whole("window") + part.whole("store")) as f64),
            (_, "bounded_cache") => held.min(self.retention.whole("budget") as f64),
            _ => held,
        }
    }

    fn write_operations(&self, sizes: Sizes, held: f64) -> f64 {
        let part = &self.architecture;
        let pair = sizes.pair();
        match (part.name(), self.rule.name()) {
            ("key_value_list", _) => {
                let asked = self.retention.name() == "bounded_cache" && self.retention.text("eviction") != "oldest";
                let moved = if self.retention.name() == "bounded_cache" { self.kept(held) * pair } else { 0.0 };
                pair + moved + if asked { self.kept(held) * (sizes.d_k + ELEMENTARY) } else { 0.0 }
            }
            ("chunks", _) => pair,
            ("state_space", _) => SERIAL * pair * part.whole("order") as f64,
            (_, "least_squares") => {
                let (square, chunk) = (sizes.d_k * sizes.d_k, self.rule.whole("chunk") as f64);
                let solved = if chunk == 1.0 && self.rule.real("forgetting") == 1.0 {
                    SERIAL * square
                } else {
                    square + SERIAL * (sizes.d_k * square / 6.0 + sizes.d_v * square) / chunk
                };
                (SERIAL + 3.0) * sizes.matrix() + solved
            }
            ("gated_matrix", _) => 4.0 * sizes.matrix(),
            ("codebook", _) => {
                let [heads, codes] = ["heads", "codes"].map(|name| part.whole(name) as f64);
                3.0 * self.fetch_operations(sizes) + heads * codes * sizes.d_v
            }
            (architecture, _) => {
                let weights = self.weights(sizes).0;
                let gradient = if weights == sizes.matrix() { 2.0 } else { 5.0 };
                let steps = if self.rule.name() == "several_steps" { self.rule.whole("steps") as f64 } else { 1.0 };
                let kept = match self.retention.name() {
                    "shrinkage" | "kl" => ELEMENTARY,
                    "none" => 1.0,
                    _ => 2.0,
                };
                let moved = if self.rule.name() == "momentum" { 4.0 } else { 2.0 };
                let asked = if architecture == "hybrid" { 1.0 } else { 0.0 };
                let loss = steps * ELEMENTARY * sizes.d_v;
                (steps * (gradient + moved) + kept + asked) * weights + loss
            }
        }
    }

    fn read_operations(&self, sizes: Sizes, held: f64) -> f64 {
        let part = &self.architecture;
        let (pair, kept) = (sizes.pair(), self.kept(held));
        match (part.name(), self.rule.name()) {
            ("key_value_list", _) => {
                let attended = kept * (pair + ELEMENTARY);
                if self.rule.text("order") != "linear" {
                    return attended;
                }
                let unknowns = kept.min(sizes.d_k);
                // Below the diagonal; the sum over keys runs along rows where they are many, else through products.
                let square = if kept <= sizes.d_k {
                    SERIAL * kept * kept * sizes.d_k / 2.0
                } else {
                    2.0 * kept * sizes.d_k * sizes.d_k / 2.0
                };
                attended + square + SERIAL * (unknowns.powi(3) / 6.0 + 2.0 * kept * sizes.d_k) + 4.0 * kept * pair
            }
            ("chunks", _) => {
                let chosen = (part.whole("chunk") * part.whole("top")) as f64;
                held * sizes.d_k + chosen.min(held) * (pair + ELEMENTARY)
            }
            ("state_space", _) => {
                let order = part.whole("order") as f64;
                held * (SERIAL * order * (pair + 2.0) + pair + ELEMENTARY)
            }
            (_, "least_squares") => SERIAL * sizes.matrix(),
            ("codebook", _) => self.fetch_operations(sizes) + part.whole("heads") as f64 * sizes.d_v,
            ("cached", _) => {
                let weights = self.weights(sizes).0;
                let states = (held / part.whole("segment") as f64).floor() + 1.0;
                let asked = match part.text("read_out") {
                    "soup" => 2.0 * states * weights + weights,
                    "sparse" => states.min(part.whole("top") as f64) * weights,
                    _ => states * weights,
                };
                asked + states * (sizes.d_k + ELEMENTARY)
            }
            ("hybrid", _) => sizes.matrix() + kept * (pair + ELEMENTARY),
            _ => self.weights(sizes).0,
        }
    }

    /// Projects a key and finds the nearest code of each head.
    fn fetch_operations(&self, sizes: Sizes) -> f64 {
        let [heads, codes, width] = ["heads", "codes", "width"].map(|name| self.architecture.whole(name) as f64);
        heads * width * (sizes.d_k + SERIAL * codes)
    }

    /// Bytes that are kept after so many writes.
    fn bytes_after(&self, sizes: Sizes, writes: usize) -> f64 {
        let (single, double) = (size_of::<f32>() as f64, size_of::<f64>() as f64);
        let part = &self.architecture;
        let (weights, beside) = self.weights(sizes);
        let held = writes as f64;
        match (part.name(), self.rule.name()) {
            ("key_value_list" | "chunks", _) => single * self.kept(held) * sizes.pair(),
            ("state_space", _) => double * sizes.pair() * part.whole("order") as f64,
            (_, "least_squares") => {
                let recursive = self.rule.whole("chunk") == 1 && self.rule.real("forgetting") == 1.0;
                let matrices = if recursive { 1.0 } else { 2.0 };
                double * (matrices * sizes.matrix() + sizes.d_k * sizes.d_k)
            }
            ("gated_matrix", _) => single * (sizes.matrix() + sizes.d_k),
            ("codebook", _) => {
                let [heads, codes, width] = ["heads", "codes", "width"].map(|name| part.whole(name) as f64);
                single * heads * (codes * (width + sizes.d_v) + width * sizes.d_k)
            }
            ("cached", _) => {
                let states = (writes / part.whole("segment")) as f64;
                single * (weights + beside + sizes.d_k + states * (weights + sizes.d_k))
            }
            ("hybrid", _) => single * (weights + beside + self.kept(held) * (sizes.pair() + 1.0)),
            _ => single * (weights + beside),
        }
    }
}

/// The cost of the association bench with the first `writes` pairs written: of drawing all pairs, of writing and asking,
/// and of comparing every answer with every stored value.
pub fn association_cost(settings: &Component, memory: &Composition, writes: usize) -> Cost {
    let (all, width, d_v) = (settings.whole("pairs"), memory_width(settings), settings.whole("d_v"));
    let writes = writes.min(all);
    let mut cost = memory.cost(width, d_v, writes, writes);
    let (n, d_k) = (writes as f64, settings.whole("d_k") as f64);
    if memory.is_list() || ["chunks", "state_space"].contains(&memory.architecture.name()) {
        // The weights are shown too, and they do not depend on the order of the fit.
        cost.operations += n * n * (width as f64 + ELEMENTARY);
    }
    // Keys, queries and values, and the directions of random features.
    let mapped = if settings.text("features") == "random" { (d_k + ELEMENTARY) * width as f64 } else { width as f64 };
    let turned = if settings.switch("orthonormal") { SERIAL * different_keys(settings) as f64 * d_k } else { 0.0 };
    cost.operations += all as f64 * (ELEMENTARY * (2.0 * d_k + d_v as f64) + 2.0 * mapped + turned);
    // Inner products of answers with values or codes, of keys with keys, and what is made of each of them.
    let among = n + settings.whole("codebook") as f64;
    cost.operations += n * among * (d_v as f64 + SERIAL) + n * n * width as f64;
    cost
}

/// Whether these pairs can be written into this memory; nothing is drawn or built to tell.
///
/// # Errors
/// When settings or choices do not go together, the memory would not converge on the longest key, or it would not fit.
pub fn fits(settings: &Component, memory: &Composition) -> Result<(), MemoryError> {
    check(settings)?;
    memory.check_keys(longest_key(settings))?;
    let (d_k, d_v) = (memory_width(settings), settings.whole("d_v"));
    memory.check_sizes(d_k, d_v)?;
    memory.check_bytes(d_k, d_v, settings.whole("pairs"))
}

/// Whether memories of these sizes can be written in the depth bench; nothing is built to tell.
///
/// # Errors
/// As [`check_depth`], and when sizes do not go together or a memory would not fit.
pub fn fits_depth(settings: &mnemoscope_core::Component<Depths>, memory: &Composition) -> Result<(), MemoryError> {
    let [pairs, d_k, heads] = ["pairs", "d_k", "heads"].map(|name| settings.whole(name));
    check_depth(memory)?;
    memory.check_sizes(d_k, heads * d_k)?;
    memory.check_bytes(d_k, heads * d_k, pairs)
}

impl Conditioning {
    /// The cost of showing all trials to this memory: each is a write, and reads of all cues and of what is shown.
    pub fn cost(&self, memory: &Composition) -> Cost {
        let (d_k, trials) = (self.d_k(), self.count());
        let reads = self.settings.whole("cues") + 2;
        let sizes = Sizes::new(d_k, 1);
        let mut cost = memory.cost(d_k, 1, trials, 0);
        let asked: f64 = (0..=trials).map(|held| memory.read_operations(sizes, held as f64)).sum();
        cost.operations += reads as f64 * asked;
        cost
    }
}

#[cfg(test)]
mod tests;
