//! The results as pictures (SVG, on white): bars of ratios for each workload, and curves.

use std::path::Path;

use anyhow::{Result, anyhow};
use clap::ValueEnum as _;
use plotters::prelude::*;

use crate::results::{Report, Series};
use crate::servers::{Kind, Subject};
use crate::workloads::Workload;

/// In pixels.
const WIDTH: u32 = 760;
const CURVE_HEIGHT: u32 = 420;

/// Of a chart of bars: for each bar, and around them.
const BAR_HEIGHT: u32 = 34;
const FRAME_HEIGHT: u32 = 90;

/// Of text, in pixels.
const FONT: (&str, u32) = ("sans-serif", 15);
const TITLE: (&str, u32) = ("sans-serif", 18);

/// The part of an axis that stays free behind the longest bar, and above the highest point, where the legend is.
const ROOM: f64 = 1.15;
const LEGEND: f64 = 1.45;

/// The numbers whose ratio to the floor is drawn.
const BARS: [(&str, &str); 4] = [
    (
        "deliveries per s",
        "deliveries per second, × floor (more is better)",
    ),
    (
        "cpu us per delivery",
        "server CPU per delivery, × floor (less is better)",
    ),
    ("p99 ms", "99 of 100 latencies, × floor (less is better)"),
    (
        "connections per s",
        "connections per second, × floor (more is better)",
    ),
];

/// The curves.
const CURVES: [(Workload, &str, &str); 3] = [
    (
        Workload::GrowthConnections,
        "cpu us per delivery",
        "server CPU per delivery, µs, by connections of one stream",
    ),
    (
        Workload::GrowthConnections,
        "user memory bytes per connection",
        "user memory per connection, bytes, by connections of one stream",
    ),
    (
        Workload::GrowthStreams,
        "cpu us per delivery",
        "server CPU per delivery, µs, by streams with a connection each",
    ),
];

/// Colours that are told apart also by who sees few of them (Okabe and Ito's).
fn colour(subject: Subject) -> RGBColor {
    let is_first = Subject::of(subject.kind).next() == Some(subject);
    match subject.kind {
        Kind::Floor => RGBColor(120, 120, 120),
        Kind::Tailcast if is_first => RGBColor(0, 114, 178),
        Kind::Tailcast => RGBColor(86, 180, 233),
        Kind::Nchan => RGBColor(213, 94, 0),
        Kind::Nchan2 => RGBColor(230, 159, 0),
    }
}

fn subjects() -> impl Iterator<Item = Subject> {
    Kind::value_variants()
        .iter()
        .flat_map(|kind| Subject::of(*kind))
}

