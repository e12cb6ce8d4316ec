//! The shared libraries that this process runs with.

use std::path::PathBuf;

/// The file of that name that this process has loaded; none where it has not, and on a system that does not tell it.
pub fn loaded_library(name: &str) -> Option<PathBuf> {
    in_maps(&std::fs::read_to_string("/proc/self/maps").ok()?, name)
}

/// Of the lines of `/proc/self/maps` the first path whose last part is that name. Five columns stand before the path.
fn in_maps(maps: &str, name: &str) -> Option<PathBuf> {
    let paths = maps.lines().filter_map(|line| Some(&line[line.find('/')?..]));
    // The kernel marks a file that was replaced or removed since.
    let mut paths = paths.map(|path| PathBuf::from(path.strip_suffix(" (deleted)").unwrap_or(path)));
    paths.find(|path| path.file_name().is_some_and(|last| last == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_found_by_its_last_part() {
        let maps = "\
7f0000000000-7f0000001000 r--p 00000000 fe:00 11   /usr/lib/libc.so.6
7f0000001000-7f0000002000 rw-p 00000000 00:00 0
7f0000002000-7f0000003000 r--p 00000000 fe:00 12   /opt/my torch/lib/libtorch_cpu.so (deleted)
7fff00000000-7fff00001000 rw-p 00000000 00:00 0    [stack]
";
        let found = |name| in_maps(maps, name);
        assert_eq!(
            found("libtorch_cpu.so"),
            Some("/opt/my torch/lib/libtorch_cpu.so".into())
        );
        assert_eq!(found("libc.so.6"), Some("/usr/lib/libc.so.6".into()));
        assert_eq!(found("torch_cpu.so"), None);
    }
}
