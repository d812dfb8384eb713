#include "aface/io/pickle_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "aface/core/error.h"
#include "aface/io/pickle_names.h"

namespace aface {
namespace {

using Kind = PickleValue::Kind;
using Number = std::uint32_t;  // of an object in Pickle::values

// The opcodes that data need, as Python's pickletools names them; the values are those of the format.
enum Opcode : unsigned char {
  kProto = 0x80,
  kFrame = 0x95,
  kStop = '.',
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong1 = 0x8a,
  kShortBinString = 'U',
  kBinString = 'T',  // byte strings of Python 2
  kShortBinBytes = 'C',
  kBinBytes = 'B',
  kBinBytes8 = 0x8e,
  kByteArray8 = 0x96,
  kShortBinUnicode = 0x8c,
  kBinUnicode = 'X',
  kBinUnicode8 = 0x8d,
  kMark = '(',
  kEmptyList = ']',
  kAppend = 'a',
  kAppends = 'e',
  kEmptyTuple = ')',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kBinPut = 'q',
  kLongBinPut = 'r',
  kMemoize = 0x94,
  kBinGet = 'h',
  kLongBinGet = 'j',
  kGlobal = 'c',
  kStackGlobal = 0x93,
  kReduce = 'R',
  kBuild = 'b'
};

class Reader {
 public:
  Reader(Span<const unsigned char> bytes, const std::string& place) : bytes_(bytes), place_(place) {}

  Pickle read() {
    if (bytes_.size() < 2 || bytes_[0] != kProto || bytes_[1] < 2 || bytes_[1] > 5) {
      fail("no pickle of protocol 2 to 5 begins here");
    }
    at_ = 2;
    for (;;) {
      opcode_at_ = at_;
      const unsigned char opcode = byte();
      if (opcode == kStop) break;
      if (!take_constant(opcode) && !take_container(opcode) && !take_memo(opcode) && !take_name(opcode)) {
        fail(fmt::format("opcode 0x{:02x} is not one that data need", opcode));
      }
    }
    pickle_.root = pop();
    if (!stack_.empty() || !marks_.empty()) fail("the pickle ends with objects left over");
    if (at_ != bytes_.size()) fail(fmt::format("{} bytes follow the end of the pickle", bytes_.size() - at_));
    return std::move(pickle_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kFormat,
                fmt::format("{}@{}: {}; the file is damaged, cut short, or not a set of images and flags",
                            place_, opcode_at_, what));
  }

  // --- bytes
  Span<const unsigned char> take(std::uint64_t count) {
    if (count > bytes_.size() - at_)
      fail(fmt::format("{} bytes are promised but {} are left", count, bytes_.size() - at_));
    const Span<const unsigned char> taken(bytes_.data() + at_, static_cast<std::size_t>(count));
    at_ += static_cast<std::size_t>(count);
    return taken;
  }
  unsigned char byte() { return take(1)[0]; }
  template <class T>
  T little_endian() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view line() {
    const unsigned char* begin = bytes_.data() + at_;
    const unsigned char* end = std::find(begin, bytes_.end(), static_cast<unsigned char>('\n'));
    if (end == bytes_.end()) fail("a name without its line end");
    at_ += static_cast<std::size_t>(end - begin) + 1;
    return {reinterpret_cast<const char*>(begin), static_cast<std::size_t>(end - begin)};
  }

  // --- stack
  void push_number(Number number) { stack_.push_back(number); }
  void push(PickleValue value) {
    if (pickle_.values.size() == kMaxPickleValues)
      fail(fmt::format("more than {} objects", kMaxPickleValues));
    push_number(static_cast<Number>(pickle_.values.size()));
    pickle_.values.push_back(std::move(value));
  }
  void push_integer(Kind kind, std::int64_t number) {
    PickleValue value;
    value.kind = kind;
    value.number = number;
    push(std::move(value));
  }
  void push_bytes(Kind kind, std::uint64_t count) {
    PickleValue value;
    value.kind = kind;
    value.bytes = take(count);
    push(std::move(value));
  }
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  Number top() const {
    if (stack_.size() == floor()) fail("an object is missing");
    return stack_.back();
  }
  Number pop() {
    const Number number = top();
    stack_.pop_back();
    return number;
  }
  std::vector<Number> pop_to_mark() {
    if (marks_.empty()) fail("a mark is missing");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Number> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }
  PickleValue& value(Number number) { return pickle_.values[number]; }

  // --- opcodes; each returns whether the opcode is one of its own
  bool take_constant(unsigned char opcode) {
    switch (opcode) {
      case kProto:
        fail("a second pickle begins");
      case kFrame: {  // only a hint for reading ahead, but a size that cannot be is damage
        const auto size = little_endian<std::uint64_t>();
        if (size > bytes_.size() - at_)
          fail(fmt::format("a frame of {} bytes, {} are left", size, bytes_.size() - at_));
        return true;
      }
      case kNone:
        push({});
        return true;
      case kNewTrue:
        push_integer(Kind::kBoolean, 1);
        return true;
      case kNewFalse:
        push_integer(Kind::kBoolean, 0);
        return true;
      case kBinInt:
        push_integer(Kind::kInteger, little_endian<std::int32_t>());
        return true;
      case kBinInt1:
        push_integer(Kind::kInteger, byte());
        return true;
      case kBinInt2:
        push_integer(Kind::kInteger, little_endian<std::uint16_t>());
        return true;
      case kLong1:
        push_integer(Kind::kInteger, long_number());
        return true;
      case kShortBinString:
      case kShortBinBytes:
        push_bytes(Kind::kBytes, byte());
        return true;
      case kBinString:  // the length is signed; a negative one is far more than is left
      case kBinBytes:
        push_bytes(Kind::kBytes, little_endian<std::uint32_t>());
        return true;
      case kBinBytes8:
      case kByteArray8:
        push_bytes(Kind::kBytes, little_endian<std::uint64_t>());
        return true;
      case kShortBinUnicode:
        push_bytes(Kind::kText, byte());
        return true;
      case kBinUnicode:
        push_bytes(Kind::kText, little_endian<std::uint32_t>());
        return true;
      case kBinUnicode8:
        push_bytes(Kind::kText, little_endian<std::uint64_t>());
        return true;
      default:
        return false;
    }
  }

