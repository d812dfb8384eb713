#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace aface {

// The bytes of an array, wherever they are: owned; a view of memory that somebody else owns and leaves as it is as long
// as this (or a copy of it) is used; or in a file, from which they are read when asked for. Large arrays get to a disk
// and back without a second copy in memory.
class ArrayBytes {
 public:
  // Reads [offset, offset + count) into out; throws Error{kIo}.
  using Read = std::function<void(std::size_t offset, std::size_t count, unsigned char* out)>;

  ArrayBytes() = default;
  ArrayBytes(std::vector<unsigned char> bytes) : owned_(std::move(bytes)), size_(owned_.size()) {}
  static ArrayBytes view(const void* data, std::size_t size);
  static ArrayBytes stored(std::size_t size, Read read);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  void copy_to(void* out) const { read(0, size_, out); }
  void read(std::size_t offset, std::size_t count, void* out) const;
  // All bytes in order, in pieces: as they lie where they are in memory, copied piece by piece where they are not.
  void for_each_piece(const std::function<void(const void* data, std::size_t size)>& take) const;
  std::vector<unsigned char> to_vector() const;

  friend bool operator==(const ArrayBytes& a, const ArrayBytes& b) { return a.to_vector() == b.to_vector(); }

 private:
  const unsigned char* data() const { return view_ != nullptr ? view_ : owned_.data(); }

  std::vector<unsigned char> owned_;
  const unsigned char* view_ = nullptr;
  Read read_;
  std::size_t size_ = 0;
};

}  // namespace aface
