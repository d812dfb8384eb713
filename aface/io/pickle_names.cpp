#include "aface/io/pickle_names.h"

#include <fmt/core.h>

#include <array>
#include <cstring>

#include "aface/core/one_line.h"

namespace aface {
namespace {

using Kind = PickleValue::Kind;

struct NameRow {
  const char* module;
  const char* name;
  PickleName meaning;
};
constexpr std::array<NameRow, 9> kNames = {{
    {"numpy.core.multiarray", "_reconstruct", PickleName::kReconstruct},
    {"numpy._core.multiarray", "_reconstruct", PickleName::kReconstruct},
    {"numpy.core.numeric", "_frombuffer", PickleName::kFromBuffer},
    {"numpy._core.numeric", "_frombuffer", PickleName::kFromBuffer},
    {"numpy.core.multiarray", "scalar", PickleName::kScalar},
    {"numpy._core.multiarray", "scalar", PickleName::kScalar},
    {"numpy", "dtype", PickleName::kDtype},
    {"numpy", "ndarray", PickleName::kArrayClass},
    {"_codecs", "encode", PickleName::kEncode},
}};

struct ElementRow {
  const char* code;
  PickleElement type;
  std::size_t bytes;
};
constexpr std::array<ElementRow, 4> kElements = {{
    {"u1", PickleElement::kUint8, 1},
    {"b1", PickleElement::kBool, 1},
    {"i4", PickleElement::kInt32, 4},
    {"i8", PickleElement::kInt64, 8},
}};

// Python 2 writes names as byte strings, Python 3 as texts.
std::string_view words(const PickleValue& value) {
  if (value.kind != Kind::kText && value.kind != Kind::kBytes) return {};
  return {reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()};
}

// UTF-8 of code points below 256, two bytes at most, to one byte each.
bool to_latin1(Span<const unsigned char> text, std::vector<unsigned char>& bytes) {
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char first = text[i];
    if (first < 0x80) {
      bytes.push_back(first);
    } else {
      if ((first != 0xC2 && first != 0xC3) || ++i == text.size() || (text[i] & 0xC0) != 0x80) return false;
      bytes.push_back(static_cast<unsigned char>((first & 0x03) << 6 | (text[i] & 0x3F)));
    }
  }
  return true;
}

PickleCall refuse(std::string complaint) { return {{}, std::move(complaint)}; }

// Fills an array, or says why its parts do not fit.
std::string fill_array(PickleValue& array, const PickleValue& shape, const PickleValue& type,
                       const PickleValue& bytes, bool is_column_major, const Pickle& pickle) {
  if (type.kind != Kind::kElementType || shape.kind != Kind::kTuple || bytes.kind != Kind::kBytes)
    return "an array without its shape, type or bytes";
  const std::size_t wanted = bytes.bytes.size() / element_bytes(static_cast<PickleElement>(type.number));
  std::size_t count = 1, long_sides = 0;
  for (const std::uint32_t number : shape.items) {
    const PickleValue& side = pickle.values[number];
    if (side.kind != Kind::kInteger || side.number < 0) return "an array whose shape is no list of sizes";
    const auto size = static_cast<std::size_t>(side.number);
    long_sides += size > 1;
    if (size != 0 && count > wanted / size) return "an array with more elements than bytes";
    count *= size;
  }
  if (count * element_bytes(static_cast<PickleElement>(type.number)) != bytes.bytes.size())
    return fmt::format("an array of {} elements in {} bytes", count, bytes.bytes.size());
  if (is_column_major && long_sides > 1) return "an array stored column by column";
  array.kind = Kind::kArray;
  array.number = type.number;
  array.bytes = bytes.bytes;
  return "";
}

PickleCall make_element_type(const PickleValue& arguments, const Pickle& pickle) {
  const std::string_view code =
      arguments.items.empty() ? std::string_view() : words(pickle.item(arguments, 0));
  for (const ElementRow& row : kElements) {
    if (code != row.code) continue;
    PickleCall call;
    call.value.kind = Kind::kElementType;
    call.value.number = static_cast<std::int64_t>(row.type);
    return call;
  }
  return refuse(fmt::format("elements of numpy's type '{}' (expected u1, b1, i4 or i8)", one_line(code)));
}

PickleCall make_scalar(const PickleValue& arguments, const Pickle& pickle) {
  if (arguments.items.size() != 2) return refuse("a scalar without its type or bytes");
  const PickleValue &type = pickle.item(arguments, 0), &bytes = pickle.item(arguments, 1);
  if (type.kind != Kind::kElementType || bytes.kind != Kind::kBytes ||
      bytes.bytes.size() != element_bytes(static_cast<PickleElement>(type.number))) {
    return refuse("a scalar whose bytes are not those of its type");
  }
  PickleValue element;
  element.number = type.number;
  element.bytes = bytes.bytes;
  PickleCall call;
  call.value.kind =
      static_cast<PickleElement>(type.number) == PickleElement::kBool ? Kind::kBoolean : Kind::kInteger;
  call.value.number = pickle_integers(element).front();
  return call;
}

PickleCall make_array_from_buffer(const PickleValue& arguments, const Pickle& pickle) {
  if (arguments.items.size() != 4) return refuse("an array without its bytes, type, shape or order");
  PickleCall call;
  call.complaint = fill_array(call.value, pickle.item(arguments, 2), pickle.item(arguments, 1),
                              pickle.item(arguments, 0), words(pickle.item(arguments, 3)) != "C", pickle);
  return call;
}

PickleCall encode(const PickleValue& arguments, Pickle& pickle) {
  if (arguments.items.size() != 2 || pickle.item(arguments, 0).kind != Kind::kText ||
      words(pickle.item(arguments, 1)) != "latin1") {
    return refuse("a text to be encoded otherwise than as latin1");
  }
  std::vector<unsigned char> bytes;
  if (!to_latin1(pickle.item(arguments, 0).bytes, bytes)) return refuse("a text that has no latin1 form");
  pickle.converted.push_back(std::move(bytes));
  PickleCall call;
  call.value.kind = Kind::kBytes;
  call.value.bytes = pickle.converted.back();
  return call;
}

}  // namespace

