#include "aface/nn/shared_statistics.h"

#include <torch/autograd.h>

#include <vector>

#include "aface/core/check.h"
#include "aface/nn/batch_scope.h"

namespace aface {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Sums over the ranks of the scope, float64 on the CPU.
std::vector<Tensor> sums_over_ranks(AcrossRanks* ranks, const std::vector<Tensor>& values) {
  std::vector<std::int64_t> lengths;
  std::vector<Tensor> flat;
  for (const Tensor& value : values) {
    flat.push_back(value.to(at::kCPU, at::kDouble).reshape({-1}));
    lengths.push_back(flat.back().numel());
  }
  const Tensor all = at::cat(flat).contiguous();
  if (ranks != nullptr) ranks->sum(Span<double>(all.data_ptr<double>(), static_cast<std::size_t>(all.numel())));
  return all.split_with_sizes(lengths);
}

// [channels] as a factor of x.
Tensor along_channels(const Tensor& values, const Tensor& x) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
  shape[1] = values.size(0);
  return values.view(shape);
}

std::vector<std::int64_t> all_but_channels(const Tensor& x) {
  std::vector<std::int64_t> dims = {0};
  for (std::int64_t d = 2; d < x.dim(); ++d) dims.push_back(d);
  return dims;
}

// Over all but the channels, float64.
Tensor wide_sum(const Tensor& values, int parts) {
  std::vector<Tensor> sums;
  for (const Tensor& part : parts_of(values, parts)) sums.push_back(part.sum(all_but_channels(values), false, at::kDouble));
  return sum_in_pairs(sums);
}

struct Moments {
  Tensor mean, variance;  // [channels] float64 on the CPU
  double rows = 0;        // of all ranks
};

Moments moments_over_ranks(const Tensor& x, const BatchScope& scope) {
  const Tensor wide = x.detach().to(at::kDouble);
  const Tensor rows = at::full({1}, static_cast<double>(x.numel() / x.size(1)), at::kDouble);
  // The mean first: squares of what is left lose no digits.
  const std::vector<Tensor> first = sums_over_ranks(scope.statistics, {wide_sum(wide, scope.parts), rows});
  Moments moments;
  moments.rows = first[1].item<double>();
  moments.mean = first[0] / moments.rows;
  const Tensor distance = wide - along_channels(moments.mean.to(x.device()), x);
  moments.variance = sums_over_ranks(scope.statistics, {wide_sum(distance.square(), scope.parts)})[0] / moments.rows;
  return moments;
}

class SharedNorm : public torch::autograd::Function<SharedNorm> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                        const Tensor& mean, const Tensor& inverse_std, double rows, const BatchScope& scope) {
    context->save_for_backward({x, gamma, mean, inverse_std});
    context->saved_data["rows"] = rows;
    context->saved_data["ranks"] = reinterpret_cast<std::int64_t>(scope.statistics);
    context->saved_data["parts"] = scope.parts;
    const Tensor scale = gamma * inverse_std;
    return ((x - along_channels(mean, x)) * along_channels(scale, x) + along_channels(beta, x))
        .to(x.scalar_type());
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &gamma = saved[1], &mean = saved[2], &inverse_std = saved[3];
    auto* const ranks = reinterpret_cast<AcrossRanks*>(context->saved_data["ranks"].toInt());
    const auto parts = static_cast<int>(context->saved_data["parts"].toInt());
    const double rows = context->saved_data["rows"].toDouble();
    const Tensor dy = gradients[0].to(gamma.scalar_type());
    const Tensor normed = (x - along_channels(mean, x)) * along_channels(inverse_std, x);
    // What each part gives is rounded before it is added: the order of these sums is then that of any number of ranks.
    const auto shares = [&](const Tensor& values) {
      std::vector<Tensor> of_parts;
      for (const Tensor& part : parts_of(values, parts)) of_parts.push_back(wide_sum(part, 1).to(gamma.scalar_type()));
      return of_parts;
    };
    const Tensor products = dy * normed;
    const Tensor beta_gradient = sum_in_pairs(shares(dy)), gamma_gradient = sum_in_pairs(shares(products));
    const std::vector<Tensor> sums = sums_over_ranks(ranks, {wide_sum(dy, parts), wide_sum(products, parts)});
    const auto mean_of = [&](const Tensor& sum) {
      return along_channels((sum / rows).to(gamma.options()), x);
    };
    const Tensor x_gradient =
        (dy - mean_of(sums[0]) - normed * mean_of(sums[1])) * along_channels(gamma * inverse_std, x);
    return {x_gradient.to(x.scalar_type()), gamma_gradient, beta_gradient, {}, {}, {}, {}};
  }
};

template <class Norm>
Tensor norm_of(Norm& norm, const Tensor& x) {
  const BatchScope& scope = batch_scope();
  if ((scope.statistics == nullptr && scope.parts == 0) || !norm->is_training()) return norm(x);
  AFACE_CHECK(norm->weight.defined() && norm->running_mean.defined() && norm->options.momentum().has_value(),
              "a batch normalisation without parameters, running statistics or momentum");
  Tensor mean, inverse_std;
  double rows = 0;
  {
    const at::NoGradGuard no_grad;
    const Moments moments = moments_over_ranks(x, scope);
    rows = moments.rows;
    mean = moments.mean.to(norm->running_mean.options());
    inverse_std = (moments.variance + norm->options.eps()).rsqrt().to(mean.options());
    norm->num_batches_tracked.add_(1);
    norm->running_mean.lerp_(mean, *norm->options.momentum());
    norm->running_var.lerp_((moments.variance * (rows / (rows - 1))).to(mean.options()),
                            *norm->options.momentum());
  }
  return SharedNorm::apply(x, norm->weight, norm->bias, mean, inverse_std, rows, scope);
}

}  // namespace

Tensor plain_norm(torch::nn::BatchNorm1d& norm, const Tensor& x) { return norm_of(norm, x); }
Tensor plain_norm(torch::nn::BatchNorm2d& norm, const Tensor& x) { return norm_of(norm, x); }

}  // namespace aface
