#include "aface/train/bad_tensor.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>
#include <ATen/record_function.h>

#include <map>
#include <memory>
#include <utility>

#include "aface/nn/plain_operations.h"
#include "aface/nn/torch_compat.h"

namespace aface {
namespace {

// Told of every operation that LibTorch runs on this thread while it lives. Only the outermost ones count: what they are
// made of is not the user's network.
class OutputWatch {
 public:
  explicit OutputWatch(const Backbone& backbone) {
    for (const auto& parameter : backbone.named_parameters()) names_[parameter.value().unsafeGetTensorImpl()] = parameter.key();
    watching = this;
    handle_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback(begin, end).needsInputs(true).needsOutputs(true).scopes({at::RecordScope::FUNCTION}));
  }
  ~OutputWatch() {
    at::removeCallback(handle_);
    watching = nullptr;
  }
  OutputWatch(const OutputWatch&) = delete;
  OutputWatch& operator=(const OutputWatch&) = delete;

  const std::optional<std::string>& first_bad() const { return first_bad_; }

 private:
  // What must be known at an operation's end of its beginning.
  struct Operation : at::ObserverContext {
    std::string parameter;
    bool has_input = false;
  };

  static std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
    auto operation = std::make_unique<Operation>();
    OutputWatch& watch = *watching;
    if (watch.depth_++ > 0) return operation;
    for (const c10::IValue& input : function.inputs()) {
      if (!input.isTensor() || !input.toTensor().defined()) continue;
      operation->has_input = true;
      const auto name = watch.names_.find(input.toTensor().unsafeGetTensorImpl());
      if (name != watch.names_.end() && operation->parameter.empty()) operation->parameter = name->second;
    }
    return operation;
  }

  static void end(const at::RecordFunction& function, at::ObserverContext* context) {
    OutputWatch& watch = *watching;
    if (--watch.depth_ > 0 || watch.first_bad_) return;
    const auto& operation = static_cast<const Operation&>(*context);
    const std::string name = function.name();
    // Memory that nothing was written to yet.
    if (!operation.has_input || name.find("empty") != std::string::npos) return;
    for (const c10::IValue& output : function.outputs()) {
      if (!output.isTensor() || !output.toTensor().defined() || !output.toTensor().is_floating_point()) continue;
      ++watch.depth_;  // the check's own operations
      const bool finite = is_finite(output.toTensor());
      --watch.depth_;
      if (finite) continue;
      watch.first_bad_ = operation.parameter.empty() ? name : name + " with " + operation.parameter;
      return;
    }
  }

  static thread_local OutputWatch* watching;
  std::map<const c10::TensorImpl*, std::string> names_;
  at::CallbackHandle handle_{};
  int depth_ = 0;
  std::optional<std::string> first_bad_;
};

thread_local OutputWatch* OutputWatch::watching = nullptr;

std::optional<std::string> first_bad(const torch::OrderedDict<std::string, at::Tensor>& tensors) {
  for (const auto& tensor : tensors) {
    if (!is_finite(tensor.value())) return tensor.key();
  }
  return std::nullopt;
}

}  // namespace

bool is_finite(const at::Tensor& values) { return at::isfinite(values.detach()).all().item<bool>(); }

std::optional<std::int64_t> first_bad_row(const at::Tensor& rows) {
  const at::Tensor bad = at::isfinite(rows.detach().flatten(1)).all(1).logical_not().nonzero();
  if (bad.numel() == 0) return std::nullopt;
  return bad[0].item<std::int64_t>();
}

std::optional<std::string> first_bad_parameter(const Backbone& backbone) {
  return first_bad(backbone.named_parameters());
}

std::optional<std::string> first_bad_buffer(const Backbone& backbone) { return first_bad(backbone.named_buffers()); }

std::optional<std::string> first_bad_gradient(const Backbone& backbone) {
  std::optional<std::string> last;
  for (const auto& parameter : backbone.named_parameters()) {
    const at::Tensor gradient = parameter.value().grad();
    if (gradient.defined() && !is_finite(gradient)) last = parameter.key();
  }
  return last;
}

std::optional<std::string> first_bad_output(Backbone& backbone, const at::Tensor& chips, bool bf16) {
  const at::NoGradGuard no_grad;
  const PlainOperationsGuard plain;
  const AutocastGuard autocast(chips.device(), bf16);
  const OutputWatch watch(backbone);
  backbone.forward(chips);
  return watch.first_bad();
}

}  // namespace aface
