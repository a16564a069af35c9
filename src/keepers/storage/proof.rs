//! Whether a tier is what the configuration says it is: the same judgement when deciding and at the moment of acting.
//! Pure.

use super::config::{Media, Tier};
use super::observe::{Device, Ground, TierSeen};
use crate::round::{Concern, Evidence, Severity, Subject};
use crate::values::Known;

/// What keeps a tier from being used; `None`: it is proved to be the declared one and can be written.
pub fn find_fault(name: &str, tier: &Tier, seen: &Known<TierSeen>) -> Option<Concern> {
    let path = &tier.path;
    let (id, text, cure) = match seen {
        Known::Known(TierSeen::There(ground)) => {
            let faults = [missing_mount, wrong_device, wrong_media, read_only];
            return faults.into_iter().find_map(|fault| fault(name, tier, ground));
        }
        Known::Known(TierSeen::Missing(at)) => {
            let cure = format!("mount its disk, or make it: mkdir -p {path}");
            ("tier-missing", format!("{at} does not exist"), cure)
        }
        Known::Known(TierSeen::Link(at)) => {
            let cure = format!("write what `realpath {path}` says in storage.tier.{name}.path");
            ("tier-path-blocked", format!("{at} is a symlink, and none is followed to a tier"), cure)
        }
        Known::Known(TierSeen::NotDirectory(at)) => {
            ("tier-path-blocked", format!("{at} is no directory"), format!("look at it: stat {at}"))
        }
        Known::Unknown(why) => {
            ("tier-blind", format!("{path} could not be looked at: {why}"), format!("see whether `ls {path}` answers"))
        }
    };
    let declared = Evidence::new("path", path, format!("config:storage.tier.{name}.path"));
    Some(concern(id, name, text, vec![declared], cure))
}

/// What the tier stands on, when that is what was declared: also a read-only disk has its size.
pub fn declared_ground<'s>(name: &str, tier: &Tier, seen: &'s Known<TierSeen>) -> Option<&'s Ground> {
    match seen {
        Known::Known(TierSeen::There(ground)) => {
            let faults = [missing_mount, wrong_device, wrong_media];
            (!faults.into_iter().any(|fault| fault(name, tier, ground).is_some())).then_some(ground)
        }
        _ => None,
    }
}

/// Whom a concern about a tier is about.
pub fn subject(tier: &str) -> Subject {
    Subject::thing(format!("tier:{tier}"))
}

fn concern(id: &str, tier: &str, text: String, evidence: Vec<Evidence>, cure: String) -> Concern {
    Concern { id: id.into(), severity: Severity::Critical, subject: subject(tier), text, evidence, cure }
}

fn missing_mount(name: &str, tier: &Tier, ground: &Ground) -> Option<Concern> {
    if !tier.require_mount || ground.mount_root {
        return None;
    }
    let path = &tier.path;
    let evidence = vec![
        Evidence::new("require_mount", true, format!("config:storage.tier.{name}.require_mount")),
        Evidence::new("mount point", "none", format!("statx {path}")),
    ];
    let text = format!("nothing is mounted at {path}; what is written there lands on the disk below");
    let cure = format!("mount it: mount {path}; why it is not: journalctl -b -t systemd -g '{path}', findmnt --verify");
    Some(concern("tier-missing-mount", name, text, evidence, cure))
}

fn wrong_device(name: &str, tier: &Tier, ground: &Ground) -> Option<Concern> {
    let wanted = tier.device.as_deref()?;
    let (found, source) = device_words(ground);
    let fits = |device: &Device| device.name == wanted || device.mapped.as_deref() == Some(wanted);
    if ground.device.value().and_then(|device| device.as_ref()).is_some_and(fits) {
        return None;
    }
    let path = &tier.path;
    let evidence = vec![
        Evidence::new("device", wanted, format!("config:storage.tier.{name}.device")),
        Evidence::new("device", &found, source),
    ];
    let text = format!("{path} is on {found}, not on {wanted}");
    let cure = format!("see findmnt -T {path} and lsblk; mount {wanted} there or correct storage.tier.{name}.device");
    Some(concern("tier-wrong-device", name, text, evidence, cure))
}

fn wrong_media(name: &str, tier: &Tier, ground: &Ground) -> Option<Concern> {
    let wanted = tier.media?;
    let device = ground.device.value().and_then(|device| device.as_ref());
    let found = device.and_then(|device| match device.rotational {
        _ if device.bcache => Some(Media::Bcache),
        Some(true) => Some(Media::Hdd),
        Some(false) => Some(Media::Ssd),
        None => None,
    });
    if found == Some(wanted) {
        return None;
    }
    let (on, _) = device_words(ground);
    let path = &tier.path;
    let chain = device.map(|device| device.chain.join(" > ")).unwrap_or_default();
    let source = device.map_or("/sys/dev/block".into(), |device| format!("/sys/class/block/{}", device.name));
    let evidence = vec![
        Evidence::new("media", media_word(Some(wanted)), format!("config:storage.tier.{name}.media")),
        Evidence::new("media", format!("{} ({chain})", media_word(found)), source),
    ];
    let text = format!("{path} is on {on}, which is {}, not {}", media_word(found), media_word(Some(wanted)));
    let cure = format!("see lsblk -o NAME,ROTA,TYPE,MOUNTPOINT; move the tier or correct storage.tier.{name}.media");
    Some(concern("tier-wrong-media", name, text, evidence, cure))
}

fn read_only(name: &str, tier: &Tier, ground: &Ground) -> Option<Concern> {
    if !ground.read_only {
        return None;
    }
    let path = &tier.path;
    let evidence = vec![Evidence::new("read-only", true, format!("statvfs {path}"))];
    let text = format!("{path} is mounted read-only");
    let cure = format!("see dmesg for I/O errors, then: mount -o remount,rw {path}");
    Some(concern("tier-read-only", name, text, evidence, cure))
}

/// The device in words, and where that was read.
fn device_words(ground: &Ground) -> (String, String) {
    let (major, minor) = ground.identity.device;
    let source = format!("/sys/dev/block/{major}:{minor}");
    let words = match &ground.device {
        Known::Known(Some(device)) => device.name.clone(),
        Known::Known(None) => match &ground.fstype {
            Some(fstype) => format!("no block device ({fstype})"),
            None => "no block device".to_owned(),
        },
        Known::Unknown(why) => format!("an unknown device ({why})"),
    };
    (words, source)
}

fn media_word(media: Option<Media>) -> &'static str {
    match media {
        Some(Media::Ssd) => "ssd",
        Some(Media::Hdd) => "hdd",
        Some(Media::Bcache) => "bcache",
        None => "of unknown kind",
    }
}
