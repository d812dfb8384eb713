#include "aface/prototype/prototype_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>

#include "aface/core/available_memory.h"
#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/core/random.h"
#include "aface/kernel/inner_products.h"
#include "aface/kernel/unit_batch.h"

namespace aface {
namespace {

constexpr std::uint64_t kPrototypeStream = 0x70726f746fULL;
constexpr std::int64_t kRowsAtOnce = 256;  // of work without gradient

constexpr char kPrefix[] = "prototypes.";
constexpr char kWeight[] = "prototypes.weight";
constexpr char kVelocity[] = "prototypes.velocity";

// Touching more memory than there is ends the process without a word.
void require_memory(std::int64_t num_identities, std::int64_t dim) {
  const double needed = 2.0 * sizeof(float) * static_cast<double>(num_identities) * static_cast<double>(dim);
  const double free = static_cast<double>(available_memory());
  if (needed <= free) return;
  throw Error(ErrorKind::kUsage,
              fmt::format("prototypes: {} identities x {} values need {} (weights and momentum), {} are free; lower "
                          "backbone.embedding_dim, or keep them in a file with optimizer.prototype_storage = \"file\"",
                          num_identities, dim, bytes_text(needed), bytes_text(free)));
}

// Refuses a table that is too large before anything is made.
std::int64_t checked_count(std::int64_t num_identities, std::int64_t dim, const PrototypeOptions& options) {
  AFACE_CHECK(num_identities > 0 && dim > 0, "{} identities of {} values", num_identities, dim);
  if (options.folder.empty()) require_memory(num_identities, dim);
  return num_identities;
}

struct FloatMatrix {
  explicit FloatMatrix(const LazyDecay::Matrix& m)
      : ww(static_cast<float>(m.ww)), wv(static_cast<float>(m.wv)), vw(static_cast<float>(m.vw)), vv(static_cast<float>(m.vv)) {}
  float ww, wv, vw, vv;
};

// One block of gradient per thread at work, kept from block to block.
class Buffers {
 public:
  explicit Buffers(std::size_t size) : size_(size) {}

  std::vector<float> take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (free_.empty()) return std::vector<float>(size_);
    std::vector<float> buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }
  void give(std::vector<float> buffer) {
    const std::lock_guard<std::mutex> lock(mutex_);
    free_.push_back(std::move(buffer));
  }

 private:
  std::size_t size_;
  std::mutex mutex_;
  std::vector<std::vector<float>> free_;
};

void require_shape(const NamedArrays& state, const char* name, const FlatRows& like) {
  const NamedArray& array = state.at(name);
  const std::vector<std::int64_t> shape = {like.rows(), like.dim()};
  if (array.type == DataType::kFloat32 && array.shape == shape) return;
  throw Error(ErrorKind::kFormat,
              fmt::format("array '{}' does not fit (expected F32 [{}], got {} [{}]); the state is of another network or "
                          "data set",
                          name, fmt::join(shape, ", "), type_name(array.type), fmt::join(array.shape, ", ")));
}

}  // namespace

void draw_prototype(std::uint64_t seed, std::int64_t row, std::int64_t dim, double* out) {
  const double scale = 1 / std::sqrt(static_cast<double>(dim));
  Random random(seed, kPrototypeStream, static_cast<std::uint64_t>(row));
  for (std::int64_t j = 0; j < dim; ++j) out[j] = random.normal() * scale;
}

PrototypeTable::PrototypeTable(std::int64_t num_identities, std::int64_t dim, std::uint64_t seed, PrototypeOptions options)
    : options_(std::move(options)),
      weight_(checked_count(num_identities, dim, options_), dim, options_.folder),
      velocity_(num_identities, dim, options_.folder),
      decay_(num_identities, options_.momentum, options_.weight_decay) {
  fill(seed);
}

void PrototypeTable::fill(std::uint64_t seed) {
  parallel_for(num_identities(), kRowsAtOnce, options_.threads, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> values(static_cast<std::size_t>(dim()));
    for (std::int64_t row = begin; row < end; ++row) {
      draw_prototype(seed, options_.first_identity + row, dim(), values.data());
      std::transform(values.begin(), values.end(), weight_.row(row), [](double x) { return static_cast<float>(x); });
    }
  });
}

void PrototypeTable::read_row(std::int64_t row, float* out) const {
  const float* w = weight_.row(row);
  const std::int64_t dim = weight_.dim();
  if (!decay_.is_behind(row)) {
    std::copy(w, w + dim, out);
    return;
  }
  const FloatMatrix m(decay_.missing(row));
  const float* v = velocity_.row(row);
  for (std::int64_t j = 0; j < dim; ++j) out[j] = m.ww * w[j] + m.wv * v[j];
}

void PrototypeTable::unit_row(std::int64_t row, float* out) const {
  read_row(row, out);
  const float inverse = inverse_length(out, static_cast<std::size_t>(dim()));
  for (std::int64_t j = 0; j < dim(); ++j) out[j] *= inverse;
}

void PrototypeTable::rows(std::int64_t first, std::int64_t count, float* out) const {
  for (std::int64_t i = 0; i < count; ++i) read_row(first + i, out + i * dim());
}

