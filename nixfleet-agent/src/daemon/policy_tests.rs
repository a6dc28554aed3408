//! The policy in stories, and whatever happens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use nixfleet_core::observation::{
    BoundedCount, LocalRepository, Reading, RemoteAttempt, RunningSystem, SystemObservation,
};
use nixfleet_core::state_directory::{CommitHeld, CommitReleased, Ended, FoldContext, JournalEntry, Started, history};
use proptest::prelude::*;
use world::scenario::Host;

use super::*;

/// A host in a few numbers: commits are numbered from 1, each with its parent.
#[derive(Debug, Clone)]
struct Story {
    parents: Vec<usize>,
    tip: usize,
    head: usize,
    running: usize,
    generations: Vec<usize>,
    entries: Vec<JournalEntry>,
    policy: PolicyConfig,
    allow_rewritten_branch: bool,
    remote_error: Option<String>,
    /// Local time, in UTC.
    now: ZonedDateTime,
    runs: Option<(Operation, String)>,
    asked_again_at: Option<Timestamp>,
    /// Its switches are for the next boot.
    switches_for_next_boot: bool,
}

const SUCCESS: Option<OperationResult> = Some(OperationResult::Success);
const FAILED: Option<OperationResult> = Some(OperationResult::Failed);

fn revision(commit: usize) -> Revision {
    format!("{commit:040x}").parse().unwrap()
}

fn store_path(commit: usize) -> PathBuf {
    format!("/nix/store/{commit}-system").into()
}

fn noon() -> ZonedDateTime {
    "2026-11-23T12:00:00[UTC]".parse().unwrap()
}

fn automatic() -> PolicyConfig {
    PolicyConfig { pull: Automatic::On, switch: Automatic::On, test_after_switch: true, rollback_when_tests_fail: true }
}

impl Story {
    /// Commit 1 is the remote's, the checkout's, and runs. A Monday, at noon.
    fn new(policy: PolicyConfig) -> Self {
        Self {
            parents: vec![0, 0],
            tip: 1,
            head: 1,
            running: 1,
            generations: vec![1],
            entries: Vec::new(),
            policy,
            allow_rewritten_branch: false,
            remote_error: None,
            now: noon(),
            runs: None,
            asked_again_at: None,
            switches_for_next_boot: false,
        }
    }

    /// A person reloads the agent.
    fn reloads(self) -> Self {
        Self { asked_again_at: Some(self.now.timestamp()), ..self }
    }

    fn later(mut self, duration: Duration) -> Self {
        self.now = self.now.checked_add(duration).unwrap();
        self
    }

    fn commit_on(&mut self, parent: usize) -> usize {
        self.parents.push(parent);
        self.parents.len() - 1
    }

    fn push(mut self) -> Self {
        self.tip = self.commit_on(self.tip);
        self
    }

    /// A forced push: the tip is replaced by another commit on its parent.
    fn rewrite(mut self) -> Self {
        self.tip = self.commit_on(self.parents[self.tip]);
        self
    }

    fn history(&self) -> BTreeSet<usize> {
        self.ancestors(self.head)
    }

    fn ancestors(&self, commit: usize) -> BTreeSet<usize> {
        std::iter::successors(Some(commit), |commit| Some(self.parents[*commit])).take_while(|it| *it != 0).collect()
    }

    fn divergence(&self, from: usize, to: usize) -> Divergence {
        let (from, to) = (self.ancestors(from), self.ancestors(to));
        let only = |a: &BTreeSet<usize>, b| BoundedCount::exactly(u32::try_from(a.difference(b).count()).unwrap());
        Divergence { ahead: only(&from, &to), behind: only(&to, &from) }
    }

    fn started(&mut self, operation: Operation) -> String {
        let invocation_id = format!("{:032x}", self.entries.len());
        let at = self.now.timestamp();
        self.entries.push(JournalEntry::Started(Started {
            operation,
            unit: format!("nixfleet-{operation}.service"),
            invocation_id: invocation_id.clone(),
            boot_id: Some("this".to_owned()),
            at,
            revision: match operation {
                Operation::Pull => Some(revision(self.tip)),
                Operation::Switch => Some(revision(self.head)),
                Operation::Test => Some(revision(self.running)),
                Operation::Rollback => None,
            },
            from_revision: (operation == Operation::Rollback).then(|| revision(self.running)),
            from_store_path: Some(store_path(self.running)),
        }));
        invocation_id
    }

