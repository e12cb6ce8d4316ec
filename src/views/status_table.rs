//! The status of a folder's trials, as a table.

use super::section::{Block, Section, Side, Table};
use super::text::counted;
use crate::formats::tables::Status;

/// A trial's line.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusLine {
    /// Its identity, if that is known.
    pub trial: String,
    /// The variant's name.
    pub variant: String,
    /// The seed.
    pub seed: u64,
    /// Its status.
    pub status: Status,
    /// The process that runs it; empty where there is none.
    pub holder: String,
    /// Steps that are saved: all of a trial that has ended well, those before the last checkpoint of another.
    pub saved_steps: usize,
    /// Steps of the whole trial, if it was started.
    pub steps: Option<usize>,
    /// Why it ended, where it did not end well.
    pub error: String,
    /// Whether the ablation no longer has it.
    pub stale: bool,
}

/// The table of all trials, and a line that sums it up.
pub fn section(lines: &[StatusLine]) -> Section {
    let mut table = Table::default();
    let mut column = |name: &str, side, cell: &dyn Fn(&StatusLine) -> String| {
        table.column(name, side, lines.iter().map(cell));
    };
    column("trial", Side::Left, &|line| line.trial.clone());
    column("variant", Side::Left, &|line| line.variant.clone());
    column("seed", Side::Right, &|line| line.seed.to_string());
    column("status", Side::Left, &|line| {
        let status = match line.holder.is_empty() {
            true => line.status.to_string(),
            false => "running".to_owned(),
        };
        if line.stale { format!("{status}, stale") } else { status }
    });
    column("steps saved", Side::Right, &|line| match line.steps {
        Some(steps) => format!("{} of {steps}", line.saved_steps),
        None => String::new(),
    });
    let notes = lines.iter().map(|line| match line.holder.is_empty() {
        true => line.error.clone(),
        false => line.holder.clone(),
    });
    table.column_if_any("note", Side::Left, notes);
    let mut blocks = vec![Block::Table(table), Block::Text(summed_up(lines))];
    if lines.iter().any(|line| line.stale) {
        let words = "Stale: of an earlier version of the ablation file. Kept, and in no table or plot.";
        blocks.push(Block::Note(words.to_owned()));
    }
    Section { title: "", blocks }
}

/// `12 trials: 8 ok, 1 failed, 3 pending; 2 stale`.
fn summed_up(lines: &[StatusLine]) -> String {
    let current: Vec<&StatusLine> = lines.iter().filter(|line| !line.stale).collect();
    let is_running = |line: &&&StatusLine| !line.holder.is_empty();
    let running = current.iter().filter(is_running).count();
    let counts = Status::ALL.iter().map(|&status| {
        let of_status = current
            .iter()
            .filter(|line| line.status == status && line.holder.is_empty());
        (status.to_string(), of_status.count())
    });
    let counts = counts.chain([("running".to_owned(), running)]);
    let parts: Vec<String> = counts
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    let stale = match lines.len() - current.len() {
        0 => String::new(),
        stale => format!("; {stale} stale"),
    };
    match parts.is_empty() {
        true => format!("no trials{stale}"),
        false => format!("{}: {}{stale}", counted(current.len(), "trial"), parts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::terminal;
    use super::*;

    fn line(trial: &str, status: Status, saved_steps: usize) -> StatusLine {
        StatusLine {
            trial: trial.to_owned(),
            variant: "base".to_owned(),
            seed: 0,
            status,
            holder: String::new(),
            saved_steps,
            steps: Some(46),
            error: String::new(),
            stale: false,
        }
    }

    #[test]
    fn every_trial_has_its_line_and_the_sums_count_each_once() {
        let lines = [
            line("a1", Status::Ok, 46),
            StatusLine {
                error: "the loss became NaN".to_owned(),
                ..line("b2", Status::Failed, 23)
            },
            StatusLine {
                holder: "process 7 on here".to_owned(),
                ..line("c3", Status::Pending, 23)
            },
            StatusLine {
                stale: true,
                ..line("d4", Status::Ok, 46)
            },
        ];
        assert_eq!(
            terminal::text(&[section(&lines)], false),
            "\
trial  variant  seed  status     steps saved  note
-----  -------  ----  ---------  -----------  -------------------
a1     base        0  ok            46 of 46
b2     base        0  failed        23 of 46  the loss became NaN
c3     base        0  running       23 of 46  process 7 on here
d4     base        0  ok, stale     46 of 46
3 trials: 1 ok, 1 failed, 1 running; 1 stale
Stale: of an earlier version of the ablation file. Kept, and in no table or plot.
"
        );
    }

    #[test]
    fn a_folder_without_trials_says_so() {
        assert_eq!(summed_up(&[]), "no trials");
    }
}
