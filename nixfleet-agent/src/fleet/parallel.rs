//! The same work on many hosts, some at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does the work on each item, at most `at_once` at the same time, in order of their beginning. `None` where it was not
/// begun because `is_over` meanwhile.
pub(crate) fn each<T: Sync, R: Send>(
    items: &[T],
    at_once: usize,
    is_over: impl Fn() -> bool + Sync,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<Option<R>> {
    let results: Mutex<Vec<Option<R>>> = Mutex::new(items.iter().map(|_| None).collect());
    let next = AtomicUsize::new(0);
    let take = || {
        while !is_over() {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(place) else { return };
            let result = work(item);
            if let Some(slot) = results.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place) {
                *slot = Some(result);
            }
        }
    };
    thread::scope(|scope| {
        // This thread works as well: where the system gives no more of them, it all takes longer, and no more.
        for _ in 1..at_once.min(items.len()) {
            let _ = thread::Builder::new().name("host".to_owned()).spawn_scoped(scope, take);
        }
        take();
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use super::*;

    #[test]
    fn all_are_done_and_no_more_than_so_many_at_once() {
        let items: Vec<usize> = (0..50).collect();
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let results = each(
            &items,
            4,
            || false,
            |item| {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(1));
                now.fetch_sub(1, Ordering::SeqCst);
                item * 2
            },
        );
        assert_eq!(results, items.iter().map(|item| Some(item * 2)).collect::<Vec<_>>());
        assert!((2..=4).contains(&most.into_inner()));
    }

    #[test]
    fn what_is_stopped_begins_nothing_more() {
        let stop = AtomicBool::new(false);
        let results = each(
            &[1, 2, 3],
            1,
            || stop.load(Ordering::SeqCst),
            |item| {
                stop.store(*item == 2, Ordering::SeqCst);
                *item
            },
        );
        assert_eq!(results, [Some(1), Some(2), None]);
        assert_eq!(each(&[0_u8; 0], 3, || false, |item| *item), []);
    }
}
