#include "aface/head/margin_softmax.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/log_softmax.h>
#include <fmt/core.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <limits>

#include "aface/core/check.h"

namespace aface {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// C = U V^T with unit rows U = X / |X| and V = Y / |Y|. From G = d loss / d C,
//   d/dX = (G V - sum_j(G * C) U) / |X|,   d/dY = (G^T U - sum_i(G * C) V) / |Y|,
// which takes the sums over [batch, active] instead of over the rows, and no temporaries of the rows' size.
struct Cosines : Function<Cosines> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& y,
                            const at::Tensor& x_lengths, const at::Tensor& y_lengths) {
    const at::Tensor u = x / x_lengths, v = y / y_lengths;
    at::Tensor cosines = u.mm(v.t());
    context->save_for_backward({u, v, x_lengths, y_lengths, cosines});
    return cosines;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &u = saved[0], &v = saved[1], &x_lengths = saved[2], &y_lengths = saved[3], &g = gradients[0];
    const at::Tensor along = g * saved[4];
    at::Tensor for_x, for_y;
    if (context->needs_input_grad(0)) {
      for_x = g.mm(v).addcmul_(u, along.sum(1, /*keepdim=*/true), -1).div_(x_lengths);
    }
    if (context->needs_input_grad(1)) {
      for_y = g.t().mm(u).addcmul_(v, along.sum(0).unsqueeze(1), -1).div_(y_lengths);
    }
    return {for_x, for_y, at::Tensor(), at::Tensor()};
  }
};

// [rows, 1]. Lengths are finite and positive exactly when the rows are usable, so the check reads few numbers.
at::Tensor lengths_of(const at::Tensor& rows, const char* name) {
  at::Tensor lengths = rows.detach().norm(2, {1}, /*keepdim=*/true);
  const auto [low, high] = at::aminmax(lengths);
  const double shortest = low.item<double>(), longest = high.item<double>();
  if (!(shortest > 0) || !std::isfinite(longest)) {
    throw Error(ErrorKind::kNumeric,
                fmt::format("head: an {} is unusable (expected finite lengths above 0, got lengths from {} to {}); "
                            "lower the learning rate or look at the input",
                            name, shortest, longest));
  }
  return lengths;
}

double rounding_of(at::ScalarType type) {
  return type == at::kDouble ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
}

