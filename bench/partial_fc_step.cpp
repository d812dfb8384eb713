#include "bench/partial_fc_step.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "aface/core/stopwatch.h"

namespace aface::bench {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor unit_rows_of(const at::Tensor& rows) { return rows / rows.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12); }

// Mean cross entropy; the probabilities take the place of the logits, and their gradient is made in place.
struct CrossEntropy : torch::autograd::Function<CrossEntropy> {
  static at::Tensor forward(AutogradContext* context, at::Tensor logits, const at::Tensor& columns) {
    logits.sub_(logits.amax({1}, /*keepdim=*/true));
    logits.exp_();
    logits.div_(logits.sum({1}, /*keepdim=*/true));
    context->saved_data["probabilities"] = logits;
    context->saved_data["columns"] = columns;
    return -logits.gather(1, columns).clamp_min_(1e-30).log_().mean();
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    at::Tensor logits = context->saved_data["probabilities"].toTensor();
    const at::Tensor columns = context->saved_data["columns"].toTensor();
    at::Tensor one_hot = at::zeros(logits.sizes(), logits.options());
    one_hot.scatter_(1, columns, 1);
    logits.sub_(one_hot);
    logits.div_(static_cast<double>(logits.size(0)));
    return {logits * gradients[0], at::Tensor()};
  }
};

}  // namespace

PartialFcStep::PartialFcStep(std::int64_t num_identities, std::int64_t dim, std::uint64_t seed,
                             PartialFcOptions options)
    : options_(options) {
  at::manual_seed(seed);
  weight_ = at::empty({num_identities, dim}, at::kFloat).normal_(0, 0.01).requires_grad_(true);
  optimizer_ = std::make_unique<torch::optim::SGD>(
      std::vector<at::Tensor>{weight_},
      torch::optim::SGDOptions(0).momentum(options.momentum).weight_decay(options.weight_decay));
}

Laps PartialFcStep::step(const at::Tensor& embeddings, const at::Tensor& identities, double rate) {
  Laps ms;
  Stopwatch watch;
  const auto num_sampled = static_cast<std::int64_t>(options_.sample_rate * static_cast<double>(weight_.size(0)));
  at::Tensor sampled, columns;
  {
    const at::NoGradGuard no_grad;
    const at::Tensor own = std::get<0>(at::_unique(identities, /*sorted=*/true));
    at::Tensor rank = at::rand({weight_.size(0)});
    rank.index_fill_(0, own, 2.0);
    sampled = std::get<0>(std::get<1>(rank.topk(num_sampled)).sort());
    columns = at::searchsorted(sampled, identities).unsqueeze(1);
  }
  ms["sample"] = watch.lap_ms();

  at::Tensor logits = at::linear(unit_rows_of(embeddings), unit_rows_of(weight_.index_select(0, sampled))).clamp(-1, 1);
  {
    const at::NoGradGuard no_grad;
    logits.scatter_(1, columns, logits.gather(1, columns) - options_.margin);
  }
  logits = logits * options_.logit_scale;
  const at::Tensor loss = CrossEntropy::apply(logits, columns);
  ms["forward"] = watch.lap_ms();

  weight_.mutable_grad() = at::Tensor();
  loss.backward();
  ms["backward"] = watch.lap_ms();

  static_cast<torch::optim::SGDOptions&>(optimizer_->param_groups()[0].options()).lr(rate);
  optimizer_->step();
  ms["update"] = watch.lap_ms();
  return ms;
}

}  // namespace aface::bench
