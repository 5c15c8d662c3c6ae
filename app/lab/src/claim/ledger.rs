//! The ledger of claims, `presets/CLAIMS.md`: what the last check of every claim found, kept beside the presets.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::claim::{Claim, Finding};
use crate::provenance::commit;

/// What a check found of one claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The preset.
    pub preset: String,
    /// What the claim says.
    pub says: String,
    /// What it measures.
    pub measure: String,
    /// What must be seen, the margin included: "replay − fine-tuning > 0.1".
    pub wanted: String,
    /// What was seen: "+0.214 ± 0.031".
    pub effect: String,
    /// Seeds behind it: "10", or "9 of 10".
    pub seeds: String,
    /// "holds", "does not hold", or "not clear" with its reason.
    pub verdict: String,
    /// Who claims it.
    pub source: String,
    /// The likely reason, where it does not hold.
    pub because: String,
    /// Day and commit.
    pub checked: String,
}

const HEAD: &str = "\
# What the claims came to

Written by `mnemoscope check --markdown presets/CLAIMS.md`; [docs/claims.md](../docs/claims.md) says what the words mean. The
wanted effects stood in the presets before the runs; a claim that does not hold stays in.

| preset | claim | measure | wanted | found (95 %) | seeds | verdict | source | likely reason | checked |
|---|---|---|---|---|---|---|---|---|---|
";

static EMBEDDED: LazyLock<Vec<Entry>> = LazyLock::new(|| read(include_str!("../../../../presets/CLAIMS.md")));

impl Entry {
    /// The entry of a finding, dated now.
    pub fn new(preset: &str, claim: &Claim, finding: &Finding) -> Self {
        Self {
            preset: preset.to_owned(),
            says: claim.says.clone(),
            measure: claim.measure.clone(),
            wanted: format!("{} {}", claim.test.effect(), claim.wanted()),
            effect: finding.effect_text(claim),
            seeds: finding.seeds_text(),
            verdict: finding.verdict.to_string(),
            source: claim.source.clone(),
            because: if finding.verdict == super::Verdict::Holds { String::new() } else { claim.because.clone() },
            checked: format!("{}, {}", today(), commit()),
        }
    }

    fn cells(&self) -> [&str; 10] {
        [
            &self.preset,
            &self.says,
            &self.measure,
            &self.wanted,
            &self.effect,
            &self.seeds,
            &self.verdict,
            &self.source,
            &self.because,
            &self.checked,
        ]
    }

    /// What the last check found of an embedded preset's claim, if it was checked.
    pub fn last(preset: &str, claim: &Claim) -> Option<&'static Self> {
        embedded().iter().find(|entry| entry.preset == preset && entry.says == claim.says)
    }
}

/// The entries of `presets/CLAIMS.md` as they came with the program.
pub fn embedded() -> &'static [Entry] {
    &EMBEDDED
}

/// The entries of a ledger; lines that are none are passed over.
pub fn read(text: &str) -> Vec<Entry> {
    let rows = text.lines().filter_map(|line| {
        let inner = line.strip_prefix("| ")?.strip_suffix(" |")?.replace("\\|", "\u{0}");
        let cells = inner.split(" | ").map(|cell| cell.trim().replace('\u{0}', "|")).collect::<Vec<_>>();
        let [preset, says, measure, wanted, effect, seeds, verdict, source, because, checked] =
            <[String; 10]>::try_from(cells).ok()?;
        Some(Entry { preset, says, measure, wanted, effect, seeds, verdict, source, because, checked })
    });
    rows.filter(|entry| entry.preset != "preset").collect()
}

/// The ledger with new entries: those of the same presets are replaced, in the order in which presets come.
pub fn update(old: &str, new: Vec<Entry>) -> String {
    let mut entries = read(old);
    entries.retain(|entry| !new.iter().any(|other| other.preset == entry.preset));
    entries.extend(new);
    let place = |entry: &Entry| {
        let known = crate::presets::all().iter().position(|preset| preset.name == entry.preset);
        known.unwrap_or(usize::MAX)
    };
    entries.sort_by_key(place);
    let mut out = HEAD.to_owned();
    for entry in &entries {
        let cells = entry.cells().map(|cell| cell.replace('|', "\\|").replace('\n', " "));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out
}

/// Today in UTC, such as "2026-11-21".
pub fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    date(since.as_secs() / 86_400)
}

/// The date `days` days after 1970-01-01: whole years and months are taken off one by one.
fn date(mut days: u64) -> String {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    format!("{year}-{:02}-{:02}", month + 1, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(preset: &str, says: &str) -> Entry {
        let text = |text: &str| text.to_owned();
        Entry {
            preset: text(preset),
            says: text(says),
            measure: text("acc"),
            wanted: text("a − b > 0.1"),
            effect: text("+0.214 ± 0.031"),
            seeds: text("10"),
            verdict: text("holds"),
            source: text("S006 | fig. 2"),
            because: String::new(),
            checked: text("2026-11-21, abc"),
        }
    }

    #[test]
    fn a_ledger_reads_back_and_only_checked_presets_change() {
        let old = update("", vec![entry("replay-split-digits", "one"), entry("forgetting-split-digits", "two")]);
        assert_eq!(read(&old), [entry("forgetting-split-digits", "two"), entry("replay-split-digits", "one")]);
        let new = update(&old, vec![entry("replay-split-digits", "three")]);
        assert_eq!(read(&new), [entry("forgetting-split-digits", "two"), entry("replay-split-digits", "three")]);
    }

    #[test]
    fn days_become_dates() {
        // 2000 is a leap year although it is a multiple of 100: 10957 days lie before it.
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(10_957 + 59), "2000-02-29");
        assert_eq!(date(10_957 + 60), "2000-03-01");
        assert_eq!(date(10_957 + 365), "2000-12-31");
        assert_eq!(date(10_957 + 366), "2001-01-01");
    }
}
