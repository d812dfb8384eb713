#include "apps/adaptiveface/start_up.h"

#include <malloc.h>
#include <stdlib.h>

#include <climits>

namespace aface {
namespace {

// glibc maps every block above 32 MiB afresh and gives it back at once, so a training step, whose activations
// are that large, spends most of its time on page faults. Kept blocks make eager training several times as
// fast. Both limits are ints: blocks above 2 GiB are still mapped one by one, which is right for rows of
// prototypes that live as long as the run. -1 means "never give the top of the heap back".
void keep_large_blocks() {
  constexpr int kGrowthBytes = 256 << 20;
  mallopt(M_MMAP_THRESHOLD, INT_MAX);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_TOP_PAD, kGrowthBytes);
}

bool has_avx512() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
#else
  return false;
#endif
}

}  // namespace

void set_up_process() {
  keep_large_blocks();
  // LibTorch has AVX-512 kernels but uses them only when asked to. It looks once, at its first dispatch.
  constexpr int kKeepWhatIsSet = 0;
  if (has_avx512()) ::setenv("ATEN_CPU_CAPABILITY", "avx512", kKeepWhatIsSet);
}

}  // namespace aface
