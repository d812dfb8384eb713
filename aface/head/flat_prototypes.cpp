#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include "aface/head/prototypes.h"

namespace aface {
namespace {

class FlatPrototypes final : public Prototypes {
 public:
  FlatPrototypes(std::int64_t num_identities, std::int64_t dim, std::uint64_t seed, const PrototypeOptions& options)
      : table_(num_identities, dim, seed, options) {}

  std::int64_t num_identities() const override { return table_.num_identities(); }
  std::int64_t dim() const override { return table_.dim(); }

  at::Tensor activate(Span<const std::int64_t> ids) override {
    const RowMatrix rows = table_.activate(ids);
    if (rows.rows == 0) return at::empty({0, dim()}, at::kFloat);
    return at::from_blob(const_cast<float*>(rows.data),
                         {static_cast<std::int64_t>(rows.rows), static_cast<std::int64_t>(rows.dim)}, at::kFloat);
  }
  void step(double rate, const RowGradient& gradient) override { table_.step(rate, gradient); }

  void unit_rows(std::int64_t first, std::int64_t count, float* out) const override {
    table_.unit_rows(first, count, out);
  }
  void unit_rows(Span<const std::int64_t> ids, float* out) const override { table_.unit_rows(ids, out); }

  std::int64_t stalest_age() const override { return table_.stalest_age(); }
  double share_never_active() const override { return table_.share_never_active(); }
  void save(NamedArrays& state) const override { table_.save(state); }
  void restore(const NamedArrays& state) override { table_.restore(state); }

 private:
  PrototypeTable table_;
};

}  // namespace

std::unique_ptr<Prototypes> make_flat_prototypes(std::int64_t num_identities, std::int64_t dim, std::uint64_t seed,
                                                 const PrototypeOptions& options) {
  return std::make_unique<FlatPrototypes>(num_identities, dim, seed, options);
}

}  // namespace aface
