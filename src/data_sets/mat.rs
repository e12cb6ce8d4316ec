//! Numeric arrays of MAT-files of version 5, compressed or not (*MAT-File Format*, The MathWorks, 2019).
//!
//! After a header of 128 bytes a file has an element for each variable, a matrix, which may be within a zlib stream. An
//! element is a tag (type and length) and its bytes, padded to a multiple of 8; up to 4 bytes fit into the tag itself. A
//! matrix has its class, its dimensions, its name and its values, the first index varying fastest.

use std::io::{self, ErrorKind, Read};

use flate2::bufread::ZlibDecoder;

use crate::words::grouped;

const HEADER: usize = 128;

/// Types of elements (the format's table 1-1).
const INT8: u32 = 1;
const UINT8: u32 = 2;
const INT16: u32 = 3;
const UINT16: u32 = 4;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const SINGLE: u32 = 7;
const DOUBLE: u32 = 9;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

/// Classes of numeric arrays, from double to 64-bit integers (table 1-3).
const NUMERIC: std::ops::RangeInclusive<u8> = 6..=15;

/// The most bytes of a matrix' dimensions or name: more than any array of images has.
const LARGEST_FIELD: u32 = 256;

/// The variables of a file, one after the other.
pub struct Variables<'a> {
    rest: &'a [u8],
    is_big_endian: bool,
}

/// A numeric array whose values are read when they are asked for.
pub struct Variable<'a> {
    /// Its name.
    pub name: String,
    /// The lengths of its dimensions.
    pub dimensions: Vec<usize>,
    stream: Stream<'a>,
}

impl<'a> Variables<'a> {
    /// The variables of a file, or of its first bytes.
    ///
    /// # Errors
    /// It is not a MAT-file of version 5; for a message: what was found, and what was expected.
    pub fn open(file: &'a [u8]) -> Result<Self, String> {
        let expected = "a MAT-file of version 5 was expected";
        if file.is_empty() {
            return Err(format!("it is empty, and {expected}"));
        }
        let is_hdf5 = |bytes: &[u8]| bytes.starts_with(b"\x89HDF\r\n");
        if is_hdf5(file) || file.starts_with(b"MATLAB 7.3") {
            return Err(format!("it is a MAT-file of version 7.3 (HDF5), and {expected}"));
        }
        let Some((header, rest)) = file.split_at_checked(HEADER) else {
            return Err(format!("it has {} bytes, and {expected}", file.len()));
        };
        let is_big_endian = match &header[HEADER - 4..] {
            [_, 1, b'I', b'M'] => false,
            [1, _, b'M', b'I'] => true,
            _ => return Err(format!("its header is another one, and {expected}")),
        };
        Ok(Self { rest, is_big_endian })
    }
}

impl<'a> Iterator for Variables<'a> {
    /// A numeric array, or why what stands in its place cannot be read. Structures, cells and text are skipped.
    type Item = Result<Variable<'a>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let mut stream = Stream::plain(self.rest, self.is_big_endian);
            let tag = match stream.tag() {
                Ok(tag) => tag,
                Err(error) => {
                    self.rest = &[];
                    return Some(Err(error));
                }
            };
            // A whole tag has 8 bytes. Of a file that is cut short what is there is read, and the lack found where it is met.
            let body = &self.rest[8..];
            let length = match tag.small {
                Some(_) => 0,
                None => usize::try_from(tag.bytes).unwrap_or(usize::MAX).min(body.len()),
            };
            let (body, rest) = body.split_at(length);
            self.rest = rest;
            let stream = match tag.kind {
                MATRIX => Stream::plain(body, self.is_big_endian),
                COMPRESSED => {
                    let mut stream = Stream {
                        reader: Box::new(ZlibDecoder::new(body)),
                        is_big_endian: self.is_big_endian,
                    };
                    match stream.tag() {
                        Ok(Tag { kind: MATRIX, .. }) => stream,
                        Ok(_) => continue,
                        Err(error) => return Some(Err(error)),
                    }
                }
                _ => continue,
            };
            match matrix(stream) {
                Ok(None) => {}
                Ok(Some(variable)) => return Some(Ok(variable)),
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }
}

