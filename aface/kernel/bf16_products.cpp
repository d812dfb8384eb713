#include "aface/kernel/bf16_products.h"

#include <cstdint>
#include <cstring>
#include <dnnl.hpp>
#include <vector>

#include "aface/core/check.h"
#include "aface/kernel/inner_products.h"
#include "aface/kernel/one_open_mp_thread.h"

namespace aface {
namespace {

using Tag = dnnl::memory::format_tag;
using Type = dnnl::memory::data_type;

// The bits of the nearest bfloat16 and sixteen zeros. Without branches, so that loops over it become vector code.
std::uint32_t rounded_bits(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U;
  // A NaN whose mark lies in the lower half must stay one.
  const std::uint32_t rounded = is_nan ? bits | 0x00400000U : bits + 0x7fffU + ((bits >> 16) & 1U);
  return rounded & 0xffff0000U;
}

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

// A row-major matrix as oneDNN sees it, or its transpose.
dnnl::memory::desc view(std::size_t rows, std::size_t columns, std::size_t stride, bool transposed, Type type) {
  const auto size = [](std::size_t value) { return static_cast<dnnl::memory::dim>(value); };
  if (transposed) return {{size(columns), size(rows)}, type, {1, size(stride)}};
  return {{size(rows), size(columns)}, type, {size(stride), 1}};
}

struct Operand {
  const float* values;
  std::size_t rows, columns, stride;
  bool transposed;
};

std::vector<std::uint16_t> rounded(const Operand& operand) {
  std::vector<std::uint16_t> result(operand.rows * operand.columns);
  for (std::size_t i = 0; i < operand.rows; ++i) {
    const float* row = operand.values + i * operand.stride;
    std::uint16_t* out = result.data() + i * operand.columns;
    for (std::size_t j = 0; j < operand.columns; ++j) out[j] = static_cast<std::uint16_t>(rounded_bits(row[j]) >> 16);
  }
  return result;
}

// out = a b, or out += a b.
void multiply(const Operand& a, const Operand& b, float* out, std::size_t out_rows, std::size_t out_columns,
              std::size_t out_stride, bool add) {
  const OneOpenMpThread alone;
  std::vector<std::uint16_t> left = rounded(a), right = rounded(b);
  const dnnl::memory::desc left_view = view(a.rows, a.columns, a.columns, a.transposed, Type::bf16);
  const dnnl::memory::desc right_view = view(b.rows, b.columns, b.columns, b.transposed, Type::bf16);
  const dnnl::memory::desc out_view = view(out_rows, out_columns, out_stride, false, Type::f32);
  dnnl::primitive_attr attributes;
  if (add) {
    dnnl::post_ops sum;
    sum.append_sum(1.0F);
    attributes.set_post_ops(sum);
  }
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc plan(engine(), left_view, right_view, out_view, attributes);
#else
  const dnnl::matmul::primitive_desc plan(dnnl::matmul::desc(left_view, right_view, out_view), attributes, engine());
#endif
  dnnl::stream stream(engine());
  dnnl::matmul(plan).execute(stream, {{DNNL_ARG_SRC, {left_view, engine(), left.data()}},
                                      {DNNL_ARG_WEIGHTS, {right_view, engine(), right.data()}},
                                      {DNNL_ARG_DST, {out_view, engine(), out}}});
  stream.wait();
}

// The same numbers without the instructions.
std::vector<float> rounded_floats(const float* values, std::size_t rows, std::size_t columns, std::size_t stride) {
  std::vector<float> result(rows * columns);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) result[i * columns + j] = round_to_bf16(values[i * stride + j]);
  }
  return result;
}

RowMatrix view_rows(const std::vector<float>& values, RowMatrix like) { return {values.data(), like.rows, like.dim}; }

}  // namespace

float round_to_bf16(float value) {
  const std::uint32_t bits = rounded_bits(value);
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

bool has_bf16_products() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

void inner_products_bf16(RowMatrix a, RowMatrix b, float* out, std::size_t stride) {
  AFACE_CHECK(a.dim == b.dim, "inner products of rows of {} and {} values", a.dim, b.dim);
  if (a.rows == 0 || b.rows == 0) return;
  if (has_bf16_products()) {
    multiply({a.data, a.rows, a.dim, a.dim, false}, {b.data, b.rows, b.dim, b.dim, true}, out, a.rows, b.rows, stride, false);
    return;
  }
  const std::vector<float> left = rounded_floats(a.data, a.rows, a.dim, a.dim), right = rounded_floats(b.data, b.rows, b.dim, b.dim);
  inner_products(view_rows(left, a), view_rows(right, b), out, stride);
}

void add_weighted_rows_bf16(const float* weights, std::size_t stride, std::size_t count, RowMatrix rows, float* out) {
  if (count == 0 || rows.rows == 0) return;
  if (has_bf16_products()) {
    multiply({weights, count, rows.rows, stride, false}, {rows.data, rows.rows, rows.dim, rows.dim, false}, out, count,
             rows.dim, rows.dim, true);
    return;
  }
  const std::vector<float> left = rounded_floats(weights, count, rows.rows, stride),
                           right = rounded_floats(rows.data, rows.rows, rows.dim, rows.dim);
  add_weighted_rows(left.data(), rows.rows, count, view_rows(right, rows), out);
}

void transposed_weighted_rows_bf16(const float* weights, std::size_t stride, std::size_t count, RowMatrix rows, float* out) {
  if (count == 0 || rows.rows == 0) return;
  if (has_bf16_products()) {
    multiply({weights, rows.rows, count, stride, true}, {rows.data, rows.rows, rows.dim, rows.dim, false}, out, count,
             rows.dim, rows.dim, false);
    return;
  }
  const std::vector<float> left = rounded_floats(weights, rows.rows, count, stride),
                           right = rounded_floats(rows.data, rows.rows, rows.dim, rows.dim);
  transposed_weighted_rows(left.data(), count, count, view_rows(right, rows), out);
}

}  // namespace aface
