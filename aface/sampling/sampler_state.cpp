#include "aface/sampling/sampler_state.h"

#include <fmt/core.h>

#include <utility>

namespace aface {

void put_sampler_header(NamedArrays& state, const std::string& kind, std::size_t num_samples) {
  state.metadata["sampler.kind"] = kind;
  state.put_scalar<std::int64_t>("sampler.num_samples", static_cast<std::int64_t>(num_samples));
}

void check_sampler_header(const NamedArrays& state, const std::string& kind, std::size_t num_samples) {
  const std::string& saved_kind = state.text("sampler.kind");
  if (saved_kind != kind) {
    throw Error(ErrorKind::kFormat, fmt::format("sampler state: expected kind '{}', got '{}'; set sampler.kind to it or "
                                                "start a new run", kind, saved_kind));
  }
  const auto saved_samples = state.get_scalar<std::int64_t>("sampler.num_samples");
  if (saved_samples != static_cast<std::int64_t>(num_samples)) {
    throw Error(ErrorKind::kFormat, fmt::format("sampler state: expected {} samples, got {}; it belongs to another data "
                                                "set", num_samples, saved_samples));
  }
}

void put_words(NamedArrays& state, const std::string& name, const std::vector<std::uint16_t>& words) {
  NamedArray array;
  array.type = DataType::kUint8;
  array.shape = {static_cast<std::int64_t>(words.size()), 2};
  array.bytes = ArrayBytes::view(words.data(), words.size() * sizeof(std::uint16_t));
  state.arrays[name] = std::move(array);
}

const ArrayBytes& word_bytes(const NamedArrays& state, const std::string& name, std::size_t count) {
  const NamedArray& array = state.at(name);
  if (array.type != DataType::kUint8 || array.bytes.size() != count * sizeof(std::uint16_t)) {
    throw Error(ErrorKind::kFormat,
                fmt::format("array '{}': expected {} bytes of type U8, got {} of type {}; it belongs to another data set",
                            name, count * sizeof(std::uint16_t), array.bytes.size(), type_name(array.type)));
  }
  return array.bytes;
}

}  // namespace aface
