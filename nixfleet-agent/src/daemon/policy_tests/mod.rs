//! The policy in stories, and whatever happens.

mod properties;
mod story;

use nixfleet_core::observation::Reading;

use self::story::{FAILED, SUCCESS, Story, automatic, noon};
use super::*;

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

/// A source took too long while the host was busy: nothing else would have the agent look again before its interval is over.
#[test]
fn what_cannot_be_read_now_is_looked_at_again_soon() {
    use Operation::{Pull, Switch};
    let story = Story::new(automatic()).push().does(Pull, SUCCESS).does(Switch, SUCCESS);
    let again = |change: &dyn Fn(&mut Observation)| {
        let (mut observation, state) = story.evidence();
        change(&mut observation);
        let decision = decide(&observation, &state, &story.now);
        (decision.next, decision.look_again_at)
    };
    let unreadable = || "did not answer within 6 s".to_owned();
    let soon = (Next::Nothing, Some(story.now.timestamp()));
    assert_eq!(again(&|_| {}), (Next::Start(Operation::Test), None));
    assert_eq!(again(&|observation| observation.system.running = Reading::Unreadable(unreadable())), soon);
    let tests_unknown = |observation: &mut Observation| {
        observation.repository = Reading::Unreadable(unreadable());
        observation.tests = TestsSetup::NoneFound;
    };
    assert_eq!(again(&tests_unknown), soon);
    assert_eq!(again(&|observation| observation.tests = TestsSetup::NoneFound), (Next::Nothing, None));
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
