#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "aface/core/named_arrays.h"
#include "aface/core/span.h"
#include "aface/kernel/row_gradient.h"
#include "aface/prototype/prototype_table.h"

namespace aface {

// A table of prototypes with its optimiser, as a training loop sees it, wherever it is kept: see prototype_table.h for
// what it computes. One owner; reading may be done by several threads at once while nothing else is.
class Prototypes {
 public:
  virtual ~Prototypes() = default;

  virtual std::int64_t num_identities() const = 0;
  virtual std::int64_t dim() const = 0;

  // The rows of `ids` (ascending, no repeats, maybe none) as they are now, [ids.size(), dim], for HeadInput::prototypes. Valid until
  // step().
  virtual at::Tensor activate(Span<const std::int64_t> ids) = 0;

  // One optimiser step, after loss.backward() and with the head's HeadOutput::prototype_gradient. Where the rows require
  // grad, that is not set and the gradient is taken from them.
  virtual void step(double rate, const RowGradient& gradient) = 0;

  // Rows of length 1 on the CPU, as they are now, without changing the table.
  virtual void unit_rows(std::int64_t first, std::int64_t count, float* out) const = 0;  // of a block, out [count, dim]
  virtual void unit_rows(Span<const std::int64_t> ids, float* out) const = 0;            // out [ids.size(), dim]

  // Steps since the row that was active longest ago was so (never: since the start), and the share of rows never active.
  virtual std::int64_t stalest_age() const = 0;
  virtual double share_never_active() const = 0;

  // Everything, so that a restored run goes on bit for bit. Under "prototypes.*". Large arrays of `state` may be views of
  // the table: valid until it changes.
  virtual void save(NamedArrays& state) const = 0;
  virtual void restore(const NamedArrays& state) = 0;  // throws Error{kFormat} when the shape differs
};

// By PrototypeTable: float32 on the CPU, rows that do not require grad. Throws as its constructor does.
std::unique_ptr<Prototypes> make_flat_prototypes(std::int64_t num_identities, std::int64_t dim, std::uint64_t seed,
                                                 const PrototypeOptions& options);

}  // namespace aface
