//! `/proc/net/{netstat,snmp,snmp6,sockstat,sockstat6}`: the protocols' own counts.

use super::text::{lines, number, signed, text, words};

/// Parses `/proc/net/netstat` or `/proc/net/snmp`: a line of names, then a line of values, both headed by the protocol.
/// Gives `Tcp_InSegs` and its value for each protocol and field that is `wanted`.
pub fn parse_netstat(bytes: &[u8], wanted: impl Fn(&str, &str) -> bool) -> Option<Vec<(String, i64)>> {
    let mut found = Vec::with_capacity(32);
    let mut all = lines(bytes);
    let mut whole = false;
    while let (Some(names), Some(values)) = (all.next(), all.next()) {
        let (mut names, mut values) = (words(names), words(values));
        let protocol = names.next()?;
        if values.next() != Some(protocol) {
            return None;
        }
        let protocol = std::str::from_utf8(protocol.strip_suffix(b":")?).ok()?;
        whole = true;
        for (field, value) in names.zip(values) {
            let field = std::str::from_utf8(field).ok()?;
            if wanted(protocol, field) {
                found.push((format!("{protocol}_{field}"), signed(value)?));
            }
        }
    }
    whole.then_some(found)
}

/// Parses `/proc/net/snmp6`: `Ip6InOctets 460` becomes `Ip6_InOctets`.
pub fn parse_snmp6(bytes: &[u8], wanted: impl Fn(&str, &str) -> bool) -> Option<Vec<(String, i64)>> {
    let field = |line: &[u8]| {
        let mut fields = words(line);
        let key = std::str::from_utf8(fields.next()?).ok()?;
        let (protocol, field) = key.split_at_checked(key.find('6')? + 1)?;
        wanted(protocol, field).then_some(())?;
        let value = number(fields.next()?).and_then(|value| i64::try_from(value).ok())?;
        Some((format!("{protocol}_{field}"), value))
    };
    Some(lines(bytes).filter_map(field).collect())
}

/// Parses `/proc/net/sockstat` or `sockstat6`: `TCP: inuse 4 orphan 0` becomes `("TCP_inuse", 4), ("TCP_orphan", 0)`.
pub fn parse_sockstat(bytes: &[u8]) -> Option<Vec<(String, u64)>> {
    let mut found = Vec::with_capacity(20);
    for line in lines(bytes) {
        let mut fields = words(line);
        let Some(protocol) = fields.next().and_then(|word| word.strip_suffix(b":")) else { continue };
        while let (Some(key), Some(value)) = (fields.next(), fields.next().and_then(number)) {
            let mut name = text(protocol);
            name.push('_');
            name.push_str(&text(key));
            found.push((name, value));
        }
    }
    (!found.is_empty()).then_some(found)
}
