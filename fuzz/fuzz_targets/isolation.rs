//! What the audit reads: containers in full (`a`), networks, volumes, images and Docker itself (`b`), Compose's answer (`c`),
//! tables of sockets (`d`), environments (`e`), files with secrets (`f`). Of a value that is a secret nothing is kept.
#![no_main]

use hostkeeper::host::compose::parse_compose;
use hostkeeper::host::docker::detail::Detail;
use hostkeeper::host::docker::*;
use hostkeeper::host::environment::{find_secret, parse_environment};
use hostkeeper::host::listeners::parse_sockets;
use hostkeeper::host::secret_files::parse_secret_names;
use hostkeeper::values::MarkKey;
use hostkeeper_fuzz::{choose, text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let key = MarkKey::new([5; 32]);
    match choose(data, 6) {
        Some((0, rest)) => {
            if let Some(detail) = parse_detail(&key, rest) {
                assert!(is_id(&detail.id));
                judge(&detail);
            }
        }
        Some((1, rest)) => surroundings(&key, rest),
        Some((2, rest)) => {
            let composed = parse_compose(&key, rest).unwrap_or_default();
            composed.containers.iter().for_each(judge);
        }
        Some((3, rest)) => sockets(&text(rest)),
        Some((4, rest)) => environment(&key, &text(rest)),
        Some((_, rest)) => files(&text(rest)),
        None => {}
    }
});

fn short(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.chars().any(char::is_control)
}

fn judge(detail: &Detail) {
    assert!(short(&detail.name, 600) && short(&detail.image, 256) && short(&detail.runtime, 256));
    assert!(detail.networks.iter().all(|name| short(name, 600)));
    for mount in &detail.mounts {
        assert!(short(&mount.source, 4096) && short(&mount.target, 4096), "{mount:?}");
    }
    for port in detail.claims.iter().chain(&detail.published) {
        assert!(port.ports.is_none_or(|(first, last)| first > 0 && first <= last), "{port:?}");
    }
    assert!(detail.gpus.iter().all(|(how, what)| short(how, 32) && short(what, 256)));
}

fn surroundings(key: &MarkKey, answer: &[u8]) {
    for network in parse_networks(answer).unwrap_or_default() {
        assert!(short(&network.name, 256) && network.subnets.iter().all(|subnet| short(subnet, 256)));
    }
    for volume in parse_volumes(answer).unwrap_or_default() {
        assert!(is_volume_name(&volume.name) && volume.device.is_none_or(|path| path.starts_with('/')));
    }
    parse_image_environment(key, answer);
    parse_daemon(answer);
}

fn sockets(table: &str) {
    for udp in [false, true] {
        assert!(parse_sockets(table, udp).iter().all(|(inode, one)| *inode > 0 && one.port > 0 && one.udp == udp));
    }
}

fn environment(key: &MarkKey, variables: &str) {
    let read = parse_environment(key, variables.lines());
    let told = format!("{read:?}");
    for variable in variables.lines() {
        let Some((name, value)) = variable.split_once('=') else { continue };
        if let Some(secret) = find_secret(name, value) {
            assert!(!secret.is_empty() && value.contains(secret));
            // A secret that is a word of its own name tells nothing.
            let telling = secret.len() > 8 && !variables.replace(secret, "").contains(secret);
            assert!(!telling || variables.matches(secret).count() > 1 || !told.contains(secret), "{told}");
        }
    }
}

fn files(content: &str) {
    let names = parse_secret_names(content);
    assert!(names.len() <= 50 && names.iter().all(|name| short(name, 100) && content.contains(name.as_str())));
}
