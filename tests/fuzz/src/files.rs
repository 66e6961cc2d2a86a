//! Inputs in files: seeds, and what was found.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bellhop_events::Digest;

use crate::Target;

/// The repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn found_folder(target: &Target) -> PathBuf {
    Path::new(ROOT).join("tests/fuzz/found").join(target.name)
}

/// The inputs of a folder, by path; a folder that is not there has none.
fn inputs(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry of a folder").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(&path).expect("a file that can be read"))).collect()
}

/// What spoiling begins with.
#[must_use]
pub fn seeds(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    inputs(&Path::new(ROOT).join(target.seeds))
}

/// What was found once, and must not be again.
#[must_use]
pub fn found(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    inputs(&found_folder(target))
}

/// Keeps a finding, under a name made of its content.
pub fn keep(target: &Target, input: &[u8]) -> io::Result<PathBuf> {
    let folder = found_folder(target);
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("crash-{}", &Digest::of_bytes(input).to_string()[..16]));
    fs::write(&path, input)?;
    Ok(path)
}
