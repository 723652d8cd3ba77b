//! Plots precision, recall and F1 over the threshold.

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::curve::{Curve, Score};
use super::grid::Grid;
use super::rule::Rule;

/// The colours of Okabe and Ito, which colour-blind readers can distinguish. Grey replaces yellow, which is too light.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
    RGBColor(150, 150, 150),
];

const FONT: &str = "sans-serif";

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// A line: its name and points.
type Line = (String, Vec<(f64, f64)>);

/// The plot as SVG: precision, recall, F1 and story F1 of one rule, or F1 of several rules.
pub(crate) fn svg(
    curves: &[(Rule, Curve)],
    grid: Grid,
) -> Result<String, Box<dyn std::error::Error>> {
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, (1000, 600)).into_drawing_area();
    root.fill(&WHITE)?;
    let (left, right) = root.split_horizontally(880);
    let title = match curves {
        [(rule, _)] => format!("{rule}: agreement with the labels"),
        _ => "F1: agreement with the labels".to_owned(),
    };
    let lines = lines(curves, grid);
    draw_names(&right, &lines)?;
    // With only the threshold 1, the plot would have no width.
    let lowest = grid.from().min(0.99);
    let mut chart = ChartBuilder::on(&left)
        .caption(title, (FONT, 22))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(52)
        .build_cartesian_2d(lowest..1.0, 0.0..1.0)?;
    chart
        .configure_mesh()
        .x_desc("threshold")
        .x_label_formatter(&|x| format!("{x:.2}"))
        .y_label_formatter(&|y| format!("{y:.1}"))
        .light_line_style(WHITE)
        .draw()?;
    draw_lines(&mut chart, lines)?;
    draw_best(&mut chart, curves)?;
    root.present()?;
    drop((chart, left, right, root));
    Ok(svg)
}

/// The legend.
fn draw_names(area: &DrawingArea<SVGBackend<'_>, Shift>, lines: &[Line]) -> Drawn {
    for (i, ((name, _), colour)) in (0..).zip(lines.iter().zip(COLOURS.iter().cycle())) {
        let y = 60 + 20 * i;
        area.draw(&PathElement::new([(0, y), (20, y)], colour.stroke_width(2)))?;
        area.draw(&Text::new(name.clone(), (28, y - 6), (FONT, 13)))?;
    }
    Ok(())
}

fn lines(curves: &[(Rule, Curve)], grid: Grid) -> Vec<Line> {
    let line = |name: &str, curve: &Curve, value: &dyn Fn(&Score) -> Option<f64>| {
        let scores = grid.fine().thresholds().map(|t| curve.at(t));
        let points = scores.filter_map(|score| Some((score.threshold, value(&score)?)));
        (name.to_owned(), points.collect())
    };
    let f1 = |score: &Score| Some(score.f1());
    if let [(_, curve)] = curves {
        return vec![
            line("precision", curve, &Score::precision),
            line("recall", curve, &|score| Some(score.recall())),
            line("F1", curve, &f1),
            line("story F1", curve, &|score| Some(score.story_f1)),
        ];
    }
    curves
        .iter()
        .map(|(rule, curve)| line(&rule.to_string(), curve, &f1))
        .collect()
}

fn draw_lines(chart: &mut Chart<'_, '_>, lines: Vec<Line>) -> Drawn {
    for ((_, points), colour) in lines.into_iter().zip(COLOURS.iter().cycle()) {
        chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
    }
    Ok(())
}

/// A dot at the best F1 of each curve.
fn draw_best(chart: &mut Chart<'_, '_>, curves: &[(Rule, Curve)]) -> Drawn {
    let colours = match curves.len() {
        1 => &COLOURS[2..],
        _ => &COLOURS[..],
    };
    for ((_, curve), colour) in curves.iter().zip(colours.iter().cycle()) {
        let best = curve.best();
        let dots = best.map(|best| Circle::new((best.threshold, best.f1()), 5, colour.filled()));
        chart.draw_series(dots)?;
    }
    Ok(())
}
