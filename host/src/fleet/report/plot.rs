//! Lines over time, or over anything, as SVG.

use std::fmt::Write;

/// The drawing, in its own units.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 32.0;

/// Above the drawing, when it stands alone.
const HEADING: f64 = 28.0;

/// Most marks on an axis.
const MARKS: f64 = 5.0;

/// What a drawing that stands alone looks like.
const STYLE: &str = "text{font:11px sans-serif;fill:#666}.grid{stroke:#ddd}polyline{fill:none;stroke-width:2}\
                     .line0{stroke:#0b6bcb}.line1{stroke:#c2410c}.line2{stroke:#15803d}.name0{fill:#0b6bcb}.name1{fill:#c2410c}.name2{fill:#15803d}";

/// One line.
pub struct Line {
    /// What it shows.
    pub name: &'static str,
    /// From left to right. What is not finite is left out.
    pub points: Vec<(f64, f64)>,
}

/// A drawing of some lines over one axis. Names and units are put in as they are, so they have no `<`, `&` or `"`.
pub struct Plot {
    /// What it shows.
    pub title: &'static str,
    /// What runs to the right.
    pub across: &'static str,
    /// In what the height is counted.
    pub unit: &'static str,
    /// At most three have colours of their own in [`Plot::document`].
    pub lines: Vec<Line>,
}

impl Plot {
    /// As a document of its own, with the title, the units and the names of its lines.
    pub fn document(&self) -> String {
        let names: String = (0..)
            .zip(&self.lines)
            .map(|(index, line)| format!("<tspan class=\"name{index}\" dx=\"12\">{}</tspan>", line.name))
            .collect();
        let head = HEADING / 2.0;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 -{HEADING} {WIDTH} {:.0}\"><style>{STYLE}</style>\
             <rect y=\"-{HEADING}\" width=\"{WIDTH}\" height=\"{:.0}\" fill=\"#fff\"/>\
             <text x=\"{RIGHT}\" y=\"-{head}\">{}, {}, over {}{names}</text>{}</svg>\n",
            HEIGHT + HEADING,
            HEIGHT + HEADING,
            self.title,
            self.unit,
            self.across,
            self.svg()
                .replacen("<svg ", &format!("<svg width=\"{WIDTH}\" height=\"{HEIGHT}\" "), 1)
        )
    }

    /// As an `svg` element. Lines have the classes `line0`, `line1` and so on.
    pub(super) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let least = points().map(|(x, _)| *x).fold(f64::INFINITY, f64::min);
        let from = if least.is_finite() { least.min(0.0) } else { 0.0 };
        let across = Axis::reaching(from, points().map(|(x, _)| *x).fold(from, f64::max));
        let up = Axis::reaching(0.0, points().map(|(_, y)| *y).fold(0.0, f64::max));
        let x = |value| LEFT + across.share(value) * (WIDTH - LEFT - RIGHT);
        let y = |value| HEIGHT - BOTTOM - up.share(value) * (HEIGHT - TOP - BOTTOM);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
            self.title
        );
        for mark in up.marks() {
            let (at, text) = (y(mark), shown(mark));
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{:.1}\" y2=\"{at:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                at + 4.0
            );
        }
        for mark in across.marks() {
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                x(mark),
                HEIGHT - BOTTOM + 16.0,
                shown(mark)
            );
        }
        for (index, line) in self.lines.iter().enumerate() {
            let points: Vec<String> = line
                .points
                .iter()
                .filter(|(x, y)| x.is_finite() && y.is_finite())
                .map(|(px, py)| format!("{:.1},{:.1}", x(*px), y(*py)))
                .collect();
            let _ = write!(svg, "<polyline class=\"line{index}\" points=\"{}\"/>", points.join(" "));
        }
        svg + "</svg>"
    }

    /// With its title, its units and the names of its lines.
    pub(super) fn figure(&self) -> String {
        let mut names = String::new();
        if self.lines.len() > 1 {
            for (index, line) in self.lines.iter().enumerate() {
                let _ = write!(names, " <span class=\"name{index}\">{}</span>", line.name);
            }
        }
        format!(
            "<figure><figcaption><b>{}</b>, {}, over {}{names}</figcaption>{}</figure>\n",
            self.title,
            self.unit,
            self.across,
            self.svg()
        )
    }
}

/// From one value to another, in steps that people count in.
struct Axis {
    from: f64,
    to: f64,
    step: f64,
}

impl Axis {
    fn reaching(from: f64, to: f64) -> Self {
        let length = if to > from { to - from } else { 1.0 };
        let power = 10_f64.powf((length / MARKS).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|digit| digit * power)
            .find(|step| length / step <= MARKS)
            .unwrap_or(length);
        Self {
            from,
            to: from + (length / step).ceil() * step,
            step,
        }
    }

    fn share(&self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }

    fn marks(&self) -> impl Iterator<Item = f64> {
        let count = ((self.to - self.from) / self.step).round() as u32;
        let (from, step) = (self.from, self.step);
        (0..=count).map(move |index| from + f64::from(index) * step)
    }
}

/// A mark, without the noise of binary fractions.
fn shown(mark: f64) -> String {
    let text = if mark.abs() >= 1e6 {
        format!("{:.1}M", mark / 1e6)
    } else {
        format!("{mark:.4}")
    };
    match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole.to_owned(),
        Some(_) => text.trim_end_matches('0').to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_reaches_its_end_in_round_steps() {
        for (to, end, step) in [
            (0.0, 1.0, 0.2),
            (7.0, 8.0, 2.0),
            (10_000.0, 10_000.0, 2_000.0),
            (0.013, 0.015, 0.005),
        ] {
            let axis = Axis::reaching(0.0, to);
            assert!(
                (axis.to - end).abs() < 1e-9 && (axis.step - step).abs() < 1e-9,
                "{to}: {} by {}",
                axis.to,
                axis.step
            );
        }
        assert_eq!(
            Axis::reaching(0.0, 7.0).marks().map(shown).collect::<Vec<_>>(),
            ["0", "2", "4", "6", "8"]
        );
        assert_eq!([0.6000001, 2_500_000.0, 0.0].map(shown), ["0.6", "2.5M", "0"]);
    }

    #[test]
    fn a_document_stands_alone_and_names_its_lines() {
        let line = |name| Line {
            name,
            points: vec![(0.0, 1.0), (10.0, f64::NAN), (20.0, 2.0)],
        };
        let document = Plot {
            title: "memory",
            across: "devices",
            unit: "kB",
            lines: vec![line("live"), line("put aside")],
        }
        .document();
        for part in [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 -28 640 268\">",
            "memory, kB, over devices",
            "<tspan class=\"name1\" dx=\"12\">put aside</tspan>",
        ] {
            assert!(document.contains(part), "{part} in\n{document}");
        }
        assert!(!document.contains("NaN"), "{document}");
        let count = |part| document.matches(part).count();
        assert_eq!((count("<svg "), count("</svg>"), count("<polyline ")), (2, 2, 2));
    }

    #[test]
    fn a_line_goes_through_its_points() {
        let line = Line {
            name: "a",
            points: vec![(0.0, 0.0), (10.0, 1.0)],
        };
        let svg = Plot {
            title: "t",
            across: "s",
            unit: "u",
            lines: vec![line],
        }
        .svg();
        assert!(svg.contains("points=\"64.0,208.0 624.0,12.0\""), "{svg}");
        let empty = Plot {
            title: "t",
            across: "s",
            unit: "u",
            lines: Vec::new(),
        }
        .svg();
        assert!(!empty.contains("NaN") && !empty.contains("inf"), "{empty}");
    }
}
