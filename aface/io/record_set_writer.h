#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/file_writer.h"
#include "aface/core/span.h"

namespace aface {

enum class RecordLayout {
  kInsightface,  // with ranges (io/record_set.h), as arcface_torch and its mxnet predecessor read it
  kPlain         // images only, as im2rec and DALI have it
};

// Writes faces.rec and faces.idx, and beside them the property file and faces.identities. All appear when
// finish() is called, or not at all.
class RecordSetWriter {
 public:
  // Throws Error{kIo}.
  RecordSetWriter(const std::string& path, RecordLayout layout);

  // Images get the keys 1, 2, ... in the order of these calls (in the plain layout 0, 1, ...). Labels begin
  // at 0 and never fall in the order of the calls; nor do they leave a number out. Bytes are stored as they
  // are. Throws Error{kIo}, or Error{kData} for an image without bytes or of 512 MB, or a label that float32
  // does not hold.
  void add(std::int64_t label, Span<const unsigned char> image);

  // `identity_names` [number of labels], or empty: no such file. Height and width go into the property file.
  // Returns the layout written: plain for images whose ranges float32 would not hold. Throws Error{kIo}, or
  // Error{kData} without images.
  RecordLayout finish(std::int64_t height, std::int64_t width,
                      const std::vector<std::string>& identity_names);

 private:
  void add_record(std::uint64_t key, const std::vector<float>& labels, std::uint64_t id2,
                  Span<const unsigned char> body);
  void add_ranges();

  RecordLayout layout_;
  FileWriter rec_, idx_;
  std::uint64_t next_key_;
  std::vector<std::uint64_t> first_keys_;  // [labels so far]
  std::vector<unsigned char> payload_;
};

}  // namespace aface
