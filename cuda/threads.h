// One source for a kernel on the GPU and for its test on the processor, where the threads of a block take turns.
//
// Between two barriers a block's threads work on their own: such a part stands between THREADS(t) and BARRIER. What a thread keeps
// from one part to the next is declared with OWN and read through the thread's number.

#pragma once

#ifdef __CUDACC__

#define KERNEL extern "C" __global__ void
#define BLOCK_X int(blockIdx.x)
#define BLOCK_Y int(blockIdx.y)
#define SHARED __shared__
#define OWN(type, name, size) type name[size]
#define OF(name, t) name
#define THREADS(t) \
  {                \
    const int t = int(threadIdx.x);
#define BARRIER    \
  __syncthreads(); \
  }

#else

#include <cmath>

namespace block {
inline int x = 0;
inline int y = 0;
// Whether the last thread comes first: a part that needs another thread's work of the same part gives something else then.
inline bool backwards = false;
}  // namespace block

#define KERNEL inline void
#define BLOCK_X block::x
#define BLOCK_Y block::y
#define SHARED
#define OWN(type, name, size) type name[kThreads][size]
#define OF(name, t) name[t]
#define THREADS(t)                                  \
  for (int turn = 0; turn < kThreads; ++turn) {     \
    const int t = block::backwards ? kThreads - 1 - turn : turn;
#define BARRIER }

#endif
