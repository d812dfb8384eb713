#include "aface/kernel/inner_products.h"

#include <dnnl.h>

#include <algorithm>

#include "aface/core/check.h"
#include "aface/kernel/one_open_mp_thread.h"

namespace aface {

void inner_products(RowMatrix a, RowMatrix b, float* out, std::size_t stride) {
  AFACE_CHECK(a.dim == b.dim, "inner products of rows of {} and {} values", a.dim, b.dim);
  AFACE_CHECK(stride >= b.rows, "row stride {} under {} columns", stride, b.rows);
  if (a.rows == 0 || b.rows == 0) return;
  if (a.dim == 0) {
    for (std::size_t i = 0; i < a.rows; ++i) std::fill_n(out + i * stride, b.rows, 0.0F);
    return;
  }
  const OneOpenMpThread alone;
  const auto dim = static_cast<dnnl_dim_t>(a.dim);
  const dnnl_status_t status =
      dnnl_sgemm('N', 'T', static_cast<dnnl_dim_t>(a.rows), static_cast<dnnl_dim_t>(b.rows), dim, 1.0F,
                 a.data, dim, b.data, dim, 0.0F, out, static_cast<dnnl_dim_t>(stride));
  AFACE_CHECK(status == dnnl_success, "dnnl_sgemm answered {}", static_cast<int>(status));
}

namespace {

// Independent partial sums: without them the order of additions would forbid vector code.
template <class Sum>
Sum sum_of_products(const float* a, const float* b, std::size_t dim) {
  constexpr std::size_t kLanes = 32;
  Sum lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += static_cast<Sum>(a[i + lane]) * static_cast<Sum>(b[i + lane]);
    }
  }
  Sum sum = 0;
  for (const Sum lane : lanes) sum += lane;
  for (; i < dim; ++i) sum += static_cast<Sum>(a[i]) * static_cast<Sum>(b[i]);
  return sum;
}

}  // namespace

float inner_product(const float* a, const float* b, std::size_t dim) {
  return sum_of_products<float>(a, b, dim);
}

double wide_inner_product(const float* a, const float* b, std::size_t dim) {
  return sum_of_products<double>(a, b, dim);
}

}  // namespace aface