/// A matrix up to its values; none where it is not a numeric array.
fn matrix(mut stream: Stream<'_>) -> Result<Option<Variable<'_>>, String> {
    let flags = stream.field()?;
    let class = flags.first_chunk().map_or(0, |word| stream.word(*word) as u8);
    if !NUMERIC.contains(&class) {
        return Ok(None);
    }
    let dimensions = stream.field()?;
    let dimensions: Vec<usize> = (dimensions.chunks_exact(4))
        .map(|word| stream.word([word[0], word[1], word[2], word[3]]) as usize)
        .collect();
    let name = String::from_utf8_lossy(&stream.field()?).into_owned();
    Ok(Some(Variable {
        name,
        dimensions,
        stream,
    }))
}

impl Variable<'_> {
    /// Appends the array's bytes, the first index varying fastest, to `bytes`. Memory grows with the bytes that are there.
    ///
    /// # Errors
    /// Values of another type than unsigned bytes, another number of them than its dimensions have, or a damaged file.
    pub fn append_bytes(mut self, bytes: &mut Vec<u8>) -> Result<(), String> {
        let tag = self.stream.tag()?;
        if tag.kind != UINT8 {
            return Err(format!(
                "{} has values of type {}, and unsigned bytes (type {UINT8}) were expected",
                self.name, tag.kind
            ));
        }
        self.check_count(u64::from(tag.bytes))?;
        self.read(&tag, bytes)
    }

    /// The array's values as numbers, the first index varying fastest.
    ///
    /// # Errors
    /// Values of a type wider than 64 bits or no numbers, another number of them than its dimensions have, or a damaged
    /// file.
    pub fn numbers(mut self) -> Result<Vec<f64>, String> {
        let tag = self.stream.tag()?;
        let width = match tag.kind {
            INT8 | UINT8 => 1,
            INT16 | UINT16 => 2,
            INT32 | UINT32 | SINGLE => 4,
            DOUBLE => 8,
            other => {
                return Err(format!(
                    "{} has values of type {other}, and numbers were expected",
                    self.name
                ));
            }
        };
        self.check_count(u64::from(tag.bytes) / width as u64)?;
        let mut bytes = Vec::new();
        self.read(&tag, &mut bytes)?;
        let is_big_endian = self.stream.is_big_endian;
        let number = |value: &[u8]| {
            // The least significant byte first.
            let mut word = [0; 8];
            for (place, &byte) in value.iter().enumerate() {
                word[if is_big_endian { width - 1 - place } else { place }] = byte;
            }
            let bits = u64::from_le_bytes(word);
            match tag.kind {
                INT8 => f64::from(bits as i8),
                INT16 => f64::from(bits as i16),
                INT32 => f64::from(bits as i32),
                SINGLE => f64::from(f32::from_bits(bits as u32)),
                DOUBLE => f64::from_bits(bits),
                // At most 32 bits.
                _ => bits as f64,
            }
        };
        Ok(bytes.chunks_exact(width).map(number).collect())
    }

    fn check_count(&self, found: u64) -> Result<(), String> {
        let expected = (self.dimensions.iter()).try_fold(1u64, |count, &length| count.checked_mul(length as u64));
        if expected == Some(found) {
            return Ok(());
        }
        let lengths: Vec<String> = self.dimensions.iter().map(usize::to_string).collect();
        Err(format!(
            "{} is {}, and has {} values",
            self.name,
            lengths.join("x"),
            grouped(found)
        ))
    }

    /// The bytes of an element, and what is left of a compressed variable, whose checksum is at its end.
    fn read(&mut self, tag: &Tag, bytes: &mut Vec<u8>) -> Result<(), String> {
        let ends = |found: usize| {
            let [found, expected] = [found as u64, u64::from(tag.bytes)].map(grouped);
            format!("it ends within {}, after {found} of {expected} bytes", self.name)
        };
        if let Some(small) = &tag.small {
            bytes.extend(small);
            return Ok(());
        }
        let before = bytes.len();
        let read = (&mut self.stream.reader).take(tag.bytes.into()).read_to_end(bytes);
        let found = bytes.len() - before;
        match read {
            Ok(_) if found as u64 == u64::from(tag.bytes) => {}
            Ok(_) => return Err(ends(found)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(ends(found)),
            Err(error) => return Err(damaged(&error)),
        }
        let mut padding = (&mut self.stream.reader).take(8);
        io::copy(&mut padding, &mut io::sink()).map_err(|error| damaged(&error))?;
        Ok(())
    }
}

/// What stands before an element's bytes.
struct Tag {
    kind: u32,
    bytes: u32,
    /// The bytes themselves, where the tag has them.
    small: Option<Vec<u8>>,
}

/// The bytes of a matrix, or of the file.
struct Stream<'a> {
    reader: Box<dyn Read + 'a>,
    is_big_endian: bool,
}

impl<'a> Stream<'a> {
    fn plain(bytes: &'a [u8], is_big_endian: bool) -> Self {
        Self {
            reader: Box::new(bytes),
            is_big_endian,
        }
    }

    fn word(&self, bytes: [u8; 4]) -> u32 {
        match self.is_big_endian {
            true => u32::from_be_bytes(bytes),
            false => u32::from_le_bytes(bytes),
        }
    }

