//! A file system in memory that fails, tears, fills up and loses its power where a test wants it.

use std::collections::BTreeMap;
use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::gate::Gate;
use super::host::{Boot, Host};
use super::storage::{Lock, Storage, StorageFile};

/// What goes wrong in one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It fails and does nothing; of a write so many bytes in 256 are done, but never all.
    Fails(u8),
    /// It is done and says that it failed; a write is not done whole.
    FailsWhenDone,
    /// The power goes; of a write so many bytes in 256 are on their way.
    PowerGoes(u8),
}

/// For how long it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasting {
    /// For one operation.
    Once,
    /// Until the machine is repaired, for all that changes something.
    Changes,
    /// Until the machine is repaired, for everything.
    Everything,
}

/// What is left of what was not synced when the power went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leftover {
    Nothing,
    Everything,
    /// The older half, torn where it ends.
    Beginning,
    /// The newer half: files have their length, with zeros in the place of what is missing.
    End,
    /// Any of it, whole, torn or as zeros.
    Some(u64),
}

/// The machine.
#[derive(Debug, Clone)]
pub(super) struct Machine(Arc<Mutex<State>>, Arc<Gate>);

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    unsynced_names: Vec<NameChange>,
    locked: bool,
    operations: u64,
    fault: Option<(u64, Fault, Lasting)>,
    off: bool,
    capacity: u64,
    largest: u64,
    syncs: u64,
    spoiled: Option<PathBuf>,
}

#[derive(Debug, Default, Clone)]
struct Inode {
    now: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

#[derive(Debug, Clone)]
enum NameChange {
    Add(PathBuf, usize),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
}

impl Machine {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { capacity: u64::MAX, ..State::default() })), Arc::default())
    }

    /// Gives what a journal is opened on, in a boot of this machine.
    pub(super) fn host(&self, boot: u64) -> Host {
        Host { storage: Arc::new(self.clone()), boot: Boot::new(boot) }
    }

    pub(super) fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Plans what goes wrong, from an operation on.
    pub(super) fn plan(&self, operation: u64, fault: Fault, lasting: Lasting) {
        self.state().fault = Some((operation, fault, lasting));
    }

    /// Gives the gate that all that changes something goes through.
    pub(super) fn gate(&self) -> &Gate {
        &self.1
    }

    /// Makes everything go well again.
    pub(super) fn repair(&self) {
        let mut state = self.state();
        (state.fault, state.capacity) = (None, u64::MAX);
    }

    pub(super) fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    pub(super) fn is_off(&self) -> bool {
        self.state().off
    }

    /// Turns the machine on after its power went.
    pub(super) fn turn_on(&self, leftover: Leftover) {
        let mut state = self.state();
        let mut random = fastrand::Rng::with_seed(if let Leftover::Some(seed) = leftover { seed } else { 0 });
        for inode in &mut state.inodes {
            inode.lose_power(leftover, &mut random);
        }
        let changes = std::mem::take(&mut state.unsynced_names);
        let count = changes.len();
        let mut names = state.durable_names.clone();
        for (index, change) in changes.into_iter().enumerate() {
            let stays = match leftover {
                Leftover::Nothing => false,
                Leftover::Everything => true,
                Leftover::Beginning => index < count / 2,
                Leftover::End => index >= count / 2,
                Leftover::Some(_) => random.bool(),
            };
            if stays {
                change.apply(&mut names);
            }
        }
        (state.durable_names, state.names) = (names.clone(), names);
        (state.off, state.locked, state.fault) = (false, false, None);
        let bytes = state.bytes();
        state.largest = state.largest.max(bytes);
    }

    /// Gives the most bytes that all files together ever had.
    pub(super) fn largest(&self) -> u64 {
        self.state().largest
    }

    /// Makes a file the one that cannot be read.
    pub(super) fn spoil(&self, path: Option<&Path>) {
        self.state().spoiled = path.map(Path::to_owned);
    }

    /// Counts the syncs of files and folders.
    pub(super) fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Gives the files.
    pub(super) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.state();
        state.names.iter().map(|(path, &inode)| (path.clone(), state.inodes[inode].now.clone())).collect()
    }

    /// Makes a machine with these files, all synced.
    pub(super) fn with_files(files: &BTreeMap<PathBuf, Vec<u8>>) -> Self {
        let machine = Self::new();
        let mut state = machine.state();
        for (path, bytes) in files {
            let inode = state.inodes.len();
            state.inodes.push(Inode { now: bytes.clone(), durable: bytes.clone(), unsynced: Vec::new() });
            state.names.insert(path.clone(), inode);
        }
        state.durable_names = state.names.clone();
        drop(state);
        machine
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Begins an operation that changes something.
    fn change(&self) -> io::Result<(MutexGuard<'_, State>, Option<Fault>)> {
        self.1.pass();
        let mut state = self.state();
        let fault = state.begin(Lasting::Changes)?;
        Ok((state, fault))
    }

    /// Does something that is done whole or not at all.
    fn change_whole(&self, done: impl FnOnce(&mut State) -> io::Result<()>) -> io::Result<()> {
        let (mut state, fault) = self.change()?;
        match fault {
            None => done(&mut state),
            Some(Fault::FailsWhenDone) => done(&mut state).and(Err(refused())),
            Some(Fault::PowerGoes(part)) => {
                if part > 127 {
                    done(&mut state)?;
                }
                state.off = true;
                Err(refused())
            }
            Some(Fault::Fails(_)) => Err(refused()),
        }
    }
}

