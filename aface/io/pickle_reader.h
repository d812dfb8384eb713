#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// One object of a pickle. Containers hold numbers of other objects, so one object may stand in several of
// them.
struct PickleValue {
  enum class Kind { kNone, kBoolean, kInteger, kBytes, kText, kList, kTuple, kName, kElementType, kArray };
  Kind kind = Kind::kNone;
  std::int64_t number = 0;           // kBoolean: 0 or 1; kInteger; kName, kElementType: see pickle_names.h
  Span<const unsigned char> bytes;   // kBytes; kText: UTF-8; kArray: the elements
  std::vector<std::uint32_t> items;  // kList, kTuple: numbers of Pickle::values
};

// What a pickle holds. Bytes point into what was read, which must outlive it; those that had to be converted
// lie in `converted`.
struct Pickle {
  std::vector<PickleValue> values;
  std::uint32_t root = 0;
  std::deque<std::vector<unsigned char>> converted;

  Pickle() = default;
  Pickle(Pickle&&) = default;
  Pickle& operator=(Pickle&&) = default;  // not copied: a copy's bytes would point into the first one's

  const PickleValue& item(const PickleValue& container, std::size_t i) const {
    return values[container.items[i]];
  }
};

// Reads data out of a Python pickle of protocol 2 to 5 and runs nothing: it knows lists, tuples, numbers,
// texts and byte strings, and of all names only those that numpy's arrays of bytes, booleans and integers are
// made of (pickle_names.h); every other name is refused, as unpickling would call what it stands for. `place`
// begins messages. Throws Error{kFormat} with the offset for anything else, a cut or damaged file, more than
// kMaxPickleValues objects, kMaxPickleDepth open containers, or bytes after the end.
Pickle read_pickle(Span<const unsigned char> bytes, const std::string& place);

constexpr std::size_t kMaxPickleValues = 5'000'000;
constexpr std::size_t kMaxPickleDepth = 64;

}  // namespace aface
