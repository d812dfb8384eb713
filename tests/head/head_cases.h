#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "aface/core/random.h"
#include "aface/head/head.h"

// Small heads and random input for them, shared by the tests of this folder.
namespace aface {

inline constexpr std::int64_t kIdentities = 12, kDim = 5, kBatch = 7;

struct Case {
  std::string name;
  HeadOptions options;
  std::string form;  // of the reference
  bool own = false;  // one margin for each identity
};

// Every registered head at least once, with every form of its margin.
inline std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](const std::string& name, const std::string& kind, const std::string& form, double margin) -> Case& {
    Case c;
    c.name = name;
    c.form = form;
    c.options.kind = kind;
    c.options.margin = margin;
    all.push_back(c);
    return all.back();
  };
  add("softmax", "softmax", "cosine", 0);
  add("sphereface_1.35", "sphereface", "multiplied", 1.35);
  add("sphereface_3", "sphereface", "multiplied", 3);
  add("cosface", "cosface", "cosine", 0.35);
  add("arcface", "arcface", "angular", 0.5);
  for (const std::string form : {"cosine", "angular"}) {
    Case& c = add("adaptive_" + form, "adaptive_margin", form, 0);
    c.options.margin_form = form;
    c.own = true;
    Case& k = add("kappaface_" + form, "kappaface", form, 0.5);
    k.options.margin_form = form;
    k.own = true;
  }
  return all;
}

inline std::unique_ptr<Head> make(const HeadOptions& options) { return make_head(options, kIdentities, at::kCPU); }

inline at::Tensor normal(Random& random, std::vector<std::int64_t> shape) {
  at::Tensor t = at::empty(shape, at::kDouble);
  for (std::int64_t i = 0; i < t.numel(); ++i) t.data_ptr<double>()[i] = random.normal();
  return t;
}

inline at::Tensor ids(const std::vector<std::int64_t>& values) { return at::tensor(values, at::kLong); }

inline HeadInput random_input(std::uint64_t seed, const std::vector<std::int64_t>& active) {
  Random random(seed);
  HeadInput input;
  input.embeddings = normal(random, {kBatch, kDim});
  input.prototypes = normal(random, {static_cast<std::int64_t>(active.size()), kDim});
  input.active_ids = ids(active);
  std::vector<std::int64_t> targets;
  for (std::int64_t i = 0; i < kBatch; ++i) targets.push_back(random.below(static_cast<std::int64_t>(active.size())));
  targets[1] = targets[0];  // one identity twice, so that its margin's gradient is a sum
  input.targets = ids(targets);
  return input;
}

inline std::vector<std::int64_t> everyone() {
  std::vector<std::int64_t> active(kIdentities);
  std::iota(active.begin(), active.end(), 0);
  return active;
}
inline const std::vector<std::int64_t> kSubset = {1, 2, 5, 9, 11};

inline HeadInput with_grad(HeadInput input) {
  input.embeddings = input.embeddings.detach().clone().requires_grad_(true);
  input.prototypes = input.prototypes.detach().clone().requires_grad_(true);
  return input;
}

inline std::vector<double> read_margins(const Head& head) {
  NamedArrays state;
  head.save(state);
  return state.get<double>("head.margins");
}

inline void write_margins(Head& head, const std::vector<double>& margins) {
  NamedArrays state;
  head.save(state);
  state.put("head.margins", margins);
  head.restore(state);
}

inline std::vector<double> uneven_margins(std::uint64_t seed) {
  Random random(seed);
  std::vector<double> margins;
  for (std::int64_t i = 0; i < kIdentities; ++i) margins.push_back(random.uniform(0.1, 0.6));
  return margins;
}

inline std::vector<double> own_margins(const Case& c, const Head& head, const HeadInput& input) {
  if (!c.own) return std::vector<double>(kBatch, c.options.margin);
  const std::vector<double> margins = read_margins(head);
  std::vector<double> own;
  for (std::int64_t i = 0; i < kBatch; ++i) {
    own.push_back(margins[input.active_ids[input.targets[i].item<std::int64_t>()].item<std::int64_t>()]);
  }
  return own;
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

}  // namespace aface