impl State {
    fn begin(&mut self, kind: Lasting) -> io::Result<Option<Fault>> {
        if self.off {
            return Err(io::Error::other("the machine is off"));
        }
        let operation = self.operations;
        self.operations += 1;
        let Some((at, fault, lasting)) = self.fault else { return Ok(None) };
        let is_hit = match lasting {
            Lasting::Once => operation == at,
            Lasting::Changes => operation >= at && kind == Lasting::Changes,
            Lasting::Everything => operation >= at,
        };
        Ok(is_hit.then_some(fault))
    }

    fn read(&mut self) -> io::Result<()> {
        match self.begin(Lasting::Everything)? {
            None => Ok(()),
            Some(fault) => {
                self.off |= matches!(fault, Fault::PowerGoes(_));
                Err(refused())
            }
        }
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
    }

    fn bytes(&self) -> u64 {
        self.names.values().map(|&inode| self.inodes[inode].now.len() as u64).sum()
    }
}

fn refused() -> io::Error {
    io::Error::other("the disk refuses")
}

impl Inode {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.now);
        self.unsynced.push(change);
    }

    fn lose_power(&mut self, leftover: Leftover, random: &mut fastrand::Rng) {
        let count = self.unsynced.len();
        let mut left = self.durable.clone();
        for (index, change) in std::mem::take(&mut self.unsynced).into_iter().enumerate() {
            let change = match leftover {
                Leftover::Nothing => None,
                Leftover::Everything => Some(change),
                Leftover::Beginning if index < count / 2 => Some(change),
                Leftover::Beginning => (index == count / 2).then(|| change.torn(128)),
                Leftover::End if index >= count / 2 => Some(change),
                Leftover::End => Some(change.zeroed()),
                Leftover::Some(_) => match random.u8(..4) {
                    0 => None,
                    1 => Some(change.torn(random.u8(..))),
                    2 => Some(change.zeroed()),
                    _ => Some(change),
                },
            };
            if let Some(change) = change {
                change.apply(&mut left);
            }
        }
        (self.now, self.durable) = (left.clone(), left);
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, written) => {
                let end = offset + written.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*offset..end].copy_from_slice(written);
            }
            Self::Truncate(length) => bytes.resize(*length, 0),
        }
    }

    fn torn(self, part: u8) -> Self {
        match self {
            Self::Write(offset, bytes) => Self::Write(offset, bytes[..some_of(bytes.len(), part)].to_vec()),
            Self::Truncate(_) => self,
        }
    }

    fn zeroed(self) -> Self {
        match self {
            Self::Write(offset, bytes) => Self::Write(offset, vec![0; bytes.len()]),
            Self::Truncate(_) => self,
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Add(path, inode) => drop(names.insert(path.clone(), *inode)),
            Self::Remove(path) => drop(names.remove(path)),
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
        }
    }
}

/// So many in 256, but never all.
fn some_of(length: usize, part: u8) -> usize {
    length * usize::from(part) / 256
}

impl Storage for Machine {
    fn make_folder(&self, _: &Path) -> io::Result<()> {
        self.state().read()
    }

