//! Once done, nothing is left to do; undone, everything is as before; order does not matter.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::decide::decide;
use super::super::step::{Place, Step};
use super::*;

/// What is at a path of the model tier.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Directory { owner: Owner, mode: Bits },
    File,
    Link,
}

type Tree = BTreeMap<String, Node>;

const OWNERS: [&str; 3] = ["0:0", "999:999", "70:70"];
const MODES: [&str; 4] = ["0700", "0755", "2770", "1777"];
/// Never one within another, as the configuration's check demands.
const PLACES: [&str; 5] = ["a", "b/c", "b/d", "e/f/g", "e/h"];

fn owner_of(text: &str) -> Owner {
    let (user, group) = text.split_once(':').unwrap();
    Owner { user: user.parse().unwrap(), group: group.parse().unwrap() }
}

fn bits_of(text: &str) -> Bits {
    Bits(u32::from_str_radix(text, 8).unwrap())
}

fn parents(path: &str) -> Vec<String> {
    path.match_indices('/').map(|(end, _)| path.split_at(end).0.to_owned()).collect()
}

fn observe(tree: &Tree, config: &Config) -> Seen {
    let mut found = seen(ground(), DirSeen::Unseen(String::new()));
    found.dirs.clear();
    for (key, dir) in &config.dirs {
        found.dirs.insert(key.clone(), observe_one(tree, dir));
    }
    found
}

fn observe_one(tree: &Tree, declared: &Dir) -> DirSeen {
    let path = &declared.path;
    let mut missing = Vec::new();
    for part in parents(path).into_iter().chain([path.clone()]) {
        match tree.get(&part) {
            None => missing.push(part),
            Some(Node::File) => return DirSeen::NotDirectory { at: part },
            Some(Node::Link) => return DirSeen::Link { at: part },
            Some(Node::Directory { .. }) => {}
        }
    }
    if missing.pop().is_some() {
        return DirSeen::Missing { parents: missing };
    }
    let Some(Node::Directory { owner, mode }) = tree.get(path) else { panic!("looked at as a directory") };
    let foreign = declared.owner_ids().is_some_and(|ids| ids != (owner.user, owner.group));
    let empty = foreign.then(|| Known::Known(is_empty(tree, path)));
    DirSeen::There { owner: *owner, mode: *mode, empty }
}

fn is_empty(tree: &Tree, path: &str) -> bool {
    let within = format!("{path}/");
    !tree.keys().any(|other| other.starts_with(&within))
}

fn apply(tree: &mut Tree, step: &Step) {
    let root = Owner { user: 0, group: 0 };
    match step {
        Step::CreateDirectory { place, parents, owner, mode } => {
            for parent in parents {
                tree.entry(parent.clone()).or_insert(Node::Directory { owner: root, mode: Bits(0o755) });
            }
            let new = Node::Directory { owner: owner.unwrap_or(root), mode: *mode };
            assert!(tree.insert(place.below.clone(), new).is_none(), "made twice");
        }
        Step::SetOwner { place, from, to, only_empty } => {
            assert!(!only_empty || is_empty(tree, &place.below));
            change(tree, place, |owner, _| assert_eq!(std::mem::replace(owner, *to), *from));
        }
        Step::SetMode { place, from, to } => {
            change(tree, place, |_, mode| assert_eq!(std::mem::replace(mode, *to), *from));
        }
        Step::Cache { .. } | Step::Quota { .. } => panic!("nothing of this model: {step}"),
        Step::RemoveEmptyDirectory { place, parents } => {
            for path in [&place.below].into_iter().chain(parents.iter().rev()) {
                if is_empty(tree, path) {
                    tree.remove(path);
                }
            }
        }
        Step::Pool { order } => panic!("no pool is declared: {order}"),
        Step::Mend { order } => panic!("no person ordered it: {order}"),
        Step::Clean { order } => panic!("no rule is declared: {order}"),
    }
}

