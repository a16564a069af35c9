//! Example files, to watch the balancer work: made under a name that says what they are, and removed by that name alone.

use std::io::Write;
use std::path::Path;

use crate::host::Error;
use crate::host::entries::Kind;
use crate::host::files::Directory;

const MARK: &str = "hostkeeper-example-";
/// Most example files of one order, and of what size together: an order is short.
pub const MOST: u32 = 2000;
pub const MOST_BYTES: u64 = 1 << 30;

/// `hostkeeper-example-LABEL-000017.txt`.
pub fn name_of(label: &str, number: u32) -> String {
    format!("{MARK}{label}-{number:06}.txt")
}

/// Whether a file is called as only an example is.
pub fn is_example(name: &str) -> bool {
    let rest = name.strip_prefix(MARK).and_then(|rest| rest.strip_suffix(".txt")).unwrap_or_default();
    let digits = |text: &str| text.len() >= 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    rest.split_once('-').is_some_and(|(label, number)| is_label(label) && digits(number))
}

/// Lower-case letters and digits, at most 20.
pub fn is_label(label: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=20).contains(&label.len()) && label.bytes().all(plain)
}

/// Makes examples number `first` and the following. Those that are there stay as they are.
pub fn make(member: &Directory, label: &str, (first, files): (u32, u32), size: u64, most: u64) -> Result<u64, Error> {
    let wanted = u64::from(files).saturating_mul(size);
    if files > MOST || wanted > MOST_BYTES || !is_label(label) {
        return Err(Error::reply("example files", "are too many, too large, or labelled wrongly"));
    }
    if wanted > most {
        let what = format!("has no room for {}", crate::values::Bytes(wanted));
        return Err(Error::reply(member.path().display().to_string(), what));
    }
    let line = format!("example file of hostkeeper storage stress, label {label}; remove with --clean\n");
    let content: Vec<u8> = line.bytes().cycle().take(usize::try_from(size).unwrap_or(0)).collect();
    let owner = member.read_facts()?;
    let mut count = 0;
    for number in first..first.saturating_add(files) {
        let name = name_of(label, number);
        let Some(mut file) = member.create_file(Path::new(&name))? else { continue };
        let written = file.write_all(&content);
        if let Err(error) = written {
            member.remove_file(Path::new(&name))?;
            return Err(Error::file("write", member.path().join(&name), error));
        }
        let given = crate::host::transfer::write_owner(&file, owner.user, owner.group);
        given.map_err(|error| Error::file("set the owner of", member.path().join(&name), error))?;
        count += 1;
    }
    member.sync()?;
    Ok(count)
}

/// Removes the examples at the top of a member. Nothing else is touched.
pub fn remove(member: &Directory) -> Result<u64, Error> {
    let mut count = 0;
    for name in member.read_entries()? {
        let name = name?;
        let regular = || Ok::<_, Error>(member.read_child(&name)?.is_some_and(|facts| facts.kind == Kind::File));
        if name.to_str().is_some_and(is_example) && regular()? {
            count += u64::from(member.remove_file(&name)?);
        }
    }
    member.sync()?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_examples_are_called_so() {
        assert!(is_example(&name_of("demo", 17)) && is_example("hostkeeper-example-a1-1234567.txt"));
        for name in ["hostkeeper-example-demo.txt", "hostkeeper-example--000001.txt", "example-demo-000001.txt"] {
            assert!(!is_example(name), "{name}");
        }
        for name in ["hostkeeper-example-a-00001.txt", "hostkeeper-example-A-000001.txt", "", "report.txt"] {
            assert!(!is_example(name), "{name}");
        }
    }
}
