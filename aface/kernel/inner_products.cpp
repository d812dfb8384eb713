#include "aface/kernel/inner_products.h"

#include <dnnl.h>

#include <algorithm>

#include "aface/core/check.h"
#include "aface/kernel/one_open_mp_thread.h"

namespace aface {

namespace {

// c [m, n] = a b + beta c, each row-major, `transpose_x` saying that x is stored the other way round.
void multiply(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const float* a,
              std::size_t a_stride, const float* b, std::size_t b_stride, float beta, float* c, std::size_t c_stride) {
  const OneOpenMpThread alone;
  const auto size = [](std::size_t value) { return static_cast<dnnl_dim_t>(value); };
  const dnnl_status_t status =
      dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', size(m), size(n), size(k), 1.0F, a, size(a_stride), b,
                 size(b_stride), beta, c, size(c_stride));
  AFACE_CHECK(status == dnnl_success, "dnnl_sgemm answered {}", static_cast<int>(status));
}

}  // namespace

void inner_products(RowMatrix a, RowMatrix b, float* out, std::size_t stride) {
  AFACE_CHECK(a.dim == b.dim, "inner products of rows of {} and {} values", a.dim, b.dim);
  AFACE_CHECK(stride >= b.rows, "row stride {} under {} columns", stride, b.rows);
  if (a.rows == 0 || b.rows == 0) return;
  if (a.dim == 0) {
    for (std::size_t i = 0; i < a.rows; ++i) std::fill_n(out + i * stride, b.rows, 0.0F);
    return;
  }
  multiply(false, true, a.rows, b.rows, a.dim, a.data, a.dim, b.data, b.dim, 0.0F, out, stride);
}

void add_weighted_rows(const float* weights, std::size_t stride, std::size_t count, RowMatrix rows, float* out) {
  AFACE_CHECK(stride >= rows.rows, "row stride {} under {} columns", stride, rows.rows);
  if (count == 0 || rows.rows == 0 || rows.dim == 0) return;
  multiply(false, false, count, rows.dim, rows.rows, weights, stride, rows.data, rows.dim, 1.0F, out, rows.dim);
}

void transposed_weighted_rows(const float* weights, std::size_t stride, std::size_t count, RowMatrix rows, float* out) {
  AFACE_CHECK(stride >= count, "row stride {} under {} columns", stride, count);
  if (count == 0 || rows.dim == 0) return;
  if (rows.rows == 0) {
    std::fill_n(out, count * rows.dim, 0.0F);
    return;
  }
  multiply(true, false, count, rows.dim, rows.rows, weights, stride, rows.data, rows.dim, 0.0F, out, rows.dim);
}

namespace {

// Independent partial sums, added in pairs at the end: without them the order of additions would forbid vector code.
// g++ turns this into a handful of vector instructions only when it sees every trip count.
template <class Sum>
Sum sum_of_products(const float* a, const float* b, std::size_t dim) {
  constexpr std::size_t kLanes = 32;
  Sum sum = 0;
  std::size_t i = 0;
  if (dim >= kLanes) {
    Sum lanes[kLanes];
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] = static_cast<Sum>(a[lane]) * static_cast<Sum>(b[lane]);
    for (i = kLanes; i + kLanes <= dim; i += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        lanes[lane] += static_cast<Sum>(a[i + lane]) * static_cast<Sum>(b[i + lane]);
      }
    }
    for (std::size_t lane = 0; lane < 16; ++lane) lanes[lane] += lanes[lane + 16];
    for (std::size_t lane = 0; lane < 8; ++lane) lanes[lane] += lanes[lane + 8];
    for (std::size_t lane = 0; lane < 4; ++lane) lanes[lane] += lanes[lane + 4];
    sum = (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
  }
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
