#include "aface/mining/row_groups.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "aface/core/parallel.h"
#include "aface/core/random.h"
#include "aface/kernel/eight_bit_products.h"

namespace aface {
namespace {

constexpr std::size_t kSamplesPerGroup = 40;
constexpr int kRounds = 5;
constexpr std::int64_t kRowsAtOnce = 256;

// Group of each of `ids`.
std::vector<std::int32_t> nearest_centres(const PrototypeSnapshot& rows, Span<const std::int64_t> ids,
                                          const QuantisedGallery& centres, int threads,
                                          const std::function<bool()>& stopped) {
  std::vector<std::int32_t> nearest(ids.size());
  parallel_for(static_cast<std::int64_t>(ids.size()), kRowsAtOnce, threads, [&](std::int64_t first, std::int64_t last) {
    if (stopped()) return;
    const auto count = static_cast<std::size_t>(last - first);
    std::vector<std::uint8_t> probes;
    for (std::int64_t i = first; i < last; ++i) {
      append_probe(rows.code(ids[static_cast<std::size_t>(i)]), rows.stride(), probes);
    }
    std::vector<float> scores(count * centres.rows);
    std::vector<std::int32_t> products;
    score_codes(probes.data(), count, centres, 0, centres.rows, products, scores.data(), centres.rows);
    for (std::size_t i = 0; i < count; ++i) {
      const float* row = scores.data() + i * centres.rows;
      nearest[static_cast<std::size_t>(first) + i] =
          static_cast<std::int32_t>(std::max_element(row, row + centres.rows) - row);
    }
  });
  return nearest;
}

// Order of the rows by group, stable, and where each group begins.
std::vector<std::int32_t> ordered(Span<const std::int32_t> group_of, std::size_t groups, std::vector<std::size_t>& begins) {
  begins.assign(groups + 1, 0);
  for (const std::int32_t group : group_of) ++begins[static_cast<std::size_t>(group) + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<std::size_t> next(begins.begin(), begins.end() - 1);
  std::vector<std::int32_t> order(group_of.size());
  for (std::size_t i = 0; i < group_of.size(); ++i) {
    order[next[static_cast<std::size_t>(group_of[i])]++] = static_cast<std::int32_t>(i);
  }
  return order;
}

class Centres {
 public:
  Centres(const PrototypeSnapshot& rows, std::size_t groups, std::uint64_t seed, int threads)
      : rows_(rows), groups_(groups), threads_(threads), random_(seed), dim_(static_cast<std::size_t>(rows.dim())),
        values_(groups * dim_) {
    const auto wanted = std::min(static_cast<std::size_t>(rows.count()), kSamplesPerGroup * groups);
    // Evenly over the identities, which come in no order that matters, and without a list of them all.
    for (std::size_t i = 0; i < wanted; ++i) {
      sample_.push_back(static_cast<std::int64_t>(i * static_cast<std::size_t>(rows.count()) / wanted));
    }
    random_.shuffle(sample_);
    for (std::size_t g = 0; g < groups; ++g) start_at(g, sample_[g % sample_.size()]);
    encode();
  }

  void improve(const std::function<bool()>& stopped) {
    const std::vector<std::int32_t> nearest = nearest_centres(rows_, sample_, codes_, threads_, stopped);
    if (stopped()) return;
    std::vector<std::size_t> begins;
    const std::vector<std::int32_t> order = ordered(nearest, groups_, begins);
    std::fill(values_.begin(), values_.end(), 0.0F);
    parallel_for(static_cast<std::int64_t>(groups_), 8, threads_, [&](std::int64_t first, std::int64_t last) {
      for (auto g = static_cast<std::size_t>(first); g < static_cast<std::size_t>(last); ++g) {
        for (std::size_t i = begins[g]; i < begins[g + 1]; ++i) add(g, sample_[static_cast<std::size_t>(order[i])]);
      }
    });
    for (std::size_t g = 0; g < groups_; ++g) {
      if (begins[g] == begins[g + 1]) start_at(g, sample_[static_cast<std::size_t>(random_.below(
                                                      static_cast<std::int64_t>(sample_.size())))]);
    }
    encode();
  }

  const QuantisedGallery& codes() const { return codes_; }

 private:
  void add(std::size_t group, std::int64_t identity) {
    const PrototypeSnapshot::Code code = rows_.code(identity);
    float* centre = values_.data() + group * dim_;
    for (std::size_t d = 0; d < dim_; ++d) centre[d] += static_cast<float>(code.values[d]) * code.scale;
  }
  void start_at(std::size_t group, std::int64_t identity) {
    std::fill_n(values_.begin() + static_cast<std::ptrdiff_t>(group * dim_), dim_, 0.0F);
    add(group, identity);
  }
  void encode() {
    std::vector<double> inverse_lengths(groups_);
    for (std::size_t g = 0; g < groups_; ++g) {
      double square = 0;
      for (std::size_t d = 0; d < dim_; ++d) square += double(values_[g * dim_ + d]) * double(values_[g * dim_ + d]);
      inverse_lengths[g] = square > 0 ? 1 / std::sqrt(square) : 0;
    }
    quantise({values_.data(), groups_, dim_}, inverse_lengths, codes_);
  }

  const PrototypeSnapshot& rows_;
  std::size_t groups_;
  int threads_;
  Random random_;
  std::size_t dim_;
  std::vector<float> values_;  // [groups, dim]
  std::vector<std::int64_t> sample_;
  QuantisedGallery codes_;
};

}  // namespace

void append_probe(PrototypeSnapshot::Code code, std::size_t stride, std::vector<std::uint8_t>& probes) {
  const std::size_t at = probes.size();
  probes.resize(at + stride);
  for (std::size_t d = 0; d < stride; ++d) probes[at + d] = static_cast<std::uint8_t>(code.values[d] + 64);
}

void score_codes(const std::uint8_t* probes, std::size_t count, const QuantisedGallery& gallery, std::size_t first,
                 std::size_t last, std::vector<std::int32_t>& products, float* scores, std::size_t stride) {
  const EightBitKernel kernel = eight_bit_kernel();
  products.resize(count * kernel.columns);
  for (std::size_t begin = first; begin < last; begin += kernel.columns) {
    const std::size_t columns = std::min(kernel.columns, last - begin);
    kernel.products(probes, count, gallery.values.data() + begin * gallery.stride, kernel.columns, gallery.stride,
                    products.data());
    const std::int32_t* offsets = gallery.offset.data() + begin;
    const float* scales = gallery.scale.data() + begin;
    for (std::size_t i = 0; i < count; ++i) {
      const std::int32_t* from = products.data() + i * kernel.columns;
      float* to = scores + i * stride + (begin - first);
      for (std::size_t j = 0; j < columns; ++j) to[j] = static_cast<float>(from[j] - offsets[j]) * scales[j];
    }
  }
}

RowGroups group_rows(const PrototypeSnapshot& rows, std::size_t groups, std::uint64_t seed, int threads,
                     const std::function<bool()>& stopped) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(rows.count()));
  std::iota(ids.begin(), ids.end(), 0);
  RowGroups result;
  std::vector<std::int32_t> group_of(ids.size());
  if (groups > 1) {
    Centres centres(rows, groups, seed, threads);
    for (int round = 0; round < kRounds && !stopped(); ++round) centres.improve(stopped);
    group_of = nearest_centres(rows, ids, centres.codes(), threads, stopped);
    if (stopped()) return {};
    result.centres = centres.codes();
  }
  result.identities = ordered(group_of, groups, result.begins);

  QuantisedGallery& codes = result.codes;
  codes.rows = ids.size();
  codes.dim = static_cast<std::size_t>(rows.dim());
  codes.stride = rows.stride();
  codes.values.resize((codes.rows + eight_bit_kernel().columns) * codes.stride);
  codes.scale.resize(codes.rows);
  codes.offset.resize(codes.rows);
  parallel_for(rows.count(), kRowsAtOnce, threads, [&](std::int64_t first, std::int64_t last) {
    for (auto p = static_cast<std::size_t>(first); p < static_cast<std::size_t>(last); ++p) {
      const PrototypeSnapshot::Code code = rows.code(result.identities[p]);
      std::copy_n(code.values, codes.stride, codes.values.data() + p * codes.stride);
      codes.scale[p] = code.scale;
      codes.offset[p] = code.offset;
    }
  });
  return result;
}

}  // namespace aface