/// Writes all that there are numbers for.
pub fn write(report: &Report, folder: &Path) -> Result<()> {
    for workload in Workload::value_variants() {
        for (key, title) in BARS
            .iter()
            .filter(|(key, _)| says_something(*workload, key))
        {
            let ratio = |subject| {
                let series = Series {
                    workload: *workload,
                    point: None,
                    subject,
                    key,
                };
                Some((subject, report.ratio(series, &[Kind::Floor], false)?))
            };
            let ratios: Vec<_> = subjects().filter_map(ratio).collect();
            if ratios.len() > 1 {
                let path = file(folder, *workload, key);
                let title = format!("{}: {title}", workload.name());
                bars(&path, &title, &ratios)
                    .map_err(|error| anyhow!("{}: {error}", path.display()))?;
            }
        }
    }
    for (workload, key, title) in CURVES {
        let lines = lines(report, workload, key);
        if !lines.is_empty() {
            let path = file(folder, workload, key);
            curves(&path, title, &lines).map_err(|error| anyhow!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

/// At a rate that is given it is the latency that differs, and elsewhere that follows from the rate.
fn says_something(workload: Workload, key: &str) -> bool {
    let has_rate = matches!(workload, Workload::BLat | Workload::Fairness);
    match key {
        "p99 ms" => has_rate,
        "deliveries per s" => !has_rate,
        _ => true,
    }
}

fn file(folder: &Path, workload: Workload, key: &str) -> std::path::PathBuf {
    folder.join(format!("{}-{}.svg", workload.name(), key.replace(' ', "-")))
}

/// What plotters' functions end with.
type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

fn bars(path: &Path, title: &str, ratios: &[(Subject, f64)]) -> Drawn {
    let count = u32::try_from(ratios.len())?;
    let area =
        SVGBackend::new(path, (WIDTH, FRAME_HEIGHT + count * BAR_HEIGHT)).into_drawing_area();
    area.fill(&WHITE)?;
    let longest = ratios.iter().map(|(_, ratio)| *ratio).fold(1.0, f64::max) * ROOM;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, TITLE)
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(130)
        .build_cartesian_2d(0.0..longest, 0.0..f64::from(count))?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .light_line_style(TRANSPARENT)
        .x_labels(8)
        .label_style(FONT)
        .draw()?;
    let label = FONT.into_font().color(&BLACK);
    for (place, (subject, ratio)) in (0..count).rev().zip(ratios) {
        let (low, high) = (f64::from(place) + 0.15, f64::from(place) + 0.85);
        let bar = Rectangle::new([(0.0, low), (*ratio, high)], colour(*subject).filled());
        chart.draw_series([bar])?;
        let (x, y) = chart.backend_coord(&(*ratio, high));
        area.draw(&Text::new(
            format!("{ratio:.2}"),
            (x + 6, y + 4),
            label.clone(),
        ))?;
        let (_, y) = chart.backend_coord(&(0.0, high));
        area.draw(&Text::new(subject.to_string(), (14, y + 6), label.clone()))?;
    }
    // What all are compared with.
    let one = PathElement::new([(1.0, 0.0), (1.0, f64::from(count))], BLACK.mix(0.6));
    chart.draw_series([one])?;
    Ok(area.present()?)
}

/// A subject's curve.
struct Line(Subject, Vec<(f64, f64)>);

fn lines(report: &Report, workload: Workload, key: &str) -> Vec<Line> {
    let of = |subject| {
        let samples = report.samples.iter();
        let points = samples.filter(|it| it.workload == workload && it.subject == subject);
        let mut points: Vec<u64> = points.filter_map(|it| it.point).collect();
        points.sort_unstable();
        points.dedup();
        let value = |point: u64| {
            let series = Series {
                workload,
                point: Some(point),
                subject,
                key,
            };
            Some((crate::clock::float(point), report.median(series)?))
        };
        Line(subject, points.into_iter().filter_map(value).collect())
    };
    subjects()
        .map(of)
        .filter(|Line(_, points)| !points.is_empty())
        .collect()
}

fn curves(path: &Path, title: &str, lines: &[Line]) -> Drawn {
    let area = SVGBackend::new(path, (WIDTH, CURVE_HEIGHT)).into_drawing_area();
    area.fill(&WHITE)?;
    let points = || lines.iter().flat_map(|Line(_, points)| points);
    let right = points().map(|(x, _)| *x).fold(1.0, f64::max);
    let left = points().map(|(x, _)| *x).fold(right, f64::min);
    let top = points().map(|(_, y)| *y).fold(0.0, f64::max) * LEGEND;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, TITLE)
        .margin(12)
        .x_label_area_size(32)
        .y_label_area_size(64)
        .build_cartesian_2d((left..right * ROOM).log_scale(), 0.0..top)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .label_style(FONT)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .draw()?;
    for Line(subject, points) in lines {
        let colour = colour(*subject);
        let series = LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(4);
        chart
            .draw_series(series)?
            .label(subject.to_string())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.85))
        .label_font(FONT)
        .draw()?;
    Ok(area.present()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::report;

    #[test]
    fn bars_and_curves_are_drawn() {
        let folder = tempfile::tempdir().unwrap();
        let mut report = report(&[
            (Kind::Floor, &[10.0, 20.0]),
            (Kind::Tailcast, &[20.0, 20.0]),
        ]);
        write(&report, folder.path()).unwrap();
        let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let drawn = text("a1k-deliveries-per-s.svg");
        assert!(drawn.contains("1.50") && drawn.contains("tailcast, append"));
        for (sample, point) in report.samples.iter_mut().zip([100, 1000, 100, 1000]) {
            sample.workload = Workload::GrowthStreams;
            sample.point = Some(point);
            sample.values.insert("cpu us per delivery", 5.0);
        }
        write(&report, folder.path()).unwrap();
        assert!(text("growth-streams-cpu-us-per-delivery.svg").contains("polyline"));
    }
}
