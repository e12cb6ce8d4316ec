//! Measurements in words: tables of batch sizes, of the largest batches and of the comparison with PyTorch, and remarks
//! about them.

use super::groups::Grouped;
use super::measurement_cells::{begin, column, gigaflops, maybe, ratio, remark, section, setting, step};
use super::measurements::{MeasuredRow, SharedSettings, ordered};
use super::noise_floor::{AaRatio, NoiseFloor};
use super::plots;
use super::profile_tables;
use super::section::{Section, Side};
use super::text::{bytes, counted, milliseconds, three_digits};
use crate::formats::tables::{BatchRow, BoundaryRow, PeerRow, Status};

/// What the columns of arithmetic are.
const ROOFLINE: &str = "GFLOP/s: of convolutions and classifier; roofline: the least time for what they must compute and move, by \
                        what the same machine reached in the same run, over the step.";

/// A section for each kind of measurement that the study has.
pub fn sections(study: &Grouped<'_>) -> Vec<Section> {
    let rows = study.study;
    let mut sections = Vec::new();
    if !rows.batches.is_empty() {
        sections.push(batches(study));
    }
    if !rows.profile.is_empty() {
        sections.push(profile_tables::by_operation(study));
    }
    if !rows.boundaries.is_empty() {
        sections.push(boundaries(study));
    }
    if !rows.peers.is_empty() {
        sections.push(peers(study));
    }
    sections
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Speed and memory at each batch size.
pub(super) fn batches(study: &Grouped<'_>) -> Section {
    let rows: Vec<&BatchRow> = ordered(study, &study.study.batches);
    let settings = SharedSettings::of(&study.study.batches);
    let floor = NoiseFloor::of(AaRatio::of_batches(rows.iter().copied()));
    let mut table = begin("speed", &rows, &settings);
    column(&mut table, "again", Side::Right, &rows, |row| match row.repeat {
        0 => String::new(),
        repeat => repeat.to_string(),
    });
    let mut right = |name: &str, cell: fn(&BatchRow) -> String| column(&mut table, name, Side::Right, &rows, cell);
    right("images/s", |row| maybe(row.images_per_second, three_digits));
    right("step (ms)", |row| {
        step(row.step_ns_median, row.step_ns_low, row.step_ns_high)
    });
    column(&mut table, "step / first's", Side::Right, &rows, |row| {
        ratio(row.step_ratio, row.step_ratio_low, row.step_ratio_high, &floor)
    });
    let mut right = |name: &str, cell: fn(&BatchRow) -> String| column(&mut table, name, Side::Right, &rows, cell);
    right("forward (ms)", |row| maybe(row.forward_ns_median, milliseconds));
    right("backward (ms)", |row| maybe(row.backward_ns_median, milliseconds));
    right("optimizer (ms)", |row| maybe(row.optimizer_ns_median, milliseconds));
    right("GFLOP/s", |row| maybe(row.flops_per_second, gigaflops));
    right("roofline", |row| maybe(row.roofline_share, percent));
    right("allocated peak", |row| maybe(row.allocated_peak_bytes, bytes));
    right("predicted", |row| maybe(row.predicted_peak_bytes, bytes));
    right("reserved peak", |row| maybe(row.reserved_peak_bytes, bytes));
    right("process peak", |row| maybe(row.process_peak_bytes, bytes));
    right("steps", |row| row.steps.to_string());
    right("rounds", |row| row.rounds.to_string());
    column(&mut table, "status", Side::Left, &rows, |row| row.status.to_string());
    let mut note = "Step: median of the timed steps of all rounds, each round a process of its own, with a 95 % interval \
                    from the rounds' medians (Student's t, from three rounds on); images/s: batch over median step. Forward (with the loss), backward, optimizer: medians \
                    of a pass of their own, which synchronises more."
        .to_owned();
    if rows.iter().any(|row| row.predicted_peak_bytes.is_some()) {
        note.push_str(" Predicted: the allocated peak in closed form.");
    }
    if rows.iter().any(|row| row.step_ratio.is_some()) {
        note.push_str(
            " Step / first's: over the first variant's step (again: over the same work's), the ratio within a round; \
             interval: a paired t, from five rounds on.",
        );
    }
    if rows.iter().any(|row| row.roofline_share.is_some()) {
        note.push_str(&format!(" {ROOFLINE}"));
    }
    note.push_str(&setting(&settings));
    let remarks = rows.iter().flat_map(|row| {
        let mut said = remark(*row, &settings, row.status, &row.error, &row.warning);
        if row.discarded_rounds > 0 {
            let tries = counted(row.discarded_rounds, "disturbed round");
            said.push(format!(
                "{}, {}, batch {}: {tries} measured again",
                settings.named(&row.variant, &row.setting()),
                row.mode,
                row.batch_size
            ));
        }
        said
    });
    section(
        "Speed and memory",
        floor.words("step time"),
        table,
        note,
        remarks.collect(),
        plots::of_batches(study),
    )
}

/// The largest batches that ran.
pub(super) fn boundaries(study: &Grouped<'_>) -> Section {
    let rows: Vec<&BoundaryRow> = ordered(study, &study.study.boundaries);
    let settings = SharedSettings::of(&study.study.boundaries);
    let mut table = begin("largest-batch", &rows, &settings);
    let mut right = |name: &str, cell: fn(&BoundaryRow) -> String| column(&mut table, name, Side::Right, &rows, cell);
    right("memory limit", |row| maybe(row.memory_limit_bytes, bytes));
    table.column(
        "largest that ran",
        Side::Right,
        rows.iter().map(|row| match row.largest_batch_size {
            Some(size) => size.to_string(),
            None => "none".to_owned(),
        }),
    );
    let mut right = |name: &str, cell: fn(&BoundaryRow) -> String| column(&mut table, name, Side::Right, &rows, cell);
    right("its allocated peak", |row| maybe(row.allocated_peak_bytes, bytes));
    let too_large = rows.iter().map(|row| match row.smallest_too_large {
        Some(size) => size.to_string(),
        None => "not found".to_owned(),
    });
    table.column("smallest that did not", Side::Right, too_large);
    column(&mut table, "predicted largest", Side::Right, &rows, |row| {
        maybe(row.predicted_largest, |size| size.to_string())
    });
    column(&mut table, "tries", Side::Right, &rows, |row| row.tries.to_string());
    let note = format!(
        "Found by trying, each try a process of its own. Predicted: by the allocated peak in closed form.{}",
        setting(&settings)
    );
    let remarks = rows
        .iter()
        .flat_map(|row| remark(*row, &settings, Status::Ok, &row.error, ""));
    section("Largest batch", None, table, note, remarks.collect(), Vec::new())
}

/// The same networks in PyTorch.
pub(super) fn peers(study: &Grouped<'_>) -> Section {
    let rows: Vec<&PeerRow> = ordered(study, &study.study.peers);
    let settings = SharedSettings::of(&study.study.peers);
    let floor = NoiseFloor::of(AaRatio::of_peers(rows.iter().copied()));
    let mut table = begin("pytorch", &rows, &settings);
    column(&mut table, "peer", Side::Left, &rows, |row| row.peer.clone());
    let mut right = |name: &str, cell: fn(&PeerRow) -> String| column(&mut table, name, Side::Right, &rows, cell);
    right("images/s", |row| maybe(row.images_per_second, three_digits));
    right("step (ms)", |row| {
        step(row.step_ns_median, row.step_ns_low, row.step_ns_high)
    });
    column(&mut table, "times eager", Side::Right, &rows, |row| {
        ratio(row.speed_ratio, row.speed_ratio_low, row.speed_ratio_high, &floor)
    });
    column(&mut table, "times compile", Side::Right, &rows, |row| {
        let (low, high) = (row.compiled_speed_ratio_low, row.compiled_speed_ratio_high);
        ratio(row.compiled_speed_ratio, low, high, &floor)
    });
    let mut right = |name: &str, cell: fn(&PeerRow) -> String| column(&mut table, name, Side::Right, &rows, cell);
    right("GFLOP/s", |row| maybe(row.flops_per_second, gigaflops));
    right("roofline", |row| maybe(row.roofline_share, percent));
    right("of eager's peak", |row| maybe(row.peak_share, percent));
    right("allocated peak", |row| maybe(row.allocated_peak_bytes, bytes));
    right("process peak", |row| maybe(row.process_peak_bytes, bytes));
    right("loss difference", |row| {
        maybe(row.loss_difference, |loss| format!("{loss:.1e}"))
    });
    right("check", |row| {
        maybe(row.check_difference, |check| format!("{check:.1e}"))
    });
    right("steps", |row| row.steps.to_string());
    right("rounds", |row| row.rounds.to_string());
    column(&mut table, "status", Side::Left, &rows, |row| row.status.to_string());
    let mut remarks = Vec::new();
    for row in &rows {
        let said = remark(*row, &settings, row.status, &row.error, &row.warning);
        remarks.extend(said.into_iter().map(|remark| format!("{}: {remark}", row.peer)));
    }
    let arithmetic = match rows.iter().any(|row| row.roofline_share.is_some()) {
        true => format!(" {ROOFLINE}"),
        false => String::new(),
    };
    let note = format!(
        "Step: median, with a 95 % interval from the rounds' medians. Times: images/s over those of the fastest eager \
         and the fastest compiled PyTorch, the ratio within a round, with a 95 % interval (a paired t, from five rounds \
         on); peak: allocated, over that of the fastest eager one whose bytes are counted. Loss difference: the largest \
         from eager NCHW's over the first steps; check: the largest relative difference from its logits, loss and \
         gradients' norm before anything was timed.{arithmetic}{}",
        setting(&settings)
    );
    section(
        "Beside PyTorch",
        floor.words("images/s"),
        table,
        note,
        remarks,
        plots::of_peers(study),
    )
}

#[cfg(test)]
mod tests {
    use super::super::samples::{self, SampleVariant, trained};
    use super::super::summary::document;
    use super::super::{markdown, terminal};
    use super::*;
    use crate::formats::ablation::Mode;
    use crate::formats::study::Study;

    /// Training rows of two variants at two batch sizes.
    fn measured() -> Study {
        let mut measured = samples::measured(&["growth-rate=8", "growth-rate=12"], &[32, 64]);
        measured.batches.retain(|row| row.mode == Mode::Train);
        measured.boundaries.retain(|row| row.mode == Mode::Train);
        measured
            .peers
            .retain(|row| row.mode == Mode::Train && row.batch_size == 64);
        measured
    }

    fn text(measured: &Study) -> String {
        terminal::text(&document(measured).sections, false)
    }

    #[test]
    fn a_row_gives_speed_parts_memory_and_the_number_of_steps() {
        let mut measured = measured();
        measured.boundaries.clear();
        measured.peers.clear();
        let text = text(&measured);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "Speed and memory");
        assert_eq!(
            lines[1].split_whitespace().collect::<Vec<_>>().join(" "),
            "variant mode batch images/s step (ms) step / first's forward (ms) backward (ms) optimizer (ms) allocated peak predicted \
             process peak steps rounds status"
        );
        assert_eq!(
            lines[4].split_whitespace().collect::<Vec<_>>().join(" "),
            "growth-rate=8 train 64 29.2 2,192 [2,148, 2,236] 701 1,491 87.7 4.63 GB 4.44 GB 5.08 GB 30 3 ok"
        );
        assert!(text.ends_with("Setting: cpu, plain execution, 2 threads.\n"), "{text}");
        assert!(!text.contains("reserved") && !text.contains("test error"), "{text}");
    }

    #[test]
    fn arithmetic_and_the_share_of_the_roofline_stand_with_what_they_are() {
        let mut measured = measured();
        measured.batches[0].flops_per_second = Some(86.1e9);
        measured.batches[0].roofline_share = Some(0.651);
        measured.peers[0].flops_per_second = Some(7.25e9);
        measured.peers[0].roofline_share = Some(0.05);
        measured.peers[0].warning = "the warm-up was too short".to_owned();
        let text = text(&measured);
        for words in ["86.1", "65.1 %", "7.25", "5.0 %", "doubtful: the warm-up was too short"] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert_eq!(text.matches("roofline: the least time").count(), 2, "{text}");
    }

    #[test]
    fn what_did_not_run_and_what_is_doubtful_is_said_below_the_table() {
        let mut measured = measured();
        measured.batches[1].status = Status::Oom;
        measured.batches[1].error = "16.0 GB were asked for\n  of 11.0 GB".to_owned();
        measured.batches[0].warning = "the halves disagree by 9 %; measure again on a quiet machine".to_owned();
        measured.batches[2].status = Status::Pending;
        let text = text(&measured);
        for remark in [
            "\n  growth-rate=8, train, batch 64: oom: 16.0 GB were asked for of 11.0 GB\n",
            "\n  growth-rate=8, train, batch 32: doubtful: the halves disagree by 9 %; measure again on a quiet machine\n",
            "\n  growth-rate=12, train, batch 32: not measured yet\n",
        ] {
            assert!(text.contains(remark), "{remark}: {text}");
        }
    }

    #[test]
    fn the_largest_batches_stand_beside_the_smallest_that_did_not_run() {
        let mut measured = measured();
        measured.boundaries[1].largest_batch_size = None;
        measured.boundaries[1].allocated_peak_bytes = None;
        measured.boundaries[1].smallest_too_large = Some(1);
        let text = text(&measured);
        let row = |start: &str| {
            let table = text.split("Largest batch\n").nth(1).unwrap();
            let line = table.lines().find(|line| line.starts_with(start)).unwrap();
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            row("growth-rate=8"),
            "growth-rate=8 train 11.0 GB 150 10.9 GB 151 148 9"
        );
        assert_eq!(row("growth-rate=12"), "growth-rate=12 train 11.0 GB none 1 138 9");
        assert!(text.contains("  growth-rate=8, train: out of memory: 11.0 GB were allowed\n"));
    }

    #[test]
    fn peers_stand_below_each_other_with_their_ratio() {
        let text = text(&measured());
        let table = text.split("Beside PyTorch\n").nth(1).unwrap();
        let peers: Vec<&str> = table
            .lines()
            .filter(|line| line.starts_with("growth-rate=8 "))
            .collect();
        assert_eq!(peers.len(), 4);
        let words = peers[0].split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            words.contains("densenet-bench plain 29.2 2,192 [2,155, 2,229] 0.45 [0.43, 0.48] 0.38 [0.37, 0.40]"),
            "{words}"
        );
    }

    #[test]
    fn trials_and_measurements_share_a_summary_in_the_ablations_order() {
        let variants = ["growth-rate=12", "growth-rate=8"].map(SampleVariant::new);
        let trained = trained(&variants, 2, 2);
        let study = Study {
            ablation: trained.ablation,
            trials: trained.trials,
            epochs: trained.epochs,
            ..measured()
        };
        let text = markdown::document(&document(&study));
        let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
        assert!(place("test error (%)") < place("## Speed and memory"));
        assert!(place("## Speed and memory") < place("| growth-rate=12 | train | 32 |"));
        assert!(place("| growth-rate=12 | train | 64 |") < place("| growth-rate=8 | train | 32 |"));
        assert!(place("## Largest batch") < place("## Beside PyTorch"));
    }

    #[test]
    fn rows_of_two_devices_say_which_they_are_of() {
        let mut measured = measured();
        let mut row = measured.batches[0].clone();
        row.device = "cuda:0".parse().unwrap();
        measured.batches.push(row);
        let text = text(&measured);
        assert!(text.contains("growth-rate=8   cuda:0   train"), "{text}");
        assert!(text.contains("Setting: plain execution, 2 threads."), "{text}");
    }

    #[test]
    fn the_processor_and_its_vector_instructions_stand_with_the_setting() {
        let mut measured = measured();
        let epyc = |instructions: &str| format!("AMD EPYC (family 25, model 17, stepping 1) with {instructions}");
        for row in &mut measured.batches {
            row.cpu = epyc("AVX-512");
        }
        let text_of_one = text(&measured);
        let common =
            "Setting: cpu, plain execution, 2 threads, AMD EPYC (family 25, model 17, stepping 1) with AVX-512.";
        assert!(text_of_one.contains(common), "{text_of_one}");
        measured.batches[0].cpu = epyc("AVX2");
        let text_of_two = text(&measured);
        assert!(
            text_of_two.contains("growth-rate=8   AMD EPYC (family 25, model 17, stepping 1) with AVX2"),
            "{text_of_two}"
        );
    }

    #[test]
    fn the_noise_floor_stands_first_and_marks_the_differences_within_it() {
        let mut measured = measured();
        measured.peers.clear();
        let ratios = |row: &mut BatchRow, ratio: f64| {
            row.step_ratio = Some(ratio);
            row.step_ratio_low = Some(ratio - 0.02);
            row.step_ratio_high = Some(ratio + 0.02);
        };
        for row in measured
            .batches
            .iter_mut()
            .filter(|row| row.variant == "growth-rate=12")
        {
            ratios(row, if row.batch_size == 32 { 1.02 } else { 1.2 });
        }
        let mut again = measured.batches[0].clone();
        again.repeat = 1;
        ratios(&mut again, 1.01);
        measured.batches.push(again);
        let text = text(&measured);
        assert!(
            text.starts_with(
                "Speed and memory\nA/A, the same work measured again, step time over the first's: growth-rate=8"
            ),
            "{text}"
        );
        assert!(
            text.contains("1.010 [0.990, 1.030]. Ratios from 0.971 to 1.030"),
            "{text}"
        );
        assert!(
            text.contains("1.02 [1.00, 1.04]*") && text.contains("1.20 [1.18, 1.22] "),
            "{text}"
        );
    }

    #[test]
    fn rounds_that_were_measured_again_are_counted_below_the_table() {
        let mut measured = measured();
        measured.batches[0].discarded_rounds = 2;
        let text = text(&measured);
        let said = "\n  growth-rate=8, train, batch 32: 2 disturbed rounds measured again\n";
        assert!(text.contains(said), "{text}");
    }
}
