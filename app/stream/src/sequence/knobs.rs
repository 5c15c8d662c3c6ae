//! The knobs of sequence tasks, one declaration for the data source and the scenario.

use mnemoscope_core::{Knob, Opt, Scale};

use super::task::TASK_OPTIONS;

pub(crate) const TASK: Knob = Knob::choice("task", "task", &TASK_OPTIONS, "recall").meaning("What is asked.");
pub(crate) const SAMPLES: Knob = Knob::whole("samples", "sequences", "N", 20, 100_000, 2000, Scale::Log)
    .meaning("Different sequences of a task, for all its parts together; modular arithmetic always has all its pairs.")
    .source("lab default");
pub(crate) const KEYS: Knob = Knob::whole("keys", "keys", "", 1, 1000, 16, Scale::Log)
    .meaning("Keys to draw from: recall, rewriting, updating.")
    .source("lab default");
pub(crate) const VALUES: Knob = Knob::whole("values", "values", "", 2, 1000, 16, Scale::Log)
    .meaning("Values to draw from: all tasks but updating, modular and the maze.")
    .source("lab default");
pub(crate) const PAIRS: Knob = Knob::whole("pairs", "pairs", "P", 1, 256, 4, Scale::Log)
    .meaning("Keys that are bound in a sequence: pairs of recall and rewriting, cells of updating.")
    .source("Arora et al. 2023, Zoology, has 4 to 64");
pub(crate) const QUERIES: Knob = Knob::whole("queries", "questions", "Q", 1, 256, 3, Scale::Log)
    .meaning("Questions per sequence: recall, induction, rewriting, updating; but for recall in rounds no pair is asked twice.")
    .source("lab default");
pub(crate) const FILLER: Knob = Knob::whole("filler", "filler", "", 0, 1000, 4, Scale::Log)
    .unit("tokens")
    .meaning("Tokens without meaning between what is told and what is asked.")
    .source("lab default");
pub(crate) const NOISE: Knob = Knob::whole("noise", "kinds of filler", "", 1, 100, 4, Scale::Log)
    .meaning("Different tokens that filler is drawn from.")
    .source("lab default");
pub(crate) const PERIOD: Knob = Knob::whole("period", "period", "", 0, 500, 0, Scale::Log)
    .unit("tokens")
    .meaning("Above 0, keys are asked in rounds, each key again after so many tokens, in place of at random with the filler.")
    .source("lab form: what methods of eviction by recurrence are made for");
pub(crate) const RECURRING: Knob = Knob::whole("recurring", "recurring keys", "", 1, 64, 1, Scale::Log)
    .meaning("With a period: how many of the keys are asked in each round.")
    .source("lab default");
pub(crate) const UPDATES: Knob = Knob::whole("updates", "updates", "", 1, 256, 4, Scale::Log)
    .meaning("Times that a key is bound anew (rewriting) or a cell is changed (updating).")
    .source("lab default");
pub(crate) const ITEMS: Knob = Knob::whole("items", "items", "L", 2, 256, 8, Scale::Log)
    .meaning("Tokens of a list: induction, selective copying, serial recall, n-back.")
    .source("lab default; Gu and Dao 2023 copy 16");
pub(crate) const BACK: Knob = Knob::whole("back", "back", "n", 1, 64, 2, Scale::Log)
    .unit("tokens")
    .meaning("How far back the token lies with which each one is compared.")
    .source("Kirchner 1958");
pub(crate) const CORRIDORS: Knob = Knob::whole("corridors", "corridors", "K", 1, 64, 3, Scale::Log)
    .meaning("Corridors, each with a junction at its end.")
    .source("lab default");
pub(crate) const TESTED_CORRIDORS: Knob = Knob::list("tested_corridors", "other lengths of the test", 1, 64, 8, &[])
    .meaning("Mazes of so many corridors, which are only evaluated: does what was learned reach further?")
    .source("S117, Memory retention is not enough, tests on mazes longer than the trained ones");
pub(crate) const CORRIDOR: Knob = Knob::whole("corridor", "longest corridor", "", 1, 64, 4, Scale::Log)
    .unit("tokens")
    .meaning("Each corridor's length is drawn from 1 to this.")
    .source("lab default");
pub(crate) const CUE: Knob = Knob::real("cue", "cue shown", "p", 0.0, 1.0, 0.5, Scale::Linear)
    .meaning("How likely a corridor after the first has a new cue; at 0 the first must be kept, at 1 each replaces the last.")
    .source("lab default");
pub(crate) const MODULUS: Knob = Knob::whole("modulus", "modulus", "p", 2, 113, 11, Scale::Log)
    .meaning("Numbers are 0 to p - 1: modular arithmetic, updating.")
    .source("lab default; Power et al. 2022 take 97");
pub(crate) const OPERATION: Knob = Knob::choice("operation", "operation", &OPERATIONS, "add")
    .meaning("What is done with the two numbers.")
    .source("Power et al. 2022, Grokking, appendix A.1.1");
static OPERATIONS: [Opt; 3] = [
    Opt { name: "add", label: "a + b", meaning: "The sum modulo p." },
    Opt { name: "subtract", label: "a − b", meaning: "The difference modulo p." },
    Opt { name: "multiply", label: "a · b", meaning: "The product modulo p." },
];
pub(crate) const SEED: Knob = Knob::whole("seed", "seed of the sequences", "", 0, 1_000_000, 1, Scale::Linear)
    .meaning("Which sequences are drawn.")
    .source("lab default");
