//! Continual evaluation against the table, on random runs.

use mnemoscope_measure::Continual;
use proptest::prelude::*;

use crate::{mean, same};

const WINDOWS: [u64; 4] = [2, 5, 10, 16];
const LCA_STEPS: u64 = 3;

#[derive(Debug, Clone)]
enum Event {
    Begin(u64, Vec<usize>),
    Observe(u64, Vec<f64>),
    End(u64),
}

fn tell(continual: &mut Continual, event: &Event) {
    match event {
        Event::Begin(step, groups) => continual.begin_block(*step, groups),
        Event::Observe(step, accuracies) => continual.observe(*step, accuracies),
        Event::End(step) => continual.end_block(*step),
    }
    .expect("events in order");
}

/// Everything told so far, and the table's rows read from it word for word.
#[derive(Default)]
struct Log {
    /// (step, accuracy of every group)
    evaluated: Vec<(u64, Vec<f64>)>,
    /// (start, end, groups)
    blocks: Vec<(u64, Option<u64>, Vec<usize>)>,
}

impl Log {
    fn tell(&mut self, event: &Event) {
        match event {
            Event::Begin(step, groups) => self.blocks.push((*step, None, groups.clone())),
            Event::Observe(step, accuracies) => self.evaluated.push((*step, accuracies.clone())),
            Event::End(step) => self.blocks.last_mut().expect("a block is open").1 = Some(*step),
        }
    }
    /// start and end of the first block that trains g
    fn first(&self, g: usize) -> Option<(u64, Option<u64>)> {
        self.blocks.iter().find(|block| block.2.contains(&g)).map(|block| (block.0, block.1))
    }
    fn seen(&self, groups: usize) -> Vec<usize> {
        (0..groups).filter(|g| self.first(*g).is_some()).collect()
    }
    fn minima(&self, groups: usize) -> Option<Vec<f64>> {
        let current = &self.blocks.last()?.2;
        let others = self.seen(groups).into_iter().filter(|g| !current.contains(g));
        others
            .map(|g| {
                let end = self.first(g)?.1?;
                let after = self.evaluated.iter().filter(|(n, _)| *n > end).map(|(_, a)| a[g]);
                after.fold(None, |lowest: Option<f64>, a| Some(lowest.map_or(a, |lowest| lowest.min(a))))
            })
            .collect()
    }
    fn min_acc(&self, groups: usize) -> Option<f64> {
        mean(&self.minima(groups)?)
    }
    fn wc_acc(&self, groups: usize) -> Option<f64> {
        let (start, _, current) = self.blocks.last()?;
        let (_, now) = self.evaluated.last().filter(|(n, _)| n >= start)?;
        let minima = self.minima(groups)?;
        let k = (current.len() + minima.len()) as f64;
        match (mean(&current.iter().map(|g| now[*g]).collect::<Vec<_>>()), mean(&minima)) {
            (Some(current_now), None) => Some(current_now),
            (None, min_acc) => min_acc,
            (Some(current_now), Some(min_acc)) => {
                let share = current.len() as f64 / k;
                Some(share * current_now + (1.0 - share) * min_acc)
            }
        }
    }
    /// `sign` 1 for falls, -1 for rises
    fn windowed(&self, groups: usize, w: u64, sign: f64) -> Option<f64> {
        let seen = self.seen(groups);
        let since = seen.iter().filter_map(|g| self.first(*g)).map(|(start, _)| start).min()?;
        let known: Vec<&(u64, Vec<f64>)> = self.evaluated.iter().filter(|(n, _)| *n >= since).collect();
        let close = known.windows(2).all(|pair| (pair[1].0 - pair[0].0) as f64 <= w as f64 / 2.0);
        if known.len() < 2 || !close {
            return None;
        }
        let largest = |g: usize| {
            let start = self.first(g).expect("it is seen").0;
            let mut largest: f64 = 0.0;
            for t in 0..=known[known.len() - 1].0 {
                let inside = |n: u64| n >= start && n <= t && n + w > t;
                for (m, a) in known.iter().filter(|(m, _)| inside(*m)) {
                    for (_, later) in known.iter().filter(|(n, _)| inside(*n) && n > m) {
                        largest = largest.max(sign * (a[g] - later[g]));
                    }
                }
            }
            largest
        };
        mean(&seen.into_iter().map(largest).collect::<Vec<_>>())
    }
    /// Err: still in its first steps.
    fn lca_of(&self, b: usize) -> Result<Option<f64>, ()> {
        let (start, end, groups) = &self.blocks[b];
        let last = end.unwrap_or(u64::MAX);
        let at = |step: u64| self.evaluated.iter().find(|(n, _)| *n == step && *n <= last);
        let now = self.evaluated.last().map_or(0, |(n, _)| *n);
        let steps: Vec<u64> = (*start..=start + LCA_STEPS).collect();
        let missed = steps.iter().any(|step| *step <= now && at(*step).is_none());
        if end.is_none() && !missed && now < start + LCA_STEPS {
            return Err(());
        }
        let current = |step: &u64| {
            let (_, a) = at(*step)?;
            mean(&groups.iter().map(|g| a[*g]).collect::<Vec<_>>())
        };
        Ok(steps.iter().map(current).collect::<Option<Vec<f64>>>().and_then(|curve| mean(&curve)))
    }
    fn lca(&self) -> Option<f64> {
        let training = (0..self.blocks.len()).filter(|b| !self.blocks[*b].2.is_empty());
        let reached: Option<Vec<f64>> = training.filter_map(|b| self.lca_of(b).ok()).collect();
        mean(&reached?)
    }
}

