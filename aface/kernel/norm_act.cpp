#include "aface/kernel/norm_act.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "aface/core/check.h"
#include "aface/core/parts.h"
#include "aface/core/shard.h"
#include "aface/kernel/rows_at_once.h"

namespace aface {
namespace {

// Which parts take part; one loop is compiled for each combination.
template <bool kActs, bool kAdds>
struct Parts {
  static constexpr bool acts = kActs, adds = kAdds;
};

template <class Run>
void with_parts(bool acts, bool adds, const Run& run) {
  if (acts && adds) return run(Parts<true, true>());
  if (acts) return run(Parts<true, false>());
  if (adds) return run(Parts<false, true>());
  run(Parts<false, false>());
}

std::vector<float> scales(const float* gamma, const float* inverse_std, std::int64_t channels) {
  std::vector<float> scale(static_cast<std::size_t>(channels));
  for (std::int64_t c = 0; c < channels; ++c) scale[static_cast<std::size_t>(c)] = gamma[c] * inverse_std[c];
  return scale;
}

// One slice's sums over rows, [channels] each: of g, of g (x - mean) and of dy min(pre, 0), where g = dy
// y'(pre).
struct BackwardSums {
  explicit BackwardSums(std::int64_t channels)
      : g(static_cast<std::size_t>(channels)),
        g_distance(static_cast<std::size_t>(channels)),
        slope(static_cast<std::size_t>(channels)) {}
  std::vector<double> g, g_distance, slope;

  void add(const BackwardSums& other) {
    for (std::size_t c = 0; c < g.size(); ++c) {
      g[c] += other.g[c];
      g_distance[c] += other.g_distance[c];
      slope[c] += other.slope[c];
    }
  }
};

// Moves float32 sums of some rows into the float64 ones.
void move_into(std::vector<float>& from, std::vector<double>& to) {
  for (std::size_t c = 0; c < from.size(); ++c) to[c] += static_cast<double>(from[c]);
  std::fill(from.begin(), from.end(), 0.0F);
}

template <class Value>
class NormAct {
 public:
  explicit NormAct(const NormActInput<Value>& in)
      : in_(in), slices_(in.rows, in.channels), scale_(scales(in.gamma, in.inverse_std, in.channels)) {}

  void forward(Value* y, const ForEachSlice& for_each_slice) const {
    with_parts(in_.slope != nullptr, in_.residual != nullptr, [&](auto parts) {
      for_each_slice(slices_.count(), [&](std::int64_t slice) {
        in_fours(slices_.begin(slice), slices_.end(slice), [&](std::int64_t row, auto count) {
          forward_rows<decltype(parts), count()>(row, y + row * in_.channels);
        });
      });
    });
  }

  BackwardSums sums(const Value* dy, const ForEachSlice& for_each_slice) const {
    std::vector<BackwardSums> of_slices(static_cast<std::size_t>(slices_.count()),
                                        BackwardSums(in_.channels));
    // Without an activation, what was added plays no part in the gradients.
    with_parts(in_.slope != nullptr, in_.slope && in_.residual, [&](auto parts) {
      for_each_slice(slices_.count(), [&](std::int64_t slice) {
        sum_slice<decltype(parts)>(slice, dy, of_slices[static_cast<std::size_t>(slice)]);
      });
    });
    for (std::size_t i = 1; i < of_slices.size(); ++i) of_slices[0].add(of_slices[i]);
    return std::move(of_slices[0]);
  }

  // dx = scale g + per_distance (x - mean) + constant
  void input_gradient(const Value* dy, const std::vector<float>& per_distance,
                      const std::vector<float>& constant, const NormActGradients<Value>& out,
                      const ForEachSlice& for_each_slice) const {
    with_parts(in_.slope != nullptr, in_.slope && in_.residual, [&](auto parts) {
      for_each_slice(slices_.count(), [&](std::int64_t slice) {
        in_fours(slices_.begin(slice), slices_.end(slice), [&](std::int64_t row, auto count) {
          gradient_rows<decltype(parts), count()>(row, dy, per_distance.data(), constant.data(), out);
        });
      });
    });
  }

