#include "aface/kernel/eight_bit_products.h"

#include <dnnl.h>

#include "aface/core/check.h"
#include "aface/kernel/one_open_mp_thread.h"

namespace aface {
namespace {

void products_by_onednn(const std::uint8_t* a, std::size_t rows, const std::int8_t* b, std::size_t columns,
                        std::size_t stride, std::int32_t* out) {
  const OneOpenMpThread alone;
  const std::int32_t no_offset = 0;
  const auto m = static_cast<dnnl_dim_t>(rows), n = static_cast<dnnl_dim_t>(columns), k = static_cast<dnnl_dim_t>(stride);
  const dnnl_status_t status =
      dnnl_gemm_u8s8s32('N', 'T', 'F', m, n, k, 1.0F, a, k, 0, b, k, 0, 0.0F, out, n, &no_offset);
  AFACE_CHECK(status == dnnl_success, "dnnl_gemm_u8s8s32 answered {}", static_cast<int>(status));
}

}  // namespace

Span<const EightBitKernel> eight_bit_kernels() {
  static constexpr EightBitKernel kKernels[] = {
#ifdef __AVX512VNNI__
      {"vnni", eight_bit_products_vnni, 32},
#endif
#ifdef __AVX2__
      {"avx2", eight_bit_products_avx2, 32},
#endif
      {"onednn", products_by_onednn, 256},
  };
  return {kKernels, std::size(kKernels)};
}

}  // namespace aface
