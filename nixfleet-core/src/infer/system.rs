//! System: is the running system the one that the local repository asks for?

use std::fmt;

use jiff::Timestamp;

use super::Verdict;
use super::git::ended;
use super::running_since::running_since;
use crate::Age;
use crate::Revision;
use crate::model::{Action, State};
use crate::observation::{
    Deployed, FinishedOperation, Held, Observation, Operation, OperationResult, Phase, Reading, RunningSystem,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why<'a> {
    NotObserved,
    Running { operation: Operation, phase: Option<Phase>, age: Age },
    Ended { operation: &'a FinishedOperation, age: Age },
    ChangedOutside { running: Option<&'a Revision>, deployed: Option<&'a Revision> },
    NextBoot { revision: &'a Revision, generation: Option<u64> },
    OtherRevision { running: &'a Revision, head: &'a Revision },
    RolledBack(&'a Held),
    Current { revision: &'a Revision, reboot_required: bool, journal_problem: Option<&'a str> },
    NotNixos,
    Unreadable(&'a str),
    NoRevision,
    NoHead,
}

pub(super) fn judge(observation: &Observation, now: Timestamp) -> Verdict<'_> {
    if matches!(observation.system.running, Reading::NotObserved) {
        return Verdict::new(State::Unknown, Why::NotObserved);
    }
    for operation in [Operation::Rollback, Operation::Switch] {
        if let Some(running) = &observation.operations.of(operation).running {
            let age = Age::between(running.started_at, now);
            return Verdict::new(State::Working, Why::Running { operation, phase: running.phase, age })
                .action(Action::Wait)
                .since(running.started_at);
        }
    }
    if let Some(verdict) = failed_or_lost(observation, now) {
        return verdict;
    }
    match &observation.system.running {
        Reading::NotObserved => Verdict::new(State::Unknown, Why::NotObserved),
        Reading::Absent => Verdict::new(State::Unknown, Why::NotNixos).action(Action::CheckConfiguration),
        Reading::Unreadable(sentence) => {
            Verdict::new(State::Unknown, Why::Unreadable(sentence)).action(Action::CheckConfiguration)
        }
        Reading::Present(running) => compare(observation, running),
    }
}

/// The last deployment, where it did not succeed.
fn failed_or_lost(observation: &Observation, now: Timestamp) -> Option<Verdict<'_>> {
    let last = observation.operations.last_deployment()?;
    let when = last.ended_at.unwrap_or(last.started_at);
    let why = Why::Ended { operation: last, age: Age::between(when, now) };
    let verdict = match last.result {
        OperationResult::Success => return None,
        OperationResult::Failed | OperationResult::Stopped => {
            if repaired_by_hand(observation, last) {
                return None;
            }
            Verdict::new(State::Error, why).action(Action::ViewLogs)
        }
        OperationResult::TimedOut | OperationResult::Killed | OperationResult::Interrupted | OperationResult::Lost => {
            // A switch would bring back what the rollback was to step back from.
            let again = if last.operation == Operation::Rollback { Action::Rollback } else { Action::Switch };
            Verdict::new(State::Outdated, why).action(again)
        }
    };
    Some(verdict.since(when))
}

/// After the failure another system was activated, and it carries local HEAD: what runs counts more than the record.
fn repaired_by_hand(observation: &Observation, failed: &FinishedOperation) -> bool {
    let (Some(running), Some(then), Some(head)) =
        (observation.system.running.present(), &failed.store_path, head(observation))
    else {
        return false;
    };
    running.store_path != *then && running.revision.as_ref() == Some(head)
}

fn head(observation: &Observation) -> Option<&Revision> {
    observation.repository.present()?.head.as_ref()
}

/// Whether the running system is neither the one that nixfleet deployed last nor one that carries local HEAD: somebody
/// switched by hand. Absent where the running system is unknown, or the journal does not tell what was deployed.
///
/// A system that a failed deployment left behind came from nixfleet: it does not count.
#[must_use]
pub fn changed_outside(observation: &Observation) -> Option<bool> {
    let running = observation.system.running.present()?;
    let operations = &observation.operations;
    let Some(deployed) = &operations.deployed else {
        return operations.problem.is_none().then_some(false);
    };
    let failed = operations.last_deployment().filter(|last| last.result != OperationResult::Success);
    let left_behind = failed.and_then(|last| last.store_path.as_ref());
    let by_nixfleet = deployed.store_path == running.store_path
        || left_behind == Some(&running.store_path)
        || waits_for_boot(observation).is_some();
    let carries_head = head(observation).is_some_and(|head| running.revision.as_ref() == Some(head));
    Some(!by_nixfleet && !carries_head)
}

/// What was deployed last, where it starts at the next boot and the system that ran then still runs.
///
/// Where another generation is the next boot's default by now, somebody else said so: then it does not start.
#[must_use]
pub fn waits_for_boot(observation: &Observation) -> Option<&Deployed> {
    let running = &observation.system.running.present()?.store_path;
    let deployed = observation.operations.deployed.as_ref()?;
    let generations = observation.system.generations.present();
    let default = generations.and_then(|all| all.iter().find(|generation| generation.is_profile_default));
    let starts = default.is_none_or(|default| default.store_path == deployed.store_path);
    let still_runs = deployed.until_boot.as_ref().is_some_and(|until_boot| until_boot.store_path == *running);
    (starts && still_runs).then_some(deployed)
}

/// Whether local HEAD is held and does not run, because a rollback stepped back from it or a person said so: it is not
/// deployed by itself. Absent where the evidence does not tell.
#[must_use]
pub fn rollback_held(observation: &Observation) -> Option<bool> {
    match &observation.operations.held {
        Some(held) => Some(held.revision == *head(observation)? && !runs(observation, &held.revision)),
        None => (observation.operations.problem.is_none() && !observation.is_repository_only()).then_some(false),
    }
}

/// Whether the running system is of this commit, by the record of its deployment or else by its own word.
fn runs(observation: &Observation, revision: &Revision) -> bool {
    observation.system.running.present().and_then(|running| revision_of(observation, running)) == Some(revision)
}

fn revision_of<'a>(observation: &'a Observation, running: &'a RunningSystem) -> Option<&'a Revision> {
    let deployed = observation.operations.deployed.as_ref();
    deployed.and_then(|deployed| deployed.revision_of(&running.store_path)).or(running.revision.as_ref())
}

fn compare<'a>(observation: &'a Observation, running: &'a RunningSystem) -> Verdict<'a> {
    let head = head(observation);
    let deployed = observation.operations.deployed.as_ref();
    let activated_at = running_since(observation);
    if changed_outside(observation) == Some(true) {
        let deployed = deployed.and_then(|deployed| deployed.revision.as_ref());
        let why = Why::ChangedOutside { running: running.revision.as_ref(), deployed };
        return Verdict::new(State::Outdated, why).action(Action::Switch).since(activated_at);
    }
    let Some(head) = head else {
        let unreadable = observation.repository.error().is_some();
        let action = if unreadable { Action::CheckConfiguration } else { Action::Pull };
        return Verdict::new(State::Unknown, Why::NoHead).action(action);
    };
    let revision = revision_of(observation, running);
    if revision == Some(head) {
        let reboot_required = observation.system.reboot_required == Some(true);
        let journal_problem = observation.operations.problem.as_deref();
        let why = Why::Current { revision: head, reboot_required, journal_problem };
        return Verdict::new(State::Ok, why).since(activated_at);
    }
    if let Some(deployed) = waits_for_boot(observation).filter(|deployed| deployed.revision.as_ref() == Some(head)) {
        let generation = observation.system.generation_of(&deployed.store_path).map(|generation| generation.number);
        return Verdict::new(State::Outdated, Why::NextBoot { revision: head, generation })
            .action(Action::Reboot)
            .since(deployed.at);
    }
    if let Some(held) = observation.operations.held.as_ref().filter(|_| rollback_held(observation) == Some(true)) {
        return Verdict::new(State::Ok, Why::RolledBack(held)).since(held.since);
    }
    match revision {
        None => Verdict::new(State::Unknown, Why::NoRevision).action(Action::Switch),
        Some(revision) => Verdict::new(State::Outdated, Why::OtherRevision { running: revision, head })
            .action(Action::Switch)
            .since(observation.operations.pulled_at(head)),
    }
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotObserved => formatter.write_str("not observed: only a repository is looked at"),
            Self::Running { operation, phase: None, age } => {
                write!(formatter, "{operation} {}", age.running())
            }
            Self::Running { operation, phase: Some(phase), age } => {
                write!(formatter, "{operation} {}: {phase}", age.running())
            }
            Self::Ended { operation, age } => write_ended(formatter, operation, *age),
            Self::ChangedOutside { running: Some(running), deployed: Some(deployed) } if running != deployed => {
                let (running, deployed) = (running.short(), deployed.short());
                write!(formatter, "changed outside of nixfleet: {running} runs, {deployed} was deployed")
            }
            Self::ChangedOutside { .. } => {
                formatter.write_str("changed outside of nixfleet: another system runs than the one deployed last")
            }
            Self::NextBoot { revision, generation: Some(generation) } => {
                write!(formatter, "{} starts at the next boot (generation {generation})", revision.short())
            }
            Self::NextBoot { revision, generation: None } => {
                write!(formatter, "{} starts at the next boot", revision.short())
            }
            Self::OtherRevision { running, head } => {
                write!(formatter, "{} runs, the repository is at {}", running.short(), head.short())
            }
            Self::RolledBack(Held { revision, generation: Some(generation), .. }) => {
                write!(formatter, "rolled back to generation {generation}; {} is held", revision.short())
            }
            Self::RolledBack(Held { revision, generation: None, .. }) => {
                write!(formatter, "{} is held: it is not deployed by itself", revision.short())
            }
            Self::Current { revision, reboot_required, journal_problem } => {
                let reboot = if *reboot_required { "; reboot required" } else { "" };
                write!(formatter, "{} runs{reboot}", revision.short())?;
                journal_problem.map_or(Ok(()), |problem| write!(formatter, "; {problem}"))
            }
            Self::NotNixos => formatter.write_str("no running NixOS system found (/run/current-system is missing)"),
            Self::Unreadable(sentence) => formatter.write_str(sentence),
            Self::NoRevision => formatter.write_str(
                "the running system does not say its revision: set system.configurationRevision, then switch",
            ),
            Self::NoHead => formatter.write_str("no local commit to compare the running system with"),
        }
    }
}

fn write_ended(formatter: &mut fmt::Formatter<'_>, operation: &FinishedOperation, age: Age) -> fmt::Result {
    write!(formatter, "{} {}", operation.operation, ended(operation.result))?;
    if let Some(phase) = operation.phase {
        write!(formatter, " in {phase}")?;
    }
    if let Some(code) = operation.exit_code.filter(|code| *code != 0) {
        write!(formatter, " (exit {code})")?;
    }
    write!(formatter, " {}", age.ago())?;
    operation.detail.as_ref().map_or(Ok(()), |detail| write!(formatter, ": {detail}"))
}
