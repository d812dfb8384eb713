#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "aface/core/error.h"
#include "aface/nearest/index_rows.h"
#include "aface/nearest/inverted_file.h"

namespace aface {
namespace {

constexpr int kShift = 128;  // codes are signed, safetensors of ours are not

constexpr std::size_t kRowsAtOnce = 1024;
constexpr char kKind[] = "inverted";
constexpr char kShape[] = "nearest.shape";
constexpr char kCentroids[] = "nearest.centroids";
constexpr char kListOf[] = "nearest.list_of";
constexpr char kScales[] = "nearest.scales";
constexpr char kLeads[] = "nearest.leads";
constexpr char kCodes[] = "nearest.codes";

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kFormat, fmt::format("neighbour index: {}; use an earlier checkpoint", what));
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

// Codes as they are saved into `codes`; their sum.
std::int32_t read_codes(const std::string& name, const unsigned char* saved, std::size_t dim, std::int8_t* codes) {
  std::int32_t sum = 0;
  for (std::size_t d = 0; d < dim; ++d) {
    const int code = saved[d] - kShift;
    if (code < -kCodeLevels || code > kCodeLevels) fail(fmt::format("'{}' is damaged", name));
    codes[d] = static_cast<std::int8_t>(code);
    sum += code;
  }
  return sum;
}

QuantisedGallery get_codes(const NamedArrays& state, const std::string& name, std::size_t rows, std::size_t dim) {
  const auto values = state.get<std::uint8_t>(name);
  auto scale = state.get<float>(name + "_scale");
  if (values.size() != rows * dim || scale.size() < rows) {
    fail(fmt::format("'{}' has {} values and {} scales (expected {} rows of {})", name, values.size(), scale.size(), rows, dim));
  }
  QuantisedGallery codes;
  make_room(rows + 3, dim, codes);  // blocks are read to the next multiple of four rows
  codes.rows = rows;
  std::copy_n(scale.begin(), rows, codes.scale.begin());
  for (std::size_t c = 0; c < rows; ++c) {
    codes.offset[c] = kCodeShift * read_codes(name, &values[c * dim], dim, &codes.values[c * codes.stride]);
  }
  return codes;
}

}  // namespace

void InvertedFile::save(NamedArrays& state) const {
  const std::size_t rows = size();
  std::vector<std::int32_t> list_of(rows);
  std::vector<float> scales(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    list_of[i] = lists_.place_of(i).list;
    scales[i] = *lists_.row(static_cast<std::int32_t>(i)).scale;
  }
  put_index_kind(state, kKind);
  state.put<std::int64_t>(kShape, {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(dim_),
                                   static_cast<std::int64_t>(centroids_.count())});
  put_codes(state, kCentroids, centroids_.codes());
  state.put(kListOf, list_of);
  state.put(kScales, scales);
  state.put(kLeads, leads_);
  NamedArray codes;
  codes.type = DataType::kUint8;
  codes.shape = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(dim_)};
  codes.bytes = ArrayBytes::stored(rows * dim_, [this](std::size_t offset, std::size_t count, unsigned char* out) {
    while (count > 0) {
      const std::size_t row = offset / dim_, begin = offset % dim_, taken = std::min(count, dim_ - begin);
      const std::int8_t* values = lists_.row(static_cast<std::int32_t>(row)).values + begin;
      std::transform(values, values + taken, out, [](std::int8_t code) { return static_cast<unsigned char>(code + kShift); });
      out += taken;
      offset += taken;
      count -= taken;
    }
  });
  state.arrays[kCodes] = std::move(codes);
}

void InvertedFile::restore(const NamedArrays& state) {
  check_index_kind(state, kKind);
  const auto shape = state.get<std::int64_t>(kShape);
  if (shape.size() != 3 || shape[0] < 0 || shape[1] < 0 || shape[2] < 0 || shape[2] > shape[0] || shape[0] > INT32_MAX) {
    fail("its shape is damaged");
  }
  const auto rows = static_cast<std::size_t>(shape[0]), dim = static_cast<std::size_t>(shape[1]);
  const auto lists = static_cast<std::size_t>(shape[2]);
  QuantisedGallery centres = get_codes(state, kCentroids, lists, dim);
  const auto list_of = state.get<std::int32_t>(kListOf);
  const auto is_list = [&](std::int32_t list) { return list >= 0 && static_cast<std::size_t>(list) < lists; };
  if (list_of.size() != rows || !std::all_of(list_of.begin(), list_of.end(), is_list)) fail("the lists of the rows are damaged");
  const auto scales = state.get<float>(kScales);
  auto leads = state.get<float>(kLeads);
  const NamedArray& codes = state.at(kCodes);
  if (scales.size() != rows || leads.size() != rows || codes.type != DataType::kUint8 || codes.bytes.size() != rows * dim) {
    fail("the rows are damaged");
  }
  CodedLists coded(lists, rows, dim);
  for (std::size_t i = 0; i < rows; ++i) coded.append(static_cast<std::int32_t>(i), list_of[i]);
  std::vector<std::int8_t> values(coded.stride());
  std::vector<unsigned char> piece(kRowsAtOnce * dim);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t at = i % kRowsAtOnce;
    if (at == 0) codes.bytes.read(i * dim, std::min(kRowsAtOnce, rows - i) * dim, piece.data());
    const std::int32_t sum = read_codes(kCodes, &piece[at * dim], dim, values.data());
    coded.write(static_cast<std::int32_t>(i), values.data(), scales[i], kCodeShift * sum);
  }
  centroids_ = Centroids(std::move(centres));
  lists_ = std::move(coded);
  leads_ = std::move(leads);
  dim_ = dim;
}

}  // namespace aface
