//! The candidate classes of an evaluation.

/// Among which outputs an answer is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Candidates {
    /// All outputs.
    All,
    /// The classes met so far.
    Seen,
    /// The classes of the task that the sample is from.
    Task,
}

impl Candidates {
    /// Every set, widest first.
    pub const EVERY: [Self; 3] = [Self::All, Self::Seen, Self::Task];

    /// As written in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Seen => "seen",
            Self::Task => "task",
        }
    }

    /// As shown.
    pub fn label(self) -> &'static str {
        match self {
            Self::All => "all outputs",
            Self::Seen => "classes seen so far",
            Self::Task => "the task's own classes",
        }
    }

    /// The set called `name` in a file, or shown as `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|set| set.name() == name || set.label() == name)
    }
}
