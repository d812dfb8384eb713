#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// Where converted photos go.
class PhotoWriter {
 public:
  virtual ~PhotoWriter() = default;

  // One photo; identities begin at 0 and rise by at most one from call to call. `bytes` are those of a JPEG
  // or PNG and are stored as they are; `place` is what the photo is called in messages. Throws
  // Error{kIo|kData}.
  virtual void add(std::int64_t identity, Span<const unsigned char> bytes, const std::string& place) = 0;

  // Makes all visible under its name. Returns a remark for the user, or "".
  virtual std::string finish() = 0;
};

struct PhotoWriterOptions {
  std::string kind;                         // folder | rec | tar
  std::string path;                         // of the folder, of the .rec, or <name>.tar for <name>-000000.tar
  std::vector<std::string> identity_names;  // [num_identities]
  bool is_plain = false;                    // rec: without insightface's ranges
  std::int64_t shard_bytes = 1'000'000'000;  // tar: a shard is no longer
};

// Makes the folder around `path` if need be. Throws Error{kUsage|kIo|kData}: unknown kind, something is there
// already, names that cannot be folders.
std::unique_ptr<PhotoWriter> make_photo_writer(const PhotoWriterOptions& options);

// "jpg" or "png" by the first bytes; throws Error{kData} for anything else.
std::string picture_extension(Span<const unsigned char> bytes, const std::string& place);

// What the folder of an identity is called: its name, of a whole number seven digits, so that folders sort as
// labels do.
std::string identity_folder(const std::string& name);

}  // namespace aface