std::optional<PickleName> find_pickle_name(std::string_view module, std::string_view name) {
  for (const NameRow& row : kNames) {
    if (module == row.module && name == row.name) return row.meaning;
  }
  return std::nullopt;
}

std::size_t element_bytes(PickleElement type) {
  for (const ElementRow& row : kElements) {
    if (row.type == type) return row.bytes;
  }
  return 1;
}

PickleCall call_pickle_name(PickleName name, const PickleValue& arguments, Pickle& pickle) {
  switch (name) {
    case PickleName::kReconstruct: {  // the arguments say nothing that its state will not say again
      PickleCall call;
      call.value.kind = Kind::kArray;
      call.value.number = static_cast<std::int64_t>(PickleElement::kUint8);
      return call;
    }
    case PickleName::kFromBuffer:
      return make_array_from_buffer(arguments, pickle);
    case PickleName::kScalar:
      return make_scalar(arguments, pickle);
    case PickleName::kDtype:
      return make_element_type(arguments, pickle);
    case PickleName::kEncode:
      return encode(arguments, pickle);
    case PickleName::kArrayClass:
      break;
  }
  return refuse("a call of numpy.ndarray");
}

std::string set_pickle_state(PickleValue& value, const PickleValue& state, const Pickle& pickle) {
  if (state.kind != Kind::kTuple) return "a state that is no tuple";
  if (value.kind == Kind::kElementType) {  // (version, byte order, ...)
    if (state.items.size() < 2) return "an element type without its byte order";
    const bool is_big_endian = words(pickle.item(state, 1)) == ">";
    const bool is_wide = element_bytes(static_cast<PickleElement>(value.number)) > 1;
    return is_big_endian && is_wide ? "big-endian numbers" : "";
  }
  if (value.kind == Kind::kArray) {  // (version, shape, type, whether column by column, bytes)
    if (state.items.size() != 5) return "an array whose state has not five parts";
    return fill_array(value, pickle.item(state, 1), pickle.item(state, 2), pickle.item(state, 4),
                      pickle.item(state, 3).number != 0, pickle);
  }
  return "a state for an object that has none";
}

std::vector<std::int64_t> pickle_integers(const PickleValue& array) {
  const std::size_t size = element_bytes(static_cast<PickleElement>(array.number));
  std::vector<std::int64_t> numbers;
  for (std::size_t at = 0; at + size <= array.bytes.size(); at += size) {
    const unsigned char* from = array.bytes.data() + at;
    std::int64_t number = *from;
    if (size == sizeof(std::int32_t)) {
      std::int32_t narrow = 0;
      std::memcpy(&narrow, from, size);
      number = narrow;
    } else if (size == sizeof(std::int64_t)) {
      std::memcpy(&number, from, size);
    }
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace aface
