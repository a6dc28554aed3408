//! Whatever happens, the policy keeps its promises.

use std::collections::{BTreeMap, BTreeSet};

use nixfleet_core::observation::{Reading, SystemObservation};
use proptest::prelude::*;

use super::super::*;
use super::story::{FAILED, SUCCESS, Story, automatic, revision};

#[derive(Debug, Clone, Copy)]
enum Happening {
    Push,
    Rewrite,
    MoveBack,
    Person(Operation, Option<OperationResult>),
    ByHand,
    Held,
    Released,
    Hours(u8),
    /// The agent looks, and what it starts ends like this.
    Agent(Option<OperationResult>),
}

fn result() -> impl Strategy<Value = Option<OperationResult>> {
    prop_oneof![
        4 => Just(SUCCESS),
        3 => Just(FAILED),
        1 => Just(Some(OperationResult::Stopped)),
        1 => Just(Some(OperationResult::TimedOut)),
        1 => Just(Some(OperationResult::Interrupted)),
        1 => Just(None),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => Just(Happening::Push),
        1 => Just(Happening::Rewrite),
        1 => Just(Happening::MoveBack),
        2 => (proptest::sample::select(Operation::ALL.to_vec()), result())
            .prop_map(|(operation, result)| Happening::Person(operation, result)),
        1 => Just(Happening::ByHand),
        1 => Just(Happening::Held),
        1 => Just(Happening::Released),
        2 => (0_u8..100).prop_map(Happening::Hours),
        12 => result().prop_map(Happening::Agent),
    ]
}

proptest! {
    #[test]
    fn whatever_happens(
        happenings in proptest::collection::vec(happening(), 0..60),
        allow_rewritten_branch: bool,
        last in result(),
    ) {
        let mut story = Story { allow_rewritten_branch, ..Story::new(automatic()) };
        let mut failed = BTreeSet::new();
        let mut broken_off: BTreeMap<usize, u32> = BTreeMap::new();
        let mut rolled_back = BTreeSet::new();
        for happening in happenings {
            match happening {
                Happening::Push => story = story.push(),
                Happening::Rewrite => story = story.rewrite(),
                Happening::MoveBack => story.tip = story.parents[story.tip].max(1),
                // Where nothing is before it, a rollback fails.
                Happening::Person(operation, result) => {
                    if !story.generations.contains(&story.running) { continue }
                    story.perform(operation, result);
                }
                Happening::ByHand => {
                    story = story.by_hand();
                    story.generations.push(story.running);
                }
                Happening::Held => story = { let tip = story.tip; story.holds(tip) },
                Happening::Released => {
                    failed.remove(&story.head);
                    broken_off.remove(&story.head);
                    story = { let head = story.head; story.releases(head) };
                }
                Happening::Hours(hours) => story = story.later(Duration::from_hours(hours.into())),
                Happening::Agent(result) => {
                    let running = story.clone().begins(Operation::Switch);
                    prop_assert_eq!(running.decide().next, Next::Wait(Operation::Switch));
                    let Next::Start(operation) = story.decide().next else { continue };
                    match operation {
                        Operation::Switch => {
                            let head = story.head;
                            let held = story.evidence().0.operations.held;
                            prop_assert!(held.is_none_or(|held| held.revision != revision(head)), "held: {}", head);
                            prop_assert!(!failed.contains(&head), "failed before: {}", head);
                            let forward = story.history().contains(&story.running);
                            prop_assert!(forward || allow_rewritten_branch, "{} is not newer", head);
                            prop_assert!(!story.ancestors(story.running).contains(&head), "{} is older", head);
                            prop_assert!(story.ancestors(story.tip).contains(&head), "{} is not the remote's", head);
                            match result {
                                SUCCESS | Some(OperationResult::Interrupted) | None => {}
                                Some(_) => { failed.insert(head); }
                            }
                            if matches!(result, Some(OperationResult::Interrupted) | None) {
                                let count = broken_off.entry(head).or_default();
                                *count += 1;
                                prop_assert!(*count <= TRIES_WITHOUT_RESULT, "begun too often: {}", head);
                            }
                        }
                        Operation::Rollback => {
                            prop_assert!(rolled_back.insert(story.running), "rolled back twice: {}", story.running);
                        }
                        Operation::Pull | Operation::Test => {}
                    }
                    story.perform(operation, result);
                }
            }
        }
        // Left alone, it comes to rest.
        story.acts(|_| last.filter(|result| *result != OperationResult::Interrupted).or(FAILED));
    }

    #[test]
    fn any_evidence_is_decided_on(first in 0_usize..60, second in 0_usize..60, count in 0_u32..u32::MAX) {
        // Counts and times at their ends.
        let mut story = Story::new(automatic()).push();
        story.perform(Operation::Pull, FAILED);
        let (mut observation, mut state) = story.evidence();
        state.memory.failed_pulls.count = count;
        state.memory.failed_pulls.last_at = [None, Some(Timestamp::MIN), Some(Timestamp::MAX)][first % 3];
        if second.is_multiple_of(2) { observation.divergence = None; }
        if second.is_multiple_of(3) { observation.repository = Reading::Unreadable("no".to_owned()); }
        if second.is_multiple_of(5) { observation.system = SystemObservation::not_observed(); }
        decide(&observation, &state, &story.now);
        let end = Timestamp::MAX.to_zoned_datetime(jiff::tz::TimeZone::UTC);
        state.policy.pull = Automatic::Window("Mon 00:00-00:01".parse().unwrap());
        decide(&observation, &state, &end);
    }
}