struct MarginSoftmax : Function<MarginSoftmax> {
  // Returns {loss, own_probability}.
  static variable_list forward(AutogradContext* context, const at::Tensor& cosines, const at::Tensor& own_margins,
                               const at::Tensor& targets, const at::Tensor& own_cosines, MarginFunction margin,
                               double scale) {
    const std::int64_t batch = cosines.size(0);
    const at::Tensor own = own_cosines.to(at::kCPU, at::kDouble).contiguous();
    const at::Tensor margins = own_margins.contiguous();
    const at::Tensor values = at::empty({batch}, own.options());
    const at::Tensor d_cosine = at::empty({batch}, own.options());
    const at::Tensor d_margin = at::empty({batch}, own.options());
    const double floor = angle_floor_for(rounding_of(cosines.scalar_type()));
    for (std::int64_t i = 0; i < batch; ++i) {
      const MarginedCosine m = margin(own.data_ptr<double>()[i], margins.data_ptr<double>()[i], floor);
      values.data_ptr<double>()[i] = m.value;
      d_cosine.data_ptr<double>()[i] = m.d_cosine;
      d_margin.data_ptr<double>()[i] = m.d_margin;
    }

    const at::Tensor column = targets.unsqueeze(1);
    const at::Tensor logits = cosines * scale;
    logits.scatter_(1, column, values.mul_(scale).to(cosines.options()).unsqueeze(1));
    const at::Tensor log_probability = at::log_softmax(logits, 1);
    const at::Tensor own_log = log_probability.gather(1, column).squeeze(1);
    const at::Tensor loss = own_log.mean().neg();
    const at::Tensor own_probability = own_log.exp();
    log_probability.exp_();  // from here on the probabilities; one [batch, active] buffer less

    context->save_for_backward({log_probability, column, own_log, d_cosine, d_margin});
    context->saved_data["scale_per_sample"] = scale / static_cast<double>(batch);
    context->mark_non_differentiable({own_probability});
    return {loss, own_probability};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &probability = saved[0], &column = saved[1], &own_log = saved[2], &d_cosine = saved[3],
                     &d_margin = saved[4];
    const at::Tensor factor = gradients[0] * context->saved_data["scale_per_sample"].toDouble();
    // p - 1 by expm1: no digits lost when p is close to 1.
    const at::Tensor own = own_log.to(at::kDouble).expm1() * factor;

    at::Tensor for_cosines, for_margins;
    if (context->needs_input_grad(0)) {
      for_cosines = probability * factor;
      for_cosines.scatter_(1, column, (own * d_cosine.to(own.device())).to(probability.scalar_type()).unsqueeze(1));
    }
    if (context->needs_input_grad(1)) for_margins = own.to(at::kCPU) * d_margin;
    return {for_cosines, for_margins, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

void check_input(const HeadInput& input) {
  AFACE_CHECK(input.embeddings.dim() == 2 && input.prototypes.dim() == 2, "embeddings and prototypes are matrices");
  AFACE_CHECK(input.embeddings.size(0) > 0 && input.prototypes.size(0) > 0, "nothing to classify");
  AFACE_CHECK(input.embeddings.size(1) == input.prototypes.size(1), "embeddings have {} values, prototypes {}",
              input.embeddings.size(1), input.prototypes.size(1));
  AFACE_CHECK(input.embeddings.scalar_type() == input.prototypes.scalar_type(), "embeddings and prototypes differ in type");
  AFACE_CHECK(input.targets.dim() == 1 && input.targets.size(0) == input.embeddings.size(0), "one target per embedding");
  AFACE_CHECK(input.active_ids.dim() == 1 && input.active_ids.size(0) == input.prototypes.size(0), "one id per prototype");
  AFACE_CHECK(input.targets.scalar_type() == at::kLong && input.active_ids.scalar_type() == at::kLong, "ids are int64");
  const auto [low, high] = at::aminmax(input.targets);
  AFACE_CHECK(low.item<std::int64_t>() >= 0 && high.item<std::int64_t>() < input.prototypes.size(0),
              "targets from {} to {}, but {} prototypes are active", low.item<std::int64_t>(), high.item<std::int64_t>(),
              input.prototypes.size(0));
}

at::Tensor cosines_of(const HeadInput& input) {
  return Cosines::apply(input.embeddings, input.prototypes, lengths_of(input.embeddings, "embedding"),
                        lengths_of(input.prototypes, "active prototype"));
}

HeadOutput margin_softmax(const at::Tensor& cosines, const at::Tensor& targets, const at::Tensor& own_margins,
                          MarginFunction margin, double logit_scale) {
  AFACE_CHECK(cosines.dim() == 2 && targets.sizes() == cosines.sizes().slice(0, 1) && own_margins.sizes() == targets.sizes(),
              "one target and one margin per row of cosines");
  AFACE_CHECK(own_margins.scalar_type() == at::kDouble && own_margins.device().is_cpu(), "margins are float64 on the CPU");
  HeadOutput output;
  output.cosines = cosines.detach();
  output.own_cosine = output.cosines.gather(1, targets.unsqueeze(1)).squeeze(1);
  output.correct = output.own_cosine.ge(output.cosines.amax(1));
  const variable_list results =
      MarginSoftmax::apply(cosines, own_margins, targets, output.own_cosine, margin, logit_scale);
  output.loss = results[0];
  output.own_probability = results[1];
  return output;
}

}  // namespace aface
