//! The source files, as the rules read them.

use std::fs;
use std::path::{Path, PathBuf};

pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A Rust file below `src`.
pub struct Source {
    /// Its path from there.
    pub name: String,
    /// Its text without comments, up to its unit tests.
    pub code: String,
}

/// Every Rust file below `src`.
pub fn sources() -> Vec<Source> {
    let files = files_below("src", "rs");
    assert!(files.len() > 20, "the sources are where they are looked for");
    let source = |path: &PathBuf| {
        let name = path.strip_prefix(Path::new(ROOT).join("src")).unwrap().to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        Source { name, code }
    };
    files.iter().map(source).collect()
}

/// The files below a folder of the repository whose names have this extension, sorted.
pub fn files_below(folder: &str, extension: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
                walk(&path, extension, found);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(ROOT).join(folder), extension, &mut found);
    found.sort();
    found
}

/// Whether a word has ended where `rest` begins.
pub fn ends_word(rest: &str) -> bool {
    !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_')
}

/// What follows each occurrence of `word` in `code`, where it is not the beginning of another word.
pub fn occurrences<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(word).map(|(at, _)| &code[at + word.len()..]).filter(|rest| ends_word(rest))
}

/// The code with its string literals blanked out, line by line as before: what they say is for people and programs
/// outside.
pub fn without_literals(code: &str) -> String {
    let mut text = String::with_capacity(code.len());
    let mut rest = code.chars().peekable();
    let (mut in_string, mut in_comment, mut before) = (false, false, ' ');
    while let Some(next) = rest.next() {
        match next {
            '\n' if !in_string => in_comment = false,
            '/' if !in_string && before == '/' => in_comment = true,
            '\\' if in_string => {
                text.push(' ');
                // What is escaped; a line end stays one.
                text.extend(rest.next().map(|escaped| if escaped == '\n' { '\n' } else { ' ' }));
                continue;
            }
            '"' if !in_comment && before != '\'' => in_string = !in_string,
            _ => {}
        }
        text.push(if in_string && next != '\n' { ' ' } else { next });
        before = next;
    }
    text
}
