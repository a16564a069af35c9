//! Docker's answers: the list (`a`), an inspect (`b`), addresses (`c`), health and image names (`d`), disk usage (`e`).
//! What is kept is bounded, on one line, and of the labels only what is allowed.
#![no_main]

use hostkeeper::host::docker::*;
use hostkeeper_fuzz::{choose, text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match choose(data, 5) {
        Some((0, rest)) => list(rest),
        Some((1, rest)) => inspect(rest),
        Some((2, rest)) => address(&text(rest)),
        Some((3, rest)) => words(&text(rest)),
        Some((_, rest)) => space(rest),
        None => {}
    }
});

fn list(answer: &[u8]) {
    let allowed = ["team".to_owned(), "com.docker.compose.service".to_owned()];
    for listed in parse_list(answer, &allowed).unwrap_or_default() {
        assert!(is_id(&listed.id));
        for text in [&listed.name, &listed.image, &listed.image_id] {
            assert!(short(text, 256), "{text}");
        }
        let compose = listed.compose;
        for text in [compose.project, compose.service].into_iter().flatten() {
            assert!(short(&text, 256) && !text.is_empty(), "{text}");
        }
        for text in [compose.working_dir, compose.config_files, compose.depends_on].into_iter().flatten() {
            assert!(short(&text, 4096), "{text}");
        }
        assert!(listed.labels.len() <= allowed.len());
        assert!(listed.labels.iter().all(|(key, value)| allowed.contains(key) && short(value, 256)));
        assert!(listed.health.is_none_or(|word| ["healthy", "unhealthy", "starting"].contains(&word.as_str())));
        assert!(short(&listed.state, 16), "{}", listed.state);
    }
}

fn space(answer: &[u8]) {
    let Some(space) = parse_space(answer) else { return };
    assert!(
        space.images.iter().all(|image| is_image_id(&image.id) && image.names.iter().all(|name| is_image_name(name)))
    );
    assert!(space.containers.iter().all(|container| is_id(&container.id) && short(&container.name, 256)));
    for volume in &space.volumes {
        assert!(is_volume_name(&volume.name) && (!volume.anonymous || is_id(&volume.name)));
    }
}

fn short(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.chars().any(char::is_control)
}

fn inspect(answer: &[u8]) {
    let Some(inspected) = parse_inspect(answer) else { return };
    assert!(inspected.pid.is_none_or(|pid| pid > 0));
    for moment in [inspected.started, inspected.finished].into_iter().flatten() {
        assert!(moment.as_second() > 0);
    }
    assert!(inspected.health.is_none_or(|word| ["healthy", "unhealthy", "starting"].contains(&word.as_str())));
}

fn address(text: &str) {
    let Some(path) = parse_address(text) else { return };
    assert!(path.is_absolute() && path.as_os_str().len() > 1, "{path:?}");
    let again = path.to_str().and_then(parse_address);
    assert_eq!(again.as_ref(), Some(&path));
}

fn words(text: &str) {
    let name = parse_image_name(text);
    assert!(short(&name, 256) && !name.contains('@') && name.len() <= text.len().max(256 * 4));
    assert_eq!(parse_image_name(&name), name);
    if parse_health(text).is_some() {
        assert!(text.ends_with(')'));
    }
    assert!(short(&cut(text), 256));
}
