//! Pure readers of cgroup files, v1 and v2. Truncated or strange lines are left out; nothing here fails or panics.
//! Formats: <https://docs.kernel.org/admin-guide/cgroup-v2.html>, <https://docs.kernel.org/admin-guide/cgroup-v1/>.

use super::{Cpu, DeviceIo, Pressure, Throttle};

/// Devices per file that are kept: a container that touches more is not shown in full.
const MAX_DEVICES: usize = 256;

/// The decimal number that a word is. A sign, other letters or an overflow: none.
pub fn parse_word(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0u64, |sum, byte| match byte {
        b'0'..=b'9' => sum.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// The number that a file with one number holds (`memory.current`).
pub fn parse_number(text: &[u8]) -> Option<u64> {
    words(text).next().and_then(parse_word)
}

/// The limit that a file holds: `None` for `max`, for v1's "no limit" (the greatest page-rounded number) and for -1.
pub fn parse_limit(text: &[u8]) -> Option<u64> {
    parse_number(text).filter(|limit| *limit <= 1 << 62)
}

/// The lines `key number` of a flat keyed file (`cpu.stat`, `memory.stat`, `memory.events`).
pub fn parse_keyed(text: &[u8]) -> impl Iterator<Item = (&[u8], u64)> {
    lines(text).filter_map(|line| {
        let mut words = words(line);
        let key = words.next()?;
        Some((key, parse_word(words.next()?)?))
    })
}

/// `cpu.max`: quota in microseconds (`None`: no quota) and period.
pub fn parse_cpu_max(text: &[u8]) -> Option<(Option<u64>, u64)> {
    let mut words = words(text);
    let quota = words.next()?;
    let period = words.next().and_then(parse_word)?;
    if quota == b"max" { Some((None, period)) } else { Some((Some(parse_word(quota)?), period)) }
}

/// A pressure file: total stalled microseconds of `some` and `full`.
pub fn parse_pressure(text: &[u8]) -> Pressure {
    let mut pressure = Pressure::default();
    for line in lines(text) {
        let mut words = words(line);
        let kind = words.next().unwrap_or_default();
        let total = words.find_map(|word| word.strip_prefix(b"total=")).and_then(parse_word);
        match kind {
            b"some" => pressure.some_us = total,
            b"full" => pressure.full_us = total,
            _ => {}
        }
    }
    pressure
}

/// `major:minor`.
fn parse_device(word: &[u8]) -> Option<(u32, u32)> {
    let colon = word.iter().position(|byte| *byte == b':')?;
    let major = parse_word(word.get(..colon)?)?;
    let minor = parse_word(word.get(colon + 1..)?)?;
    Some((u32::try_from(major).ok()?, u32::try_from(minor).ok()?))
}

/// `io.stat` of v2: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`. A device without numbers is left out.
pub fn parse_io_stat(text: &[u8]) -> Vec<DeviceIo> {
    let mut devices = Vec::new();
    for line in lines(text).take(MAX_DEVICES) {
        let mut words = words(line);
        let Some((major, minor)) = words.next().and_then(parse_device) else { continue };
        let mut io = DeviceIo { major, minor, ..DeviceIo::default() };
        let mut any = false;
        for word in words {
            let Some(equals) = word.iter().position(|byte| *byte == b'=') else { continue };
            let Some(number) = word.get(equals + 1..).and_then(parse_word) else { continue };
            match word.get(..equals).unwrap_or_default() {
                b"rbytes" => io.read_bytes = number,
                b"wbytes" => io.written_bytes = number,
                b"rios" => io.reads = number,
                b"wios" => io.writes = number,
                _ => continue,
            }
            any = true;
        }
        if any {
            devices.push(io);
        }
    }
    devices
}

/// One line of a v1 `blkio.throttle.*` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlkioOperation {
    Read,
    Write,
}

/// `blkio.throttle.io_service_bytes` and `io_serviced` of v1: `8:0 Read 1`. Only reads and writes are kept.
pub fn parse_blkio(text: &[u8]) -> Vec<(u32, u32, BlkioOperation, u64)> {
    let mut rows = Vec::new();
    for line in lines(text) {
        let mut words = words(line);
        let Some((major, minor)) = words.next().and_then(parse_device) else { continue };
        let operation = match words.next() {
            Some(b"Read") => BlkioOperation::Read,
            Some(b"Write") => BlkioOperation::Write,
            _ => continue,
        };
        let Some(number) = words.next().and_then(parse_word) else { continue };
        rows.push((major, minor, operation, number));
        if rows.len() >= 2 * MAX_DEVICES {
            break;
        }
    }
    rows
}

/// Joins v1's two files into one row per device, in the order of first mention.
pub fn merge_blkio(bytes: &[u8], operations: &[u8]) -> Vec<DeviceIo> {
    let mut devices: Vec<DeviceIo> = Vec::new();
    let mut put = |text: &[u8], in_bytes: bool| {
        for (major, minor, operation, number) in parse_blkio(text) {
            let at = devices.iter().position(|io| (io.major, io.minor) == (major, minor));
            let at = at.unwrap_or_else(|| {
                devices.push(DeviceIo { major, minor, ..DeviceIo::default() });
                devices.len() - 1
            });
            let Some(io) = devices.get_mut(at) else { continue };
            match (operation, in_bytes) {
                (BlkioOperation::Read, true) => io.read_bytes = number,
                (BlkioOperation::Write, true) => io.written_bytes = number,
                (BlkioOperation::Read, false) => io.reads = number,
                (BlkioOperation::Write, false) => io.writes = number,
            }
        }
    };
    put(bytes, true);
    put(operations, false);
    devices
}

/// One line of `/proc/PID/cgroup`: the controllers of the hierarchy (empty: the unified one) and the path in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub controllers: Vec<String>,
    pub path: String,
}