/// What a run is made of.
#[derive(Debug, Clone)]
struct Plan {
    groups: usize,
    /// (length in steps, groups)
    blocks: Vec<(u64, Vec<usize>)>,
    /// Steps from one evaluation to the next, over and over.
    apart: Vec<u64>,
    levels: Vec<u8>,
    /// Whether an evaluation at a border is told before it.
    early: Vec<bool>,
    /// Where a run is cut in two.
    cut: prop::sample::Index,
}

fn plans() -> impl Strategy<Value = Plan> {
    let apart = prop_oneof![
        Just(vec![1]),
        prop::collection::vec(1..=2_u64, 1..9),
        prop::collection::vec(1..=6_u64, 1..9),
        (4..9_usize).prop_map(|dense| [vec![1; dense], vec![5]].concat()),
    ];
    (1..4_usize, apart).prop_flat_map(|(groups, apart)| {
        let trained = prop::sample::subsequence((0..groups).collect::<Vec<_>>(), 0..=groups.min(2));
        let blocks = prop::collection::vec((0..14_u64, trained), 1..6);
        let levels = prop::collection::vec(0..=20_u8, 31);
        let early = prop::collection::vec(any::<bool>(), 6);
        (blocks, levels, early, any::<prop::sample::Index>()).prop_map(move |(blocks, levels, early, cut)| Plan {
            groups,
            blocks,
            apart: apart.clone(),
            levels,
            early,
            cut,
        })
    })
}

impl Plan {
    fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        let mut apart = self.apart.iter().copied().cycle();
        let mut drawn = self.levels.iter().copied().cycle();
        let (mut start, mut due) = (0, 0);
        for (b, (length, groups)) in self.blocks.iter().enumerate() {
            let end = start + length;
            events.push(Event::Begin(start, groups.clone()));
            while due < end || (due == end && self.early[b]) {
                let accuracies = drawn.by_ref().take(self.groups).map(|level| f64::from(level) / 20.0).collect();
                events.push(Event::Observe(due, accuracies));
                due += apart.next().expect("it goes round");
            }
            events.push(Event::End(end));
            start = end;
        }
        events
    }
}

proptest! {
    #[test]
    fn every_metric_equals_its_row_of_the_table_at_every_event(plan in plans()) {
        let mut continual = Continual::new(plan.groups, &WINDOWS, LCA_STEPS);
        let mut log = Log::default();
        for event in plan.events() {
            tell(&mut continual, &event);
            log.tell(&event);
            let mut pairs = vec![
                ("min-ACC", continual.min_acc(), log.min_acc(plan.groups)),
                ("WC-ACC", continual.wc_acc(), log.wc_acc(plan.groups)),
                ("LCA", continual.lca(), log.lca()),
            ];
            for b in 0..log.blocks.len() {
                pairs.push(("LCA of a block", continual.lca_of(b), log.lca_of(b).ok().flatten()));
            }
            for w in WINDOWS {
                pairs.push(("WF", continual.wf(w), log.windowed(plan.groups, w, 1.0)));
                pairs.push(("WP", continual.wp(w), log.windowed(plan.groups, w, -1.0)));
            }
            for (name, measured, wanted) in pairs {
                prop_assert!(same(&measured, wanted), "{} after {:?}: {:?} is not {:?}", name, event, measured, wanted);
            }
        }
    }

    #[test]
    fn saved_and_read_back_it_goes_on_as_if_never_interrupted(plan in plans()) {
        let events = plan.events();
        let mut whole = Continual::new(plan.groups, &WINDOWS, LCA_STEPS);
        let mut first = whole.clone();
        let (before, after) = events.split_at(plan.cut.index(events.len()));
        for event in before {
            tell(&mut first, event);
        }
        let bytes = postcard::to_stdvec(&first).expect("it can be written");
        let mut second: Continual = postcard::from_bytes(&bytes).expect("it can be read");
        prop_assert_eq!(&second, &first);
        for event in after {
            tell(&mut second, event);
        }
        for event in &events {
            tell(&mut whole, event);
        }
        prop_assert_eq!(second, whole);
    }
}