    fn four(&mut self) -> Result<[u8; 4], String> {
        let mut bytes = [0; 4];
        match self.reader.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err("it ends before its values".to_owned()),
            Err(error) => Err(damaged(&error)),
        }
    }

    fn tag(&mut self) -> Result<Tag, String> {
        let first = self.four()?;
        let second = self.four()?;
        let kind = self.word(first);
        let (length, small_kind) = (kind >> 16, kind & 0xffff);
        Ok(match length {
            0 => Tag {
                kind,
                bytes: self.word(second),
                small: None,
            },
            1..=4 => Tag {
                kind: small_kind,
                bytes: length,
                small: Some(second[..length as usize].to_vec()),
            },
            _ => return Err(format!("it has an element of type 0x{kind:08x}, which there is not")),
        })
    }

    /// The bytes of a short element, with its padding read.
    fn field(&mut self) -> Result<Vec<u8>, String> {
        let tag = self.tag()?;
        if let Some(small) = tag.small {
            return Ok(small);
        }
        if tag.bytes > LARGEST_FIELD {
            return Err(format!(
                "a variable's name or dimensions have {} bytes, and at most {LARGEST_FIELD} were expected",
                grouped(tag.bytes.into())
            ));
        }
        let mut bytes = vec![0; tag.bytes.next_multiple_of(8) as usize];
        match self.reader.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Err("it ends before its values".to_owned());
            }
            Err(error) => return Err(damaged(&error)),
        }
        bytes.truncate(tag.bytes as usize);
        Ok(bytes)
    }
}

fn damaged(error: &io::Error) -> String {
    format!("it does not decompress: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(kind: u32, bytes: &[u8]) -> Vec<u8> {
        let mut element = [kind.to_le_bytes(), (bytes.len() as u32).to_le_bytes()].concat();
        element.extend(bytes);
        element.resize(element.len().next_multiple_of(8), 0);
        element
    }

    fn file(elements: &[Vec<u8>]) -> Vec<u8> {
        let mut file = vec![b' '; HEADER - 4];
        file.extend([0, 1, b'I', b'M']);
        file.extend(elements.concat());
        file
    }

    fn variable(class: u8, dimensions: &[i32], name: &str, values: Vec<u8>) -> Vec<u8> {
        let lengths: Vec<u8> = dimensions.iter().flat_map(|length| length.to_le_bytes()).collect();
        let parts = [
            element(UINT32, &[class, 0, 0, 0, 0, 0, 0, 0]),
            element(INT32, &lengths),
            element(INT8, name.as_bytes()),
            values,
        ];
        element(MATRIX, &parts.concat())
    }

    fn numbers(values: Vec<u8>) -> Result<Vec<f64>, String> {
        let file = file(&[variable(4, &[1, 1], "text", vec![]), variable(6, &[2, 1], "y", values)]);
        let variable = Variables::open(&file).unwrap().next().unwrap().unwrap();
        assert_eq!((variable.name.as_str(), &variable.dimensions[..]), ("y", &[2, 1][..]));
        variable.numbers()
    }

    #[test]
    fn numbers_are_read_in_every_type_that_they_are_stored_in() {
        let of = |kind, bytes: &[u8]| numbers(element(kind, bytes));
        assert_eq!(
            of(DOUBLE, &[1.5f64.to_le_bytes(), 10f64.to_le_bytes()].concat()).unwrap(),
            [1.5, 10.0]
        );
        assert_eq!(
            of(SINGLE, &[1.5f32.to_le_bytes(), 10f32.to_le_bytes()].concat()).unwrap(),
            [1.5, 10.0]
        );
        assert_eq!(of(INT16, &[255, 255, 2, 0]).unwrap(), [-1.0, 2.0]);
        assert_eq!(of(UINT16, &[255, 255, 2, 0]).unwrap(), [65535.0, 2.0]);
        assert_eq!(of(INT8, &[255, 2]).unwrap(), [-1.0, 2.0]);
        // Two bytes in the tag itself.
        assert_eq!(numbers(vec![2, 0, 2, 0, 7, 9, 0, 0]).unwrap(), [7.0, 9.0]);
        assert_eq!(of(UINT8, &[1, 2, 3]).unwrap_err(), "y is 2x1, and has 3 values");
        assert_eq!(
            of(18, &[1]).unwrap_err(),
            "y has values of type 18, and numbers were expected"
        );
    }

    #[test]
    fn a_file_cut_short_says_where() {
        let whole = file(&[variable(9, &[4, 2], "X", element(UINT8, &[1, 2, 3, 4, 5, 6, 7, 8]))]);
        let read = |bytes: &[u8]| -> Result<Vec<u8>, String> {
            let mut values = Vec::new();
            for variable in Variables::open(bytes)? {
                variable?.append_bytes(&mut values)?;
            }
            Ok(values)
        };
        assert_eq!(read(&whole).unwrap(), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(
            read(&whole[..whole.len() - 5]).unwrap_err(),
            "it ends within X, after 3 of 8 bytes"
        );
        assert_eq!(read(&whole[..140]).unwrap_err(), "it ends before its values");
        assert_eq!(
            read(&whole[..100]).unwrap_err(),
            "it has 100 bytes, and a MAT-file of version 5 was expected"
        );
        assert_eq!(
            read(&[b'x'; 200]).unwrap_err(),
            "its header is another one, and a MAT-file of version 5 was expected"
        );
        assert!(
            read(b"\x89HDF\r\n\x1a\n")
                .unwrap_err()
                .starts_with("it is a MAT-file of version 7.3 (HDF5)")
        );
    }
}
