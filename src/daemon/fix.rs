//! `storage fix`: counted in the caller's own process, so that no round waits for it; mended by the agent, a part in each
//! order, on a person's word alone and therefore in every mode.

use super::Places;
use super::ordered::Ordered;
use super::orders::refusal;
use super::rounds::Rounds;
use super::start::{Failure, host_of};
use crate::api::Refusal;
use crate::api::types::{Caller, Done, FixOrder};
use crate::config;
use crate::host::Error;
use crate::keepers::storage::config::{Config, Dir, parse_mode};
use crate::keepers::storage::mend::{Counted, Survey, count};
use crate::keepers::storage::{Bits, Key, MendOrder, Owner, Step, Storage, declared_place};
use crate::round::{Class, Keeper};
use crate::values::one_line;

/// What is to be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountOrder {
    /// `project/directory`, or the directory's name alone where that is clear.
    pub dir: String,
    pub recursive: bool,
    /// Octal, as `parse_file_mode` takes it.
    pub file_mode: Option<String>,
}

/// What is not as declared, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfit {
    /// `project/directory`.
    pub dir: String,
    pub path: String,
    pub owner: Option<String>,
    pub mode: Option<String>,
    pub directories: u64,
    /// Regular files.
    pub files: u64,
    /// Symlinks, sockets, pipes and devices: never touched.
    pub others: u64,
    /// Entries that would be changed, and how many of them for their owner and for their mode.
    pub entries: u64,
    pub owners: u64,
    pub modes: u64,
    /// Files of several names: left alone.
    pub several_names: u64,
    /// What could not be looked at.
    pub refused: u64,
    pub examples: Vec<String>,
    pub left: Vec<String>,
}

/// Counts what is not as declared. `progress` is told how much was looked at; `false` stops.
pub fn count_unfit(
    places: &Places,
    order: &CountOrder,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<Unfit, Failure> {
    let loaded = config::load(&places.config).map_err(Failure::Config)?;
    let declared = &loaded.settings.storage;
    let key = find_dir(declared, &order.dir)
        .map_err(|what| Error::reply(format!("directory \"{}\"", one_line(&order.dir, 80)), what))?;
    let file_mode = order.file_mode.as_deref().map(parse_file_mode).transpose();
    let file_mode = file_mode.map_err(|what| Error::reply("--file-mode", what))?;
    let survey = Survey { recursive: order.recursive, file_mode };
    let Counted { place, owner, mode, met } = count((declared, &key), survey, &host_of(&loaded).roots, progress)?;
    Ok(Unfit {
        dir: format!("{}/{}", key.0, key.1),
        path: place.to_string(),
        owner: owner.map(|owner| owner.to_string()),
        mode: mode.map(|mode| mode.to_string()),
        directories: met.directories,
        files: met.files,
        others: met.others,
        entries: met.unfit,
        owners: met.owners,
        modes: met.modes,
        several_names: met.linked,
        refused: met.refused,
        examples: met.examples,
        left: met.left,
    })
}

/// The one declared directory that `name` means.
fn find_dir(config: &Config, name: &str) -> Result<Key, String> {
    let meant = |key: &&Key| key.1 == name || format!("{}/{}", key.0, key.1) == name;
    let found: Vec<&Key> = config.dirs.keys().filter(meant).collect();
    let list = |keys: &[&Key]| keys.iter().map(|key| format!("{}/{}", key.0, key.1)).collect::<Vec<_>>().join(", ");
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] if config.dirs.is_empty() => Err("no directory is declared".to_owned()),
        [] => Err(format!("is not declared; there are {}", list(&config.dirs.keys().take(20).collect::<Vec<_>>()))),
        some => Err(format!("may be {}: name one", list(some))),
    }
}

impl Rounds {
    /// Mends a part, if what is asked is what is declared.
    pub(super) async fn fix(&mut self, order: FixOrder, by: &Caller) -> Result<Done, Refusal> {
        let loaded = self.running.loaded();
        let wrong = |text: String| refusal("bad_request", text, "hostkeeper reload, then hostkeeper storage fix");
        let mend = mend_order(&loaded.settings.storage, &order).map_err(wrong)?;
        self.check_switch()?;
        if mend.begin {
            self.person_acted(by, &mend.to_string());
        }
        let ordered = Ordered {
            undo: None,
            keeper: Storage::NAME,
            project: Some(mend.project.clone()),
            thing: mend.dir.clone(),
            class: Class::Tightening,
            step: Step::Mend { order: mend },
        };
        self.carry_out(vec![ordered]).await
    }
}

