//! The files of an audit: `audit/<number>.jsonl`, for their owner only.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use heatgrid_engine::model::SiteId;

use super::line::{Entry, of_site};

/// Where the files are.
pub(super) struct Files(PathBuf);

impl Files {
    pub(super) fn open(store: &Path) -> io::Result<Files> {
        let directory = store.join("audit");
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            Err(_) => {}
            Ok(()) => File::open(store)?.sync_all()?,
        }
        Ok(Files(directory))
    }

    /// The numbers of the files, ascending.
    pub(super) fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let name = entry?.file_name();
            let number: Option<u64> =
                name.to_str().and_then(|name| name.strip_suffix(".jsonl")?.parse().ok());
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// A file to append to, its length, and whether its last line has no end.
    pub(super) fn append(&self, number: u64) -> io::Result<(File, u64, bool)> {
        let path = self.path(number);
        let is_new = !path.exists();
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        if is_new {
            self.sync_directory()?;
        }
        let length = file.metadata()?.len();
        let mut last = [b'\n'];
        if length > 0 {
            file.seek(SeekFrom::Start(length - 1))?;
            file.read_exact(&mut last)?;
        }
        Ok((file, length, last != [b'\n']))
    }

    /// The entries of a file that begin before an offset, of one site or of all, with the offset of each.
    pub(super) fn read(
        &self,
        number: u64,
        before: Option<u64>,
        site: Option<SiteId>,
    ) -> io::Result<Vec<(u64, Entry)>> {
        let text = match fs::read(self.path(number)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            text => text?,
        };
        let wanted = site.map(of_site);
        let mut entries = Vec::new();
        let mut offset = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let start = offset;
            offset += line.len() as u64;
            if before.is_some_and(|before| start >= before) {
                break;
            }
            if wanted.as_ref().is_none_or(|wanted| wanted.find(line).is_some()) {
                entries.extend(Entry::of_line(line).map(|entry| (start, entry)));
            }
        }
        Ok(entries)
    }

    /// Writes a file anew with the entries that are kept, and nothing else.
    pub(super) fn keep(&self, number: u64, is_kept: impl Fn(&Entry) -> bool) -> io::Result<()> {
        let path = self.path(number);
        let entries = self.read(number, None, None)?;
        let kept: Vec<u8> = entries
            .iter()
            .filter(|(_, entry)| is_kept(entry))
            .flat_map(|(_, entry)| entry.to_line())
            .collect();
        let new = path.with_extension("new");
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        io::Write::write_all(&mut file, &kept)?;
        file.sync_all()?;
        fs::rename(new, path)?;
        self.sync_directory()
    }

    /// Removes all files but the newest `most`.
    pub(super) fn keep_newest(&self, most: usize) -> io::Result<()> {
        let numbers = self.numbers()?;
        let too_many = numbers.len().saturating_sub(most);
        numbers[..too_many].iter().try_for_each(|number| fs::remove_file(self.path(*number)))
    }

    /// Removes files before `open` whose newest entry is older than the Unix second `first_kept`.
    pub(super) fn remove_older(&self, first_kept: u64, open: u64) -> io::Result<()> {
        for number in self.numbers()?.into_iter().filter(|number| *number < open) {
            let entries = self.read(number, None, None)?;
            if entries.last().is_some_and(|(_, entry)| entry.at >= first_kept) {
                break;
            }
            fs::remove_file(self.path(number))?;
        }
        Ok(())
    }

    fn path(&self, number: u64) -> PathBuf {
        self.0.join(format!("{number}.jsonl"))
    }

    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}
