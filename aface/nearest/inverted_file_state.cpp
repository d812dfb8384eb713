#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "aface/core/parallel.h"
#include "aface/nearest/inverted_file.h"
#include "aface/nearest/unit_row_check.h"

namespace aface {
namespace {

constexpr int kShift = 128;  // codes are signed, safetensors of ours are not

[[noreturn]] void fail(ErrorKind kind, const std::string& what) {
  throw Error(kind, "neighbour index file: " + what);
}

// FNV-1a's way of mixing, eight bytes at a time.
std::uint64_t digest_of_row(std::int32_t id, const std::int8_t* codes, std::size_t stride, float scale) {
  constexpr std::uint64_t kPrime = 0x9E3779B97F4A7C15ULL;
  std::uint64_t hash = static_cast<std::uint64_t>(id) * kPrime + 1;
  std::uint32_t scale_bits = 0;
  std::memcpy(&scale_bits, &scale, sizeof(scale_bits));
  const auto mix = [&](std::uint64_t word) {
    hash = (hash ^ word) * kPrime;
    hash ^= hash >> 29;
  };
  mix(scale_bits);
  for (std::size_t i = 0; i < stride; i += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, codes + i, sizeof(word));
    mix(word);
  }
  return hash;
}

std::uint64_t digest_of(const CodedLists& lists, int threads) {
  std::atomic<std::uint64_t> sum{0};
  parallel_for(static_cast<std::int64_t>(lists.lists()), 16, threads, [&](std::int64_t begin, std::int64_t end) {
    std::uint64_t part = 0;
    for (auto list = static_cast<std::size_t>(begin); list < static_cast<std::size_t>(end); ++list) {
      for (std::size_t b = 0; b < lists.blocks(list); ++b) {
        const CodedLists::Block block = lists.block(list, b);
        for (std::size_t i = 0; i < block.rows.rows; ++i) {
          part += digest_of_row(block.ids[i], block.rows.values + i * lists.stride(), lists.stride(), block.rows.scale[i]);
        }
      }
    }
    sum += part;
  });
  return sum;
}

void put_codes(NamedArrays& state, const std::string& name, const QuantisedGallery& codes) {
  std::vector<std::uint8_t> values;
  for (std::size_t c = 0; c < codes.rows; ++c) {
    for (std::size_t d = 0; d < codes.dim; ++d) {
      values.push_back(static_cast<std::uint8_t>(codes.values[c * codes.stride + d] + kShift));
    }
  }
  state.put(name, values, {static_cast<std::int64_t>(codes.rows), static_cast<std::int64_t>(codes.dim)});
  state.put(name + "_scale", codes.scale, {static_cast<std::int64_t>(codes.scale.size())});
}

QuantisedGallery get_codes(const NamedArrays& state, const std::string& name, std::size_t rows, std::size_t dim) {
  const auto values = state.get<std::uint8_t>(name);
  auto scale = state.get<float>(name + "_scale");
  if (values.size() != rows * dim || scale.size() < rows) {
    fail(ErrorKind::kFormat, fmt::format("'{}' has {} values and {} scales (expected {} rows of {}); build it anew", name,
                                         values.size(), scale.size(), rows, dim));
  }
  QuantisedGallery codes;
  make_room(rows + 3, dim, codes);  // blocks are read to the next multiple of four rows
  codes.rows = rows;
  std::copy_n(scale.begin(), rows, codes.scale.begin());
  for (std::size_t c = 0; c < rows; ++c) {
    std::int32_t sum = 0;
    for (std::size_t d = 0; d < dim; ++d) {
      const int code = values[c * dim + d] - kShift;
      if (code < -kCodeLevels || code > kCodeLevels) {
        fail(ErrorKind::kFormat, fmt::format("'{}' is damaged; build it anew", name));
      }
      codes.values[c * codes.stride + d] = static_cast<std::int8_t>(code);
      sum += code;
    }
    codes.offset[c] = kCodeShift * sum;
  }
  return codes;
}

}  // namespace

void InvertedFile::save(NamedArrays& state) const {
  std::vector<std::int32_t> list_of(size());
  for (std::size_t i = 0; i < size(); ++i) list_of[i] = lists_.place_of(i).list;
  state.metadata["nearest.kind"] = "inverted";
  state.put<std::int64_t>("nearest.shape", {static_cast<std::int64_t>(size()), static_cast<std::int64_t>(dim_),
                                            static_cast<std::int64_t>(centroids_.count())});
  state.put_scalar<std::uint64_t>("nearest.digest", digest_of(lists_, options_.threads));
  put_codes(state, "nearest.centroids", centroids_.codes());
  state.put("nearest.list_of", list_of);
}

void InvertedFile::load(const NamedArrays& state, const RowBlocks& rows) {
  if (state.text("nearest.kind") != "inverted") {
    fail(ErrorKind::kData, fmt::format("another kind of index (expected inverted, got {}); build it anew",
                                       state.text("nearest.kind")));
  }
  const auto shape = state.get<std::int64_t>("nearest.shape");
  if (shape.size() != 3 || shape[0] < 0 || shape[1] < 0 || shape[2] < 0 || shape[2] > shape[0]) {
    fail(ErrorKind::kFormat, "its shape is damaged; build it anew");
  }
  const auto count = static_cast<std::size_t>(shape[0]), dim = static_cast<std::size_t>(shape[1]);
  const auto lists = static_cast<std::size_t>(shape[2]);
  if (count != rows.rows || dim != rows.dim) {
    fail(ErrorKind::kData, fmt::format("made for another prototype set (expected {} x {}, got {} x {}); build it anew or use "
                                       "the prototypes it was made for",
                                       rows.rows, rows.dim, count, dim));
  }
  Centroids centroids(get_codes(state, "nearest.centroids", lists, dim));
  const auto list_of = state.get<std::int32_t>("nearest.list_of");
  const auto is_list = [&](std::int32_t list) { return list >= 0 && static_cast<std::size_t>(list) < lists; };
  if (list_of.size() != count || !std::all_of(list_of.begin(), list_of.end(), is_list)) {
    fail(ErrorKind::kFormat, "the lists of the rows are damaged; build it anew");
  }
  check_unit_rows(rows, "row", options_.threads);
  CodedLists coded = coded_lists_of(rows, lists, list_of, options_.threads);
  const auto saved = state.get_scalar<std::uint64_t>("nearest.digest");
  const std::uint64_t digest = digest_of(coded, options_.threads);
  if (saved != digest) {
    fail(ErrorKind::kData, fmt::format("made for another prototype set of the same shape {} x {} (expected digest {:016x}, "
                                       "got {:016x}); build it anew or use the prototypes it was made for",
                                       count, dim, digest, saved));
  }
  centroids_ = std::move(centroids);
  lists_ = std::move(coded);
  leads_.assign(count, 0.0F);
  dim_ = dim;
}

}  // namespace aface
