//! Part of the web configuration tests: names and passwords, on loopback without TLS.

use crate::have;
use crate::page::{Page, hash_of};

#[test]
fn only_users_are_answered_and_every_path_asks() {
    if !have(&["curl"]) {
        return;
    }
    let mut page = Page::prepare();
    page.configure(&format!("basic_auth_users:\n  ann: {}\n", hash_of("right")));
    page.start();
    for target in ["", "metrics", "healthz", "readyz", "style.css", "nothing"] {
        assert_eq!(page.status(target, &[]), "401", "{target}");
        assert_eq!(page.status(target, &["-u", "ann:wrong"]), "401", "{target}");
        assert_eq!(page.status(target, &["-u", "eve:right"]), "401", "{target}");
    }
    assert_eq!(page.status("metrics", &["-u", "ann:right"]), "200");
    assert!(page.curl("", &["-u", "ann:right"]).2.contains("<h2>Projects"));
    let (_, _, head) = page.curl("metrics", &["-i"]);
    assert!(head.to_lowercase().contains("www-authenticate: basic realm=\"hostkeeper\""), "{head}");
    assert!(!head.contains("hostkeeper_up"), "nothing but the refusal");
}

#[test]
fn users_change_without_a_restart_and_a_broken_file_is_shown() {
    if !have(&["curl"]) {
        return;
    }
    let mut page = Page::prepare();
    let (one, two) = (hash_of("one"), hash_of("two"));
    page.configure(&format!("basic_auth_users:\n  ann: {one}\n"));
    page.start();
    let status = |page: &Page, who: &str| page.status("metrics", &["-u", who]);
    assert_eq!((status(&page, "ann:one").as_str(), status(&page, "bob:two").as_str()), ("200", "401"));
    page.configure(&format!("basic_auth_users:\n  bob: {two}\n"));
    assert_eq!((status(&page, "ann:one").as_str(), status(&page, "bob:two").as_str()), ("401", "200"));
    page.configure("basic_auth_users:\n  bob: [\n");
    assert_eq!(status(&page, "bob:two"), "200", "the earlier file stays in force");
    page.wait_for_log("the web configuration does not hold");
    let shown = page.curl("", &["-u", "bob:two"]).2;
    assert!(shown.contains("The web configuration does not hold") && shown.contains("web.yml:"), "{shown:.900}");
    page.configure("");
    assert_eq!((status(&page, "x:y").as_str(), status(&page, "bob:two").as_str()), ("401", "200"));
    page.wait_for_log("taken away only by a restart");
    page.configure(&format!(
        "basic_auth_users:\n  bob: {one}\nhttp_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n"
    ));
    assert_eq!((status(&page, "bob:two").as_str(), status(&page, "bob:one").as_str()), ("401", "200"));
    let (_, _, head) = page.curl("", &["-i", "-u", "bob:one"]);
    assert!(head.to_lowercase().contains("x-frame-options: sameorigin"), "{head:.600}");
    assert!(!page.curl("", &["-u", "bob:one"]).2.contains("does not hold"));
    assert!(!page.log().contains(&one) && !page.log().contains(&two), "no hash is in the log");
}

#[test]
fn many_wrong_passwords_keep_nobody_out_who_was_in() {
    if !have(&["curl"]) {
        return;
    }
    let mut page = Page::prepare();
    page.configure(&format!("basic_auth_users:\n  ann: {}\n", bcrypt::hash("right", 11).unwrap()));
    page.start();
    assert_eq!(page.status("metrics", &["-u", "ann:right"]), "200");
    std::thread::scope(|scope| {
        let wrong: Vec<_> = (0..12)
            .map(|n| {
                scope.spawn({
                    let page = &page;
                    move || page.status("", &["-u", &format!("ann:{n}")])
                })
            })
            .collect();
        for _ in 0..5 {
            assert_eq!(page.status("metrics", &["-u", "ann:right"]), "200");
        }
        for asked in wrong {
            let status = asked.join().unwrap();
            assert!(["401", "503"].contains(&status.as_str()), "{status}");
        }
    });
}
