#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// Rows in eight bits with a proven bound on what that costs, for scans that need exact answers but would pay
// for every product in float32: the eight-bit product says which pairs can matter at all, and only those are
// computed exactly.
//
// A row x of length 1 is held as scale * q + e. For two rows, |<a, b> - scale_a scale_b <q_a, q_b>| is at
// most |e_a| + (1 + |e_a|) |e_b| (Cauchy-Schwarz; `error` holds |e|, computed, not estimated).
//
// Probes hold q + 64 in 1 ... 127 and gallery rows q in -63 ... 63: eight_bit_products.h says why. Rows are
// `stride` values apart, the rest zeros.
constexpr int kCodeLevels = 63;
constexpr int kCodeShift = 64;

struct QuantisedProbes {
  std::size_t rows = 0;
  std::size_t dim = 0;
  std::size_t stride = 0;
  std::vector<std::uint8_t> values;  // row-major [rows, stride]
  std::vector<float> scale;          // [rows]
  std::vector<float> error;          // [rows]
};

struct QuantisedGallery {
  std::size_t rows = 0;
  std::size_t dim = 0;
  std::size_t stride = 0;
  std::vector<std::int8_t> values;   // row-major [rows, stride]
  std::vector<float> scale;          // [rows]; 0 for a row without direction
  std::vector<float> error;          // [rows]
  std::vector<std::int32_t> offset;  // [rows] 64 * sum of q: what the shift of the probes adds to a product
};

// Rows without codes yet; quantise_at() writes them, different threads different rows.
void make_room(std::size_t rows, std::size_t dim, QuantisedProbes& into);
void make_room(std::size_t rows, std::size_t dim, QuantisedGallery& into);
// Writes the codes of `rows` in the place of rows `first`, `first` + 1, ...
void quantise_at(RowMatrix rows, Span<const double> inverse_norms, std::size_t first, QuantisedProbes& into);
void quantise_at(RowMatrix rows, Span<const double> inverse_norms, std::size_t first, QuantisedGallery& into);

// One more row, of length 1, at the end.
void append_row(const float* row, QuantisedGallery& into);
// Row `i` goes and the last one takes its place.
void remove_row(std::size_t i, QuantisedGallery& from);

// What scans read of gallery rows; the values lie `stride` apart.
struct GalleryBlock {
  const std::int8_t* values = nullptr;
  const float* scale = nullptr;
  const std::int32_t* offset = nullptr;
  std::size_t rows = 0;
};

// `inverse_norms[i]` scales row i to length 1; 0 makes it a row of zeros. The memory of `into` is used again.
void quantise(RowMatrix rows, Span<const double> inverse_norms, QuantisedProbes& into);
void quantise(RowMatrix rows, Span<const double> inverse_norms, QuantisedGallery& into);

// The same codes as probes.
void probes_of(const QuantisedGallery& rows, QuantisedProbes& into);

// Copies of the probes `chosen` beside each other.
void gather_probes(const QuantisedProbes& probes, Span<const std::size_t> chosen, QuantisedProbes& into);

// out[i * out_stride + j] = scale_j <q_i, q_j>: the eight-bit product of probe `begin` + i and row j of the block, but
// for the factor of the probe's scale. At most kScoreRows rows in a block, whose values must be there (of any kind) up to
// the next multiple of 4 rows. The same bits however probes and rows are cut into blocks. One thread.
constexpr std::size_t kScoreRows = 32;
void eight_bit_scores(const QuantisedProbes& probes, std::size_t begin, std::size_t end, const GalleryBlock& block,
                      std::vector<std::int32_t>& products, float* out, std::size_t out_stride);

// Length of scale_a a - scale_b b, for codes of `stride` values: exact but for the rounding of doubles.
double distance_of_codes(const std::int8_t* a, float scale_a, const std::int8_t* b, float scale_b, std::size_t stride);

struct RowPair {
  std::int32_t probe = 0;
  std::int32_t gallery = 0;
  float most = 0;  // an upper bound of the product
};

// Appends to `found`, in an order that depends on nothing but the sizes, every pair whose product may reach
// cut[probe]: no pair with <a, b> >= cut is missing. probes [begin, end) only. One thread; `products` is
// working memory to use again.
void pairs_that_may_reach(const QuantisedProbes& probes, std::size_t begin, std::size_t end,
                          const QuantisedGallery& gallery, Span<const float> cut,
                          std::vector<std::int32_t>& products, std::vector<RowPair>& found);
// The same among gallery rows [first, last) only, `first` a multiple of kGalleryStep. Pairs of one probe come with
// ascending gallery rows.
constexpr std::size_t kGalleryStep = 256;
void pairs_that_may_reach(const QuantisedProbes& probes, std::size_t begin, std::size_t end,
                          const QuantisedGallery& gallery, std::size_t first, std::size_t last,
                          Span<const float> cut, std::vector<std::int32_t>& products,
                          std::vector<RowPair>& found);

}  // namespace aface
