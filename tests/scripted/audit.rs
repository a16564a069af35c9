//! Part of the scripted agent: what its audit found.

use hostkeeper::round::{Allowed, AuditView, Evidence, Finding, Severity};

use super::at;

pub fn audit() -> AuditView {
    let finding = |id: &str, severity: Severity, other: Option<&str>, text: &str| Finding {
        id: id.into(),
        severity,
        project: Some("athena".into()),
        other: other.map(str::to_owned),
        subject: "athena-api-1".into(),
        text: text.into(),
        evidence: vec![Evidence::new("network", "wx_library_net", "docker inspect athena-api-1")],
        cure: "give it a network of its own project in Compose".into(),
        allowed: None,
    };
    let allowed = Allowed { reason: "measures the host's network".into(), until: "2026-06-30".into() };
    let on_host = finding("host-network", Severity::Warning, None, "athena-api-1 uses the host's network");
    let socket = "athena-api-1 can order Docker about through /var/run/docker.sock, and so is root of the host";
    let meets = "athena-api-1 is on network wx_library_net of wxlibrary";
    AuditView {
        looked_at: Some(at("2026-01-31T09:12:00Z")),
        took_seconds: Some(0.2),
        findings: vec![
            finding("foreign-network", Severity::Critical, Some("wxlibrary"), meets),
            finding("docker-socket", Severity::Critical, None, socket),
            finding("port-ephemeral", Severity::Info, None, "athena-api-1 publishes *:48000/tcp"),
            Finding { allowed: Some(allowed), ..on_host },
        ],
        ..AuditView::default()
    }
}
