//! What can be wrong with data and streams. Each text names the place and the fix.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::sequence::SequenceError;

/// Why a data set could not be loaded.
#[derive(Debug, Error)]
pub enum DataError {
    /// A sequence task that cannot be.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// A path knob is empty.
    #[error("data set {source_name}: {knob} is empty; give the path of a file")]
    NoPath {
        /// The kind of data source.
        source_name: &'static str,
        /// The empty knob.
        knob: &'static str,
    },
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {error}; check the path, that it is a file and that it may be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The compressed data are damaged.
    #[error("{path}: the gzip data are damaged ({error}); download or copy the file again")]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        error: io::Error,
    },
    /// Not an IDX file of the wanted kind.
    #[error(
        "{path}: starts with {found:#010x}, not with {wanted:#010x} as an IDX file of {what} does; \
         check that images and labels are not exchanged"
    )]
    WrongMagic {
        /// The file.
        path: PathBuf,
        /// What stands in the header.
        found: u32,
        /// What should stand there.
        wanted: u32,
        /// "images" or "labels".
        what: &'static str,
    },
    /// The header promises more than the file holds.
    #[error(
        "{path}: the header promises {claimed} bytes of data, the file holds {held}; it is cut short or its header is \
         wrong: download or copy it again"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes by the header.
        claimed: u64,
        /// Bytes that are there, or "at most n" for compressed files that were not read.
        held: String,
    },
    /// The file holds more than the header says.
    #[error("{path}: holds more than the {claimed} bytes of data that its header says; it is not a plain IDX file")]
    Excess {
        /// The file.
        path: PathBuf,
        /// Bytes by the header.
        claimed: u64,
    },
    /// Larger than the lab takes.
    #[error("{path}: {what} of {size} is above the limit of {limit}; use a smaller file")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is too large.
        what: &'static str,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// Images and labels do not belong together.
    #[error("{images} holds {image_count} images, but {labels} holds {label_count} labels; take both from one set")]
    CountMismatch {
        /// The image file.
        images: PathBuf,
        /// Images in it.
        image_count: usize,
        /// The label file.
        labels: PathBuf,
        /// Labels in it.
        label_count: usize,
    },
    /// A file or folder does not hold what it should, or does not fit another.
    #[error("{path}: {problem}")]
    Unfit {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A label below the offset.
    #[error("{path}: label {label} of sample {sample} is below label_offset {offset}; lower label_offset")]
    LabelBelowOffset {
        /// The label file.
        path: PathBuf,
        /// The sample, counted from 1.
        sample: usize,
        /// Its label.
        label: u8,
        /// The offset.
        offset: usize,
    },
    /// No samples, no features, or one class only.
    #[error("{path}: {problem}; a data set needs samples of at least two classes")]
    Empty {
        /// The file.
        path: PathBuf,
        /// What is missing.
        problem: String,
    },
    /// A set of the library that was not fetched.
    #[error("{name} is not on this machine: run `mnemoscope data get {name}`, or put its files into {folder}")]
    NotFetched {
        /// The set.
        name: String,
        /// Its folder.
        folder: PathBuf,
    },
    /// The fonts have fewer characters.
    #[error(
        "glyphs: the alphabet {alphabet} has {found} characters in the fonts {fonts}, not {wanted}; set classes to \
         {found} at most, or choose another alphabet or all fonts"
    )]
    TooFewGlyphs {
        /// The alphabet.
        alphabet: String,
        /// The fonts.
        fonts: String,
        /// Classes asked for.
        wanted: usize,
        /// Characters there are.
        found: usize,
    },
    /// The label column does not exist.
    #[error("{path}: there is no column {column:?}{}", hint.as_ref().map_or_else(
        || "; give label_column a name from the first line, a number counted from 1, or last".to_owned(),
        |hint| format!("; did you mean {hint:?}?"),
    ))]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        column: String,
        /// The nearest name.
        hint: Option<String>,
    },
    /// A field of a table is wrong.
    #[error("{path}, line {line}, column {column}{}: {problem}", if name.is_empty() { String::new() } else { format!(" ({name})") })]
    Field {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The column, counted from 1.
        column: usize,
        /// The column's name, or empty.
        name: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A line of a table is wrong.
    #[error("{path}, line {line}: {problem}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong and what would be right.
        problem: String,
    },
}

