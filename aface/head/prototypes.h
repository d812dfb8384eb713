#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/core/span.h"

namespace aface {

struct PrototypeOptions {
  double momentum = 0.9;
  double weight_decay = 5e-4;
};

// The [num_identities, dim] matrix of class weights with its own SGD:
//   v <- momentum v + g + weight_decay w,   w <- w - rate v   (torch.optim.SGD, dampening 0)
// for every row and step, but rows outside the active set are not touched: their missing steps (g = 0) are a linear
// recurrence in (w, v), applied exactly when the row is next used. So a sparse run equals the dense one.
class PrototypeTable {
 public:
  // Rows start as N(0, 1) / sqrt(dim) draws of a generator seeded by `seed` (the same on every device).
  PrototypeTable(std::int64_t num_identities, std::int64_t dim, std::uint64_t seed, PrototypeOptions options,
                 at::Device device);

  std::int64_t num_identities() const;
  std::int64_t dim() const;

  // Brings the rows up to date and returns a copy [ids.size(), dim] that requires grad; ids ascending, no repeats.
  // Backward fills its grad(); step() reads that.
  at::Tensor activate(Span<const std::int64_t> ids);

  // One optimiser step at `rate` for the whole table: the activated rows get their gradient, the others are only
  // remembered as one step older.
  void step(double rate);

  // Unit rows of the whole table, [num_identities, dim], detached copy on the CPU, contiguous float32.
  // Rows that are behind are caught up first.
  at::Tensor unit_rows();

  // Steps since the stalest row was last active, and the share of rows never active so far.
  std::int64_t stalest_age() const;
  double share_never_active() const;

  // Raw rows by identity, for tests and carrying prototypes into another run.
  at::Tensor rows();

  void save(NamedArrays& state) const;     // under "prototypes.*"
  void restore(const NamedArrays& state);  // throws Error{kFormat} when the shape differs
};

}  // namespace aface
