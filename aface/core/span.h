#pragma once

#include <cstddef>
#include <vector>

namespace aface {

// Non-owning view of contiguous values (std::span is C++20).
template <class T>
class Span {
 public:
  Span() = default;
  Span(T* data, std::size_t size) : data_(data), size_(size) {}
  template <class U>
  Span(const std::vector<U>& values) : data_(values.data()), size_(values.size()) {}
  template <class U>
  Span(std::vector<U>& values) : data_(values.data()), size_(values.size()) {}

  T* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() const { return data_; }
  T* end() const { return data_ + size_; }
  T& operator[](std::size_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

// Non-owning view of a row-major float matrix [rows, dim], rows contiguous.
struct RowMatrix {
  const float* data = nullptr;
  std::size_t rows = 0;
  std::size_t dim = 0;

  const float* row(std::size_t i) const { return data + i * dim; }
};

}  // namespace aface
