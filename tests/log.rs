//! What a run says on stderr where that is not a terminal.

#![cfg(feature = "libtorch")]

mod workplace;

use workplace::{SMALL, Workplace, said};

#[test]
fn without_a_terminal_there_is_a_line_when_a_trial_starts_and_at_each_epoch() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    let output = place.run(&["run", "small.toml", "--threads", "1"]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains(['\r', '\u{1b}']), "{text:?}");
    for trial in ["trial 1 of 2  base seed 0", "trial 2 of 2  base seed 1"] {
        let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(trial)).collect();
        assert_eq!(lines.first(), Some(&": starting, 16 steps in 2 epochs"), "{text}");
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with(": epoch 2/2  loss ") && line.contains("test error")),
            "{text}"
        );
        assert!(lines.last().unwrap().starts_with(": test error "), "{text}");
    }
}

#[test]
fn without_a_terminal_there_is_a_line_for_each_round_of_a_measurement() {
    let place = Workplace::new();
    let train = SMALL.find("[train]").unwrap();
    let measure = "[measure]\nbatch-sizes = [8]\nsteps = 4\nrounds = 2\nwarmup-seconds = 0.0\n";
    place.write("small.toml", &(SMALL[..train].to_owned() + measure));
    let output = place.run(&["run", "small.toml", "--threads", "1"]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains(['\r', '\u{1b}']), "{text:?}");
    for round in ["round 1 of 2: ", "round 2 of 2: "] {
        assert!(
            text.lines()
                .any(|line| line.contains(round) && line.ends_with(" images/s")),
            "{text}"
        );
    }
}
