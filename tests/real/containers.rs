//! Containers, projects and Docker as they really are: with a dockerd of our own, and with one that misbehaves.

#[path = "containers/docker.rs"]
mod docker;
#[path = "support/dockerd.rs"]
mod dockerd;
#[path = "support/exposition.rs"]
mod exposition;
#[path = "support/fake_docker.rs"]
mod fake_docker;
#[path = "containers/hostile.rs"]
mod hostile;
#[path = "containers/looker.rs"]
mod looker;
