#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// What MXNet puts into a record (recordio.h): 24 bytes
//   uint32 flag | float32 label | uint64 id | uint64 id2
// then `flag` further float32 labels, then the image as JPEG or PNG. With flag = 0 the label is `label`.
struct ImageRecord {
  std::uint32_t flag = 0;
  float label = 0;
  std::uint64_t id = 0;
  std::uint64_t id2 = 0;
  Span<const unsigned char> more_labels;  // [flag] float32, at any address
  Span<const unsigned char> body;

  float more_label(std::size_t i) const;
  // Whose the image is: `label`, or the first of several (older packers write whether it is aligned second).
  float first_label() const { return flag == 0 ? label : more_label(0); }
  // Of insightface: a record that holds a range of keys in place of an image.
  bool is_range() const { return flag >= 2 && body.empty(); }
};

// Views into `payload`, the record at `offset` of `path` (for messages). Throws Error{kFormat} "path@offset:
// ...".
ImageRecord parse_image_record(Span<const unsigned char> payload, const std::string& path,
                               std::uint64_t offset);

// Appends header and labels to `bytes`; the body is for the caller to append. flag is labels.size() unless it
// is 1, which is stored as flag 0.
void append_image_header(std::vector<unsigned char>& bytes, const std::vector<float>& labels,
                         std::uint64_t id, std::uint64_t id2);

}  // namespace aface
