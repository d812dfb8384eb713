#include "aface/io/record_set_writer.h"

#include <fmt/core.h>

#include <filesystem>

#include "aface/core/check.h"
#include "aface/core/file.h"
#include "aface/io/image_record.h"
#include "aface/io/record_index.h"
#include "aface/io/record_set.h"
#include "aface/io/recordio.h"
#include "aface/io/text_list.h"

namespace aface {
namespace {

constexpr std::uint64_t kExact = std::uint64_t{1} << 24;  // whole numbers up to here are exact in float32

}  // namespace

RecordSetWriter::RecordSetWriter(const std::string& path, RecordLayout layout)
    : layout_(layout),
      rec_(path),
      idx_(record_index_path(path)),
      next_key_(layout == RecordLayout::kPlain ? 0 : 1) {}

void RecordSetWriter::add(std::int64_t label, Span<const unsigned char> image) {
  const auto num_labels = static_cast<std::int64_t>(first_keys_.size());
  AFACE_CHECK(label == num_labels || (label >= 0 && label + 1 == num_labels), "label {} after {} labels",
              label, num_labels);
  if (image.empty()) {
    throw Error(ErrorKind::kData,
                fmt::format("{}: image {} has no bytes; leave it out", rec_.path(), next_key_));
  }
  if (static_cast<std::uint64_t>(label) >= kExact) {
    throw Error(ErrorKind::kData,
                fmt::format("{}: more than {} identities; the format keeps labels as float32, which does not "
                            "tell them apart",
                            rec_.path(), kExact));
  }
  if (label == num_labels) first_keys_.push_back(next_key_);
  add_record(next_key_++, {static_cast<float>(label)}, 0, image);
}

void RecordSetWriter::add_record(std::uint64_t key, const std::vector<float>& labels, std::uint64_t id2,
                                 Span<const unsigned char> body) {
  idx_.write(fmt::format("{}\t{}\n", key, rec_.offset()));
  payload_.clear();
  append_image_header(payload_, labels, key, id2);
  payload_.insert(payload_.end(), body.begin(), body.end());
  write_record(rec_, payload_);
}

// One record for each identity, then key 0 with the keys of those.
void RecordSetWriter::add_ranges() {
  const std::uint64_t first_range = next_key_;
  for (std::size_t label = 0; label < first_keys_.size(); ++label) {
    const std::uint64_t end = label + 1 < first_keys_.size() ? first_keys_[label + 1] : first_range;
    add_record(next_key_++, {static_cast<float>(first_keys_[label]), static_cast<float>(end)}, 0, {});
  }
  constexpr std::uint64_t kIsHeader = 1;
  add_record(0, {static_cast<float>(first_range), static_cast<float>(next_key_)}, kIsHeader, {});
}

RecordLayout RecordSetWriter::finish(std::int64_t height, std::int64_t width,
                                     const std::vector<std::string>& identity_names) {
  const std::string rec_path = rec_.path();
  if (first_keys_.empty()) throw Error(ErrorKind::kData, fmt::format("{}: no images to write", rec_path));
  AFACE_CHECK(identity_names.empty() || identity_names.size() == first_keys_.size(), "{} names for {} labels",
              identity_names.size(), first_keys_.size());
  if (next_key_ + first_keys_.size() > kExact) layout_ = RecordLayout::kPlain;
  if (layout_ == RecordLayout::kInsightface) add_ranges();
  rec_.commit();
  idx_.commit();
  write_file_atomically(record_property_path(rec_path),
                        fmt::format("{},{},{}\n", first_keys_.size(), height, width));
  if (!identity_names.empty()) {
    write_text_list(record_identities_path(rec_path), identity_names);
  } else {
    std::filesystem::remove(record_identities_path(rec_path));  // of the set that was here before
  }
  return layout_;
}

}  // namespace aface
