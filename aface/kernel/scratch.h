#pragma once

#include <cstdint>
#include <new>

namespace aface {

// Values without a start value, at the start of a cache line.
template <class Value>
class Scratch {
 public:
  explicit Scratch(std::int64_t size)
      : values_(static_cast<Value*>(::operator new(static_cast<std::size_t>(size) * sizeof(Value), kLine))) {}
  ~Scratch() { ::operator delete(values_, kLine); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  Value* data() const { return values_; }

 private:
  static constexpr std::align_val_t kLine{64};
  Value* values_;
};

}  // namespace aface