fn change(tree: &mut Tree, place: &Place, edit: impl FnOnce(&mut Owner, &mut Bits)) {
    match tree.get_mut(&place.below) {
        Some(Node::Directory { owner, mode }) => edit(owner, mode),
        other => panic!("a step on {other:?}"),
    }
}

prop_compose! {
    fn config()(dirs in proptest::collection::btree_map(0..PLACES.len(), (0..4usize, 0..5usize), 0..5)) -> Config {
        let mut config = Config::default();
        config.tiers.insert("ssd".into(), tier("/srv/ssd"));
        for (place, (owner, mode)) in dirs {
            let declared = dir(PLACES[place], OWNERS.get(owner).copied(), MODES.get(mode).copied());
            config.dirs.insert(key(&format!("d{place}")), declared);
        }
        config
    }
}

prop_compose! {
    /// A tree whose every node has its parents.
    fn tree()(nodes in proptest::collection::vec((0..8usize, 0..5u8, 0..3usize, 0..4usize), 0..8)) -> Tree {
        let paths = ["a", "a/x", "b", "b/c", "b/c/y", "b/d", "e/f/g", "e/h"];
        let mut tree = Tree::new();
        for (path, kind, owner, mode) in nodes {
            let path = paths[path];
            let directory = Node::Directory { owner: owner_of(OWNERS[owner]), mode: bits_of(MODES[mode]) };
            let held = parents(path).iter().any(|parent| tree.get(parent).is_some_and(|node| !matches!(node, Node::Directory { .. })));
            if held || tree.contains_key(path) {
                continue;
            }
            for parent in parents(path) {
                tree.entry(parent).or_insert(directory.clone());
            }
            tree.insert(path.to_owned(), match kind { 0 => Node::File, 1 => Node::Link, _ => directory });
        }
        tree
    }
}

proptest! {
    #[test]
    fn once_applied_nothing_is_left_and_undone_all_is_as_before(config in config(), before in tree()) {
        let plan = decide(&config, &observe(&before, &config));
        let mut tree = before.clone();
        for planned in &plan.steps {
            apply(&mut tree, &planned.step);
        }
        let second = decide(&config, &observe(&tree, &config));
        prop_assert_eq!(&second.steps, &vec![]);
        prop_assert_eq!(&second.concerns, &plan.concerns);
        for planned in plan.steps.iter().rev() {
            apply(&mut tree, planned.undo.as_ref().unwrap());
        }
        prop_assert_eq!(tree, before);
    }

    #[test]
    fn steps_survive_being_recorded(config in config(), before in tree()) {
        for planned in decide(&config, &observe(&before, &config)).steps {
            for step in [Some(planned.step), planned.undo].into_iter().flatten() {
                let text = serde_json::to_string(&step).unwrap();
                prop_assert_eq!(serde_json::from_str::<Step>(&text).unwrap(), step);
            }
        }
    }

    #[test]
    fn the_order_of_steps_and_of_declaration_does_not_matter(
        config in config(), before in tree(), turn in 0..7usize,
    ) {
        let found = observe(&before, &config);
        let mut shuffled = Config { tiers: config.tiers.clone(), ..Config::default() };
        let mut dirs: Vec<_> = config.dirs.clone().into_iter().collect();
        let by = turn % dirs.len().max(1);
        dirs.rotate_left(by);
        shuffled.dirs.extend(dirs.into_iter().rev());
        let plan = decide(&config, &found);
        prop_assert_eq!(&decide(&shuffled, &found), &plan);
        let (mut forth, mut turned) = (before.clone(), before);
        for planned in &plan.steps {
            apply(&mut forth, &planned.step);
        }
        let mut by_dir: Vec<_> = plan.steps.clone();
        // Steps of one directory keep their order; directories change theirs.
        by_dir.sort_by(|a, b| b.subject.cmp(&a.subject));
        for planned in &by_dir {
            apply(&mut turned, &planned.step);
        }
        prop_assert_eq!(forth, turned);
    }
}
