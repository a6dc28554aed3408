//! The table of what the five compartments mean, row by row: Agent, Git, Lock, System, Tests.

/// Number, states, and what happened: a change from the base or from another row.
pub const ROWS: [(u32, &str, &str); 46] = [
    (1, "GGGGG", "none"),
    (2, "GYGGG", "remote has a newer commit, same flake.lock"),
    (3, "GGGYG", "2, then pull changed HEAD"),
    (4, "GGGGY", "3, then switch exits 0"),
    (5, "GGYGG", "lock hash differs, commit equal"),
    (6, "RGGGG", "agent version differs"),
    (7, "GGGRG", "switch exits non-zero, running system unchanged"),
    (8, "GGGGR", "tests failed on the running system"),
    (9, "GBGGG", "pull running"),
    (10, "RYYRR", "agent version, commit and lock differ; switch and tests failed"),
    (11, "GGYGG", "flake.lock update PR open"),
    (12, "GYYGG", "11, then merged (commit and lock differ)"),
    (13, "GBYGG", "12, pull running"),
    (14, "GGGYG", "12, then pulled"),
    (15, "GGGBG", "3, switch running"),
    (16, "GGGGB", "4, tests running"),
    (17, "GGGGG", "4, tests passed"),
    (18, "-----", "agent never seen on a fresh host, nothing known"),
    (19, "-GGGG", "agent silent past its deadline"),
    (20, "-YYGG", "12 + agent silent"),
    (21, "GGG-Y", "first start: running revision unknown, tests never run"),
    (22, "GGGGY", "first start: running system carries local HEAD"),
    (23, "GGGGG", "remote unreadable, within grace"),
    (24, "GRRGG", "remote unreadable, past grace"),
    (25, "GYRGG", "remote commit has no flake.lock"),
    (26, "GRRRR", "24 + switch and tests failed"),
    (27, "GGGGG", "pull that changed nothing"),
    (28, "GYGGG", "2 + pull failed (local changes, diverged)"),
    (29, "GYGRG", "7 + a fix is pushed"),
    (30, "GGGRG", "29 + pulled"),
    (31, "GGGGY", "30 + switch exits 0"),
    (32, "GGGRY", "switch exits non-zero but the new system runs"),
    (33, "GGGYG", "3 + switch timed out, or the machine went down in it"),
    (34, "GGGRG", "3 + switch stopped by a person"),
    (35, "GGGBR", "8 + rollback running"),
    (36, "GGGGY", "8 + rollback exits 0"),
    (37, "GGGYY", "36 + a fix is pulled"),
    (38, "GGGRR", "8 + rollback failed"),
    (39, "GGGG-", "tests disabled, or none found"),
    (40, "GGGGY", "tests stopped by a person"),
    (41, "GGGYR", "8 + a fix is pulled"),
    (42, "GYYGR", "8 + the PR was reverted on the remote"),
    (43, "GGGGY", "6 + pull, switch exits 0, new agent up"),
    (44, "GGGYY", "running system switched by hand to another revision"),
    (45, "GYGGG", "HEAD ahead of the remote (local commit), deployed = HEAD"),
    (46, "GGGGG", "PR list could not be read, rest fine"),
];

/// The row of this number: its states, and what happened.
pub fn row(number: u32) -> (&'static str, &'static str) {
    let row = ROWS.iter().find(|row| row.0 == number).unwrap_or_else(|| panic!("there is no row {number}"));
    (row.1, row.2)
}
