//! What looks like a secret by itself: runs of characters that nobody chose as a word. Pure.

/// Whether a run of letters, digits and `+/=_-` is no word: long hexadecimal, or letters and digits that change kind
/// as often as chance does.
pub fn is_token(run: &str) -> bool {
    let letters: Vec<char> = run.chars().filter(char::is_ascii_alphanumeric).collect();
    let hexadecimal = letters.iter().all(char::is_ascii_hexdigit);
    let digits = letters.iter().filter(|c| c.is_ascii_digit()).count();
    if hexadecimal && letters.len() >= 32 && digits > 0 {
        return true;
    }
    if letters.len() < 20 || run.starts_with('/') {
        return false;
    }
    let changes = letters.windows(2).filter(|pair| pair.first().map(kind) != pair.last().map(kind)).count();
    let mixed = digits > 0 || letters.iter().any(char::is_ascii_uppercase);
    let by_chance = changes * 3 >= letters.len();
    mixed && by_chance || has_long_piece(run)
}

/// A piece between separators that is long and mixed: `ghp_16C7e42F292c6912E7710c838347Ae178B4a`.
fn has_long_piece(run: &str) -> bool {
    run.split(['_', '-', '/', '+', '=']).any(|piece| {
        let kinds: std::collections::BTreeSet<u8> = piece.chars().map(|c| kind(&c)).collect();
        piece.len() >= 20 && kinds.len() == 3 || piece.len() >= 40 && kinds.len() == 2
    })
}

fn kind(c: &char) -> u8 {
    match c {
        c if c.is_ascii_digit() => 0,
        c if c.is_ascii_uppercase() => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_not_words() {
        for token in [
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "0123456789abcdef0123456789abcdef",
            "9f86d081-884c-7d65-9a2f-eaa0c55ad015",
            "AKIAIOSFODNN7EXAMPLE8K2p",
            "dGhpcyBpcyBhIHNlY3JldCB0b2tlbg==",
            "q8Zt3Lk0Vw9sXr2Bn7Jm",
        ] {
            assert!(is_token(token), "{token}");
        }
        for word in [
            "node_netstat_Icmp6_OutMsgs",
            "node_memory_Active_anon_bytes",
            "/data/athena/seaweed/of-today-2026",
            "hostkeeper_collector_last_success_timestamp_seconds",
            "2026-11-21T03:50:05",
            "storage",
            "3f2a9c41d0e7",
            "registry/athena-api-worker-queue",
            "container_label_com_docker_compose_project",
        ] {
            assert!(!is_token(word), "{word}");
        }
    }
}