    fn ended(&mut self, operation: Operation, invocation_id: String, result: OperationResult) {
        let (mut went_to, mut next_boot_store_path) = (None, None);
        if result == OperationResult::Success {
            match operation {
                Operation::Pull => self.head = self.tip,
                Operation::Switch if self.switches_for_next_boot => {
                    next_boot_store_path = Some(store_path(self.head));
                    self.generations.push(self.head);
                }
                Operation::Switch => {
                    self.running = self.head;
                    self.generations.push(self.head);
                }
                Operation::Rollback => {
                    let position = self.generations.iter().rposition(|it| *it == self.running).unwrap();
                    let earlier = self.generations[..position].iter().rev().find(|it| **it != self.running);
                    self.running = *earlier.unwrap_or(&self.running);
                    went_to = Some(revision(self.running));
                }
                Operation::Test => {}
            }
        }
        self.entries.push(JournalEntry::Ended(Ended {
            operation,
            invocation_id,
            at: self.now.timestamp(),
            result,
            exit_code: None,
            signal: None,
            phase: None,
            revision: went_to,
            from_revision: None,
            store_path: Some(store_path(self.running)),
            next_boot_store_path,
            generation: None,
            detail: None,
            tests: None,
        }));
    }

    /// By whomever.
    fn does(mut self, operation: Operation, result: Option<OperationResult>) -> Self {
        self.perform(operation, result);
        self
    }

    fn perform(&mut self, operation: Operation, result: Option<OperationResult>) {
        let invocation_id = self.started(operation);
        if let Some(result) = result {
            self.ended(operation, invocation_id, result);
        }
        self.now = self.now.checked_add(Duration::from_secs(20)).unwrap();
    }

    fn begins(mut self, operation: Operation) -> Self {
        let invocation_id = self.started(operation);
        self.runs = Some((operation, invocation_id));
        self
    }

    fn holds(mut self, commit: usize) -> Self {
        self.entries.push(JournalEntry::Held(CommitHeld { at: self.now.timestamp(), revision: revision(commit) }));
        self
    }

    fn releases(mut self, commit: usize) -> Self {
        let released = CommitReleased { at: self.now.timestamp(), revision: revision(commit) };
        self.entries.push(JournalEntry::Released(released));
        self
    }

    fn boots(mut self) -> Self {
        self.running = *self.generations.last().unwrap();
        self
    }

    fn by_hand(mut self) -> Self {
        self.running = self.commit_on(0);
        self
    }

    fn evidence(&self) -> (Observation, PolicyState) {
        let now = self.now.timestamp();
        let live = self.runs.iter().map(|(_, id)| id.clone()).collect();
        let context = FoldContext { boot_id: Some("this".to_owned()), live_invocations: Some(live), now };
        let mut observation = Host::base().0;
        observation.operations = history(&self.entries, &context).operations;
        observation.repository = Reading::Present(LocalRepository {
            path: "/repo".into(),
            head: Some(revision(self.head)),
            branch: Some("main".to_owned()),
            uncommitted_changes: Some(0),
            shallow: false,
        });
        if let Some(tip) = &mut observation.remote.last_good {
            tip.revision = revision(self.tip);
        }
        observation.remote.last_attempt = Some(match &self.remote_error {
            None => RemoteAttempt::succeeded(None, now),
            Some(error) => RemoteAttempt::failed(None, now, error.as_str()),
        });
        observation.divergence = Some(self.divergence(self.head, self.tip));
        observation.system = SystemObservation {
            running: Reading::Present(RunningSystem {
                store_path: store_path(self.running),
                revision: Some(revision(self.running)),
                nixos_version: None,
                kernel_version: None,
            }),
            ..SystemObservation::not_observed()
        };
        observation.tests = TestsSetup::Found(1);
        let state = PolicyState {
            policy: self.policy.clone(),
            allow_rewritten_branch: self.allow_rewritten_branch,
            memory: Memory::of(&self.entries),
            running_to_head: Some(self.divergence(self.running, self.head)),
            asked_again_at: self.asked_again_at,
        };
        (observation, state)
    }

    fn decide(&self) -> Decision {
        let (observation, state) = self.evidence();
        decide(&observation, &state, &self.now)
    }

