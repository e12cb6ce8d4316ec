//! Formats of weights that are not read, recognised by a file's first bytes, each with the way to safetensors.

/// What a file is, and what to do.
pub(super) type Recognized = (&'static str, &'static str);

const PICKLE: Recognized = (
    "it is in PyTorch's pickle format, which can run any code when it is read, and is never read here",
    "convert it with scripts/convert-weights, or load it in PyTorch and write its state_dict with safetensors.torch.save_file",
);

/// By the first bytes; the longer of two that start alike stands first.
const SIGNATURES: &[(&[u8], Recognized)] = &[
    // `torch.save` wrote pickles of protocol 2 and later before PyTorch 1.6.
    (b"\x80\x02", PICKLE),
    (b"\x80\x03", PICKLE),
    (b"\x80\x04", PICKLE),
    (b"\x80\x05", PICKLE),
    (
        b"\x89HDF\r\n\x1a\n",
        (
            "it is an HDF5 file, such as Keras's .h5, whose layers have other names and layouts",
            "give weights of the network in PyTorch, written with safetensors.torch.save_file",
        ),
    ),
    (
        b"\x93NUMPY",
        (
            "it is a NumPy array, and weights are named tensors",
            "write the arrays by their names with safetensors.numpy.save_file",
        ),
    ),
    (
        b"GGUF",
        (
            "it is a GGUF file, whose tensors are quantised",
            "give the weights that it was made from, as safetensors",
        ),
    ),
    (
        b"version https://git-lfs.github.com/spec/",
        (
            "it is a pointer of Git LFS in place of the file",
            "get the file itself, with `git lfs pull` in its repository",
        ),
    ),
    (
        b"\x1f\x8b",
        (
            "it is compressed with gzip",
            "unpack it with gunzip (or tar -xzf) and give the file in it",
        ),
    ),
    (
        b"\x28\xb5\x2f\xfd",
        ("it is compressed with Zstandard", "unpack it with `zstd -d`"),
    ),
    (b"\xfd7zXZ\0", ("it is compressed with xz", "unpack it with `xz -d`")),
    (b"BZh", ("it is compressed with bzip2", "unpack it with `bzip2 -d`")),
    (
        b"7z\xbc\xaf\x27\x1c",
        ("it is a 7z archive", "unpack it and give the file in it"),
    ),
];

const PYTORCH_ZIP: Recognized = PICKLE;
const NUMPY_ZIP: Recognized = (
    "it is an archive of NumPy arrays (.npz)",
    "write the arrays by their names with safetensors.numpy.save_file",
);
const KERAS_ZIP: Recognized = (
    "it is Keras's archive (.keras), whose layers have other names and layouts",
    "give weights of the network in PyTorch, written with safetensors.torch.save_file",
);
const ONNX: Recognized = (
    "it is an ONNX model",
    "give the weights that it was exported from, written with safetensors.torch.save_file",
);
const TFLITE: Recognized = (
    "it is a TensorFlow Lite model",
    "give weights of the network in PyTorch, written with safetensors.torch.save_file",
);
const INDEX: Recognized = (
    "it is the index of a model whose tensors are in several files",
    "join them into one, with safetensors.torch.load_file on each and save_file of all tensors",
);
const JSON: Recognized = (
    "it is JSON, such as a model's configuration",
    "give the safetensors file beside it",
);
const WEB_PAGE: Recognized = (
    "it is a web page: the download gave an error or asked for a login",
    "download the file itself",
);
const EMPTY: Recognized = ("the file is empty", "export or download it again");

