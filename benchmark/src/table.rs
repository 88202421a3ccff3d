//! The results as Markdown.

use std::fmt::Write as _;

use clap::ValueEnum as _;

use crate::results::{Report, Series};
use crate::servers::{Kind, Subject};
use crate::targets;
use crate::workloads::Workload;

/// A column: the number's name, what stands above it, what it is divided by, its decimals, and whether the ratio to the
/// floor stands behind it.
struct Column(&'static str, &'static str, f64, usize, bool);

/// Those that have a number are shown.
const COLUMNS: [Column; 25] = [
    Column("deliveries per s", "deliveries/s", 1e3, 1, true),
    Column("cpu us per delivery", "CPU s per million", 1.0, 2, true),
    Column(
        "segments per delivery",
        "segments per delivery",
        1.0,
        2,
        false,
    ),
    Column("p50 ms", "p50, ms", 1.0, 3, false),
    Column("p99 ms", "p99, ms", 1.0, 3, false),
    Column("max ms", "max, ms", 1.0, 1, false),
    Column("p99 ms sent late", "p99 sent late, ms", 1.0, 3, false),
    Column("p50 ms alone", "p50 alone, ms", 1.0, 3, false),
    Column("p99 ms alone", "p99 alone, ms", 1.0, 3, false),
    Column(
        "p50 ms beside one behind",
        "p50 beside one behind, ms",
        1.0,
        3,
        false,
    ),
    Column(
        "p99 ms beside one behind",
        "p99 beside one behind, ms",
        1.0,
        3,
        false,
    ),
    Column("followers", "followers", 1.0, 0, false),
    Column("connections", "connections", 1.0, 0, false),
    Column("connections per s", "connections/s", 1e3, 1, true),
    Column(
        "cpu us per connection",
        "CPU us per connection",
        1.0,
        1,
        true,
    ),
    Column(
        "user memory bytes per connection",
        "user memory per connection, B",
        1.0,
        0,
        false,
    ),
    Column(
        "resident bytes per connection",
        "resident per connection, B",
        1.0,
        0,
        false,
    ),
    Column("files", "files", 1.0, 0, false),
    Column("start s", "start, s", 1.0, 3, false),
    Column("records", "records", 1.0, 0, false),
    Column("GB per s", "GB/s of text", 1.0, 2, false),
    Column(
        "resident growth bytes",
        "resident growth, MB",
        1e6,
        1,
        false,
    ),
    Column("peak growth bytes", "peak growth, MB", 1e6, 1, false),
    Column("user memory bytes", "user memory, MB", 1e6, 1, false),
    Column("generator busy", "generator busy", 0.01, 0, false),
];

/// All tables.
pub fn markdown(report: &Report) -> String {
    let machine = &report.machine;
    let mut out = format!(
        "# Results\n\n{} cores of {}, Linux {}, {} descriptors for a process. `{}`, {} rounds; medians, and in parentheses \
         the median of the ratios to the floor of the same round.\n",
        machine.cores,
        machine.cpu,
        machine.kernel,
        machine.descriptors,
        report.command,
        report.rounds
    );
    for workload in Workload::value_variants() {
        if let Some(table) = table(report, *workload) {
            // Writing to a String cannot fail.
            let _ = write!(
                out,
                "\n## {}\n\n{}.\n\n{table}",
                workload.name(),
                workload.about()
            );
        }
    }
    let _ = write!(out, "\n## Targets\n\n{}", targets::markdown(report));
    if report.is_quick {
        out.push_str("\nA quick run: fewer messages, connections, files and records than the targets are for.\n");
    }
    let faults = report.faults();
    if faults.is_empty() {
        out.push_str("\nNothing was missing, doubled, out of order or torn.\n");
    } else {
        let _ = write!(out, "\n**Faults**\n\n- {}\n", faults.join("\n- "));
    }
    out
}

/// One workload's, if it was run.
fn table(report: &Report, workload: Workload) -> Option<String> {
    let mut rows: Vec<(Option<u64>, Subject)> = Vec::new();
    for sample in report.samples.iter().filter(|it| it.workload == workload) {
        let row = (sample.point, sample.subject);
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    // Stable: subjects stay in the order in which they ran.
    rows.sort_by_key(|(point, _)| *point);
    let is_curve = rows.first()?.0.is_some();
    let series = |(point, subject): (Option<u64>, Subject), key| Series {
        workload,
        point,
        subject,
        key,
    };
    let has_value = |column: &&Column| {
        rows.iter()
            .any(|row| report.median(series(*row, column.0)).is_some())
    };
    let columns: Vec<&Column> = COLUMNS.iter().filter(has_value).collect();
    let mut out = String::from(if is_curve { "| at | |" } else { "| |" });
    for column in &columns {
        let thousand = if column.2 >= 1e3 && column.2 < 1e6 {
            ", thousand"
        } else {
            ""
        };
        let percent = if column.2 < 1.0 { ", %" } else { "" };
        let _ = write!(out, " {}{thousand}{percent} |", column.1);
    }
    let lines = "---|".repeat(columns.len() + 1 + usize::from(is_curve));
    let _ = writeln!(out, "\n|{lines}");
    for row in rows {
        out.push('|');
        if let Some(point) = row.0 {
            let _ = write!(out, " {point} |");
        }
        let _ = write!(out, " {} |", row.1);
        for column in &columns {
            let _ = write!(out, " {} |", cell(report, series(row, column.0), column));
        }
        out.push('\n');
    }
    Some(out)
}

fn cell(report: &Report, series: Series<'_>, column: &Column) -> String {
    let Column(_, _, unit, decimals, with_ratio) = *column;
    let Some(value) = report.median(series) else {
        return String::new();
    };
    let text = format!("{:.decimals$}", value / unit);
    let ratio = report.ratio(series, &[Kind::Floor], false);
    match ratio.filter(|_| with_ratio && series.subject.kind != Kind::Floor) {
        Some(ratio) => format!("{text} ({ratio:.2})"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::report;

    #[test]
    fn a_row_for_each_with_ratios_to_the_floor() {
        let report = report(&[
            (Kind::Floor, &[100_000.0, 120_000.0, 110_000.0]),
            (Kind::Tailcast, &[150_000.0, 120_000.0, 110_000.0]),
        ]);
        let table = table(&report, Workload::A1k).unwrap();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(
            lines,
            [
                "| | deliveries/s, thousand |",
                "|---|---|",
                "| floor | 110.0 |",
                "| tailcast, append | 120.0 (1.00) |",
            ]
        );
    }

    #[test]
    fn curves_have_a_row_for_each_point() {
        let mut report = report(&[(Kind::Floor, &[1000.0, 2000.0])]);
        for (sample, point) in report.samples.iter_mut().zip([100, 10]) {
            sample.point = Some(point);
        }
        let table = table(&report, Workload::A1k).unwrap();
        assert!(
            table.contains("| 10 | floor | 2.0 |\n| 100 | floor | 1.0 |"),
            "{table}"
        );
    }

    #[test]
    fn what_was_not_run_has_no_table_and_faults_are_told() {
        let mut report = report(&[(Kind::Floor, &[1000.0])]);
        let text = markdown(&report);
        assert!(!text.contains("## a10k") && text.contains("Nothing was missing"));
        report.samples[0].values.insert("missing", 1.0);
        assert!(markdown(&report).contains("**Faults**"));
    }
}