    fn next(&self) -> String {
        match self.decide().next {
            Next::Start(operation) => operation.to_string(),
            Next::Wait(operation) => format!("wait for {operation}"),
            Next::Nothing => "nothing".to_owned(),
        }
    }

    /// All that the agent does by itself until it comes to rest, with each operation ending like this.
    fn acts(&mut self, result: impl Fn(Operation) -> Option<OperationResult>) -> Vec<Operation> {
        let mut done = Vec::new();
        while let Next::Start(operation) = self.decide().next {
            self.perform(operation, result(operation));
            done.push(operation);
            assert!(done.len() < 50, "it does not come to rest: {done:?}");
        }
        done
    }
}

#[allow(clippy::too_many_lines, reason = "one table")]
#[test]
fn what_comes_next() {
    use Operation::{Pull, Rollback, Switch, Test};
    let base = || Story::new(automatic());
    let pushed = || base().push();
    let pulled = || pushed().does(Pull, SUCCESS);
    let switched = || pulled().does(Switch, SUCCESS);
    let tests_failed = || switched().does(Test, FAILED);
    let rolled_back = || tests_failed().does(Rollback, SUCCESS);
    let hours = |count| Duration::from_hours(count);
    let with = |policy: fn(&mut PolicyConfig), mut story: Story| {
        policy(&mut story.policy);
        story
    };
    let rewritten_taken = |mut story: Story| {
        story.allow_rewritten_branch = true;
        story
    };
    let moved_back = |mut story: Story| {
        story.tip = 1;
        story
    };
    let for_next_boot = || {
        let mut story = pulled().does(Test, FAILED);
        story.switches_for_next_boot = true;
        story.does(Switch, SUCCESS)
    };
    let table = vec![
        ("for the next boot, while what runs fails its tests", for_next_boot().later(hours(1000)), "nothing"),
        ("… and another commit is there", for_next_boot().push(), "pull"),
        ("… and pulled", for_next_boot().push().does(Pull, SUCCESS), "switch"),
        ("… and booted", for_next_boot().boots(), "test"),
        ("… and its tests fail", for_next_boot().boots().does(Test, FAILED), "rollback"),
        ("nothing new", base(), "nothing"),
        ("a new commit", pushed(), "pull"),
        ("it is pulled", pulled(), "switch"),
        ("it is switched to", switched(), "test"),
        ("its tests passed", switched().does(Test, SUCCESS), "nothing"),
        ("its tests failed", tests_failed(), "rollback"),
        ("rolled back: the former system is tested, the commit is held", rolled_back(), "test"),
        ("… and then nothing, for ever", rolled_back().does(Test, SUCCESS).later(hours(1000)), "nothing"),
        ("… nor where that fails, too", rolled_back().does(Test, FAILED), "nothing"),
        ("a fix for what was rolled back", rolled_back().does(Test, SUCCESS).push().does(Pull, SUCCESS), "switch"),
        ("a failed rollback is not tried again", tests_failed().does(Rollback, FAILED), "nothing"),
        ("a lost rollback neither", tests_failed().does(Rollback, None).later(hours(1)), "nothing"),
        ("tests that failed only now", switched().does(Test, SUCCESS).does(Test, FAILED), "nothing"),
        ("tests stopped by a person", switched().does(Test, Some(OperationResult::Stopped)), "nothing"),
        ("the machine went down in the tests", switched().does(Test, None).later(hours(1)), "test"),
        ("… three times", switched().does(Test, None).does(Test, None).does(Test, None).later(hours(1)), "nothing"),
        ("the switch failed", pulled().does(Switch, FAILED).later(hours(1000)), "nothing"),
        ("the switch was stopped by a person", pulled().does(Switch, Some(OperationResult::Stopped)), "nothing"),
        ("the switch ran out of time", pulled().does(Switch, Some(OperationResult::TimedOut)), "nothing"),
        ("the machine went down in the switch", pulled().does(Switch, Some(OperationResult::Interrupted)), "switch"),
        ("… three times", pulled().does(Switch, None).does(Switch, None).does(Switch, None).later(hours(1)), "nothing"),
        (
            "… and other things went on after that",
            pulled().does(Switch, None).does(Switch, None).does(Switch, None).does(Pull, SUCCESS),
            "nothing",
        ),
        (
            "a pull was cut off before a good one",
            pushed().does(Pull, None).does(Pull, SUCCESS).does(Switch, SUCCESS).does(Test, SUCCESS).push(),
            "pull",
        ),
        ("a fix after a failed switch", pulled().does(Switch, FAILED).push(), "pull"),
        ("… pulled", pulled().does(Switch, FAILED).push().does(Pull, SUCCESS), "switch"),
        ("a failed switch that a person released", pulled().does(Switch, FAILED).releases(2), "switch"),
        ("held by a person", pulled().holds(2), "nothing"),
        ("… and released", pulled().holds(2).releases(2), "switch"),
        ("the pull failed", pushed().does(Pull, FAILED), "nothing"),
        ("… a while ago", pushed().does(Pull, FAILED).later(Duration::from_mins(5)), "pull"),
        (
            "… twice, a while ago",
            pushed().does(Pull, FAILED).does(Pull, FAILED).later(Duration::from_mins(5)),
            "nothing",
        ),
        ("… and a person reloads", pushed().does(Pull, FAILED).does(Pull, FAILED).reloads(), "pull"),
        ("… which counts once", pushed().does(Pull, FAILED).reloads().does(Pull, FAILED), "nothing"),
        (
            "… before the clock was set back",
            Story { now: noon(), ..pushed().does(Pull, FAILED).later(hours(9)).reloads() }.does(Pull, FAILED),
            "nothing",
        ),
        ("… and something else is pushed", pushed().does(Pull, FAILED).push(), "pull"),
        ("the pull failed in the future", pushed().later(hours(9)).does(Pull, FAILED).later(Duration::ZERO), "nothing"),
        ("the remote cannot be read", Story { remote_error: Some("offline".to_owned()), ..pushed() }, "nothing"),
        ("a person's pull runs", pushed().begins(Pull), "wait for pull"),
        ("a person's switch runs", pushed().begins(Switch), "wait for switch"),
        ("tests run", tests_failed().begins(Test), "wait for test"),
        ("a rollback runs", tests_failed().begins(Rollback), "wait for rollback"),
        ("a person rolled back", switched().does(Test, SUCCESS).does(Rollback, SUCCESS).does(Test, SUCCESS), "nothing"),
        ("rewritten: one's own commit is gone", pushed().does(Pull, SUCCESS).rewrite(), "nothing"),
        ("rewritten, after the switch", switched().does(Test, SUCCESS).rewrite(), "nothing"),
        ("rewritten, and that is allowed", rewritten_taken(switched().does(Test, SUCCESS).rewrite()), "pull"),
        ("… pulled", rewritten_taken(switched().does(Test, SUCCESS).rewrite().does(Pull, SUCCESS)), "switch"),
        ("… pulled by a person, not allowed", switched().does(Test, SUCCESS).rewrite().does(Pull, SUCCESS), "nothing"),
        ("the branch moved back", moved_back(switched().does(Test, SUCCESS)), "nothing"),
        ("… even where rewriting is allowed", rewritten_taken(moved_back(switched().does(Test, SUCCESS))), "nothing"),
        (
            "… and a person pulled that",
            rewritten_taken(moved_back(switched().does(Test, SUCCESS)).does(Pull, SUCCESS)),
            "nothing",
        ),
        (
            "a local commit",
            {
                let mut story = base();
                story.head = story.commit_on(1);
                story
            },
            "nothing",
        ),
        ("changed by hand", switched().does(Test, SUCCESS).by_hand(), "nothing"),
        ("… to something unknown, and a new commit", switched().does(Test, SUCCESS).by_hand().push(), "pull"),
        ("all off", with(|policy| *policy = PolicyConfig::default(), pushed()), "nothing"),
        ("all off: a person's switch is tested", with(|policy| *policy = PolicyConfig::default(), switched()), "test"),
        ("all off: no rollback", with(|policy| *policy = PolicyConfig::default(), tests_failed()), "nothing"),
        ("only pull", with(|policy| policy.switch = Automatic::Off, pulled()), "nothing"),
        ("only switch", with(|policy| policy.pull = Automatic::Off, pushed()), "nothing"),
        ("only switch: a person pulled", with(|policy| policy.pull = Automatic::Off, pulled()), "switch"),
        ("no tests wanted", with(|policy| policy.test_after_switch = false, switched()), "nothing"),
        (
            "a person's switch, a person's tests, and a rollback is wanted",
            with(
                |policy| *policy = PolicyConfig { rollback_when_tests_fail: true, ..PolicyConfig::default() },
                tests_failed(),
            ),
            "rollback",
        ),
    ];
    for (what, story, expected) in table {
        assert_eq!(story.next(), expected, "{what}: {}", story.decide().reason);
    }
}

