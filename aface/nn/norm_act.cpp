#include "aface/nn/norm_act.h"

#include <torch/autograd.h>

#include <algorithm>
#include <cmath>

#include "aface/core/check.h"
#include "aface/core/shard.h"
#include "aface/kernel/channel_moments.h"
#include "aface/kernel/norm_act.h"
#include "aface/nn/batch_scope.h"
#include "aface/nn/kernel_tensors.h"
#include "aface/nn/plain_operations.h"
#include "aface/nn/shared_statistics.h"

namespace aface {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What a layer's passes work on. x, `added` and what is made of them are of one type, the others float32.
// `slope` and `added` may be undefined.
struct LayerTensors {
  Tensor x, gamma, beta, slope, added, mean, inverse_std;

  template <class Value>
  NormActInput<Value> input() const {
    NormActInput<Value> in;
    in.channels = x.size(1);
    in.rows = x.numel() / in.channels;
    in.x = values_of<Value>(x);
    in.residual = values_of<Value>(added);
    in.mean = values_of<float>(mean);
    in.inverse_std = values_of<float>(inverse_std);
    in.gamma = values_of<float>(gamma);
    in.beta = values_of<float>(beta);
    in.slope = values_of<float>(slope);
    return in;
  }

  Tensor forward() const {
    Tensor y = at::empty_like(x);
    with_type_of(x, [&](auto type) {
      using Value = decltype(type);
      norm_act_forward(input<Value>(), values_of<Value>(y), on_torch_threads);
    });
    return y;
  }
};

class FusedNormAct : public torch::autograd::Function<FusedNormAct> {
 public:
  // LibTorch takes an argument that may be missing as an optional, not as an undefined tensor.
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                        const c10::optional<Tensor>& slope, const c10::optional<Tensor>& added,
                        const Tensor& mean, const Tensor& inverse_std, bool statistics_of_input,
                        const BatchScope& scope) {
    const LayerTensors layer = {x,    gamma,      beta, slope.value_or(Tensor()), added.value_or(Tensor()),
                                mean, inverse_std};
    // Without an activation the gradients do not ask what was added.
    context->save_for_backward(
        {x, gamma, beta, layer.slope, slope ? layer.added : Tensor(), mean, inverse_std});
    context->saved_data["statistics_of_input"] = statistics_of_input;
    context->saved_data["adds"] = added.has_value();
    context->saved_data["ranks"] = reinterpret_cast<std::int64_t>(scope.statistics);
    context->saved_data["parts"] = scope.parts;
    return layer.forward();
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    AFACE_CHECK(!at::GradMode::is_enabled(), "the fused batch normalisation is not twice differentiable");
    const variable_list saved = context->get_saved_variables();
    const LayerTensors layer = {saved[0], saved[1], saved[2], saved[3], saved[4], saved[5], saved[6]};
    const Tensor y_gradient =
        gradients[0].to(layer.x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    const bool acts = layer.slope.defined(), adds = context->saved_data["adds"].toBool();
    const auto statistics = context->saved_data["statistics_of_input"].toBool() ? NormStatistics::kOfInput
                                                                                : NormStatistics::kGiven;
    const Tensor x_gradient = at::empty_like(layer.x);
    const Tensor gamma_gradient = at::empty_like(layer.gamma), beta_gradient = at::empty_like(layer.beta);
    const Tensor slope_gradient = acts ? at::empty_like(layer.slope) : Tensor();
    Tensor added_gradient;
    if (adds) added_gradient = acts ? at::empty_like(layer.x) : y_gradient;
    with_type_of(layer.x, [&](auto type) {
      using Value = decltype(type);
      NormActGradients<Value> out;
      out.x = values_of<Value>(x_gradient);
      out.residual = adds && acts ? values_of<Value>(added_gradient) : nullptr;
      out.gamma = values_of<float>(gamma_gradient);
      out.beta = values_of<float>(beta_gradient);
      out.slope = values_of<float>(slope_gradient);
      norm_act_backward(layer.input<Value>(), statistics, values_of<Value>(y_gradient), out, on_torch_threads,
                        reinterpret_cast<AcrossRanks*>(context->saved_data["ranks"].toInt()),
                        std::max(1, static_cast<int>(context->saved_data["parts"].toInt())));
    });
    return {x_gradient, gamma_gradient, beta_gradient, slope_gradient, added_gradient, {}, {}, {}, {}};
  }
};

bool can_fuse(const torch::nn::BatchNorm2d& norm, const Tensor& x, const Tensor& added) {
  if (are_plain_operations_wanted() || !has_kernel_layout(x) || x.size(1) == 0 || x.numel() < 2 * x.size(1))
    return false;
  if (added.defined() &&
      (!has_kernel_layout(added) || added.sizes() != x.sizes() || added.scalar_type() != x.scalar_type())) {
    return false;
  }
  return norm->weight.defined() && norm->weight.scalar_type() == at::kFloat &&
         norm->weight.numel() == x.size(1) && norm->running_mean.defined() &&
         norm->options.momentum().has_value();
}

struct Statistics {
  Tensor mean, inverse_std;
};

Statistics running_statistics(const torch::nn::BatchNorm2d& norm) {
  return {norm->running_mean, (norm->running_var + norm->options.eps()).rsqrt_()};
}

// Those of x, of all ranks' if there are some; the running ones move towards them by the layer's momentum, the variance divided by rows - 1.
Statistics batch_statistics(torch::nn::BatchNorm2d& norm, const Tensor& x, const BatchScope& scope) {
  const std::int64_t channels = x.size(1);
  std::vector<PartMoments> parts;
  for (const Tensor& part : parts_of(x, scope.parts)) {
    const std::int64_t rows = part.numel() / channels;
    with_type_of(x, [&](auto type) {
      parts.push_back({channel_moments(values_of<decltype(type)>(part), rows, channels, on_torch_threads), rows});
    });
  }
  const auto [moments, row_count] = join_moments(std::move(parts), scope.statistics);
  const auto all_rows = static_cast<double>(row_count);
  const Tensor mean = at::empty_like(norm->running_mean), variance = at::empty_like(norm->running_var);
  const Tensor inverse_std = at::empty_like(norm->running_var);
  const double unbiased = all_rows / (all_rows - 1);
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto i = static_cast<std::size_t>(c);
    mean.data_ptr<float>()[c] = static_cast<float>(moments.mean[i]);
    variance.data_ptr<float>()[c] = static_cast<float>(moments.variance[i] * unbiased);
    inverse_std.data_ptr<float>()[c] =
        static_cast<float>(1 / std::sqrt(moments.variance[i] + norm->options.eps()));
  }
  norm->num_batches_tracked.add_(1);
  norm->running_mean.lerp_(mean, *norm->options.momentum());
  norm->running_var.lerp_(variance, *norm->options.momentum());
  return {mean, inverse_std};
}