void PrototypeTable::unit_rows(std::int64_t first, std::int64_t count, float* out) const {
  for (std::int64_t i = 0; i < count; ++i) unit_row(first + i, out + i * dim());
}

void PrototypeTable::unit_rows(Span<const std::int64_t> ids, float* out) const {
  for (const std::int64_t id : ids) {
    unit_row(id, out);
    out += dim();
  }
}

void PrototypeTable::catch_up_all() {
  if (decay_.history() == 0) return;
  parallel_for(num_identities(), kRowsAtOnce, options_.threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      if (!decay_.is_behind(row)) continue;
      const FloatMatrix m(decay_.missing(row));
      float *w = weight_.row(row), *v = velocity_.row(row);
      for (std::int64_t j = 0; j < dim(); ++j) {
        const float before = w[j];
        w[j] = m.ww * before + m.wv * v[j];
        v[j] = m.vw * before + m.vv * v[j];
      }
    }
  });
  decay_.mark_caught_up();
}

RowMatrix PrototypeTable::activate(Span<const std::int64_t> ids) {
  AFACE_CHECK(ids.empty() || (ids[0] >= 0 && ids[ids.size() - 1] < num_identities()), "ids outside the table");
  AFACE_CHECK(std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()) == ids.end(),
              "ids must ascend without repeats");
  const bool all = static_cast<std::int64_t>(ids.size()) == num_identities();
  if (all) catch_up_all();
  active_ids_.assign(ids.begin(), ids.end());
  if (all) return weight_.matrix();

  const std::size_t dim = static_cast<std::size_t>(weight_.dim());
  if (active_weight_.size() < ids.size() * dim) {
    active_weight_ = {};  // not both at once
    active_weight_.resize(ids.size() * dim);
  }
  const std::int64_t count = static_cast<std::int64_t>(ids.size());
  parallel_for(count, kRowsAtOnce, options_.threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (i + 1 < end) prefetch_row(weight_.row(active_ids_[static_cast<std::size_t>(i + 1)]), dim);
      read_row(active_ids_[static_cast<std::size_t>(i)], active_weight_.data() + i * static_cast<std::int64_t>(dim));
    }
  });
  return {active_weight_.data(), ids.size(), dim};
}

void PrototypeTable::step(double rate, const RowGradient& gradient) {
  const std::int64_t count = static_cast<std::int64_t>(active_ids_.size());
  AFACE_CHECK(count == 0 || gradient, "step() of active rows without their gradient");
  Buffers buffers(kGradientBlock * static_cast<std::size_t>(dim()));
  parallel_for(count, kGradientBlock, options_.threads, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> block = buffers.take();
    gradient(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin), block.data());
    step_rows(rate, begin, end, block.data());
    buffers.give(std::move(block));
  });
  decay_.add_step(rate, active_ids_);
  active_ids_.clear();
  if (decay_.history() >= LazyDecay::kLongestHistory) catch_up_all();
}

// Reads and writes each row of the table once. The velocity gets its missing steps here; the weight has them in the rows
// that activate() gave out.
void PrototypeTable::step_rows(double rate, std::int64_t begin, std::int64_t end, const float* gradient) {
  const float momentum = static_cast<float>(options_.momentum), weight_decay = static_cast<float>(options_.weight_decay);
  const float r = static_cast<float>(rate);
  const bool all = static_cast<std::int64_t>(active_ids_.size()) == num_identities();
  const std::int64_t dim = weight_.dim();
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t row = active_ids_[static_cast<std::size_t>(i)];
    if (i + 1 < end) {
      const std::int64_t next = active_ids_[static_cast<std::size_t>(i + 1)];
      prefetch_row(weight_.row(next), static_cast<std::size_t>(dim));
      prefetch_row(velocity_.row(next), static_cast<std::size_t>(dim));
    }
    const FloatMatrix m(decay_.missing(row));
    const float *g = gradient + (i - begin) * dim, *given = all ? weight_.row(row) : active_weight_.data() + i * dim;
    float *w = weight_.row(row), *v = velocity_.row(row);
#pragma GCC ivdep  // `given` may be `w`: each value is read before it is written
    for (std::int64_t j = 0; j < dim; ++j) {
      const float before = m.vw * w[j] + m.vv * v[j];
      const float now = momentum * before + (g[j] + weight_decay * given[j]);
      v[j] = now;
      w[j] = given[j] - r * now;
    }
  }
}

void PrototypeTable::save(NamedArrays& state) const {
  for (const auto& [name, rows] : {std::make_pair(kWeight, &weight_), std::make_pair(kVelocity, &velocity_)}) {
    NamedArray array;
    array.type = DataType::kFloat32;
    array.shape = {rows->rows(), rows->dim()};
    array.bytes = ArrayBytes::view(rows->row(0), rows->bytes());
    state.arrays[name] = std::move(array);
  }
  decay_.save(state, kPrefix);
}

void PrototypeTable::restore(const NamedArrays& state) {
  require_shape(state, kWeight, weight_);
  require_shape(state, kVelocity, velocity_);
  decay_.restore(state, kPrefix);
  state.at(kWeight).bytes.copy_to(weight_.row(0));
  state.at(kVelocity).bytes.copy_to(velocity_.row(0));
  active_ids_.clear();
}

}  // namespace aface
