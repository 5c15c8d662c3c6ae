//! Why a memory was refused.

use mnemoscope_core::ComponentError;
use thiserror::Error;

/// Why a memory was refused.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum MemoryError {
    /// A setting outside its domain.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// Choices of a composed memory that do not go together.
    #[error("{place}: {reason}")]
    Together {
        /// The choice, such as "memory.rule".
        place: &'static str,
        /// Why, and what to choose.
        reason: String,
    },
    /// A composed memory that cannot be built with these sizes.
    #[error("memory: {reason}")]
    Sizes {
        /// Which sizes, and what to change.
        reason: String,
    },
    /// A composed memory that the graphics card's shader does not know.
    #[error(
        "memory association: the graphics card writes linear attention, the delta rule and softmax attention, each \
         with decay; compute this memory on the processor"
    )]
    NotOnCard,
    /// A step size at which errors would grow.
    #[error(
        "memory.rule: {knob} = {value} with keys of length {key_length} gives {knob} |k|^2 = {product}; the memory \
         converges only for 0 < {knob} |k|^2 < {bound}, so choose {knob} above 0 and below {limit}"
    )]
    Wild {
        /// The step size: "beta", or "theta" of momentum.
        knob: &'static str,
        /// What it is set to.
        value: f64,
        /// The keys' length.
        key_length: f64,
        /// The step size times the squared length.
        product: f64,
        /// What that must stay below.
        bound: f64,
        /// The bound of the step size at this length.
        limit: f64,
    },
    /// A memory whose numbers have left all bounds.
    #[error(
        "memory.rule: after {writes} writes the memory holds what is no number: its steps overshoot and grow; lower the \
         step size, or the length of keys and values"
    )]
    Diverged {
        /// Writes until then, or until it was noticed.
        writes: usize,
    },
    /// More orthonormal keys than dimensions.
    #[error(
        "memory association: there are no {keys} orthonormal keys in {d_k} dimensions; \
         lower pairs to {d_k}, raise d_k to {keys}, or switch orthonormal off"
    )]
    TooManyOrthonormal {
        /// Different keys that were wanted.
        keys: usize,
        /// Their dimensions.
        d_k: usize,
    },
    /// Keys that should be both orthonormal and correlated.
    #[error(
        "memory association: orthonormal keys have no correlation; \
         set correlation = 0 (it is {correlation}) or switch orthonormal off"
    )]
    OrthonormalAndCorrelated {
        /// The correlation that was wanted.
        correlation: f64,
    },
    /// Distributions that could not stay what they are.
    #[error("memory association: distributions and {setting} do not go together; switch one of them off")]
    Distributions {
        /// The other setting.
        setting: &'static str,
    },
    /// A feature map that is too wide.
    #[error(
        "memory association: a key of {d_k} entries has {features} products of two; lower d_k to 32 or choose another \
         feature map"
    )]
    TooManyFeatures {
        /// Entries of a mapped key.
        features: usize,
        /// Entries of a key.
        d_k: usize,
    },
    /// Arrays that do not belong together.
    #[error(
        "pairs given by hand: {keys} numbers in keys and {values} in values are not one row of {d_k} and one row \
         of {d_v} for each pair"
    )]
    Shape {
        /// Numbers in the keys.
        keys: usize,
        /// Numbers in the values.
        values: usize,
        /// Entries of a key.
        d_k: usize,
        /// Entries of a value.
        d_v: usize,
    },
    /// The graphics card.
    #[error(transparent)]
    Gpu(#[from] GpuError),
}

impl MemoryError {
    /// Where in an experiment the refused setting stands, such as "memory.rule".
    pub fn place(&self) -> &'static str {
        match self {
            Self::Together { place, .. } => place,
            Self::Wild { .. } | Self::Diverged { .. } => "memory.rule",
            Self::Sizes { .. } => "memory.architecture",
            _ => "attention",
        }
    }
}

/// Why the graphics card gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GpuError {
    /// There is none, or no driver.
    #[error("no graphics adapter was found; install a Vulkan driver, or compute the memory on the processor")]
    NoAdapter,
    /// It is there and does not start.
    #[error("the graphics adapter {name} does not start: {problem}; compute the memory on the processor")]
    NotStarted {
        /// The adapter.
        name: String,
        /// What the driver says.
        problem: String,
    },
    /// One row of the memory does not fit its fast memory.
    #[error(
        "a row of {width} numbers needs {} bytes of workgroup memory and the adapter has {limit}; \
         lower d_k and d_v, or compute on the processor",
        width * 4
    )]
    TooWide {
        /// Numbers in a row of the memory.
        width: usize,
        /// Bytes of workgroup memory.
        limit: usize,
    },
    /// More pairs than the software adapter's loops can count.
    #[error(
        "{pairs} pairs are more than the software adapter computes rightly at these sizes, which is {limit}; \
         compute on the processor"
    )]
    TooLong {
        /// Pairs that were asked for.
        pairs: usize,
        /// Most pairs.
        limit: usize,
    },
    /// Rows that must share one workgroup do not fit it.
    #[error(
        "{what} needs all {rows} rows in one workgroup and the adapter takes {limit} at these sizes; \
         lower d_k and d_v, or compute on the processor"
    )]
    Together {
        /// What keeps them together.
        what: &'static str,
        /// How many there are.
        rows: usize,
        /// Most rows.
        limit: usize,
    },
    /// More steps than the software adapter's loops can count.
    #[error(
        "{steps} steps are more than the software adapter computes rightly at these sizes, which is {limit}; \
         compute on the processor"
    )]
    TooManySteps {
        /// Steps of a sequence.
        steps: usize,
        /// Most steps.
        limit: usize,
    },
    /// An array is longer than a binding may be, or there are too many memories.
    #[error("{what} is {size}; this adapter takes at most {limit}: compute fewer memories at once")]
    TooLarge {
        /// Which array or count.
        what: &'static str,
        /// Its bytes or number.
        size: u64,
        /// The adapter's limit.
        limit: u64,
    },
    /// Memories of one batch that differ in shape.
    #[error("memories of one batch must have the same number of pairs, d_k and d_v")]
    MixedShapes,
    /// The driver refused or lost the work.
    #[error("the graphics adapter failed: {0}; compute the memory on the processor")]
    Failed(String),
}
