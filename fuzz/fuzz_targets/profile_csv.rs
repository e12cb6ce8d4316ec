#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    densenet_bench_fuzz::profile_csv(bytes);
});
