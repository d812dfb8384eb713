#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "aface/head/prototypes.h"
#include "aface/prototype/lazy_decay.h"

namespace aface {

// Prototypes in LibTorch tensors, of any float type and on any device, by LibTorch operations: for the head's plain
// engine, and as the reference of PrototypeTable. Rows handed out require grad, and their gradient is read from grad().
class TensorPrototypes final : public Prototypes {
 public:
  // Rows start with the draws of PrototypeTable, rounded to `type`. `options.folder` and `threads` are ignored.
  TensorPrototypes(std::int64_t num_identities, std::int64_t dim, std::uint64_t seed, const PrototypeOptions& options,
                   at::Device device, at::ScalarType type = at::kFloat);

  std::int64_t num_identities() const override { return weight_.size(0); }
  std::int64_t dim() const override { return weight_.size(1); }
  at::Tensor activate(Span<const std::int64_t> ids) override;
  void step(double rate, const RowGradient& gradient = RowGradient()) override;
  void unit_rows(std::int64_t first, std::int64_t count, float* out) const override;
  void unit_rows(Span<const std::int64_t> ids, float* out) const override;
  std::int64_t stalest_age() const override { return decay_.stalest_age(); }
  double share_never_active() const override { return decay_.share_never_active(); }
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;

  // All raw rows as they are now, a copy on the CPU.
  at::Tensor rows() const;

 private:
  struct Rows {
    at::Tensor weight, velocity;  // [count, dim]
  };
  // Copies of the rows, with all steps.
  Rows caught_up(Span<const std::int64_t> ids) const;
  at::Tensor index_of(Span<const std::int64_t> ids) const;
  void catch_up_all();

  PrototypeOptions options_;
  at::Tensor weight_, velocity_;  // [num_identities, dim], each row with the steps that decay_ says
  LazyDecay decay_;

  // Between activate() and step():
  std::vector<std::int64_t> active_ids_;
  Rows active_;  // with all ids the table itself
};

}  // namespace aface
