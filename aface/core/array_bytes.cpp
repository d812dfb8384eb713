#include "aface/core/array_bytes.h"

#include <algorithm>
#include <cstring>

#include "aface/core/check.h"

namespace aface {

ArrayBytes ArrayBytes::view(const void* data, std::size_t size) {
  ArrayBytes bytes;
  bytes.view_ = static_cast<const unsigned char*>(data);
  bytes.size_ = size;
  return bytes;
}

ArrayBytes ArrayBytes::stored(std::size_t size, Read read) {
  ArrayBytes bytes;
  bytes.read_ = std::move(read);
  bytes.size_ = size;
  return bytes;
}

void ArrayBytes::read(std::size_t offset, std::size_t count, void* out) const {
  AFACE_CHECK(offset <= size_ && count <= size_ - offset, "{} bytes at {} of {}", count, offset, size_);
  if (count == 0) return;
  if (read_) {
    read_(offset, count, static_cast<unsigned char*>(out));
  } else {
    std::memcpy(out, data() + offset, count);
  }
}

void ArrayBytes::for_each_piece(const std::function<void(const void* data, std::size_t size)>& take) const {
  if (!read_) return take(data(), size_);
  constexpr std::size_t kPiece = std::size_t{4} << 20;
  std::vector<unsigned char> piece(std::min(kPiece, size_));
  for (std::size_t offset = 0; offset < size_; offset += piece.size()) {
    const std::size_t count = std::min(piece.size(), size_ - offset);
    read(offset, count, piece.data());
    take(piece.data(), count);
  }
}

std::vector<unsigned char> ArrayBytes::to_vector() const {
  std::vector<unsigned char> bytes(size_);
  copy_to(bytes.data());
  return bytes;
}

}  // namespace aface
