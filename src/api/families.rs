//! Families read back from a page of metrics: their names for `metrics --names`, their lines for `explain`. Pure, and
//! content with any text: what is not a family line or a sample is passed over.

use super::shapes::FamilyShown;

/// Families of a page in its order, each with its count of samples.
pub fn parse_families(page: &[u8]) -> Vec<FamilyShown> {
    let mut families: Vec<FamilyShown> = Vec::new();
    for line in page.split(|byte| *byte == b'\n') {
        if let Some(rest) = line.strip_prefix(b"# HELP ") {
            let (name, help) = split_word(rest);
            let help = unescape(&String::from_utf8_lossy(help));
            let name = String::from_utf8_lossy(name).into_owned();
            families.push(FamilyShown { name, kind: "untyped".into(), help, series: 0 });
        } else if let Some(rest) = line.strip_prefix(b"# TYPE ") {
            let (name, kind) = split_word(rest);
            let kind = String::from_utf8_lossy(kind).into_owned();
            match families.last_mut() {
                Some(family) if family.name.as_bytes() == name => family.kind = kind,
                _ => {
                    let name = String::from_utf8_lossy(name).into_owned();
                    families.push(FamilyShown { name, kind, help: String::new(), series: 0 });
                }
            }
        } else if !line.is_empty()
            && !line.starts_with(b"#")
            && let Some(family) = families.last_mut()
        {
            family.series += 1;
        }
    }
    families
}

/// The first `limit` samples of family `name`, as they stand on the page, and how many there are.
pub fn parse_samples(page: &[u8], name: &str, limit: usize) -> (Vec<String>, usize) {
    let mut samples = Vec::new();
    let mut all = 0;
    for line in page.split(|byte| *byte == b'\n') {
        let Some(rest) = line.strip_prefix(name.as_bytes()) else { continue };
        if matches!(rest.first(), Some(b'{' | b' ')) {
            all += 1;
            if samples.len() < limit {
                samples.push(String::from_utf8_lossy(line).into_owned());
            }
        }
    }
    (samples, all)
}

fn split_word(line: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = line.splitn(2, |byte| *byte == b' ');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

fn unescape(help: &str) -> String {
    let mut text = String::with_capacity(help.len());
    let mut letters = help.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => text.push('\n'),
            Some(other) => text.push(other),
            None => text.push('\\'),
        }
    }
    text
}
