//! Which module imports which: read from `use` declarations and from paths in the code that begin with `crate` or
//! `super`. What a `mod.rs` re-exports counts as imported from where it is defined.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;

/// Modules by their paths (`order::store::quota`), each with those that it imports.
pub struct Graph(BTreeMap<String, BTreeSet<String>>);

impl Graph {
    pub fn of(sources: &[Source]) -> Self {
        let modules: BTreeMap<String, &str> =
            sources.iter().map(|source| (module_of(&source.name), source.code.as_str())).collect();
        let exports = modules.iter().map(|(module, code)| (module.clone(), exports(code))).collect();
        let names = Names { modules: modules.keys().cloned().collect(), exports };
        let imports = |(module, code): (&String, &&str)| {
            let paths = paths(code).into_iter().filter_map(|path| names.absolute(module, &path));
            let targets = paths.map(|path| names.definition(&path, 0));
            let targets = targets.filter(|target| target != module && !target.is_empty()).collect();
            (module.clone(), targets)
        };
        Self(modules.iter().map(imports).collect())
    }

    /// Pairs of a module and one that it imports.
    pub fn edges(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(module, imported)| imported.iter().map(|one| (module.as_str(), one.as_str())))
    }

    pub fn imports(&self, module: &str, imported: &str) -> bool {
        self.0.get(module).is_some_and(|all| all.contains(imported))
    }

    /// The same with whole groups of modules for the modules.
    pub fn grouped(&self, group: impl Fn(&str) -> String) -> Self {
        let mut grouped: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (module, imported) in self.edges() {
            let (module, imported) = (group(module), group(imported));
            if module != imported {
                grouped.entry(module).or_default().insert(imported);
            }
        }
        Self(grouped)
    }

    /// The groups of modules that import each other, directly or by way of others.
    pub fn circles(&self) -> Vec<Vec<&str>> {
        let reachable: BTreeMap<&str, BTreeSet<&str>> =
            self.0.keys().map(|from| (from.as_str(), self.from(from))).collect();
        let mut circles = BTreeSet::new();
        for (module, reached) in &reachable {
            if reached.contains(module) {
                let back = |other: &&&str| reachable.get(**other).is_some_and(|reached| reached.contains(module));
                circles.insert(reached.iter().filter(back).copied().collect::<Vec<_>>());
            }
        }
        circles.into_iter().collect()
    }

    /// All modules that can be reached from one by its imports.
    fn from(&self, module: &str) -> BTreeSet<&str> {
        let (mut reached, mut left) = (BTreeSet::new(), vec![module]);
        while let Some(next) = left.pop() {
            for imported in self.0.get(next).into_iter().flatten() {
                if reached.insert(imported.as_str()) {
                    left.push(imported);
                }
            }
        }
        reached
    }
}

/// What is known of names when a path is followed to where its item is defined.
struct Names {
    modules: BTreeSet<String>,
    /// What each module re-exports: the name, and its path from there.
    exports: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

impl Names {
    /// A path as it is written in `module`, from the root of the crate; `None` if it leads to another crate.
    fn absolute(&self, module: &str, path: &[String]) -> Option<Vec<String>> {
        let here = || module.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([here(), rest.to_vec()].concat()),
            "super" => {
                let supers = path.iter().take_while(|name| *name == "super").count();
                let here = here();
                Some([&here[..here.len().saturating_sub(supers)], &path[supers..]].concat())
            }
            _ => {
                let child = [here(), path.to_vec()].concat();
                let name = child[..here().len() + 1].join("::");
                self.modules.contains(&name).then_some(child)
            }
        }
    }

    /// The module that defines the item at an absolute path.
    fn definition(&self, path: &[String], depth: usize) -> String {
        let mut module = String::new();
        for (at, name) in path.iter().enumerate() {
            let child = if module.is_empty() { name.clone() } else { format!("{module}::{name}") };
            if self.modules.contains(&child) {
                module = child;
                continue;
            }
            let export = self.exports.get(&module).and_then(|exports| exports.get(name)).filter(|_| depth < 5);
            return match export.and_then(|export| self.absolute(&module, export)) {
                Some(export) => self.definition(&[export, path[at + 1..].to_vec()].concat(), depth + 1),
                None => module,
            };
        }
        module
    }
}

/// `order::store` for `order/store.rs` and for `order/store/mod.rs`.
fn module_of(file: &str) -> String {
    let path = file.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" { String::new() } else { path.replace('/', "::") }
}

/// The paths that a module's code imports or names.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let begins = rest[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric() && before != '_');
        let after = &rest[at + 4..];
        let Some(end) = after.find(';').filter(|_| begins) else {
            rest = after;
            continue;
        };
        found.extend(expand(&after[..end]));
        rest = &after[end..];
    }
    for first in ["crate::", "super::"] {
        for (at, _) in code.match_indices(first) {
            let path = code[at..].split(|next: char| !next.is_alphanumeric() && next != '_' && next != ':').next();
            let path = path.unwrap_or_default();
            // A macro's `$crate` leads on from where the macro is used.
            if code[..at].ends_with('$') {
                continue;
            }
            // What is in braces has been expanded already.
            if !path.ends_with("::") {
                found.push(path.split("::").map(str::to_owned).collect());
            }
        }
    }
    found
}

/// What a module re-exports.
fn exports(code: &str) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for line in code.split(';') {
        let Some(at) = line.find("pub") else { continue };
        let Some((visibility, tree)) = line[at..].split_once("use ") else { continue };
        if visibility.trim() == "pub" || visibility.trim().ends_with(')') {
            for path in expand(tree) {
                if let Some(name) = path.last() {
                    found.insert(name.clone(), path.clone());
                }
            }
        }
    }
    found
}

/// The paths of a `use` tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((before, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let names = path.split("::").map(str::trim).filter(|name| !name.is_empty() && *name != "self" && *name != "*");
        let path: Vec<_> = names.map(str::to_owned).collect();
        return if path.is_empty() { Vec::new() } else { vec![path] };
    };
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    let prefix: Vec<_> = before.split("::").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, next) in inner.char_indices().chain([(inner.len(), ',')]) {
        match next {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let branch = inner[start..at].trim();
                if branch == "self" {
                    found.push(prefix.clone());
                } else {
                    found.extend(expand(branch).into_iter().map(|path| [prefix.clone(), path].concat()));
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}
