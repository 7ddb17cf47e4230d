//! Rows of text with aligned columns.

/// Renders rows under a head; columns are two blanks apart, the last one is not padded.
pub(super) fn render<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(|h| h.chars().count());
    for row in rows {
        for (w, cell) in widths.iter_mut().zip(row) {
            *w = (*w).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    let mut line = |cells: &[&str]| {
        let mut text = String::new();
        for (cell, w) in cells.iter().zip(widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(
                ' ',
                w + 2 - cell.chars().count().min(w + 2),
            ));
        }
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(&head);
    for row in rows {
        line(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
    out
}

/// A moment as `2026-11-22 14:05`, UTC.
pub(super) fn moment(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| "-".into(), |t| t.strftime("%Y-%m-%d %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["é".into(), "1".into()], ["longer".into(), "22".into()]];
        assert_eq!(
            render(["NAME", "N"], &rows),
            "NAME    N\né       1\nlonger  22\n"
        );
        assert_eq!(moment(0), "1970-01-01 00:00");
    }
}
