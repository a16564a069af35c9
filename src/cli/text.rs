//! Text for a terminal: width in columns, cutting, wrapping, and making foreign text harmless. Pure.

use unicode_width::UnicodeWidthChar;

/// What stands for a character that must not reach a terminal.
const MASK: char = '\u{fffd}';

/// Whether a character could move the cursor, change colours, reorder or hide what is read.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `text` with every harmful character replaced. Line ends are harmful here: one text is one line.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { MASK } else { c }).collect()
}

/// As `clean`, but keeps line ends and tabs: for pages of text.
pub fn clean_page(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) && c != '\n' && c != '\t' { MASK } else { c }).collect()
}

/// Columns that `text` takes on a terminal, once it is clean.
pub fn width(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

fn width_of(c: char) -> usize {
    if is_harmful(c) { 1 } else { c.width().unwrap_or(1) }
}

/// `text` in at most `limit` columns, with an ellipsis where it was cut.
pub fn cut(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let columns = width_of(c);
        if used + columns + 1 > limit {
            break;
        }
        used += columns;
        kept.push(c);
    }
    if limit > 0 {
        kept.push('…');
    }
    kept
}

/// `text` filled with blanks to `columns`, on the left when `right` aligned.
pub fn pad(text: &str, columns: usize, right: bool) -> String {
    let blanks = " ".repeat(columns.saturating_sub(width(text)));
    if right { format!("{blanks}{text}") } else { format!("{text}{blanks}") }
}

/// `text` broken at blanks into lines of at most `limit` columns; a longer word is broken where it must.
pub fn wrap(text: &str, limit: usize) -> Vec<String> {
    wrap_after(text, limit, limit)
}

/// As `wrap`, with only `first` columns left on the first line, which stays empty when no word fits there.
pub fn wrap_after(text: &str, first: usize, limit: usize) -> Vec<String> {
    let limit = limit.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    let mut room = first;
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        let mut wide = width(&word);
        if used > 0 && used + 1 + wide <= room {
            line.push(' ');
            line.push_str(&word);
            used += 1 + wide;
            continue;
        }
        if used > 0 || wide > room && room < limit {
            lines.push(std::mem::take(&mut line));
            room = limit;
        }
        while wide > room {
            let (head, tail) = break_word(&word, room);
            lines.push(head);
            word = tail;
            room = limit;
            wide = width(&word);
        }
        used = wide;
        line = word;
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

fn break_word(word: &str, limit: usize) -> (String, String) {
    let (mut head, mut tail) = (String::new(), String::new());
    let mut used = 0;
    for c in word.chars() {
        if tail.is_empty() && used + width_of(c) <= limit {
            used += width_of(c);
            head.push(c);
        } else {
            tail.push(c);
        }
    }
    (head, tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wide_characters_count_two() {
        assert_eq!(width("数据库"), 6);
        assert_eq!(cut("数据库", 5), "数据…");
        assert_eq!(cut("postgres", 8), "postgres");
        assert_eq!(cut("postgres", 5), "post…");
        assert_eq!(pad("数", 4, true), "  数");
    }

    #[test]
    fn escapes_and_overrides_are_masked() {
        let hostile = "a\x1b[31mb\u{9b}2Jc\u{202e}d\ne\x07\u{7f}";
        let safe = clean(hostile);
        assert!(!safe.chars().any(is_harmful), "{safe:?}");
        assert!(safe.starts_with("a\u{fffd}[31mb"));
    }

    #[test]
    fn words_wrap_and_long_words_break() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("aaaaaaaaaabbbb c", 10), ["aaaaaaaaaa", "bbbb c"]);
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap_after("one two three", 4, 9), ["one", "two three"]);
        assert_eq!(wrap_after("three", 2, 9), ["", "three"]);
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_asked(text in "\\PC{0,200}", limit in 8_usize..60) {
            let text = clean(&text);
            prop_assert!(width(&cut(&text, limit)) <= limit);
            for line in wrap(&text, limit) {
                prop_assert!(width(&line) <= limit, "{line:?}");
            }
        }
    }
}
