#pragma once

#include <string>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/core/random.h"

namespace aface {

// A generator's whole state as array `name` of four U64.
inline void put_random(NamedArrays& state, const std::string& name, const Random& random) {
  state.put<std::uint64_t>(name, {random.state().begin(), random.state().end()});
}

// Throws Error{kFormat} when the array is missing or not such a state.
inline Random::State get_random(const NamedArrays& state, const std::string& name) {
  const std::vector<std::uint64_t> words = state.get<std::uint64_t>(name);
  if (words.size() != 4) throw Error(ErrorKind::kFormat, "array '" + name + "': expected the 4 words of a generator");
  return {words[0], words[1], words[2], words[3]};
}

}  // namespace aface
