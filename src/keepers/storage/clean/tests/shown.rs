//! What is shown of clean rules: what goes, and why nothing does.

use super::*;

#[tokio::test]
async fn what_is_shown_says_what_goes_and_why_nothing_does() {
    let views = async |rule: Rule, files: &[(&str, u64)]| {
        let mut scene = Scene::new(rule);
        scene.make(files);
        let (seen, _) = scene.look().await;
        show(&scene.config, &seen).remove(0)
    };
    let two = [("a", 90), ("b", 3)];
    for (rule, files, state, why) in [
        (rule(Some(30), None, None), &two[..], "due", "1 file goes with the next step"),
        (rule(Some(100), None, None), &two, "idle", "the oldest is 90d old, older_than says 100d"),
        (rule(None, Some(2), None), &two, "idle", "keep_last keeps 2, and there are 2"),
        (rule(None, None, Some(2000)), &two, "idle", "all together take 2.0KiB, max_bytes allows 2.0KiB"),
        (rule(None, None, Some(1)), &[("a", 0)], "idle", "the oldest was changed within the last minute"),
        (rule(Some(1), None, None), &[], "idle", "no file matches"),
    ] {
        let view = views(rule.clone(), files).await;
        let why_there = view.why.replace("90d0s", "90d");
        assert_eq!((view.state.as_str(), why_there.as_str()), (state, why), "{rule:?}");
        assert_eq!((view.files, view.path.as_str()), (Some(files.len() as u64), "/srv/hdd/wx/logs"));
        assert_eq!(view.due_bytes, Some(if state == "due" { 1000 } else { 0 }));
    }
    let mut scene = Scene::new(rule(Some(30), None, None));
    scene.make(&[("a", 90), ("b", 80), ("c", 2)]);
    let order = scene.order().await;
    assert_eq!(scene.act(&order).await, Ok(Change::Made));
    let (seen, _) = scene.look().await;
    let view = show(&scene.config, &seen).remove(0);
    assert_eq!((view.state.as_str(), view.oldest), ("looking", None));
    assert_eq!(view.deleted.map(|last| (last.files, last.bytes)), Some((2, 2000)));
}
