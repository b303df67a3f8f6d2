//! Writes the valid inputs of every target into folders of their names, for libFuzzer to begin with.
//!
//! usage: seeds FOLDER

use std::error::Error;
use std::path::PathBuf;

use vigie_fuzzing::TARGETS;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).map(PathBuf::from).ok_or("usage: seeds FOLDER")?;
    for target in TARGETS {
        let own = folder.join(target.name);
        std::fs::create_dir_all(&own)?;
        for (number, bytes) in target.seeds()?.iter().enumerate() {
            std::fs::write(own.join(format!("seed-{number}")), bytes)?;
        }
    }
    Ok(())
}