 private:
  template <class P, int kRows>
  void forward_rows(std::int64_t row, Value* __restrict y) const {
    const std::int64_t channels = in_.channels;
    const Value* const x = in_.x + row * channels;
    const Value* const residual = P::adds ? in_.residual + row * channels : nullptr;
    const float *const mean = in_.mean, *const scale = scale_.data(), *const beta = in_.beta,
                       *const slope = in_.slope;
#pragma omp simd
    for (std::int64_t c = 0; c < channels; ++c) {
      for_rows<kRows>([&](auto r) {
        const std::int64_t i = r() * channels + c;
        float value = (to_float(x[i]) - mean[c]) * scale[c] + beta[c];
        if constexpr (P::adds) value += to_float(residual[i]);
        if constexpr (P::acts) value = value > 0 ? value : slope[c] * value;
        y[i] = from_float<Value>(value);
      });
    }
  }

  template <class P>
  void sum_slice(std::int64_t slice, const Value* dy, BackwardSums& sums) const {
    constexpr std::int64_t kBlockRows = 128;  // so many are summed in float32
    const auto channels = static_cast<std::size_t>(in_.channels);
    std::vector<float> g(channels), g_distance(channels), slope(channels);
    const std::int64_t end = slices_.end(slice);
    for (std::int64_t begin = slices_.begin(slice); begin < end; begin += kBlockRows) {
      in_fours(begin, std::min(end, begin + kBlockRows), [&](std::int64_t row, auto count) {
        sum_rows<P, count()>(row, dy, g.data(), g_distance.data(), slope.data());
      });
      move_into(g, sums.g);
      move_into(g_distance, sums.g_distance);
      if constexpr (P::acts) move_into(slope, sums.slope);
    }
  }

  template <class P, int kRows>
  void sum_rows(std::int64_t row, const Value* dy, float* __restrict g_sum, float* __restrict g_distance_sum,
                float* __restrict slope_sum) const {
    const std::int64_t channels = in_.channels;
    const Value* const x = in_.x + row * channels;
    const Value* const residual = P::adds ? in_.residual + row * channels : nullptr;
    const Value* const gradient = dy + row * channels;
    const float *const mean = in_.mean, *const scale = scale_.data(), *const beta = in_.beta,
                       *const slope = in_.slope;
#pragma omp simd
    for (std::int64_t c = 0; c < channels; ++c) {
      float g_total = 0, g_distance_total = 0, slope_total = 0;
      for_rows<kRows>([&](auto r) {
        const std::int64_t i = r() * channels + c;
        const float distance = to_float(x[i]) - mean[c];
        float g = to_float(gradient[i]);
        if constexpr (P::acts) {
          float pre = distance * scale[c] + beta[c];
          if constexpr (P::adds) pre += to_float(residual[i]);
          slope_total += pre > 0 ? 0.0F : pre * g;
          g = pre > 0 ? g : slope[c] * g;
        }
        g_total += g;
        g_distance_total += g * distance;
      });
      g_sum[c] += g_total;
      g_distance_sum[c] += g_distance_total;
      if constexpr (P::acts) slope_sum[c] += slope_total;
    }
  }

  template <class P, int kRows>
  void gradient_rows(std::int64_t row, const Value* dy, const float* per_distance, const float* constant,
                     const NormActGradients<Value>& out) const {
    const std::int64_t channels = in_.channels;
    const Value* const x = in_.x + row * channels;
    const Value* const residual = P::adds ? in_.residual + row * channels : nullptr;
    const Value* const gradient = dy + row * channels;
    const float *const mean = in_.mean, *const scale = scale_.data(), *const beta = in_.beta,
                       *const slope = in_.slope;
    Value* __restrict const dx = out.x + row * channels;
    Value* __restrict const d_residual = out.residual ? out.residual + row * channels : nullptr;
#pragma omp simd
    for (std::int64_t c = 0; c < channels; ++c) {
      for_rows<kRows>([&](auto r) {
        const std::int64_t i = r() * channels + c;
        const float distance = to_float(x[i]) - mean[c];
        float g = to_float(gradient[i]);
        if constexpr (P::acts) {
          float pre = distance * scale[c] + beta[c];
          if constexpr (P::adds) pre += to_float(residual[i]);
          g = pre > 0 ? g : slope[c] * g;
        }
        if constexpr (P::adds) d_residual[i] = from_float<Value>(g);
        dx[i] = from_float<Value>(g * scale[c] + (distance * per_distance[c] + constant[c]));
      });
    }
  }

