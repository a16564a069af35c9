//! What disks say of their own health, asked through `smartctl --json`. Never wakes a sleeping disk.

use std::ffi::OsString;
use std::time::Duration;

use serde_json::Value;

use super::Error;
use super::program::{Ended, Order, run};

/// A disk that is being replaced may hang its controller; smartctl then ends by itself or is ended.
const LIMIT: Duration = Duration::from_secs(60);
/// An answer has some ten kilobytes.
const MOST: u64 = 1 << 20;
/// Bits of smartctl's exit status that say that nothing could be asked: wrong words, no such device, no answer.
const FAILED: i32 = 0b111;

/// A disk as smartctl is to address it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Disk {
    /// The kernel's name: `sda`, `nvme0n1`.
    pub name: String,
    /// What stands behind `-d`, for a disk behind a controller: `megaraid,0`.
    pub kind: Option<String>,
}

impl std::fmt::Display for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            Some(kind) => write!(f, "{}:{kind}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// What a disk says. What it does not say is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Smart {
    pub model: Option<String>,
    /// The disk's own judgement: `false` means that it expects to fail.
    pub passed: Option<bool>,
    pub temperature_celsius: Option<f64>,
    pub power_on_hours: Option<u64>,
    /// Endurance used up, percent; may pass 100.
    pub percentage_used: Option<u64>,
    /// NVMe: spare blocks left, and what the maker calls too few, percent.
    pub available_spare: Option<(u64, u64)>,
    /// NVMe: bits of the critical warning.
    pub critical_warning: Option<u64>,
    /// Data that was lost: NVMe media errors, ATA offline uncorrectable sectors, SCSI uncorrected errors.
    pub media_errors: Option<u64>,
    /// ATA: sectors that could not be read and wait for a write.
    pub pending_sectors: Option<u64>,
    /// Sectors replaced by spare ones (SCSI: grown defects).
    pub reallocated_sectors: Option<u64>,
}

/// What came of asking one disk.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    Told(Smart),
    /// It sleeps and was left alone.
    Asleep,
    /// It has nothing to say: a virtual disk, a card reader.
    Mute(String),
}

/// Asks one disk; blocks its thread for as long as it takes. `Ok(None)`: smartctl is not installed.
pub fn ask_disk(disk: &Disk) -> Result<Option<Asked>, Error> {
    let mut arguments: Vec<OsString> = ["--json=c", "-i", "-H", "-A", "-n", "standby"].map(Into::into).into();
    if let Some(kind) = &disk.kind {
        arguments.extend(["-d".into(), kind.into()]);
    }
    arguments.push(format!("/dev/{}", disk.name).into());
    let order = Order {
        program: "smartctl".into(),
        arguments,
        input: Vec::new(),
        limit: LIMIT,
        most: MOST,
        environment: Vec::new(),
    };
    let Some(Ended { code, output, complaint }) = run(&order)? else { return Ok(None) };
    let who = format!("smartctl {disk}");
    let Some(code) = code else { return Err(Error::reply(who, complaint)) };
    parse_answer(code, &output).map(Some).ok_or_else(|| Error::reply(who, "its answer is no JSON of smartctl"))
}

/// Understands smartctl's exit status and JSON. `None`: it is not its JSON.
pub fn parse_answer(code: i32, bytes: &[u8]) -> Option<Asked> {
    let answer: Value = serde_json::from_slice(bytes).ok()?;
    let messages = answer.pointer("/smartctl/messages").and_then(Value::as_array);
    let said: Vec<&str> =
        messages.into_iter().flatten().filter_map(|message| message.get("string")?.as_str()).take(8).collect();
    answer.get("smartctl")?;
    if said.iter().any(|text| text.contains("STANDBY") || text.contains("SLEEP")) {
        return Some(Asked::Asleep);
    }
    let smart = parse_smart(&answer);
    let silent = Smart { model: smart.model.clone(), ..Smart::default() } == smart;
    if silent || (code & FAILED != 0 && smart.passed.is_none()) {
        let why = said.first().map_or("it has no health data", |text| text);
        return Some(Asked::Mute(crate::values::one_line(why, 200)));
    }
    Some(Asked::Told(smart))
}

