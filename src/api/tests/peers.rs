//! Peer credentials with real processes of other users.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Served;
use crate::host::socket;
use crate::scripted::ScriptedAgent;

/// Status and body of a request made as `uid`, `gid` and `groups` (a comma list, or empty).
async fn ask_as(ids: (u32, u32, &str), socket: &Path, verb: &str) -> (String, String) {
    let groups = if ids.2.is_empty() { "--clear-groups".to_owned() } else { format!("--groups={}", ids.2) };
    let path = if verb == "POST" { "/v1/wake" } else { "/v1/status" };
    let told = tokio::process::Command::new("setpriv")
        .args([&format!("--reuid={}", ids.0), &format!("--regid={}", ids.1), &groups, "curl"])
        .args(["-sS", "-m", "10", "-X", verb, "-w", "\n%{http_code}", "--unix-socket"])
        .arg(socket)
        .arg(format!("http://hostkeeper{path}"))
        .output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').unwrap_or(("", "000"));
    (status.to_owned(), body.to_owned())
}

fn can_try() -> bool {
    let tools = ["setpriv", "curl"].iter().all(|tool| Path::new("/usr/bin").join(tool).exists());
    let can = socket::own_uid() == 0 && tools && socket::find_group("games") == Some(60);
    assert!(can || std::env::var("CI").as_deref() != Ok("true"), "needs root, setpriv, curl and group games");
    if !can {
        println!("skipped: peer credentials need root, setpriv, curl and Debian's group games");
    }
    can
}

#[tokio::test]
async fn root_orders_the_group_reads_others_get_nothing() {
    if !can_try() {
        return;
    }
    let served = Served::start_for(ScriptedAgent::new(), Some("games")).await;
    let path = served.socket();
    let open = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(socket::read_group(&path), Some(60));
    open(path.parent().unwrap(), 0o755);
    // Group as primary, then as supplementary group of the process.
    for ids in [(65534, 60, ""), (65534, 65534, "60")] {
        assert_eq!(ask_as(ids, &path, "GET").await.0, "200", "{ids:?}");
        let (status, body) = ask_as(ids, &path, "POST").await;
        assert_eq!(status, "403", "{ids:?}");
        assert!(body.contains("hostkeeper.error/1") && body.contains("not give orders"), "{body}");
    }
    assert_eq!(ask_as((65534, 65534, ""), &path, "GET").await.0, "000", "the file's mode keeps others out");
    // Even if somebody opens the file to all.
    open(&path, 0o666);
    let (status, body) = ask_as((65534, 65534, ""), &path, "GET").await;
    assert_eq!(status, "403");
    assert!(body.contains("\"code\":\"forbidden\""), "{body}");
    // User games is in group games by the user database, though this process of it is not.
    assert_eq!(ask_as((5, 65534, ""), &path, "GET").await.0, "200");
    assert!(served.agent.orders.lock().unwrap().is_empty());
    assert_eq!(ask_as((0, 0, ""), &path, "POST").await.0, "200");
    assert_eq!(served.agent.orders.lock().unwrap().len(), 1);
    served.end().await;
}

#[test]
fn groups_come_from_the_user_database() {
    let root = socket::list_groups_of(0);
    assert!(root.contains(&0));
    assert!(socket::list_groups_of(3_999_999_999).is_empty());
}