    fn lock(&self, _: &Path) -> Result<Box<dyn Lock>, TryLockError> {
        let mut state = self.state();
        state.read().map_err(TryLockError::Error)?;
        if std::mem::replace(&mut state.locked, true) {
            return Err(TryLockError::WouldBlock);
        }
        Ok(Box::new(Locked(self.clone())))
    }

    fn list(&self, _: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
        let mut state = self.state();
        state.read()?;
        let length = |inode: usize| state.inodes[inode].now.len() as u64;
        Ok(state.names.iter().map(|(path, &inode)| (path.clone(), length(inode))).collect())
    }

    fn read(&self, path: &Path, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        state.read()?;
        if state.spoiled.as_deref() == Some(path) {
            return Err(refused());
        }
        let bytes = &state.inodes[state.find(path)?].now;
        let start = usize::try_from(offset).unwrap().min(bytes.len());
        Ok(bytes[start..bytes.len().min(start + length)].to_vec())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        let mut inode = 0;
        self.change_whole(|state| {
            inode = match state.find(path) {
                Ok(inode) => inode,
                Err(_) => {
                    state.inodes.push(Inode::default());
                    state.rename(NameChange::Add(path.to_owned(), state.inodes.len() - 1));
                    state.inodes.len() - 1
                }
            };
            state.inodes[inode].change(Change::Truncate(0));
            Ok(())
        })?;
        Ok(Box::new(OpenFile { machine: self.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        let mut inode = 0;
        self.change_whole(|state| {
            inode = state.find(path)?;
            Ok(())
        })?;
        Ok(Box::new(OpenFile { machine: self.clone(), inode }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change_whole(|state| {
            state.find(from)?;
            state.rename(NameChange::Rename(from.to_owned(), to.to_owned()));
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change_whole(|state| {
            state.find(path)?;
            state.rename(NameChange::Remove(path.to_owned()));
            Ok(())
        })
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.change_whole(|state| {
            state.syncs += 1;
            state.unsynced_names.clear();
            state.durable_names = state.names.clone();
            Ok(())
        })
    }
}

#[derive(Debug)]
struct OpenFile {
    machine: Machine,
    inode: usize,
}

impl StorageFile for OpenFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (mut state, fault) = self.machine.change()?;
        let offset = usize::try_from(offset).unwrap();
        let end = (offset + bytes.len()) as u64;
        let grows = end.saturating_sub(state.inodes[self.inode].now.len() as u64);
        let room = state.capacity.saturating_sub(state.bytes());
        let written = match fault {
            None if grows <= room => bytes.len(),
            None => bytes.len() - usize::try_from(grows - room).unwrap().min(bytes.len()),
            Some(Fault::Fails(part) | Fault::PowerGoes(part)) => some_of(bytes.len(), part),
            Some(Fault::FailsWhenDone) => bytes.len().saturating_sub(1),
        };
        state.inodes[self.inode].change(Change::Write(offset, bytes[..written].to_vec()));
        state.off |= matches!(fault, Some(Fault::PowerGoes(_)));
        let now = state.bytes();
        state.largest = state.largest.max(now);
        match fault {
            None if written == bytes.len() => Ok(()),
            None => Err(io::ErrorKind::StorageFull.into()),
            Some(_) => Err(refused()),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let (mut state, fault) = self.machine.change()?;
        state.syncs += 1;
        let inode = &mut state.inodes[self.inode];
        match fault {
            None | Some(Fault::FailsWhenDone) => {
                let changes = std::mem::take(&mut inode.unsynced);
                changes.iter().for_each(|change| change.apply(&mut inode.durable));
            }
            Some(Fault::PowerGoes(_)) => state.off = true,
            // The system forgets that this is not on the disk.
            Some(Fault::Fails(_)) => inode.unsynced.clear(),
        }
        if fault.is_none() { Ok(()) } else { Err(refused()) }
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.machine.change_whole(|state| {
            state.inodes[self.inode].change(Change::Truncate(usize::try_from(length).unwrap()));
            Ok(())
        })
    }
}

#[derive(Debug)]
struct Locked(Machine);

impl Lock for Locked {}

impl Drop for Locked {
    fn drop(&mut self) {
        self.0.state().locked = false;
    }
}