#[test]
fn a_fresh_host_clones_and_what_cannot_be_read_is_left_alone() {
    let story = Story::new(automatic());
    let (observation, state) = story.evidence();
    let next = |change: &dyn Fn(&mut Observation, &mut PolicyState)| {
        let (mut observation, mut state) = (observation.clone(), state.clone());
        change(&mut observation, &mut state);
        decide(&observation, &state, &story.now).next
    };
    let pull = Next::Start(Operation::Pull);
    let fresh = |observation: &mut Observation| {
        observation.repository = Reading::Absent;
        observation.divergence = None;
    };
    assert_eq!(next(&|observation, _| fresh(observation)), pull);
    let unreadable = || Reading::Unreadable("check its permissions".to_owned());
    assert_eq!(next(&|observation, _| observation.repository = unreadable()), Next::Nothing);
    assert_eq!(next(&|observation, _| observation.remote.last_good = None), Next::Nothing);

    let pulled = story.clone().push().does(Operation::Pull, SUCCESS);
    let next = |change: &dyn Fn(&mut Observation, &mut PolicyState)| {
        let (mut observation, mut state) = pulled.evidence();
        change(&mut observation, &mut state);
        decide(&observation, &state, &pulled.now).next
    };
    assert_eq!(next(&|_, _| {}), Next::Start(Operation::Switch));
    assert_eq!(next(&|_, state| state.running_to_head = None), Next::Nothing, "newer or older is not known");
    assert_eq!(next(&|observation, _| observation.divergence = None), Next::Nothing, "reviewed or not is not known");
    let unreadable = Reading::Unreadable("check its permissions".to_owned());
    assert_eq!(next(&|observation, _| observation.system.running = unreadable.clone()), Next::Nothing);
}

