#include "aface/kernel/inner_products.h"

#include <dnnl.h>
#include <omp.h>

#include <algorithm>

#include "aface/core/check.h"

namespace aface {
namespace {

// oneDNN asks OpenMP how many threads to use; the setting belongs to the calling thread.
class OneOpenMpThread {
 public:
  OneOpenMpThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneOpenMpThread() { omp_set_num_threads(before_); }
  OneOpenMpThread(const OneOpenMpThread&) = delete;
  OneOpenMpThread& operator=(const OneOpenMpThread&) = delete;

 private:
  int before_;
};

}  // namespace

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
      dnnl_sgemm('N', 'T', static_cast<dnnl_dim_t>(a.rows), static_cast<dnnl_dim_t>(b.rows), dim, 1.0F, a.data, dim,
                 b.data, dim, 0.0F, out, static_cast<dnnl_dim_t>(stride));
  AFACE_CHECK(status == dnnl_success, "dnnl_sgemm answered {}", static_cast<int>(status));
}

float inner_product(const float* a, const float* b, std::size_t dim) {
  // Independent partial sums: without them the order of additions would forbid vector code.
  constexpr std::size_t kLanes = 32;
  float lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  }
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  for (; i < dim; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace aface
