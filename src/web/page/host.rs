//! The strip of the host's numbers. Pure.

use crate::round::{GpuView, HostView};
use crate::web::html::{Html, bytes, cores, of, percent, rate};

/// GPUs that are shown.
const MOST_GPUS: usize = 16;

pub(super) fn push_host(html: &mut Html, host: &HostView) {
    html.raw("<section class=\"host\" aria-label=\"Host\">\n");
    let allowed = f64::from(host.cpu_cores);
    let load = host.load1.map_or(String::new(), |load| format!("load {load:.2}"));
    let used = of(&cores(host.cpu_used_cores), Some(format!("{} cores", host.cpu_cores)));
    push_card(html, "CPU", &used, &load, (host.cpu_used_cores, Some(allowed)));
    let memory = used_of(host.memory_total_bytes, host.memory_available_bytes);
    let swap = used_of(host.swap_total_bytes, host.swap_free_bytes);
    let swap_text = match host.swap_total_bytes {
        Some(0) => "no swap".to_owned(),
        total => format!("swap {}", of(&bytes(swap), Some(bytes(total)))),
    };
    let text = of(&bytes(memory), Some(bytes(host.memory_total_bytes)));
    push_card(html, "Memory", &text, &swap_text, (number(memory), number(host.memory_total_bytes)));
    push_pressure(html, host);
    let text = format!("↓ {}", rate(host.network_receive_bytes_per_second));
    let note = format!("↑ {}", rate(host.network_transmit_bytes_per_second));
    push_card(html, "Network", &text, &note, (None, None));
    for gpu in host.gpus.iter().take(MOST_GPUS) {
        push_gpu(html, gpu);
    }
    let docker = host.docker.as_deref().unwrap_or("not looked at");
    push_card(html, "Docker", docker, &format!("kernel {}", host.kernel), (None, None));
    html.raw("</section>\n");
}

fn push_gpu(html: &mut Html, gpu: &GpuView) {
    let text = of(&bytes(gpu.memory_used_bytes), Some(bytes(gpu.memory_total_bytes)));
    let busy = gpu.utilization_percent.map_or(String::new(), |busy| format!(", {} busy", percent(busy)));
    let note = format!("{}{busy}", gpu.name);
    push_card(html, "GPU memory", &text, &note, (number(gpu.memory_used_bytes), number(gpu.memory_total_bytes)));
}

/// Share of the last ten seconds in which something waited.
fn push_pressure(html: &mut Html, host: &HostView) {
    let some = |name: &str| host.pressure_percent.get(name).map_or("–".to_owned(), |share| percent(*share));
    let text = format!("CPU {}", some("cpu.some"));
    let note = format!("memory {}, I/O {}", some("memory.some"), some("io.some"));
    push_card(html, "Waiting (10 s)", &text, &note, (None, None));
}

fn push_card(html: &mut Html, name: &'static str, text: &str, note: &str, bar: (Option<f64>, Option<f64>)) {
    html.raw("<div class=\"card\"><h3>").raw(name).raw("</h3><p class=\"big\">").text(text).raw("</p>");
    html.bar(bar.0, bar.1).raw("<p class=\"note\">").text(note).raw("</p></div>\n");
}

fn used_of(total: Option<u64>, free: Option<u64>) -> Option<u64> {
    Some(total?.saturating_sub(free?))
}

fn number(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64)
}
