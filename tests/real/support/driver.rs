//! NVIDIA's management library as it is told to be.

use std::path::Path;
use std::process::Command;

/// A management library of the test's own, built by the C compiler.
pub struct Driver {
    directory: tempfile::TempDir,
}

impl Driver {
    /// Builds the library. `None`, said aloud, without a C compiler.
    pub fn build(test: &str) -> Option<Driver> {
        let directory = tempfile::tempdir().unwrap();
        let mode_file = format!("-DMODE_FILE=\"{}\"", directory.path().join("mode").display());
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/gpu/fake_nvml.c");
        let library = directory.path().join("libnvidia-ml.so.1");
        let built =
            Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&mode_file).arg(source).status();
        if !built.as_ref().is_ok_and(|status| status.success()) {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{test} needs a C compiler in CI: {built:?}");
            eprintln!("SKIPPED {test}: no C compiler (apt install gcc libc6-dev)");
            return None;
        }
        let driver = Driver { directory };
        driver.set_mode("n");
        Some(driver)
    }

    /// See `fake_nvml.c`.
    pub fn set_mode(&self, mode: &str) {
        std::fs::write(self.directory.path().join("mode.new"), mode).unwrap();
        std::fs::rename(self.directory.path().join("mode.new"), self.directory.path().join("mode")).unwrap();
    }

    pub fn library(&self) -> String {
        self.directory.path().join("libnvidia-ml.so.1").display().to_string()
    }
}

/// A hung library must be let go before its directory is.
impl Drop for Driver {
    fn drop(&mut self) {
        self.set_mode("n");
    }
}