/// The step that an order means. `Err`: it is about another declaration than the one in force, or none at all.
fn mend_order(config: &Config, order: &FixOrder) -> Result<MendOrder, String> {
    let (project, dir) = order.dir.split_once('/').ok_or("name the directory as project/directory")?;
    let project = project.parse().map_err(|_| "this is no name of a project".to_owned())?;
    let key: Key = (project, dir.to_owned());
    let place = declared_place(config, &key.0, &key.1);
    let (Some(declared), Some(place)) = (config.dirs.get(&key), place) else {
        return Err(format!("the agent knows no directory \"{}\"", one_line(&order.dir, 80)));
    };
    let owner = declared.owner_ids().map(|(user, group)| Owner { user, group });
    let mode = declared.mode_bits().map(Bits);
    check_declared(order, declared, (owner, mode))?;
    let file_mode = order.file_mode.as_deref().map(parse_file_mode).transpose()?;
    if owner.is_none() && mode.is_none() && file_mode.is_none() {
        return Err("neither owner nor mode is declared".to_owned());
    }
    let (project, dir) = key;
    Ok(MendOrder { project, dir, place, owner, mode, file_mode, recursive: order.recursive, begin: order.begin })
}

fn check_declared(order: &FixOrder, dir: &Dir, (owner, mode): (Option<Owner>, Option<Bits>)) -> Result<(), String> {
    let said = |value: &Option<String>| value.as_deref().map_or("none".to_owned(), |value| one_line(value, 40));
    if order.owner != owner.map(|owner| owner.to_string()) {
        return Err(format!("owner {} was meant, the agent has {}", said(&order.owner), said(&dir.owner)));
    }
    if order.mode != mode.map(|mode| mode.to_string()) {
        return Err(format!("mode {} was meant, the agent has {}", said(&order.mode), said(&dir.mode)));
    }
    Ok(())
}

/// Nine bits of permission: no set-id, no sticky bit, and not writable by everyone.
fn parse_file_mode(text: &str) -> Result<Bits, String> {
    let bits = parse_mode(text).filter(|bits| bits & !0o775 == 0).map(Bits);
    bits.ok_or_else(|| format!("\"{}\" is no mode for files: use three octal digits such as 0640", one_line(text, 20)))
}

/// The same for the command line: four octal digits.
pub fn check_file_mode(text: &str) -> Result<String, String> {
    parse_file_mode(text).map(|bits| bits.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keepers::storage::config::Tier;

    fn config(owner: Option<&str>, mode: Option<&str>) -> Config {
        let mut config = Config::default();
        config.tiers.insert("ssd".into(), Tier { path: "/srv/ssd".into(), ..Tier::default() });
        let (owner, mode) = (owner.map(str::to_owned), mode.map(str::to_owned));
        let dir = Dir { tier: "ssd".into(), path: "pg".into(), owner, mode, quota: None };
        config.dirs.insert(("athena".parse().unwrap(), "pg".into()), dir);
        config
    }

    fn order(owner: Option<&str>, mode: Option<&str>, file_mode: Option<&str>) -> FixOrder {
        let [owner, mode, file_mode] = [owner, mode, file_mode].map(|text| text.map(str::to_owned));
        FixOrder { dir: "athena/pg".into(), owner, mode, file_mode, recursive: true, begin: true }
    }

    #[test]
    fn what_is_mended_is_what_is_declared_and_what_was_shown() {
        let declared = config(Some("999:999"), Some("0700"));
        let mend = mend_order(&declared, &order(Some("999:999"), Some("0700"), Some("0640"))).unwrap();
        assert_eq!((mend.owner, mend.mode), (Some(Owner { user: 999, group: 999 }), Some(Bits(0o700))));
        assert_eq!((mend.file_mode, mend.place.to_string().as_str()), (Some(Bits(0o640)), "/srv/ssd/pg"));
        for (wrong, said) in [
            (order(Some("0:0"), Some("0700"), None), "owner 0:0 was meant, the agent has 999:999"),
            (order(None, Some("0700"), None), "owner none was meant"),
            (order(Some("999:999"), Some("0777"), None), "mode 0777 was meant, the agent has 0700"),
            (order(Some("999:999"), None, None), "mode none was meant"),
            (FixOrder { dir: "athena/other".into(), ..order(None, None, None) }, "knows no directory"),
            (FixOrder { dir: "nova/pg".into(), ..order(None, None, None) }, "knows no directory"),
            (FixOrder { dir: "pg".into(), ..order(None, None, None) }, "project/directory"),
        ] {
            let refused = mend_order(&declared, &wrong).unwrap_err();
            assert!(refused.contains(said), "{refused}");
        }
        let nothing = mend_order(&config(None, None), &order(None, None, None)).unwrap_err();
        assert!(nothing.contains("neither owner nor mode"), "{nothing}");
    }

    #[test]
    fn a_mode_of_files_has_no_set_id_and_is_not_for_everyone_to_write() {
        for text in ["4755", "2755", "1755", "0642", "0777", "07777", "rw", "", "8"] {
            let asked = order(Some("1:1"), None, Some(text));
            assert!(mend_order(&config(Some("1:1"), None), &asked).is_err(), "{text}");
        }
        assert!(check_file_mode("640").is_ok_and(|text| text == "0640"));
    }
}
