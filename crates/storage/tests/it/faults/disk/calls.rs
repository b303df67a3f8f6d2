//! The calls of the engine, answered by the disk in memory.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vigie_storage::files::{Access, Files, FolderLock, Found, NewFile, StoredFile};

use super::{Disk, Kind, Node, Number};

impl Files for Disk {
    fn create(&self, path: &Path, _access: Access) -> io::Result<Box<dyn NewFile>> {
        let mut state = self.state_for_creation(path);
        state.change("create", path)?;
        let number = state.add(path, Node::File(Arc::default()))?;
        Ok(Box::new(Handle { disk: self.clone(), number, path: path.to_owned() }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>> {
        let mut state = self.state();
        state.look(Kind::Open, "open", path)?;
        let number = state.contents.find(path)?;
        Ok(Arc::new(Handle { disk: self.clone(), number, path: path.to_owned() }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        state.look(Kind::Open, "read", path)?;
        let number = state.contents.find(path)?;
        Ok(state.contents.file(number)?.bytes.clone())
    }

    fn cut(&self, path: &Path, size_bytes: u64) -> io::Result<()> {
        let mut state = self.state();
        state.change("cut", path)?;
        let number = state.contents.find(path)?;
        state.set_size(number, size_bytes)?;
        state.sync(number, path)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let number = state.contents.find(path)?;
        state.sync(number, path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.change("rename", from)?;
        let number = state.contents.find(from)?;
        let (source, old) = state.contents.find_above(from)?;
        let (target, new) = state.contents.find_above(to)?;
        if let Ok(taken) = state.contents.find(to)
            && state.contents.folder(taken).is_ok_and(|folder| !folder.names.is_empty())
        {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        let folder = state.contents.folder_mut(source)?;
        folder.names.remove(&old);
        folder.dirty.insert(old);
        let folder = state.contents.folder_mut(target)?;
        folder.names.insert(new.clone(), number);
        folder.dirty.insert(new);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.change("link", to)?;
        let number = state.contents.find(from)?;
        let (above, name) = state.contents.find_above(to)?;
        let folder = state.contents.folder_mut(above)?;
        if folder.names.contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        folder.names.insert(name.clone(), number);
        folder.dirty.insert(name);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.change("remove", path)?;
        let number = state.contents.find(path)?;
        state.contents.file(number)?;
        let (above, name) = state.contents.find_above(path)?;
        let folder = state.contents.folder_mut(above)?;
        folder.names.remove(&name);
        folder.dirty.insert(name);
        Ok(())
    }

    fn make_folder(&self, path: &Path, _access: Access) -> io::Result<()> {
        let mut state = self.state();
        state.change("make folder", path)?;
        state.add(path, Node::Folder(Arc::default())).map(|_| ())
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.change("remove folder", path)?;
        let number = state.contents.find(path)?;
        if !state.contents.folder(number)?.names.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        let (above, name) = state.contents.find_above(path)?;
        let folder = state.contents.folder_mut(above)?;
        folder.names.remove(&name);
        folder.dirty.insert(name);
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.syncs += 1;
        let number = state.contents.find(path)?;
        state.change("sync folder", path)?;
        let folder = state.contents.folder_mut(number)?;
        for name in std::mem::take(&mut folder.dirty) {
            match folder.names.get(&name).copied() {
                Some(number) => folder.durable.insert(name, number),
                None => folder.durable.remove(&name),
            };
        }
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut state = self.state();
        state.look(Kind::Open, "list", folder)?;
        let number = state.contents.find(folder)?;
        Ok(state.contents.folder(number)?.names.keys().map(|name| folder.join(name)).collect())
    }

    fn look(&self, path: &Path) -> io::Result<Found> {
        let mut state = self.state();
        state.look(Kind::Open, "look", path)?;
        let number = state.contents.find(path)?;
        Ok(match state.contents.file(number) {
            Ok(file) => Found { is_folder: false, size_bytes: file.bytes.len() as u64 },
            Err(_) => Found { is_folder: true, size_bytes: 0 },
        })
    }

    fn copy_access(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.change("copy access", to)?;
        state.contents.find(from)?;
        state.contents.find(to).map(|_| ())
    }

    fn free_bytes(&self, _path: &Path) -> io::Result<u64> {
        let used = self.used_bytes();
        Ok(self.state().capacity_bytes.saturating_sub(used))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<FolderLock>> {
        let mut state = self.state();
        state.change("lock", path)?;
        if state.contents.find(path).is_err() {
            state.add(path, Node::File(Arc::default()))?;
        }
        if !state.locked.insert(path.to_owned()) {
            return Ok(None);
        }
        Ok(Some(Box::new(Held { disk: self.clone(), path: path.to_owned() })))
    }
}

/// Releases the lock when it is dropped, as the end of a process does.
struct Held {
    disk: Disk,
    path: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.disk.state().locked.remove(&self.path);
    }
}

/// An open file.
#[derive(Debug)]
struct Handle {
    disk: Disk,
    number: Number,
    path: PathBuf,
}

impl Write for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.state().write(self.number, &self.path, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl NewFile for Handle {
    fn sync(&self) -> io::Result<()> {
        self.disk.state_for_a_sync().sync(self.number, &self.path)
    }

    fn set_size(&self, size_bytes: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change("set size", &self.path)?;
        state.set_size(self.number, size_bytes)
    }
}

impl StoredFile for Handle {
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.disk.state().contents.file(self.number)?.bytes.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], from_byte: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.look(Kind::Read, "read", &self.path)?;
        let bytes = &state.contents.file(self.number)?.bytes;
        let from = from_byte as usize;
        let found = bytes.get(from..from + buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(found);
        Ok(())
    }
}