// `slope` and `added` may be undefined.
Tensor fused(torch::nn::BatchNorm2d& norm, const Tensor& x, const Tensor& slope, const Tensor& added) {
  const bool of_batch = norm->is_training();
  const BatchScope scope = of_batch ? batch_scope() : BatchScope();
  Statistics statistics;
  {
    const at::NoGradGuard no_grad;
    statistics = of_batch ? batch_statistics(norm, x, scope) : running_statistics(norm);
  }
  const auto wants_gradient = [](const Tensor& tensor) { return tensor.defined() && tensor.requires_grad(); };
  if (at::GradMode::is_enabled() &&
      (wants_gradient(x) || wants_gradient(norm->weight) || wants_gradient(norm->bias) ||
       wants_gradient(slope) || wants_gradient(added))) {
    const auto if_defined = [](const Tensor& tensor) {
      return tensor.defined() ? c10::optional<Tensor>(tensor) : c10::nullopt;
    };
    return FusedNormAct::apply(x, norm->weight, norm->bias, if_defined(slope), if_defined(added),
                               statistics.mean, statistics.inverse_std, of_batch, scope);
  }
  return LayerTensors{x, norm->weight, norm->bias, slope, added, statistics.mean, statistics.inverse_std}
      .forward();
}

Tensor slope_of_relu(const torch::nn::BatchNorm2d& norm) { return at::zeros_like(norm->running_mean); }

}  // namespace

Tensor batch_norm(torch::nn::BatchNorm2d& norm, const Tensor& x) {
  return can_fuse(norm, x, {}) ? fused(norm, x, {}, {}) : plain_norm(norm, x);
}

Tensor batch_norm_prelu(torch::nn::BatchNorm2d& norm, PRelu& prelu, const Tensor& x) {
  return can_fuse(norm, x, {}) ? fused(norm, x, prelu->weight(), {}) : prelu(plain_norm(norm, x));
}

Tensor batch_norm_relu(torch::nn::BatchNorm2d& norm, const Tensor& x) {
  return can_fuse(norm, x, {}) ? fused(norm, x, slope_of_relu(norm), {}) : plain_norm(norm, x).relu_();
}

Tensor batch_norm_add(torch::nn::BatchNorm2d& norm, const Tensor& x, const Tensor& added) {
  return can_fuse(norm, x, added) ? fused(norm, x, {}, added) : plain_norm(norm, x).add_(added);
}

Tensor batch_norm_add_relu(torch::nn::BatchNorm2d& norm, const Tensor& x, const Tensor& added) {
  return can_fuse(norm, x, added) ? fused(norm, x, slope_of_relu(norm), added) : plain_norm(norm, x).add_(added).relu_();
}

}  // namespace aface
