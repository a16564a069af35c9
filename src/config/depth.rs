//! How deep a text nests, found before it is parsed: parsing and dropping a deep tree takes stack. Pure. Follows the
//! tokens of the TOML lexer, strings and comments included, so that what passes here is shallow there.

/// Brackets within brackets, and dots in one key.
pub const LIMIT: usize = 16;

/// The first byte that nests deeper than `LIMIT`.
pub fn parse_depth(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut open, mut dots) = (0, 0_usize, 0_usize);
    while let Some(byte) = bytes.get(at) {
        let mut next = at + 1;
        match byte {
            b'[' | b'{' => {
                open += 1;
                dots = 0;
            }
            b']' | b'}' => {
                open = open.saturating_sub(1);
                dots = 0;
            }
            b'.' => dots += 1,
            b'=' | b',' => dots = 0,
            b'\n' => {
                dots = 0;
                // A header is over at the end of its line; a value in brackets is not.
                if line_is_header(bytes, at) {
                    open = 0;
                }
            }
            b' ' | b'\t' | b'\r' => {}
            b'#' => next = find(bytes, at, |byte| byte == b'\n' || byte == b'\r'),
            b'"' | b'\'' => next = after_string(bytes, at, *byte),
            _ => next = find(bytes, at, |byte| b".=,[]{} \t#\r\n".contains(&byte)),
        }
        if open > LIMIT || dots > LIMIT {
            return Some(at);
        }
        at = next;
    }
    None
}

fn line_is_header(bytes: &[u8], end: usize) -> bool {
    let line = bytes.get(..end).unwrap_or_default();
    let start = line.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = line.get(start..).unwrap_or_default();
    line.trim_ascii_start().starts_with(b"[") && !line.contains(&b',') && !line.contains(&b'=')
}

fn find(bytes: &[u8], from: usize, stop: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| stop(*byte)).unwrap_or(rest.len())
}

/// The end of the string that begins at `from`: its closing quote, for one-line strings also the end of the line.
fn after_string(bytes: &[u8], from: usize, quote: u8) -> usize {
    let starts = |at: usize| bytes.get(at..at + 3).is_some_and(|three| three.iter().all(|byte| *byte == quote));
    let long = starts(from);
    let mut at = if long { from + 3 } else { from + 1 };
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if quote == b'"' => at += 1,
            b'\n' if !long => return at,
            byte if *byte == quote && !long => return at + 1,
            byte if *byte == quote && starts(at) => return at + 3,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}
