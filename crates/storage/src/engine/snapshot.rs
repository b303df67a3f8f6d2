//! The store at one moment: the manifest and the parts it lists, which stay on disk as long as this is kept.

use std::path::PathBuf;
use std::sync::Arc;

use vigie_domain::Day;

use super::PARTS_FOLDER;
use super::maintenance::PartFolder;
use crate::care::is_held;
use crate::files::SharedFiles;
use crate::manifest::Manifest;
use crate::part::Part;

/// Everything that was acknowledged before it was asked for, written to parts.
pub struct Snapshot {
    files: SharedFiles,
    folder: PathBuf,
    manifest: Manifest,
    /// Their files are removed only once nobody holds them.
    parts: Vec<Arc<Part>>,
}

impl Snapshot {
    /// What the maintenance thread sees between two changes.
    pub fn new(folder: &PartFolder, parts: Vec<Arc<Part>>) -> Self {
        let PartFolder { files, folder, manifest, .. } = folder;
        Self { files: files.clone(), folder: folder.clone(), manifest: manifest.clone(), parts }
    }

    /// The file system they lie on.
    pub fn files(&self) -> &SharedFiles {
        &self.files
    }

    /// Which parts there are.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The parts.
    pub fn parts(&self) -> &[Arc<Part>] {
        &self.parts
    }

    /// Whether the index of the day is held.
    pub fn is_held(&self, day: Day) -> bool {
        is_held(&*self.files, &self.folder, day)
    }

    /// The folder of the parts.
    pub fn parts_folder(&self) -> PathBuf {
        self.folder.join(PARTS_FOLDER)
    }

    /// How many events there are.
    pub fn event_count(&self) -> u64 {
        self.manifest.parts.iter().map(|part| part.rows).sum()
    }
}
