//! Tables that never wrap: columns are cut to their least width, then left out by rank, until the rest fits. Pure.

use super::out::{Span, Tint, plain, tinted};
use super::text;

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub title: &'static str,
    /// Numbers stand on the right.
    pub right: bool,
    /// Columns of the lowest rank are left out first; `ALWAYS` never is.
    pub rank: u8,
    /// The least width to which it may be cut; 0: not cut, only left out.
    pub least: usize,
}

/// The rank of a column that is always shown.
pub const ALWAYS: u8 = u8::MAX;
const GAP: usize = 2;

/// A column of words, aligned to the left.
pub const fn words(title: &'static str, rank: u8, least: usize) -> Column {
    Column { title, right: false, rank, least }
}

/// A column of numbers, aligned to the right and never cut.
pub const fn numbers(title: &'static str, rank: u8) -> Column {
    Column { title, right: true, rank, least: 0 }
}

/// The lines of a table in `width` columns, title line first. A column without any cell is left out.
pub fn render_table(columns: &[Column], rows: &[Vec<Span>], width: usize) -> Vec<Vec<Span>> {
    let clean: Vec<Vec<Span>> = rows.iter().map(|row| row.iter().map(tidy).collect()).collect();
    let mut shown: Vec<usize> = (0..columns.len()).filter(|index| has_cell(&clean, *index)).collect();
    loop {
        let widths = fit(columns, &shown, &clean, width);
        let total: usize = widths.iter().map(|width| width + GAP).sum::<usize>().saturating_sub(GAP);
        let least = shown.iter().filter_map(|index| columns.get(*index).map(|column| (column.rank, *index)));
        let drop = least.filter(|(rank, _)| *rank != ALWAYS).min_by_key(|(rank, index)| (*rank, usize::MAX - index));
        match drop {
            Some((_, index)) if total > width => shown.retain(|kept| *kept != index),
            _ => return draw(columns, &shown, &clean, &widths),
        }
    }
}

fn tidy(span: &Span) -> Span {
    tinted(span.tint, text::clean(&span.text))
}

fn has_cell(rows: &[Vec<Span>], index: usize) -> bool {
    rows.iter().any(|row| row.get(index).is_some_and(|cell| !cell.text.is_empty()))
}

/// Natural widths of the shown columns, the widest cuttable ones cut until the line fits or nothing can be cut.
fn fit(columns: &[Column], shown: &[usize], rows: &[Vec<Span>], width: usize) -> Vec<usize> {
    let cells = |index: usize| rows.iter().filter_map(move |row| row.get(index)).map(|cell| text::width(&cell.text));
    let title = |index: usize| columns.get(index).map(|column| text::width(column.title)).unwrap_or(0);
    let mut widths: Vec<usize> =
        shown.iter().map(|index| cells(*index).max().unwrap_or(0).max(title(*index))).collect();
    loop {
        let total: usize = widths.iter().map(|width| width + GAP).sum::<usize>().saturating_sub(GAP);
        let spare = widths.iter().zip(shown).enumerate().filter_map(|(place, (width, index))| {
            let least = columns.get(*index).map(|column| column.least).filter(|least| *least > 0)?;
            (*width > least.max(title(*index))).then_some((*width, place))
        });
        let Some((_, place)) = spare.max().filter(|_| total > width) else { return widths };
        if let Some(cut) = widths.get_mut(place) {
            *cut -= 1;
        }
    }
}

fn draw(columns: &[Column], shown: &[usize], rows: &[Vec<Span>], widths: &[usize]) -> Vec<Vec<Span>> {
    let blank = plain("");
    let titles: Vec<Span> = columns.iter().map(|column| tinted(Tint::Dim, column.title)).collect();
    let mut lines = Vec::with_capacity(rows.len() + 1);
    for row in std::iter::once(&titles).chain(rows) {
        let mut line: Vec<Span> = Vec::new();
        for (place, (index, width)) in shown.iter().zip(widths).enumerate() {
            let cell = row.get(*index).unwrap_or(&blank);
            let right = columns.get(*index).is_some_and(|column| column.right);
            let last = place + 1 == shown.len();
            let cut = text::cut(&cell.text, *width);
            let text = if last && !right { cut } else { text::pad(&cut, *width, right) };
            line.push(tinted(cell.tint, text));
            if !last {
                line.push(plain(" ".repeat(GAP)));
            }
        }
        trim_end(&mut line);
        lines.push(line);
    }
    lines
}

/// Takes blanks at the end away.
fn trim_end(line: &mut Vec<Span>) {
    while let Some(last) = line.last_mut() {
        last.text.truncate(last.text.trim_end().len());
        if !last.text.is_empty() {
            return;
        }
        line.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] =
        &[words("NAME", ALWAYS, 6), words("IMAGE", 1, 0), numbers("CPU", 3), words("NOTE", 2, 5)];

    fn rows() -> Vec<Vec<Span>> {
        vec![
            vec![plain("postgres-of-athena"), plain("postgres:15.4"), plain("1.7"), plain("a long note about it")],
            vec![plain("数据库"), plain("x"), plain("10.25"), plain("")],
        ]
    }

    fn text_at(width: usize) -> Vec<String> {
        let lines = render_table(COLUMNS, &rows(), width);
        lines.iter().map(|line| line.iter().map(|span| span.text.as_str()).collect()).collect()
    }

    #[test]
    fn wide_screens_show_everything() {
        assert_eq!(
            text_at(80),
            [
                "NAME                IMAGE            CPU  NOTE",
                "postgres-of-athena  postgres:15.4    1.7  a long note about it",
                "数据库              x              10.25",
            ]
        );
    }

    #[test]
    fn narrow_screens_cut_and_then_leave_out_by_rank() {
        for width in [24, 30, 40, 60] {
            assert!(text_at(width).iter().all(|line| text::width(line) <= width), "{width}: {:?}", text_at(width));
        }
        assert!(text_at(40).iter().any(|line| line.contains("IMAGE")), "{:?}", text_at(40));
        assert!(text_at(30).iter().all(|line| !line.contains("IMAGE")), "{:?}", text_at(30));
        assert!(text_at(13).iter().all(|line| !line.contains("NOTE")), "{:?}", text_at(13));
        assert_eq!(text_at(13).first().unwrap(), "NAME      CPU");
    }

    #[test]
    fn a_column_without_cells_is_not_shown() {
        let rows = vec![vec![plain("a"), plain(""), plain("1"), plain("")]];
        let lines = render_table(COLUMNS, &rows, 80);
        assert_eq!(lines.first().unwrap().iter().map(|span| span.text.as_str()).collect::<String>(), "NAME  CPU");
    }
}
