#include "aface/io/record_set.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/parallel.h"
#include "aface/io/record_index.h"
#include "aface/io/recordio.h"
#include "aface/io/text_list.h"

namespace aface {
namespace {

constexpr float kFirstInexact = 16777216.0f;  // 2^24: from here on float32 holds only some whole numbers

std::int32_t whole_label(float label, const std::string& path, std::uint64_t offset) {
  if (label >= 0 && label < kFirstInexact && label == std::floor(label))
    return static_cast<std::int32_t>(label);
  const char* hint = label >= kFirstInexact && std::isfinite(label)
                         ? "float32 labels tell identities apart only below 2^24; pack fewer identities"
                         : "the image has no identity; leave it out";
  throw Error(ErrorKind::kData,
              fmt::format("{}@{}: label {} (expected a whole number from 0 to 16777215); {}", path, offset,
                          label, hint));
}

template <class Entries>
bool have_different_keys(const Entries& entries) {
  std::vector<std::uint64_t> keys;
  keys.reserve(entries.size());
  for (const auto& entry : entries) keys.push_back(entry.key);
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) == keys.end();
}

}  // namespace

RecordSet::RecordSet(std::string path, int threads) : path_(std::move(path)), map_(path_) {
  std::vector<Entry> entries;
  const std::string index = record_index_path(path_);
  if (file_exists(index)) {
    try {
      entries = entries_of_index(threads);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kData) throw;  // the index is right, a label is not
      remarks_.push_back(
          fmt::format("{} does not fit {} and is made up from it ({})", index, path_, error.what()));
    }
  } else {
    remarks_.push_back(fmt::format("{} is not there and is made up from {}", index, path_));
  }
  if (entries.empty()) entries = entries_of_scan();
  if (!std::is_sorted(entries.begin(), entries.end(),
                      [](const Entry& a, const Entry& b) { return a.key < b.key; })) {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
  }
  if (!entries.empty()) compare_with_key_0(entries);
  entries.erase(
      std::remove_if(entries.begin(), entries.end(), [](const Entry& entry) { return entry.is_range; }),
      entries.end());
  if (entries.empty()) {
    throw Error(ErrorKind::kData,
                fmt::format("{}: no images in {} bytes; check the file", path_, map_.size()));
  }
  images_ = std::move(entries);
  compare_with_property();
  read_identity_names();
}

RecordSet::Visit RecordSet::visit(Entry& entry, std::vector<unsigned char>& joined) const {
  const RecordView view = read_record(bytes(), entry.offset, joined, path_);
  const ImageRecord record = parse_image_record(view.payload, path_, entry.offset);
  entry.is_range = record.is_range();
  if (!entry.is_range) entry.label = whole_label(record.first_label(), path_, entry.offset);
  return {record.id, view.end};
}

std::vector<RecordSet::Entry> RecordSet::entries_of_index(int threads) const {
  std::vector<Entry> entries;
  {
    const std::vector<RecordPlace> places = read_record_index(record_index_path(path_));
    entries.resize(places.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
      entries[i].key = places[i].key;
      entries[i].offset = places[i].offset;
    }
  }
  // By place, so that the file is read from front to back and gaps show.
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.offset < b.offset; });
  constexpr std::int64_t kGrain = 4096;
  const auto begin_of = [&](std::size_t i) {
    return i == 0 ? 0 : i < entries.size() ? entries[i].offset : std::uint64_t{map_.size()};
  };
  if (entries.empty() && map_.size() > 0) throw Error(ErrorKind::kFormat, "no entries");
  if (!entries.empty() && entries[0].offset != 0) {
    throw Error(ErrorKind::kFormat,
                fmt::format("the first entry points at {} (expected 0)", entries[0].offset));
  }
  parallel_for(static_cast<std::int64_t>(entries.size()), kGrain, threads,
               [&](std::int64_t begin, std::int64_t end) {
                 std::vector<unsigned char> joined;
                 for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
                   const std::uint64_t record_end = visit(entries[i], joined).end;
                   if (record_end != begin_of(i + 1)) {
                     throw Error(ErrorKind::kFormat,
                                 fmt::format("the record of key {} ends at {}, the next entry points at {}",
                                             entries[i].key, record_end, begin_of(i + 1)));
                   }
                 }
               });
  return entries;
}

