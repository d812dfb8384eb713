#include "aface/eval/unit_rows.h"

#include <algorithm>

#include "aface/kernel/inner_products.h"

namespace aface {

void cosine_block(const UnitRows& a, std::size_t a_begin, std::size_t a_end, const UnitRows& b,
                  std::size_t b_begin, std::size_t b_end, float* out, std::size_t stride) {
  inner_products({a.rows.row(a_begin), a_end - a_begin, a.rows.dim},
                 {b.rows.row(b_begin), b_end - b_begin, b.rows.dim}, out, stride);
  if (!a.no_match.empty()) {
    for (std::size_t i = a_begin; i < a_end; ++i) {
      if (a.no_match[i] != 0) std::fill_n(out + (i - a_begin) * stride, b_end - b_begin, kNoMatchScore);
    }
  }
  if (!b.no_match.empty()) {
    for (std::size_t j = b_begin; j < b_end; ++j) {
      if (b.no_match[j] == 0) continue;
      for (std::size_t i = 0; i < a_end - a_begin; ++i) out[i * stride + (j - b_begin)] = kNoMatchScore;
    }
  }
}

}  // namespace aface
