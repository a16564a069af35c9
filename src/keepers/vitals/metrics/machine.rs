//! cAdvisor's `machine_*`. Without its labels: they name the machine, which the scrape's own `instance` does.

use crate::keepers::vitals::observe::containers::ContainersSeen;
use crate::metrics::{Family, Group, Page};

const CPU_CORES: Family = Family::gauge("machine_cpu_cores", "Number of logical CPU cores.");
const MEMORY_BYTES: Family = Family::gauge("machine_memory_bytes", "Amount of memory installed on the machine.");

/// The families written here.
pub const FAMILIES: &[Family] = &[CPU_CORES, MEMORY_BYTES];

/// Writes the machine's size.
pub fn measure(seen: &ContainersSeen, page: &mut Page) {
    if !page.wants(Group::Container, "machine") {
        return;
    }
    if seen.machine.cpu_cores > 0 {
        page.single(&CPU_CORES, seen.machine.cpu_cores);
    }
    if let Some(bytes) = seen.machine.memory_bytes {
        page.single(&MEMORY_BYTES, bytes);
    }
}
