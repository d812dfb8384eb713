#include "aface/nearest/coded_lists.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <numeric>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/kernel/eight_bit_products.h"

namespace aface {
namespace {

constexpr std::size_t kRows = kScoreRows;
constexpr std::size_t kSlabBlocks = 256;  // 4 MB of 512 values: few pages to look up, little waste
constexpr std::int64_t kCodedTogether = 256;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::size_t padded(std::size_t count, std::size_t to) { return (count + to - 1) / to * to; }

}  // namespace

void CodedLists::Free::operator()(unsigned char* slab) const { std::free(slab); }

CodedLists::CodedLists(std::size_t lists, std::size_t rows, std::size_t dim)
    : stride_(padded(dim, kEightBitPadding)),
      block_size_(kRows * (stride_ + sizeof(float) + 2 * sizeof(std::int32_t))),
      chains_(lists),
      places_(rows) {}

unsigned char* CodedLists::block_bytes(std::uint32_t block) const {
  return slabs_[block / kSlabBlocks].get() + block % kSlabBlocks * block_size_;
}

std::uint32_t CodedLists::take_block() {
  if (!free_blocks_.empty()) {
    const std::uint32_t block = free_blocks_.back();
    free_blocks_.pop_back();
    return block;
  }
  if (used_blocks_ == slabs_.size() * kSlabBlocks) {
    const std::size_t bytes = padded(kSlabBlocks * block_size_, kHugePage);
    auto* slab = static_cast<unsigned char*>(std::aligned_alloc(kHugePage, bytes));
    if (slab == nullptr) throw std::bad_alloc();
    slabs_.emplace_back(slab);
    // Lists are visited in any order: with small pages every block costs address look-ups. Only a hint.
    madvise(slab, bytes, MADV_HUGEPAGE);
  }
  return used_blocks_++;
}

CodedLists::Block CodedLists::block(std::size_t list, std::size_t index) const {
  const Chain& chain = chains_[list];
  const unsigned char* bytes = block_bytes(chain.blocks[index]);
  Block block;
  block.rows.values = reinterpret_cast<const std::int8_t*>(bytes);
  bytes += kRows * stride_;
  block.rows.scale = reinterpret_cast<const float*>(bytes);
  bytes += kRows * sizeof(float);
  block.rows.offset = reinterpret_cast<const std::int32_t*>(bytes);
  block.ids = block.rows.offset + kRows;
  block.rows.rows = index + 1 < chain.blocks.size() ? kRows : chain.rows - index * kRows;
  return block;
}

GalleryBlock CodedLists::row(std::int32_t id) const {
  const Place place = places_[static_cast<std::size_t>(id)];
  const auto slot = static_cast<std::size_t>(place.slot), at = slot % kRows;
  GalleryBlock row = block(static_cast<std::size_t>(place.list), slot / kRows).rows;
  row.values += at * stride_;
  row.scale += at;
  row.offset += at;
  row.rows = 1;
  return row;
}

void CodedLists::append(std::int32_t id, std::int32_t list) {
  Chain& chain = chains_[static_cast<std::size_t>(list)];
  const std::size_t slot = chain.rows;
  if (slot == chain.blocks.size() * kRows) {
    chain.blocks.push_back(take_block());
    // Scans read whole groups of rows; what they read beyond the last one is thrown away, but should be numbers.
    std::memset(block_bytes(chain.blocks.back()), 0, block_size_);
  }
  ++chain.rows;
  places_[static_cast<std::size_t>(id)] = {list, static_cast<std::int32_t>(slot)};
}

void CodedLists::remove(std::int32_t id) {
  const Place gap = places_[static_cast<std::size_t>(id)];
  const auto list = static_cast<std::size_t>(gap.list), slot = static_cast<std::size_t>(gap.slot);
  Chain& chain = chains_[list];
  const std::size_t last = chain.rows - 1;
  if (slot != last) {
    const Block from = block(list, last / kRows);
    const std::size_t at = last % kRows;
    const std::int32_t moved = from.ids[at];
    places_[static_cast<std::size_t>(moved)] = gap;
    write(moved, from.rows.values + at * stride_, from.rows.scale[at], from.rows.offset[at]);
  }
  chain.rows = last;
  if (last % kRows == 0) {
    free_blocks_.push_back(chain.blocks.back());
    chain.blocks.pop_back();
  }
}

void CodedLists::move(std::int32_t id, std::int32_t list) {
  remove(id);
  append(id, list);
}

void CodedLists::write(std::int32_t id, const std::int8_t* values, float scale, std::int32_t offset) {
  const Place place = places_[static_cast<std::size_t>(id)];
  AFACE_CHECK(place.list >= 0, "row {} has no place", id);
  const auto slot = static_cast<std::size_t>(place.slot), at = slot % kRows;
  unsigned char* bytes = block_bytes(chains_[static_cast<std::size_t>(place.list)].blocks[slot / kRows]);
  std::memcpy(bytes + at * stride_, values, stride_);
  bytes += kRows * stride_;
  std::memcpy(bytes + at * sizeof(float), &scale, sizeof(scale));
  bytes += kRows * sizeof(float);
  std::memcpy(bytes + at * sizeof(std::int32_t), &offset, sizeof(offset));
  bytes += kRows * sizeof(std::int32_t);
  std::memcpy(bytes + at * sizeof(std::int32_t), &id, sizeof(id));
}

void for_coded_blocks(const RowBlocks& rows, int threads,
                      const std::function<void(std::size_t, const QuantisedGallery&)>& work) {
  parallel_for(static_cast<std::int64_t>(rows.rows), kCodedTogether, threads, [&](std::int64_t begin, std::int64_t end) {
    const auto first = static_cast<std::size_t>(begin), count = static_cast<std::size_t>(end - begin);
    std::vector<float> values(count * rows.dim);
    rows.read(first, count, values.data());
    QuantisedGallery codes;
    quantise({values.data(), count, rows.dim}, std::vector<double>(count, 1.0), codes);
    work(first, codes);
  });
}

CodedLists coded_lists_of(const RowBlocks& rows, std::size_t lists, const std::vector<std::int32_t>& list_of, int threads) {
  CodedLists result(lists, rows.rows, rows.dim);
  // List by list, so that the blocks of a list follow each other in memory: that is how they are read.
  std::vector<std::int32_t> order(rows.rows);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return list_of[static_cast<std::size_t>(a)] < list_of[static_cast<std::size_t>(b)];
  });
  for (const std::int32_t id : order) result.append(id, list_of[static_cast<std::size_t>(id)]);
  for_coded_blocks(rows, threads, [&](std::size_t first, const QuantisedGallery& codes) {
    for (std::size_t i = 0; i < codes.rows; ++i) {
      result.write(static_cast<std::int32_t>(first + i), codes.values.data() + i * codes.stride, codes.scale[i],
                   codes.offset[i]);
    }
  });
  return result;
}

}  // namespace aface
