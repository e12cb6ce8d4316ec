//! Which libtorch the process runs with, and the CUDA and cuDNN in it.
#![expect(unsafe_code, reason = "tch does not say it; versions.cpp does")]

use std::ffi::{CStr, c_char, c_int, c_long};

use super::native_error::{NativeError, checked};

unsafe extern "C" {
    fn densenet_bench_libtorch_versions(
        headers: *mut c_char,
        libraries: *mut c_char,
        length: usize,
        error: *mut c_char,
        room: usize,
    ) -> c_int;
    fn densenet_bench_cuda_versions(cuda: *mut c_long, cudnn: *mut c_long, error: *mut c_char, room: usize) -> c_int;
}

/// The versions of a libtorch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibtorchVersions {
    /// That of the headers which the program's C++ was compiled with, `2.9.0`.
    pub headers: String,
    /// That of the libraries which the process runs with; empty where they do not say it.
    pub libraries: String,
}

impl LibtorchVersions {
    /// Of this process.
    ///
    /// # Errors
    /// An exception of libtorch.
    pub fn here() -> Result<Self, NativeError> {
        let (mut headers, mut libraries) = ([0u8; 64], [0u8; 64]);
        // SAFETY: at most 64 bytes are written to each of both, with the zero that ends them, and at most `room` to `error`,
        // which `checked` provides; no exception gets out.
        checked(|error, room| unsafe {
            let [headers, libraries] = [&mut headers, &mut libraries].map(|text| text.as_mut_ptr().cast());
            densenet_bench_libtorch_versions(headers, libraries, 64, error, room)
        })?;
        let [headers, libraries] = [headers, libraries].map(|bytes| {
            let text = CStr::from_bytes_until_nul(&bytes).map_or_else(|_| "".into(), CStr::to_string_lossy);
            text.into_owned()
        });
        Ok(Self { headers, libraries })
    }

    /// Whether the headers are those of the libraries, but for the last number: within a minor version libtorch keeps the layout
    /// of its objects, and from one to the next it does not. Libraries that do not say their version are taken at their word.
    pub fn fit(&self) -> bool {
        let minor = |version: &str| version.split('.').take(2).collect::<Vec<_>>().join(".");
        self.libraries.is_empty() || minor(&self.headers) == minor(&self.libraries)
    }

    /// The version that is recorded: the libraries', which do the arithmetic.
    pub fn recorded(&self) -> &str {
        if self.libraries.is_empty() {
            &self.headers
        } else {
            &self.libraries
        }
    }
}

/// The versions of CUDA's runtime and of cuDNN, `12.8` and `9.10.2`; none of what this libtorch has not.
pub fn cuda_versions() -> (Option<String>, Option<String>) {
    let (mut cuda, mut cudnn) = (0, 0);
    // SAFETY: both numbers are written before the call returns 0; the rest as above.
    let asked =
        checked(|error, room| unsafe { densenet_bench_cuda_versions(&raw mut cuda, &raw mut cudnn, error, room) });
    match asked {
        Ok(()) => (cuda_in_words(cuda), cudnn_in_words(cudnn)),
        Err(_) => (None, None),
    }
}

/// `CUDART_VERSION` is 1000 times the major number and 10 times the minor.
fn cuda_in_words(number: c_long) -> Option<String> {
    (number > 0).then(|| format!("{}.{}", number / 1000, number % 1000 / 10))
}

/// `CUDNN_VERSION` is 10000 times the major number, or 1000 times before cuDNN 9, 100 times the minor, and the patch level.
fn cudnn_in_words(number: c_long) -> Option<String> {
    let of_major = if number >= 90_000 { 10_000 } else { 1000 };
    (number > 0).then(|| format!("{}.{}.{}", number / of_major, number % of_major / 100, number % 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_libtorch_of_another_minor_version_does_not_fit_and_of_another_patch_level_does() {
        let versions = |headers: &str, libraries: &str| LibtorchVersions {
            headers: headers.to_owned(),
            libraries: libraries.to_owned(),
        };
        assert!(versions("2.9.0", "2.9.1").fit() && versions("2.9.0", "").fit());
        assert!(!versions("2.9.0", "2.11.0").fit() && !versions("2.1.0", "2.11.0").fit());
        assert_eq!(versions("2.9.0", "2.9.1").recorded(), "2.9.1");
        assert_eq!(versions("2.9.0", "").recorded(), "2.9.0");
    }

    #[test]
    fn the_libraries_of_this_process_are_those_that_it_was_compiled_for() {
        let versions = LibtorchVersions::here().unwrap();
        assert!(versions.fit() && !versions.libraries.is_empty(), "{versions:?}");
    }

    #[test]
    fn cudas_numbers_are_versions() {
        assert_eq!(cuda_in_words(12_080).as_deref(), Some("12.8"));
        assert_eq!(cuda_in_words(13_000).as_deref(), Some("13.0"));
        assert_eq!(cudnn_in_words(91_002).as_deref(), Some("9.10.2"));
        assert_eq!(cudnn_in_words(8_907).as_deref(), Some("8.9.7"));
        assert_eq!((cuda_in_words(0), cudnn_in_words(0)), (None, None));
    }
}
