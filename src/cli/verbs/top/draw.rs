//! Draws the model with ratatui. Text is cleaned on its way, as everywhere.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span as Drawn};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::super::super::out::{Span, Tint};
use super::super::super::table::render_table;
use super::super::super::text;
use super::model::{COLUMNS, Model};

const HELP: &[&str] = &[
    "up, down, j, k     move",
    "page up, down      move ten lines",
    "enter, space       open or close a project",
    "right, left        open, close",
    "s                  next order: cpu, memory, io, network, name",
    "?                  this help",
    "q, esc, ctrl-c     end",
    "",
    "stalled: share of the last 10 s in which something waited",
    "throttled: share of periods in which the limit held it back",
];

/// Draws everything. `clock`: when what is shown was seen, in words.
pub fn draw(frame: &mut Frame<'_>, model: &Model, clock: &str, colour: bool) {
    let area = frame.area();
    let head = head_lines(model, usize::from(area.width), colour);
    let tall = u16::try_from(head.len()).unwrap_or(u16::MAX).min(area.height.saturating_sub(4));
    let parts =
        Layout::vertical([Constraint::Length(tall), Constraint::Length(1), Constraint::Min(1), Constraint::Length(1)]);
    let [top, _, middle, bottom] = parts.areas(area);
    frame.render_widget(Paragraph::new(head), top);
    draw_table(frame, model, middle, colour);
    frame.render_widget(Paragraph::new(foot_line(model, clock, colour)), bottom);
    if model.help {
        draw_help(frame, area);
    }
}

fn head_lines(model: &Model, width: usize, colour: bool) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (label, span) in model.head() {
        let label = if label.is_empty() { String::new() } else { format!("{label:<8}") };
        let room = width.saturating_sub(label.len());
        let style = style_of(span.tint, colour);
        for (index, piece) in text::wrap(&text::clean(&span.text), room).into_iter().enumerate() {
            let lead = if index == 0 { label.clone() } else { " ".repeat(label.len()) };
            lines.push(Line::from(vec![Drawn::raw(lead), Drawn::styled(piece, style)]));
        }
    }
    lines
}

fn draw_table(frame: &mut Frame<'_>, model: &Model, area: Rect, colour: bool) {
    let rows = model.rows();
    let selected = model.selected(&rows);
    let cells: Vec<Vec<Span>> = rows.into_iter().map(|row| row.cells).collect();
    let mut lines = render_table(COLUMNS, &cells, usize::from(area.width)).into_iter();
    let title = lines.next().unwrap_or_default();
    let room = usize::from(area.height.saturating_sub(1));
    let first = (selected + 1).saturating_sub(room);
    let mut drawn = vec![line_of(&title, colour)];
    for (place, line) in lines.enumerate().skip(first).take(room) {
        let line = line_of(&line, colour);
        drawn.push(if place == selected { line.style(Style::new().add_modifier(Modifier::REVERSED)) } else { line });
    }
    if cells.is_empty() {
        drawn = vec![Line::from("no projects and no containers")];
    }
    frame.render_widget(Paragraph::new(drawn), area);
}

fn foot_line(model: &Model, clock: &str, colour: bool) -> Line<'static> {
    if let Some(why) = &model.stale {
        let text = format!("as of {clock}: {}", text::clean(why));
        return Line::from(Drawn::styled(text, style_of(Tint::Bad, colour)));
    }
    let sort = format!("{:?}", model.sort).to_lowercase();
    Line::from(format!("q end  ↑↓ move  enter open  s sort: {sort}  ? help  seen {clock}"))
}

fn draw_help(frame: &mut Frame<'_>, area: Rect) {
    let width = 64.min(area.width);
    let height = u16::try_from(HELP.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let place = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    let lines: Vec<Line<'_>> = HELP.iter().map(|line| Line::from(*line)).collect();
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" keys ")), place);
}

fn line_of(spans: &[Span], colour: bool) -> Line<'static> {
    let drawn = spans.iter().map(|span| Drawn::styled(text::clean(&span.text), style_of(span.tint, colour)));
    Line::from(drawn.collect::<Vec<_>>())
}

fn style_of(tint: Tint, colour: bool) -> Style {
    let style = Style::new();
    match (tint, colour) {
        (Tint::Plain, _) => style,
        (Tint::Bold, _) => style.add_modifier(Modifier::BOLD),
        (Tint::Dim, _) => style.add_modifier(Modifier::DIM),
        (_, false) => style.add_modifier(Modifier::BOLD),
        (Tint::Good, true) => style.fg(Color::Green),
        (Tint::Warn, true) => style.fg(Color::Yellow),
        (Tint::Bad, true) => style.fg(Color::Red).add_modifier(Modifier::BOLD),
    }
}