  const NormActInput<Value>& in_;
  RowSlices slices_;
  std::vector<float> scale_;
};

// The same of some of the rows.
template <class Value>
NormActInput<Value> rows_of(NormActInput<Value> in, const Shard& rows) {
  in.rows = rows.count();
  in.x += rows.first * in.channels;
  if (in.residual) in.residual += rows.first * in.channels;
  return in;
}

template <class Value>
void check(const NormActInput<Value>& in) {
  AFACE_CHECK(in.rows > 0 && in.channels > 0, "{} rows and {} channels", in.rows, in.channels);
  AFACE_CHECK(in.x && in.mean && in.inverse_std && in.gamma && in.beta, "an array is missing");
}

}  // namespace

template <class Value>
void norm_act_forward(const NormActInput<Value>& in, Value* y, const ForEachSlice& for_each_slice) {
  check(in);
  NormAct<Value>(in).forward(y, for_each_slice);
}

template <class Value>
void norm_act_backward(const NormActInput<Value>& in, NormStatistics statistics, const Value* y_gradient,
                       const NormActGradients<Value>& gradients, const ForEachSlice& for_each_slice, AcrossRanks* ranks,
                       int parts) {
  check(in);
  AFACE_CHECK((gradients.residual != nullptr) == (in.slope && in.residual),
              "what was added gets a gradient of its own where an activation follows, and only there");
  const NormAct<Value> step(in);
  const auto channels = static_cast<std::size_t>(in.channels);
  std::vector<std::vector<double>> of_parts;
  std::vector<std::vector<float>> shares;  // of the gradients of gamma, beta and slope
  for (int i = 0; i < parts; ++i) {
    const Shard rows = shard_of(in.rows, i, parts);
    if (rows.count() == 0) continue;
    const NormActInput<Value> part = rows_of(in, rows);
    const BackwardSums sums = NormAct<Value>(part).sums(y_gradient + rows.first * in.channels, for_each_slice);
    of_parts.push_back(sums.g);
    of_parts.back().insert(of_parts.back().end(), sums.g_distance.begin(), sums.g_distance.end());
    of_parts.back().push_back(static_cast<double>(rows.count()));
    shares.emplace_back(3 * channels);
    for (std::size_t c = 0; c < channels; ++c) {
      shares.back()[c] = static_cast<float>(sums.g_distance[c] * static_cast<double>(in.inverse_std[c]));
      shares.back()[channels + c] = static_cast<float>(sums.g[c]);
      shares.back()[2 * channels + c] = static_cast<float>(sums.slope[c]);
    }
  }
  add_arrays_in_pairs(of_parts);
  add_arrays_in_pairs(shares);
  std::vector<double>& whole = of_parts[0];  // over all ranks
  if (ranks != nullptr) ranks->sum(whole);
  const double share = statistics == NormStatistics::kOfInput ? 1.0 / whole.back() : 0.0;
  std::vector<float> per_distance(channels), constant(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double inverse_std = static_cast<double>(in.inverse_std[c]);
    const double scale = static_cast<double>(in.gamma[c]) * inverse_std;
    gradients.gamma[c] = shares[0][c];
    gradients.beta[c] = shares[0][channels + c];
    if (gradients.slope) gradients.slope[c] = shares[0][2 * channels + c];
    per_distance[c] = static_cast<float>(-scale * share * inverse_std * inverse_std * whole[channels + c]);
    constant[c] = static_cast<float>(-scale * share * whole[c]);
  }
  step.input_gradient(y_gradient, per_distance, constant, gradients, for_each_slice);
}

template void norm_act_forward(const NormActInput<float>&, float*, const ForEachSlice&);
template void norm_act_forward(const NormActInput<Bf16>&, Bf16*, const ForEachSlice&);
template void norm_act_backward(const NormActInput<float>&, NormStatistics, const float*,
                                const NormActGradients<float>&, const ForEachSlice&, AcrossRanks*, int);
template void norm_act_backward(const NormActInput<Bf16>&, NormStatistics, const Bf16*,
                                const NormActGradients<Bf16>&, const ForEachSlice&, AcrossRanks*, int);

}  // namespace aface
