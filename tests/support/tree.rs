//! A tree of files written down in one file: `=== PATH` begins a file, `--> PATH TARGET` is a link, what follows a head up
//! to the next is the file's content. Shared by integration tests.

use std::os::unix::fs::symlink;
use std::path::Path;

/// Unpacks the tree at `root`.
pub fn unpack(written: &str, root: &Path) {
    for part in format!("\n{written}").split("\n=== ").skip(1) {
        let (head, content) = part.split_once('\n').unwrap_or((part, ""));
        let mut content = content.to_owned();
        while let Some(at) = content.find("--> ") {
            let end = content[at..].find('\n').map_or(content.len(), |end| at + end + 1);
            let line = content.drain(at..end).collect::<String>();
            let (path, target) = line.trim_end()[4..].split_once(' ').unwrap();
            let path = made(root, path);
            symlink(target, path).unwrap();
        }
        if !content.is_empty() && !content.ends_with('\n') {
            content.push('\n');
        }
        std::fs::write(made(root, head), content).unwrap();
    }
}

fn made(root: &Path, path: &str) -> std::path::PathBuf {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    path
}
