#include "apps/adaptiveface/unit_rows.h"

#include "aface/core/span.h"
#include "aface/eval/scores.h"

namespace aface {

void scale_to_length_one(float* rows, std::size_t dim, const std::vector<std::string>& names) {
  const std::vector<double> lengths = embedding_norms({rows, names.size(), dim}, names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (std::size_t k = 0; k < dim; ++k)
      rows[i * dim + k] = static_cast<float>(rows[i * dim + k] / lengths[i]);
  }
}

}  // namespace aface