#[test]
fn the_weekly_update_goes_by_itself() {
    use Operation::{Pull, Switch, Test};
    let mut story = Story::new(automatic()).push();
    assert_eq!(story.acts(|_| SUCCESS), [Pull, Switch, Test]);
    assert_eq!((story.head, story.running), (2, 2));
}

#[test]
fn a_bad_commit_is_rolled_back_once_and_the_next_one_is_tried() {
    use Operation::{Pull, Rollback, Switch, Test};
    let mut story = Story::new(automatic()).push();
    let bad = |operation| if operation == Test { FAILED } else { SUCCESS };
    assert_eq!(story.acts(bad), [Pull, Switch, Test, Rollback, Test]);
    assert_eq!(story.running, 1);
    let mut story = story.push();
    assert_eq!(story.acts(|_| SUCCESS), [Pull, Switch, Test]);
    assert_eq!(story.running, 3);
}

#[test]
fn a_closed_window_is_waited_for() {
    let night = || Automatic::Window("Mon..Fri 02:00-05:00".parse().unwrap());
    let mut story = Story::new(PolicyConfig { switch: night(), ..automatic() }).push();
    story.perform(Operation::Pull, SUCCESS);
    let decision = story.decide();
    assert_eq!(decision.next, Next::Nothing);
    assert!(decision.reason.contains("waits for its window (Mon..Fri 02:00-05:00)"), "{}", decision.reason);
    assert_eq!(decision.look_again_at, Some("2026-11-24T02:00:00Z".parse().unwrap()));
    story.now = "2026-11-24T02:00:00[UTC]".parse().unwrap();
    assert_eq!(story.next(), "switch");
    // The window is that of the host's own time zone.
    story.now = "2026-11-24T02:00:00+00:00[UTC]"
        .parse::<ZonedDateTime>()
        .unwrap()
        .with_time_zone(jiff::tz::TimeZone::fixed(jiff::tz::Offset::from_hours(9).unwrap()));
    assert_eq!(story.next(), "nothing");
    // A repair does not wait.
    story.policy.rollback_when_tests_fail = true;
    let story = story.does(Operation::Switch, SUCCESS).does(Operation::Test, FAILED);
    assert_eq!(story.next(), "rollback");
}

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
