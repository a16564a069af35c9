//! Limits of a project as the scripted agent shows them.

use hostkeeper::round::{BoundState, BoundView, LimitsView, ObservedView, ServiceLimitsView};

pub fn limits() -> LimitsView {
    let bound =
        |what: &str, configured: Option<f64>, in_force: Option<f64>, used: Option<f64>, state: BoundState| BoundView {
            what: what.into(),
            configured,
            in_force,
            used,
            state,
            backing: if in_force.is_some() { "kernel" } else { "none" }.into(),
        };
    let gib = |number: f64| Some(number * f64::from(1 << 30));
    LimitsView {
        project: "athena".parse().unwrap(),
        tier: "standard".into(),
        priority: 50,
        slice: Some("tenants-athena.slice".into()),
        cgroup_parent: Some("tenants-athena.slice".into()),
        containers_running: 2,
        containers_in_slice: 1,
        envelope: vec![
            bound("memory_max", gib(32.0), gib(32.0), gib(18.5), BoundState::Ok),
            bound("reserved_memory", gib(16.0), gib(16.0), gib(18.5), BoundState::Ok),
            bound("cpus", Some(20.0), None, None, BoundState::Differs),
            bound("write_max", Some(209_715_200.0), Some(209_715_200.0), None, BoundState::Ok),
        ],
        services: vec![
            ServiceLimitsView {
                service: "api".into(),
                container: Some("athena-api-1".into()),
                tier: "standard".into(),
                bounds: vec![
                    bound("memory", gib(8.0), None, gib(3.2), BoundState::Differs),
                    bound("cpus", Some(8.0), Some(8.0), None, BoundState::Ok),
                    bound("pids", Some(1024.0), Some(1024.0), None, BoundState::Ok),
                ],
                observed: observed(3_300_000_000, 3_900_000_000, 0.0),
            },
            ServiceLimitsView {
                service: "tolgee".into(),
                container: Some("athena-tolgee-1".into()),
                tier: "standard".into(),
                bounds: vec![
                    bound("memory", None, None, gib(0.9), BoundState::Free),
                    bound("cpus", None, Some(2.0), None, BoundState::Free),
                ],
                observed: observed(900_000_000, 1_000_000_000, 0.024),
            },
            ServiceLimitsView {
                service: "worker".into(),
                container: None,
                tier: "optional".into(),
                bounds: vec![bound("memory", gib(16.0), None, None, BoundState::Unknown)],
                observed: None,
            },
        ],
    }
}

fn observed(p95_bytes: u64, highest_bytes: u64, at_limit_ratio: f64) -> Option<ObservedView> {
    Some(ObservedView { seconds: 93_600, looks: 1560, p95_bytes, highest_bytes, at_limit_ratio })
}
