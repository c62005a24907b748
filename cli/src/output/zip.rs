//! A zip archive of one stored member, whose data is written as it comes.
//!
//! By hand, since the archive is written by place and may be gone on with: a writer that owns the file
//! could do neither. Sizes are those of ZIP64 always, and the checksum stands behind the data.

/// The only member of an archive.
#[derive(Debug)]
pub struct Member {
    name: String,
    /// Bytes of it, the header of the array included.
    bytes: u64,
    crc: crc32fast::Hasher,
}

const LOCAL: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
const END: u32 = 0x0605_4b50;
/// The version of the format that has ZIP64.
const VERSION: u16 = 45;
/// The checksum stands behind the data; the name is UTF-8.
const FLAGS: u16 = 1 << 3 | 1 << 11;
/// 1 January 1980, as NumPy has it: the same array is the same file.
const DATE: u16 = 1 << 5 | 1;
/// A 32-bit field that says: look into the ZIP64 one.
const ELSEWHERE: u32 = u32::MAX;
/// A regular file that its owner may read and write, as Unix has it.
const MODE: u32 = 0o100_600 << 16;

impl Member {
    /// A member that begins with `header`, with so many bytes of data behind that; `None` where its name
    /// is too long.
    pub fn new(name: String, header: &[u8], data: u64) -> Option<Self> {
        u16::try_from(name.len()).ok()?;
        let mut crc = crc32fast::Hasher::new();
        crc.update(header);
        Some(Self { name, bytes: header.len() as u64 + data, crc })
    }

    /// Takes note of data that follows.
    pub fn add(&mut self, data: &[u8]) {
        self.crc.update(data);
    }

    /// What stands before the member.
    pub fn head(&self) -> Vec<u8> {
        let mut out = Bytes::default();
        out.u32(LOCAL).u16(VERSION).u16(FLAGS).u16(0).u16(0).u16(DATE);
        out.u32(0).u32(ELSEWHERE).u32(ELSEWHERE).name_and_extra(&self.name, self.bytes);
        out.0
    }

    /// How many bytes [`Member::tail`] is.
    pub fn tail_bytes(&self) -> u64 {
        (24 + 46 + self.name.len() + 20 + 56 + 20 + 22) as u64
    }

    /// What stands behind it: its checksum, and the directory.
    pub fn tail(&self) -> Vec<u8> {
        let (mut out, crc) = (Bytes::default(), self.crc.clone().finalize());
        out.u32(DESCRIPTOR).u32(crc).u64(self.bytes).u64(self.bytes);
        let directory = self.head().len() as u64 + self.bytes + out.0.len() as u64;
        let before = out.0.len();
        // Made by Unix (3).
        out.u32(CENTRAL).u16(3 << 8 | VERSION).u16(VERSION).u16(FLAGS).u16(0).u16(0).u16(DATE);
        out.u32(crc).u32(ELSEWHERE).u32(ELSEWHERE).central_end(&self.name, self.bytes);
        let size = (out.0.len() - before) as u64;
        out.u32(END_64)
            .u64(44)
            .u16(VERSION)
            .u16(VERSION)
            .u32(0)
            .u32(0)
            .u64(1)
            .u64(1)
            .u64(size)
            .u64(directory);
        out.u32(LOCATOR_64).u32(0).u64(directory + size).u32(1);
        out.u32(END).u16(0).u16(0).u16(1).u16(1).u32(size as u32).u32(ELSEWHERE).u16(0);
        out.0
    }
}

/// Numbers as the format has them: little-endian.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn u16(&mut self, x: u16) -> &mut Self {
        self.0.extend(x.to_le_bytes());
        self
    }

    fn u32(&mut self, x: u32) -> &mut Self {
        self.0.extend(x.to_le_bytes());
        self
    }

    fn u64(&mut self, x: u64) -> &mut Self {
        self.0.extend(x.to_le_bytes());
        self
    }

    /// The field with both sizes, before and after compression.
    fn extra(&mut self, bytes: u64) -> &mut Self {
        self.u16(1).u16(16).u64(bytes).u64(bytes)
    }

    fn name_and_extra(&mut self, name: &str, bytes: u64) -> &mut Self {
        self.u16(name.len() as u16).u16(20).0.extend(name.as_bytes());
        self.extra(bytes)
    }

    /// The same in the directory, with no comment, on disk 0, and the member at the file's start.
    fn central_end(&mut self, name: &str, bytes: u64) -> &mut Self {
        self.u16(name.len() as u16).u16(20).u16(0).u16(0).u16(0).u32(MODE).u32(0).0.extend(name.as_bytes());
        self.extra(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn what_is_written_is_an_archive() {
        for data in [&b""[..], b"some data"] {
            let mut member = Member::new("a/é.npy".to_owned(), b"header", data.len() as u64).unwrap();
            let mut file = [&member.head()[..], b"header", data].concat();
            data.chunks(4).for_each(|part| member.add(part));
            let tail = member.tail();
            assert_eq!(tail.len() as u64, member.tail_bytes());
            file.extend(tail);
            let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&file)).unwrap();
            assert_eq!(archive.len(), 1);
            let mut found = archive.by_name("a/é.npy").unwrap();
            let mut read = Vec::new();
            found.read_to_end(&mut read).unwrap();
            assert_eq!(read, [b"header", data].concat());
            assert_eq!(found.data_start(), Some(member.head().len() as u64));
        }
        assert!(Member::new("n".repeat(70_000), b"", 0).is_none());
    }
}
