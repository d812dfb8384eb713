#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aface/io/pickle_reader.h"

namespace aface {

// The names that a pickle may use, by what they stand for. numpy 2 says numpy._core where numpy 1 says
// numpy.core.
enum class PickleName {
  kReconstruct,  // numpy.core.multiarray._reconstruct(numpy.ndarray, shape, code): an array to be filled by a
                 // state
  kFromBuffer,   // numpy.core.numeric._frombuffer(bytes, dtype, shape, order): an array (protocol 5)
  kScalar,       // numpy.core.multiarray.scalar(dtype, bytes): one element
  kDtype,        // numpy.dtype(code, ...): an element type, completed by a state
  kArrayClass,   // numpy.ndarray, as an argument only
  kEncode        // _codecs.encode(text, 'latin1'): how Python 3 writes bytes in protocol 2
};

// Nothing when the name is not one of these.
std::optional<PickleName> find_pickle_name(std::string_view module, std::string_view name);

// Elements of arrays: the code that follows the byte order in numpy's name of the type.
enum class PickleElement { kUint8, kBool, kInt32, kInt64 };
std::size_t element_bytes(PickleElement type);

// The value of calling `name` with these arguments, or a reason why it has none. Bytes that must be made are
// put into `pickle.converted`.
struct PickleCall {
  PickleValue value;
  std::string complaint;
};
PickleCall call_pickle_name(PickleName name, const PickleValue& arguments, Pickle& pickle);

// Completes an array or element type by its state. Returns a complaint, or "".
std::string set_pickle_state(PickleValue& value, const PickleValue& state, const Pickle& pickle);

// The elements of an array of integers or booleans, or the one number of a scalar's bytes.
std::vector<std::int64_t> pickle_integers(const PickleValue& array);

}  // namespace aface
