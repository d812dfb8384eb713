#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "aface/kernel/quantised_rows.h"
#include "aface/nearest/row_blocks.h"

namespace aface {

// Eight-bit rows sorted into lists, each row in exactly one. A list is a chain of blocks of kScoreRows rows from one
// pool, so that it grows and shrinks without anything being moved but the row that fills a gap. The order within a list
// depends on the history of place(); whoever scans must not depend on it.
class CodedLists {
 public:
  struct Place {
    std::int32_t list = -1;
    std::int32_t slot = -1;
  };
  struct Block {
    GalleryBlock rows;
    const std::int32_t* ids = nullptr;
  };

  CodedLists() = default;
  // All `places` empty; rows of `dim` values.
  CodedLists(std::size_t lists, std::size_t rows, std::size_t dim);

  std::size_t lists() const { return chains_.size(); }
  std::size_t rows() const { return places_.size(); }
  std::size_t stride() const { return stride_; }
  std::size_t size(std::size_t list) const { return chains_[list].rows; }
  std::size_t blocks(std::size_t list) const { return chains_[list].blocks.size(); }
  Block block(std::size_t list, std::size_t index) const;
  Place place_of(std::size_t id) const { return places_[id]; }
  // The code of one row.
  GalleryBlock row(std::int32_t id) const;

  // Makes room for row `id`, which has no place yet, at the end of `list`. write() must follow.
  void append(std::int32_t id, std::int32_t list);
  // Takes row `id` out of its list and to the end of another. write() must follow.
  void move(std::int32_t id, std::int32_t list);
  // Stores a code in the place of row `id`; different threads may write different rows.
  void write(std::int32_t id, const std::int8_t* values, float scale, std::int32_t offset);

 private:
  struct Chain {
    std::size_t rows = 0;
    std::vector<std::uint32_t> blocks;
  };
  struct Free {
    void operator()(unsigned char* slab) const;
  };

  unsigned char* block_bytes(std::uint32_t block) const;
  std::uint32_t take_block();
  void remove(std::int32_t id);

  std::size_t stride_ = 0;
  std::size_t block_size_ = 0;  // bytes: values, scales, offsets, ids
  std::vector<std::unique_ptr<unsigned char, Free>> slabs_;
  std::uint32_t used_blocks_ = 0;
  std::vector<std::uint32_t> free_blocks_;
  std::vector<Chain> chains_;
  std::vector<Place> places_;
};

// Calls work(first, codes) with the eight-bit unit rows first, first + 1, ... of each block of the source, on all threads.
void for_coded_blocks(const RowBlocks& rows, int threads,
                      const std::function<void(std::size_t first, const QuantisedGallery& codes)>& work);

// Row i in list list_of[i].
CodedLists coded_lists_of(const RowBlocks& rows, std::size_t lists, const std::vector<std::int32_t>& list_of, int threads);

}  // namespace aface
