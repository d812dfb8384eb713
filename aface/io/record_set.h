#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/mapped_file.h"
#include "aface/io/image_record.h"

namespace aface {

// Images and labels packed for MXNet: faces.rec, with faces.idx beside it where there is one. Two layouts:
//   insightface's: key 0 and the last keys hold ranges of keys in place of images (ImageRecord::is_range);
//   plain: every record is an image.
// Both are read by what the records themselves say. Keys and ranges that key 0 holds as float32 are exact
// below 2^24 only, so they are compared and never relied on.
//
// Opening visits every record once (and so reads the file once, when it is not in memory already). The index
// is checked on the way: each entry must point at a record, and together they must fill the file. If it is
// missing or fails, it is made up by a scan, with the ids in the records as keys (or positions, if ids
// repeat). After opening, images may be read by any number of threads, without allocation but for split
// records.
class RecordSet {
 public:
  // `threads` 0: all cores. Throws Error{kIo}, Error{kFormat} "path@offset: ..." for a file that is cut short
  // or damaged, Error{kData} for a label that is no whole number from 0 to 2^24 - 1 or a set without images.
  explicit RecordSet(std::string path, int threads = 0);

  // Images in the order of their keys.
  std::int64_t num_images() const { return static_cast<std::int64_t>(images_.size()); }
  std::int64_t label(std::int64_t image) const { return at(image).label; }
  std::uint64_t key(std::int64_t image) const { return at(image).key; }
  std::uint64_t offset(std::int64_t image) const { return at(image).offset; }
  // The encoded picture: in the mapped file, or in `joined` when the record is split. Throws Error{kFormat}.
  Span<const unsigned char> image(std::int64_t image, std::vector<unsigned char>& joined) const;

  const std::string& path() const { return path_; }
  // Name of an identity: line `label` of <name>.identities beside the file (we write it), else the label.
  std::string identity_name(std::int64_t label) const;
  // What a person should know: an index made up, ranges or a property file that disagree. One line each.
  const std::vector<std::string>& remarks() const { return remarks_; }

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::uint64_t offset = 0;
    std::int32_t label = 0;
    bool is_range = false;
  };
  const Entry& at(std::int64_t image) const { return images_[static_cast<std::size_t>(image)]; }
  Span<const unsigned char> bytes() const { return {map_.data(), map_.size()}; }
  struct Visit {
    std::uint64_t id = 0;   // in the record
    std::uint64_t end = 0;  // of the record
  };
  // Reads the record at entry.offset into the rest of the entry.
  Visit visit(Entry& entry, std::vector<unsigned char>& joined) const;
  std::vector<Entry> entries_of_index(int threads) const;
  std::vector<Entry> entries_of_scan() const;
  void compare_with_key_0(const std::vector<Entry>& entries);
  void compare_with_property();
  void read_identity_names();

  std::string path_;
  MappedFile map_;
  std::vector<Entry> images_;
  std::vector<std::string> identity_names_;
  std::vector<std::string> remarks_;
};

// The line "num_classes,height,width" of the property file beside a .rec: <name>.property, or property for
// train.rec.
struct RecordProperty {
  std::int64_t num_classes = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
};
std::string record_property_path(const std::string& rec_path);
// Further lines, which shuffled sets have, are passed over. Throws Error{kIo}, or Error{kFormat} naming the
// file.
RecordProperty read_record_property(const std::string& path);
RecordProperty parse_record_property(const std::string& text, const std::string& path);

// "a/train.rec" -> "a/train.identities": one name a line, line k (from 0) for label k.
std::string record_identities_path(const std::string& rec_path);

}  // namespace aface