/// `/proc/PID/cgroup`: `4:memory:/docker/abc`, `0::/system.slice/docker-abc.scope`. Lines that are not UTF-8 or not of
/// this form are left out, and so are paths that would lead upwards.
pub fn parse_memberships(text: &[u8]) -> Vec<Membership> {
    let mut found = Vec::new();
    for line in lines(text).take(64) {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let mut parts = line.splitn(3, ':');
        let (Some(_number), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
            continue;
        }
        let controllers = controllers.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        found.push(Membership { controllers, path: path.to_owned() });
    }
    found
}

/// The container's id in a component of a cgroup path: 64 hexadecimal digits, alone or as `docker-<id>.scope`.
pub fn parse_container_id(component: &str) -> Option<&str> {
    let bare = component.strip_suffix(".scope").unwrap_or(component);
    let bare = bare.rsplit_once('-').map_or(bare, |(_, id)| id);
    let hex = bare.len() == 64 && bare.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    hex.then_some(bare)
}

/// `path` up to and including the component that names container `id`; a process may sit in a sub-group of it.
pub fn parse_container_path<'a>(path: &'a str, id: &str) -> Option<&'a str> {
    let mut end = 0;
    for component in path.split('/') {
        end += component.len();
        if parse_container_id(component) == Some(id) {
            return path.get(..end);
        }
        end += 1;
    }
    None
}

/// The number of one key of a flat keyed file.
pub(super) fn parse_key(text: &[u8], key: &[u8]) -> Option<u64> {
    parse_keyed(text).find(|(name, _)| *name == key).map(|(_, number)| number)
}

/// `cpu.stat` of v2 (usage in microseconds) and of v1 (only the throttle, in nanoseconds).
pub(super) fn parse_cpu_stat(text: &[u8]) -> (Option<Cpu>, Option<Throttle>) {
    let mut usage = None;
    let mut cpu = Cpu::default();
    let mut throttle = Throttle::default();
    let mut throttled = false;
    for (key, number) in parse_keyed(text) {
        let ns = number.saturating_mul(1000);
        match key {
            b"usage_usec" => usage = Some(ns),
            b"user_usec" => cpu.user_ns = Some(ns),
            b"system_usec" => cpu.system_ns = Some(ns),
            b"nr_periods" => (throttle.periods, throttled) = (number, true),
            b"nr_throttled" => throttle.throttled_periods = number,
            b"throttled_usec" => throttle.throttled_ns = ns,
            b"throttled_time" => throttle.throttled_ns = number,
            _ => {}
        }
    }
    let cpu = usage.map(|usage_ns| Cpu { usage_ns, ..cpu });
    (cpu, throttled.then_some(throttle))
}
