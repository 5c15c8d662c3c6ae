//! Undo and redo: the experiment as it was before every edit.

/// Most edits that can be undone.
const MOST: usize = 200;

/// Earlier and later states around the present one.
#[derive(Debug)]
pub struct History<T> {
    past: Vec<T>,
    /// The state after the last finished edit.
    settled: T,
    future: Vec<T>,
}

impl<T: Clone + PartialEq> History<T> {
    /// A history that begins at `present`.
    pub fn new(present: T) -> Self {
        Self { past: Vec::new(), settled: present, future: Vec::new() }
    }

    /// Notes the present state. While a gesture is under way (a slider is dragged, a word is typed) nothing is noted, so
    /// that the whole gesture is one edit.
    pub fn note(&mut self, present: &T, gesture: bool) {
        if gesture || *present == self.settled {
            return;
        }
        self.past.push(std::mem::replace(&mut self.settled, present.clone()));
        if self.past.len() > MOST {
            self.past.remove(0);
        }
        self.future.clear();
    }

    /// The state after the last finished edit.
    pub fn settled(&self) -> &T {
        &self.settled
    }

    /// Takes `present` for the state after the last finished edit: what differs is no edit.
    pub fn replace(&mut self, present: T) {
        self.settled = present;
    }

    /// Steps back; `None` at the beginning.
    pub fn undo(&mut self, present: &T) -> Option<T> {
        self.note(present, false);
        let earlier = self.past.pop()?;
        self.future.push(std::mem::replace(&mut self.settled, earlier.clone()));
        Some(earlier)
    }

    /// Steps forward again; `None` where nothing was undone.
    pub fn redo(&mut self, present: &T) -> Option<T> {
        self.note(present, false);
        let later = self.future.pop()?;
        self.past.push(std::mem::replace(&mut self.settled, later.clone()));
        Some(later)
    }

    /// Whether there is something to undo.
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Whether there is something to redo.
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gesture_is_one_edit_and_a_new_edit_ends_redo() {
        let mut history = History::new(0);
        for value in 1..5 {
            history.note(&value, true);
        }
        history.note(&5, false);
        history.note(&6, false);
        assert_eq!(history.undo(&6), Some(5));
        assert_eq!(history.undo(&5), Some(0));
        assert_eq!(history.undo(&0), None);
        assert_eq!(history.redo(&0), Some(5));
        history.note(&9, false);
        assert!(!history.can_redo());
        assert_eq!(history.redo(&9), None);
        assert_eq!(history.undo(&9), Some(5));
    }

    #[test]
    fn an_edit_that_is_not_noted_yet_is_undone_too() {
        let mut history = History::new("a");
        assert_eq!(history.undo(&"b"), Some("a"));
        assert_eq!(history.redo(&"a"), Some("b"));
    }

    #[test]
    fn old_edits_are_forgotten_first() {
        let mut history = History::new(0);
        for value in 1..=MOST + 10 {
            history.note(&value, false);
        }
        let mut present = MOST + 10;
        while let Some(earlier) = history.undo(&present) {
            present = earlier;
        }
        assert_eq!(present, 10);
    }
}
