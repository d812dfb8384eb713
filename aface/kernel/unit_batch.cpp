#include "aface/kernel/unit_batch.h"

#include <algorithm>
#include <cmath>

#include "aface/core/check.h"
#include "aface/core/error.h"
#include "aface/kernel/inner_products.h"
#include "aface/kernel/unusable_row.h"

namespace aface {

float inverse_length(const float* row, std::size_t dim) {
  constexpr float kTooSmall = 1e-30F;  // squares near or under float32's normal numbers lose digits
  const float squares = inner_product(row, row, dim);
  if (squares > kTooSmall && std::isfinite(squares)) return 1.0F / std::sqrt(squares);
  const double wide = wide_inner_product(row, row, dim);
  const double inverse = 1 / std::sqrt(wide);
  const bool usable = wide > 0 && std::isfinite(wide) && inverse <= 3e38;
  return usable ? static_cast<float>(inverse) : 0.0F;
}

UnitBatch make_unit_batch(RowMatrix embeddings, RowMatrix prototypes, Span<const std::int64_t> targets,
                          bool some_elsewhere) {
  AFACE_CHECK(embeddings.dim == prototypes.dim, "embeddings have {} values, prototypes {}", embeddings.dim, prototypes.dim);
  AFACE_CHECK(embeddings.rows == targets.size(), "{} targets for {} embeddings", targets.size(), embeddings.rows);
  UnitBatch batch;
  batch.size = embeddings.rows;
  batch.dim = embeddings.dim;
  batch.units.resize(batch.size * batch.dim);
  batch.inverse_lengths.resize(batch.size);
  batch.own_cosines.resize(batch.size);
  batch.targets.resize(batch.size);
  for (std::size_t i = 0; i < batch.size; ++i) {
    const std::int64_t target = targets[i];
    AFACE_CHECK(target >= (some_elsewhere ? -1 : 0) && target < static_cast<std::int64_t>(prototypes.rows),
                "target {} of {} prototypes", target, prototypes.rows);
    const float inverse = inverse_length(embeddings.row(i), batch.dim);
    if (inverse == 0) {
      throw UnusableRow(UnusableRow::Kind::kEmbedding, i, fmt::format("sample {}", i), embeddings.row(i), batch.dim);
    }
    float* unit = batch.units.data() + i * batch.dim;
    std::transform(embeddings.row(i), embeddings.row(i) + batch.dim, unit, [inverse](float x) { return x * inverse; });
    batch.inverse_lengths[i] = inverse;
    batch.targets[i] = static_cast<std::int32_t>(target);
    if (target < 0) continue;
    const auto own = static_cast<std::size_t>(target);
    const float own_inverse = inverse_length(prototypes.row(own), batch.dim);
    if (own_inverse == 0) {
      throw UnusableRow(UnusableRow::Kind::kPrototype, own, fmt::format("row {}", own), prototypes.row(own), batch.dim);
    }
    batch.own_cosines[i] = static_cast<float>(wide_inner_product(unit, prototypes.row(own), batch.dim) * own_inverse);
  }
  return batch;
}

}  // namespace aface
