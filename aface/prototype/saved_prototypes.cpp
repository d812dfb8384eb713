#include "aface/prototype/saved_prototypes.h"

#include <algorithm>
#include <vector>

#include "aface/core/check.h"
#include "aface/core/error.h"

namespace aface {
namespace {

constexpr char kPrefix[] = "prototypes.";
constexpr char kWeight[] = "prototypes.weight";
constexpr char kVelocity[] = "prototypes.velocity";

const NamedArray& checked(const NamedArrays& state, const char* name,
                          const std::vector<std::int64_t>& shape) {
  const NamedArray& array = state.at(name);
  if (array.type != DataType::kFloat32 || array.shape.size() != 2 || array.shape[0] < 1 ||
      array.shape[1] < 1 || (!shape.empty() && array.shape != shape)) {
    throw Error(ErrorKind::kFormat, std::string("array '") + name + "' is no table of float32 rows");
  }
  return array;
}

}  // namespace

SavedPrototypes::SavedPrototypes(const NamedArrays& state, double momentum, double weight_decay)
    : state_(state),
      dim_(checked(state, kWeight, {}).shape[1]),
      decay_(state.at(kWeight).shape[0], momentum, weight_decay) {
  checked(state, kVelocity, state.at(kWeight).shape);
  decay_.restore(state, kPrefix);
}

void SavedPrototypes::read(std::int64_t row, float* out) const {
  AFACE_CHECK(row >= 0 && row < rows(), "row {} of {}", row, rows());
  const std::size_t bytes = static_cast<std::size_t>(dim_) * sizeof(float),
                    offset = static_cast<std::size_t>(row) * bytes;
  state_.at(kWeight).bytes.read(offset, bytes, out);
  if (!decay_.is_behind(row)) return;
  const LazyDecay::Matrix missing = decay_.missing(row);
  const float ww = static_cast<float>(missing.ww), wv = static_cast<float>(missing.wv);
  std::vector<float> velocity(static_cast<std::size_t>(dim_));
  state_.at(kVelocity).bytes.read(offset, bytes, velocity.data());
  std::transform(out, out + dim_, velocity.begin(), out, [&](float w, float v) { return ww * w + wv * v; });
}

}  // namespace aface