std::vector<RecordSet::Entry> RecordSet::entries_of_scan() const {
  std::vector<Entry> entries;
  std::vector<unsigned char> joined;
  for (std::uint64_t at = 0; at < map_.size();) {
    Entry entry;
    entry.offset = at;
    const Visit visited = visit(entry, joined);
    entry.key = visited.id;
    at = visited.end;
    entries.push_back(entry);
  }
  if (!have_different_keys(entries)) {
    for (std::size_t i = 0; i < entries.size(); ++i) entries[i].key = i;
  }
  return entries;
}

Span<const unsigned char> RecordSet::image(std::int64_t image, std::vector<unsigned char>& joined) const {
  const std::uint64_t offset = at(image).offset;
  return parse_image_record(read_record(bytes(), offset, joined, path_).payload, path_, offset).body;
}

std::string RecordSet::identity_name(std::int64_t label) const {
  const auto line = static_cast<std::size_t>(label);
  return line < identity_names_.size() ? identity_names_[line] : fmt::format("{}", label);
}

void RecordSet::compare_with_key_0(const std::vector<Entry>& entries) {
  const auto is_range = [](const Entry& entry) { return entry.is_range; };
  const auto later = std::find_if(entries.begin() + 1, entries.end(), is_range);
  if (!entries.front().is_range || entries.front().key != 0) {
    if (later != entries.end()) {
      remarks_.push_back(
          fmt::format("{}: key {} holds a range of keys but key 0 does not; the file may be cut short", path_,
                      later->key));
    }
    return;
  }
  std::vector<unsigned char> joined;
  const RecordView view = read_record(bytes(), entries.front().offset, joined, path_);
  const ImageRecord header = parse_image_record(view.payload, path_, entries.front().offset);
  const std::uint64_t first = later == entries.end() ? entries.back().key + 1 : later->key;
  const std::uint64_t last = entries.back().key + 1;
  const double told_first = header.more_label(0), told_last = header.more_label(1);
  if (told_first != static_cast<double>(first) || told_last != static_cast<double>(last)) {
    const bool is_rounded =
        header.more_label(0) == static_cast<float>(first) && header.more_label(1) == static_cast<float>(last);
    remarks_.push_back(
        fmt::format("{}: key 0 says that ranges stand at keys {:.0f} to {:.0f}, they stand at {} to {}{}",
                    path_, told_first, told_last - 1, first, last - 1,
                    is_rounded ? " (float32 is exact below 2^24 only); taken as they stand"
                               : "; taken as they stand, but the file may have been changed or cut short"));
  }
  if (later != entries.end() && !std::all_of(later, entries.end(), is_range)) {
    remarks_.push_back(fmt::format(
        "{}: images follow the first range at key {}; other readers pass them over", path_, first));
  }
}

void RecordSet::compare_with_property() {
  const std::string property = record_property_path(path_);
  if (!file_exists(property)) return;
  std::int32_t largest = 0;
  for (const Entry& entry : images_) largest = std::max(largest, entry.label);
  try {
    const std::int64_t num_classes = read_record_property(property).num_classes;
    if (num_classes == largest + 1) return;
    remarks_.push_back(
        fmt::format("{} says {} identities, the largest label is {}; the file may be cut short, or another's",
                    property, num_classes, largest));
  } catch (const Error& error) {
    remarks_.push_back(error.what());
  }
}

void RecordSet::read_identity_names() {
  const std::string names = record_identities_path(path_);
  if (file_exists(names)) identity_names_ = read_text_list(names);
}

}  // namespace aface
