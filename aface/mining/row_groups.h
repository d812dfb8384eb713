#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "aface/kernel/quantised_rows.h"
#include "aface/mining/prototype_snapshot.h"

namespace aface {

// The codes of a snapshot ordered by group, and the centres of the groups. Position p holds the row of identity
// identities[p]; group g the positions [begins[g], begins[g + 1]), in order of identity.
struct RowGroups {
  QuantisedGallery codes;                // by position; values have eight_bit_kernel().columns rows more
  std::vector<std::int32_t> identities;  // [rows]
  std::vector<std::size_t> begins;       // [groups + 1]
  QuantisedGallery centres;              // [groups]; empty when there is one group

  std::size_t groups() const { return begins.size() - 1; }
};

// Rows go to the nearest centre; the centres come from a few rounds of k-means (by cosine) on a sample. The same for
// any number of threads. Returns early, with no groups, once stopped() says true.
RowGroups group_rows(const PrototypeSnapshot& rows, std::size_t groups, std::uint64_t seed, int threads,
                     const std::function<bool()>& stopped);

// Codes as probes, [count, stride].
void append_probe(PrototypeSnapshot::Code code, std::size_t stride, std::vector<std::uint8_t>& probes);

// scores[i * stride + j] = similarity of probe i and gallery row first + j, for rows [first, last), up to the scale of
// the probe. `products` is working memory.
void score_codes(const std::uint8_t* probes, std::size_t count, const QuantisedGallery& gallery, std::size_t first,
                 std::size_t last, std::vector<std::int32_t>& products, float* scores, std::size_t stride);

}  // namespace aface
