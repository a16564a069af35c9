//! The page as text: everything is on it, and nothing on it is markup that was not written here.

use proptest::prelude::*;

use super::Shown;
use crate::round::Snapshot;
use crate::scripted::{self, ScriptedAgent};
use crate::web::html::{self, Html};

async fn page(change: impl FnOnce(&mut Snapshot)) -> String {
    let shown = Shown::start(ScriptedAgent::with(change)).await;
    let told = shown.get("/", "").await;
    assert_eq!(told.status(), "200", "{}", told.text());
    shown.end().await;
    told.text()
}

/// Tags are opened and closed in order; attributes are quoted.
fn assert_well_formed(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').expect("a tag ends");
        let name = tag.split_whitespace().next().unwrap();
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "…{piece:.60}"),
            None if ["!DOCTYPE", "meta", "link", "br"].contains(&name) => {}
            None => open.push(name),
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        for bad in [" on", "style=", "javascript:"] {
            assert!(!tag.contains(bad), "{tag}");
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(!page.contains("<script") && !page.contains("<style"));
}

#[tokio::test]
async fn everything_is_on_the_page() {
    let page = page(|_| ()).await;
    assert_well_formed(&page);
    for text in [
        "<title>db1: 2 problems, 2 projects, 10 containers, up 12d</title>",
        "<header class=\"bad\">",
        "3.7 of 28 cores",
        "33 GiB of 64 GiB",
        "no swap",
        "NVIDIA GeForce RTX 3060",
        "tier-missing-mount",
        "device bcache0 (hostkeeper.toml:12)",
        "<code>mount /data</code>",
        "1.7 of 8<",
        "<td class=\"n\">–</td>",
        "9 GiB of 24 GiB",
        "config says 0700, disk has 0755",
        "project athena is in mode observe",
        "held back",
        "undo: set mode of /ssd/postgres to 0755",
        "athena-worker-1",
        "exit 137",
        "no space left on device",
        "2026-01-31 09:12:03Z",
        "wrong-mode",
        "<meta http-equiv=\"refresh\" content=\"10\">",
    ] {
        assert!(page.contains(text), "{text} is missing");
    }
}

#[tokio::test]
async fn an_empty_host_has_a_page_too() {
    let page = page(|snapshot| {
        let agent = snapshot.agent.clone();
        *snapshot = Snapshot {
            plan: Vec::new(),
            concerns: Vec::new(),
            projects: Vec::new(),
            containers: Vec::new(),
            tiers: Vec::new(),
            dirs: Vec::new(),
            host: Default::default(),
            agent,
            ..snapshot.clone()
        };
    })
    .await;
    assert_well_formed(&page);
    assert!(page.contains("<header class=\"good\">") && page.contains("Nothing is wrong."));
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let evil = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>\u{202e}&lt;\n\u{7}";
    let long = "A".repeat(10_000);
    let page = page(|snapshot| {
        snapshot.containers[0].name = evil.into();
        snapshot.containers[0].image = evil.into();
        snapshot.containers[0].state = evil.into();
        snapshot.containers[0].health = Some(evil.into());
        snapshot.containers[1].name.clone_from(&long);
        snapshot.containers[2].project = Some(evil.into());
        snapshot.host.hostname = evil.into();
        snapshot.host.docker = Some(evil.into());
        snapshot.host.gpus[0].name = evil.into();
        snapshot.concerns[0].text = evil.into();
        snapshot.concerns[0].cure = evil.into();
        snapshot.concerns[0].evidence[0].value = evil.into();
        snapshot.plan[0].text = evil.into();
        snapshot.plan[0].undo = Some(evil.into());
        snapshot.tiers[0].state = evil.into();
        snapshot.dirs[0].path = evil.into();
        snapshot.keepers[0].trouble = Some(evil.into());
        snapshot.agent.config_refused = Some(evil.into());
    })
    .await;
    assert_well_formed(&page);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!page.contains("<img") && !page.contains('\u{202e}') && !page.contains('\u{7}'));
    assert!(page.contains(&format!("{}…", "A".repeat(299))) && !page.contains(&"A".repeat(300)));
}

#[tokio::test]
async fn long_lists_are_cut_and_say_so() {
    let page = page(|snapshot| {
        snapshot.containers = (0..1000).map(|n| scripted::container("athena", &format!("s{n}"), "running")).collect();
    })
    .await;
    assert_well_formed(&page);
    assert!(page.contains("and 700 more") && page.contains("athena-s299-1") && !page.contains("athena-s300-1"));
}

proptest! {
    #[test]
    fn escaped_text_has_no_markup_and_loses_nothing(text in "[^\\pC]{0,80}") {
        let escaped = html::escape(&text);
        prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
        let back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
        prop_assert_eq!(back.replace("&amp;", "&"), text);
    }

    #[test]
    fn any_numbers_make_a_bar_or_none(used in any::<f64>(), allowed in any::<f64>()) {
        let mut html = Html::default();
        html.bar(Some(used), Some(allowed));
        let text = html.finish();
        prop_assert!(text.is_empty() || text.ends_with("%</meter>"));
        html::rate(Some(used));
        html::cores(Some(used));
    }
}

#[test]
fn numbers_are_for_people() {
    assert_eq!(html::bytes(Some(12 << 30)), "12 GiB");
    assert_eq!(html::bytes(None), "–");
    assert_eq!(html::rate(Some(1_400_000.0)), "1.3 MiB/s");
    assert_eq!(html::rate(Some(f64::NAN)), "–");
    assert_eq!((html::cores(Some(1.72)), html::cores(Some(28.0))), ("1.7".into(), "28".into()));
    assert_eq!(html::of("1.7", html::bound(Some(8.0))), "1.7 of 8");
    assert_eq!(html::of("–", Some("8".into())), "–");
    assert_eq!(html::bound(Some(0.5)).as_deref(), Some("0.5"));
}
