// What CUDA's runtime headers take from a header of its compiler, which nvidia-cuda-runtime-cu12 does not have: marks that mean
// something to that compiler alone. Searched last: where CUDA's own is there, that is taken.

#pragma once

#define CUDARTAPI
#define CUDARTAPI_CDECL
#define __align__(n) __attribute__((aligned(n)))
#define __builtin_align__(n) __align__(n)
#define __cudart_builtin__
#define __device_builtin__
#define __device_builtin_surface_type__
#define __device_builtin_texture_type__
#define __host__
#define __device__
#define __specialization_static static