  // Two's complement of up to eight bytes.
  std::int64_t long_number() {
    const std::size_t size = byte();
    if (size > sizeof(std::int64_t)) fail(fmt::format("an integer of {} bytes", size));
    const Span<const unsigned char> digits = take(size);
    std::uint64_t number = size > 0 && digits[size - 1] >= 0x80 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = size; i-- > 0;) number = number << 8 | digits[i];
    return static_cast<std::int64_t>(number);
  }

  bool take_container(unsigned char opcode) {
    switch (opcode) {
      case kMark:
        if (marks_.size() == kMaxPickleDepth)
          fail(fmt::format("more than {} open containers", kMaxPickleDepth));
        marks_.push_back(stack_.size());
        return true;
      case kEmptyList:
        push_integer(Kind::kList, 0);
        return true;
      case kEmptyTuple:
        push_integer(Kind::kTuple, 0);
        return true;
      case kAppend: {
        const Number item = pop();
        list_on_top().items.push_back(item);
        return true;
      }
      case kAppends: {
        const std::vector<Number> items = pop_to_mark();
        std::vector<Number>& list = list_on_top().items;
        list.insert(list.end(), items.begin(), items.end());
        return true;
      }
      case kTuple:
        push_tuple(pop_to_mark());
        return true;
      case kTuple1:
      case kTuple2:
      case kTuple3: {
        std::vector<Number> items(static_cast<std::size_t>(opcode - kTuple1) + 1);
        for (auto item = items.rbegin(); item != items.rend(); ++item) *item = pop();
        push_tuple(std::move(items));
        return true;
      }
      default:
        return false;
    }
  }
  PickleValue& list_on_top() {
    PickleValue& list = value(top());
    if (list.kind != Kind::kList) fail("items for an object that is no list");
    return list;
  }
  void push_tuple(std::vector<Number> items) {
    PickleValue tuple;
    tuple.kind = Kind::kTuple;
    tuple.items = std::move(items);
    push(std::move(tuple));
  }

  bool take_memo(unsigned char opcode) {
    switch (opcode) {
      case kBinPut:
        memo_[byte()] = top();
        return true;
      case kLongBinPut:
        memo_[little_endian<std::uint32_t>()] = top();
        return true;
      case kMemoize: {
        const Number number = top();
        memo_.emplace(static_cast<std::uint32_t>(memo_.size()), number);
        return true;
      }
      case kBinGet:
        push_remembered(byte());
        return true;
      case kLongBinGet:
        push_remembered(little_endian<std::uint32_t>());
        return true;
      default:
        return false;
    }
  }
  void push_remembered(std::uint32_t key) {
    const auto entry = memo_.find(key);
    if (entry == memo_.end()) fail(fmt::format("object {} is used before it is made", key));
    push_number(entry->second);
  }

  bool take_name(unsigned char opcode) {
    switch (opcode) {
      case kGlobal: {
        const std::string_view module = line();
        push_name(module, line());
        return true;
      }
      case kStackGlobal: {
        const Number name = pop(), module = pop();
        push_name(text_of(module), text_of(name));
        return true;
      }
      case kReduce: {
        const Number arguments = pop(), callable = pop();
        if (value(callable).kind != Kind::kName || value(arguments).kind != Kind::kTuple) {
          fail("a call of something that is no known name");
        }
        PickleCall call =
            call_pickle_name(static_cast<PickleName>(value(callable).number), value(arguments), pickle_);
        if (!call.complaint.empty()) fail(call.complaint);
        push(std::move(call.value));
        return true;
      }
      case kBuild: {
        const Number state = pop();
        const std::string complaint = set_pickle_state(value(top()), value(state), pickle_);
        if (!complaint.empty()) fail(complaint);
        return true;
      }
      default:
        return false;
    }
  }
  std::string_view text_of(Number number) {
    const PickleValue& text = value(number);
    if (text.kind != Kind::kText) fail("a name that is no text");
    return {reinterpret_cast<const char*>(text.bytes.data()), text.bytes.size()};
  }
  void push_name(std::string_view module, std::string_view name) {
    const std::optional<PickleName> known = find_pickle_name(module, name);
    if (!known)
      fail(fmt::format("the name '{}' stands for code, which is never run", printable(module, name)));
    push_integer(Kind::kName, static_cast<std::int64_t>(*known));
  }
  // One line of plain characters whatever the file holds.
  static std::string printable(std::string_view module, std::string_view name) {
    constexpr std::size_t kShown = 40;
    std::string text = fmt::format("{}.{}", module.substr(0, kShown), name.substr(0, kShown));
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
    return text;
  }

  const Span<const unsigned char> bytes_;
  const std::string& place_;
  std::size_t at_ = 0;
  std::size_t opcode_at_ = 0;
  Pickle pickle_;
  std::vector<Number> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, Number> memo_;
};

}  // namespace

Pickle read_pickle(Span<const unsigned char> bytes, const std::string& place) {
  return Reader(bytes, place).read();
}

}  // namespace aface
