//! The vector instructions of libtorch's convolutions.

use crate::network::VectorInstructions;

/// oneDNN's variables that hold it to a set of instructions, in the order in which it looks for them.
const LIMITS: [&str; 2] = ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"];

/// The vector instructions that oneDNN takes for f32 on this processor, within what its variables allow (`init_max_cpu_isa`
/// in its `cpu_isa_traits.cpp`): extensions of AVX2 and of AVX-512, VNNI and AMX among them, change nothing for f32, and
/// libtorch's own `ATEN_CPU_CAPABILITY` does not reach oneDNN. Of a processor with neither set, those whose memory is
/// nearest.
pub fn vector_instructions() -> VectorInstructions {
    let limit = LIMITS
        .iter()
        .filter_map(std::env::var_os)
        .find(|value| !value.is_empty())
        .and_then(|value| value.into_string().ok());
    within(has_avx512(), limit.as_deref())
}

/// oneDNN's avx512_core.
#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512() -> bool {
    false
}

/// oneDNN ignores a value that it does not know; of those that it knows, these hold it below AVX-512.
fn within(has_avx512: bool, limit: Option<&str>) -> VectorInstructions {
    const BELOW: [&str; 5] = ["SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2"];
    let is_below = limit.is_some_and(|limit| BELOW.iter().any(|name| name.eq_ignore_ascii_case(limit)));
    if has_avx512 && !is_below {
        VectorInstructions::Avx512
    } else {
        VectorInstructions::Avx2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_onednn_hold_a_processor_with_avx512_to_avx2_and_give_none_to_another() {
        for limit in [
            None,
            Some("ALL"),
            Some("AVX512_CORE"),
            Some("avx512_core_amx"),
            Some("typo"),
        ] {
            assert_eq!(within(true, limit), VectorInstructions::Avx512, "{limit:?}");
            assert_eq!(within(false, limit), VectorInstructions::Avx2, "{limit:?}");
        }
        for limit in ["AVX2", "avx2", "SSE41", "AVX2_VNNI_2"] {
            assert_eq!(within(true, Some(limit)), VectorInstructions::Avx2, "{limit}");
        }
    }
}