fn parse_smart(answer: &Value) -> Smart {
    let number = |path: &str| answer.pointer(path).and_then(Value::as_u64);
    let nvme = |field: &str| number(&format!("/nvme_smart_health_information_log/{field}"));
    let table = answer.pointer("/ata_smart_attributes/table").and_then(Value::as_array);
    // The low 48 bits are the count; some makers put other counts above the first 32.
    let raw = |id: u64| {
        let row = table?.iter().find(|row| row.get("id").and_then(Value::as_u64) == Some(id))?;
        Some(row.pointer("/raw/value")?.as_u64()? & 0xffff_ffff)
    };
    let scsi = ["read", "write", "verify"]
        .iter()
        .filter_map(|kind| number(&format!("/scsi_error_counter_log/{kind}/total_uncorrected_errors")))
        .reduce(u64::saturating_add);
    let celsius = answer.pointer("/temperature/current").and_then(Value::as_f64);
    Smart {
        model: answer
            .get("model_name")
            .or_else(|| answer.get("scsi_model_name"))
            .and_then(Value::as_str)
            .map(|model| crate::values::one_line(model, 80)),
        passed: answer.pointer("/smart_status/passed").and_then(Value::as_bool),
        temperature_celsius: celsius.filter(|celsius| (-100.0..=200.0).contains(celsius)),
        power_on_hours: number("/power_on_time/hours"),
        percentage_used: nvme("percentage_used")
            .or_else(|| number("/scsi_percentage_used_endurance_indicator"))
            .or_else(|| number("/endurance_used/current_percent")),
        available_spare: nvme("available_spare").zip(nvme("available_spare_threshold")),
        critical_warning: nvme("critical_warning"),
        media_errors: nvme("media_errors").or_else(|| raw(198)).or(scsi),
        pending_sectors: raw(197),
        reallocated_sectors: raw(5).or_else(|| number("/scsi_grown_defect_list")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ata_nvme_and_scsi_answers_are_understood() {
        let ata = br#"{"smartctl":{"exit_status":0},"model_name":"ST6000NM0115","smart_status":{"passed":true},
          "temperature":{"current":34},"power_on_time":{"hours":41234},"ata_smart_attributes":{"table":[
          {"id":5,"raw":{"value":8}},{"id":197,"raw":{"value":2}},{"id":198,"raw":{"value":4294967297}}]}}"#;
        let Some(Asked::Told(smart)) = parse_answer(0, ata) else { panic!("told") };
        assert_eq!((smart.reallocated_sectors, smart.pending_sectors, smart.media_errors), (Some(8), Some(2), Some(1)));
        assert_eq!((smart.passed, smart.temperature_celsius), (Some(true), Some(34.0)));
        let nvme = br#"{"smartctl":{},"smart_status":{"passed":false},"nvme_smart_health_information_log":
          {"critical_warning":4,"available_spare":9,"available_spare_threshold":10,"percentage_used":101,"media_errors":3}}"#;
        // Bit 3: the disk is failing. Not a failure to ask.
        let Some(Asked::Told(smart)) = parse_answer(8, nvme) else { panic!("told") };
        assert_eq!((smart.percentage_used, smart.available_spare), (Some(101), Some((9, 10))));
        assert_eq!((smart.passed, smart.critical_warning, smart.media_errors), (Some(false), Some(4), Some(3)));
        let scsi =
            br#"{"smartctl":{},"smart_status":{"passed":true},"scsi_grown_defect_list":5,"scsi_error_counter_log":
          {"read":{"total_uncorrected_errors":1},"write":{"total_uncorrected_errors":2}}}"#;
        let Some(Asked::Told(smart)) = parse_answer(0, scsi) else { panic!("told") };
        assert_eq!((smart.reallocated_sectors, smart.media_errors), (Some(5), Some(3)));
    }

    #[test]
    fn sleeping_and_mute_disks_are_told_from_broken_answers() {
        let asleep = br#"{"smartctl":{"messages":[{"string":"Device is in STANDBY mode, exit(2)","severity":"information"}],"exit_status":2}}"#;
        assert_eq!(parse_answer(2, asleep), Some(Asked::Asleep));
        let mute =
            br#"{"smartctl":{"messages":[{"string":"/dev/vda: Unable to detect device type","severity":"error"}]}}"#;
        assert_eq!(parse_answer(1, mute), Some(Asked::Mute("/dev/vda: Unable to detect device type".into())));
        assert_eq!(parse_answer(0, br#"{"smartctl":{}}"#), Some(Asked::Mute("it has no health data".into())));
        for broken in ["", "{", "[]", "null", "{\"smart_status\":{\"passed\":true}}", "<html>"] {
            assert_eq!(parse_answer(0, broken.as_bytes()), None, "{broken}");
        }
    }
}