/// The format that a file's bytes are in, if it is one of those known.
pub(super) fn recognized(bytes: &[u8]) -> Option<Recognized> {
    if bytes.is_empty() {
        return Some(EMPTY);
    }
    // The length of a header, and the header's first letter: safetensors, cut off.
    if bytes.get(4..9) == Some(b"\0\0\0\0{") {
        return None;
    }
    if let Some(zip) = bytes.strip_prefix(b"PK\x03\x04") {
        return Some(in_zip(zip));
    }
    let known = SIGNATURES.iter().find(|(start, _)| bytes.starts_with(start));
    known
        .map(|(_, recognized)| *recognized)
        .or_else(|| in_text(bytes))
        .or_else(|| {
            // ONNX is a protobuf without a signature: field 1, the version of its format, and then the producer, a name
            // or the model's own graph. TensorFlow Lite has its own behind the first offset.
            match bytes {
                [0x08, 1..=32, 0x12 | 0x3a, ..] => Some(ONNX),
                _ if bytes.get(4..8) == Some(b"TFL3") => Some(TFLITE),
                _ => None,
            }
        })
}

/// By the name of the archive's first file, which stands behind the 30 bytes of its header.
fn in_zip(behind_signature: &[u8]) -> Recognized {
    let name = behind_signature.get(22..24).and_then(|length| {
        let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
        behind_signature.get(26..26 + length)
    });
    match name {
        Some(name) if name.ends_with(b".npy") => NUMPY_ZIP,
        Some(b"metadata.json" | b"config.json" | b"model.weights.h5") => KERAS_ZIP,
        _ => PYTORCH_ZIP,
    }
}

fn in_text(bytes: &[u8]) -> Option<Recognized> {
    let start = bytes.trim_ascii_start();
    let starts = |word: &str| {
        let same = start.get(..word.len());
        same.is_some_and(|same| same.eq_ignore_ascii_case(word.as_bytes()))
    };
    if starts("<!doctype html") || starts("<html") {
        return Some(WEB_PAGE);
    }
    // A header of safetensors is JSON too, but stands behind its length.
    let is_text = start.first() == Some(&b'{') && bytes.iter().take(512).all(|byte| !matches!(byte, 0..=8 | 14..=31));
    let is_index = || bytes.windows(12).take(1 << 16).any(|part| part == b"\"weight_map\"");
    is_text.then(|| if is_index() { INDEX } else { JSON })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A zip archive's first header.
    fn zip(name: &str) -> Vec<u8> {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.extend([0; 22]);
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend([0; 2]);
        bytes.extend(name.as_bytes());
        bytes
    }

    #[test]
    fn each_format_is_recognised_by_its_first_bytes() {
        for (bytes, word) in [
            (zip("archive/data.pkl"), "pickle"),
            (b"PK\x03\x04".to_vec(), "pickle"),
            (b"\x80\x02\x8a\x0a".to_vec(), "pickle"),
            (zip("conv.npy"), ".npz"),
            (zip("metadata.json"), ".keras"),
            (b"\x89HDF\r\n\x1a\n".to_vec(), ".h5"),
            (b"\x93NUMPY\x01\0".to_vec(), "NumPy array"),
            (b"GGUF\x03\0\0\0".to_vec(), "GGUF"),
            (b"\x08\x07\x12\x07pytorch".to_vec(), "ONNX"),
            (b"\x1c\0\0\0TFL3".to_vec(), "TensorFlow Lite"),
            (b"version https://git-lfs.github.com/spec/v1\noid".to_vec(), "Git LFS"),
            (b"\n<!DOCTYPE html><html>".to_vec(), "web page"),
            (b"{\"metadata\": {}, \"weight_map\": {}}".to_vec(), "several files"),
            (b"{\"architectures\": []}".to_vec(), "configuration"),
            (b"\x1f\x8b\x08".to_vec(), "gzip"),
            (Vec::new(), "empty"),
        ] {
            let (rule, _) = recognized(&bytes).unwrap();
            assert!(rule.contains(word), "{rule}: {word}");
        }
        for other in [&b"\x10\0\0\0\0\0\0\0{}"[..], b"\0", b"text"] {
            assert_eq!(recognized(other), None);
        }
    }
}