/// Why a stream could not be made.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum StreamError {
    /// A sequence task that cannot be.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// No sequence task.
    #[error("sequences: no task is chosen; set task_1 to one, such as recall")]
    NoSequenceTask,
    /// Mazes are to be tested, and none is trained.
    #[error(
        "sequences: mazes of other lengths are evaluated beside one that is trained; set a task to t_maze, or empty tested_corridors"
    )]
    NoMaze,
    /// No replica seeds.
    #[error("a stream needs at least one replica; give one seed per replica")]
    NoReplicas,
    /// No blocks.
    #[error("the stream has no blocks; add one")]
    NoBlocks,
    /// A block names a group that the scenario does not make.
    #[error("block {} trains group {group}, but there are {groups} groups, counted from 0; change the block or raise tasks", block + 1)]
    UnknownGroup {
        /// The block, counted from 0.
        block: usize,
        /// The group that it names.
        group: usize,
        /// Groups in the stream.
        groups: usize,
    },
    /// A block of no length.
    #[error("block {}: {problem}", block + 1)]
    Length {
        /// The block, counted from 0.
        block: usize,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A block cannot mix what it names.
    #[error("block {} {problem}", block + 1)]
    Share {
        /// The block, counted from 0.
        block: usize,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A block counted in epochs that leaves nothing to its own group.
    #[error(
        "block {} leaves nothing to its own group {group}, so its epochs have no end; lower the shares of the others or \
         give its length in steps",
        block + 1
    )]
    NothingOwn {
        /// The block, counted from 0.
        block: usize,
        /// Its own group.
        group: usize,
    },
    /// The order mixes more tasks than there are.
    #[error("order {order}: a block needs {wanted} tasks, and the stream has {tasks}; lower groups or raise tasks")]
    TooFewTasks {
        /// The order.
        order: &'static str,
        /// Tasks that a block needs.
        wanted: usize,
        /// Tasks that there are.
        tasks: usize,
    },
    /// Outputs of their own for too many tasks.
    #[error(
        "labels: {tasks} tasks of {classes} classes need more than 65535 outputs; lower tasks or set labels to class"
    )]
    TooManyOutputs {
        /// Tasks.
        tasks: usize,
        /// Classes of each.
        classes: usize,
    },
    /// A class without as many training samples as are to be shown.
    #[error(
        "{group}: a class has {samples} training samples, too few for {shots} shots; lower shots, test or validation"
    )]
    TooFewShots {
        /// The group's name.
        group: String,
        /// Training samples of the class.
        samples: usize,
        /// Shots that are asked for.
        shots: usize,
    },
    /// Few-shot learning of more classes than there are.
    #[error(
        "few_shot: data set {data} has {classes} classes, too few for {base} and {tasks} times {way} more; lower \
         base_classes, way or tasks"
    )]
    TooFewForShots {
        /// The data set.
        data: String,
        /// Its classes.
        classes: usize,
        /// Classes of the base task.
        base: usize,
        /// Increments.
        tasks: usize,
        /// Classes of each increment.
        way: usize,
    },
    /// A wrong label where there is only the right one.
    #[error("label_noise: group {group} has one class, so no label can be another; set it to 0 or lower tasks")]
    NoOtherClass {
        /// The group's name.
        group: String,
    },
    /// More tasks than classes.
    #[error(
        "split: data set {data} has {classes} classes, too few for {tasks} tasks; set tasks to {classes} at most, \
         or choose another stream, such as rotate"
    )]
    TooFewClasses {
        /// The data set.
        data: String,
        /// Its classes.
        classes: usize,
        /// Tasks asked for.
        tasks: usize,
    },
    /// More tasks than different permutations.
    #[error("permute: {features} features have only {permutations} permutations; set tasks to {permutations} at most")]
    TooFewPermutations {
        /// Features of the data set.
        features: usize,
        /// Their permutations.
        permutations: usize,
    },
    /// Columns of a table have no angle.
    #[error("rotate: data set {data} is a table, which cannot be rotated; choose images, a 2-D point set, or permute")]
    NotRotatable {
        /// The data set.
        data: String,
    },
    /// A scenario that changes features, and tokens are no quantities.
    #[error(
        "{scenario}: data set {data} is sequences of tokens, whose features have no other order, angle or noise; choose \
         split or sequences"
    )]
    Tokens {
        /// The scenario.
        scenario: &'static str,
        /// The data set.
        data: String,
    },
    /// The points scenario draws its own points.
    #[error("points: data set {data} is not a 2-D point set; choose moons, rings, spirals, blobs or xor as data set")]
    NotPoints {
        /// The data set.
        data: String,
    },
    /// An unknown name in the list of point sets.
    #[error("points: there is no point set {name:?} (sets){}", hint.map_or_else(
        || "; there is: moons, rings, spirals, blobs, xor".to_owned(),
        |hint| format!("; did you mean {hint:?}?"),
    ))]
    UnknownPointSet {
        /// What was given.
        name: String,
        /// The nearest name.
        hint: Option<&'static str>,
    },
    /// Validation and test share leave nothing to train on.
    #[error("validation share {validation} and test share {test} leave under 5 % for training; lower one of them")]
    Shares {
        /// Share of validation samples.
        validation: f64,
        /// Share of test samples.
        test: f64,
    },
    /// A group without samples of a part.
    #[error("group {group} has no {part} samples: the data set is too small for its {part} share; {fix}")]
    EmptyPart {
        /// The group's name.
        group: String,
        /// The part.
        part: &'static str,
        /// What to do.
        fix: &'static str,
    },
}
