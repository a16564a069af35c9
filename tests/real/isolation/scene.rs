//! Part of tests/real/isolation.rs: two projects at a real Docker, as Compose would have made them, and the audit of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::agent::Agent;
use crate::dockerd::{Dockerd, IMAGE};

/// What was found: id, project, the one it touches, subject.
pub type Short = (String, String, String, String);

pub fn short(id: &str, project: &str, other: &str, subject: &str) -> Short {
    (id.to_owned(), project.to_owned(), other.to_owned(), subject.to_owned())
}

/// Two projects, alpha and beta, each with a network, a volume and a directory of its own.
pub struct Scene {
    pub dockerd: Dockerd,
    pub agent: Agent,
    pub place: tempfile::TempDir,
    networks: Vec<String>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        let ids = String::from_utf8_lossy(&self.dockerd.try_docker(&["ps", "-aq"]).stdout).into_owned();
        let ids: Vec<&str> = ids.split_whitespace().collect();
        if !ids.is_empty() {
            self.dockerd.try_docker(&[&["rm", "-f"][..], &ids].concat());
        }
        for network in &self.networks {
            self.dockerd.try_docker(&["network", "rm", network]);
        }
    }
}

pub fn config(socket: &Path, more: &str) -> String {
    format!(
        "[host]\nmode = \"observe\"\ninterval = \"1s\"\nkill_switch = \"@DIR@/disable\"\n[metrics]\ncompat = []\n\
         [vitals]\ndocker_socket = \"{}\"\n[isolation]\nevery = \"1h\"\n{more}",
        socket.display()
    )
}

/// What is declared in every scene: ports for alpha, and where it may listen.
pub const DECLARED: &str =
    "[project.alpha]\nports = { tcp = [\"18000-18099\"], udp = [\"18000-18099\"], bind = [\"127.0.0.1\", \"::1\"] }\n";

impl Scene {
    pub fn start(test: &str) -> Option<Scene> {
        let dockerd = Dockerd::start(test)?;
        assert!(dockerd.has_network() || std::env::var("CI").as_deref() != Ok("true"), "{test} needs a bridge");
        if !dockerd.has_network() {
            println!("skipped: {test} (no bridge can be made)");
            return None;
        }
        let place = tempfile::Builder::new().prefix("hkiso").tempdir_in("/var/tmp").unwrap();
        let agent = Agent::with_config(&config(&dockerd.socket(), DECLARED));
        let mut scene = Scene { dockerd, agent, place, networks: Vec::new() };
        for (number, project) in ["alpha", "beta"].into_iter().enumerate() {
            std::fs::create_dir_all(scene.dir(project)).unwrap();
            scene.network(&format!("{project}_default"), Some(project), number);
            let label = format!("com.docker.compose.project={project}");
            scene.dockerd.docker(&["volume", "create", "--label", &label, &format!("{project}_data")]);
        }
        Some(scene)
    }

    /// A project's directory.
    pub fn dir(&self, project: &str) -> PathBuf {
        self.place.path().join(project)
    }

    pub fn network(&mut self, name: &str, project: Option<&str>, number: usize) {
        let process = std::process::id() as usize;
        let subnet = format!("10.{}.{}.{}/27", 213 + process % 30, process / 30 % 250, number * 32);
        let label = project.map(|project| format!("com.docker.compose.project={project}"));
        let mut args = vec!["network", "create", "--subnet", &subnet];
        args.extend(label.iter().flat_map(|label| ["--label", label.as_str()]));
        args.push(name);
        self.dockerd.docker(&args);
        self.networks.push(name.to_owned());
    }

    /// A container of a project on its own network, with further options.
    pub fn run(&self, project: &str, service: &str, options: &[&str], command: &[&str]) {
        let own = format!("{project}_default");
        self.run_on(&own, (project, service), options, command);
    }

    pub fn run_on(&self, network: &str, who: (&str, &str), options: &[&str], command: &[&str]) {
        self.make(&["run", "-d", "--network", network], who, options, command);
    }

    /// One that was never started: not every machine of tests lets a privileged one run.
    pub fn create(&self, project: &str, service: &str, options: &[&str]) {
        let own = format!("{project}_default");
        self.make(&["create", "--network", &own], (project, service), options, &[]);
    }

    fn make(&self, verb: &[&str], (project, service): (&str, &str), options: &[&str], command: &[&str]) {
        let labels = [
            format!("com.docker.compose.project={project}"),
            format!("com.docker.compose.service={service}"),
            format!("com.docker.compose.project.working_dir={}", self.dir(project).display()),
        ];
        let name = format!("{project}-{service}-1");
        let mut args = [verb, &["--name", &name]].concat();
        args.extend(labels.iter().flat_map(|label| ["--label", label.as_str()]));
        args.extend(options);
        args.push(IMAGE);
        args.extend(if command.is_empty() { &["sleep", "3600"] } else { command });
        self.dockerd.docker(&args);
    }

    /// A program that waits for datagrams on a port of loopback: busybox has none.
    pub fn udp_program(&self) -> PathBuf {
        const SOURCE: &str = "#include <arpa/inet.h>\n#include <stdlib.h>\n#include <unistd.h>\n\
            int main(int n, char **a) { struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(atoi(a[1])), \
            .sin_addr = { htonl(INADDR_LOOPBACK) } }; int s = socket(AF_INET, SOCK_DGRAM, 0); \
            if (n != 2 || bind(s, (void *)&at, sizeof at)) return 1; for (;;) pause(); }\n";
        let (source, program) = (self.dir("alpha").join("waits.c"), self.dir("alpha").join("waits"));
        std::fs::write(&source, SOURCE).unwrap();
        let built = std::process::Command::new("cc").arg("-static").arg("-o").arg(&program).arg(&source).output();
        let built = built.expect("cc runs (apt install gcc)");
        assert!(built.status.success(), "{built:?}");
        program
    }

    /// The audit in JSON, with its exit code.
    pub fn audit(&self, words: &[&str]) -> (Value, Option<i32>) {
        let output = self.agent.cli(&[&["audit", "--json"][..], words].concat());
        (parse(&output), output.status.code())
    }

    pub fn found(&self, words: &[&str]) -> BTreeSet<Short> {
        shorts(&self.audit(words).0)
    }
}

pub fn parse(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

pub fn shorts(value: &Value) -> BTreeSet<Short> {
    assert_eq!(value["unseen"], serde_json::json!([]), "{value}");
    let word = |finding: &Value, key: &str| finding[key].as_str().unwrap_or("-").to_owned();
    let findings = value["findings"].as_array().unwrap_or_else(|| panic!("{value}"));
    findings
        .iter()
        .map(|one| (word(one, "id"), word(one, "project"), word(one, "other"), word(one, "subject")))
        .collect()
}
