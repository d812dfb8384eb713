#include "aface/head/fused_classification.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/kernel/bf16_products.h"
#include "aface/kernel/fused_softmax.h"

namespace aface {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

RowMatrix view_rows(const at::Tensor& matrix) {
  return {matrix.data_ptr<float>(), static_cast<std::size_t>(matrix.size(0)), static_cast<std::size_t>(matrix.size(1))};
}

template <class T>
at::Tensor to_tensor(Span<const T> values, at::ScalarType type) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(values.size())}, type);
  std::copy(values.begin(), values.end(), tensor.template data_ptr<T>());
  return tensor;
}

// One classification, kept from the forward pass until its last gradient.
struct Classification : torch::CustomClassHolder {
  at::Tensor embeddings, prototypes;  // contiguous; `softmax` points into them
  std::unique_ptr<FusedSoftmax> softmax;
  std::vector<double> d_margin;  // [batch] d margined cosine / d margin
  int threads = 0;
  double loss_gradient = std::numeric_limits<double>::quiet_NaN();  // known after backward

  at::Tensor embedding_gradient() const {
    at::Tensor gradient = at::empty(embeddings.sizes(), at::kFloat);
    softmax->embedding_gradient(loss_gradient, gradient.data_ptr<float>());
    return gradient;
  }

  at::Tensor prototype_gradient() const {
    at::Tensor gradient = at::empty(prototypes.sizes(), at::kFloat);
    float* out = gradient.data_ptr<float>();
    const std::int64_t dim = prototypes.size(1);
    parallel_for(prototypes.size(0), kGradientBlock, threads, [&](std::int64_t begin, std::int64_t end) {
      softmax->prototype_gradient(loss_gradient, static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin),
                                  out + begin * dim);
    });
    return gradient;
  }

  at::Tensor margin_gradient() const {
    at::Tensor gradient = at::empty({static_cast<std::int64_t>(d_margin.size())}, at::kDouble);
    for (std::size_t i = 0; i < d_margin.size(); ++i) {
      gradient.data_ptr<double>()[i] = loss_gradient * softmax->value_gradients()[i] * d_margin[i];
    }
    return gradient;
  }
};

using SharedClassification = c10::intrusive_ptr<Classification>;

struct FusedMarginSoftmax : Function<FusedMarginSoftmax> {
  // Tensors are arguments so that autograd sees them; all the rest is in `made`.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& embeddings, const at::Tensor& /*prototypes*/,
                            const at::Tensor& /*margins*/, const SharedClassification& made) {
    context->saved_data["made"] = at::IValue::make_capsule(made);
    return at::full({}, made->softmax->loss(), embeddings.options());
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto made = c10::static_intrusive_pointer_cast<Classification>(context->saved_data["made"].toCapsule());
    made->loss_gradient = gradients[0].item<double>();
    variable_list result(4);
    if (context->needs_input_grad(0)) result[0] = made->embedding_gradient();
    if (context->needs_input_grad(1)) result[1] = made->prototype_gradient();
    if (context->needs_input_grad(2)) result[2] = made->margin_gradient();
    return result;
  }
};

FusedSoftmaxOptions kernel_options(const HeadInput& input, const HeadOptions& options) {
  FusedSoftmaxOptions result;
  result.logit_scale = options.logit_scale;
  if (options.precision == "fast") {
    result.bf16 = has_bf16_products();
    result.gradient_filter = options.gradient_filter;
  }
  result.filter_tolerance = options.filter_tolerance;
  result.keep_cosines = options.keep_cosines;
  result.want_rivals = input.want_rivals;
  result.ranks = input.ranks;
  if (options.precision == "exact") result.part_begins = input.part_begins;
  result.threads = at::get_num_threads();
  return result;
}

// Applies the margins to the own cosines and classifies.
SharedClassification make_classification(const HeadInput& input, const OwnMargins& margins, const HeadOptions& options) {
  auto made = c10::make_intrusive<Classification>();
  made->embeddings = input.embeddings.detach().contiguous();
  made->prototypes = input.prototypes.detach().contiguous();
  made->threads = at::get_num_threads();
  const at::Tensor targets = input.targets.contiguous();
  made->softmax = std::make_unique<FusedSoftmax>(
      view_rows(made->embeddings), view_rows(made->prototypes),
      Span<const std::int64_t>(targets.data_ptr<std::int64_t>(), static_cast<std::size_t>(targets.size(0))),
      kernel_options(input, options));
  const Span<const float> own = made->softmax->own_cosines();
  const at::Tensor values = margins.values.detach().contiguous();
  const double floor = angle_floor_of(at::kFloat);
  std::vector<double> margined(own.size()), slopes(own.size());
  made->d_margin.resize(own.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    const MarginedCosine m = margins.function(static_cast<double>(own[i]), values.data_ptr<double>()[i], floor);
    margined[i] = m.value;
    slopes[i] = m.d_cosine;
    made->d_margin[i] = targets.data_ptr<std::int64_t>()[i] < 0 ? 0 : m.d_margin;  // of another rank
  }
  made->softmax->classify(margined, slopes);
  return made;
}

}  // namespace

HeadOutput fused_classification(const HeadInput& input, const OwnMargins& margins, const HeadOptions& options) {
  const SharedClassification made = make_classification(input, margins, options);
  const FusedSoftmax& softmax = *made->softmax;
  HeadOutput output;
  output.loss = FusedMarginSoftmax::apply(input.embeddings, input.prototypes, margins.values, made);
  output.own_cosine = to_tensor(softmax.own_cosines(), at::kFloat);
  output.own_probability = to_tensor(softmax.own_probabilities(), at::kFloat);
  output.correct = to_tensor(softmax.correct(), at::kByte).to(at::kBool);
  output.filter = softmax.filter_report();
  if (input.want_rivals) {
    output.rivals = softmax.rivals();
    output.inverse_lengths.assign(softmax.inverse_lengths().begin(), softmax.inverse_lengths().end());
  }
  if (input.embeddings.requires_grad() && !input.prototypes.requires_grad()) {
    output.prototype_gradient = [made](std::size_t first, std::size_t count, float* out) {
      AFACE_CHECK(std::isfinite(made->loss_gradient), "prototype gradient before backward()");
      made->softmax->prototype_gradient(made->loss_gradient, first, count, out);
    };
  }
  return output;
}

}  // namespace aface
